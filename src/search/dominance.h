/* Who is on the front, how often in the resamples, and the hypervolume. */
#ifndef HMA_SEARCH_DOMINANCE_H
#define HMA_SEARCH_DOMINANCE_H

#include "hma/context.h"
#include "hma/front.h"
#include "search/axes.h"

/*
 * Fills in front, on_front, membership, the reference and the hypervolume of a front whose points (with `excluded`), axes, pre
 * and post are there.
 */
hma_status hma_dominance(hma_front *front, hma_context *context, const hma_axes *axes, const hma_resampled *resampled,
                         uint64_t seed);

#endif
