#include "search/score_table.h"

#include <stdlib.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"

hma_status hma_score_table_new(hma_score_table *out, size_t points, size_t tasks) {
    *out = (hma_score_table){.points = points, .tasks = HMA_NEW(hma_task_scores, tasks)};
    if (!out->tasks) {
        return HMA_FAILURE;
    }
    out->task_count = tasks;
    return HMA_OK;
}

void hma_score_table_free(hma_score_table *table) {
    for (size_t i = 0; i < table->task_count; i++) {
        free(table->tasks[i].name);
        free(table->tasks[i].category);
        free(table->tasks[i].stats);
        hma_clusters_free(&table->tasks[i].clusters);
    }
    free(table->tasks);
    *table = (hma_score_table){0};
}

hma_status hma_task_scores_set(hma_score_table *table, size_t task, const char *name, const char *category, hma_metric metric,
                               bool alignment, size_t items) {
    hma_task_scores *t = &table->tasks[task];
    t->metric = metric;
    t->alignment = alignment;
    t->items = items;
    t->clusters = (hma_clusters){.count = items};
    t->width = hma_metric_describe(metric)->width;
    size_t per_point, all;
    if (!hma_mul_size(&per_point, items, t->width) || !hma_mul_size(&all, per_point, table->points)) {
        return hma_error_memory("scores");
    }
    t->name = hma_copy_text(name);
    t->category = hma_copy_text(category);
    t->stats = HMA_NEW(double, all);
    return t->name && t->category && t->stats ? HMA_OK : HMA_FAILURE;
}
