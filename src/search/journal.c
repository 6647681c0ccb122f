#include "search/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/buffer.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"
#include "search/row_digests.h"
#include "search/schema.h"

static const char magic[16] = "SQLite format 3";

/* ---- opening ---- */

/* A regular file that begins as SQLite files do; SQLite itself would take an empty one for a new database. */
static hma_status check_magic(const char *path) {
    hma_input input;
    char start[sizeof magic];
    hma_status status = hma_input_open(&input, path);
    if (status != HMA_OK) {
        return status;
    }
    if (input.size == 0) {
        status = hma_error(HMA_BAD_DATA,
                           "%s: is empty (expected a journal): its scores are lost; restore a copy, or begin anew in "
                           "another folder",
                           path);
    } else if (input.size < sizeof start) {
        status = hma_error(HMA_BAD_DATA, "%s: is no SQLite file (expected a journal): name a run folder", path);
    } else {
        status = hma_input_read(&input, path, 0, start, sizeof start);
        if (status == HMA_OK && memcmp(start, magic, sizeof magic) != 0) {
            status = hma_error(HMA_BAD_DATA, "%s: is no SQLite file (expected a journal): name a run folder", path);
        }
    }
    hma_input_close(&input);
    return status;
}

static hma_status check_pages(const hma_sql *sql) {
    sqlite3_stmt *statement = NULL;
    bool row = false;
    hma_status status = hma_sql_prepare(sql, &statement, "PRAGMA quick_check(1)");
    if (status == HMA_OK) {
        status = hma_sql_step(sql, statement, &row);
    }
    if (status == HMA_OK && row && strcmp(hma_sql_text(statement, 0), "ok") != 0) {
        status = hma_sql_damaged(sql, hma_sql_text(statement, 0));
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static hma_status prepare_for_writing(const hma_sql *sql) {
    if (sqlite3_db_readonly(sql->db, "main") != 0) {
        return hma_error_io(sql->path, "write", EACCES);
    }
    return hma_sql_run(sql, "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL", "prepare it for writing");
}

static hma_journal *allocate(const char *path) {
    hma_journal *journal = HMA_NEW(hma_journal, 1);
    if (journal && !(journal->path = hma_copy_text(path))) {
        free(journal);
        return NULL;
    }
    return journal;
}

hma_status hma_journal_open(hma_journal **out, const char *path, bool writable) {
    hma_status status = check_magic(path);
    if (status != HMA_OK) {
        return status;
    }
    hma_journal *journal = allocate(path);
    if (!journal) {
        return HMA_FAILURE;
    }
    /* readers too ask for write access, because only then SQLite undoes what a killed process left; they go without it where
       the file system has none */
    status = hma_sql_open(&journal->sql, path, SQLITE_OPEN_READWRITE);
    if (status == HMA_OK && !writable) {
        status = hma_sql_run(&journal->sql, "PRAGMA query_only = ON", "open it");
    }
    if (status == HMA_OK) {
        status = hma_schema_check(&journal->sql, &journal->schema);
    }
    if (status == HMA_OK) {
        status = check_pages(&journal->sql);
    }
    if (status == HMA_OK && writable) {
        status = prepare_for_writing(&journal->sql);
    }
    if (status == HMA_OK && writable) {
        status = hma_schema_upgrade(&journal->sql, &journal->schema);
    }
    if (status != HMA_OK) {
        hma_journal_close(journal);
        return status;
    }
    *out = journal;
    return HMA_OK;
}

/* ---- making ---- */

/* Removes path + suffix if it is there. */
static hma_status remove_leftover(const char *path, const char *suffix) {
    hma_buffer name = {0};
    hma_buffer_printf(&name, "%s%s", path, suffix);
    hma_status status = hma_buffer_ok(&name);
    if (status == HMA_OK && unlink(hma_buffer_cstr(&name)) != 0 && errno != ENOENT) {
        status = hma_error_io(hma_buffer_cstr(&name), "remove", errno);
    }
    hma_buffer_free(&name);
    return status;
}

hma_status hma_journal_create(hma_journal **out, const char *path) {
    hma_buffer temporary = {0};
    hma_buffer_printf(&temporary, "%s.new", path);
    hma_journal *journal = allocate(path);
    hma_status status = journal ? hma_buffer_ok(&temporary) : HMA_FAILURE;
    /* the rollback file of a journal that somebody deleted would be rolled back into the new one */
    static const char *const leftovers[] = {"-journal", ".new", ".new-journal"};
    for (size_t i = 0; i < sizeof leftovers / sizeof *leftovers && status == HMA_OK; i++) {
        status = remove_leftover(path, leftovers[i]);
    }
    if (status == HMA_OK) {
        journal->unpublished = true;
        status = hma_sql_open(&journal->sql, hma_buffer_cstr(&temporary), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    }
    hma_buffer_free(&temporary);
    if (status == HMA_OK) {
        status = prepare_for_writing(&journal->sql);
    }
    if (status == HMA_OK) {
        status = hma_journal_begin(journal);
    }
    if (status == HMA_OK) {
        journal->schema = HMA_JOURNAL_SCHEMA;
        status = hma_schema_create(&journal->sql);
    }
    if (status == HMA_OK) {
        status = hma_row_digests_begin(journal);
    }
    if (status != HMA_OK) {
        hma_journal_close(journal);
        return status;
    }
    *out = journal;
    return HMA_OK;
}

static hma_status sync_parent(const char *path) {
    char *folder = hma_path_parent(path);
    const hma_status status = folder ? hma_folder_sync(folder) : HMA_FAILURE;
    free(folder);
    return status;
}

hma_status hma_journal_publish(hma_journal *journal) {
    hma_status status = hma_journal_commit(journal, "begin it");
    if (status != HMA_OK) {
        return status;
    }
    /* SQLite finds its rollback file by name, so the connection must not outlive the name */
    (void)sqlite3_close(journal->sql.db);
    journal->sql.db = NULL;
    if (rename(journal->sql.path, journal->path) != 0) {
        return hma_error_io(journal->path, "rename into place", errno);
    }
    journal->unpublished = false;
    status = sync_parent(journal->path);
    hma_sql_close(&journal->sql);
    if (status == HMA_OK) {
        status = hma_sql_open(&journal->sql, journal->path, SQLITE_OPEN_READWRITE);
    }
    return status == HMA_OK ? prepare_for_writing(&journal->sql) : status;
}

void hma_journal_close(hma_journal *journal) {
    if (!journal) {
        return;
    }
    hma_sql_close(&journal->sql);
    if (journal->unpublished) {
        (void)remove_leftover(journal->path, ".new-journal"); /* the next start removes what stays */
        (void)remove_leftover(journal->path, ".new");
    }
    free(journal->path);
    free(journal);
}

/* ---- transactions ---- */

hma_status hma_journal_begin(hma_journal *journal) { return hma_sql_run(&journal->sql, "BEGIN IMMEDIATE", "begin a change"); }

hma_status hma_journal_commit(hma_journal *journal, const char *what) { return hma_sql_run(&journal->sql, "COMMIT", what); }

void hma_journal_roll_back(hma_journal *journal) {
    if (journal->sql.db && sqlite3_get_autocommit(journal->sql.db) == 0) {
        (void)sqlite3_exec(journal->sql.db, "ROLLBACK", NULL, NULL, NULL); /* what fails here is undone at the next opening */
    }
}

hma_status hma_journal_enter(hma_journal *journal) { return hma_sql_run(&journal->sql, "SAVEPOINT change", "begin a change"); }

hma_status hma_journal_leave(hma_journal *journal, const char *what, hma_status status) {
    if (status == HMA_OK) {
        status = hma_sql_run(&journal->sql, "RELEASE change", what);
    }
    if (status != HMA_OK && sqlite3_get_autocommit(journal->sql.db) == 0) {
        (void)sqlite3_exec(journal->sql.db, "ROLLBACK TO change; RELEASE change", NULL, NULL, NULL);
    }
    return status;
}

/* ---- facts and events ---- */

hma_status hma_journal_read_facts(const hma_journal *journal, hma_facts *facts) {
    sqlite3_stmt *statement = NULL;
    bool row = true;
    hma_status status = hma_sql_prepare(&journal->sql, &statement, "SELECT key, value FROM fact ORDER BY key");
    while (status == HMA_OK && row) {
        status = hma_sql_step(&journal->sql, statement, &row);
        if (status == HMA_OK && row) {
            status = hma_facts_set(facts, HMA_FACT_HISTORY, hma_sql_text(statement, 0), "%s", hma_sql_text(statement, 1));
        }
    }
    (void)sqlite3_finalize(statement);
    return status;
}

hma_status hma_journal_put_fact(hma_journal *journal, const char *key, const char *value) {
    hma_status status = hma_journal_enter(journal);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_sql_once(&journal->sql, "INSERT OR REPLACE INTO fact VALUES (?1, ?2)", "save facts", "tt", key, value);
    if (status == HMA_OK) {
        status = hma_row_digests_renew(journal, HMA_ROWS_FACTS, 0);
    }
    return hma_journal_leave(journal, "save facts", status);
}

static void write_time(char text[32]) {
    const time_t now = time(NULL);
    struct tm parts;
    if (!gmtime_r(&now, &parts) || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        text[0] = 0;
    }
}

hma_status hma_journal_put_event(hma_journal *journal, const char *kind, int64_t candidate, const char *detail) {
    char when[32];
    write_time(when);
    hma_status status = hma_journal_enter(journal);
    if (status != HMA_OK) {
        return status;
    }
    status =
        hma_sql_once(&journal->sql, "INSERT INTO event (kind, candidate, time, detail) VALUES (?1, nullif(?2, -1), ?3, ?4)",
                     "save an event", "titt", kind, candidate, when, detail);
    if (status == HMA_OK) {
        status = hma_row_digests_renew(journal, HMA_ROWS_EVENT, sqlite3_last_insert_rowid(journal->sql.db));
    }
    return hma_journal_leave(journal, "save an event", status);
}

/* ---- candidates ---- */

hma_status hma_journal_read_candidates(const hma_journal *journal, hma_status (*take)(void *user, const hma_journal_row *row),
                                       void *user) {
    sqlite3_stmt *statement = NULL;
    bool row = true;
    hma_status status = hma_sql_prepare(
        &journal->sql, &statement,
        journal->schema < 2 ? "SELECT number, id, label, origin, recipe, status, message, seconds, NULL, NULL, NULL, "
                              "NULL FROM candidate ORDER BY number"
                            : "SELECT number, id, label, origin, recipe, status, message, seconds, kind, ratio, "
                              "sha256, folder FROM candidate LEFT JOIN source ON candidate = number ORDER BY number");
    for (int64_t number = 0; status == HMA_OK && row; number++) {
        status = hma_sql_step(&journal->sql, statement, &row);
        if (status == HMA_OK && row && sqlite3_column_int64(statement, 0) != number) {
            status = hma_sql_damaged(&journal->sql, "candidates are missing");
        }
        if (status == HMA_OK && row) {
            const hma_journal_row candidate = {.id = hma_sql_text(statement, 1),
                                               .label = hma_sql_text(statement, 2),
                                               .origin = hma_sql_text(statement, 3),
                                               .recipe = hma_sql_text(statement, 4),
                                               .status = hma_sql_text(statement, 5),
                                               .message = hma_sql_text(statement, 6),
                                               .seconds = hma_sql_double(statement, 7),
                                               .kind = hma_sql_text(statement, 8),
                                               .ratio = hma_sql_double(statement, 9),
                                               .sha256 = hma_sql_text(statement, 10),
                                               .folder = hma_sql_text(statement, 11)};
            status = take(user, &candidate);
        }
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static hma_status leave_candidate(hma_journal *journal, size_t number, hma_status status) {
    if (status == HMA_OK) {
        status = hma_row_digests_renew(journal, HMA_ROWS_CANDIDATE, (int64_t)number);
    }
    return hma_journal_leave(journal, "save a candidate", status);
}

hma_status hma_journal_put_candidate(hma_journal *journal, size_t number, const char *id, const char *label, const char *origin,
                                     const char *recipe) {
    hma_status status = hma_journal_enter(journal);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_sql_once(&journal->sql,
                          "INSERT INTO candidate (number, id, label, origin, recipe, status) "
                          "VALUES (?1, ?2, ?3, ?4, ?5, 'waiting')",
                          "save a candidate", "itttt", (int64_t)number, id, label, origin, recipe);
    return leave_candidate(journal, number, status);
}

hma_status hma_journal_put_source(hma_journal *journal, size_t number, const char *kind, double ratio, const char *sha256,
                                  const char *folder) {
    hma_status status = hma_journal_enter(journal);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_sql_once(&journal->sql, "INSERT OR REPLACE INTO source VALUES (?1, ?2, ?3, ?4, ?5)", "save a candidate",
                          "itdtt", (int64_t)number, kind, ratio, sha256, folder);
    return leave_candidate(journal, number, status);
}

hma_status hma_journal_has_candidate(const hma_journal *journal, const char *column, const char *text, bool *has) {
    sqlite3_stmt *statement = NULL;
    char query[64];
    (void)snprintf(query, sizeof query, "SELECT 1 FROM candidate WHERE %s = ?1", column);
    hma_status status = hma_sql_prepare(&journal->sql, &statement, query);
    if (status == HMA_OK) {
        status = hma_sql_bind(&journal->sql, statement, "t", text);
    }
    if (status == HMA_OK) {
        status = hma_sql_step(&journal->sql, statement, has);
    }
    (void)sqlite3_finalize(statement);
    return status;
}
