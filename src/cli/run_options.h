/*
 * What the commands that score into a run have in common: which run of which pair, how it begins, what is printed at the end.
 */
#ifndef HMA_CLI_RUN_OPTIONS_H
#define HMA_CLI_RUN_OPTIONS_H

#include "command.h"
#include "common.h"
#include "hma/run.h"
#include "recipe_options.h"

typedef struct cli_run_inputs {
    const char *pre, *post, *suite, *run;
} cli_run_inputs;
extern const cli_option cli_run_operands[2];
extern const cli_option cli_run_options[2];
#define CLI_RUN_OPERANDS_GROUP(base) CLI_GROUP("Arguments", cli_run_operands, base)
#define CLI_RUN_GROUP(base) CLI_GROUP(NULL, cli_run_options, base)

/* How the run begins, on all items; points into what is given. HMA_USAGE as cli_recipe_spec(). */
hma_status cli_run_setup(hma_run_setup *out, const cli_session *session, const cli_run_inputs *inputs,
                         const cli_recipe_settings *settings, const cli_compute *compute);

/*
 * Before anything is scored: whether the front will fit the memory. `all`: every candidate will be a point of it; else it is
 * not known which merges will, and what is certain are pre, post, points of comparison and one merge.
 */
hma_status cli_run_check_memory(const cli_session *session, const hma_run *run, bool all);

/* Computes the front and prints it. */
hma_status cli_run_print(const cli_session *session, const hma_run *run, bool as_json);

#endif
