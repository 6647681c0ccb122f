/* Fronts from scores made by hand, without a run: for tests of src/search. */
#ifndef HMA_TESTS_FRONT_BY_HAND_H
#define HMA_TESTS_FRONT_BY_HAND_H

#include "testing.h"

#include "base/rng.h"
#include "hma/front.h"
#include "search/front_parts.h"
#include "search/score_table.h"

enum { HAND_ITEMS = 50 };

/* Point 0 is pre, the last one is post. */
static inline hma_front *new_front(size_t points) {
    hma_front *front = calloc(1, sizeof *front);
    assert_non_null(front);
    front->points = calloc(points, sizeof *front->points);
    assert_non_null(front->points);
    front->point_count = points;
    front->post = points - 1;
    for (size_t i = 0; i < points; i++) {
        front->points[i] = (hma_point){.candidate = i, .id = "id", .label = i == 0 ? "pre" : i + 1 < points ? "merge" : "post"};
    }
    return front;
}

/* A new task whose points have the given means: the same noise for all (of deviation about 0.3) plus `own` times their own. */
static inline void fill_task(hma_score_table *table, size_t task, const char *name, bool alignment, size_t items,
                             const double *means, double own) {
    assert_ok(hma_task_scores_set(table, task, name, name, alignment ? HMA_METRIC_REWARD : HMA_METRIC_F1, alignment, items));
    const hma_rng_key common = hma_rng_key_for(1, name);
    for (size_t point = 0; point < table->points; point++) {
        double *stats = hma_task_scores_of(&table->tasks[task], point);
        const hma_rng_key key = hma_rng_key_with(common, 1 + point);
        for (size_t item = 0; item < items; item++) {
            /* noise comes in pairs that cancel, so that the means are exact */
            const double sign = item % 2 ? -1 : item + 1 < items ? 1 : 0;
            stats[item] =
                means[point] + sign * (hma_rng_double(common, item / 2) + own * (hma_rng_double(key, item / 2) - 0.5));
        }
    }
}

/* Alignment and one task. `own` as above: 0 makes all differences certain. */
static inline hma_status make_front_with(hma_front **out, hma_context *context, size_t points, const double *alignment,
                                         const double *retention, double own, size_t resamples) {
    hma_score_table table;
    assert_ok(hma_score_table_new(&table, points, 2));
    fill_task(&table, 0, "skill", false, HAND_ITEMS, retention, own);
    fill_task(&table, 1, "prompts", true, HAND_ITEMS, alignment, own);
    hma_front *front = new_front(points);
    const hma_status status = hma_front_fill(front, context, &table, resamples, 1);
    hma_score_table_free(&table);
    if (status != HMA_OK) {
        hma_front_free(front);
        return status;
    }
    *out = front;
    return HMA_OK;
}

static inline hma_front *make_front(size_t points, const double *alignment, const double *retention, double own) {
    hma_context *context;
    hma_front *front = NULL; /* for compilers that do not know that a failed assertion ends the test */
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = 2}));
    assert_ok(make_front_with(&front, context, points, alignment, retention, own, 2000));
    hma_context_free(context);
    return front;
}

#endif
