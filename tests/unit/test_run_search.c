/* Searches in a run: what they leave in the journal, and that interruptions do not matter. */
#include "search_by_hand.h"

#include "hma/front.h"
#include "search/parts.h"

static hma_search_options options_of(hma_search_method method, size_t candidates) {
    hma_search_options options = hma_search_options_default();
    options.method = method;
    options.candidates = candidates;
    options.seed = 4;
    return options;
}

static hma_search_report search(world_fixture *f, const char *folder, const hma_search_options *options) {
    hma_search_report report = {0};
    hma_run *run = begin_in_world(f->context, folder, &f->scorer, true);
    assert_ok(hma_run_search(run, options, &report));
    hma_run_close(run);
    return report;
}

/* Everything that the two journals hold, apart from times. */
static void assert_same_journals(const char *one, const char *two) {
    static const char *const queries[] = {
        "SELECT number, id, label, origin, recipe, status, message, tokens FROM candidate ORDER BY number",
        "SELECT * FROM item ORDER BY task, number",
        "SELECT * FROM stat ORDER BY candidate, task, measure, item",
        "SELECT * FROM answer ORDER BY candidate, task, item",
        "SELECT sheet, candidate, last, parts, tokens FROM part ORDER BY sheet, candidate, last",
        "SELECT * FROM part_item ORDER BY sheet, task, number",
        "SELECT * FROM part_stat ORDER BY sheet, candidate, task, measure, item",
    };
    for (size_t q = 0; q < sizeof queries / sizeof *queries; q++) {
        sqlite3 *dbs[2];
        sqlite3_stmt *rows[2];
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(sqlite3_open(in_folder(i ? two : one, "journal.sqlite"), &dbs[i]), SQLITE_OK);
            assert_int_equal(sqlite3_prepare_v2(dbs[i], queries[q], -1, &rows[i], NULL), SQLITE_OK);
        }
        size_t count = 0;
        for (;; count++) {
            const int a = sqlite3_step(rows[0]), b = sqlite3_step(rows[1]);
            assert_int_equal(a, b);
            if (a != SQLITE_ROW) {
                break;
            }
            for (int c = 0; c < sqlite3_column_count(rows[0]); c++) {
                const int bytes = sqlite3_column_bytes(rows[0], c);
                assert_int_equal(bytes, sqlite3_column_bytes(rows[1], c));
                if (bytes > 0) {
                    assert_memory_equal(sqlite3_column_blob(rows[0], c), sqlite3_column_blob(rows[1], c), (size_t)bytes);
                }
            }
        }
        assert_true(count > 0);
        for (size_t i = 0; i < 2; i++) {
            (void)sqlite3_finalize(rows[i]);
            (void)sqlite3_close(dbs[i]);
        }
    }
}

/* ---- what a search leaves behind ---- */

static void a_search_chooses_on_search_items_and_reports_on_test_items(void **state) {
    world_fixture *f = *state;
    const hma_search_options options = options_of(HMA_SEARCH_NSGA2, 20);
    const hma_search_report report = search(f, f->run, &options);
    assert_int_equal(report.candidates, 20);
    assert_string_equal(report.ended_by, "candidates");
    assert_true(report.hypervolume > 0.7 && report.hypervolume < 1.1 && report.front > 2);
    assert_int_equal(query_journal(f->run, "SELECT count(*) FROM part WHERE sheet = 'search'"), 20);
    assert_int_equal(query_journal(f->run, "SELECT count(*) FROM part_item WHERE id LIKE 't%'"), 0);
    assert_int_equal(query_journal(f->run, "SELECT count(*) FROM item WHERE id LIKE 's%'"), 0);
    const int64_t scored = query_journal(f->run, "SELECT count(*) FROM candidate WHERE status = 'scored'");
    assert_true(scored >= (int64_t)report.front && scored <= (int64_t)report.front + 2);
    assert_int_equal(query_journal(f->run, "SELECT count(*) FROM candidate WHERE status = 'searched'"), 20 - scored);

    hma_run *run;
    hma_front *front;
    char *text;
    assert_ok(hma_run_open(&run, f->run));
    assert_ok(hma_front_compute(&front, f->context, run, &(hma_front_options){.resamples = 200}));
    assert_int_equal(front->point_count, scored);
    for (size_t i = 0; i < front->point_count; i++) {
        assert_true(front->points[i].origin == HMA_ORIGIN_SEARCH || front->points[i].origin == HMA_ORIGIN_ENDPOINT);
        /* both are there: what it was chosen by, and what is reported */
        hma_part_scores chosen;
        assert_ok(hma_parts_read(run->journal, HMA_SHEET_SEARCH, front->points[i].candidate, &chosen));
        for (size_t axis = 0; axis < front->axis_count; axis++) {
            const hma_axis *searched = &front->search_axes[axis];
            assert_string_equal(searched->name, front->axes[axis].name);
            assert_true(searched->point[i].value != front->axes[axis].point[i].value || axis > 1);
            if (searched->kind == HMA_AXIS_ALIGNMENT) {
                double sum = 0;
                for (size_t item = 0; item < WORLD_ITEMS; item++) {
                    sum += chosen.table.tasks[WORLD_TASKS].stats[item];
                }
                assert_near(searched->point[i].value, sum / WORLD_ITEMS, 1e-12);
            }
        }
        hma_part_scores_free(&chosen);
    }
    hma_front_free(front);
    hma_run_close(run);
    assert_ok(hma_run_verify(f->run, &text));
    free(text);
}

