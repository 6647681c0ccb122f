/* Running another program: bytes in, bytes out, its talk into the log. No shell is involved. */
#ifndef HMA_ALIGNMENT_PROGRAM_H
#define HMA_ALIGNMENT_PROGRAM_H

#include <stddef.h>

#include "base/buffer.h"
#include "hma/context.h"
#include "hma/error.h"

typedef struct hma_program {
    char *const *command; /* program (looked up in PATH) and arguments, NULL-terminated */
    const char *folder;   /* where it runs */
    const char *input;    /* what it reads from standard input */
    size_t input_length;
    size_t output_limit; /* bytes it may write to standard output */
} hma_program;

/*
 * Runs the program to its end and appends what it wrote to `output`. Lines on its standard error are logged. It is killed, with
 * all it started, when the context is cancelled or it writes too much. It need not read all of its input.
 * @return HMA_IO (cannot be started), HMA_FAILURE (ended with an error), HMA_BAD_DATA (wrote too much), HMA_INTERRUPTED.
 */
hma_status hma_program_run(hma_context *context, const hma_program *program, hma_buffer *output);

#endif
