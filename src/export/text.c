#include "export/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

void hma_put_text(hma_buffer *out, const char *text) {
    const size_t length = text ? strlen(text) : 0;
    for (size_t i = 0; i < length && !out->failed;) {
        const size_t valid = hma_utf8_valid_prefix(text + i, length - i);
        hma_buffer_add(out, text + i, valid);
        i += valid;
        if (i < length) {
            hma_buffer_text(out, "\xEF\xBF\xBD");
            i++;
        }
    }
}

/* Terminals and notebooks take control characters, and some separators, for commands or ends of lines. */
static bool breaks_lines(uint32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029; }

void hma_put_line(hma_buffer *out, const char *text, size_t columns) {
    hma_buffer clean = {0};
    hma_put_text(&clean, text);
    const char *from = hma_buffer_cstr(&clean);
    size_t last = out->length; /* where the last character begins, which makes room for an ellipsis */
    for (size_t i = 0, column = 0; i < clean.length && !out->failed; column++) {
        uint32_t c = 0;
        const size_t n = hma_utf8_decode(from + i, clean.length - i, &c);
        if (column == columns) {
            out->length = last;
            hma_buffer_text(out, "\xE2\x80\xA6");
            break;
        }
        last = out->length;
        if (breaks_lines(c)) {
            hma_buffer_text(out, c == '\n' ? "\xE2\x8F\x8E" : " ");
        } else {
            hma_buffer_add(out, from + i, n);
        }
        i += n;
    }
    hma_end_part(out, &clean);
}

void hma_end_part(hma_buffer *out, hma_buffer *part) {
    out->failed = out->failed || part->failed;
    hma_buffer_free(part);
}
