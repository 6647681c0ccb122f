/*
 * What the statistics need of a run: the per-item statistics of all points, task by task, for the metric that counts.
 * Items stand in the same order for all points, so that everything can be compared item by item.
 */
#ifndef HMA_SEARCH_SCORE_TABLE_H
#define HMA_SEARCH_SCORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clusters.h"
#include "hma/error.h"
#include "hma/eval.h"

typedef struct hma_task_scores {
    char *name;
    char *category;
    hma_metric metric;
    bool alignment; /* prompts of the alignment measure instead of items of a task */
    size_t items;
    hma_clusters clusters; /* of the items: what is drawn and left out together */
    size_t width;  /* statistics per item, of the metric */
    double *stats; /* [points, items, width] */
} hma_task_scores;

typedef struct hma_score_table {
    size_t points;
    size_t task_count;
    hma_task_scores *tasks; /* at most one of them is the alignment's */
} hma_score_table;

/* Sets the table up for tasks that the caller then fills in; free with hma_score_table_free() in any case. */
hma_status hma_score_table_new(hma_score_table *out, size_t points, size_t tasks);
void hma_score_table_free(hma_score_table *table);

/* Gives a task its shape and zeroed statistics; name and category are copied. Its items stand alone; `clusters` can be
 * replaced. */
hma_status hma_task_scores_set(hma_score_table *table, size_t task, const char *name, const char *category, hma_metric metric,
                               bool alignment, size_t items);

/* A point's statistics of a task, [items, width]. */
static inline double *hma_task_scores_of(const hma_task_scores *task, size_t point) {
    return task->stats + point * task->items * task->width;
}

#endif
