/*
 * Recipes: everything that determines the weights of a merge, apart from the two checkpoints themselves.
 *
 * ratio = weight of POST, in [0,1]: 0 is pre, 1 is post. (The HMA paper's code and its "alpha = 0.2" weight pre.) Only the
 * method extrapolate takes ratios beyond 1, up to 2.
 *
 * The L layers are cut into K blocks of consecutive layers; every block has one ratio (heterogeneous model averaging,
 * Lin et al., "Mitigating the Alignment Tax of RLHF", section 5). What lies outside the layers follows the policy.
 * mean ratio = mean over the K blocks, as in the paper's Omega.
 *
 * Thread rule: a recipe does not change after it has been made; share it freely.
 */
#ifndef HMA_RECIPE_H
#define HMA_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/checkpoint.h"
#include "hma/error.h"
#include "hma/text.h" /* hma_text_free() */

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hma_recipe hma_recipe;

/*
 * How two weights become one. a is the ratio, d the density, l lambda; everything is computed in fp64 and rounded once.
 * "Deltas" are differences from the base, element by element, which is pre unless the recipe says that a third model is.
 *
 *   linear           (1-a) pre + a post
 *   extrapolate      the same with 0 <= a <= 2: beyond post for a > 1 (ExPO: Zheng et al., "Model Extrapolation Expedites
 *                    Alignment"; their alpha is a - 1)
 *   slerp            sin((1-a)W)/sin W pre + sin(aW)/sin W post, W the angle between the two tensors; linear where |cos W| is
 *                    above 0.9995 or a tensor is all zero. Tensors of an RLHF pair are nearly parallel: slerp is then linear
 *   task-arithmetic  base pre: pre + l a (post - pre)
 *                    base model: base + l ((1-a) (pre - base) + a (post - base))
 *                    (Ilharco et al., "Editing Models with Task Arithmetic")
 *   ties             base pre: pre + l a trim(post - pre)
 *                    base model: base + l (sum of w D) / (sum of w), D = trim(pre - base), trim(post - base), w = 1-a, a, over
 *                    those D whose sign is that of (1-a) D_pre + a D_post, a sum of 0 counting as positive
 *                    trim keeps the share d of a tensor's elements that are largest in magnitude and makes the others 0; of
 *                    several that are equal at the border the seed draws as many as fit, each with the same probability
 *                    (Yadav et al., "TIES-Merging")
 *   dare             base pre: pre + l a m (post - pre) / d
 *                    base model: base + l ((1-a) m (pre - base) + a m' (post - base)) / d
 *                    m, m' are 1 with probability d, else 0, independent for every element, drawn by (seed, tensor name, index)
 *                    (Yu et al., "Language Models are Super Mario": drop rate 1 - d, unbiased)
 *
 * At a = 0 and a = 1 bits of pre and post are copied by linear, extrapolate, slerp, and by the others where their formula gives
 * pre or post: with base pre at a = 0, and at a = 1 with l = 1 and d = 1; with base model at l = 1 and d = 1. Elements in which
 * all models have the same bits pass as they are, under every method but slerp of tensors that are not nearly parallel.
 */
typedef enum hma_method {
    HMA_LINEAR = 0,
    HMA_EXTRAPOLATE,
    HMA_SLERP,
    HMA_TASK_ARITHMETIC,
    HMA_TIES,
    HMA_DARE,
    HMA_METHODS /* how many there are */
} hma_method;

/* What deltas are taken from. */
typedef enum hma_base {
    HMA_BASE_PRE = 0,
    HMA_BASE_MODEL /* a third checkpoint, given beside the recipe */
} hma_base;

/* Whose the rows of embedding and head are that only one of the two has; the others are merged. */
typedef enum hma_extra_rows {
    HMA_EXTRA_ROWS_NONE = 0, /* vocabularies must have the same size */
    HMA_EXTRA_ROWS_PRE,
    HMA_EXTRA_ROWS_POST
} hma_extra_rows;

