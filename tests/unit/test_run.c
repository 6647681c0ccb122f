/* Runs: beginning, resuming, scoring, reading back. */
#include "run_by_hand.h"

#include <float.h>

#include "hma/front.h"
#include "search/front_parts.h"

/* ---- exactness ---- */

static void assert_same_numbers(const double *a, const double *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (isnan(a[i])) {
            assert_true(isnan(b[i])); /* SQLite knows one NaN only */
        } else {
            assert_memory_equal(&a[i], &b[i], sizeof *a);
        }
    }
}

static void assert_same_task(const hma_task_result *a, const hma_task_result *b) {
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->category, b->category);
    assert_int_equal(a->items, b->items);
    assert_int_equal(a->measure_count, b->measure_count);
    assert_same_numbers(a->score, b->score, a->items);
    for (size_t m = 0; m < a->measure_count; m++) {
        assert_int_equal(a->measures[m].metric, b->measures[m].metric);
        assert_same_numbers(a->measures[m].stats, b->measures[m].stats,
                            a->items * hma_metric_describe(a->measures[m].metric)->width);
        assert_same_numbers(&a->measures[m].value, &b->measures[m].value, 1);
        assert_same_numbers(&a->measures[m].standard_error, &b->measures[m].standard_error, 1);
    }
    for (size_t i = 0; i < a->items; i++) {
        assert_string_equal(a->item_id[i], b->item_id[i]);
        const char *cluster = a->cluster ? a->cluster[i] : NULL, *other = b->cluster ? b->cluster[i] : NULL;
        assert_true(cluster == other || (cluster && other && strcmp(cluster, other) == 0));
        assert_string_equal(a->detail[i], b->detail[i]);
    }
}

static hma_status score_with_awkward_numbers(void *user, const hma_candidate *candidate, hma_result **out) {
    (void)user;
    hand_second_metric = HMA_METRIC_CHRF; /* as wide as they come */
    assert_ok(make_hand_result(out, candidate->id));
    hand_second_metric = HMA_METRIC_BLEU;
    const double awkward[HAND_ITEMS] = {NAN,      -0.0,     0.0,       DBL_TRUE_MIN, -DBL_TRUE_MIN, DBL_MAX,
                                        -DBL_MAX, INFINITY, -INFINITY, 1.0,          -3.0,          0.1};
    memcpy((*out)->alignment.measures[0].stats, awkward, sizeof awkward);
    (*out)->tasks[1].measures[0].stats[7] = NAN;
    (*out)->tasks[1].measures[0].stats[8] = -0.0;
    (*out)->tasks[1].measures[1].stats[17] = NAN;
    (*out)->tasks[1].measures[1].stats[18 + 10] = -0.0;
    free((*out)->tasks[0].detail[3]);
    (*out)->tasks[0].detail[3] = hma_copy_text("{\"text\":\"\xC3\xA9 \\u0000 '; DROP TABLE stat; --\"}");
    return hma_result_summarize(*out, 1);
}

static void results_come_back_bit_for_bit(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    run->scorer.score = score_with_awkward_numbers;
    assert_ok(hma_run_score(run));
    hma_run_close(run);
    assert_ok(hma_run_open(&run, f->run));
    for (size_t i = 0; i < hma_run_candidate_count(run); i++) {
        hma_result *expected, *result;
        assert_ok(score_with_awkward_numbers(NULL, hma_run_candidate(run, i), &expected));
        assert_ok(hma_run_result(run, i, &result));
        assert_int_equal(result->task_count, HAND_TASKS);
        assert_true(result->has_alignment);
        for (size_t t = 0; t < HAND_TASKS; t++) {
            assert_same_task(&expected->tasks[t], &result->tasks[t]);
        }
        assert_same_task(&expected->alignment, &result->alignment);
        assert_same_numbers(&expected->retention, &result->retention, 1);
        assert_same_numbers(&expected->retention_error, &result->retention_error, 1);
        assert_memory_equal(&expected->cost, &result->cost, sizeof result->cost);
        assert_near(result->seconds, 0.25, 0);
        hma_result_free(expected);
        hma_result_free(result);
    }
    hma_run_close(run);
}

