/*
 * Files with one JSON object a line (JSONL), read from front to back in bounded memory. Every line is checked strictly before
 * it is handed out; messages name file and line. Blank lines are passed over, CRLF is white space to JSON, a byte order mark is
 * refused.
 */
#ifndef HMA_TASKS_LINES_H
#define HMA_TASKS_LINES_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/sha256.h"
#include "hma/context.h"
#include "hma/error.h"

/* Bytes a line may have. */
enum { HMA_LINE_LIMIT = 16 << 20 };

typedef struct hma_lines {
    const char *path;
    const hma_context *context; /* may be NULL */
    char *where;                /* "PATH:LINE" of the last object, for messages */
    size_t number;              /* of the last line, 1-based */
    hma_sha256 *hash;           /* over all bytes of the file */
    /* below: the reader's own */
    hma_input input;
    bool is_stdin, ended;
    uint64_t offset;
    hma_buffer text; /* read and not handed out, from `at` on */
    size_t at;
} hma_lines;

/* `path` is kept, not copied; "-" is standard input. With a context, waiting for input ends when it is cancelled. */
hma_status hma_lines_open(hma_lines *out, const hma_context *context, const char *path);
void hma_lines_close(hma_lines *lines);

/* The next object, freed with cJSON_Delete(); NULL at the end of the file. */
hma_status hma_lines_next(hma_lines *lines, cJSON **object);

/* SHA-256 of the whole file; once, after the end was reached. */
hma_status hma_lines_digest(hma_lines *lines, char digest[65]);

#endif
