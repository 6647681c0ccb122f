/*
 * A replicate is a function of sums over items, weighted by how often each was drawn:
 *
 *     sums[resample, column] = sum over items of draws[resample, item] * stats[item, column],   column = (point, statistic)
 *
 * which is a product of matrices. It is computed in panels of PANEL columns: a panel holds [items, PANEL] statistics, small
 * enough for the first level cache, and meets BATCH resamples before the next one comes. Sums run over the items in order.
 */
#include "search/bootstrap.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"

enum { PANEL = 16, BATCH = 32 };

struct bootstrap {
    hma_context *context;
    const hma_task_scores *task;
    size_t points, columns, panels;
    hma_rng_key key;
    size_t resamples;
    double *packed;  /* [panels, items, PANEL], zeros behind the last column */
    double *scratch; /* [threads, scratch_each]: draws[BATCH, items], then sums[BATCH, panels * PANEL] */
    size_t scratch_each;
    double *replicates; /* [points, resamples] */
};

static void pack(const struct bootstrap *b) {
    const size_t items = b->task->items, width = b->task->width;
    for (size_t column = 0; column < b->columns; column++) {
        const double *from = hma_task_scores_of(b->task, column / width) + column % width;
        double *to = b->packed + column / PANEL * items * PANEL + column % PANEL;
        for (size_t item = 0; item < items; item++) {
            to[item * PANEL] = from[item * width];
        }
    }
}

static void draw(const struct bootstrap *b, size_t resample, double *draws) {
    const size_t items = b->task->items;
    const hma_rng_key key = hma_rng_key_with(b->key, resample);
    memset(draws, 0, items * sizeof *draws);
    for (size_t i = 0; i < items; i++) {
        draws[hma_rng_below(key, i, items)] += 1;
    }
}

/* sums[PANEL] = draws[items] * panel[items, PANEL] */
static void sum_panel(double *restrict sums, const double *restrict draws, const double *restrict panel, size_t items) {
    double total[PANEL] = {0};
    for (size_t item = 0; item < items; item++) {
        for (size_t c = 0; c < PANEL; c++) {
            total[c] += draws[item] * panel[item * PANEL + c];
        }
    }
    memcpy(sums, total, sizeof total);
}

static hma_status run_batch(void *argument, size_t index, size_t worker) {
    const struct bootstrap *b = argument;
    const size_t items = b->task->items, stride = b->panels * PANEL;
    const size_t first = index * BATCH, count = hma_min_size(BATCH, b->resamples - first);
    double *draws = b->scratch + worker * b->scratch_each, *sums = draws + BATCH * items;
    const hma_status status = hma_context_check(b->context);
    if (status != HMA_OK) {
        return status;
    }
    for (size_t r = 0; r < count; r++) {
        draw(b, first + r, draws + r * items);
    }
    for (size_t panel = 0; panel < b->panels; panel++) {
        for (size_t r = 0; r < count; r++) {
            sum_panel(sums + r * stride + panel * PANEL, draws + r * items, b->packed + panel * items * PANEL, items);
        }
    }
    for (size_t point = 0; point < b->points; point++) {
        for (size_t r = 0; r < count; r++) {
            b->replicates[point * b->resamples + first + r] =
                hma_metric_value(b->task->metric, sums + r * stride + point * b->task->width, (double)items);
        }
    }
    return HMA_OK;
}

hma_status hma_bootstrap(hma_context *context, const hma_task_scores *task, size_t points, hma_rng_key key, size_t resamples,
                         double *replicates) {
    struct bootstrap b = {
        .context = context, .task = task, .points = points, .key = key, .resamples = resamples, .replicates = replicates};
    hma_pool *pool = hma_context_pool(context);
    hma_status status = HMA_FAILURE;
    size_t packed, scratch;
    b.columns = points * task->width; /* no overflow: the table holds items times as many */
    b.panels = (b.columns + PANEL - 1) / PANEL;
    if (!hma_mul_size(&packed, b.panels * PANEL, task->items) || !hma_add_size(&scratch, task->items, b.panels * PANEL) ||
        !hma_mul_size(&b.scratch_each, scratch, BATCH) || !hma_mul_size(&scratch, b.scratch_each, hma_pool_threads(pool))) {
        return hma_error_memory("resamples");
    }
    b.packed = HMA_NEW(double, packed);
    b.scratch = HMA_NEW(double, scratch);
    if (b.packed && b.scratch) {
        pack(&b);
        status = hma_pool_run(pool, (resamples + BATCH - 1) / BATCH, run_batch, &b);
    }
    free(b.packed);
    free(b.scratch);
    return status;
}
