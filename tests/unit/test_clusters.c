/* Items that share something: their numbers, pseudo-values and errors, their way through the journal, journals without them. */
#include "run_by_hand.h"

#include "base/clusters.h"
#include "base/statistics.h"
#include "eval/tasks/jackknife.h"
#include "search/bootstrap.h"
#include "search/schema.h"

static void clusters_are_numbered_as_they_appear(void **state) {
    (void)state;
    char a[] = "a", b[] = "b", same[] = "a";
    char *const names[] = {a, NULL, b, same, NULL, b};
    static const size_t expected[] = {0, 1, 2, 0, 3, 2};
    hma_clusters clusters;
    assert_ok(hma_clusters_make(&clusters, names, 6));
    assert_int_equal(clusters.count, 4);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(hma_cluster_of(&clusters, i), expected[i]);
    }
    hma_clusters_free(&clusters);
    assert_ok(hma_clusters_make(&clusters, NULL, 6));
    assert_int_equal(clusters.count, 6);
    assert_null(clusters.of);
    char *const none[] = {NULL, NULL};
    assert_ok(hma_clusters_make(&clusters, none, 2));
    assert_null(clusters.of);
}

static double clustered_error(hma_metric metric, const double *stats, size_t items, const hma_clusters *clusters) {
    hma_cluster_sums rows;
    assert_ok(hma_cluster_sums_make(&rows, metric, stats, items, clusters));
    double *values = calloc(rows.count, sizeof *values);
    assert_non_null(values);
    hma_jackknife(metric, &rows, values);
    const double error = hma_standard_deviation(values, rows.count) / sqrt((double)rows.count);
    free(values);
    hma_cluster_sums_free(&rows);
    return error;
}

/* Clusters of one size: the standard error of the clusters' means, whatever the items within do. */
static void the_error_of_equal_clusters_is_that_of_their_means(void **state) {
    (void)state;
    enum { CLUSTERS = 7, EACH = 4 };
    double stats[CLUSTERS * EACH], means[CLUSTERS] = {0};
    size_t of[CLUSTERS * EACH];
    const hma_rng_key key = hma_rng_key_for(1, "clusters");
    for (size_t i = 0; i < CLUSTERS * EACH; i++) {
        of[i] = i % CLUSTERS;
        stats[i] = hma_rng_double(key, of[i]) + 0.1 * hma_rng_double(key, 1000 + i);
        means[of[i]] += stats[i] / EACH;
    }
    const hma_clusters clusters = {.count = CLUSTERS, .of = of}, alone = {.count = CLUSTERS * EACH};
    const double error = clustered_error(HMA_METRIC_F1, stats, CLUSTERS * EACH, &clusters);
    assert_near(error, hma_standard_deviation(means, CLUSTERS) / sqrt(CLUSTERS), 1e-14);
    assert_near(clustered_error(HMA_METRIC_F1, stats, CLUSTERS * EACH, &alone),
                hma_standard_deviation(stats, CLUSTERS * EACH) / sqrt(CLUSTERS * EACH), 0);
    assert_true(error > 1.5 * clustered_error(HMA_METRIC_F1, stats, CLUSTERS * EACH, &alone));
}

/* Perplexity is exp(-mean): its jackknife error is close to the delta method's, perplexity times the mean's error. */
static void pseudo_values_serve_metrics_that_are_no_means(void **state) {
    (void)state;
    enum { ITEMS = 200 };
    double stats[ITEMS], sum = 0;
    const hma_clusters alone = {.count = ITEMS};
    for (size_t i = 0; i < ITEMS; i++) {
        stats[i] = -hma_rng_double(hma_rng_key_for(1, "perplexity"), i);
        sum += stats[i];
    }
    const double delta = exp(-sum / ITEMS) * hma_standard_deviation(stats, ITEMS) / sqrt(ITEMS);
    assert_near(clustered_error(HMA_METRIC_PERPLEXITY, stats, ITEMS, &alone), delta, 0.01 * delta);
}

/* Two clusters of which one is always right: every resample is 0, its share, or 1. */
static void whole_clusters_are_drawn(void **state) {
    const run_fixture *f = *state;
    enum { RESAMPLES = 400 };
    static size_t of[] = {0, 1, 1, 1};
    hma_score_table table;
    double replicates[RESAMPLES];
    size_t counts[3] = {0};
    assert_ok(hma_score_table_new(&table, 1, 1));
    assert_ok(hma_task_scores_set(&table, 0, "t", "t", HMA_METRIC_ACC, false, 4));
    hma_task_scores_of(&table.tasks[0], 0)[0] = 1;
    table.tasks[0].clusters = (hma_clusters){.count = 2, .of = of};
    assert_ok(hma_bootstrap(f->context, &table.tasks[0], 1, hma_rng_key_for(1, "draws"), RESAMPLES, replicates));
    for (size_t i = 0; i < RESAMPLES; i++) {
        const double r = replicates[i];
        assert_true(r == 0 || r == 0.25 || r == 1);
        counts[r == 0 ? 0 : r < 1 ? 1 : 2]++;
    }
    assert_in_range(counts[0], 70, 130);
    assert_in_range(counts[1], 160, 240);
    table.tasks[0].clusters.of = NULL;
    hma_score_table_free(&table);
}

