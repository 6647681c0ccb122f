/*
 * The candidates that will be scored next, in an order in which those with equal leading layers follow one another, and how
 * many layers each has in common with the ones after it.
 */
#ifndef HMA_SEARCH_UPCOMING_H
#define HMA_SEARCH_UPCOMING_H

#include <stddef.h>

#include "hma/checkpoint.h"
#include "hma/run.h"

typedef struct hma_upcoming {
    struct hma_upcoming_one *list; /* in the order of scoring */
    size_t count;
} hma_upcoming;

void hma_upcoming_free(hma_upcoming *upcoming);

/* order[count]: places of the candidates in the order in which they should be scored; pre and post come first, as they stand.
 */
hma_status hma_upcoming_arrange(hma_upcoming *upcoming, const hma_checkpoint *post, const hma_candidate *const *candidates,
                                size_t count, size_t *order);

/*
 * The numbers of leading layers that a candidate shares with those that come after it, rising, none of them 0, into
 * depths[layers + 1]; returns how many there are. None for a candidate that was not arranged.
 */
size_t hma_upcoming_shared(const hma_upcoming *upcoming, const hma_candidate *candidate, size_t *depths);

/* Leading layers that the last but `left - 1`th of those that were arranged has in common with the one before it. */
size_t hma_upcoming_common(const hma_upcoming *upcoming, size_t left);

/* The merges that are scored after this one, in that order, at most `most` of them into recipes[most]; returns how many. */
size_t hma_upcoming_after(const hma_upcoming *upcoming, const hma_candidate *candidate, const hma_recipe **recipes,
                          size_t most);

/* How many candidates without anything in common would cost as much as all that were arranged, by their layers. */
double hma_upcoming_passes(const hma_upcoming *upcoming, size_t layers);

#endif
