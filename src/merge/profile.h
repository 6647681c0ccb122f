/*
 * What a recipe gives each tensor of a checkpoint, in the order in which a forward pass meets them: embedding first, then layer
 * by layer, then the rest. Recipes that begin alike give models whose leading layers are equal; how they were written does not
 * matter.
 */
#ifndef HMA_MERGE_PROFILE_H
#define HMA_MERGE_PROFILE_H

#include <stddef.h>

#include "hma/checkpoint.h"
#include "hma/recipe.h"

typedef struct hma_profile {
    double *values; /* [count]: method with its settings, rounding, seed and type first, then the ratios of all tensors */
    size_t count;
    size_t *end; /* [layers + 1]: values before end[0] decide about the embedding, before end[l + 1] about layer l as well */
    size_t layers;
} hma_profile;

/* `checkpoint` is one of the pair; its tensors are looked at by name. */
hma_status hma_profile_make(hma_profile *out, const hma_recipe *recipe, const hma_checkpoint *checkpoint);
void hma_profile_free(hma_profile *profile);

/* An order in which recipes that begin alike stand together: -1, 0, 1. Profiles of one checkpoint only. */
int hma_profile_compare(const hma_profile *a, const hma_profile *b);
/* Number of leading layers that are equal; 0 as well when the embeddings differ. */
size_t hma_profile_common(const hma_profile *a, const hma_profile *b);

#endif
