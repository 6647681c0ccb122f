/* Races: who is stopped, what is left, and that interruptions do not matter. */
#include "search_by_hand.h"

#include "hma/front.h"
#include "search/race_judge.h"

typedef struct fixture {
    char folder[512];
    char run[2][600];
    hma_context *context;
    world_scorer scorer;
} fixture;

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    (void)make_temporary_folder(f->folder);
    (void)snprintf(f->run[0], sizeof f->run[0], "%s/whole", f->folder);
    (void)snprintf(f->run[1], sizeof f->run[1], "%s/pieces", f->folder);
    assert_ok(hma_context_new(&f->context, &(hma_context_options){.threads = 2}));
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    hma_context_free(f->context);
    assert_ok(hma_folder_remove(f->folder));
    free(f);
    return 0;
}

/* ---- the judge ---- */

enum { RUNNERS = 6, ASKED = 40, ALL = 100 };

/* Runners of two metrics with the given means and common noise. */
static void fill_tables(hma_score_table *tables, const double means[RUNNERS][2], double own) {
    for (size_t r = 0; r < RUNNERS; r++) {
        assert_ok(hma_score_table_new(&tables[r], 1, 2));
        for (size_t m = 0; m < 2; m++) {
            assert_ok(hma_task_scores_set(&tables[r], m, "t", "t", HMA_METRIC_F1, m == 0, ALL));
            const hma_rng_key shared = hma_rng_key_for(m, "shared"), key = hma_rng_key_for(10 * r + m, "own");
            for (size_t i = 0; i < ALL; i++) {
                tables[r].tasks[m].stats[i] =
                    means[r][m] + hma_rng_double(shared, i) - 0.5 + own * (hma_rng_double(key, i) - 0.5);
            }
        }
    }
}

static void only_those_without_a_chance_are_beaten(void **state) {
    fixture *f = *state;
    static const double weights[4] = {1, 0, 0, 1};
    static const size_t asked[2] = {ASKED, ASKED}, all[2] = {ALL, ALL};
    /* 0, 1 and 2 are the front; 3 is far behind 1; 4 is behind it by less than what can be told; 5 is not finite */
    static const double means[RUNNERS][2] = {{1, 0}, {0.8, 0.8}, {0, 1}, {0.4, 0.4}, {0.799, 0.799}, {2, 2}};
    hma_score_table tables[RUNNERS];
    hma_runner runners[RUNNERS], again[RUNNERS];
    fill_tables(tables, means, 0.3);
    tables[5].tasks[0].stats[7] = NAN;
    for (size_t r = 0; r < RUNNERS; r++) {
        runners[r] = (hma_runner){.table = &tables[r], .may_lose = true};
        again[r] = runners[r];
    }
    hma_heat heat = {runners, RUNNERS, 2, weights, asked, all, 0.05, 1};
    assert_ok(hma_heat_judge(&heat, f->context));
    for (size_t r = 0; r < RUNNERS; r++) {
        assert_int_equal(runners[r].beaten, r == 3);
    }
    assert_true(runners[5].out);
    assert_near(runners[0].chance, 1, 0);
    assert_near(runners[3].chance, 0, 0);
    assert_true(runners[4].chance > 0.05 && runners[4].chance < 0.95);

    hma_context *single; /* the same bits for any number of threads */
    assert_ok(hma_context_new(&single, &(hma_context_options){.threads = 1}));
    heat.runners = again;
    again[3].may_lose = false;
    assert_ok(hma_heat_judge(&heat, single));
    assert_false(again[3].beaten);
    for (size_t r = 0; r < RUNNERS; r++) {
        assert_near(again[r].chance, runners[r].chance, 0);
        hma_score_table_free(&tables[r]);
    }
    hma_context_free(single);
}

static void alpha_is_spent_by_half_of_the_items(void **state) {
    (void)state;
    assert_near(hma_race_alpha(0.05, 0, 0.125) + hma_race_alpha(0.05, 0.125, 0.25) + hma_race_alpha(0.05, 0.25, 0.5), 0.05,
                1e-16);
    assert_near(hma_race_alpha(0.05, 0, 0.125), 0.0125, 1e-16);
    assert_near(hma_race_alpha(0.05, 0.5, 1), 0, 0);
}

/* ---- runs ---- */

static hma_run *begin(fixture *f, const char *name, const char *levels) {
    hma_run *run = begin_in_world(f->context, in_folder(f->folder, name), &f->scorer, false);
    assert_ok(hma_run_add_levels(run, levels));
    return run;
}

typedef struct outcome {
    size_t count;
    char id[100][17];
} outcome;

static outcome front_of(fixture *f, hma_run *run) {
    outcome out = {0};
    hma_front *front;
    assert_ok(hma_front_compute(&front, f->context, run, &(hma_front_options){.resamples = 100}));
    for (size_t i = 0; i < front->front_count; i++) {
        (void)snprintf(out.id[out.count++], 17, "%s", front->points[front->front[i]].id);
    }
    hma_front_free(front);
    return out;
}