/* Which ratio the tensors outside the layers take, and what the norms inside layers do. */
typedef enum hma_policy {
    HMA_POLICY_FULL = 0,       /* embeddings: first block; final norm and head: mean; norms: their layer's; a tied head
                                  follows the embedding */
    HMA_POLICY_LINEAR_ONLY,    /* the paper's HMA script: only the matrices of linear maps in layers are averaged, the head
                                  takes the mean, embeddings, norms and biases stay pre */
    HMA_POLICY_UNIFORM_OUTSIDE /* everything outside the layers takes the mean */
} hma_policy;

typedef enum hma_rounding {
    HMA_ROUND_NEAREST = 0, /* to nearest, ties to even, straight from fp64 to the output type */
    HMA_ROUND_STOCHASTIC   /* up with the probability of the remainder: unbiased; seeded by (seed, tensor name, index) */
} hma_rounding;

/* Output type "as the checkpoints store it"; otherwise one of the three weight types. */
enum { HMA_DTYPE_STORED = -1 };

typedef struct hma_recipe_spec {
    hma_method method;
    hma_policy policy;
    hma_rounding rounding;
    int dtype;                    /* an hma_dtype, or HMA_DTYPE_STORED */
    uint64_t seed;                /* of stochastic rounding, ties and dare; at most 2^53, so that JSON can hold it */
    double density;               /* of ties and dare, above 0, at most 1; 0: the papers' 0.2 and 0.1 */
    double lambda;                /* of task-arithmetic, ties and dare, above 0, at most 4; 0: 1 */
    hma_base base;                /* of the same */
    hma_extra_rows extra_rows;
    size_t layers;                /* L, of the checkpoints */
    const char *blocks;           /* "3" (even split, remainder to the earlier blocks), "layers", "hma" (8/16, above 30 layers
                                     11/21), or the first layers of the blocks after the first: "8,17", for two
                                     blocks "8,"; the 0 of the first may be written too: "0,8,17". NULL: as many as ratios */
    const double *ratios;         /* [ratio_count]; one ratio counts for every block */
    size_t ratio_count;
    const char *const *overrides; /* "GLOB=RATIO" for tensor names (*, ?, [a-z]); the last one that matches wins */
    size_t override_count;
} hma_recipe_spec;

/* All-default spec: linear, full, nearest, stored dtype. */
HMA_API hma_recipe_spec hma_recipe_spec_default(void);

/*
 * Makes a recipe. Nothing of the spec is kept.
 * @return HMA_USAGE when the parts contradict each other (ratio outside [0,1], wrong number of ratios, boundaries that are
 *         not increasing or beyond the layers, a malformed override).
 */
HMA_API HMA_MUST_CHECK hma_status hma_recipe_new(hma_recipe **out, const hma_recipe_spec *spec);
HMA_API HMA_MUST_CHECK hma_status hma_recipe_copy(hma_recipe **out, const hma_recipe *recipe);
HMA_API void hma_recipe_free(hma_recipe *recipe);
/* The same merge with fp32 as output type, rounded to nearest: what it is before it is stored. */
HMA_API HMA_MUST_CHECK hma_status hma_recipe_unrounded(hma_recipe **out, const hma_recipe *recipe);

/*
 * Reads the JSON form, as hma_recipe_json() writes it and users write it by hand:
 *   {"method":"linear","blocks":3,"ratios":[0.4,0.7,1],"policy":"full","dtype":"BF16","rounding":"nearest","seed":1,
 *    "tensors":{"*.norm.weight":0}}
 *   {"method":"ties","ratio":0.5,"density":0.3,"lambda":1.2,"base":"model","extra_rows":"post"}
 * All keys but "ratios" have defaults ("ratio": 0.4 stands for one); "blocks" is a number, a string as in hma_recipe_spec, or a
 * list of first layers; "dtype" may be "stored", "base" is "pre" or "model", "extra_rows" "pre" or "post". The hma-recipe.json
 * of a merged folder is accepted too. `name` is what messages call the source.
 * @return HMA_BAD_DATA: not JSON, unknown or duplicate keys, wrong types, and all that is HMA_USAGE in hma_recipe_new().
 */
