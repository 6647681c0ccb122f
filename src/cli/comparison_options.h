/*
 * Options that put points of comparison beside the merges of a run, for the commands that score into runs.
 */
#ifndef HMA_CLI_COMPARISON_OPTIONS_H
#define HMA_CLI_COMPARISON_OPTIONS_H

#include "hma/run.h"
#include "options.h"

typedef struct cli_comparisons {
    const char *mixture; /* NULL: not given */
    cli_texts extra;
} cli_comparisons;
extern const cli_option cli_comparison_options[2];
#define CLI_COMPARISON_GROUP(base) CLI_GROUP("Points of comparison", cli_comparison_options, base)

/* Adds them to the run. HMA_USAGE for text that is not NAME=DIR. */
hma_status cli_comparisons_add(hma_run *run, const cli_comparisons *comparisons);

#endif
