#include "search/row_digests.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/sha256.h"
#include "search/schema.h"

/* A table whose rows come one candidate or event after another has a digest for each number in `number`, the others one for all
 * rows, as number 0. Rows are taken in an order that does not depend on how SQLite stores them. */
static const struct {
    hma_row_group group;
    const char *name, *number, *order;
} tables[] = {
    {HMA_ROWS_FACTS, "fact", NULL, "key"},
    {HMA_ROWS_TASKS, "task", NULL, "number"},
    {HMA_ROWS_TASKS, "measure", NULL, "task, number"},
    {HMA_ROWS_TASKS, "item", NULL, "task, number"},
    {HMA_ROWS_TASKS, "item_cluster", NULL, "task, item"},
    {HMA_ROWS_CANDIDATE, "candidate", "number", "number"},
    {HMA_ROWS_CANDIDATE, "source", "candidate", "candidate"},
    {HMA_ROWS_CANDIDATE, "answer", "candidate", "task, item"},
    {HMA_ROWS_CANDIDATE, "stat", "candidate", "task, measure, item"},
    {HMA_ROWS_CANDIDATE, "stat_wide", "candidate", "task, measure, item"},
    {HMA_ROWS_EVENT, "event", "number", "number"},
    {HMA_ROWS_PARTS, "part", "candidate", "sheet, last"},
    {HMA_ROWS_PARTS, "part_answer", "candidate", "sheet, task, item"},
    {HMA_ROWS_PARTS, "part_stat", "candidate", "sheet, task, measure, item"},
    {HMA_ROWS_PART_TASKS, "part_task", NULL, "sheet, number"},
    {HMA_ROWS_PART_TASKS, "part_measure", NULL, "sheet, task, number"},
    {HMA_ROWS_PART_TASKS, "part_item", NULL, "sheet, task, number"},
    {HMA_ROWS_EVALUATIONS, "evaluation", NULL, "objective, ratios"},
};

enum { TABLES = sizeof tables / sizeof *tables, LONGEST_QUERY = 256 };

/* In the place of a table: the row that says that everything has a digest. */
static const char promise_name[] = "journal", promise[] = "complete";

/* ---- taking one ---- */

static void add_number(hma_buffer *bytes, uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) {
        hma_buffer_char(bytes, (char)(number >> shift));
    }
}

/* A letter for the type, then the value, texts with their length before them: no two rows give the same bytes. */
static void add_value(hma_buffer *bytes, sqlite3_stmt *statement, int column) {
    uint64_t bits;
    double value;
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL: hma_buffer_char(bytes, 'n'); return;
    case SQLITE_INTEGER:
        hma_buffer_char(bytes, 'i');
        add_number(bytes, (uint64_t)sqlite3_column_int64(statement, column));
        return;
    case SQLITE_FLOAT:
        value = sqlite3_column_double(statement, column);
        memcpy(&bits, &value, sizeof bits);
        hma_buffer_char(bytes, 'd');
        add_number(bytes, bits);
        return;
    default: break;
    }
    /* a text stays one where damage made it bytes: hma never writes those */
    const char *text = hma_sql_text(statement, column);
    const size_t length = (size_t)sqlite3_column_bytes(statement, column);
    hma_buffer_char(bytes, 't');
    add_number(bytes, length);
    hma_buffer_add(bytes, text, length);
}

static hma_status add_rows(const hma_sql *sql, sqlite3_stmt *statement, hma_sha256 *hash, size_t *rows) {
    hma_buffer bytes = {0};
    bool row = true;
    hma_status status = HMA_OK;
    while (status == HMA_OK && (status = hma_sql_step(sql, statement, &row)) == HMA_OK && row) {
        hma_buffer_clear(&bytes);
        hma_buffer_char(&bytes, 'r');
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            add_value(&bytes, statement, i);
        }
        (*rows)++;
        status = hma_buffer_ok(&bytes);
        if (status == HMA_OK) {
            status = hma_sha256_add(hash, hma_buffer_cstr(&bytes), bytes.length);
        }
    }
    hma_buffer_free(&bytes);
    return status;
}

static hma_status take_digest(const hma_sql *sql, size_t table, int64_t number, char digest[65], size_t *rows) {
    char query[LONGEST_QUERY];
    sqlite3_stmt *statement = NULL;
    hma_sha256 *hash = NULL;
    *rows = 0;
    (void)snprintf(query, sizeof query, "SELECT * FROM %s WHERE %s%s ORDER BY %s", tables[table].name,
                   tables[table].number ? tables[table].number : "1", tables[table].number ? " = ?1" : "", tables[table].order);
    hma_status status = hma_sql_prepare(sql, &statement, query);
    if (status == HMA_OK && tables[table].number) {
        status = hma_sql_bind(sql, statement, "i", number);
    }
    if (status == HMA_OK) {
        status = hma_sha256_new(&hash);
    }
    if (status == HMA_OK) {
        status = add_rows(sql, statement, hash, rows);
    }
    if (status == HMA_OK) {
        status = hma_sha256_end(hash, digest);
    }
    hma_sha256_free(hash);
    (void)sqlite3_finalize(statement);
    return status;
}

/* ---- writing ---- */

static hma_status put_digest(const hma_sql *sql, const char *name, int64_t number, const char *digest) {
    return hma_sql_once(sql, "INSERT OR REPLACE INTO digest VALUES (?1, ?2, ?3)", "save digests", "tit", name, number, digest);
}

