/* Races: who is stopped, what is left, and that interruptions do not matter. */
#include "search_by_hand.h"

#include "hma/front.h"
#include "search/race_judge.h"
#include "search/race_track.h"

/* ---- guesses and chances ---- */

enum { RACERS = 40, ITEMS = 100, COMPLETE = 20 };

typedef struct field {
    hma_track track;
    hma_score_table tables[RACERS];
    hma_racer racers[RACERS];
    bool asked[RACERS][2 * ITEMS];
    double truth[RACERS][2];
} field;

/* Two metrics over a line of candidates: answers to an item go from good to bad, or back, at a place of its own on the line,
 * and have a little noise. The first `COMPLETE` racers stand all along the line and have answered everything. */
static void make_field(field *f, uint64_t seed, double noise) {
    hma_score_table shape;
    assert_ok(hma_score_table_new(&shape, 1, 2));
    assert_ok(hma_task_scores_set(&shape, 0, "skill", "skill", HMA_METRIC_F1, false, ITEMS));
    assert_ok(hma_task_scores_set(&shape, 1, "alignment", "alignment", HMA_METRIC_REWARD, true, ITEMS));
    *f = (field){0};
    assert_ok(hma_track_make(&f->track, &shape));
    hma_score_table_free(&shape);
    for (size_t r = 0; r < RACERS; r++) {
        const double at = r < COMPLETE ? (double)r / (COMPLETE - 1) : hma_rng_double(hma_rng_key_for(seed, "places"), r);
        assert_ok(hma_score_table_new(&f->tables[r], 1, 2));
        for (size_t t = 0; t < 2; t++) {
            const hma_rng_key borders = hma_rng_key_for(seed, t ? "rewards" : "skills");
            const hma_rng_key own = hma_rng_key_with(hma_rng_key_with(hma_rng_key_for(seed, "own"), r), t);
            assert_ok(hma_task_scores_set(&f->tables[r], t, "t", "t", t ? HMA_METRIC_REWARD : HMA_METRIC_F1, t == 1, ITEMS));
            for (size_t i = 0; i < ITEMS; i++) {
                const double past = 1 / (1 + exp(20 * (hma_rng_double(borders, i) - at)));
                double *to = &f->tables[r].tasks[t].stats[i];
                *to = (t ? past : 1 - past) + noise * (hma_rng_double(own, i) - 0.5);
                f->truth[r][1 - t] += *to / ITEMS;
                f->asked[r][f->track.first[t] + i] = r < COMPLETE || i < ITEMS / 4;
            }
        }
        f->racers[r] = (hma_racer){.table = &f->tables[r],
                                   .asked = f->asked[r],
                                   .answered = r < COMPLETE ? 2 * ITEMS : 2 * (ITEMS / 4),
                                   .may_lose = r >= COMPLETE,
                                   .doubt = HMA_NEW(double, 2 * ITEMS),
                                   .task_value = HMA_NEW(double, 2)};
    }
}

static void free_field(field *f) {
    for (size_t r = 0; r < RACERS; r++) {
        hma_score_table_free(&f->tables[r]);
        free(f->racers[r].doubt);
        free(f->racers[r].task_value);
    }
    hma_track_free(&f->track);
}

static void guesses_are_as_far_off_as_they_say(void **state) {
    world_fixture *f = *state;
    enum { SEEDS = 20 };
    double squares[HMA_AXES] = {0}, plain = 0, guessed = 0, count = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        field *one = calloc(1, sizeof *one);
        assert_non_null(one);
        make_field(one, seed, 0.05);
        assert_ok(hma_guess(&one->track, one->racers, RACERS, f->context));
        for (size_t r = 0; r < COMPLETE; r++) {
            assert_near(one->racers[r].value[0], one->truth[r][0], 1e-12);
            assert_near(one->racers[r].deviation[1], 0, 0);
        }
        for (size_t r = COMPLETE; r < RACERS; r++, count++) {
            double answered = 0;
            for (size_t i = 0; i < ITEMS / 4; i++) {
                answered += one->tables[r].tasks[0].stats[i] / (ITEMS / 4);
            }
            for (size_t axis = 0; axis < HMA_AXES; axis++) {
                const double error = one->racers[r].value[axis] - one->truth[r][axis];
                assert_true(one->racers[r].deviation[axis] > 0);
                squares[axis] += error * error / one->racers[r].deviation[axis] / one->racers[r].deviation[axis];
            }
            guessed += fabs(one->racers[r].value[1] - one->truth[r][1]);
            plain += fabs(answered - one->truth[r][1]);
        }
        free_field(one);
        free(one);
    }
    print_message("errors in deviations: %.2f, %.2f; the mean of the answers is %.1f times as far off\n",
                  sqrt(squares[0] / count), sqrt(squares[1] / count), plain / guessed);
    for (size_t axis = 0; axis < HMA_AXES; axis++) {
        assert_true(squares[axis] / count > 0.1 && squares[axis] / count < 4);
    }
    assert_true(plain > 3 * guessed);
}

