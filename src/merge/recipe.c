#include "hma/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "merge/methods.h"
#include "merge/recipe_parts.h"

hma_recipe_spec hma_recipe_spec_default(void) {
    return (hma_recipe_spec){.method = HMA_LINEAR,
                             .policy = HMA_POLICY_FULL,
                             .rounding = HMA_ROUND_NEAREST,
                             .dtype = HMA_DTYPE_STORED};
}

void hma_recipe_free(hma_recipe *recipe) {
    if (recipe) {
        hma_blocks_free(&recipe->blocks);
        hma_overrides_free(&recipe->overrides);
        free(recipe->ratio);
        free(recipe);
    }
}

static hma_status check_choices(const hma_recipe_spec *spec) {
    if (!hma_method_traits_of(spec->method) || !hma_policy_name(spec->policy) || !hma_rounding_name(spec->rounding)) {
        return hma_error(HMA_USAGE, "recipe: method, policy or rounding is not one that exists (expected the enumerations' "
                         "values): correct it");
    }
    if (spec->dtype != HMA_DTYPE_STORED && !hma_dtype_is_weight((hma_dtype)spec->dtype)) {
        return hma_error(HMA_USAGE, "dtype: a merge cannot be stored like that (expected F32, F16, BF16 or stored): choose "
                         "one");
    }
    if (spec->seed > HMA_MAX_SEED) {
        return hma_error(HMA_USAGE, "seed: %llu is too large (expected at most 2^53): choose a smaller one",
                         (unsigned long long)spec->seed);
    }
    return HMA_OK;
}

static hma_status check_ratio_count(const hma_recipe_spec *spec, size_t blocks) {
    if (spec->ratio_count == 1 || spec->ratio_count == blocks) {
        return HMA_OK;
    }
    return hma_error(HMA_USAGE, "ratios: %zu given for %zu blocks (expected one, or one for every block): make them agree",
                     spec->ratio_count, blocks);
}

/* Sum with the rounding error of every addition kept, so that the mean is the correctly rounded one. */
static double mean_of(const double *values, size_t count) {
    double sum = 0, error = 0;
    bool equal = true;
    for (size_t i = 0; i < count; i++) {
        const double next = sum + values[i];
        const double part = next - sum;
        error += (sum - (next - part)) + (values[i] - part);
        sum = next;
        equal = equal && values[i] == values[0];
    }
    return equal ? values[0] : (sum + error) / (double)count;
}

static hma_status make_ratios(hma_recipe *recipe, const hma_recipe_spec *spec) {
    const double most = hma_method_most_ratio(spec->method);
    recipe->ratio = HMA_NEW(double, recipe->blocks.count);
    if (!recipe->ratio) {
        return HMA_FAILURE;
    }
    for (size_t k = 0; k < recipe->blocks.count; k++) {
        char what[48];
        (void)snprintf(what, sizeof what, "ratio %zu", k + 1);
        recipe->ratio[k] = spec->ratios[spec->ratio_count == 1 ? 0 : k];
        const hma_status status = hma_ratio_check(&recipe->ratio[k], what, most);
        if (status != HMA_OK) {
            return status;
        }
    }
    recipe->mean_ratio = mean_of(recipe->ratio, recipe->blocks.count);
    return HMA_OK;
}

hma_status hma_recipe_build(hma_recipe **out, const hma_recipe_spec *spec, hma_blocks *blocks, hma_overrides *overrides) {
    hma_recipe *recipe = HMA_NEW(hma_recipe, 1);
    hma_recipe_spec filled = *spec;
    if (!recipe) {
        return HMA_FAILURE;
    }
    recipe->method = spec->method;
    recipe->policy = spec->policy;
    recipe->rounding = spec->rounding;
    recipe->dtype = spec->dtype;
    recipe->seed = spec->seed;
    recipe->layers = spec->layers;
    recipe->blocks = *blocks;
    recipe->overrides = *overrides;
    *blocks = (hma_blocks){0};
    *overrides = (hma_overrides){0};
    hma_status status = check_choices(spec);
    if (status == HMA_OK) {
        status = hma_method_settings_check(&filled);
    }
    if (status == HMA_OK) {
        recipe->density = filled.density;
        recipe->lambda = filled.lambda;
        recipe->base = filled.base;
        recipe->extra_rows = filled.extra_rows;
        status = check_ratio_count(spec, recipe->blocks.count);
    }
    if (status == HMA_OK) {
        status = make_ratios(recipe, spec);
    }
    if (status == HMA_OK) {
        status = hma_recipe_make_id(recipe);
    }
    if (status != HMA_OK) {
        hma_recipe_free(recipe);
        return status;
    }
    *out = recipe;
    return HMA_OK;
}

