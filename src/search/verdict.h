/* Which point to ship, and the sentence that says why. The rule stands in hma/front.h. */
#ifndef HMA_SEARCH_VERDICT_H
#define HMA_SEARCH_VERDICT_H

#include "hma/front.h"
#include "search/axes.h"

/* Fills in `recommended` and `verdict` of a front that is otherwise complete. */
hma_status hma_verdict(hma_front *front, const hma_axes *axes, const hma_resampled *resampled);

#endif