static void what_is_doubted_is_where_the_peers_part(void **state) {
    world_fixture *f = *state;
    field *one = calloc(1, sizeof *one);
    assert_non_null(one);
    make_field(one, 3, 0);
    assert_ok(hma_guess(&one->track, one->racers, RACERS, f->context));
    const hma_racer *racer = &one->racers[COMPLETE];
    double right = 0, wrong = 0;
    for (size_t i = ITEMS / 4; i < ITEMS; i++) {
        double least = INFINITY, most = -INFINITY;
        for (size_t r = 0; r < COMPLETE; r++) {
            least = fmin(least, one->tables[r].tasks[0].stats[i]);
            most = fmax(most, one->tables[r].tasks[0].stats[i]);
        }
        if (least == most) {
            right = fmax(right, racer->doubt[i]);
        } else {
            wrong = fmax(wrong, racer->doubt[i]);
        }
    }
    assert_true(wrong > 10 * right);
    for (size_t i = 0; i < ITEMS / 4; i++) {
        assert_near(racer->doubt[i], 0, 0);
    }
    free_field(one);
    free(one);
}

static hma_racer standing(double x, double y, double deviation) {
    return (hma_racer){.value = {x, y}, .deviation = {deviation, deviation}, .may_lose = true};
}

static void only_those_without_a_chance_are_beaten(void **state) {
    world_fixture *f = *state;
    enum { COUNT = 7 };
    const hma_track track = {.items = 1};
    /* 0, 1 and 2 are the front; 3 is far behind 1; 4 is behind it by less than what can be told; 5 takes no part, 6 cannot lose
     */
    hma_racer racers[COUNT] = {standing(1, 0, 0),        standing(0.8, 0.8, 0),      standing(0, 1, 0),
                               standing(0.4, 0.4, 0.03), standing(0.79, 0.79, 0.03), standing(2, 2, 0),
                               standing(0.3, 0.3, 0.03)};
    hma_racer again[COUNT];
    double spent;
    racers[0].answered = racers[1].answered = racers[2].answered = 1;
    racers[5].out = true;
    racers[6].may_lose = false;
    memcpy(again, racers, sizeof again);
    assert_ok(hma_judge_chances(racers, COUNT, 1, 0, f->context));
    assert_ok(hma_judge_beaten(&track, racers, COUNT, 0.05, &spent));
    for (size_t r = 0; r < COUNT; r++) {
        assert_int_equal(racers[r].beaten, r == 3);
    }
    assert_near(racers[0].chance, 1, 0);
    assert_near(racers[3].chance, 0, 0);
    assert_near(racers[6].chance, 0, 0);
    assert_near(spent, 0, 0);
    /* not beaten by (0.8, 0.8) in both axes: 1 - P(z < 1/3)^2 */
    assert_near(racers[4].chance, 1 - 0.6306 * 0.6306, 0.02);
    assert_near(hma_judge_behind(racers, COUNT, 4, 0), 1.0 / 3, 1e-9);
    assert_near(hma_judge_behind(racers, COUNT, 3, 1), 0.4 / 0.03, 1e-9);
    assert_ok(hma_judge_beaten(&track, racers, COUNT, 0.99, &spent));
    assert_true(racers[4].beaten && spent > 0.5);

    hma_context *single; /* the same bits for any number of threads, other ones in another round */
    assert_ok(hma_context_new(&single, &(hma_context_options){.threads = 1}));
    assert_ok(hma_judge_chances(again, COUNT, 1, 0, single));
    for (size_t r = 0; r < COUNT; r++) {
        assert_near(again[r].chance, racers[r].chance, 0);
    }
    assert_ok(hma_judge_chances(again, COUNT, 1, 1, single));
    assert_true(again[4].chance != racers[4].chance);
    hma_context_free(single);
}

