#include "search/bits.h"

#include <stdint.h>
#include <string.h>

enum { DIGITS = 16 };

void hma_bits_write(hma_buffer *text, const double *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        hma_buffer_printf(text, "%s%016llx", i ? " " : "", (unsigned long long)bits);
    }
}

static int digit_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hma_bits_read(const char *text, double *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = 0;
        if (i > 0 && *text++ != ' ') {
            return false;
        }
        for (size_t d = 0; d < DIGITS; d++, text++) {
            const int value = digit_value(*text);
            if (value < 0) {
                return false; /* also at the end of the text */
            }
            bits = bits << 4 | (uint64_t)value;
        }
        memcpy(&values[i], &bits, sizeof bits);
    }
    return *text == 0;
}
