/*
 * Who can no longer win a race. What all candidates will score in the end is drawn many times, each axis of each candidate from
 * the normal distribution that race_guess.h gives; the complete ones have what they have. Each time the front is computed. A
 * candidate's chance is the share of draws in which it is on it.
 *
 * Those with the smallest chances are beaten, as long as their chances add up to no more than alpha: so many of the final front
 * are expected to be lost.
 */
#ifndef HMA_SEARCH_RACE_JUDGE_H
#define HMA_SEARCH_RACE_JUDGE_H

#include <stdint.h>

#include "search/race_guess.h"

/* Fills in the chances of all that take part. Draws depend on seed, round and place in the list. */
hma_status hma_judge_chances(hma_racer *racers, size_t count, uint64_t seed, uint64_t round, hma_context *context);

/* Marks as beaten who has least chances, of those that may lose and are not complete; *spent is the sum of their chances. */
hma_status hma_judge_beaten(const hma_track *track, hma_racer *racers, size_t count, double alpha, double *spent);

/*
 * How many deviations its guess lies behind what it takes to be on the front, if its other axis is as guessed: a candidate that
 * is far behind on an axis need not be asked about the other one.
 */
double hma_judge_behind(const hma_racer *racers, size_t count, size_t racer, size_t axis);

#endif
