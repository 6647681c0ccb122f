/* A front on stdout: the table that people read, or the JSON object. */
#ifndef HMA_CLI_FRONT_PRINT_H
#define HMA_CLI_FRONT_PRINT_H

#include <stdbool.h>

#include "hma/front.h"
#include "hma/run.h"

hma_status cli_front_print(const hma_run *run, const hma_front *front, bool as_json);

/* Merges of several ratios against the uniform merge of exactly the same mean ratio, where the run has it: paired differences.
 */
hma_status cli_front_print_comparison(const hma_front *front);

#endif
