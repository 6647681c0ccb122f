/*
 * The paired bootstrap: a task's items - whole clusters of them, where items share something - are drawn with replacement, as
 * many as there are, again and again; every draw gives one replicate of the metric for every point. The draws depend on the key
 * and the number of the resample only, so all points see the same ones and the result has the same bits for any number of
 * threads.
 */
#ifndef HMA_SEARCH_BOOTSTRAP_H
#define HMA_SEARCH_BOOTSTRAP_H

#include <stddef.h>

#include "base/rng.h"
#include "hma/context.h"
#include "search/score_table.h"

/* Fills replicates[points, resamples]; NaN where a statistic of the point is NaN. `points` is the table's. */
hma_status hma_bootstrap(hma_context *context, const hma_task_scores *task, size_t points, hma_rng_key key, size_t resamples,
                         double *replicates);

#endif
