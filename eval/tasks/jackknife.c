#include "eval/tasks/jackknife.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"

hma_status hma_cluster_sums_make(hma_cluster_sums *out, hma_metric metric, const double *stats, size_t items,
                                 const hma_clusters *clusters) {
    const size_t width = hma_metric_describe(metric)->width, count = clusters->of ? clusters->count : items;
    size_t cells;
    if (!hma_mul_size(&cells, count, width)) {
        return hma_error_memory("statistics");
    }
    hma_cluster_sums sums = {.count = count, .width = width, .sums = HMA_NEW(double, cells), .items = HMA_NEW(double, count)};
    if (!sums.sums || !sums.items) {
        hma_cluster_sums_free(&sums);
        return HMA_FAILURE;
    }
    for (size_t item = 0; item < items; item++) {
        const size_t row = hma_cluster_of(clusters, item);
        sums.items[row] += 1;
        for (size_t k = 0; k < width; k++) {
            sums.sums[row * width + k] += stats[item * width + k];
        }
    }
    *out = sums;
    return HMA_OK;
}

void hma_cluster_sums_free(hma_cluster_sums *sums) {
    free(sums->sums);
    free(sums->items);
    *sums = (hma_cluster_sums){0};
}

static bool one_item_each(const hma_cluster_sums *rows) {
    for (size_t row = 0; row < rows->count; row++) {
        if (rows->items[row] != 1) {
            return false;
        }
    }
    return true;
}

void hma_jackknife(hma_metric metric, const hma_cluster_sums *rows, double *values) {
    const size_t width = rows->width;
    double total[HMA_METRIC_MAX_WIDTH] = {0}, items = 0, left[HMA_METRIC_MAX_WIDTH];
    if (hma_metric_describe(metric)->is_mean && one_item_each(rows)) {
        for (size_t row = 0; row < rows->count; row++) {
            values[row] = rows->sums[row];
        }
        return;
    }
    for (size_t row = 0; row < rows->count; row++) {
        items += rows->items[row];
        for (size_t k = 0; k < width; k++) {
            total[k] += rows->sums[row * width + k];
        }
    }
    const double n = (double)rows->count, value = hma_metric_value(metric, total, items);
    for (size_t row = 0; row < rows->count; row++) {
        for (size_t k = 0; k < width; k++) {
            left[k] = total[k] - rows->sums[row * width + k];
        }
        values[row] = n * value - (n - 1) * hma_metric_value(metric, left, items - rows->items[row]);
    }
}
