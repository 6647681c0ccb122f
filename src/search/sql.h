/* A thin layer over SQLite: its result codes become hma_status and one-line messages that name the file. */
#ifndef HMA_SEARCH_SQL_H
#define HMA_SEARCH_SQL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "hma/error.h"

typedef struct hma_sql {
    sqlite3 *db; /* NULL when closed */
    char *path;
} hma_sql;

/* Opens with sqlite3_open_v2's `flags` and settings for a file that nobody vouches for. Close in any case. */
hma_status hma_sql_open(hma_sql *out, const char *path, int flags);
void hma_sql_close(hma_sql *sql);

/* The failure of the last call on the connection, while doing `what` ("save scores"). */
hma_status hma_sql_error(const hma_sql *sql, const char *what);
/* HMA_BAD_DATA: the file is not what hma wrote. `problem` completes "FILE: is damaged (..)". */
hma_status hma_sql_damaged(const hma_sql *sql, const char *problem);

/* Runs statements that give no rows. */
hma_status hma_sql_run(const hma_sql *sql, const char *statements, const char *what);

/* *out is ended with sqlite3_finalize(), which accepts NULL. */
hma_status hma_sql_prepare(const hma_sql *sql, sqlite3_stmt **out, const char *text);

/*
 * Binds parameters 1, 2, .. from the arguments, one letter each: 'i' int64_t, 'd' double (NaN becomes NULL), 't' text (may be
 * NULL; copied by SQLite).
 */
hma_status hma_sql_bind(const hma_sql *sql, sqlite3_stmt *statement, const char *letters, ...);

/* Goes to the next row; *row is false behind the last one, and the statement is reset then. */
hma_status hma_sql_step(const hma_sql *sql, sqlite3_stmt *statement, bool *row);

/* Runs a statement that gives no row, for these values, and resets it. */
hma_status hma_sql_put(const hma_sql *sql, sqlite3_stmt *statement, const char *what, const char *letters, ...);
/* The same for a statement that is needed once. */
hma_status hma_sql_once(const hma_sql *sql, const char *text, const char *what, const char *letters, ...);

/* The first column of the first row of a query, 0 when there is no row. */
hma_status hma_sql_integer(const hma_sql *sql, const char *query, int64_t *out);

/* Column as a text that is never NULL, and as a double with NaN for NULL. */
const char *hma_sql_text(sqlite3_stmt *statement, int column);
double hma_sql_double(sqlite3_stmt *statement, int column);

#endif
