#include "merge/profile.h"

#include <stdlib.h>

#include "base/checked.h"
#include "base/memory.h"
#include "checkpoint/config.h"
#include "merge/methods.h"
#include "merge/recipe_parts.h"
#include "merge/roles.h"

enum { SETTINGS = 8 };

void hma_profile_free(hma_profile *profile) {
    free(profile->values);
    free(profile->end);
    *profile = (hma_profile){0};
}

/* When a forward pass meets a tensor: 0 with the embedding, l + 1 in layer l, last after all layers. */
static size_t stage_of(const hma_tensor *tensor, size_t layers) {
    const hma_role role = hma_role_of(tensor->name, tensor->rank);
    switch (role.place) {
    case HMA_PLACE_LAYER: return hma_min_size(role.layer, layers - 1) + 1;
    case HMA_PLACE_FINAL_NORM:
    case HMA_PLACE_HEAD:
    case HMA_PLACE_SCORE: return layers + 1;
    default: return 0; /* positions, and what is not known: it may come before everything */
    }
}

static void add_settings(hma_profile *p, const hma_recipe *recipe) {
    const bool linear = hma_recipe_is_linear(recipe);
    p->values[p->count++] = (double)(linear ? HMA_LINEAR : recipe->method);
    p->values[p->count++] = (double)hma_recipe_rounding(recipe);
    p->values[p->count++] = hma_recipe_uses_seed(recipe) ? (double)recipe->seed : 0;
    p->values[p->count++] = (double)hma_recipe_dtype(recipe);
    p->values[p->count++] = linear ? 1 : recipe->density;
    p->values[p->count++] = linear ? 1 : recipe->lambda;
    p->values[p->count++] = linear ? 0 : (double)recipe->base;
    p->values[p->count++] = (double)recipe->extra_rows;
}

hma_status hma_profile_make(hma_profile *out, const hma_recipe *recipe, const hma_checkpoint *checkpoint) {
    const size_t tensors = hma_checkpoint_tensor_count(checkpoint), layers = hma_recipe_layers(recipe);
    const bool tied = hma_checkpoint_tied_head(checkpoint);
    hma_profile p = {.values = HMA_NEW(double, SETTINGS + tensors), .end = HMA_NEW(size_t, layers + 1), .layers = layers};
    size_t *next = HMA_NEW(size_t, layers + 2); /* where the next ratio of a stage goes */
    if (!p.values || !p.end || !next) {
        hma_profile_free(&p);
        free(next);
        return HMA_FAILURE;
    }
    add_settings(&p, recipe);
    for (size_t i = 0; i < tensors; i++) {
        const size_t stage = stage_of(hma_checkpoint_tensor(checkpoint, i), layers);
        if (stage <= layers) {
            next[stage + 1]++;
        }
    }
    next[0] = SETTINGS;
    for (size_t stage = 0; stage <= layers; stage++) {
        next[stage + 1] += next[stage];
        p.end[stage] = next[stage + 1];
    }
    for (size_t i = 0; i < tensors; i++) {
        const hma_tensor *tensor = hma_checkpoint_tensor(checkpoint, i);
        p.values[next[stage_of(tensor, layers)]++] = hma_recipe_tensor_ratio(recipe, tensor, tied);
    }
    p.count += tensors;
    free(next);
    *out = p;
    return HMA_OK;
}

static size_t equal_values(const hma_profile *a, const hma_profile *b) {
    size_t i = 0;
    while (i < a->count && i < b->count && a->values[i] == b->values[i]) {
        i++;
    }
    return i;
}

int hma_profile_compare(const hma_profile *a, const hma_profile *b) {
    const size_t i = equal_values(a, b);
    if (i == a->count || i == b->count) {
        return a->count < b->count ? -1 : a->count > b->count;
    }
    return a->values[i] < b->values[i] ? -1 : 1;
}

size_t hma_profile_common(const hma_profile *a, const hma_profile *b) {
    const size_t equal = equal_values(a, b);
    size_t layers = 0;
    while (layers < a->layers && layers < b->layers && a->end[layers + 1] <= equal) {
        layers++;
    }
    return layers;
}
