/*
 * What the program says on stderr: errors, warnings, the library's log, and a copy of it all in the log file.
 */
#ifndef HMA_CLI_TALK_H
#define HMA_CLI_TALK_H

#include <stdbool.h>

#include "hma/context.h"
#include "hma/error.h"

/*
 * Records the program's own failure and returns its status, as the library does for its own:
 *     return cli_error(HMA_USAGE, "--threads: ...");
 * main() prints whichever failure is the last: this one, or hma_error_message() when there is none.
 */
hma_status cli_error(hma_status status, const char *format, ...) HMA_PRINTF(2, 3);
/* The same for a failed system call. */
hma_status cli_error_io(const char *path, const char *what, int error_number);
hma_status cli_error_memory(void);

/* "" when the failure came from the library. */
const char *cli_error_message(void);

/* What of the library's log is shown: warnings always, unless quiet; information with -v, details with -vv. */
void cli_talk_begin(bool quiet, unsigned verbose);
/* Appends everything to a file as well, with times. */
hma_status cli_talk_log_to(const char *path);
/* HMA_IO when the log file could not be written to the end. */
hma_status cli_talk_end(void);

/* One line, "hma: TEXT". Control characters become visible. */
void cli_say(const char *text);
void cli_warn(const char *format, ...) HMA_PRINTF(1, 2);
/* An hma_log_fn. */
void cli_log_line(void *user, hma_log_level level, const char *line);

#endif