static void a_race_keeps_the_front_for_less_than_half_of_the_items(void **state) {
    fixture *f = *state;
    enum { SEEDS = 10 };
    size_t same = 0;
    f->scorer.items = 240;
    f->scorer.own = 0.02;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        char name[2][32];
        f->scorer.seed = seed;
        f->scorer.asked = 0;
        (void)snprintf(name[0], sizeof name[0], "all%llu", (unsigned long long)seed);
        (void)snprintf(name[1], sizeof name[1], "race%llu", (unsigned long long)seed);
        hma_run *run = begin(f, name[0], "0,0.25,0.5,1");
        assert_ok(hma_run_score(run));
        const outcome whole = front_of(f, run);
        const double asked = f->scorer.asked;
        hma_run_close(run);
        f->scorer.asked = 0;
        run = begin(f, name[1], "0,0.25,0.5,1");
        assert_ok(hma_run_race(run));
        const outcome raced = front_of(f, run);
        hma_run_close(run);
        same += whole.count == raced.count && memcmp(whole.id, raced.id, sizeof whole.id) == 0;
        print_message("seed %llu: front %zu, raced %zu, asked %.3f\n", (unsigned long long)seed, whole.count, raced.count,
                      f->scorer.asked / asked);
        assert_true(f->scorer.asked < 0.5 * asked);
    }
    assert_true(same >= 9);
}

static void an_interrupted_race_ends_the_same_and_asks_nothing_twice(void **state) {
    fixture *f = *state;
    f->scorer.own = 0.1;
    hma_run *run = begin(f, "whole", "0,0.5,1");
    assert_ok(hma_run_race(run));
    const outcome whole = front_of(f, run);
    hma_run_close(run);
    const double asked = f->scorer.asked;
    f->scorer.asked = 0;
    hma_status status = HMA_INTERRUPTED;
    while (status == HMA_INTERRUPTED) {
        f->scorer.stop_at = f->scorer.calls + 4;
        run = begin(f, "pieces", "0,0.5,1");
        status = hma_run_race(run);
        if (status != HMA_OK) {
            hma_run_close(run);
        }
    }
    assert_int_equal(status, HMA_OK);
    const outcome pieces = front_of(f, run);
    hma_run_close(run);
    assert_near(f->scorer.asked, asked, 0);
    assert_int_equal(pieces.count, whole.count);
    assert_memory_equal(pieces.id, whole.id, sizeof whole.id);
    const char *dropped = "SELECT sum(number * number) FROM candidate WHERE status = 'dropped'";
    const int64_t expected = query_journal(f->run[0], dropped);
    assert_true(expected > 0);
    assert_int_equal(query_journal(f->run[1], dropped), expected);
    char *text;
    assert_ok(hma_run_verify(f->run[1], &text));
    free(text);
}

static void survivors_have_the_results_of_a_full_scoring(void **state) {
    fixture *f = *state;
    hma_run *run = begin(f, "all", "0,0.5,1"), *raced;
    assert_ok(hma_run_score(run));
    raced = begin(f, "race", "0,0.5,1");
    assert_ok(hma_run_race(raced));
    size_t survivors = 0;
    for (size_t i = 0; i < hma_run_candidate_count(run); i++) {
        const hma_candidate *candidate = hma_run_candidate(raced, i);
        hma_result *a, *b;
        if (!candidate->scored) {
            assert_non_null(strstr(candidate->dropped, "parts of the items"));
            continue;
        }
        survivors++;
        assert_ok(hma_run_result(run, i, &a));
        assert_ok(hma_run_result(raced, i, &b));
        for (size_t t = 0; t < WORLD_TASKS; t++) {
            assert_memory_equal(a->tasks[t].measures[0].stats, b->tasks[t].measures[0].stats, WORLD_ITEMS * sizeof(double));
            assert_string_equal(a->tasks[t].item_id[5], b->tasks[t].item_id[5]);
        }
        assert_memory_equal(&a->alignment.measures[0].value, &b->alignment.measures[0].value, sizeof(double));
        hma_result_free(a);
        hma_result_free(b);
    }
    assert_true(survivors > 2 && survivors < hma_run_candidate_count(run));
    assert_ok(hma_run_score(raced)); /* who asks for all of them gets them */
    for (size_t i = 0; i < hma_run_candidate_count(raced); i++) {
        assert_true(hma_run_candidate(raced, i)->scored && !hma_run_candidate(raced, i)->dropped);
    }
    hma_run_close(run);
    hma_run_close(raced);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_those_without_a_chance_are_beaten, set_up, tear_down),
        cmocka_unit_test(alpha_is_spent_by_half_of_the_items),
        cmocka_unit_test_setup_teardown(a_race_keeps_the_front_for_less_than_half_of_the_items, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_interrupted_race_ends_the_same_and_asks_nothing_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survivors_have_the_results_of_a_full_scoring, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