/* ---- beginning and resuming ---- */

static void a_new_run_holds_pre_and_post(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    char *suite;
    size_t length;
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    assert_int_equal(hma_run_candidate_count(run), 2);
    for (size_t i = 0; i < 2; i++) {
        const hma_candidate *candidate = hma_run_candidate(run, i);
        assert_string_equal(candidate->label, i == 0 ? "pre" : "post");
        assert_int_equal(candidate->origin, HMA_ORIGIN_ENDPOINT);
        assert_near(hma_recipe_mean_ratio(candidate->recipe), (double)i, 0);
        assert_false(candidate->scored);
    }
    assert_null(hma_run_candidate(run, 2));
    assert_int_equal(hma_run_layers(run), HAND_LAYERS);
    assert_string_equal(hma_run_fact(run, "pre"), "models/pre");
    assert_string_equal(hma_run_fact(run, "command_line"), "hma sweep");
    assert_non_null(hma_run_fact(run, "hma_version"));
    assert_null(hma_run_fact(run, "no such fact"));
    hma_run_close(run);
    assert_ok(hma_file_load(in_folder(f->run, "suite.json"), 1000, &suite, &length));
    assert_string_equal(suite, HAND_SUITE);
    free(suite);
}

/* Under any policy, pre and post are the plain checkpoints: a recipe at ratio 1 that is not post is another candidate. */
static void endpoints_do_not_follow_the_policy(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    hma_facts facts;
    hma_recipe_spec recipe = hand_recipe(NULL);
    recipe.policy = HMA_POLICY_LINEAR_ONLY;
    assert_ok(make_hand_facts(&facts));
    assert_ok(begin_by_hand_with(&run, f->context, f->run, &facts, &recipe, &f->scorer));
    assert_ok(hma_run_add_grid(run, "0:1:1"));
    assert_int_equal(hma_run_candidate_count(run), 3); /* ratio 0 is pre under this policy as well */
    assert_int_equal(hma_recipe_policy(hma_run_candidate(run, 1)->recipe), HMA_POLICY_FULL);
    assert_int_equal(hma_recipe_policy(hma_run_candidate(run, 2)->recipe), HMA_POLICY_LINEAR_ONLY);
    assert_string_equal(hma_run_candidate(run, 2)->label, "1");
    hma_run_close(run);
    hma_facts_free(&facts);
}

static void the_same_line_again_scores_nothing_twice(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    finish_by_hand(f->run);
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    assert_ok(hma_run_add_grid(run, "0:1:0.2"));
    assert_ok(hma_run_score(run));
    assert_int_equal(f->scorer.calls, 0);
    assert_int_equal(hma_run_candidate_count(run), 6);
    assert_ok(hma_run_add_grid(run, "0:1:0.1"));
    assert_ok(hma_run_score(run));
    assert_int_equal(f->scorer.calls, 5);
    hma_run_close(run);
    assert_int_equal(query_journal(f->run, "SELECT count(*) FROM event WHERE kind = 'scored'"), 11);
    assert_int_equal(query_journal(f->run, "SELECT count(*) FROM event WHERE kind = 'started'"), 1);
    assert_int_equal(query_journal(f->run, "SELECT count(*) FROM event WHERE kind = 'resumed'"), 1);
}

