/* Checking a journal from end to end. Opening and reading already refuse what is missing; here is what they do not look at. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "hma/text.h"
#include "search/row_digests.h"
#include "search/run_parts.h"

static hma_status check_integrity(const hma_run *run) {
    sqlite3_stmt *statement = NULL;
    bool row = false;
    const hma_sql *sql = &run->journal->sql;
    hma_status status = hma_sql_prepare(sql, &statement, "PRAGMA integrity_check(1)");
    if (status == HMA_OK) {
        status = hma_sql_step(sql, statement, &row);
    }
    if (status == HMA_OK && !(row && strcmp(hma_sql_text(statement, 0), "ok") == 0)) {
        status = hma_sql_damaged(sql, row ? hma_sql_text(statement, 0) : "SQLite's check gives no answer");
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* A query that counts what must not be there. */
static hma_status check_none(const hma_run *run, const char *query, const char *problem) {
    int64_t count;
    const hma_status status = hma_sql_integer(&run->journal->sql, query, &count);
    return status == HMA_OK && count != 0 ? hma_sql_damaged(&run->journal->sql, problem) : status;
}

static hma_status check_rows(const hma_run *run) {
    static const char *const rules[][2] = {
        {"SELECT count(*) FROM candidate WHERE status = 'scored' AND number NOT IN "
         "(SELECT candidate FROM event WHERE kind = 'scored')",
         "a candidate has scores but was never recorded as scored"},
        {"SELECT count(*) FROM event WHERE kind = 'scored' AND candidate NOT IN "
         "(SELECT number FROM candidate WHERE status = 'scored')",
         "a candidate was recorded as scored and has no scores"},
        {"SELECT count(*) FROM answer WHERE candidate NOT IN (SELECT number FROM candidate WHERE status = 'scored')",
         "there are scores of candidates that were never scored"},
        {"SELECT count(*) FROM stat LEFT JOIN answer USING (candidate, task, item) WHERE answer.item IS NULL",
         "there are statistics of items that were never answered"},
        {"SELECT count(*) FROM answer LEFT JOIN item ON item.task = answer.task AND item.number = answer.item "
         "WHERE item.number IS NULL",
         "there are scores of items that are not in the suite"},
    };
    hma_status status = HMA_OK;
    for (size_t i = 0; i < sizeof rules / sizeof *rules && status == HMA_OK; i++) {
        status = check_none(run, rules[i][0], rules[i][1]);
    }
    return status;
}

/* Scores on search items, and of races. */
static hma_status check_parts(const hma_run *run) {
    static const char *const rules[][2] = {
        {"SELECT count(*) FROM part_stat LEFT JOIN part_answer USING (sheet, candidate, task, item) "
         "WHERE part_answer.score IS NULL AND part_answer.detail IS NULL",
         "there are partial statistics of items that were never answered"},
        {"SELECT count(*) FROM part_answer LEFT JOIN part USING (sheet, candidate) WHERE part.last IS NULL",
         "there are partial scores of candidates that were never asked"},
        {"SELECT count(*) FROM part_answer LEFT JOIN part_item ON part_item.sheet = part_answer.sheet AND "
         "part_item.task = part_answer.task AND part_item.number = part_answer.item WHERE part_item.id IS NULL",
         "there are partial scores of items that are not in the suite"},
        {"SELECT count(*) FROM candidate WHERE status = 'searched' AND number NOT IN "
         "(SELECT candidate FROM part WHERE sheet = 'search') AND number < (SELECT max(candidate) FROM part)",
         "a candidate was searched and has no scores"},
    };
    hma_status status = HMA_OK;
    for (size_t i = 0; i < sizeof rules / sizeof *rules && status == HMA_OK && run->journal->schema >= 4; i++) {
        status = check_none(run, rules[i][0], rules[i][1]);
    }
    return status;
}

static bool same_bits(const double *a, const double *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!(a[i] == b[i] && signbit(a[i]) == signbit(b[i])) && !(isnan(a[i]) && isnan(b[i]))) {
            return false;
        }
    }
    return true;
}

