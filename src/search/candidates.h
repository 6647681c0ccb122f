/* Adding candidates to a run that scores. */
#ifndef HMA_SEARCH_CANDIDATES_H
#define HMA_SEARCH_CANDIDATES_H

#include <stddef.h>

#include "search/run_parts.h"

enum { HMA_MOST_CANDIDATES = 100000 };

/* Runs `add_all` within one transaction: all candidates that it adds are there afterwards or, when it fails, none. */
typedef hma_status (*hma_candidates_fn)(hma_run *run, const void *what);
hma_status hma_candidates_add_together(hma_run *run, hma_candidates_fn add_all, const void *what);

/* Adds a recipe, unless the run has it; called within the above. `label` may be NULL. */
hma_status hma_candidates_add(hma_run *run, const hma_recipe *recipe, hma_origin origin, const char *label);

/* Adds the recipe of a line (see below), unless the run has it; called within the above. */
hma_status hma_candidates_add_line(hma_run *run, const char *line, size_t length, const char *name, hma_origin origin);

/* Adds a candidate that is no recipe, unless the run has it; `label` NULL: made from what it is; called within the above. */
hma_status hma_candidates_add_source(hma_run *run, const hma_run_source *source, const char *label);
/* Whether a label can be given: printable, and not another candidate's. HMA_USAGE when not. */
hma_status hma_candidates_check_label(const hma_run *run, const char *label);

/*
 * The recipe of a line such as {"ratios":[0.4,0.7,1],"label":"mine"}: what it leaves out is taken from the run's recipe.
 * Numbers are handed on digit by digit. *label is NULL when the line has none; both are the caller's to free. `name` is what
 * messages call the line.
 */
hma_status hma_candidate_parse(hma_recipe **recipe, char **label, const hma_run *run, const char *line, size_t length,
                               const char *name);

#endif
