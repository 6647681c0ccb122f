/* The lists that a race keeps: its track, and what its entrants have answered of it. */
#ifndef HMA_SEARCH_RACE_TRACK_H
#define HMA_SEARCH_RACE_TRACK_H

#include "search/race.h"

/* Free both with their functions in any case. `table` has all items of one point. */
hma_status hma_track_make(hma_track *track, const hma_score_table *table);
void hma_track_free(hma_track *track);
hma_status hma_entrant_begin(hma_entrant *entrant, const hma_track *track);
void hma_entrant_free(hma_entrant *entrant);

/* What the journal has of it. */
hma_status hma_entrant_take_parts(hma_entrant *entrant, const hma_track *track, const hma_part_scores *scores,
                                  const hma_sql *sql);
/* What it has just answered, the items at these places. */
hma_status hma_entrant_take_result(hma_entrant *entrant, const hma_track *track, const hma_places *only,
                                   const hma_result *result);

/* Items that it is wanted to answer and has not. Free in any case. */
typedef struct hma_missing {
    hma_places *only; /* [tasks + 1] */
    size_t *places;   /* what these point to */
    size_t count;
} hma_missing;

hma_status hma_missing_find(hma_missing *missing, const hma_entrant *entrant, const hma_track *track);
void hma_missing_free(hma_missing *missing);

#endif
