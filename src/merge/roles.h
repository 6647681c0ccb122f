/*
 * What a tensor is, from its name and rank alone: names differ between architectures, but all of them number their layers
 * and call embeddings, norms and heads by a few words.
 */
#ifndef HMA_MERGE_ROLES_H
#define HMA_MERGE_ROLES_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/merge.h"

typedef enum hma_place {
    HMA_PLACE_EMBEDDING, /* of tokens or of positions */
    HMA_PLACE_LAYER,
    HMA_PLACE_FINAL_NORM, /* a norm outside the layers */
    HMA_PLACE_HEAD,       /* to the vocabulary: the one that can be tied to the embedding */
    HMA_PLACE_SCORE,      /* of a classifier or a reward model */
    HMA_PLACE_OTHER       /* projections around the layers, towers for images and sound, .. */
} hma_place;

typedef struct hma_role {
    hma_place place;
    size_t layer; /* of HMA_PLACE_LAYER */
    bool matrix;  /* of a linear map: not a norm, not a bias */
    hma_tensor_kind kind;
} hma_role;

hma_role hma_role_of(const char *name, size_t rank);

#endif
