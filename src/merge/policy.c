/* Policies: which ratio a tensor takes, from its role. */
#include "merge/delta.h"
#include "merge/recipe_parts.h"
#include "merge/roles.h"

hma_policy_ratios hma_recipe_policy_ratios(const hma_recipe *recipe) {
    const double mean = recipe->mean_ratio;
    switch (recipe->policy) {
    case HMA_POLICY_LINEAR_ONLY: return (hma_policy_ratios){.head = mean, .layer_matrices_only = true};
    case HMA_POLICY_UNIFORM_OUTSIDE:
        return (hma_policy_ratios){.embedding = mean, .final_norm = mean, .head = mean, .other = mean};
    case HMA_POLICY_FULL: break;
    }
    return (hma_policy_ratios){.embedding = recipe->ratio[0], .final_norm = mean, .head = mean, .other = mean};
}

double hma_recipe_tensor_ratio(const hma_recipe *recipe, const hma_tensor *tensor, bool tied_head) {
    const hma_override *override = hma_overrides_find(&recipe->overrides, tensor->name);
    if (override) {
        return override->ratio;
    }
    const hma_policy_ratios ratios = hma_recipe_policy_ratios(recipe);
    const hma_role role = hma_role_of(tensor->name, tensor->rank);
    switch (role.place) {
    case HMA_PLACE_EMBEDDING: return ratios.embedding;
    case HMA_PLACE_FINAL_NORM: return ratios.final_norm;
    case HMA_PLACE_HEAD: return tied_head ? ratios.embedding : ratios.head;
    case HMA_PLACE_SCORE: return ratios.head;
    case HMA_PLACE_LAYER:
        return ratios.layer_matrices_only && !role.matrix ? 0 : hma_recipe_layer_ratio(recipe, role.layer);
    case HMA_PLACE_OTHER: break;
    }
    return ratios.other;
}

bool hma_recipe_tensor_stays_pre(const hma_recipe *recipe, const hma_tensor *tensor, bool tied_head) {
    const hma_role role = hma_role_of(tensor->name, tensor->rank);
    if (recipe->policy != HMA_POLICY_LINEAR_ONLY || hma_overrides_find(&recipe->overrides, tensor->name)) {
        return false;
    }
    switch (role.place) {
    case HMA_PLACE_LAYER: return !role.matrix;
    case HMA_PLACE_HEAD: return tied_head;
    case HMA_PLACE_SCORE: return false;
    default: return true;
    }
}

static void follow_mean(double *slope, size_t blocks) {
    for (size_t k = 0; k < blocks; k++) {
        slope[k] = 1 / (double)blocks;
    }
}

static void follow_embedding(const hma_recipe *recipe, double *slope) {
    if (recipe->policy == HMA_POLICY_FULL) {
        slope[0] = 1;
    } else if (recipe->policy == HMA_POLICY_UNIFORM_OUTSIDE) {
        follow_mean(slope, recipe->blocks.count);
    }
}

void hma_recipe_tensor_slope(const hma_recipe *recipe, const hma_tensor *tensor, bool tied_head, double *slope) {
    const hma_role role = hma_role_of(tensor->name, tensor->rank);
    const bool linear_only = recipe->policy == HMA_POLICY_LINEAR_ONLY;
    const size_t blocks = recipe->blocks.count;
    for (size_t k = 0; k < blocks; k++) {
        slope[k] = 0;
    }
    if (hma_overrides_find(&recipe->overrides, tensor->name)) {
        return;
    }
    switch (role.place) {
    case HMA_PLACE_EMBEDDING: follow_embedding(recipe, slope); break;
    case HMA_PLACE_HEAD:
        if (tied_head) {
            follow_embedding(recipe, slope);
        } else {
            follow_mean(slope, blocks);
        }
        break;
    case HMA_PLACE_SCORE: follow_mean(slope, blocks); break;
    case HMA_PLACE_LAYER: slope[hma_blocks_find(&recipe->blocks, role.layer)] = linear_only && !role.matrix ? 0 : 1; break;
    case HMA_PLACE_FINAL_NORM:
    case HMA_PLACE_OTHER:
        if (!linear_only) {
            follow_mean(slope, blocks);
        }
        break;
    }
}