/* The recorded score of every item follows from its statistics. */
static hma_status check_scores(const hma_run *run, size_t index) {
    hma_result *recorded, *computed = NULL;
    hma_status status = hma_journal_read_result(run->journal, index, true, &recorded);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_run_result(run, index, &computed);
    for (size_t i = 0; i < recorded->task_count && status == HMA_OK; i++) {
        if (!same_bits(recorded->tasks[i].score, computed->tasks[i].score, recorded->tasks[i].items)) {
            status = hma_sql_damaged(&run->journal->sql, "scores do not follow from their statistics");
        }
    }
    if (status == HMA_OK && !same_bits(recorded->alignment.score, computed->alignment.score, recorded->alignment.items)) {
        status = hma_sql_damaged(&run->journal->sql, "rewards do not follow from their statistics");
    }
    hma_result_free(recorded);
    hma_result_free(computed);
    return status;
}

static hma_status count_and_check(const hma_run *run, hma_verified *v) {
    hma_status status = HMA_OK;
    v->candidates = run->entry_count;
    for (size_t i = 0; i < run->entry_count && status == HMA_OK; i++) {
        const hma_candidate *candidate = &run->entries[i].candidate;
        v->scored += candidate->scored;
        v->failed += candidate->failure != NULL;
        v->searched += candidate->searched;
        v->dropped += candidate->dropped != NULL;
        if (candidate->scored) {
            status = check_scores(run, i);
        }
    }
    v->waiting = v->candidates - v->scored - v->failed - v->searched - v->dropped;
    return status;
}

static hma_status verify(const hma_run *run, hma_verified *v) {
    int64_t answers = 0;
    hma_status status = check_integrity(run);
    if (status == HMA_OK) {
        status = check_rows(run);
    }
    if (status == HMA_OK) {
        status = check_parts(run);
    }
    if (status == HMA_OK) {
        status = count_and_check(run, v);
    }
    if (status == HMA_OK) {
        status = hma_row_digests_check(run->journal, &v->without_digest);
    }
    if (status == HMA_OK) {
        status = hma_run_check_kept(run, true);
    }
    if (status == HMA_OK) {
        status = hma_sql_integer(&run->journal->sql, "SELECT count(*) FROM answer", &answers);
    }
    v->answers = (size_t)answers;
    return status;
}

static char *write_report(const char *folder, const hma_verified *v) {
    hma_buffer text = {0};
    hma_buffer_printf(&text, "%s: intact: %zu candidates, %zu scored, %zu failed, %zu waiting", folder, v->candidates,
                      v->scored, v->failed, v->waiting);
    if (v->searched > 0) {
        hma_buffer_printf(&text, ", %zu scored on search items only", v->searched);
    }
    if (v->dropped > 0) {
        hma_buffer_printf(&text, ", %zu stopped early", v->dropped);
    }
    hma_buffer_printf(&text, "; %zu scores of items", v->answers);
    if (v->without_digest > 0) {
        hma_buffer_printf(&text, "; an older hma scored %zu of them and took no SHA-256 of the scores", v->without_digest);
    }
    hma_buffer_char(&text, '\n');
    char *made = hma_buffer_release(&text);
    hma_buffer_free(&text);
    return made;
}

hma_status hma_run_verify_counted(const char *folder, hma_verified *out, char **report) {
    hma_run *run;
    hma_verified found = {0};
    hma_status status = hma_run_open(&run, folder);
    if (status != HMA_OK) {
        return status;
    }
    status = verify(run, &found);
    hma_run_close(run);
    char *made = status == HMA_OK ? write_report(folder, &found) : NULL;
    if (!made) {
        return status == HMA_OK ? HMA_FAILURE : status;
    }
    *out = found;
    *report = made;
    return HMA_OK;
}

hma_status hma_run_verify(const char *folder, char **report) {
    hma_verified numbers;
    return hma_run_verify_counted(folder, &numbers, report);
}
