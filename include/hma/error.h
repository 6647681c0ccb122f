/*
 * Errors.
 *
 * Every function of libhma that can fail returns an hma_status: 0 is success. The text of the last failure on the
 * calling thread is hma_error_message(): one line of the form
 *
 *     FILE or OPTION: what is wrong (what was expected): what to do
 *
 * The numeric values are stable; a command line program can use hma_exit_code() to turn one into the documented exit
 * code. A failing call leaves its out-parameters as they were and nothing on disk changed, unless its own description
 * says otherwise. The library never exits, never prints and never touches the terminal.
 *
 * Thread rule: the message is thread-local. Work that libhma itself spreads over threads reports its first failure
 * (in work order, not in time) on the thread that made the call.
 */
#ifndef HMA_ERROR_H
#define HMA_ERROR_H

#include "hma/export_macro.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hma_status {
    HMA_OK = 0,
    HMA_FAILURE = 1,      /* anything that has no class of its own: out of memory, a broken assumption */
    HMA_USAGE = 2,        /* the caller asked for something that does not exist or contradicts itself */
    HMA_BAD_DATA = 3,     /* a file's content is not what its format demands */
    HMA_IO = 4,           /* the operating system refused: missing file, permission, disk full */
    HMA_INCOMPATIBLE = 5, /* each input is fine, together they do not fit */
    HMA_NON_FINITE = 6,   /* NaN or infinity in weights or scores */
    HMA_INTERRUPTED = 7   /* cancelled by the caller; whatever can be resumed has been saved */
} hma_status;

/* The message of the last failure on this thread, "" when there was none. Valid until the next failing call. */
HMA_API const char *hma_error_message(void);

/* A short stable name such as "bad-data"; "unknown" for a value outside the enumeration. */
HMA_API const char *hma_status_name(hma_status status);

/* The documented exit code of a program that ends with `status` (HMA_INTERRUPTED gives 130). */
HMA_API int hma_exit_code(hma_status status);

#ifdef __cplusplus
}
#endif
#endif
