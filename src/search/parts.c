/* Writing parts. */
#include "search/parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "search/bits.h"
#include "search/parts_shape.h"
#include "search/row_digests.h"

const char *hma_sheet_name(hma_sheet sheet) { return sheet == HMA_SHEET_SEARCH ? "search" : "test"; }

static size_t task_count(const hma_result *result) { return result->task_count + (result->has_alignment ? 1 : 0); }

static const hma_task_result *task_of(const hma_result *result, size_t task) {
    return task < result->task_count ? &result->tasks[task] : &result->alignment;
}

/* ---- tasks: written with the first part, compared with every other ---- */

static hma_status put_task(const hma_sql *sql, const char *sheet, size_t number, const hma_task_result *t, bool alignment) {
    hma_status status = hma_sql_once(sql, "INSERT INTO part_task VALUES (?1, ?2, ?3, ?4, ?5)", "save tasks", "titti", sheet,
                                     (int64_t)number, t->name, t->category, (int64_t)alignment);
    for (size_t i = 0; i < t->measure_count && status == HMA_OK; i++) {
        status = hma_sql_once(sql, "INSERT INTO part_measure VALUES (?1, ?2, ?3, ?4)", "save tasks", "tiit", sheet,
                              (int64_t)number, (int64_t)i, hma_metric_describe(t->measures[i].metric)->name);
    }
    return status;
}

static bool same_task(const hma_journal_task *recorded, const hma_task_result *t) {
    bool same = strcmp(recorded->name, t->name) == 0 && strcmp(recorded->category, t->category) == 0 &&
                recorded->measure_count == t->measure_count;
    for (size_t i = 0; same && i < t->measure_count; i++) {
        same = recorded->metrics[i] == t->measures[i].metric;
    }
    return same;
}

static hma_status settle_tasks(const hma_journal *journal, hma_sheet sheet, const hma_result *result) {
    hma_journal_shape shape;
    hma_status status = hma_parts_read_shape(journal, sheet, &shape);
    bool same = status == HMA_OK && (shape.task_count == 0 || shape.task_count == task_count(result));
    for (size_t i = 0; status == HMA_OK && same && i < task_count(result); i++) {
        if (shape.task_count == 0) {
            status = put_task(&journal->sql, hma_sheet_name(sheet), i, task_of(result, i), i == result->task_count);
        } else {
            same = same_task(&shape.tasks[i], task_of(result, i));
        }
    }
    if (status == HMA_OK && !same) {
        status = hma_error(HMA_FAILURE, "%s: the tasks are not those of earlier candidates: please report this", journal->path);
    }
    hma_journal_shape_free(&shape);
    return status;
}

static size_t place_of(const hma_places *only, size_t item) { return only ? only->place[item] : item; }

/* ---- items: the first candidate that comes to one brings it, the others must have the same ---- */

static hma_status settle_items(const hma_sql *sql, const char *sheet, size_t task, const hma_task_result *t,
                               const hma_places *only) {
    sqlite3_stmt *find = NULL, *insert = NULL;
    hma_status status = hma_sql_prepare(sql, &find, "SELECT id FROM part_item WHERE sheet = ?1 AND task = ?2 AND number = ?3");
    if (status == HMA_OK) {
        status = hma_sql_prepare(sql, &insert, "INSERT INTO part_item VALUES (?1, ?2, ?3, ?4)");
    }
    for (size_t i = 0; i < t->items && status == HMA_OK; i++) {
        bool known = false;
        const int64_t number = (int64_t)place_of(only, i);
        status = hma_sql_bind(sql, find, "tii", sheet, (int64_t)task, number);
        if (status == HMA_OK) {
            status = hma_sql_step(sql, find, &known);
        }
        if (status == HMA_OK && known && strcmp(hma_sql_text(find, 0), t->item_id[i]) != 0) {
            status =
                hma_error(HMA_FAILURE, "%s: item %zu of %s is not the one that earlier candidates answered: please report this",
                          sql->path, place_of(only, i), t->name);
        }
        (void)sqlite3_reset(find);
        if (status == HMA_OK && !known) {
            status = hma_sql_put(sql, insert, "save items", "tiit", sheet, (int64_t)task, number, t->item_id[i]);
        }
    }
    (void)sqlite3_finalize(find);
    (void)sqlite3_finalize(insert);
    return status;
}

/* ---- scores ---- */

