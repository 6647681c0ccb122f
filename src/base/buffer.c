#include "base/buffer.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/utf8.h"

void hma_buffer_free(hma_buffer *buffer) {
    if (buffer) {
        free(buffer->data);
        *buffer = (hma_buffer){0};
    }
}

void hma_buffer_clear(hma_buffer *buffer) {
    buffer->length = 0;
    if (buffer->data) {
        buffer->data[0] = 0;
    }
}

static bool reserve(hma_buffer *buffer, size_t more) {
    size_t needed;
    if (buffer->failed || !hma_add_size(&needed, buffer->length, more) || !hma_add_size(&needed, needed, 1) ||
        hma_grow(&buffer->data, &buffer->capacity, needed, 1)) {
        buffer->failed = true;
        return false;
    }
    return true;
}

void hma_buffer_add(hma_buffer *buffer, const void *bytes, size_t length) {
    if (reserve(buffer, length)) {
        if (length) {
            memcpy(buffer->data + buffer->length, bytes, length);
        }
        buffer->length += length;
        buffer->data[buffer->length] = 0;
    }
}

void hma_buffer_text(hma_buffer *buffer, const char *text) { hma_buffer_add(buffer, text, strlen(text)); }

void hma_buffer_char(hma_buffer *buffer, char c) { hma_buffer_add(buffer, &c, 1); }

void hma_buffer_printf(hma_buffer *buffer, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int n = vsnprintf(NULL, 0, format, arguments);
    if (n < 0) {
        buffer->failed = true;
    } else if (reserve(buffer, (size_t)n)) {
        (void)vsnprintf(buffer->data + buffer->length, (size_t)n + 1, format, again);
        buffer->length += (size_t)n;
    }
    va_end(again);
    va_end(arguments);
}

const char *hma_buffer_cstr(const hma_buffer *buffer) { return buffer->data ? buffer->data : ""; }

hma_status hma_buffer_ok(const hma_buffer *buffer) { return buffer->failed ? hma_error_memory("text") : HMA_OK; }

char *hma_buffer_release(hma_buffer *buffer) {
    if (hma_buffer_ok(buffer) != HMA_OK || !reserve(buffer, 0)) {
        hma_buffer_free(buffer);
        return NULL;
    }
    buffer->data[buffer->length] = 0;
    char *data = buffer->data;
    *buffer = (hma_buffer){0};
    return data;
}

void hma_buffer_json_text(hma_buffer *buffer, const char *text, size_t length) {
    hma_buffer_char(buffer, '"');
    for (size_t i = 0; i < length;) {
        const unsigned char c = (unsigned char)text[i];
        const size_t n = hma_utf8_length(text + i, length - i);
        if (n == 0) {
            hma_buffer_text(buffer, "\xEF\xBF\xBD");
            i++;
            continue;
        }
        switch (c) {
        case '"': hma_buffer_text(buffer, "\\\""); break;
        case '\\': hma_buffer_text(buffer, "\\\\"); break;
        case '\n': hma_buffer_text(buffer, "\\n"); break;
        case '\r': hma_buffer_text(buffer, "\\r"); break;
        case '\t': hma_buffer_text(buffer, "\\t"); break;
        default:
            if (c < 0x20) {
                hma_buffer_printf(buffer, "\\u%04x", (unsigned)c);
            } else {
                hma_buffer_add(buffer, text + i, n);
            }
        }
        i += n;
    }
    hma_buffer_char(buffer, '"');
}

void hma_buffer_json_double(hma_buffer *buffer, double value) {
    char text[HMA_DOUBLE_TEXT];
    hma_buffer_text(buffer, isfinite(value) ? hma_double_text(value, text) : "null");
}

char *hma_json_quote(const char *text) {
    hma_buffer buffer = {0};
    hma_buffer_json_text(&buffer, text, strlen(text));
    return hma_buffer_release(&buffer);
}
