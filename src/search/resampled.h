/* Bootstrap replicates of every task's metric for every point. */
#ifndef HMA_SEARCH_RESAMPLED_H
#define HMA_SEARCH_RESAMPLED_H

#include <stddef.h>
#include <stdint.h>

#include "hma/context.h"
#include "search/score_table.h"

typedef struct hma_resampled {
    const hma_score_table *table; /* the caller's */
    size_t resamples;
    double *replicates; /* [tasks, points, resamples] */
} hma_resampled;

/* @return HMA_FAILURE when the replicates do not fit the context's memory. Free with hma_resampled_free() in any case. */
hma_status hma_resampled_new(hma_resampled *out, hma_context *context, const hma_score_table *table, size_t resamples,
                             uint64_t seed);
void hma_resampled_free(hma_resampled *resampled);

/* The same without a table: HMA_FAILURE when they would not fit. */
hma_status hma_resampled_check(const hma_context *context, size_t tasks, size_t points, size_t resamples);

static inline const double *hma_resampled_replicates(const hma_resampled *resampled, size_t task, size_t point) {
    return resampled->replicates + (task * resampled->table->points + point) * resampled->resamples;
}

#endif
