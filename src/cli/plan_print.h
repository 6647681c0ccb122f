/* What a sweep would cost, for people and as JSON. */
#ifndef HMA_CLI_PLAN_PRINT_H
#define HMA_CLI_PLAN_PRINT_H

#include <stdbool.h>

#include "hma/run.h"

void cli_plan_print(const hma_run_plan *plan, size_t candidates, bool json);

#endif