static void other_settings_are_refused_by_name_all_at_once(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    hma_facts facts;
    const hma_recipe_spec recipe = hand_recipe("3");
    finish_by_hand(f->run);
    assert_ok(make_hand_facts(&facts));
    assert_ok(hma_facts_set(&facts, HMA_FACT_FIXED, "seed", "2"));
    assert_ok(hma_facts_set(&facts, HMA_FACT_FIXED, "policy", "linear-only"));
    assert_ok(hma_facts_set(&facts, HMA_FACT_FIXED, "suite_text_sha256", "%064d", 7));
    assert_ok(hma_facts_set(&facts, HMA_FACT_FIXED, "limit", "50"));
    assert_fails(begin_by_hand_with(&run, f->context, f->run, &facts, &recipe, &f->scorer), HMA_INCOMPATIBLE,
                 "seed was 1 and is now 2; --policy was full and is now linear-only; suite_text_sha256 was ");
    assert_non_null(strstr(hma_error_message(), "and is now 000000000000..; --limit was not recorded and is now 50"));
    hma_facts_free(&facts);
    assert_int_equal(query_journal(f->run, "SELECT count(*) FROM event WHERE kind = 'resumed'"), 0); /* nothing was changed */
}

static void places_may_change_and_the_latest_is_kept(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    hma_facts facts;
    const hma_recipe_spec recipe = hand_recipe("3");
    finish_by_hand(f->run);
    assert_ok(make_hand_facts(&facts));
    assert_ok(hma_facts_set(&facts, HMA_FACT_PLACE, "pre", "elsewhere/pre"));
    assert_ok(hma_facts_set(&facts, HMA_FACT_HISTORY, "command_line", "hma sweep again"));
    assert_ok(begin_by_hand_with(&run, f->context, f->run, &facts, &recipe, &f->scorer));
    assert_string_equal(hma_run_fact(run, "pre"), "elsewhere/pre");
    hma_run_close(run);
    hma_facts_free(&facts);
    assert_ok(hma_run_open(&run, f->run));
    assert_string_equal(hma_run_fact(run, "pre"), "elsewhere/pre");
    assert_string_equal(hma_run_fact(run, "command_line"), "hma sweep");
    hma_run_close(run);
}

static void a_run_that_cannot_begin_leaves_nothing(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    hma_facts facts = {0};
    const hma_recipe_spec recipe = hand_recipe("seven");
    assert_int_equal(begin_by_hand_with(&run, f->context, f->run, &facts, &recipe, &f->scorer), HMA_USAGE);
    assert_false(hma_path_exists(f->run));
}

/* SQLite would take such a name for a URI. */
static void folders_may_have_awkward_names(void **state) {
    run_fixture *f = *state;
    static const char *const names[] = {"file:run?mode=memory", "r\xC3\xBCn %41 #1?", " "};
    char here[1024];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(f->folder), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *report;
        finish_by_hand(names[i]);
        assert_true(hma_path_exists(in_folder(names[i], "journal.sqlite")));
        assert_ok(hma_run_verify(names[i], &report));
        hma_text_free(report);
    }
    assert_int_equal(chdir(here), 0);
}

/* ---- one writer, many readers ---- */

static void a_second_writer_learns_who_is_first(void **state) {
    run_fixture *f = *state;
    hma_run *first, *second;
    char holder[64];
    assert_ok(begin_by_hand(&first, f->context, f->run, &f->scorer));
    (void)snprintf(holder, sizeof holder, "is being written by process %ld on ", (long)getpid());
    assert_fails(begin_by_hand(&second, f->context, f->run, &f->scorer), HMA_FAILURE, holder);
    assert_ok(hma_run_open(&second, f->run)); /* readers need no lock */
    assert_int_equal(hma_run_candidate_count(second), 2);
    hma_run_close(second);
    hma_run_close(first);
    assert_ok(begin_by_hand(&second, f->context, f->run, &f->scorer));
    hma_run_close(second);
}

static void readers_change_nothing_and_cannot_add(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    finish_by_hand(f->run);
    char before[65], after[65], *text;
    size_t length;
    assert_ok(hma_file_load(in_folder(f->run, "journal.sqlite"), 1 << 24, &text, &length));
    assert_ok(hma_sha256_of(text, length, before));
    free(text);
    assert_ok(hma_run_open(&run, f->run));
    assert_fails(hma_run_add_grid(run, "0:1:0.1"), HMA_USAGE, "was opened for reading");
    assert_fails(hma_run_score(run), HMA_USAGE, "was opened for reading");
    hma_run_close(run);
    assert_ok(hma_file_load(in_folder(f->run, "journal.sqlite"), 1 << 24, &text, &length));
    assert_ok(hma_sha256_of(text, length, after));
    free(text);
    assert_string_equal(before, after);
}

