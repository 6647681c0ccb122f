/*
 * Scores of a candidate that are not (yet) its result on the test items: on the search items, by which ratios are chosen, and
 * of a race on those that it has answered so far. They stand in tables of their own, part after part, each item at its place in
 * a fixed random order (hma_selection in hma/eval.h), so that a question is never asked twice.
 */
#ifndef HMA_SEARCH_PARTS_H
#define HMA_SEARCH_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "hma/eval.h"
#include "search/journal.h"
#include "search/score_table.h"

typedef enum hma_sheet {
    HMA_SHEET_TEST = 0, /* of races over test items */
    HMA_SHEET_SEARCH
} hma_sheet;

/* What a candidate has answered of a sheet. */
typedef struct hma_part_scores {
    size_t last, parts;     /* so many of so many items; 0 and 0 before the first part */
    double tokens, seconds; /* that it cost */
    hma_score_table table;  /* of one point, for each task's first metric; without tasks before the first part */
    size_t **place;         /* [tasks][items]: of the table's items in the random order, rising */
} hma_part_scores;

void hma_part_scores_free(hma_part_scores *scores);

/* One transaction: the scores of some more items, at these places [tasks, the alignment's last] of the random order; NULL: of
 * all items. `parts` is how many items there are in all tasks. */
hma_status hma_parts_put(hma_journal *journal, hma_sheet sheet, size_t candidate, const hma_places *only, size_t parts,
                         const hma_result *result);

hma_status hma_parts_read(const hma_journal *journal, hma_sheet sheet, size_t candidate, hma_part_scores *out);

/*
 * All that a candidate has answered of the test sheet as a result in the order of the journal's own items (those of pre and
 * post); without summaries. HMA_BAD_DATA when an item is missing.
 */
hma_status hma_parts_result(const hma_journal *journal, size_t candidate, hma_result **out);

/* The status of a candidate: waiting, searched, dropped. `message` may be NULL. */
hma_status hma_parts_set_status(hma_journal *journal, size_t candidate, const char *status, const char *message);

/* ---- evaluations of the proxy objective, keyed by what it is made of and by the bits of the ratios ---- */

/* *found is false when it has not been evaluated there. */
hma_status hma_evaluation_get(const hma_journal *journal, const char *objective, const double *ratios, size_t count,
                              bool *found, double *value, double *gradient);
hma_status hma_evaluation_put(hma_journal *journal, const char *objective, const double *ratios, size_t count, double value,
                              const double *gradient);

#endif