hma_status hma_row_digests_renew(hma_journal *journal, hma_row_group group, int64_t number) {
    hma_status status = HMA_OK;
    for (size_t i = 0; i < TABLES && status == HMA_OK; i++) {
        char digest[65];
        size_t rows;
        if (tables[i].group != group) {
            continue;
        }
        status = take_digest(&journal->sql, i, number, digest, &rows);
        if (status == HMA_OK && (rows > 0 || !tables[i].number)) {
            status = put_digest(&journal->sql, tables[i].name, number, digest);
        }
    }
    return status;
}

hma_status hma_row_digests_begin(hma_journal *journal) {
    static const hma_row_group whole[] = {HMA_ROWS_FACTS, HMA_ROWS_TASKS, HMA_ROWS_PART_TASKS, HMA_ROWS_EVALUATIONS};
    hma_status status = put_digest(&journal->sql, promise_name, 0, promise);
    for (size_t i = 0; i < sizeof whole / sizeof *whole && status == HMA_OK; i++) {
        status = hma_row_digests_renew(journal, whole[i], 0);
    }
    return status;
}

/* ---- checking ---- */

static hma_status changed(const hma_sql *sql, size_t table, int64_t number) {
    char problem[256], query[LONGEST_QUERY];
    sqlite3_stmt *statement = NULL;
    bool row = false;
    const hma_row_group group = tables[table].group;
    if (group == HMA_ROWS_EVENT) {
        (void)snprintf(problem, sizeof problem, "row %lld of table event is not as it was written", (long long)number);
        return hma_sql_damaged(sql, problem);
    }
    if (group != HMA_ROWS_CANDIDATE && group != HMA_ROWS_PARTS) {
        (void)snprintf(problem, sizeof problem, "table %s is not as it was written", tables[table].name);
        return hma_sql_damaged(sql, problem);
    }
    (void)snprintf(query, sizeof query, "SELECT label FROM candidate WHERE number = %lld", (long long)number);
    hma_status status = hma_sql_prepare(sql, &statement, query);
    if (status == HMA_OK) {
        status = hma_sql_step(sql, statement, &row);
    }
    if (status == HMA_OK) {
        (void)snprintf(problem, sizeof problem, "the rows of candidate %lld, %.60s, in table %s are not as they were written",
                       (long long)number, row ? hma_sql_text(statement, 0) : "which is not there", tables[table].name);
        status = hma_sql_damaged(sql, problem);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static hma_status check_digest(const hma_sql *sql, const char *name, int64_t number, const char *recorded, bool *promised) {
    char digest[65];
    size_t table = 0, rows;
    if (strcmp(name, promise_name) == 0 && number == 0 && strcmp(recorded, promise) == 0) {
        *promised = true;
        return HMA_OK;
    }
    while (table < TABLES && strcmp(name, tables[table].name) != 0) {
        table++;
    }
    if (table == TABLES) {
        return hma_sql_damaged(sql, "there is a digest of no table");
    }
    const hma_status status = take_digest(sql, table, number, digest, &rows);
    return status == HMA_OK && strcmp(digest, recorded) != 0 ? changed(sql, table, number) : status;
}

static hma_status check_all(const hma_sql *sql, bool *promised) {
    sqlite3_stmt *statement = NULL;
    bool row = true;
    hma_status status = hma_sql_prepare(sql, &statement, "SELECT name, number, sha256 FROM digest ORDER BY name, number");
    while (status == HMA_OK && (status = hma_sql_step(sql, statement, &row)) == HMA_OK && row) {
        status = check_digest(sql, hma_sql_text(statement, 0), sqlite3_column_int64(statement, 1), hma_sql_text(statement, 2),
                              promised);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* Nothing of a journal that promised it may be without a digest. */
static hma_status check_promise(const hma_sql *sql) {
    hma_status status = HMA_OK;
    for (size_t i = 0; i < TABLES && status == HMA_OK; i++) {
        char query[LONGEST_QUERY], problem[64];
        int64_t without;
        const char *number = tables[i].number;
        (void)snprintf(query, sizeof query,
                       "SELECT count(*) FROM (SELECT %s FROM %s EXCEPT SELECT number FROM digest WHERE name = '%s')",
                       number ? number : "0", number ? tables[i].name : "(SELECT 0)", tables[i].name);
        status = hma_sql_integer(sql, query, &without);
        if (status == HMA_OK && without != 0) {
            (void)snprintf(problem, sizeof problem, "digests of table %s are missing", tables[i].name);
            status = hma_sql_damaged(sql, problem);
        }
    }
    return status;
}

hma_status hma_row_digests_check(const hma_journal *journal, size_t *without) {
    int64_t count = 0;
    bool promised = false;
    const bool none = journal->schema < HMA_SCHEMA_WITH_DIGESTS;
    hma_status status = none ? HMA_OK : check_all(&journal->sql, &promised);
    if (status == HMA_OK && promised) {
        status = check_promise(&journal->sql);
    } else if (status == HMA_OK) {
        status = hma_sql_integer(&journal->sql,
                                 none ? "SELECT count(*) FROM candidate WHERE status = 'scored'"
                                      : "SELECT count(*) FROM candidate WHERE status = 'scored' AND number NOT IN "
                                        "(SELECT number FROM digest WHERE name = 'answer')",
                                 &count);
    }
    if (status == HMA_OK) {
        *without = (size_t)count;
    }
    return status;
}