static void a_run_of_all_items_is_not_searched(void **state) {
    world_fixture *f = *state;
    const hma_search_options options = options_of(HMA_SEARCH_NSGA2, 20);
    hma_run *run = begin_in_world(f->context, f->run, &f->scorer, false);
    assert_fails(hma_run_search(run, &options, NULL), HMA_USAGE, "scored on all items");
    hma_run_close(run);
}

static void a_merge_that_is_not_finite_is_left_behind(void **state) {
    world_fixture *f = *state;
    const hma_search_options options = options_of(HMA_SEARCH_NSGA2, 16);
    f->scorer.broken = "0.5";
    const hma_search_report report = search(f, f->run, &options);
    assert_int_equal(report.candidates, 16);
    assert_int_equal(query_journal(f->run, "SELECT count(*) FROM candidate WHERE status = 'failed' AND label = '0.5'"), 1);
}

static void a_mean_ratio_binds_all_candidates(void **state) {
    world_fixture *f = *state;
    hma_search_options options = options_of(HMA_SEARCH_SURROGATE, 20);
    options.mean_ratio = 0.6;
    (void)search(f, f->run, &options);
    hma_run *run;
    assert_ok(hma_run_open(&run, f->run));
    assert_int_equal(hma_run_candidate_count(run), 20);
    for (size_t i = 2; i < hma_run_candidate_count(run); i++) {
        assert_near(hma_recipe_mean_ratio(hma_run_candidate(run, i)->recipe), 0.6, 1e-14);
    }
    hma_run_close(run);
}

static void the_surrogate_reports_the_error_of_its_predictions(void **state) {
    world_fixture *f = *state;
    const hma_search_options options = options_of(HMA_SEARCH_SURROGATE, 30);
    const hma_search_report report = search(f, f->run, &options);
    assert_true(report.predictions > 4);
    for (size_t axis = 0; axis < 2; axis++) {
        assert_true(report.left_out_error[axis] > 0 && report.left_out_error[axis] < 0.5);
        assert_true(report.prediction_error[axis] > 0 && report.prediction_error[axis] < 0.5);
    }
}

/* ---- budgets ---- */

static void tokens_and_minutes_end_a_search_at_the_same_candidate_again(void **state) {
    world_fixture *f = *state;
    hma_search_options options = options_of(HMA_SEARCH_NSGA2, 0);
    options.minutes = 8.1; /* of half a minute each */
    const hma_search_report by_time = search(f, f->run, &options);
    assert_string_equal(by_time.ended_by, "minutes");
    assert_int_equal(by_time.candidates, 17);
    const size_t calls = f->scorer.calls;
    const hma_search_report again = search(f, f->run, &options);
    assert_int_equal(again.candidates, 17);
    assert_int_equal(f->scorer.calls, calls); /* nothing was asked twice */
    options.minutes = 0;
    options.tokens = 10 * WORLD_ITEMS * 14 - 1;
    const hma_search_report by_tokens = search(f, f->run, &options);
    assert_string_equal(by_tokens.ended_by, "tokens");
    assert_int_equal(by_tokens.candidates, 14);
}

