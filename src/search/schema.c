#include "search/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/error_set.h"

/* Columns of doubles have no type: SQLite's REAL would lose the sign of -0. NULL stands for NaN. */
static const struct {
    int since; /* first schema that has it */
    const char *name, *sql;
} objects[] = {
    {1, "fact", "CREATE TABLE fact (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"},
    {1, "candidate",
     "CREATE TABLE candidate (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, label TEXT NOT NULL UNIQUE, "
     "origin TEXT NOT NULL, recipe TEXT NOT NULL, status TEXT NOT NULL, message TEXT, seconds, tokens INTEGER, "
     "tokens_shared INTEGER, generated INTEGER, flops, seconds_merge, seconds_compute)"},
    {1, "task",
     "CREATE TABLE task (number INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, "
     "alignment INTEGER NOT NULL)"},
    {1, "measure",
     "CREATE TABLE measure (task INTEGER, number INTEGER, metric TEXT NOT NULL, PRIMARY KEY (task, number)) "
     "WITHOUT ROWID"},
    {1, "item", "CREATE TABLE item (task INTEGER, number INTEGER, id TEXT NOT NULL, PRIMARY KEY (task, number)) WITHOUT ROWID"},
    {1, "answer",
     "CREATE TABLE answer (candidate INTEGER, task INTEGER, item INTEGER, score, detail TEXT, "
     "PRIMARY KEY (candidate, task, item)) WITHOUT ROWID"},
    {1, "stat",
     "CREATE TABLE stat (candidate INTEGER, task INTEGER, measure INTEGER, item INTEGER, "
     "s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, PRIMARY KEY (candidate, task, measure, item)) WITHOUT ROWID"},
    {1, "event",
     "CREATE TABLE event (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, candidate INTEGER, time TEXT NOT NULL, "
     "detail TEXT)"},
    {1, "scored_once", "CREATE UNIQUE INDEX scored_once ON event (candidate) WHERE kind = 'scored'"},
    {2, "item_cluster",
     "CREATE TABLE item_cluster (task INTEGER, item INTEGER, cluster TEXT NOT NULL, "
     "PRIMARY KEY (task, item)) WITHOUT ROWID"},
    {3, "stat_wide",
     "CREATE TABLE stat_wide (candidate INTEGER, task INTEGER, measure INTEGER, item INTEGER, "
     "s10, s11, s12, s13, s14, s15, s16, s17, PRIMARY KEY (candidate, task, measure, item)) WITHOUT ROWID"},
    {2, "source", "CREATE TABLE source (candidate INTEGER PRIMARY KEY, kind TEXT NOT NULL, ratio, sha256 TEXT, folder TEXT)"},
    {4, "part",
     "CREATE TABLE part (sheet TEXT, candidate INTEGER, last INTEGER, parts INTEGER NOT NULL, seconds, tokens INTEGER, "
     "tokens_shared INTEGER, generated INTEGER, flops, seconds_merge, seconds_compute, "
     "PRIMARY KEY (sheet, candidate, last)) WITHOUT ROWID"},
    {4, "part_task",
     "CREATE TABLE part_task (sheet TEXT, number INTEGER, name TEXT NOT NULL, category TEXT NOT NULL, "
     "alignment INTEGER NOT NULL, PRIMARY KEY (sheet, number)) WITHOUT ROWID"},
    {4, "part_measure",
     "CREATE TABLE part_measure (sheet TEXT, task INTEGER, number INTEGER, metric TEXT NOT NULL, "
     "PRIMARY KEY (sheet, task, number)) WITHOUT ROWID"},
    {4, "part_item",
     "CREATE TABLE part_item (sheet TEXT, task INTEGER, number INTEGER, id TEXT NOT NULL, "
     "PRIMARY KEY (sheet, task, number)) WITHOUT ROWID"},
    {4, "part_answer",
     "CREATE TABLE part_answer (sheet TEXT, candidate INTEGER, task INTEGER, item INTEGER, score, detail TEXT, "
     "PRIMARY KEY (sheet, candidate, task, item)) WITHOUT ROWID"},
    {4, "part_stat",
     "CREATE TABLE part_stat (sheet TEXT, candidate INTEGER, task INTEGER, measure INTEGER, item INTEGER, "
     "stats TEXT NOT NULL, PRIMARY KEY (sheet, candidate, task, measure, item)) WITHOUT ROWID"},
    {4, "evaluation",
     "CREATE TABLE evaluation (objective TEXT, ratios TEXT, value, gradient TEXT NOT NULL, "
     "PRIMARY KEY (objective, ratios)) WITHOUT ROWID"},
    {HMA_SCHEMA_WITH_DIGESTS, "digest",
     "CREATE TABLE digest (name TEXT, number INTEGER, sha256 TEXT NOT NULL, PRIMARY KEY (name, number)) WITHOUT ROWID"},
};

