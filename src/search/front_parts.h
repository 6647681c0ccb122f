/* The part of a front that needs no run: for front.c and for tests with scores made by hand. */
#ifndef HMA_SEARCH_FRONT_PARTS_H
#define HMA_SEARCH_FRONT_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "hma/context.h"
#include "hma/front.h"
#include "search/score_table.h"

/* Fills in everything but points, pre and post, which are there; the table's points are the front's. */
hma_status hma_front_fill(hma_front *front, hma_context *context, const hma_score_table *table, size_t resamples,
                          uint64_t seed);

#endif
