/* Numbers that follow from a whole tensor of two models. Read block by block; the same whatever threads do. */
#ifndef HMA_MERGE_STATISTICS_H
#define HMA_MERGE_STATISTICS_H

#include "merge/kernels.h"

/* The same tensor of two checkpoints; of its first `count` elements. */
typedef struct hma_tensor_pair {
    const hma_checkpoint *from, *to;
    const hma_tensor *from_tensor, *to_tensor;
    uint64_t count;
} hma_tensor_pair;

/* Cosine of the angle between the two; NaN when one of them is all zero. HMA_NON_FINITE as hma_source_read(). */
hma_status hma_pair_cosine(const hma_tensor_pair *pair, const hma_kernels *kernels, double *cosine);

/*
 * What keeps the share `density` of the elements of to - from that are largest: threshold and share of those at it. At least
 * one is kept. Two passes: the upper half of the border's bits, then the lower.
 */
hma_status hma_pair_border(const hma_tensor_pair *pair, const hma_kernels *kernels, double density, hma_keep *keep);

#endif
