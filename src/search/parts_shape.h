/* What the two halves of the parts' storage (parts.c, parts_read.c) share. */
#ifndef HMA_SEARCH_PARTS_SHAPE_H
#define HMA_SEARCH_PARTS_SHAPE_H

#include "search/parts.h"

const char *hma_sheet_name(hma_sheet sheet);

/* The tasks of a sheet, with `items` 0: how many there are differs from candidate to candidate. Free with
 * hma_journal_shape_free() in any case. */
hma_status hma_parts_read_shape(const hma_journal *journal, hma_sheet sheet, hma_journal_shape *out);

/* How many items of a task a candidate has answered. */
hma_status hma_parts_count_answers(const hma_sql *sql, hma_sheet sheet, size_t candidate, size_t task, size_t *count);

#endif