hma_status hma_recipe_new(hma_recipe **out, const hma_recipe_spec *spec) {
    hma_blocks blocks = {0};
    hma_overrides overrides = {0};
    hma_status status = HMA_OK;
    if (spec->ratio_count == 0) {
        status = hma_error(HMA_USAGE, "ratios: there are none (expected one, or one for every block): give them");
    }
    if (status == HMA_OK) {
        status = spec->blocks ? hma_blocks_parse(&blocks, spec->blocks, spec->layers)
                              : hma_blocks_split(&blocks, spec->ratio_count, spec->layers);
    }
    for (size_t i = 0; status == HMA_OK && i < spec->override_count; i++) {
        status = hma_overrides_add_text(&overrides, spec->overrides[i], hma_method_most_ratio(spec->method));
    }
    if (status == HMA_OK) {
        status = hma_recipe_build(out, spec, &blocks, &overrides);
    }
    hma_blocks_free(&blocks);
    hma_overrides_free(&overrides);
    return status;
}

hma_status hma_recipe_copy(hma_recipe **out, const hma_recipe *recipe) {
    hma_recipe *copy = HMA_NEW(hma_recipe, 1);
    if (!copy) {
        return HMA_FAILURE;
    }
    *copy = *recipe;
    copy->blocks = (hma_blocks){0};
    copy->overrides = (hma_overrides){0};
    copy->ratio = HMA_NEW(double, recipe->blocks.count);
    hma_status status = copy->ratio ? hma_blocks_copy(&copy->blocks, &recipe->blocks) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = hma_overrides_copy(&copy->overrides, &recipe->overrides);
    }
    if (status != HMA_OK) {
        hma_recipe_free(copy);
        return status;
    }
    memcpy(copy->ratio, recipe->ratio, recipe->blocks.count * sizeof *copy->ratio);
    *out = copy;
    return HMA_OK;
}

hma_status hma_recipe_unrounded(hma_recipe **out, const hma_recipe *recipe) {
    hma_recipe *copy;
    hma_status status = hma_recipe_copy(&copy, recipe);
    if (status != HMA_OK) {
        return status;
    }
    copy->dtype = HMA_F32;
    copy->rounding = HMA_ROUND_NEAREST;
    status = hma_recipe_make_id(copy);
    if (status != HMA_OK) {
        hma_recipe_free(copy);
        return status;
    }
    *out = copy;
    return HMA_OK;
}

const char *hma_recipe_id(const hma_recipe *recipe) { return recipe->id; }
size_t hma_recipe_layers(const hma_recipe *recipe) { return recipe->layers; }
size_t hma_recipe_blocks(const hma_recipe *recipe) { return recipe->blocks.count; }
size_t hma_recipe_block_start(const hma_recipe *recipe, size_t block) { return recipe->blocks.start[block]; }
double hma_recipe_block_ratio(const hma_recipe *recipe, size_t block) { return recipe->ratio[block]; }
double hma_recipe_mean_ratio(const hma_recipe *recipe) { return recipe->mean_ratio; }
hma_method hma_recipe_method(const hma_recipe *recipe) { return recipe->method; }
hma_policy hma_recipe_policy(const hma_recipe *recipe) { return recipe->policy; }
hma_rounding hma_recipe_rounding(const hma_recipe *recipe) { return recipe->rounding; }
int hma_recipe_dtype(const hma_recipe *recipe) { return recipe->dtype; }
uint64_t hma_recipe_seed(const hma_recipe *recipe) { return recipe->seed; }
double hma_recipe_density(const hma_recipe *recipe) { return recipe->density; }
double hma_recipe_lambda(const hma_recipe *recipe) { return recipe->lambda; }
hma_base hma_recipe_base(const hma_recipe *recipe) { return recipe->base; }
hma_extra_rows hma_recipe_extra_rows(const hma_recipe *recipe) { return recipe->extra_rows; }

double hma_recipe_layer_ratio(const hma_recipe *recipe, size_t layer) {
    return recipe->ratio[hma_blocks_find(&recipe->blocks, layer)];
}
