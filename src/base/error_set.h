/* Setting the thread's error. Internal side of hma/error.h. */
#ifndef HMA_BASE_ERROR_SET_H
#define HMA_BASE_ERROR_SET_H

#include <stdarg.h>
#include <stddef.h>

#include "hma/error.h"

/*
 * Records the message of a failure and returns its status, so that a failing branch is one line:
 *     return hma_error(HMA_BAD_DATA, "%s: header is %zu bytes (expected at most %zu): ...", path, n, limit);
 * Line breaks and control characters that come in through arguments are made visible, so that a message stays one line.
 */
hma_status hma_error(hma_status status, const char *format, ...) HMA_PRINTF(2, 3);

/* The same with errno's text: "PATH: cannot WHAT (TEXT): HINT", HMA_IO. The hint is chosen from errno. */
hma_status hma_error_io(const char *path, const char *what, int error_number);

/* Out of memory while working on `what`; allocates nothing. */
hma_status hma_error_memory(const char *what);

/* Status of the last hma_error() on this thread, for code that hands failures across threads. */
hma_status hma_error_status(void);

/* Puts words before the message that is there, e.g. the file in which a deeper layer found something. */
hma_status hma_error_prefix(const char *format, ...) HMA_PRINTF(1, 2);

#endif
