/* Building JSON in a buffer: commas come by themselves. */
#ifndef HMA_TASKS_JSON_WRITE_H
#define HMA_TASKS_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/buffer.h"

/* A comma unless the last thing opened a list, an object or a value. */
static inline void hma_json_next_value(hma_buffer *out) {
    if (out->length > 0 && !strchr("{[:\n", out->data[out->length - 1])) {
        hma_buffer_char(out, ',');
    }
}

static inline void hma_json_open(hma_buffer *out, char bracket) {
    hma_json_next_value(out);
    hma_buffer_char(out, bracket);
}

static inline void hma_json_close(hma_buffer *out, char bracket) { hma_buffer_char(out, bracket); }

static inline void hma_json_add_text(hma_buffer *out, const char *text) {
    hma_json_next_value(out);
    hma_buffer_json_text(out, text, strlen(text));
}

static inline void hma_json_add_number(hma_buffer *out, double value) {
    hma_json_next_value(out);
    hma_buffer_json_double(out, value);
}

static inline void hma_json_add_bool(hma_buffer *out, bool value) {
    hma_json_next_value(out);
    hma_buffer_text(out, value ? "true" : "false");
}

/* A key of the object that is open; its value comes next. */
static inline void hma_json_key(hma_buffer *out, const char *key) {
    hma_json_add_text(out, key);
    hma_buffer_char(out, ':');
}

#endif
