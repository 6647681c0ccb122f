/*
 * The journal: RUN/journal.sqlite, the only store of a run. One transaction for each finished candidate, synchronous = FULL, so
 * that whatever is reported as saved survives a kill or a power failure. Tables: README.md.
 */
#ifndef HMA_SEARCH_JOURNAL_H
#define HMA_SEARCH_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/eval.h"
#include "search/facts.h"
#include "search/score_table.h"
#include "search/sql.h"

typedef struct hma_journal {
    hma_sql sql;
    char *path;
    bool unpublished; /* still under its temporary name */
    int schema;       /* of the file; older ones have fewer tables, until they are opened for writing */
} hma_journal;

/* Opens and checks an existing journal. `writable`: scores will be added. */
hma_status hma_journal_open(hma_journal **out, const char *path, bool writable);

/*
 * Makes a journal under a temporary name, with a transaction begun; hma_journal_publish() commits and puts it in place, so that
 * nobody ever sees one without its facts. Closing it before that removes it.
 */
hma_status hma_journal_create(hma_journal **out, const char *path);
hma_status hma_journal_publish(hma_journal *journal);
void hma_journal_close(hma_journal *journal);

/* Several changes that happen together or not at all. A failed commit must be rolled back as well. */
hma_status hma_journal_begin(hma_journal *journal);
hma_status hma_journal_commit(hma_journal *journal, const char *what);
void hma_journal_roll_back(hma_journal *journal);

/* The same for a change that may be part of a larger one: all of it is undone unless `status` is HMA_OK. */
hma_status hma_journal_enter(hma_journal *journal);
hma_status hma_journal_leave(hma_journal *journal, const char *what, hma_status status);

/* ---- facts and events ---- */

hma_status hma_journal_read_facts(const hma_journal *journal, hma_facts *facts);
hma_status hma_journal_put_fact(hma_journal *journal, const char *key, const char *value);

enum { HMA_NO_CANDIDATE = -1 };
/* Kinds: started, resumed, scored, failed, interrupted, stopped. The order is that of the rows, the time is for people. */
hma_status hma_journal_put_event(hma_journal *journal, const char *kind, int64_t candidate, const char *detail);

/* ---- candidates ---- */

typedef struct hma_journal_row {
    const char *id, *label, *origin, *recipe;
    const char *status;  /* waiting, scored, failed */
    const char *message; /* of a failure */
    double seconds;
    /* of a candidate that is no recipe (its `recipe` is ""); kind is "" otherwise */
    const char *kind, *sha256, *folder;
    double ratio;
} hma_journal_row;

/* Calls `take` for every candidate, numbered from 0 without gaps, in order. The row's texts last until the next call. */
hma_status hma_journal_read_candidates(const hma_journal *journal, hma_status (*take)(void *user, const hma_journal_row *row),
                                       void *user);
/* Adds candidate `number`, waiting. */
hma_status hma_journal_put_candidate(hma_journal *journal, size_t number, const char *id, const char *label, const char *origin,
                                     const char *recipe);

/* Says what candidate `number` is that has no recipe. NULL and NaN for what its kind does not have. Replaces what was said
 * before. */
hma_status hma_journal_put_source(hma_journal *journal, size_t number, const char *kind, double ratio, const char *sha256,
                                  const char *folder);

/* Whether a candidate has this text in `column` ("id" or "label"). */
hma_status hma_journal_has_candidate(const hma_journal *journal, const char *column, const char *text, bool *has);

/* ---- scores (journal_write.c, journal_shape.c, journal_read.c) ---- */

/* One transaction: scores, status and event. HMA_FAILURE when the result has other tasks or items than those before it. */
hma_status hma_journal_put_result(hma_journal *journal, size_t candidate, const hma_result *result);
hma_status hma_journal_put_failure(hma_journal *journal, size_t candidate, const char *message);

/* The tasks of the run, the alignment's prompts last: what all results have in common. */
typedef struct hma_journal_task {
    char *name, *category;
    bool alignment;
    size_t items;
    size_t measure_count;
    hma_metric *metrics; /* [measure_count] */
} hma_journal_task;

typedef struct hma_journal_shape {
    size_t task_count; /* 0 before the first result */
    hma_journal_task *tasks;
} hma_journal_shape;

/* Where a shape stands: a query for number, name, category, alignment and items of all tasks in order, and one for the metrics
 * of the task in parameter 1. A sheet, where there is one, is parameter 1 of the first and parameter 2 of the second. */
typedef struct hma_shape_query {
    const char *tasks, *metrics, *sheet;
} hma_shape_query;
/* Free with hma_journal_shape_free() in any case. */
hma_status hma_shape_read(const hma_sql *sql, const hma_shape_query *query, hma_journal_shape *out);

hma_status hma_journal_read_shape(const hma_journal *journal, hma_journal_shape *out);
void hma_journal_shape_free(hma_journal_shape *shape);

/* A candidate's result, without summaries. When it is not `scored`, the same tasks and items with NaN everywhere. */
hma_status hma_journal_read_result(const hma_journal *journal, size_t candidate, bool scored, hma_result **out);

/* The statistics of each task's first metric for the given candidates; SIZE_MAX makes a point of NaN. */
hma_status hma_journal_read_table(const hma_journal *journal, const size_t *candidates, size_t count, hma_score_table *out);

#endif
