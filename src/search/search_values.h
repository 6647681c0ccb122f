/* What the points of a front scored on the search items, by which they were chosen: beside the test items' scores they show how
 * much of a choice is luck. */
#ifndef HMA_SEARCH_SEARCH_VALUES_H
#define HMA_SEARCH_SEARCH_VALUES_H

#include "hma/context.h"
#include "hma/front.h"
#include "hma/run.h"

/* Fills in front->search_axes when the run has searched; leaves it NULL otherwise. */
hma_status hma_search_values_fill(hma_front *front, hma_context *context, const hma_run *run);

#endif