/* ---- the journal ---- */

static hma_status score_with_clusters(void *user, const hma_candidate *candidate, hma_result **out) {
    const hma_status status = score_by_hand(user, candidate, out);
    if (status == HMA_OK) {
        hma_task_result *task = &(*out)->tasks[1];
        task->cluster = HMA_NEW(char *, task->items);
        for (size_t i = 2; i < task->items; i++) { /* 0 and 1 stand alone */
            task->cluster[i] = hma_copy_text(i % 2 ? "odd" : "even");
        }
        assert_ok(hma_result_summarize(*out, 1));
    }
    return status;
}

static void clusters_are_kept(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    hma_result *result;
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    run->scorer.score = score_with_clusters;
    assert_ok(hma_run_score(run));
    hma_run_close(run);
    assert_int_equal(query_journal(f->run, "SELECT count(*) FROM item_cluster WHERE task = 1"), HAND_ITEMS - 2);
    assert_ok(hma_run_open(&run, f->run));
    assert_ok(hma_run_result(run, 1, &result));
    assert_null(result->tasks[0].cluster);
    assert_null(result->tasks[1].cluster[1]);
    assert_string_equal(result->tasks[1].cluster[2], "even");
    assert_string_equal(result->tasks[1].cluster[HAND_ITEMS - 1], "odd");
    hma_result_free(result);
    hma_score_table table;
    assert_ok(hma_journal_read_table(run->journal, (const size_t[]){0, 1}, 2, &table));
    assert_int_equal(table.tasks[0].clusters.count, HAND_ITEMS);
    assert_int_equal(table.tasks[1].clusters.count, 4);
    assert_int_equal(table.tasks[1].clusters.of[HAND_ITEMS - 1], 3);
    hma_score_table_free(&table);
    hma_run_close(run);
    (void)query_journal(f->run, "UPDATE item_cluster SET item = 99 WHERE item = 5");
    assert_ok(hma_run_open(&run, f->run));
    assert_fails(hma_run_result(run, 1, &result), HMA_BAD_DATA, "a cluster of an item that is not in the suite");
    hma_run_close(run);
}

/* A journal as schema 1 made it is read as it is, and brought up to date when it is opened for writing. */
static void journals_of_schema_1_are_read_and_go_on(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    finish_by_hand(f->run);
    (void)query_journal(f->run, "SELECT 1");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(in_folder(f->run, "journal.sqlite"), &db), SQLITE_OK);
    const char *const older =
        "DROP TABLE item_cluster; DROP TABLE source; DROP TABLE part; DROP TABLE part_task; DROP TABLE part_measure; "
        "DROP TABLE part_item; DROP TABLE part_answer; DROP TABLE part_stat; DROP TABLE evaluation; "
        "DROP TABLE stat_wide; DROP TABLE digest; PRAGMA user_version = 1";
    assert_int_equal(sqlite3_exec(db, older, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    hma_result *result;
    char *report;
    assert_ok(hma_run_open(&run, f->run));
    assert_ok(hma_run_result(run, 3, &result));
    hma_result_free(result);
    hma_run_close(run);
    assert_ok(hma_run_verify(f->run, &report));
    assert_non_null(strstr(report, "an older hma scored 6 of them and took no SHA-256"));
    hma_text_free(report);
    assert_int_equal(query_journal(f->run, "PRAGMA user_version"), 1);
    assert_ok(sweep_by_hand(f->run, "0:1:0.1", 0));
    assert_int_equal(query_journal(f->run, "PRAGMA user_version"), HMA_JOURNAL_SCHEMA);
    assert_ok(hma_run_verify(f->run, &report));
    assert_non_null(strstr(report, "11 candidates, 11 scored"));
    assert_non_null(strstr(report, "an older hma scored 6 of them and took no SHA-256"));
    hma_text_free(report);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clusters_are_numbered_as_they_appear),
        cmocka_unit_test(the_error_of_equal_clusters_is_that_of_their_means),
        cmocka_unit_test(pseudo_values_serve_metrics_that_are_no_means),
        with_a_run(whole_clusters_are_drawn),
        with_a_run(clusters_are_kept),
        with_a_run(journals_of_schema_1_are_read_and_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
