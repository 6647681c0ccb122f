/* Runs without models: facts made by hand and a scorer whose answers follow from the recipe alone. For tests of src/search. */
#ifndef HMA_TESTS_RUN_BY_HAND_H
#define HMA_TESTS_RUN_BY_HAND_H

#include "scratch.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "hma/run.h"
#include "search/run_parts.h"

enum { HAND_LAYERS = 6, HAND_TASKS = 2, HAND_ITEMS = 12 };

#define HAND_SUITE "{\"name\":\"by hand\"}"

/* ---- results ---- */

static inline hma_status fill_hand_measure(hma_measure *measure, hma_metric metric, size_t number, hma_rng_key key) {
    const size_t width = hma_metric_describe(metric)->width;
    *measure = (hma_measure){.metric = metric, .items = HAND_ITEMS, .stats = HMA_NEW(double, HAND_ITEMS *width)};
    for (size_t i = 0; measure->stats && i < HAND_ITEMS * width; i++) {
        const uint64_t draw = 1000 * number + i;
        measure->stats[i] = width == 1 ? hma_rng_double(key, draw) : (double)(1 + hma_rng_below(key, draw, 9));
    }
    return measure->stats ? HMA_OK : HMA_FAILURE;
}

static inline hma_status fill_hand_items(hma_task_result *task, hma_rng_key key) {
    bool complete = task->item_id && task->detail;
    for (size_t i = 0; complete && i < HAND_ITEMS; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%s-%zu", task->name, i);
        task->item_id[i] = hma_copy_text(text);
        (void)snprintf(text, sizeof text, "{\"text\":\"%.17g\"}", hma_rng_double(key, i));
        task->detail[i] = hma_copy_text(text);
        complete = task->item_id[i] && task->detail[i];
    }
    return complete ? HMA_OK : HMA_FAILURE;
}

/* `second` may be the same metric as the first: then there is one measure. */
static inline hma_status fill_hand_task(hma_task_result *task, const char *name, hma_metric metric, hma_metric second,
                                        hma_rng_key key) {
    *task = (hma_task_result){.name = hma_copy_text(name),
                              .category = hma_copy_text(name),
                              .items = HAND_ITEMS,
                              .measures = HMA_NEW(hma_measure, 2),
                              .item_id = HMA_NEW(char *, HAND_ITEMS),
                              .detail = HMA_NEW(char *, HAND_ITEMS)};
    if (!task->name || !task->category || !task->measures || fill_hand_items(task, key) != HMA_OK) {
        return HMA_FAILURE;
    }
    task->measure_count = metric == second ? 1 : 2;
    hma_status status = fill_hand_measure(&task->measures[0], metric, 0, key);
    if (status == HMA_OK && second != metric) {
        status = fill_hand_measure(&task->measures[1], second, 1, key);
    }
    return status;
}

/* Of the task "translation": another one than BLEU makes a second measure. */
static hma_metric hand_second_metric = HMA_METRIC_BLEU;

/* A result that is a function of the candidate's id. */
static inline hma_status make_hand_result(hma_result **out, const char *id) {
    const hma_rng_key key = hma_rng_key_for(1, id);
    hma_result *result = HMA_NEW(hma_result, 1);
    if (!result) {
        return HMA_FAILURE;
    }
    result->tasks = HMA_NEW(hma_task_result, HAND_TASKS);
    result->task_count = result->tasks ? HAND_TASKS : 0;
    result->has_alignment = true;
    result->seconds = 0.25;
    result->cost = (hma_model_counters){.tokens = 7, .tokens_shared = 3, .generated = 2, .flops = 1e9, .seconds_merge = 0.1};
    hma_status status = result->tasks ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK) {
        status = fill_hand_task(&result->tasks[0], "sense", HMA_METRIC_ACC, HMA_METRIC_ACC_NORM, hma_rng_key_with(key, 0));
    }
    if (status == HMA_OK) {
        status =
            fill_hand_task(&result->tasks[1], "translation", HMA_METRIC_BLEU, hand_second_metric, hma_rng_key_with(key, 1));
    }
    if (status == HMA_OK) {
        status =
            fill_hand_task(&result->alignment, "alignment", HMA_METRIC_REWARD, HMA_METRIC_REWARD, hma_rng_key_with(key, 2));
    }
    if (status == HMA_OK) {
        status = hma_result_summarize(result, 1);
    }
    if (status != HMA_OK) {
        hma_result_free(result);
        return status;
    }
    *out = result;
    return HMA_OK;
}

/* ---- the scorer ---- */

typedef struct hand_scorer {
    size_t calls;
    const char *break_label;  /* this candidate is not finite */
    const char *stop_label;   /* this one fails otherwise */
    const char *cancel_label; /* while this one is scored, the user interrupts */
    unsigned microseconds;    /* that a candidate takes */
    hma_context *context;
} hand_scorer;

static inline bool is_label(const char *label, const hma_candidate *candidate) {
    return label && strcmp(label, candidate->label) == 0;
}

