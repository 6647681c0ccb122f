/*
 * What candidates of a race will score in the end, guessed from what they have answered and from what others, the complete
 * ones, have answered everywhere.
 *
 * Merges of one pair mostly agree item by item, and where they part is known from the complete ones. So a candidate's answer to
 * an item that it was not asked is taken to be the weighted mean of its peers': the complete candidates that answered what it
 * was asked most alike, weighted by the inverse of their mean squared difference. The guess of an item is doubted as far as the
 * peers part there, plus a little everywhere, because something may happen where nothing has yet; how much larger true errors
 * are than that is learnt from the items that were answered (of all candidates, and of the candidate itself), and whether they
 * have a common sign (an extreme candidate is beyond all its peers) as well.
 *
 * That is regression estimation of a finite population's total with a working model (Cassel, Sarndal, Wretman 1976; Royall
 * 1970); since the items that are doubted most are asked first, what is unknown shrinks much faster than the number of items
 * left.
 */
#ifndef HMA_SEARCH_RACE_GUESS_H
#define HMA_SEARCH_RACE_GUESS_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/context.h"
#include "hma/error.h"
#include "search/score_table.h"

enum { HMA_AXES = 2 }; /* alignment, retention */

/* What all candidates of a race are asked. Items of all tasks are numbered through, each task's in the race's random order. */
typedef struct hma_track {
    hma_score_table shape; /* of one point */
    double
        *weights;  /* [2, tasks]: of a task's value in alignment and in retention; of neither: it is asked, but not looked at */
    size_t *first; /* [tasks + 1]: number of each task's first item */
    size_t items;
} hma_track;

typedef struct hma_racer {
    const hma_score_table *table;                /* of one point, all items; only those that were asked count */
    const bool *asked;                           /* [items] */
    size_t answered;                             /* how many */
    bool out;                                    /* takes no part */
    bool may_lose;                               /* it was not complete from the beginning */
    double *doubt;                               /* [items] result: variance that each item not asked adds to its axis */
    double *task_value;                          /* [tasks] result */
    double value[HMA_AXES], deviation[HMA_AXES]; /* result; deviation 0: nothing is left to ask */
    double chance;                               /* result of race_judge.h: of being on the front in the end */
    bool beaten;                                 /* the same */
} hma_racer;

static inline bool hma_racer_is_complete(const hma_track *track, const hma_racer *racer) {
    return racer->answered == track->items;
}

/* The axis that a task counts for; HMA_AXES: none. */
static inline size_t hma_track_axis(const hma_track *track, size_t task) {
    return track->weights[task] != 0 ? 0 : track->weights[track->shape.task_count + task] != 0 ? 1 : HMA_AXES;
}

/* Fills in the results of all that take part. */
hma_status hma_guess(const hma_track *track, hma_racer *racers, size_t count, hma_context *context);

#endif