enum { OBJECTS = sizeof objects / sizeof *objects };

/* Makes what schemas after `version` have, and takes their number. */
static hma_status make_since(const hma_sql *sql, int version) {
    char pragmas[96];
    (void)snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %d", HMA_JOURNAL_APPLICATION,
                   HMA_JOURNAL_SCHEMA);
    hma_status status = hma_sql_run(sql, pragmas, "make its tables");
    for (size_t i = 0; i < OBJECTS && status == HMA_OK; i++) {
        status = objects[i].since > version ? hma_sql_run(sql, objects[i].sql, "make its tables") : HMA_OK;
    }
    return status;
}

hma_status hma_schema_create(const hma_sql *sql) { return make_since(sql, 0); }

hma_status hma_schema_upgrade(const hma_sql *sql, int *version) {
    if (*version == HMA_JOURNAL_SCHEMA) {
        return HMA_OK;
    }
    hma_status status = hma_sql_run(sql, "BEGIN IMMEDIATE", "bring it up to date");
    if (status == HMA_OK) {
        status = make_since(sql, *version);
    }
    if (status == HMA_OK) {
        status = hma_sql_run(sql, "COMMIT", "bring it up to date");
    }
    if (status == HMA_OK) {
        *version = HMA_JOURNAL_SCHEMA;
    } else if (sqlite3_get_autocommit(sql->db) == 0) {
        (void)sqlite3_exec(sql->db, "ROLLBACK", NULL, NULL, NULL); /* what fails here is undone at the next opening */
    }
    return status;
}

static hma_status check_version(const hma_sql *sql, int *out) {
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
    if (version < 1) {
        return hma_sql_damaged(sql, "its schema number is not one of hma's");
    }
    *out = (int)version;
    return HMA_OK;
}

/* Every object of the journal's schema is there, word for word. */
static hma_status check_objects(const hma_sql *sql, int version) {
    sqlite3_stmt *statement = NULL;
    hma_status status = hma_sql_prepare(sql, &statement, "SELECT sql FROM sqlite_schema WHERE name = ?1");
    for (size_t i = 0; i < OBJECTS && status == HMA_OK; i++) {
        bool row = false;
        if (objects[i].since > version) {
            continue;
        }
        status = hma_sql_bind(sql, statement, "t", objects[i].name);
        if (status == HMA_OK) {
            status = hma_sql_step(sql, statement, &row);
        }
        if (status == HMA_OK && !(row && strcmp(hma_sql_text(statement, 0), objects[i].sql) == 0)) {
            char problem[64];
            (void)snprintf(problem, sizeof problem, "table %s is not as hma makes it", objects[i].name);
            status = hma_sql_damaged(sql, problem);
        }
        (void)sqlite3_reset(statement);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

hma_status hma_schema_check(const hma_sql *sql, int *version) {
    int64_t triggers;
    hma_status status = check_version(sql, version);
    if (status == HMA_OK) {
        status = check_objects(sql, *version);
    }
    if (status == HMA_OK) {
        status = hma_sql_integer(sql, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'", &triggers);
    }
    return status == HMA_OK && triggers > 0 ? hma_sql_damaged(sql, "it has triggers, which hma never makes") : status;
}