static inline hma_status score_by_hand(void *user, const hma_candidate *candidate, hma_result **out) {
    hand_scorer *scorer = user;
    scorer->calls++;
    if (scorer->microseconds) {
        (void)usleep(scorer->microseconds);
    }
    if (is_label(scorer->break_label, candidate)) {
        return hma_error(HMA_NON_FINITE, "tensor x: is NaN at 3");
    }
    if (is_label(scorer->stop_label, candidate)) {
        return hma_error(HMA_IO, "model: cannot read: check the device");
    }
    if (is_label(scorer->cancel_label, candidate)) {
        hma_context_cancel(scorer->context);
        return hma_error(HMA_INTERRUPTED, "interrupted");
    }
    return make_hand_result(out, candidate->id);
}

/* ---- runs ---- */

static inline hma_status make_hand_facts(hma_facts *facts) {
    char digest[65];
    *facts = (hma_facts){0};
    hma_status status = hma_sha256_of(HAND_SUITE, strlen(HAND_SUITE), digest);
    const struct {
        hma_fact_kind kind;
        const char *key, *value;
    } list[] = {{HMA_FACT_PLACE, "pre", "models/pre"}, {HMA_FACT_HISTORY, "command_line", "hma sweep"},
                {HMA_FACT_FIXED, "layers", "6"},       {HMA_FACT_FIXED, "seed", "1"},
                {HMA_FACT_FIXED, "policy", "full"},    {HMA_FACT_FIXED, "suite_text_sha256", digest}};
    for (size_t i = 0; i < sizeof list / sizeof *list && status == HMA_OK; i++) {
        status = hma_facts_set(facts, list[i].kind, list[i].key, "%s", list[i].value);
    }
    return status;
}

/* Begins or resumes. */
static inline hma_status begin_by_hand_with(hma_run **out, hma_context *context, const char *folder, const hma_facts *facts,
                                            const hma_recipe_spec *recipe, hand_scorer *scorer) {
    hma_run *run;
    *out = NULL; /* for compilers that do not know that a failed assertion ends the test */
    hma_status status = hma_run_take(&run, context, folder);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_run_start(run, facts, recipe, HAND_SUITE);
    if (status != HMA_OK) {
        hma_run_close(run);
        return status;
    }
    scorer->context = context;
    run->scorer = (hma_scorer){.score = score_by_hand, .user = scorer};
    *out = run;
    return HMA_OK;
}

static inline hma_recipe_spec hand_recipe(const char *blocks) {
    hma_recipe_spec recipe = hma_recipe_spec_default();
    recipe.layers = HAND_LAYERS;
    recipe.blocks = blocks;
    return recipe;
}

static inline hma_status begin_by_hand(hma_run **out, hma_context *context, const char *folder, hand_scorer *scorer) {
    hma_facts facts;
    const hma_recipe_spec recipe = hand_recipe("3");
    hma_status status = make_hand_facts(&facts);
    if (status == HMA_OK) {
        status = begin_by_hand_with(out, context, folder, &facts, &recipe, scorer);
    }
    hma_facts_free(&facts);
    return status;
}

/* Begins or resumes a run over a grid, on one thread, and scores it to its end. */
static inline hma_status sweep_by_hand(const char *folder, const char *grid, unsigned microseconds) {
    hma_context *context;
    hma_run *run = NULL;
    hand_scorer scorer = {.microseconds = microseconds};
    hma_status status = hma_context_new(&context, &(hma_context_options){.threads = 1});
    if (status != HMA_OK) {
        return status;
    }
    status = begin_by_hand(&run, context, folder, &scorer);
    if (status == HMA_OK) {
        status = hma_run_add_grid(run, grid);
    }
    if (status == HMA_OK) {
        status = hma_run_score(run);
    }
    hma_run_close(run);
    hma_context_free(context);
    return status;
}

/* A finished run of 6 uniform ratios; pre and post are two of them. */
static inline void finish_by_hand(const char *folder) { assert_ok(sweep_by_hand(folder, "0:1:0.2", 0)); }

/* ---- looking at and tampering with journals ---- */

/* folder + "/" + name in static memory, a few at a time. */
static inline const char *in_folder(const char *folder, const char *name) {
    static char paths[4][1024];
    static size_t next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* Runs SQL on a run's journal; returns the first column of the last row, 0 without rows. */
static inline int64_t query_journal(const char *folder, const char *sql) {
    sqlite3 *db;
    sqlite3_stmt *statement;
    int64_t value = 0;
    assert_int_equal(sqlite3_open(in_folder(folder, "journal.sqlite"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        value = sqlite3_column_int64(statement, 0);
    }
    assert_int_equal(code, SQLITE_DONE);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return value;
}

/* ---- a fixture for every test ---- */

typedef struct run_fixture {
    char folder[512];          /* temporary */
    char run[600], other[600]; /* folders of runs, not made yet */
    hma_context *context;
    hand_scorer scorer;
} run_fixture;

static inline void open_run_place(char folder[512], char run[600], char other[600], hma_context **context) {
    open_place(folder, context, 2);
    (void)snprintf(run, 600, "%s/run", folder);
    (void)snprintf(other, 600, "%s/other", folder);
}

static inline int set_up_run(void **state) {
    run_fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    open_run_place(f->folder, f->run, f->other, &f->context);
    *state = f;
    return 0;
}

static inline int tear_down_run(void **state) {
    run_fixture *f = *state;
    close_place(f->folder, f->context);
    free(f);
    return 0;
}

#define with_a_run(test) cmocka_unit_test_setup_teardown(test, set_up_run, tear_down_run)

#endif
