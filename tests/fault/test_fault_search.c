/* The methods of a search while memory runs out: every allocation fails once, nothing leaks, and what works gives the same. */
#include "smooth_world.h"

#include "failing_malloc.h"
#include "search/race_judge.h"

enum { FIRST = 14, MADE = 6, RUNNERS = 5, ITEMS = 16 };

static hma_samples samples;

static int set_up(void **state) {
    (void)state;
    double ratios[FIRST * SMOOTH_BLOCKS];
    size_t made = 0;
    smooth_begin(&samples, NAN);
    assert_ok(hma_design_make(&samples, 3, FIRST - 3, 1, ratios, &made));
    smooth_score(&samples, ratios, made);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    hma_samples_free(&samples);
    return 0;
}

/* Runs `work` until no allocation is left that could fail. */
static void run_out(hma_status (*work)(double out[MADE * SMOOTH_BLOCKS])) {
    double expected[MADE * SMOOTH_BLOCKS] = {0}, got[MADE * SMOOTH_BLOCKS];
    assert_ok(work(expected));
    for (size_t number = 1;; number++) {
        memset(got, 0, sizeof got);
        fail_allocation(number);
        const hma_status status = work(got);
        const bool failed = allocation_has_failed();
        fail_allocation(0);
        if (!failed) {
            assert_int_equal(status, HMA_OK);
            assert_memory_equal(got, expected, sizeof got);
            break;
        }
        assert_int_equal(status, HMA_FAILURE);
    }
}

static hma_status design(double out[MADE * SMOOTH_BLOCKS]) {
    size_t made;
    return hma_design_make(&samples, 1, MADE - 1, 2, out, &made);
}

static hma_status breed(double out[MADE * SMOOTH_BLOCKS]) {
    size_t made;
    return hma_nsga2_breed(&samples, 8, 1, 1, MADE, out, &made);
}

static hma_status propose(double out[MADE * SMOOTH_BLOCKS]) {
    hma_surrogate_proposal proposal;
    const hma_status status = hma_surrogate_propose(&samples, 1, 1, 2, &proposal);
    if (status == HMA_OK) {
        memcpy(out, proposal.ratios, proposal.made * SMOOTH_BLOCKS * sizeof *out);
        hma_surrogate_proposal_free(&proposal);
    }
    return status;
}

static void methods_run_out_of_memory(void **state) {
    (void)state;
    run_out(design);
    run_out(breed);
    run_out(propose);
}

static void a_race_runs_out_of_memory(void **state) {
    (void)state;
    static const double weights[2] = {1, 0};
    static const size_t asked = ITEMS, all = 2 * ITEMS;
    hma_context *context;
    hma_score_table tables[RUNNERS];
    hma_runner runners[RUNNERS];
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = 1}));
    for (size_t r = 0; r < RUNNERS; r++) {
        assert_ok(hma_score_table_new(&tables[r], 1, 1));
        assert_ok(hma_task_scores_set(&tables[r], 0, "t", "t", HMA_METRIC_REWARD, true, ITEMS));
        for (size_t i = 0; i < ITEMS; i++) {
            tables[r].tasks[0].stats[i] = (double)(r * 3 + i % 4);
        }
    }
    for (size_t number = 1;; number++) {
        for (size_t r = 0; r < RUNNERS; r++) {
            runners[r] = (hma_runner){.table = &tables[r], .may_lose = true};
        }
        const hma_heat heat = {runners, RUNNERS, 1, weights, &asked, &all, 0.05, 1};
        fail_allocation(number);
        const hma_status status = hma_heat_judge(&heat, context);
        const bool failed = allocation_has_failed();
        fail_allocation(0);
        assert_int_equal(status, failed ? HMA_FAILURE : HMA_OK);
        if (!failed) {
            assert_true(runners[0].beaten && !runners[RUNNERS - 1].beaten);
            break;
        }
    }
    for (size_t r = 0; r < RUNNERS; r++) {
        hma_score_table_free(&tables[r]);
    }
    hma_context_free(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(methods_run_out_of_memory, set_up, tear_down),
        cmocka_unit_test(a_race_runs_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
