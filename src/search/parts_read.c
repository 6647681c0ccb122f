/* Reading parts. Whatever is missing makes the journal damaged. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "search/bits.h"
#include "search/parts_shape.h"

enum { FIRST_SCHEMA = 4 }; /* older journals have no parts */

void hma_part_scores_free(hma_part_scores *scores) {
    for (size_t i = 0; scores->place && i < scores->table.task_count; i++) {
        free(scores->place[i]);
    }
    free(scores->place);
    hma_score_table_free(&scores->table);
    *scores = (hma_part_scores){0};
}

/* ---- tasks ---- */

hma_status hma_parts_read_shape(const hma_journal *journal, hma_sheet sheet, hma_journal_shape *out) {
    const hma_shape_query query = {
        .tasks = "SELECT number, name, category, alignment, 0 FROM part_task WHERE sheet = ?1 ORDER BY number",
        .metrics = "SELECT metric FROM part_measure WHERE sheet = ?2 AND task = ?1 ORDER BY number",
        .sheet = hma_sheet_name(sheet)};
    *out = (hma_journal_shape){0};
    return journal->schema < FIRST_SCHEMA ? HMA_OK : hma_shape_read(&journal->sql, &query, out);
}

hma_status hma_parts_count_answers(const hma_sql *sql, hma_sheet sheet, size_t candidate, size_t task, size_t *count) {
    sqlite3_stmt *statement = NULL;
    bool row = false;
    hma_status status =
        hma_sql_prepare(sql, &statement, "SELECT count(*) FROM part_answer WHERE sheet = ?1 AND candidate = ?2 AND task = ?3");
    if (status == HMA_OK) {
        status = hma_sql_bind(sql, statement, "tii", hma_sheet_name(sheet), (int64_t)candidate, (int64_t)task);
    }
    if (status == HMA_OK) {
        status = hma_sql_step(sql, statement, &row);
    }
    if (status == HMA_OK && row) {
        *count = (size_t)sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* ---- statistics of the first metrics ---- */

static hma_status missing(const hma_sql *sql, size_t candidate, const char *task) {
    char problem[128];
    (void)snprintf(problem, sizeof problem, "partial scores of candidate %zu in task %.60s are missing", candidate, task);
    return hma_sql_damaged(sql, problem);
}

/* `place`: of the items, which have to be these: 0, 1, .. without; or to be filled in, rising. */
static hma_status read_stats(const hma_sql *sql, hma_sheet sheet, size_t candidate, size_t number, size_t measure,
                             hma_metric metric, size_t items, const char *name, double *stats, size_t *place) {
    const size_t width = hma_metric_describe(metric)->width;
    sqlite3_stmt *statement = NULL;
    bool row = true;
    hma_status status = hma_sql_prepare(sql, &statement,
                                        "SELECT item, stats FROM part_stat WHERE sheet = ?1 AND candidate = ?2 AND task = ?3 "
                                        "AND measure = ?4 ORDER BY item");
    if (status == HMA_OK) {
        status =
            hma_sql_bind(sql, statement, "tiii", hma_sheet_name(sheet), (int64_t)candidate, (int64_t)number, (int64_t)measure);
    }
    for (size_t item = 0; item < items && status == HMA_OK; item++) {
        status = hma_sql_step(sql, statement, &row);
        const int64_t at = status == HMA_OK && row ? sqlite3_column_int64(statement, 0) : -1;
        if (status == HMA_OK && (at < (int64_t)item || (!place && at != (int64_t)item))) {
            status = missing(sql, candidate, name);
        }
        if (status == HMA_OK && !hma_bits_read(hma_sql_text(statement, 1), stats + item * width, width)) {
            status = missing(sql, candidate, name);
        }
        if (status == HMA_OK && place) {
            place[item] = (size_t)at;
        }
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* How far a candidate has come, and what that cost. */
static hma_status read_progress(const hma_sql *sql, hma_sheet sheet, size_t candidate, hma_part_scores *out,
                                hma_model_counters *cost) {
    sqlite3_stmt *statement = NULL;
    bool row = true;
    hma_status status = hma_sql_prepare(sql, &statement,
                                        "SELECT last, parts, seconds, tokens, tokens_shared, generated, flops, seconds_merge, "
                                        "seconds_compute FROM part WHERE sheet = ?1 AND candidate = ?2 ORDER BY last");
    if (status == HMA_OK) {
        status = hma_sql_bind(sql, statement, "ti", hma_sheet_name(sheet), (int64_t)candidate);
    }
    while (status == HMA_OK && (status = hma_sql_step(sql, statement, &row)) == HMA_OK && row) {
        const int64_t last = sqlite3_column_int64(statement, 0), parts = sqlite3_column_int64(statement, 1);
        if (last < 1 || last > parts) {
            status = hma_sql_damaged(sql, "a part of the items is none");
        }
        out->last = (size_t)last;
        out->parts = (size_t)parts;
        out->seconds += hma_sql_double(statement, 2);
        cost->tokens += (uint64_t)sqlite3_column_int64(statement, 3);
        cost->tokens_shared += (uint64_t)sqlite3_column_int64(statement, 4);
        cost->generated += (uint64_t)sqlite3_column_int64(statement, 5);
        cost->flops += hma_sql_double(statement, 6);
        cost->seconds_merge += hma_sql_double(statement, 7);
        cost->seconds_compute += hma_sql_double(statement, 8);
    }
    (void)sqlite3_finalize(statement);
    out->tokens = (double)cost->tokens;
    return status;
}

static hma_status read_task_scores(const hma_journal *journal, hma_sheet sheet, size_t candidate, size_t number,
                                   const hma_journal_task *task, hma_part_scores *out) {
    size_t items = 0;
    hma_status status = hma_parts_count_answers(&journal->sql, sheet, candidate, number, &items);
    if (status == HMA_OK) {
        status = hma_task_scores_set(&out->table, number, task->name, task->category, task->metrics[0], task->alignment, items);
    }
    if (status == HMA_OK && !(out->place[number] = HMA_NEW(size_t, items))) {
        status = HMA_FAILURE;
    }
    return status == HMA_OK ? read_stats(&journal->sql, sheet, candidate, number, 0, task->metrics[0], items, task->name,
                                         out->table.tasks[number].stats, out->place[number])
                            : status;
}

static hma_status read_table(const hma_journal *journal, hma_sheet sheet, size_t candidate, const hma_journal_shape *shape,
                             hma_part_scores *out) {
    hma_status status = hma_score_table_new(&out->table, 1, shape->task_count);
    if (status == HMA_OK && !(out->place = HMA_NEW(size_t *, shape->task_count))) {
        status = HMA_FAILURE;
    }
    for (size_t i = 0; i < shape->task_count && status == HMA_OK; i++) {
        status = read_task_scores(journal, sheet, candidate, i, &shape->tasks[i], out);
    }
    return status;
}

hma_status hma_parts_read(const hma_journal *journal, hma_sheet sheet, size_t candidate, hma_part_scores *out) {
    hma_part_scores scores = {0};
    hma_model_counters cost = {0};
    hma_journal_shape shape = {0};
    hma_status status = hma_parts_read_shape(journal, sheet, &shape);
    if (status == HMA_OK && shape.task_count > 0) {
        status = read_progress(&journal->sql, sheet, candidate, &scores, &cost);
    }
    if (status == HMA_OK && scores.last > 0) {
        status = read_table(journal, sheet, candidate, &shape, &scores);
    }
    hma_journal_shape_free(&shape);
    if (status != HMA_OK) {
        hma_part_scores_free(&scores);
        return status;
    }
    *out = scores;
    return HMA_OK;
}

/* ---- a whole result ---- */

/* The items of the parts are those of the journal in another order: finds the place of each by its id. */
static hma_status read_answers(const hma_sql *sql, size_t candidate, size_t number, hma_task_result *t, size_t *place) {
    sqlite3_stmt *statement = NULL;
    bool row = true;
    hma_status status = hma_sql_prepare(sql, &statement,
                                        "SELECT part_answer.item, item.number, part_answer.score, part_answer.detail "
                                        "FROM part_answer JOIN part_item ON part_item.sheet = part_answer.sheet "
                                        "AND part_item.task = part_answer.task AND part_item.number = part_answer.item "
                                        "JOIN item ON item.task = part_answer.task AND item.id = part_item.id "
                                        "WHERE part_answer.sheet = 'test' AND part_answer.candidate = ?1 "
                                        "AND part_answer.task = ?2 ORDER BY part_answer.item");
    if (status == HMA_OK) {
        status = hma_sql_bind(sql, statement, "ii", (int64_t)candidate, (int64_t)number);
    }
    for (size_t i = 0; i < t->items && status == HMA_OK; i++) {
        status = hma_sql_step(sql, statement, &row);
        const int64_t to = status == HMA_OK && row ? sqlite3_column_int64(statement, 1) : -1;
        if (status == HMA_OK && !(to >= 0 && (size_t)to < t->items && sqlite3_column_int64(statement, 0) == (int64_t)i)) {
            status = missing(sql, candidate, t->name);
        }
        if (status == HMA_OK) {
            place[i] = (size_t)to;
            t->score[to] = hma_sql_double(statement, 2);
            free(t->detail[to]);
            t->detail[to] = hma_copy_text(hma_sql_text(statement, 3));
            status = t->detail[to] ? HMA_OK : HMA_FAILURE;
        }
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static hma_status read_task_result(const hma_sql *sql, size_t candidate, size_t number, hma_task_result *t) {
    size_t *place = HMA_NEW(size_t, t->items);
    double *stats = HMA_NEW(double, t->items *HMA_METRIC_MAX_WIDTH);
    hma_status status = place && stats ? read_answers(sql, candidate, number, t, place) : HMA_FAILURE;
    for (size_t k = 0; k < t->measure_count && status == HMA_OK; k++) {
        hma_measure *m = &t->measures[k];
        const size_t width = hma_metric_describe(m->metric)->width;
        status = read_stats(sql, HMA_SHEET_TEST, candidate, number, k, m->metric, t->items, t->name, stats, NULL);
        for (size_t i = 0; i < t->items && status == HMA_OK; i++) {
            memcpy(m->stats + place[i] * width, stats + i * width, width * sizeof *stats);
        }
    }
    free(place);
    free(stats);
    return status;
}

hma_status hma_parts_result(const hma_journal *journal, size_t candidate, hma_result **out) {
    hma_part_scores progress = {0};
    hma_result *result = NULL;
    hma_status status = hma_journal_read_result(journal, candidate, false, &result); /* the shape of all results */
    if (status == HMA_OK) {
        result->cost = (hma_model_counters){0};
        status = read_progress(&journal->sql, HMA_SHEET_TEST, candidate, &progress, &result->cost);
    }
    for (size_t i = 0; status == HMA_OK && i < result->task_count; i++) {
        status = read_task_result(&journal->sql, candidate, i, &result->tasks[i]);
    }
    if (status == HMA_OK && result->has_alignment) {
        status = read_task_result(&journal->sql, candidate, result->task_count, &result->alignment);
    }
    if (status != HMA_OK) {
        hma_result_free(result);
        return status;
    }
    result->seconds = progress.seconds;
    *out = result;
    return HMA_OK;
}