/* ---- runs ---- */

static hma_run *begin(world_fixture *f, const char *name, const char *levels) {
    hma_run *run = begin_in_world(f->context, in_folder(f->folder, name), &f->scorer, false);
    assert_ok(hma_run_add_levels(run, levels));
    return run;
}

typedef struct outcome {
    size_t count;
    char id[100][17];
} outcome;

static outcome front_of(world_fixture *f, hma_run *run) {
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
    world_fixture *f = *state;
    enum { SEEDS = 10 };
    size_t same = 0;
    double share = 0;
    f->scorer.items = 160;
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
        share += f->scorer.asked / asked / SEEDS;
        assert_true(f->scorer.asked < 0.6 * asked);
    }
    assert_true(same >= 9 && share < 0.5);
}

static void an_interrupted_race_ends_the_same_and_asks_nothing_twice(void **state) {
    world_fixture *f = *state;
    f->scorer.own = 0.1;
    hma_run *run = begin(f, "run", "0,0.5,1");
    assert_ok(hma_run_race(run));
    const outcome whole = front_of(f, run);
    hma_run_close(run);
    const double asked = f->scorer.asked;
    f->scorer.asked = 0;
    hma_status status = HMA_INTERRUPTED;
    while (status == HMA_INTERRUPTED) {
        f->scorer.stop_at = f->scorer.calls + 4;
        run = begin(f, "other", "0,0.5,1");
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
    const int64_t expected = query_journal(f->run, dropped);
    assert_true(expected > 0);
    assert_int_equal(query_journal(f->other, dropped), expected);
    char *text;
    assert_ok(hma_run_verify(f->other, &text));
    free(text);
}

static void survivors_have_the_results_of_a_full_scoring(void **state) {
    world_fixture *f = *state;
    hma_run *run = begin(f, "all", "0,0.5,1"), *raced;
    assert_ok(hma_run_score(run));
    raced = begin(f, "race", "0,0.5,1");
    assert_ok(hma_run_race(raced));
    size_t survivors = 0;
    for (size_t i = 0; i < hma_run_candidate_count(run); i++) {
        const hma_candidate *candidate = hma_run_candidate(raced, i);
        hma_result *a, *b;
        if (!candidate->scored) {
            assert_non_null(strstr(candidate->dropped, "of 480 items"));
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

/* A race that was interrupted, and then changed in its journal. */
static void race_changed(world_fixture *f, const char *name, const char *folder, const char *const *changes,
                         hma_status expected, const char *message) {
    f->scorer.stop_at = f->scorer.calls + 6;
    hma_run *run = begin(f, name, "0,0.5,1");
    assert_int_equal(hma_run_race(run), HMA_INTERRUPTED);
    hma_run_close(run);
    f->scorer.stop_at = 0;
    for (; *changes; changes++) {
        (void)query_journal(folder, *changes);
    }
    run = begin(f, name, "0,0.5,1");
    assert_fails(hma_run_race(run), expected, message);
    hma_run_close(run);
}

static void a_race_that_cannot_go_on_is_refused(void **state) {
    world_fixture *f = *state;
    race_changed(f, "run", f->run, (const char *const[]){"UPDATE part SET last = 1, parts = 8", NULL}, HMA_INCOMPATIBLE,
                 "another hma began");
    race_changed(
        f, "other", f->other,
        (const char *const[]){"UPDATE part_answer SET item = item + 100000", "UPDATE part_stat SET item = item + 100000", NULL},
        HMA_BAD_DATA, "partial scores are of other items");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        in_a_world(only_those_without_a_chance_are_beaten),
        in_a_world(guesses_are_as_far_off_as_they_say),
        in_a_world(what_is_doubted_is_where_the_peers_part),
        in_a_world(a_race_keeps_the_front_for_less_than_half_of_the_items),
        in_a_world(an_interrupted_race_ends_the_same_and_asks_nothing_twice),
        in_a_world(survivors_have_the_results_of_a_full_scoring),
        in_a_world(a_race_that_cannot_go_on_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
