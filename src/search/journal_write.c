/* Writing the scores of a candidate. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "search/journal.h"
#include "search/row_digests.h"
#include "search/schema.h"

/* ---- tasks and items: written with the first result, compared with every other ---- */

static size_t task_count(const hma_result *result) { return result->task_count + (result->has_alignment ? 1 : 0); }

static const hma_task_result *task_of(const hma_result *result, size_t task) {
    return task < result->task_count ? &result->tasks[task] : &result->alignment;
}

static hma_status put_items(const hma_sql *sql, size_t task, const hma_task_result *t) {
    sqlite3_stmt *statement = NULL;
    hma_status status = hma_sql_prepare(sql, &statement, "INSERT INTO item VALUES (?1, ?2, ?3)");
    for (size_t item = 0; item < t->items && status == HMA_OK; item++) {
        status = hma_sql_put(sql, statement, "save items", "iit", (int64_t)task, (int64_t)item, t->item_id[item]);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static hma_status put_clusters(const hma_sql *sql, size_t task, const hma_task_result *t) {
    sqlite3_stmt *statement = NULL;
    hma_status status = hma_sql_prepare(sql, &statement, "INSERT INTO item_cluster VALUES (?1, ?2, ?3)");
    for (size_t item = 0; t->cluster && item < t->items && status == HMA_OK; item++) {
        if (t->cluster[item]) {
            status = hma_sql_put(sql, statement, "save items", "iit", (int64_t)task, (int64_t)item, t->cluster[item]);
        }
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static hma_status put_measures(const hma_sql *sql, size_t task, const hma_task_result *t) {
    sqlite3_stmt *statement = NULL;
    hma_status status = hma_sql_prepare(sql, &statement, "INSERT INTO measure VALUES (?1, ?2, ?3)");
    for (size_t measure = 0; measure < t->measure_count && status == HMA_OK; measure++) {
        status = hma_sql_put(sql, statement, "save tasks", "iit", (int64_t)task, (int64_t)measure,
                             hma_metric_describe(t->measures[measure].metric)->name);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static hma_status put_shape(const hma_sql *sql, const hma_result *result) {
    sqlite3_stmt *statement = NULL;
    hma_status status = hma_sql_prepare(sql, &statement, "INSERT INTO task VALUES (?1, ?2, ?3, ?4)");
    for (size_t task = 0; task < task_count(result) && status == HMA_OK; task++) {
        const hma_task_result *t = task_of(result, task);
        status = hma_sql_put(sql, statement, "save tasks", "itti", (int64_t)task, t->name, t->category,
                             (int64_t)(task == result->task_count));
        if (status == HMA_OK) {
            status = put_measures(sql, task, t);
        }
        if (status == HMA_OK) {
            status = put_items(sql, task, t);
        }
        if (status == HMA_OK) {
            status = put_clusters(sql, task, t);
        }
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static bool same_task(const hma_journal_task *recorded, const hma_task_result *t) {
    bool same = strcmp(recorded->name, t->name) == 0 && strcmp(recorded->category, t->category) == 0 &&
                recorded->items == t->items && recorded->measure_count == t->measure_count;
    for (size_t i = 0; same && i < t->measure_count; i++) {
        same = recorded->metrics[i] == t->measures[i].metric;
    }
    return same;
}

static hma_status check_items(const hma_sql *sql, size_t task, const hma_task_result *t) {
    sqlite3_stmt *statement = NULL;
    bool row = true;
    hma_status status = hma_sql_prepare(sql, &statement, "SELECT id FROM item WHERE task = ?1 ORDER BY number");
    if (status == HMA_OK) {
        status = hma_sql_bind(sql, statement, "i", (int64_t)task);
    }
    for (size_t item = 0; item < t->items && status == HMA_OK; item++) {
        status = hma_sql_step(sql, statement, &row);
        if (status == HMA_OK && !(row && strcmp(hma_sql_text(statement, 0), t->item_id[item]) == 0)) {
            status =
                hma_error(HMA_FAILURE, "%s: item %zu of %s is not the one that earlier candidates answered: please report this",
                          sql->path, item, t->name);
        }
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static hma_status check_shape(const hma_sql *sql, const hma_journal_shape *shape, const hma_result *result) {
    bool same = shape->task_count == task_count(result);
    for (size_t task = 0; same && task < shape->task_count; task++) {
        same = same_task(&shape->tasks[task], task_of(result, task)) &&
               shape->tasks[task].alignment == (task == result->task_count);
    }
    if (!same) {
        return hma_error(HMA_FAILURE, "%s: the tasks are not those of earlier candidates: please report this", sql->path);
    }
    hma_status status = HMA_OK;
    for (size_t task = 0; task < shape->task_count && status == HMA_OK; task++) {
        status = check_items(sql, task, task_of(result, task));
    }
    return status;
}

static hma_status settle_shape(hma_journal *journal, const hma_result *result) {
    hma_journal_shape shape;
    hma_status status = hma_journal_read_shape(journal, &shape);
    if (status != HMA_OK) {
        return status;
    }
    if (shape.task_count > 0) {
        status = check_shape(&journal->sql, &shape, result);
    } else {
        status = put_shape(&journal->sql, result);
        if (status == HMA_OK) {
            status = hma_row_digests_renew(journal, HMA_ROWS_TASKS, 0);
        }
    }
    hma_journal_shape_free(&shape);
    return status;
}

/* ---- scores ---- */

enum { FIRST_STAT = 5 }; /* parameter of the statement that inserts statistics */

static hma_status put_answers(const hma_sql *sql, size_t candidate, size_t task, const hma_task_result *t) {
    sqlite3_stmt *statement = NULL;
    hma_status status = hma_sql_prepare(sql, &statement, "INSERT INTO answer VALUES (?1, ?2, ?3, ?4, ?5)");
    for (size_t item = 0; item < t->items && status == HMA_OK; item++) {
        status = hma_sql_put(sql, statement, "save scores", "iiidt", (int64_t)candidate, (int64_t)task, (int64_t)item,
                             t->score[item], t->detail[item]);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* Of whom and of what statistics are. */
typedef struct stat_key {
    size_t candidate, task, measure;
} stat_key;

/* Columns from `first` up to `last`, not included, of all items. */
static hma_status put_columns(const hma_sql *sql, sqlite3_stmt *statement, const stat_key *key, const hma_measure *m,
                              size_t first, size_t last) {
    const size_t width = hma_metric_describe(m->metric)->width;
    hma_status status = HMA_OK;
    (void)sqlite3_clear_bindings(statement); /* what is behind the width stays NULL */
    for (size_t item = 0; item < m->items && status == HMA_OK; item++) {
        int code = SQLITE_OK;
        for (size_t i = first; i < last && code == SQLITE_OK; i++) { /* NaN becomes NULL */
            code = sqlite3_bind_double(statement, FIRST_STAT + (int)(i - first), m->stats[item * width + i]);
        }
        status = code != SQLITE_OK ? hma_sql_error(sql, "save scores")
                                   : hma_sql_put(sql, statement, "save scores", "iiii", (int64_t)key->candidate,
                                                 (int64_t)key->task, (int64_t)key->measure, (int64_t)item);
    }
    return status;
}

static hma_status put_measure(const hma_sql *sql, sqlite3_stmt *narrow, const stat_key *key, const hma_measure *m) {
    const size_t width = hma_metric_describe(m->metric)->width;
    sqlite3_stmt *wide = NULL;
    hma_status status = put_columns(sql, narrow, key, m, 0, hma_min_size(width, HMA_JOURNAL_NARROW));
    if (status != HMA_OK || width <= HMA_JOURNAL_NARROW) {
        return status;
    }
    status = hma_sql_prepare(sql, &wide, "INSERT INTO stat_wide VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
    if (status == HMA_OK) {
        status = put_columns(sql, wide, key, m, HMA_JOURNAL_NARROW, width);
    }
    (void)sqlite3_finalize(wide);
    return status;
}

static hma_status put_scores(const hma_sql *sql, size_t candidate, const hma_result *result) {
    sqlite3_stmt *statement = NULL;
    hma_status status = hma_sql_prepare(
        sql, &statement, "INSERT INTO stat VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)");
    for (size_t task = 0; task < task_count(result) && status == HMA_OK; task++) {
        const hma_task_result *t = task_of(result, task);
        status = put_answers(sql, candidate, task, t);
        for (size_t measure = 0; measure < t->measure_count && status == HMA_OK; measure++) {
            status = put_measure(sql, statement, &(stat_key){candidate, task, measure}, &t->measures[measure]);
        }
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* ---- status ---- */

static hma_status settle_candidate(const hma_sql *sql, size_t candidate, const char *status_name, const char *message,
                                   double seconds, const hma_model_counters *cost) {
    return hma_sql_once(
        sql,
        "UPDATE candidate SET status = ?2, message = ?3, seconds = ?4, tokens = ?5, tokens_shared = ?6, generated = ?7, "
        "flops = ?8, seconds_merge = ?9, seconds_compute = ?10 WHERE number = ?1",
        "save scores", "ittdiiiddd", (int64_t)candidate, status_name, message, seconds, (int64_t)cost->tokens,
        (int64_t)cost->tokens_shared, (int64_t)cost->generated, cost->flops, cost->seconds_merge, cost->seconds_compute);
}

/* Commits when all went well, undoes everything otherwise; the message stays that of the failure. */
static hma_status finish(hma_journal *journal, size_t candidate, hma_status status) {
    if (status == HMA_OK) {
        status = hma_row_digests_renew(journal, HMA_ROWS_CANDIDATE, (int64_t)candidate);
    }
    if (status == HMA_OK) {
        status = hma_journal_commit(journal, "save scores");
    }
    if (status != HMA_OK) {
        hma_journal_roll_back(journal);
    }
    return status;
}

hma_status hma_journal_put_result(hma_journal *journal, size_t candidate, const hma_result *result) {
    hma_status status = hma_journal_begin(journal);
    if (status == HMA_OK) {
        status = settle_shape(journal, result);
    }
    if (status == HMA_OK) {
        status = put_scores(&journal->sql, candidate, result);
    }
    if (status == HMA_OK) {
        status = settle_candidate(&journal->sql, candidate, "scored", NULL, result->seconds, &result->cost);
    }
    if (status == HMA_OK) {
        status = hma_journal_put_event(journal, "scored", (int64_t)candidate, NULL);
    }
    return finish(journal, candidate, status);
}

hma_status hma_journal_put_failure(hma_journal *journal, size_t candidate, const char *message) {
    static const hma_model_counters no_cost = {0};
    hma_status status = hma_journal_begin(journal);
    if (status == HMA_OK) {
        status = settle_candidate(&journal->sql, candidate, "failed", message, 0, &no_cost);
    }
    if (status == HMA_OK) {
        status = hma_journal_put_event(journal, "failed", (int64_t)candidate, message);
    }
    return finish(journal, candidate, status);
}
