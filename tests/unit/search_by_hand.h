/*
 * Runs that search and race without models: a scorer in the smooth world that answers whatever items are selected, with noise
 * that all candidates share and a little of their own.
 */
#ifndef HMA_TESTS_SEARCH_BY_HAND_H
#define HMA_TESTS_SEARCH_BY_HAND_H

#include "run_by_hand.h"
#include "smooth_world.h"

#include "hma/run_search.h"

enum { WORLD_TASKS = 3, WORLD_ITEMS = 120 };

typedef struct world_scorer {
    hma_selection selected;
    size_t calls;
    double asked;       /* items answered so far */
    size_t stop_at;     /* this call is interrupted; 0: none */
    uint64_t seed;      /* of the noise */
    double own;         /* share of the noise that is a candidate's own */
    size_t items;       /* per task; 0: WORLD_ITEMS */
    const char *broken; /* label of a candidate that is not finite */
} world_scorer;

static inline hma_status world_select(void *user, const hma_selection *selection) {
    ((world_scorer *)user)->selected = *selection;
    return HMA_OK;
}

/* The place in the file of the selected item: an affine permutation stands for the random order. */
static inline size_t world_place(const hma_selection *s, size_t n, size_t i) {
    return s->parts == 0 && !s->only ? i : (i * 77 + 5) % n;
}

/* How many of n items of a task are selected, and the first of them. */
static inline size_t world_count(const hma_selection *s, size_t task, size_t n, size_t *from) {
    const size_t parts = s->parts;
    *from = parts ? (n * s->first + parts - 1) / parts : 0;
    return s->only ? s->only[task].count : parts ? (n * s->last + parts - 1) / parts - *from : n;
}

static inline hma_status fill_world_task(hma_task_result *task, const world_scorer *w, size_t number, const char *name,
                                         hma_metric metric, double value, const char *id) {
    const size_t n = w->items ? w->items : WORLD_ITEMS;
    size_t from;
    const size_t count = world_count(&w->selected, number, n, &from);
    const bool search = w->selected.items == HMA_ITEMS_SEARCH;
    const hma_rng_key shared = hma_rng_key_with(hma_rng_key_for(w->seed, name), search), own = hma_rng_key_for(w->seed + 1, id);
    *task = (hma_task_result){.name = hma_copy_text(name),
                              .category = hma_copy_text(name),
                              .items = count,
                              .measure_count = 1,
                              .measures = HMA_NEW(hma_measure, 1),
                              .item_id = HMA_NEW(char *, count),
                              .detail = HMA_NEW(char *, count)};
    if (!task->name || !task->category || !task->measures || !task->item_id || !task->detail) {
        return HMA_FAILURE;
    }
    task->measures[0] = (hma_measure){.metric = metric, .items = count, .stats = HMA_NEW(double, count)};
    for (size_t i = 0; i < count; i++) {
        char text[64];
        const hma_places *only = w->selected.only ? &w->selected.only[number] : NULL;
        const size_t place = world_place(&w->selected, n, only ? only->place[i] : from + i);
        const double noise = (1 - w->own) * (hma_rng_double(shared, place) - 0.5) +
                             w->own * (hma_rng_double(hma_rng_key_with(own, search), place) - 0.5);
        (void)snprintf(text, sizeof text, "%s%zu", search ? "s" : "t", place);
        task->item_id[i] = hma_copy_text(text);
        task->detail[i] = hma_copy_text("{}");
        const double scale = metric == HMA_METRIC_REWARD ? 4 : 1;
        task->measures[0].stats[i] = metric == HMA_METRIC_ACC ? (noise + 0.5 < value ? 1 : 0) : value + scale * noise;
    }
    return HMA_OK;
}

static inline hma_status score_in_world(void *user, const hma_candidate *candidate, hma_result **out) {
    static const char *const names[] = {"sense", "reading", "translation"};
    world_scorer *w = user;
    double x[SMOOTH_BLOCKS], values[SMOOTH_METRICS];
    w->calls++;
    if (w->stop_at == w->calls) {
        return hma_error(HMA_INTERRUPTED, "interrupted");
    }
    if (w->broken && strcmp(candidate->label, w->broken) == 0) {
        return hma_error(HMA_NON_FINITE, "tensor x: is NaN at 3");
    }
    for (size_t k = 0; k < SMOOTH_BLOCKS; k++) {
        x[k] = hma_recipe_layer_ratio(candidate->recipe, k * HAND_LAYERS / SMOOTH_BLOCKS);
    }
    smooth_values(x, values);
    hma_result *result = HMA_NEW(hma_result, 1);
    assert_non_null(result);
    result->tasks = HMA_NEW(hma_task_result, WORLD_TASKS);
    assert_non_null(result->tasks);
    result->has_alignment = true;
    result->seconds = 30;
    for (size_t t = 0; t < WORLD_TASKS; t++, result->task_count++) {
        assert_ok(fill_world_task(&result->tasks[t], w, t, names[t], t == 0 ? HMA_METRIC_ACC : HMA_METRIC_F1, values[t],
                                  candidate->id));
        w->asked += (double)result->tasks[t].items;
    }
    assert_ok(fill_world_task(&result->alignment, w, WORLD_TASKS, "alignment", HMA_METRIC_REWARD, values[WORLD_TASKS],
                              candidate->id));
    w->asked += (double)result->alignment.items;
    result->cost.tokens = 10 * result->alignment.items;
    assert_ok(hma_result_summarize(result, 1));
    *out = result;
    return HMA_OK;
}

/* Begins or resumes a run over three blocks. `search` keeps search items apart. */
static inline hma_run *begin_in_world(hma_context *context, const char *folder, world_scorer *scorer, bool search) {
    hma_run *run = NULL;
    hma_facts facts;
    const hma_recipe_spec recipe = hand_recipe("3");
    assert_ok(make_hand_facts(&facts));
    assert_ok(hma_run_take(&run, context, folder));
    assert_ok(hma_run_start(run, &facts, &recipe, HAND_SUITE));
    hma_facts_free(&facts);
    /* what a power failure would leave is tested elsewhere */
    assert_int_equal(sqlite3_exec(run->journal->sql.db, "PRAGMA synchronous = OFF", NULL, NULL, NULL), SQLITE_OK);
    run->test = run->selected = scorer->selected = (hma_selection){.items = search ? HMA_ITEMS_TEST : HMA_ITEMS_ALL};
    run->scorer = (hma_scorer){.score = score_in_world, .select = world_select, .user = scorer};
    return run;
}

/* As run_fixture, with this scorer. */
typedef struct world_fixture {
    char folder[512];
    char run[600], other[600];
    hma_context *context;
    world_scorer scorer;
} world_fixture;

static inline int set_up_world(void **state) {
    world_fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    open_run_place(f->folder, f->run, f->other, &f->context);
    *state = f;
    return 0;
}

static inline int tear_down_world(void **state) {
    world_fixture *f = *state;
    close_place(f->folder, f->context);
    free(f);
    return 0;
}

#define in_a_world(test) cmocka_unit_test_setup_teardown(test, set_up_world, tear_down_world)

#endif
