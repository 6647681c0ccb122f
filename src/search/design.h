/* Where a search looks first: a uniform curve from pre to post, and a Latin hypercube that keeps its points apart. */
#ifndef HMA_SEARCH_DESIGN_H
#define HMA_SEARCH_DESIGN_H

#include "search/samples.h"

/*
 * Ratios [at most curve + latin, K] in the region, none twice and none that `samples` has; *made tells how many. The curve's
 * points are uniform merges between pre and post, or, where the region has a mean, that one mean.
 */
hma_status hma_design_make(const hma_samples *samples, size_t curve, size_t latin, uint64_t seed, double *ratios, size_t *made);

#endif
