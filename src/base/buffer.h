/*
 * A growable run of bytes, always terminated by a zero that does not count. A failed append sets `failed` and leaves the
 * content; further appends do nothing, so a writer may check once at the end with hma_buffer_ok().
 */
#ifndef HMA_BASE_BUFFER_H
#define HMA_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/error.h"

typedef struct hma_buffer {
    char *data; /* NULL while empty */
    size_t length;
    size_t capacity;
    bool failed;
} hma_buffer;

void hma_buffer_free(hma_buffer *buffer);
/* Empties, keeps the memory. */
void hma_buffer_clear(hma_buffer *buffer);
void hma_buffer_add(hma_buffer *buffer, const void *bytes, size_t length);
void hma_buffer_text(hma_buffer *buffer, const char *text);
void hma_buffer_char(hma_buffer *buffer, char c);
void hma_buffer_printf(hma_buffer *buffer, const char *format, ...) HMA_PRINTF(2, 3);

/* The content, "" when nothing was added. */
const char *hma_buffer_cstr(const hma_buffer *buffer);
/* HMA_OK, or the failure of the first append that failed. */
hma_status hma_buffer_ok(const hma_buffer *buffer);
/* Hands the content over (terminated, to be freed by the caller) and empties the buffer; NULL when an append failed. */
char *hma_buffer_release(hma_buffer *buffer);

/* ---- JSON output: values that read back exactly ---- */

/* "text" with quotes and escapes; the text must be UTF-8 (bytes that are not become U+FFFD). */
void hma_buffer_json_text(hma_buffer *buffer, const char *text, size_t length);
/* The shortest of %.15g, %.16g and %.17g that reads back to the same double; null for NaN and infinities. */
void hma_buffer_json_double(hma_buffer *buffer, double value);

#endif