static hma_status put_answers(const hma_sql *sql, const char *sheet, size_t candidate, size_t task, const hma_task_result *t,
                              const hma_places *only) {
    sqlite3_stmt *statement = NULL;
    hma_status status = hma_sql_prepare(sql, &statement, "INSERT INTO part_answer VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    for (size_t i = 0; i < t->items && status == HMA_OK; i++) {
        status = hma_sql_put(sql, statement, "save scores", "tiiidt", sheet, (int64_t)candidate, (int64_t)task,
                             (int64_t)place_of(only, i), t->score[i], t->detail[i]);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static hma_status put_stats(const hma_sql *sql, const char *sheet, size_t candidate, size_t task, const hma_task_result *t,
                            const hma_places *only) {
    sqlite3_stmt *statement = NULL;
    hma_buffer stats = {0};
    hma_status status = hma_sql_prepare(sql, &statement, "INSERT INTO part_stat VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    for (size_t measure = 0; measure < t->measure_count; measure++) {
        const hma_measure *m = &t->measures[measure];
        const size_t width = hma_metric_describe(m->metric)->width;
        for (size_t i = 0; i < m->items && status == HMA_OK; i++) {
            hma_buffer_clear(&stats);
            hma_bits_write(&stats, m->stats + i * width, width);
            status = hma_buffer_ok(&stats);
            if (status == HMA_OK) {
                status = hma_sql_put(sql, statement, "save scores", "tiiiit", sheet, (int64_t)candidate, (int64_t)task,
                                     (int64_t)measure, (int64_t)place_of(only, i), hma_buffer_cstr(&stats));
            }
        }
    }
    (void)sqlite3_finalize(statement);
    hma_buffer_free(&stats);
    return status;
}

static hma_status count_answered(const hma_sql *sql, hma_sheet sheet, size_t candidate, size_t tasks, size_t *answered) {
    hma_status status = HMA_OK;
    for (size_t task = 0; task < tasks && status == HMA_OK; task++) {
        size_t count = 0;
        status = hma_parts_count_answers(sql, sheet, candidate, task, &count);
        *answered += count;
    }
    return status;
}

static hma_status put_scores(const hma_sql *sql, hma_sheet sheet, size_t candidate, const hma_places *only,
                             const hma_result *result) {
    hma_status status = HMA_OK;
    for (size_t task = 0; task < task_count(result) && status == HMA_OK; task++) {
        const hma_task_result *t = task_of(result, task);
        const hma_places *places = only ? &only[task] : NULL;
        if (places && places->count != t->items) {
            return hma_error(HMA_FAILURE, "%s: %zu items of %s were answered (expected %zu): please report this", sql->path,
                             t->items, t->name, places->count);
        }
        status = settle_items(sql, hma_sheet_name(sheet), task, t, places);
        if (status == HMA_OK) {
            status = put_answers(sql, hma_sheet_name(sheet), candidate, task, t, places);
        }
        if (status == HMA_OK) {
            status = put_stats(sql, hma_sheet_name(sheet), candidate, task, t, places);
        }
    }
    return status;
}

static hma_status put_cost(const hma_sql *sql, hma_sheet sheet, size_t candidate, size_t last, size_t parts,
                           const hma_result *result) {
    const hma_model_counters *cost = &result->cost;
    return hma_sql_once(sql, "INSERT INTO part VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)", "save scores",
                        "tiiidiiiddd", hma_sheet_name(sheet), (int64_t)candidate, (int64_t)last, (int64_t)parts,
                        result->seconds, (int64_t)cost->tokens, (int64_t)cost->tokens_shared, (int64_t)cost->generated,
                        cost->flops, cost->seconds_merge, cost->seconds_compute);
}

hma_status hma_parts_put(hma_journal *journal, hma_sheet sheet, size_t candidate, const hma_places *only, size_t parts,
                         const hma_result *result) {
    hma_status status = hma_journal_begin(journal);
    size_t answered = 0;
    if (status == HMA_OK) {
        status = settle_tasks(journal, sheet, result);
    }
    if (status == HMA_OK) {
        status = put_scores(&journal->sql, sheet, candidate, only, result);
    }
    if (status == HMA_OK) {
        status = count_answered(&journal->sql, sheet, candidate, task_count(result), &answered);
    }
    if (status == HMA_OK) {
        status = put_cost(&journal->sql, sheet, candidate, answered, parts, result);
    }
    if (status == HMA_OK) {
        status = hma_row_digests_renew(journal, HMA_ROWS_PARTS, (int64_t)candidate);
    }
    if (status == HMA_OK) {
        status = hma_row_digests_renew(journal, HMA_ROWS_PART_TASKS, 0);
    }
    if (status == HMA_OK) {
        status = hma_journal_commit(journal, "save scores");
    }
    if (status != HMA_OK) {
        hma_journal_roll_back(journal);
    }
    return status;
}

hma_status hma_parts_set_status(hma_journal *journal, size_t candidate, const char *status, const char *message) {
    hma_status done = hma_journal_enter(journal);
    if (done != HMA_OK) {
        return done;
    }
    done = hma_sql_once(&journal->sql, "UPDATE candidate SET status = ?2, message = ?3 WHERE number = ?1", "save a candidate",
                        "itt", (int64_t)candidate, status, message);
    if (done == HMA_OK) {
        done = hma_row_digests_renew(journal, HMA_ROWS_CANDIDATE, (int64_t)candidate);
    }
    return hma_journal_leave(journal, "save a candidate", done);
}
