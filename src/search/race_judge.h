/*
 * Who can no longer win a race. All candidates have answered the same first items; of those that are still to come only their
 * number is known.
 *
 * What the answers will be in the end is drawn many times: the items to come are drawn from those that were answered, each
 * drawn one going back together with a copy of itself (Polya's urn: the Bayesian bootstrap of a finite population; Lo, "A
 * Bayesian bootstrap for a finite population", 1988). All candidates get the same items, so that the comparison is paired, and
 * both kinds of ignorance are in it: which items come, and what the answered ones tell about all. What no item has shown yet
 * is in it as a little noise. Each time the front is computed. A candidate's chance is the share of draws in which it is on it.
 *
 * Those with the smallest chances are beaten, as long as their chances add up to no more than alpha: so many of the final front
 * are expected to be lost.
 */
#ifndef HMA_SEARCH_RACE_JUDGE_H
#define HMA_SEARCH_RACE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/context.h"
#include "hma/error.h"
#include "search/score_table.h"

typedef struct hma_runner {
    const hma_score_table *table; /* of one point; may hold more items than are compared */
    bool may_lose;
    bool out;      /* takes no part */
    bool beaten;   /* result */
    double chance; /* result: of being on the front in the end */
} hma_runner;

typedef struct hma_heat {
    hma_runner *runners;
    size_t count;
    size_t metrics;
    const double *weights; /* [2, metrics]: of alignment, of retention */
    const size_t *asked;   /* [metrics]: the first items, which all have answered */
    const size_t *all;     /* [metrics]: how many there are */
    double alpha;
    uint64_t seed;
} hma_heat;

hma_status hma_heat_judge(const hma_heat *heat, hma_context *context);

/* What may be spent of a race's alpha when `asked` of all items are answered after `before` (shares): in proportion to the new
 * items, so that all of it is spent at half of them, where the last decision is taken. */
double hma_race_alpha(double alpha, double before, double asked);

#endif
