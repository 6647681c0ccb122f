/* Reading the scores of candidates. Whatever is missing makes the journal damaged. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "search/journal.h"
#include "search/schema.h"

/* ---- statistics ---- */

static hma_status missing_scores(const hma_sql *sql, size_t candidate, const char *task) {
    char problem[128];
    (void)snprintf(problem, sizeof problem, "scores of candidate %zu in task %.60s are missing", candidate, task);
    return hma_sql_damaged(sql, problem);
}

/* What one candidate answered to one task. */
typedef struct reading {
    const hma_sql *sql;
    sqlite3_stmt *narrow; /* of prepare_stats() */
    size_t candidate;
    bool scored;          /* else its scores are NaN */
    size_t number;        /* of the task */
    const hma_journal_task *task;
} reading;

/* Fills columns from `first` up to `last`, not included, of stats[items, width]. */
static hma_status read_columns(const reading *r, sqlite3_stmt *statement, size_t measure, size_t first, size_t last,
                               double *stats) {
    const size_t width = hma_metric_describe(r->task->metrics[measure])->width;
    bool row = true;
    hma_status status =
        hma_sql_bind(r->sql, statement, "iii", (int64_t)r->candidate, (int64_t)r->number, (int64_t)measure);
    for (size_t item = 0; item < r->task->items && status == HMA_OK; item++) {
        status = hma_sql_step(r->sql, statement, &row);
        if (status == HMA_OK && !(row && sqlite3_column_int64(statement, 0) == (int64_t)item)) {
            status = missing_scores(r->sql, r->candidate, r->task->name);
        }
        for (size_t i = first; i < last && status == HMA_OK; i++) {
            stats[item * width + i] = hma_sql_double(statement, 1 + (int)(i - first));
        }
    }
    (void)sqlite3_reset(statement);
    return status;
}

/* Fills stats[items, width]. */
static hma_status read_stats(const reading *r, size_t measure, double *stats) {
    const size_t width = hma_metric_describe(r->task->metrics[measure])->width;
    sqlite3_stmt *wide = NULL;
    hma_status status = read_columns(r, r->narrow, measure, 0, hma_min_size(width, HMA_JOURNAL_NARROW), stats);
    if (status != HMA_OK || width <= HMA_JOURNAL_NARROW) {
        return status;
    }
    status = hma_sql_prepare(r->sql, &wide,
                             "SELECT item, s10, s11, s12, s13, s14, s15, s16, s17 FROM stat_wide "
                             "WHERE candidate = ?1 AND task = ?2 AND measure = ?3 ORDER BY item");
    if (status == HMA_OK) {
        status = read_columns(r, wide, measure, HMA_JOURNAL_NARROW, width, stats);
    }
    (void)sqlite3_finalize(wide);
    return status;
}

static hma_status prepare_stats(const hma_sql *sql, sqlite3_stmt **out) {
    return hma_sql_prepare(sql, out,
                           "SELECT item, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9 FROM stat "
                           "WHERE candidate = ?1 AND task = ?2 AND measure = ?3 ORDER BY item");
}

static void fill_nan(double *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        values[i] = NAN;
    }
}

/* ---- clusters ---- */

