/*
 * The program as a process: its standard files and its signals.
 */
#ifndef HMA_CLI_PROCESS_H
#define HMA_CLI_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "hma/context.h"
#include "hma/error.h"

/*
 * First thing in main(): closed standard files are filled, SIGPIPE and SIGXFSZ become errors of write(2), and stdout is written
 * when the program ends. Fails when there is no memory at all.
 */
hma_status cli_process_begin(void);

/*
 * From now on SIGINT, SIGTERM and SIGHUP cancel the context; a second SIGINT ends the process at once. NULL: stop doing that,
 * before the context is freed.
 */
void cli_process_cancels(hma_context *context);

/* Seconds since cli_process_begin(). */
double cli_process_seconds(void);
/* The most memory that the process has held at once, in bytes; 0 when the system does not say. */
uint64_t cli_process_peak_memory(void);

/* The signal that asked us to stop, 0 when none did. */
int cli_process_signal(void);

/*
 * Ends the process once everything is written, without the exit handlers of libraries: OpenBLAS waits there for its threads,
 * and one that found no memory (ulimit -v) never ends.
 */
_Noreturn void cli_process_end(int code);

/* Flushes and closes stdout. HMA_IO when something was lost; *quietly when that is because nobody reads it any more. */
hma_status cli_process_close_stdout(bool *quietly);

#endif