/* ---- failures while scoring ---- */

static void a_merge_that_is_not_finite_is_recorded_and_the_others_go_on(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    hma_result *result;
    hma_front *front;
    f->scorer.break_label = "0.4";
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    assert_ok(hma_run_add_grid(run, "0:1:0.2"));
    assert_ok(hma_run_score(run));
    assert_ok(hma_run_score(run)); /* not tried again */
    assert_int_equal(f->scorer.calls, 6);
    hma_run_close(run);
    assert_ok(hma_run_open(&run, f->run));
    size_t index;
    assert_ok(hma_run_find(run, "0.4", &index));
    assert_false(hma_run_candidate(run, index)->scored);
    assert_string_equal(hma_run_candidate(run, index)->failure, "tensor x: is NaN at 3");
    assert_ok(hma_run_result(run, index, &result));
    assert_true(isnan(result->tasks[0].measures[0].value) && isnan(result->tasks[0].score[5]) && isnan(result->retention));
    assert_string_equal(result->tasks[1].item_id[11], "translation-11");
    hma_result_free(result);
    assert_ok(hma_front_compute(&front, f->context, run, &(hma_front_options){.resamples = 200}));
    assert_int_equal(front->point_count, 6);
    assert_true(front->points[2].excluded);
    assert_false(front->points[2].on_front);
    hma_front_free(front);
    hma_run_close(run);
}

static void pre_and_post_that_are_not_finite_stop_the_run(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    f->scorer.break_label = "post";
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    assert_fails(hma_run_score(run), HMA_NON_FINITE, "tensor x: is NaN at 3");
    assert_null(hma_run_candidate(run, 1)->failure);
    hma_run_close(run);
    assert_int_equal(query_journal(f->run, "SELECT count(*) FROM event WHERE kind = 'stopped'"), 1);
}

static void other_failures_stop_the_run_and_it_goes_on_there(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    f->scorer.stop_label = "0.6";
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    assert_ok(hma_run_add_grid(run, "0:1:0.2"));
    assert_fails(hma_run_score(run), HMA_IO, "model: cannot read: check the device");
    f->scorer.stop_label = NULL;
    assert_ok(hma_run_score(run));
    assert_int_equal(f->scorer.calls, 7);
    hma_run_close(run);
}

static void cancel_keeps_what_is_finished(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    f->scorer.cancel_label = "0.4";
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    assert_ok(hma_run_add_grid(run, "0:1:0.2"));
    assert_fails(hma_run_score(run), HMA_INTERRUPTED, "interrupted");
    assert_fails(hma_run_score(run), HMA_INTERRUPTED, "run the same command again"); /* still cancelled */
    assert_int_equal(f->scorer.calls, 4);
    hma_run_close(run);
    assert_int_equal(query_journal(f->run, "SELECT count(*) FROM candidate WHERE status = 'scored'"), 3);
    assert_int_equal(query_journal(f->run, "SELECT count(*) FROM event WHERE kind = 'interrupted'"), 2);
}

static hma_status score_with_other_items(void *user, const hma_candidate *candidate, hma_result **out) {
    hma_status status = score_by_hand(user, candidate, out);
    if (status == HMA_OK && strcmp(candidate->label, "post") == 0) {
        (*out)->alignment.item_id[4][0] = '?';
    }
    return status;
}

static void answers_to_other_items_are_refused(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    run->scorer.score = score_with_other_items;
    assert_fails(hma_run_score(run), HMA_FAILURE, "item 4 of alignment is not the one that earlier candidates answered");
    assert_false(hma_run_candidate(run, 1)->scored);
    hma_run_close(run);
}

/* ---- reading ---- */

