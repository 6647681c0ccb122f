/*
 * SHA-256 of the journal's rows, written in the transaction that writes the rows: what a disk, a copy or an editor changes
 * later is found, also where SQLite's structure and everything that scores must obey still hold.
 */
#ifndef HMA_SEARCH_ROW_DIGESTS_H
#define HMA_SEARCH_ROW_DIGESTS_H

#include "search/journal.h"

/* What is written together. */
typedef enum hma_row_group {
    HMA_ROWS_FACTS = 0,
    HMA_ROWS_TASKS,      /* tasks, measures, items and clusters */
    HMA_ROWS_CANDIDATE,  /* what one candidate is, and its scores */
    HMA_ROWS_EVENT,      /* one event */
    HMA_ROWS_PARTS,      /* partial scores of one candidate */
    HMA_ROWS_PART_TASKS, /* tasks and items of partial scores */
    HMA_ROWS_EVALUATIONS
} hma_row_group;

/* Takes the digests of what is there now, for each table that has rows of them; `number` is the candidate's or event's, 0 for
 * groups that are whole tables. Within a transaction. */
hma_status hma_row_digests_renew(hma_journal *journal, hma_row_group group, int64_t number);

/* For a journal that begins: its empty tables, and the promise that nothing will be without a digest. */
hma_status hma_row_digests_begin(hma_journal *journal);

/*
 * Compares all rows with their digests. *without gets how many scored candidates have none, because an older hma scored them.
 * HMA_BAD_DATA naming table and candidate.
 */
hma_status hma_row_digests_check(const hma_journal *journal, size_t *without);

#endif
