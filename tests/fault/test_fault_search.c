/* The methods of a search while memory runs out: every allocation fails once, nothing leaks, and what works gives the same. */
#include "smooth_world.h"

#include "failing_malloc.h"
#include "search/race_judge.h"
#include "search/race_track.h"

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
    hma_context *context;
    hma_score_table tables[RUNNERS], shape;
    hma_racer racers[RUNNERS];
    bool asked[RUNNERS][ITEMS];
    double doubt[RUNNERS][ITEMS], value[RUNNERS][1];
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = 1}));
    assert_ok(hma_score_table_new(&shape, 1, 1));
    assert_ok(hma_task_scores_set(&shape, 0, "t", "t", HMA_METRIC_REWARD, true, ITEMS));
    for (size_t r = 0; r < RUNNERS; r++) {
        assert_ok(hma_score_table_new(&tables[r], 1, 1));
        assert_ok(hma_task_scores_set(&tables[r], 0, "t", "t", HMA_METRIC_REWARD, true, ITEMS));
        for (size_t i = 0; i < ITEMS; i++) {
            tables[r].tasks[0].stats[i] = (double)(r * 3 + i % 4);
            asked[r][i] = r > 0 || i < ITEMS / 2;
        }
    }
    for (size_t number = 1;; number++) {
        hma_track track = {0};
        double spent;
        fail_allocation(number);
        hma_status status = hma_track_make(&track, &shape);
        for (size_t r = 0; r < RUNNERS; r++) {
            racers[r] = (hma_racer){.table = &tables[r],
                                    .asked = asked[r],
                                    .answered = r > 0 ? ITEMS : ITEMS / 2,
                                    .may_lose = true,
                                    .doubt = doubt[r],
                                    .task_value = value[r]};
        }
        status = status == HMA_OK ? hma_guess(&track, racers, RUNNERS, context) : status;
        status = status == HMA_OK ? hma_judge_chances(racers, RUNNERS, 1, 0, context) : status;
        status = status == HMA_OK ? hma_judge_beaten(&track, racers, RUNNERS, 0.05, &spent) : status;
        const bool failed = allocation_has_failed();
        fail_allocation(0);
        hma_track_free(&track);
        assert_int_equal(status, failed ? HMA_FAILURE : HMA_OK);
        if (!failed) {
            assert_true(racers[0].beaten && !racers[RUNNERS - 1].beaten);
            break;
        }
    }
    for (size_t r = 0; r < RUNNERS; r++) {
        hma_score_table_free(&tables[r]);
    }
    hma_score_table_free(&shape);
    hma_context_free(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(methods_run_out_of_memory, set_up, tear_down),
        cmocka_unit_test(a_race_runs_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
