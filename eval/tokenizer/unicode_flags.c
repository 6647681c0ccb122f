#include "eval/tokenizer/unicode_table.h"

#include "base/utf8.h"

unsigned hma_unicode_flags(uint32_t code_point) {
    if (code_point < 0x80) {
        return hma_unicode_ascii[code_point];
    }
    if (code_point > 0x10FFFF) {
        return 0;
    }
    size_t low = 0, high = hma_unicode_run_count; /* the run that holds it is in [low, high) */
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (hma_unicode_runs[middle] >> 8 <= code_point) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return hma_unicode_kinds[hma_unicode_runs[low] & 0xFF];
}

unsigned hma_unicode_flags_at(const char *text, size_t length, size_t at, size_t *next) {
    uint32_t c = 0;
    const size_t n = hma_utf8_decode(text + at, length - at, &c);
    *next = at + (n ? n : 1);
    return n ? hma_unicode_flags(c) : 0;
}
