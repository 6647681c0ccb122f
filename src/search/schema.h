/* The tables of a journal (README.md says what stands in them), and the test that a file has them. */
#ifndef HMA_SEARCH_SCHEMA_H
#define HMA_SEARCH_SCHEMA_H

#include "search/sql.h"

enum {
    HMA_JOURNAL_APPLICATION = 0x686d616a, /* "hmaj": SQLite's application_id */
    HMA_JOURNAL_SCHEMA = 5,               /* SQLite's user_version; older ones are read, newer ones refused */
    HMA_SCHEMA_WITH_DIGESTS = 5           /* the first that has them */
};

/* Statistics of an item that `stat` holds; further ones stand in `stat_wide`. */
enum { HMA_JOURNAL_NARROW = 10 };

/* Makes the tables in an empty database. */
hma_status hma_schema_create(const hma_sql *sql);

/* Adds what newer schemas have to a journal of an older one, and its number, in one transaction. */
hma_status hma_schema_upgrade(const hma_sql *sql, int *version);

/*
 * *version gets the journal's schema. HMA_BAD_DATA for a file that is no journal of hma or has been tampered with,
 * HMA_INCOMPATIBLE for one of a newer schema. Reads nothing but SQLite's own tables until it is known that the journal's are
 * tables and not views.
 */
hma_status hma_schema_check(const hma_sql *sql, int *version);

#endif
