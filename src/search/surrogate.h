/*
 * The surrogate: a response surface of every metric (quadratic.h) predicts alignment and retention all over the region, and the
 * points that would add most to the front are scored next.
 */
#ifndef HMA_SEARCH_SURROGATE_H
#define HMA_SEARCH_SURROGATE_H

#include "search/samples.h"

/* Samples that the surfaces need before they are worth asking, pre and post among them. */
size_t hma_surrogate_first(size_t blocks);

typedef struct hma_surrogate_proposal {
    double *ratios;    /* [made, K]; freed with hma_surrogate_proposal_free() */
    double *predicted; /* [made, 2]: alignment, retention */
    size_t made;
    double gain;     /* of hypervolume that is predicted for all of them, relative to the rectangle between pre and post */
    double error[2]; /* of alignment and retention, when each sample is left out of the surfaces */
} hma_surrogate_proposal;

/* Proposes up to `wanted` new points. The `round` makes other random points be looked at. */
hma_status hma_surrogate_propose(const hma_samples *samples, uint64_t seed, uint64_t round, size_t wanted,
                                 hma_surrogate_proposal *out);
void hma_surrogate_proposal_free(hma_surrogate_proposal *proposal);

#endif
