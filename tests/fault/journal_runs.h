/* Runs of CANDIDATES candidates without models, and what must be true of one however it was interrupted. */
#ifndef HMA_TESTS_JOURNAL_RUNS_H
#define HMA_TESTS_JOURNAL_RUNS_H

#include "run_by_hand.h"

#include "hma/front.h"

enum { CANDIDATES = 21 };

static inline hma_status sweep(const char *folder, unsigned microseconds) {
    return sweep_by_hand(folder, "0:1:0.05", microseconds);
}

/* Scored candidates, 0 when there is no run yet; what is there must be sound. */
static inline size_t count_scored(const char *folder) {
    hma_run *run;
    size_t scored = 0;
    if (!hma_path_exists(in_folder(folder, "journal.sqlite"))) {
        return 0;
    }
    assert_ok(hma_run_open(&run, folder));
    for (size_t i = 0; i < hma_run_candidate_count(run); i++) {
        scored += hma_run_candidate(run, i)->scored;
    }
    hma_run_close(run);
    return scored;
}

static inline void assert_nothing_was_scored_twice(const char *folder) {
    char *report;
    assert_ok(hma_run_verify(folder, &report));
    hma_text_free(report);
    assert_int_equal(query_journal(folder, "SELECT count(*) FROM event WHERE kind = 'scored'"), CANDIDATES);
    assert_int_equal(query_journal(folder, "SELECT count(DISTINCT candidate) FROM event WHERE kind = 'scored'"), CANDIDATES);
}

static inline hma_front *front_of(hma_context *context, hma_run **run, const char *folder) {
    hma_front *front;
    assert_ok(hma_run_open(run, folder));
    assert_ok(hma_front_compute(&front, context, *run, &(hma_front_options){.resamples = 500, .seed = 3}));
    return front;
}

/* Every number of the two fronts has the same bits. */
static inline void assert_same_front(const char *folder, const char *other) {
    hma_context *context;
    hma_run *runs[2];
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = 2}));
    hma_front *a = front_of(context, &runs[0], folder), *b = front_of(context, &runs[1], other);
    assert_int_equal(a->point_count, b->point_count);
    assert_int_equal(a->axis_count, b->axis_count);
    for (size_t axis = 0; axis < a->axis_count; axis++) {
        const hma_axis *x = &a->axes[axis], *y = &b->axes[axis];
        assert_memory_equal(x->point, y->point, a->point_count * sizeof *x->point);
        assert_memory_equal(x->versus_post, y->versus_post, a->point_count * sizeof *x->versus_post);
        assert_memory_equal(x->versus_pre, y->versus_pre, a->point_count * sizeof *x->versus_pre);
    }
    for (size_t i = 0; i < a->point_count; i++) {
        assert_string_equal(a->points[i].id, b->points[i].id);
        assert_memory_equal(&a->points[i].membership, &b->points[i].membership, sizeof(double));
        assert_int_equal(a->points[i].on_front, b->points[i].on_front);
    }
    assert_memory_equal(&a->hypervolume, &b->hypervolume, sizeof a->hypervolume);
    assert_string_equal(a->verdict, b->verdict);
    hma_front_free(a);
    hma_front_free(b);
    hma_run_close(runs[0]);
    hma_run_close(runs[1]);
    hma_context_free(context);
}

#endif