static void a_front_needs_pre_and_post(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    hma_front *front;
    hma_result *result;
    f->scorer.stop_label = "post";
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    assert_int_equal(hma_run_score(run), HMA_IO);
    assert_fails(hma_front_compute(&front, f->context, run, NULL), HMA_FAILURE, "post has not been scored yet");
    assert_fails(hma_run_result(run, 1, &result), HMA_USAGE, "post has not been scored yet");
    assert_fails(hma_run_result(run, 9, &result), HMA_USAGE, "has no candidate 9");
    hma_run_close(run);
}

static void a_front_is_ordered_by_ratios_and_agrees_with_the_results(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    hma_front *front;
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    assert_ok(hma_run_add_levels(run, "1,0,0.5"));
    assert_ok(hma_run_score(run));
    assert_ok(hma_front_compute(&front, f->context, run, NULL));
    assert_int_equal(front->point_count, 27);
    assert_string_equal(front->points[0].label, "pre");
    assert_string_equal(front->points[1].label, "0/0/0.5");
    assert_string_equal(front->points[3].label, "0.5/0/0");
    assert_string_equal(front->points[26].label, "post");
    assert_int_equal(front->pre, 0);
    assert_int_equal(front->post, 26);
    for (size_t i = 0; i < front->point_count; i++) {
        hma_result *result;
        assert_ok(hma_run_result(run, front->points[i].candidate, &result));
        assert_near(front->axes[0].point[i].value, result->alignment.measures[0].value, 0);
        assert_near(front->axes[0].point[i].standard_error, result->alignment.measures[0].standard_error, 1e-15);
        assert_near(front->axes[1].point[i].value, result->retention, 1e-15);
        hma_result_free(result);
    }
    hma_front_free(front);
    hma_run_close(run);
}

static void points_are_found_by_id_prefix_and_label(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    finish_by_hand(f->run);
    assert_ok(hma_run_open(&run, f->run));
    for (size_t i = 0; i < hma_run_candidate_count(run); i++) {
        const hma_candidate *candidate = hma_run_candidate(run, i);
        char prefix[16];
        size_t index = 99;
        assert_ok(hma_run_find(run, candidate->id, &index));
        assert_int_equal(index, i);
        assert_ok(hma_run_find(run, candidate->label, &index));
        assert_int_equal(index, i);
        (void)snprintf(prefix, sizeof prefix, "%.8s", candidate->id);
        assert_ok(hma_run_find(run, prefix, &index));
        assert_int_equal(index, i);
    }
    size_t index;
    assert_fails(hma_run_find(run, "0.55", &index), HMA_USAGE, "there is none");
    assert_fails(hma_run_find(run, "", &index), HMA_USAGE, "there is none");
    hma_run_close(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_a_run(results_come_back_bit_for_bit),
        with_a_run(a_new_run_holds_pre_and_post),
        with_a_run(endpoints_do_not_follow_the_policy),
        with_a_run(the_same_line_again_scores_nothing_twice),
        with_a_run(other_settings_are_refused_by_name_all_at_once),
        with_a_run(places_may_change_and_the_latest_is_kept),
        with_a_run(a_run_that_cannot_begin_leaves_nothing),
        with_a_run(folders_may_have_awkward_names),
        with_a_run(a_second_writer_learns_who_is_first),
        with_a_run(readers_change_nothing_and_cannot_add),
        with_a_run(a_merge_that_is_not_finite_is_recorded_and_the_others_go_on),
        with_a_run(pre_and_post_that_are_not_finite_stop_the_run),
        with_a_run(other_failures_stop_the_run_and_it_goes_on_there),
        with_a_run(cancel_keeps_what_is_finished),
        with_a_run(answers_to_other_items_are_refused),
        with_a_run(a_front_needs_pre_and_post),
        with_a_run(a_front_is_ordered_by_ratios_and_agrees_with_the_results),
        with_a_run(points_are_found_by_id_prefix_and_label),
    };
    return cmocka_run_group_tests_name("search: runs", tests, NULL, NULL);
}
