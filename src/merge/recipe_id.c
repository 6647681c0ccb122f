/*
 * The id of a recipe: a hash of what it does. The text that is hashed is part of the contract with journals that exist:
 * changing it gives every candidate another id.
 */
#include <string.h>

#include "base/buffer.h"
#include "base/sha256.h"
#include "merge/methods.h"
#include "merge/recipe_parts.h"

static void add_ratio(hma_buffer *text, const char *what, double ratio) {
    hma_buffer_text(text, what);
    hma_buffer_json_double(text, ratio);
    hma_buffer_char(text, '\n');
}

/* Of methods that have them; a linear merge of equal vocabularies has the id that it always had. */
static void describe_settings(hma_buffer *text, const hma_recipe *recipe) {
    if (hma_method_has_density(recipe->method) && !hma_recipe_is_linear(recipe)) {
        add_ratio(text, "density ", recipe->density);
    }
    if (hma_method_has_lambda(recipe->method) && !hma_recipe_is_linear(recipe)) {
        add_ratio(text, "lambda ", recipe->lambda);
        hma_buffer_printf(text, "base %s\n", hma_base_name(recipe->base));
    }
    if (recipe->extra_rows != HMA_EXTRA_ROWS_NONE) {
        hma_buffer_printf(text, "extra-rows %s\n", hma_extra_rows_name(recipe->extra_rows));
    }
}

/* One line for each thing that decides about a weight; block boundaries and policy names are not among them. */
static void describe(hma_buffer *text, const hma_recipe *recipe) {
    const hma_policy_ratios outside = hma_recipe_policy_ratios(recipe);
    hma_buffer_printf(text, "method %s\nrounding %s\n",
                      hma_method_name(hma_recipe_is_linear(recipe) ? HMA_LINEAR : recipe->method),
                      hma_rounding_name(recipe->rounding));
    describe_settings(text, recipe);
    if (hma_recipe_uses_seed(recipe)) {
        hma_buffer_printf(text, "seed %llu\n", (unsigned long long)recipe->seed);
    }
    hma_buffer_printf(text, "dtype %s\n", hma_recipe_dtype_name(recipe->dtype));
    add_ratio(text, "embedding ", outside.embedding);
    add_ratio(text, "final-norm ", outside.final_norm);
    add_ratio(text, "head ", outside.head);
    add_ratio(text, "other ", outside.other);
    for (size_t layer = 0; layer < recipe->layers; layer++) {
        const double ratio = hma_recipe_layer_ratio(recipe, layer);
        add_ratio(text, "layer ", ratio);
        add_ratio(text, "layer-norms-and-biases ", outside.layer_matrices_only ? 0 : ratio);
    }
    for (size_t i = 0; i < recipe->overrides.count; i++) {
        const hma_override *override = &recipe->overrides.list[i];
        hma_buffer_text(text, "tensor ");
        hma_buffer_json_text(text, override->glob, strlen(override->glob));
        add_ratio(text, " ", override->ratio);
    }
}

hma_status hma_recipe_make_id(hma_recipe *recipe) {
    hma_buffer text = {0};
    char digest[65];
    describe(&text, recipe);
    hma_status status = hma_buffer_ok(&text);
    if (status == HMA_OK) {
        status = hma_sha256_of(hma_buffer_cstr(&text), text.length, digest);
    }
    if (status == HMA_OK) {
        memcpy(recipe->id, digest, HMA_RECIPE_ID_LENGTH);
        recipe->id[HMA_RECIPE_ID_LENGTH] = 0;
    }
    hma_buffer_free(&text);
    return status;
}