/* *names is [items], NULL when no item has a cluster, as in journals of schema 1. */
static hma_status read_clusters(const hma_journal *journal, size_t number, size_t items, char ***names) {
    const hma_sql *sql = &journal->sql;
    sqlite3_stmt *statement = NULL;
    bool row = true;
    *names = NULL;
    if (journal->schema < 2) {
        return HMA_OK;
    }
    hma_status status =
        hma_sql_prepare(sql, &statement, "SELECT item, cluster FROM item_cluster WHERE task = ?1 ORDER BY item");
    if (status == HMA_OK) {
        status = hma_sql_bind(sql, statement, "i", (int64_t)number);
    }
    while (status == HMA_OK && (status = hma_sql_step(sql, statement, &row)) == HMA_OK && row) {
        const int64_t item = sqlite3_column_int64(statement, 0);
        if (item < 0 || (uint64_t)item >= items) {
            status = hma_sql_damaged(sql, "there is a cluster of an item that is not in the suite");
        } else if (!*names && !(*names = HMA_NEW(char *, items))) {
            status = HMA_FAILURE;
        } else {
            (*names)[item] = hma_copy_text(hma_sql_text(statement, 1));
            status = (*names)[item] ? HMA_OK : HMA_FAILURE;
        }
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* ---- a table of points ---- */

static hma_status set_clusters(const hma_journal *journal, size_t number, hma_task_scores *task) {
    char **names;
    hma_status status = read_clusters(journal, number, task->items, &names);
    if (status == HMA_OK) {
        status = hma_clusters_make(&task->clusters, names, task->items);
    }
    for (size_t item = 0; names && item < task->items; item++) {
        free(names[item]);
    }
    free(names);
    return status;
}

static hma_status read_table_task(const hma_journal *journal, sqlite3_stmt *statement, const hma_journal_task *task,
                                  size_t number, const size_t *candidates, hma_score_table *table) {
    hma_status status =
        hma_task_scores_set(table, number, task->name, task->category, task->metrics[0], task->alignment, task->items);
    if (status == HMA_OK) {
        status = set_clusters(journal, number, &table->tasks[number]);
    }
    for (size_t point = 0; point < table->points && status == HMA_OK; point++) {
        double *stats = hma_task_scores_of(&table->tasks[number], point);
        if (candidates[point] == SIZE_MAX) {
            fill_nan(stats, task->items * table->tasks[number].width);
        } else {
            const reading r = {&journal->sql, statement, candidates[point], true, number, task};
            status = read_stats(&r, 0, stats);
        }
    }
    return status;
}

hma_status hma_journal_read_table(const hma_journal *journal, const size_t *candidates, size_t count, hma_score_table *out) {
    hma_journal_shape shape;
    hma_score_table table = {0};
    sqlite3_stmt *statement = NULL;
    hma_status status = hma_journal_read_shape(journal, &shape);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_score_table_new(&table, count, shape.task_count);
    if (status == HMA_OK) {
        status = prepare_stats(&journal->sql, &statement);
    }
    for (size_t task = 0; task < shape.task_count && status == HMA_OK; task++) {
        status = read_table_task(journal, statement, &shape.tasks[task], task, candidates, &table);
    }
    (void)sqlite3_finalize(statement);
    hma_journal_shape_free(&shape);
    if (status != HMA_OK) {
        hma_score_table_free(&table);
        return status;
    }
    *out = table;
    return HMA_OK;
}

/* ---- a whole result ---- */

/* Item ids, details, and the recorded score of each. */
static hma_status read_items(const reading *r, hma_task_result *t) {
    sqlite3_stmt *statement = NULL;
    bool row = true;
    hma_status status =
        hma_sql_prepare(r->sql, &statement,
                        "SELECT item.number, item.id, answer.item, answer.score, answer.detail FROM item "
                        "LEFT JOIN answer ON answer.candidate = ?1 AND answer.task = ?2 AND answer.item = item.number "
                        "WHERE item.task = ?2 ORDER BY item.number");
    if (status == HMA_OK) {
        status = hma_sql_bind(r->sql, statement, "ii", (int64_t)r->candidate, (int64_t)r->number);
    }
    for (size_t item = 0; item < t->items && status == HMA_OK; item++) {
        status = hma_sql_step(r->sql, statement, &row);
        const bool complete = status == HMA_OK && row && sqlite3_column_int64(statement, 0) == (int64_t)item &&
                              (!r->scored || sqlite3_column_type(statement, 2) != SQLITE_NULL);
        if (status == HMA_OK && !complete) {
            status = missing_scores(r->sql, r->candidate, t->name);
        }
        if (status == HMA_OK) {
            t->score[item] = hma_sql_double(statement, 3);
            t->item_id[item] = hma_copy_text(hma_sql_text(statement, 1));
            t->detail[item] = hma_copy_text(r->scored ? hma_sql_text(statement, 4) : "{}");
            status = t->item_id[item] && t->detail[item] ? HMA_OK : HMA_FAILURE;
        }
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static hma_status read_measures(const reading *r, hma_task_result *t) {
    const hma_journal_task *task = r->task;
    hma_status status = HMA_OK;
    for (size_t i = 0; i < task->measure_count && status == HMA_OK; i++) {
        const size_t values = task->items * hma_metric_describe(task->metrics[i])->width;
        hma_measure *measure = &t->measures[t->measure_count++];
        *measure = (hma_measure){.metric = task->metrics[i],
                                 .items = task->items,
                                 .stats = HMA_NEW(double, values),
                                 .value = NAN,
                                 .standard_error = NAN};
        if (!measure->stats) {
            status = HMA_FAILURE;
        } else if (r->scored) {
            status = read_stats(r, i, measure->stats);
        } else {
            fill_nan(measure->stats, values);
        }
    }
    return status;
}

static hma_status read_task_result(const hma_journal *journal, const reading *r, hma_task_result *out) {
    const hma_journal_task *task = r->task;
    *out = (hma_task_result){.name = hma_copy_text(task->name),
                             .category = hma_copy_text(task->category),
                             .items = task->items,
                             .measures = HMA_NEW(hma_measure, task->measure_count),
                             .score = HMA_NEW(double, task->items),
                             .item_id = HMA_NEW(char *, task->items),
                             .detail = HMA_NEW(char *, task->items)};
    if (!out->name || !out->category || !out->measures || !out->score || !out->item_id || !out->detail) {
        return HMA_FAILURE;
    }
    hma_status status = read_items(r, out);
    if (status == HMA_OK) {
        status = read_clusters(journal, r->number, task->items, &out->cluster);
    }
    return status == HMA_OK ? read_measures(r, out) : status;
}

static hma_status read_cost(const hma_sql *sql, size_t candidate, hma_result *result) {
    sqlite3_stmt *statement = NULL;
    bool row = false;
    hma_status status =
        hma_sql_prepare(sql, &statement,
                        "SELECT seconds, tokens, tokens_shared, generated, flops, seconds_merge, seconds_compute "
                        "FROM candidate WHERE number = ?1");
    if (status == HMA_OK) {
        status = hma_sql_bind(sql, statement, "i", (int64_t)candidate);
    }
    if (status == HMA_OK) {
        status = hma_sql_step(sql, statement, &row);
    }
    if (status == HMA_OK && row) {
        result->seconds = hma_sql_double(statement, 0);
        result->cost = (hma_model_counters){.tokens = (uint64_t)sqlite3_column_int64(statement, 1),
                                            .tokens_shared = (uint64_t)sqlite3_column_int64(statement, 2),
                                            .generated = (uint64_t)sqlite3_column_int64(statement, 3),
                                            .flops = hma_sql_double(statement, 4),
                                            .seconds_merge = hma_sql_double(statement, 5),
                                            .seconds_compute = hma_sql_double(statement, 6)};
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static hma_status read_tasks(const hma_journal *journal, const hma_journal_shape *shape, size_t candidate, bool scored,
                             hma_result *result) {
    sqlite3_stmt *statement = NULL;
    hma_status status = prepare_stats(&journal->sql, &statement);
    result->tasks = HMA_NEW(hma_task_result, shape->task_count);
    if (!result->tasks) {
        status = HMA_FAILURE;
    }
    for (size_t i = 0; i < shape->task_count && status == HMA_OK; i++) {
        const hma_journal_task *task = &shape->tasks[i];
        hma_task_result *t = task->alignment ? &result->alignment : &result->tasks[result->task_count++];
        const reading r = {&journal->sql, statement, candidate, scored, i, task};
        status = read_task_result(journal, &r, t);
        result->has_alignment = task->alignment;
    }
    (void)sqlite3_finalize(statement);
    return status;
}

hma_status hma_journal_read_result(const hma_journal *journal, size_t candidate, bool scored, hma_result **out) {
    hma_journal_shape shape;
    hma_status status = hma_journal_read_shape(journal, &shape);
    if (status != HMA_OK) {
        return status;
    }
    hma_result *result = HMA_NEW(hma_result, 1);
    status = result ? read_tasks(journal, &shape, candidate, scored, result) : HMA_FAILURE;
    hma_journal_shape_free(&shape);
    if (status == HMA_OK) {
        status = read_cost(&journal->sql, candidate, result);
    }
    if (status != HMA_OK) {
        hma_result_free(result);
        return status;
    }
    *out = result;
    return HMA_OK;
}