static void a_larger_budget_goes_on_from_a_smaller_one(void **state) {
    world_fixture *f = *state;
    const hma_search_options small = options_of(HMA_SEARCH_NSGA2, 15), large = options_of(HMA_SEARCH_NSGA2, 25);
    (void)search(f, f->run, &small);
    const hma_search_report grown = search(f, f->run, &large);
    const hma_search_report whole = search(f, f->other, &large);
    assert_memory_equal(&grown.hypervolume, &whole.hypervolume, sizeof whole.hypervolume);
    assert_int_equal(query_journal(f->run, "SELECT count(*) FROM part"), 25);
}

/* ---- interruptions ---- */

static void search_with_interruptions(world_fixture *f, const hma_search_options *options, size_t every) {
    hma_status status = HMA_INTERRUPTED;
    for (size_t tries = 0; status == HMA_INTERRUPTED; tries++) {
        assert_true(tries < 500);
        hma_run *run = begin_in_world(f->context, f->other, &f->scorer, true);
        f->scorer.stop_at = f->scorer.calls + every;
        status = hma_run_search(run, options, NULL);
        hma_run_close(run);
    }
    f->scorer.stop_at = 0;
    assert_int_equal(status, HMA_OK);
}

static void interruptions_do_not_matter(world_fixture *f, hma_search_method method, bool race) {
    hma_search_options options = options_of(method, 15);
    options.population = 8;
    options.race = race;
    f->scorer.own = 0.1;
    (void)search(f, f->run, &options);
    search_with_interruptions(f, &options, 2); /* one result, then an end */
    assert_same_journals(f->run, f->other);
}

static void nsga2_interrupted_at_every_candidate_is_the_same(void **state) {
    interruptions_do_not_matter(*state, HMA_SEARCH_NSGA2, false);
}
static void surrogate_interrupted_at_every_candidate_is_the_same(void **state) {
    interruptions_do_not_matter(*state, HMA_SEARCH_SURROGATE, false);
}
static void racing_search_interrupted_at_every_part_is_the_same(void **state) {
    interruptions_do_not_matter(*state, HMA_SEARCH_NSGA2, true);
}

static void evaluations_come_back_bit_for_bit(void **state) {
    world_fixture *f = *state;
    hma_run *run = begin_in_world(f->context, f->run, &f->scorer, true);
    const double ratios[2] = {0.1, 0.7}, others[2] = {0.1, 0.7000000000000001}, gradient[2] = {-0.0, 1e-300};
    double value = 5, slope[2] = {5, 5};
    bool found = true;
    assert_ok(hma_evaluation_get(run->journal, "key", ratios, 2, &found, &value, slope));
    assert_false(found);
    assert_ok(hma_evaluation_put(run->journal, "key", ratios, 2, -1.25, gradient));
    assert_ok(hma_evaluation_get(run->journal, "key", ratios, 2, &found, &value, slope));
    assert_true(found && value == -1.25);
    assert_memory_equal(slope, gradient, sizeof slope);
    assert_ok(hma_evaluation_get(run->journal, "key", others, 2, &found, &value, slope));
    assert_false(found);
    assert_ok(hma_evaluation_get(run->journal, "other key", ratios, 2, &found, &value, slope));
    assert_false(found);
    hma_run_close(run);
    (void)query_journal(f->run, "UPDATE evaluation SET gradient = '8000000000000000 zz'");
    run = begin_in_world(f->context, f->run, &f->scorer, true);
    assert_fails(hma_evaluation_get(run->journal, "key", ratios, 2, &found, &value, slope), HMA_BAD_DATA, "gradient");
    hma_run_close(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        in_a_world(a_search_chooses_on_search_items_and_reports_on_test_items),
        in_a_world(a_run_of_all_items_is_not_searched),
        in_a_world(a_merge_that_is_not_finite_is_left_behind),
        in_a_world(a_mean_ratio_binds_all_candidates),
        in_a_world(the_surrogate_reports_the_error_of_its_predictions),
        in_a_world(tokens_and_minutes_end_a_search_at_the_same_candidate_again),
        in_a_world(a_larger_budget_goes_on_from_a_smaller_one),
        in_a_world(nsga2_interrupted_at_every_candidate_is_the_same),
        in_a_world(surrogate_interrupted_at_every_candidate_is_the_same),
        in_a_world(racing_search_interrupted_at_every_part_is_the_same),
        in_a_world(evaluations_come_back_bit_for_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