HMA_API HMA_MUST_CHECK hma_status hma_recipe_parse(hma_recipe **out, const char *json, size_t length, size_t layers,
                                                   const char *name);
/* The recipe as canonical JSON (fixed key order, shortest exact numbers); freed with hma_text_free(). */
HMA_API HMA_MUST_CHECK hma_status hma_recipe_json(const hma_recipe *recipe, char **json);

/*
 * The candidate's id: the first 16 hex digits of the SHA-256 of what the recipe does (the ratio of every layer and of
 * everything outside, overrides, method and its settings, rounding, output type), not of how it was written: three equal ratios
 * over three blocks have the id of one uniform ratio. Points into the recipe.
 */
HMA_API const char *hma_recipe_id(const hma_recipe *recipe);

HMA_API size_t hma_recipe_layers(const hma_recipe *recipe);
HMA_API size_t hma_recipe_blocks(const hma_recipe *recipe);
/* First layer of a block. */
HMA_API size_t hma_recipe_block_start(const hma_recipe *recipe, size_t block);
HMA_API double hma_recipe_block_ratio(const hma_recipe *recipe, size_t block);
HMA_API double hma_recipe_layer_ratio(const hma_recipe *recipe, size_t layer);
/* Mean over the blocks. */
HMA_API double hma_recipe_mean_ratio(const hma_recipe *recipe);
HMA_API hma_method hma_recipe_method(const hma_recipe *recipe);
HMA_API hma_policy hma_recipe_policy(const hma_recipe *recipe);
HMA_API hma_rounding hma_recipe_rounding(const hma_recipe *recipe);
HMA_API int hma_recipe_dtype(const hma_recipe *recipe);
HMA_API uint64_t hma_recipe_seed(const hma_recipe *recipe);
/* As they count: 1 where the method has none. */
HMA_API double hma_recipe_density(const hma_recipe *recipe);
HMA_API double hma_recipe_lambda(const hma_recipe *recipe);
HMA_API hma_base hma_recipe_base(const hma_recipe *recipe);
HMA_API hma_extra_rows hma_recipe_extra_rows(const hma_recipe *recipe);

/* Names as they stand in options and JSON ("linear-only", ..); parse functions return HMA_USAGE and suggest. */
HMA_API const char *hma_method_name(hma_method method);
HMA_API const char *hma_policy_name(hma_policy policy);
HMA_API const char *hma_rounding_name(hma_rounding rounding);
HMA_API const char *hma_base_name(hma_base base);
HMA_API const char *hma_extra_rows_name(hma_extra_rows extra_rows); /* "none", "pre", "post" */
HMA_API HMA_MUST_CHECK hma_status hma_method_parse(hma_method *out, const char *name);
HMA_API HMA_MUST_CHECK hma_status hma_policy_parse(hma_policy *out, const char *name);
HMA_API HMA_MUST_CHECK hma_status hma_rounding_parse(hma_rounding *out, const char *name);
HMA_API HMA_MUST_CHECK hma_status hma_base_parse(hma_base *out, const char *name);
HMA_API HMA_MUST_CHECK hma_status hma_extra_rows_parse(hma_extra_rows *out, const char *name);

/* Whether the method can take its deltas from a third model, has a density, a lambda; the largest ratio that it takes. */
HMA_API bool hma_method_has_base(hma_method method);
HMA_API bool hma_method_has_density(hma_method method);
HMA_API bool hma_method_has_lambda(hma_method method);
HMA_API double hma_method_most_ratio(hma_method method);

/*
 * The ratio of one tensor under the recipe, by its name, rank and whether the output head is tied to the embedding.
 * Works for every naming scheme in which layers are numbered ("model.layers.3.", "transformer.h.3.", "gpt_neox.layers.3.").
 */
HMA_API double hma_recipe_tensor_ratio(const hma_recipe *recipe, const hma_tensor *tensor, bool tied_head);

#ifdef __cplusplus
}
#endif
#endif
