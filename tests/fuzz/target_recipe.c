/* A recipe file. Accepted: ratios lie in what the method takes, blocks in the layers, and the canonical form reads back to the
 * same recipe. */
#include <string.h>

#include "fuzz.h"
#include "hma/recipe.h"

enum { LAYERS = 26 };

static void check_ratios(const hma_recipe *recipe) {
    const size_t blocks = hma_recipe_blocks(recipe);
    const double most = hma_method_most_ratio(hma_recipe_method(recipe));
    fuzz_check(blocks >= 1 && blocks <= LAYERS && hma_recipe_block_start(recipe, 0) == 0, "there are blocks, from layer 0 on");
    for (size_t k = 1; k < blocks; k++) {
        fuzz_check(hma_recipe_block_start(recipe, k) > hma_recipe_block_start(recipe, k - 1), "blocks follow each other");
    }
    fuzz_check(hma_recipe_block_start(recipe, blocks - 1) < LAYERS, "blocks lie in the layers");
    for (size_t layer = 0; layer < LAYERS; layer++) {
        const double ratio = hma_recipe_layer_ratio(recipe, layer);
        fuzz_check(ratio >= 0 && ratio <= most, "ratios of layers lie in what the method takes");
    }
    const hma_tensor head = {.name = "lm_head.weight", .dtype = HMA_BF16, .rank = 2};
    const double ratio = hma_recipe_tensor_ratio(recipe, &head, false);
    fuzz_check(ratio >= 0 && ratio <= most, "ratios of tensors lie in what the method takes");
    fuzz_check(hma_recipe_density(recipe) > 0 && hma_recipe_density(recipe) <= 1, "density is a share");
    fuzz_check(hma_recipe_lambda(recipe) > 0 && hma_recipe_lambda(recipe) <= 4, "lambda is in its range");
    fuzz_check(hma_recipe_base(recipe) == HMA_BASE_PRE || hma_method_has_base(hma_recipe_method(recipe)),
               "only methods with a base have one");
}

static void run(const uint8_t *data, size_t size) {
    hma_recipe *recipe, *again;
    char *json, *second;
    if (!fuzz_succeeded(hma_recipe_parse(&recipe, (const char *)data, size, LAYERS, "fuzz"))) {
        return;
    }
    check_ratios(recipe);
    fuzz_check(hma_recipe_json(recipe, &json) == HMA_OK, "a recipe can be written");
    fuzz_check(hma_recipe_parse(&again, json, strlen(json), LAYERS, "canonical") == HMA_OK, "what was written can be read");
    fuzz_check(hma_recipe_json(again, &second) == HMA_OK && strcmp(json, second) == 0, "the canonical form is canonical");
    fuzz_check(strcmp(hma_recipe_id(recipe), hma_recipe_id(again)) == 0, "the id survives writing and reading");
    hma_text_free(json);
    hma_text_free(second);
    hma_recipe_free(recipe);
    hma_recipe_free(again);
}

static const char *const words[] = {FUZZ_JSON_WORDS,
                                    "\"method\":\"linear\",",
                                    "\"blocks\":",
                                    "\"hma\"",
                                    "\"layers\"",
                                    "\"8,17\"",
                                    "\"0,8\"",
                                    "\"ratio\":",
                                    "\"ratios\":[",
                                    "\"policy\":\"linear-only\",",
                                    "\"policy\":\"uniform-outside\",",
                                    "\"dtype\":\"BF16\",",
                                    "\"dtype\":\"stored\",",
                                    "\"method\":\"ties\",",
                                    "\"method\":\"dare\",",
                                    "\"method\":\"slerp\",",
                                    "\"method\":\"extrapolate\",",
                                    "\"method\":\"task-arithmetic\",",
                                    "\"density\":",
                                    "\"lambda\":",
                                    "\"base\":\"model\",",
                                    "\"base\":\"pre\",",
                                    "\"extra_rows\":\"post\",",
                                    "1.5,",
                                    "\"rounding\":\"stochastic\",",
                                    "\"seed\":9007199254740992",
                                    "\"tensors\":{",
                                    "\"*.[a-z]?\":",
                                    "0.5",
                                    "-0.0",
                                    "1e-320",
                                    "1e400",
                                    "\"schema\":\"hma-merge\",\"recipe\":{",
                                    "null",
                                    NULL};

const fuzz_target the_target = {.name = "recipe", .run = run, .words = words};
