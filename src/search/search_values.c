#include "search/search_values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "search/axes.h"
#include "search/evidence.h"
#include "search/parts.h"
#include "search/run_parts.h"

/* Sets the tasks up as a point that has answered everything has them; everybody's statistics are NaN until they are filled in.
 */
static hma_status make_table(hma_score_table *out, const hma_score_table *shape, size_t points) {
    hma_status status = hma_score_table_new(out, points, shape->task_count);
    for (size_t i = 0; i < shape->task_count && status == HMA_OK; i++) {
        const hma_task_scores *t = &shape->tasks[i];
        status = hma_task_scores_set(out, i, t->name, t->category, t->metric, t->alignment, t->items);
        for (size_t k = 0; status == HMA_OK && k < points * t->items * t->width; k++) {
            out->tasks[i].stats[k] = NAN;
        }
    }
    return status;
}

static void fill_point(hma_score_table *table, size_t point, const hma_score_table *own) {
    for (size_t i = 0; i < table->task_count; i++) {
        const size_t items = table->tasks[i].items;
        if (own->tasks[i].items == items && own->tasks[i].width == table->tasks[i].width) {
            memcpy(hma_task_scores_of(&table->tasks[i], point), own->tasks[i].stats,
                   items * table->tasks[i].width * sizeof(double));
        }
    }
}

/* *found tells how many points beside pre and post have answered all search items. */
static hma_status gather(hma_score_table *table, const hma_front *front, const hma_run *run, size_t *found) {
    hma_part_scores post = {0};
    hma_status status = hma_parts_read(run->journal, HMA_SHEET_SEARCH, front->points[front->post].candidate, &post);
    if (status == HMA_OK && post.last > 0) {
        status = make_table(table, &post.table, front->point_count);
    }
    for (size_t i = 0; i < front->point_count && status == HMA_OK && post.last > 0; i++) {
        hma_part_scores own;
        status = hma_parts_read(run->journal, HMA_SHEET_SEARCH, front->points[i].candidate, &own);
        if (status == HMA_OK) {
            if (own.last > 0 && own.last == own.parts) {
                fill_point(table, i, &own.table);
                *found += i != front->pre && i != front->post;
            }
            hma_part_scores_free(&own);
        }
    }
    hma_part_scores_free(&post);
    return status;
}

hma_status hma_search_values_fill(hma_front *front, hma_context *context, const hma_run *run) {
    hma_score_table table = {0};
    hma_evidence evidence = {0};
    hma_axes axes = {0};
    size_t found = 0;
    hma_status status = gather(&table, front, run, &found);
    if (status == HMA_OK && found > 0) {
        status = hma_evidence_new(&evidence, &table);
        if (status == HMA_OK) {
            status = hma_axes_new(&axes, context, &evidence, front);
        }
        /* the same tasks in the same order, and so the same axes */
        if (status == HMA_OK && axes.count == front->axis_count) {
            front->search_axes = axes.axes;
        } else {
            hma_axis_array_free(axes.axes, axes.count);
        }
        hma_axes_free(&axes);
        hma_evidence_free(&evidence);
    }
    hma_score_table_free(&table);
    return status;
}
