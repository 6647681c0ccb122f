#include "search/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/error_set.h"

/* Columns of doubles have no type: SQLite's REAL would lose the sign of -0. NULL stands for NaN. */
static const char *const objects[][2] = {
    {"fact", "CREATE TABLE fact (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"},
    {"candidate", "CREATE TABLE candidate (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, label TEXT NOT NULL UNIQUE, "
                  "origin TEXT NOT NULL, recipe TEXT NOT NULL, status TEXT NOT NULL, message TEXT, seconds, tokens INTEGER, "
                  "tokens_shared INTEGER, generated INTEGER, flops, seconds_merge, seconds_compute)"},
    {"task", "CREATE TABLE task (number INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, "
             "alignment INTEGER NOT NULL)"},
    {"measure", "CREATE TABLE measure (task INTEGER, number INTEGER, metric TEXT NOT NULL, PRIMARY KEY (task, number)) "
                "WITHOUT ROWID"},
    {"item", "CREATE TABLE item (task INTEGER, number INTEGER, id TEXT NOT NULL, PRIMARY KEY (task, number)) WITHOUT ROWID"},
    {"answer", "CREATE TABLE answer (candidate INTEGER, task INTEGER, item INTEGER, score, detail TEXT, "
               "PRIMARY KEY (candidate, task, item)) WITHOUT ROWID"},
    {"stat", "CREATE TABLE stat (candidate INTEGER, task INTEGER, measure INTEGER, item INTEGER, "
             "s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, PRIMARY KEY (candidate, task, measure, item)) WITHOUT ROWID"},
    {"event", "CREATE TABLE event (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, candidate INTEGER, time TEXT NOT NULL, "
              "detail TEXT)"},
    {"scored_once", "CREATE UNIQUE INDEX scored_once ON event (candidate) WHERE kind = 'scored'"},
};

enum { OBJECTS = sizeof objects / sizeof *objects };

hma_status hma_schema_create(const hma_sql *sql) {
    char pragmas[96];
    (void)snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %d", HMA_JOURNAL_APPLICATION,
                   HMA_JOURNAL_SCHEMA);
    hma_status status = hma_sql_run(sql, pragmas, "make its tables");
    for (size_t i = 0; i < OBJECTS && status == HMA_OK; i++) {
        status = hma_sql_run(sql, objects[i][1], "make its tables");
    }
    return status;
}

static hma_status check_version(const hma_sql *sql) {
    int64_t application, version;
    hma_status status = hma_sql_integer(sql, "PRAGMA application_id", &application);
    if (status == HMA_OK) {
        status = hma_sql_integer(sql, "PRAGMA user_version", &version);
    }
    if (status != HMA_OK) {
        return status;
    }
    if (application != HMA_JOURNAL_APPLICATION) {
        return hma_error(HMA_BAD_DATA, "%s: is a SQLite file of another program (expected a journal of hma): name a run folder",
                         sql->path);
    }
    if (version > HMA_JOURNAL_SCHEMA) {
        return hma_error(HMA_INCOMPATIBLE, "%s: is a journal of a newer hma (schema %lld, this one knows %d): use that hma",
                         sql->path, (long long)version, HMA_JOURNAL_SCHEMA);
    }
    return version == HMA_JOURNAL_SCHEMA ? HMA_OK : hma_sql_damaged(sql, "its schema number is not one of hma's");
}

/* Every object is there, word for word. */
static hma_status check_objects(const hma_sql *sql) {
    sqlite3_stmt *statement = NULL;
    hma_status status = hma_sql_prepare(sql, &statement, "SELECT sql FROM sqlite_schema WHERE name = ?1");
    for (size_t i = 0; i < OBJECTS && status == HMA_OK; i++) {
        bool row = false;
        status = hma_sql_bind(sql, statement, "t", objects[i][0]);
        if (status == HMA_OK) {
            status = hma_sql_step(sql, statement, &row);
        }
        if (status == HMA_OK && !(row && strcmp(hma_sql_text(statement, 0), objects[i][1]) == 0)) {
            char problem[64];
            (void)snprintf(problem, sizeof problem, "table %s is not as hma makes it", objects[i][0]);
            status = hma_sql_damaged(sql, problem);
        }
        (void)sqlite3_reset(statement);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

hma_status hma_schema_check(const hma_sql *sql) {
    int64_t triggers;
    hma_status status = check_version(sql);
    if (status == HMA_OK) {
        status = check_objects(sql);
    }
    if (status == HMA_OK) {
        status = hma_sql_integer(sql, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'", &triggers);
    }
    return status == HMA_OK && triggers > 0 ? hma_sql_damaged(sql, "it has triggers, which hma never makes") : status;
}
