/* What the methods have in common and where they differ, as a table. Their formulas: hma/recipe.h. */
#ifndef HMA_MERGE_METHODS_H
#define HMA_MERGE_METHODS_H

#include "hma/recipe.h"

/* The paper's strongest extrapolations are near 1.5; what lies further out is a slip. */
#define HMA_MOST_RATIO 2.0
#define HMA_MOST_LAMBDA 4.0

typedef struct hma_method_traits {
    const char *name;
    double most_ratio;
    double density; /* when none is given; 0: the method has none */
    bool has_lambda_and_base;
    bool draws;             /* random numbers decide about elements */
    const char *formula[2]; /* from pre, and from a third model */
} hma_method_traits;

/* NULL outside the enumeration. */
const hma_method_traits *hma_method_traits_of(hma_method method);

/*
 * Holds density, lambda, base and extra rows of a spec against its method, and fills in what is not given.
 * @return HMA_USAGE for what the method does not have, and for numbers out of range.
 */
hma_status hma_method_settings_check(hma_recipe_spec *spec);

/* Whether what the recipe does is what a linear recipe with its ratios does. */
bool hma_recipe_is_linear(const hma_recipe *recipe);

/* Whether the recipe's seed decides about its weights. */
bool hma_recipe_uses_seed(const hma_recipe *recipe);

#endif
