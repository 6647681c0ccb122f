/* Policies: which ratio a tensor takes, from its role. */
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
