#include "export/text.h"

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
