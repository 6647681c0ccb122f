/*
 * Races: candidates answer the first eighth of the items of a fixed random order; who is beaten for sure (race_judge.h) stops,
 * the others answer as many again, up to all of them. Without racing every candidate answers everything at once.
 *
 * What is decided depends on the candidates and their answers alone. A race that is run again on the same journal takes the
 * same decisions, whatever was answered before.
 */
#ifndef HMA_SEARCH_RACE_H
#define HMA_SEARCH_RACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/parts.h"
#include "search/run_parts.h"

/* All items, in the smallest steps in which they are asked. */
enum { HMA_PARTS = 8 };

typedef struct hma_entrant {
    size_t candidate;       /* in the run */
    hma_part_scores scores; /* as far as it has come */
    bool failed;            /* its merge is not finite */
    uint32_t beaten_at;     /* how many parts of the items it had answered when it was beaten; 0: it was not */
    double chance;          /* that it had then of being on the front in the end */
} hma_entrant;

typedef struct hma_race {
    hma_run *run;
    hma_sheet sheet;
    hma_selection items; /* of which the parts are */
    uint64_t seed;       /* of the draws that decide */
    size_t tasks;
    double *weights; /* [2, tasks]: of alignment and retention; NULL before the first complete answers */
    size_t *all;     /* [tasks]: how many items there are */
    hma_entrant *list;
    size_t count, capacity;
} hma_race;

void hma_race_free(hma_race *race);

/* Adds a candidate with what the journal has of it. */
hma_status hma_race_enter(hma_race *race, size_t candidate);

/* Learns from somebody's complete answers which tasks there are; the first entrant that has answered everything does that too.
 */
hma_status hma_race_settle(hma_race *race, const hma_score_table *table);

/* Has an entrant answer everything. */
hma_status hma_race_finish(hma_race *race, size_t entrant);

/* Lets the entrants from `first` on race against each other and against those before them that have answered everything. The
 * race must be settled. */
hma_status hma_race_run(hma_race *race, size_t first);

#endif
