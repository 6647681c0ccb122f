/*
 * Races: every candidate answers a few items; who has no chance of the front any more (race_guess.h, race_judge.h) stops, who
 * will probably be on it answers everything, and the others answer a few more, those on which most depends. Without racing
 * every candidate answers everything at once.
 *
 * 1. All answer the first eighth of every task's items in the random order that the suite's digest fixes.
 * 2. Leaders: until one in eight candidates is complete, at least 6 and at most 12, those with the best chances answer
 *    everything, 6 at a time.
 * 3. Rounds, until everybody is complete or stopped: those with the smallest chances stop, as long as their chances add up to
 *    less than a fifth of what is left of 0.1; those whose chance is 0.3 or more answer everything; each of the others is
 *    asked, on the axis on which it is less far behind (on both if that is about the same), the items that are doubted most, as
 *    many as make up 0.3 of what is doubted, and at least a thirty-second of the axis's items.
 *
 * So 0.1 of the final front are expected to be lost in a race at most. A race of some candidates against others that are
 * complete already, as searches have them, gets its share of 0.1.
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
#include "search/race_guess.h"
#include "search/run_parts.h"

typedef struct hma_entrant {
    size_t candidate;       /* in the run */
    double tokens, seconds; /* that it cost so far, in the journal */
    hma_score_table table;  /* its answers in the journal, in the random order; the others are 0 */
    bool *known;            /* [items]: which answers these are */
    bool *asked;            /* [items]: which the race has asked for */
    bool *wanted;           /* [items]: what it asks for next */
    size_t answered;        /* how many were asked for */
    bool failed;            /* its merge is not finite */
    size_t beaten_at;       /* how many items it had answered when it was beaten; 0: it was not */
    double chance;          /* that it had then of being on the front in the end */
    double *guess;          /* [tasks]: what its tasks' values were then thought to be */
} hma_entrant;

typedef struct hma_race {
    hma_run *run;
    hma_sheet sheet;
    hma_selection items; /* of which the parts are */
    uint64_t seed;       /* of the draws that decide */
    uint64_t rounds;     /* so far */
    bool settled;
    hma_track track; /* when it is settled */
    hma_entrant *list;
    size_t count, capacity;
} hma_race;

void hma_race_free(hma_race *race);

/* Adds a candidate with what the journal has of it. *answers (may be NULL) tells whether it has any. */
hma_status hma_race_enter(hma_race *race, size_t candidate, bool *answers);
/* Takes the last one back. */
void hma_race_leave(hma_race *race);

/* Learns from somebody's complete answers which tasks there are; the first entrant that has answered everything does that too.
 */
hma_status hma_race_settle(hma_race *race, const hma_score_table *table);

/* Has an entrant answer everything. */
hma_status hma_race_finish(hma_race *race, size_t entrant);

bool hma_race_is_complete(const hma_race *race, size_t entrant);

/* Lets the entrants from `first` on race against each other and against those before them that have answered everything. The
 * race must be settled. */
hma_status hma_race_run(hma_race *race, size_t first);

#endif
