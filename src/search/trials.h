/*
 * The trials of a search: candidates that it asked for, scored on the search items, and the budget that they use up.
 *
 * A search always begins at its beginning. What the journal has already is answered from there, so that a search that was
 * interrupted comes back to where it was; the budget counts what was asked for, at the cost that the journal has recorded, and
 * so it ends at the same trial.
 */
#ifndef HMA_SEARCH_TRIALS_H
#define HMA_SEARCH_TRIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/run_search.h"
#include "search/parts.h"
#include "search/race.h"
#include "search/run_parts.h"
#include "search/samples.h"

typedef struct hma_trials {
    hma_run *run;
    const hma_search_options *options;
    hma_samples samples; /* in order of request: pre, post, the others */
    hma_race race;       /* its entrants are the samples: who they are in the run, and their answers */
    double tokens, seconds;
    const char *ended_by; /* NULL as long as there is budget: "candidates", "tokens", "minutes" */
} hma_trials;

/* Scores pre and post. Free with hma_trials_free() in any case. */
hma_status hma_trials_begin(hma_trials *trials, hma_run *run, const hma_search_options *options);
void hma_trials_free(hma_trials *trials);

/* Scores new ratios [count, K] one after the other until the budget is used up. */
hma_status hma_trials_score(hma_trials *trials, const double *ratios, size_t count);

#endif
