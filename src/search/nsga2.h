/*
 * NSGA-II (Deb, Pratap, Agarwal, Meyarivan, "A fast and elitist multiobjective genetic algorithm", 2002) on the ratios:
 * simulated binary crossover, polynomial mutation, ranking by fronts and crowding. Parents are the best of everything that was
 * scored, so that a generation is a function of the seed, its number and the scores so far.
 */
#ifndef HMA_SEARCH_NSGA2_H
#define HMA_SEARCH_NSGA2_H

#include "search/samples.h"

/* Rank (0: the front, 1: the front without that, ..) and crowding distance of every sample. */
hma_status hma_nsga2_rank(const hma_samples *samples, size_t *rank, double *crowding);

/*
 * Writes up to `wanted` new ratios [wanted, K], none of which was scored before or is there twice. *made is less when the
 * region has no more to offer.
 */
hma_status hma_nsga2_breed(const hma_samples *samples, size_t population, uint64_t seed, uint64_t generation, size_t wanted,
                           double *ratios, size_t *made);

#endif
