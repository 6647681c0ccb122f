/* What a recipe is made of. Public side: hma/recipe.h. */
#ifndef HMA_MERGE_RECIPE_PARTS_H
#define HMA_MERGE_RECIPE_PARTS_H

#include "hma/recipe.h"
#include "merge/blocks.h"
#include "merge/overrides.h"

enum { HMA_RECIPE_ID_LENGTH = 16 };

/* JSON numbers are exact up to here, and a recipe must survive being written and read. */
#define HMA_MAX_SEED ((uint64_t)1 << 53)

struct hma_recipe {
    hma_method method;
    hma_policy policy;
    hma_rounding rounding;
    int dtype;
    uint64_t seed;
    double density, lambda; /* 1 where the method has none */
    hma_base base;
    hma_extra_rows extra_rows;
    size_t layers;
    hma_blocks blocks;
    double *ratio; /* [blocks.count] */
    double mean_ratio;
    hma_overrides overrides;
    char id[HMA_RECIPE_ID_LENGTH + 1];
};

/*
 * Makes a recipe of parts that have been read already; the spec's own `blocks` and `overrides` are not looked at. What the two
 * hold moves into the recipe, also when that fails.
 */
hma_status hma_recipe_build(hma_recipe **out, const hma_recipe_spec *spec, hma_blocks *blocks, hma_overrides *overrides);

/* The ratios of everything that is told apart by the policy, before overrides. */
typedef struct hma_policy_ratios {
    double embedding; /* a tied head follows it */
    double final_norm;
    double head; /* untied */
    double other;
    bool layer_matrices_only; /* norms and biases in layers stay pre */
} hma_policy_ratios;

hma_policy_ratios hma_recipe_policy_ratios(const hma_recipe *recipe);

/* Whether the policy keeps a tensor as pre has it, whatever the method makes of ratio 0. */
bool hma_recipe_tensor_stays_pre(const hma_recipe *recipe, const hma_tensor *tensor, bool tied_head);

/* Fills recipe->id from everything else. */
hma_status hma_recipe_make_id(hma_recipe *recipe);

/* "stored", or the name of the weight type. */
const char *hma_recipe_dtype_name(int dtype);

#endif
