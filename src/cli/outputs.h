/*
 * One rule for all outputs of all commands, before the first byte is written: nothing over, or into, what the command reads;
 * nothing into a model folder; nothing over the files that a run consists of.
 */
#ifndef HMA_CLI_OUTPUTS_H
#define HMA_CLI_OUTPUTS_H

#include "options.h"

/*
 * Holds every value with a role of writing against every value with a role of reading (cli_role). HMA_USAGE names both; HMA_IO
 * when nothing can be written where an output belongs. What cannot be read is left to whoever reads it.
 */
hma_status cli_check_outputs(const cli_spec *spec, const void *values);

#endif
