/*
 * A replicate is a function of sums over items (over clusters of them, where items share something), weighted by how often each
 * was drawn:
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
    size_t rows;       /* what is drawn: clusters of items */
    double *row_items; /* [rows]: items of each */
    hma_rng_key key;
    size_t resamples;
    double *packed;  /* [panels, rows, PANEL], zeros behind the last column */
    double *scratch; /* [threads, scratch_each]: draws[BATCH, rows], then sums[BATCH, panels * PANEL] */
    size_t scratch_each;
    double *replicates; /* [points, resamples] */
};

static void pack(const struct bootstrap *b) {
    const size_t items = b->task->items, width = b->task->width;
    for (size_t item = 0; item < items; item++) {
        b->row_items[hma_cluster_of(&b->task->clusters, item)] += 1;
    }
    for (size_t column = 0; column < b->columns; column++) {
        const double *from = hma_task_scores_of(b->task, column / width) + column % width;
        double *to = b->packed + column / PANEL * b->rows * PANEL + column % PANEL;
        for (size_t item = 0; item < items; item++) {
            to[hma_cluster_of(&b->task->clusters, item) * PANEL] += from[item * width];
        }
    }
}

/* Returns how many items were drawn. */
static double draw(const struct bootstrap *b, size_t resample, double *draws) {
    const hma_rng_key key = hma_rng_key_with(b->key, resample);
    double items = 0;
    memset(draws, 0, b->rows * sizeof *draws);
    for (size_t i = 0; i < b->rows; i++) {
        const size_t row = (size_t)hma_rng_below(key, i, b->rows);
        draws[row] += 1;
        items += b->row_items[row];
    }
    return items;
}

/* sums[PANEL] = draws[rows] * panel[rows, PANEL] */
static void sum_panel(double *restrict sums, const double *restrict draws, const double *restrict panel, size_t rows) {
    double total[PANEL] = {0};
    for (size_t row = 0; row < rows; row++) {
        for (size_t c = 0; c < PANEL; c++) {
            total[c] += draws[row] * panel[row * PANEL + c];
        }
    }
    memcpy(sums, total, sizeof total);
}

static hma_status run_batch(void *argument, size_t index, size_t worker) {
    const struct bootstrap *b = argument;
    const size_t rows = b->rows, stride = b->panels * PANEL;
    const size_t first = index * BATCH, count = hma_min_size(BATCH, b->resamples - first);
    double *draws = b->scratch + worker * b->scratch_each, *sums = draws + BATCH * rows, items[BATCH];
    const hma_status status = hma_context_check(b->context);
    if (status != HMA_OK) {
        return status;
    }
    for (size_t r = 0; r < count; r++) {
        items[r] = draw(b, first + r, draws + r * rows);
    }
    for (size_t panel = 0; panel < b->panels; panel++) {
        for (size_t r = 0; r < count; r++) {
            sum_panel(sums + r * stride + panel * PANEL, draws + r * rows, b->packed + panel * rows * PANEL, rows);
        }
    }
    for (size_t point = 0; point < b->points; point++) {
        for (size_t r = 0; r < count; r++) {
            b->replicates[point * b->resamples + first + r] =
                hma_metric_value(b->task->metric, sums + r * stride + point * b->task->width, items[r]);
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
    b.rows = task->clusters.count;
    if (!hma_mul_size(&packed, b.panels * PANEL, b.rows) || !hma_add_size(&scratch, b.rows, b.panels * PANEL) ||
        !hma_mul_size(&b.scratch_each, scratch, BATCH) || !hma_mul_size(&scratch, b.scratch_each, hma_pool_threads(pool))) {
        return hma_error_memory("resamples");
    }
    b.packed = HMA_NEW(double, packed);
    b.scratch = HMA_NEW(double, scratch);
    b.row_items = HMA_NEW(double, b.rows);
    if (b.packed && b.scratch && b.row_items) {
        pack(&b);
        status = hma_pool_run(pool, (resamples + BATCH - 1) / BATCH, run_batch, &b);
    }
    free(b.packed);
    free(b.scratch);
    free(b.row_items);
    return status;
}
