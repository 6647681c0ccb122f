#include "search/uniform.h"

#include <math.h>

#include "merge/methods.h"

/* Means that differ by less are one mean: they come from sums of decimals. */
static const double SAME = 1e-9;
/* Uniform merges further apart are not interpolated between: the curve is not straight. */
static const double MOST_GAP = 0.2;

static bool has_scores(const hma_evidence *evidence, size_t point) {
    bool finite = true;
    for (size_t task = 0; task < evidence->table->task_count; task++) {
        finite = finite && isfinite(evidence->tasks[task].values[point]);
    }
    return finite;
}

static bool is_uniform(const hma_recipe *recipe) {
    for (size_t k = 1; k < hma_recipe_blocks(recipe); k++) {
        if (hma_recipe_block_ratio(recipe, k) != hma_recipe_block_ratio(recipe, 0)) {
            return false;
        }
    }
    return true;
}

/* Merged alike but for the ratios. Pre and post are what a linear merge of everything gives at 0 and 1. */
static bool same_but_ratios(const hma_point *point, const hma_point *uniform) {
    const hma_recipe *a = point->recipe, *b = uniform->recipe;
    if (uniform->origin == HMA_ORIGIN_ENDPOINT) {
        return hma_recipe_is_linear(a) && hma_recipe_policy(a) == HMA_POLICY_FULL;
    }
    return hma_recipe_method(a) == hma_recipe_method(b) && hma_recipe_policy(a) == hma_recipe_policy(b) &&
           hma_recipe_rounding(a) == hma_recipe_rounding(b) && hma_recipe_dtype(a) == hma_recipe_dtype(b) &&
           hma_recipe_density(a) == hma_recipe_density(b) && hma_recipe_lambda(a) == hma_recipe_lambda(b) &&
           hma_recipe_base(a) == hma_recipe_base(b) && (!hma_recipe_uses_seed(a) || hma_recipe_seed(a) == hma_recipe_seed(b));
}

static hma_uniform_pair find_pair(const hma_front *front, const hma_evidence *evidence, size_t index) {
    const hma_point *point = &front->points[index];
    hma_uniform_pair pair = {SIZE_MAX, SIZE_MAX, 0};
    double below = -INFINITY, above = INFINITY;
    for (size_t i = 0; i < front->point_count; i++) {
        const hma_point *other = &front->points[i];
        if (i == index || !other->recipe || !is_uniform(other->recipe) || !same_but_ratios(point, other) ||
            !has_scores(evidence, i)) {
            continue;
        }
        const double ratio = other->mean_ratio;
        if (fabs(ratio - point->mean_ratio) < SAME) {
            return (hma_uniform_pair){i, i, 0};
        }
        if (ratio < point->mean_ratio && ratio > below) {
            below = ratio;
            pair.below = i;
        }
        if (ratio > point->mean_ratio && ratio < above) {
            above = ratio;
            pair.above = i;
        }
    }
    if (!(above - below <= MOST_GAP + SAME)) {
        return (hma_uniform_pair){SIZE_MAX, SIZE_MAX, 0};
    }
    pair.weight = (point->mean_ratio - below) / (above - below);
    return pair;
}

void hma_uniform_find(hma_front *front, const hma_evidence *evidence) {
    for (size_t i = 0; i < front->point_count; i++) {
        const hma_point *point = &front->points[i];
        const bool compared = point->recipe && !is_uniform(point->recipe) && has_scores(evidence, i);
        front->points[i].uniform = compared ? find_pair(front, evidence, i) : (hma_uniform_pair){SIZE_MAX, SIZE_MAX, 0};
    }
}
