#include "eval/tasks/python_number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/buffer.h"
#include "base/number.h"
#include "base/utf8.h"

static bool digit(char c) { return c >= '0' && c <= '9'; }

static bool is_decimal(uint32_t c) { return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_ND; }

/* Decimal digits of every script stand in runs of ten, 0 to 9 (Unicode 4.6), so the distance from the start of the run tells.
 */
static char decimal_value(uint32_t c) {
    uint32_t start = c;
    while (start > 0 && is_decimal(start - 1)) {
        start--;
    }
    return (char)('0' + (c - start) % 10);
}

/* The text in lower-case ASCII: spaces and digits beyond ASCII are written as ' ' and 0 to 9. */
static void to_ascii(hma_buffer *out, const char *text) {
    const char *end = text + strlen(text);
    while (text < end) {
        uint32_t c = 0;
        const size_t bytes = hma_utf8_decode(text, (size_t)(end - text), &c);
        if (c >= 'A' && c <= 'Z') {
            hma_buffer_char(out, (char)(c - 'A' + 'a'));
        } else if (c >= 0x80 && hma_utf8_is_python_space(c)) {
            hma_buffer_char(out, ' ');
        } else if (c >= 0x80 && is_decimal(c)) {
            hma_buffer_char(out, decimal_value(c));
        } else {
            hma_buffer_add(out, text, bytes);
        }
        text += bytes ? bytes : 1;
    }
}

/* In place: without the white space around (C's, not str.strip()'s) and without underscores between two digits; other
 * underscores stay and are refused later. */
static const char *tidy(char *text) {
    static const char spaces[] = " \t\n\v\f\r";
    const char *first = text + strspn(text, spaces);
    char *to = text, before = 0;
    for (const char *from = first; *from; before = *from++) {
        const bool between = *from == '_' && digit(before) && digit(from[1]);
        if (!between) {
            *to++ = *from;
        }
    }
    while (to > text && strchr(spaces, to[-1])) {
        to--;
    }
    *to = 0;
    return text;
}

/* [digits] [. [digits]] [e [sign] digits], at least one digit before the exponent. */
static bool is_decimal_literal(const char *text) {
    size_t digits = 0;
    for (; digit(*text); text++) {
        digits++;
    }
    if (*text == '.') {
        for (text++; digit(*text); text++) {
            digits++;
        }
    }
    if (digits == 0) {
        return false;
    }
    if (*text == 'e') {
        text++;
        text += *text == '+' || *text == '-';
        if (!digit(*text)) {
            return false;
        }
        while (digit(*text)) {
            text++;
        }
    }
    return *text == 0;
}

static bool read_number(const char *text, double *value) {
    const bool negative = *text == '-';
    const char *rest = text + (*text == '-' || *text == '+');
    if (strcmp(rest, "inf") == 0 || strcmp(rest, "infinity") == 0) {
        *value = negative ? -INFINITY : INFINITY;
        return true;
    }
    if (strcmp(rest, "nan") == 0) {
        *value = NAN;
        return true;
    }
    if (!is_decimal_literal(rest)) {
        return false;
    }
    if (!hma_parse_double(value, text)) { /* a decimal literal that is not finite is too large */
        *value = negative ? -INFINITY : INFINITY;
    }
    return true;
}

hma_status hma_python_float(const char *text, bool *is_number, double *value) {
    hma_buffer ascii = {0};
    to_ascii(&ascii, text);
    const hma_status status = hma_buffer_ok(&ascii);
    if (status == HMA_OK) {
        *is_number = ascii.data && read_number(tidy(ascii.data), value);
    }
    hma_buffer_free(&ascii);
    return status;
}

/* The fewest significant digits (at most 17) in %e form, "-d.ddde+XX", that read back to the same double. */
static void shortest_scientific(double value, char text[HMA_PYTHON_NUMBER_TEXT]) {
    for (int digits = 0; digits < 17; digits++) {
        double back;
        (void)snprintf(text, HMA_PYTHON_NUMBER_TEXT, "%.*e", digits, value);
        char *point = strchr(text, ','); /* a host's locale */
        if (point) {
            *point = '.';
        }
        if (hma_parse_double(&back, text) && back == value) {
            return;
        }
    }
}

/* Of "e-05": a sign and at most three digits. */
static int read_exponent(const char *mark) {
    int value = 0;
    for (const char *c = mark + 2; digit(*c); c++) {
        value = 10 * value + (*c - '0');
    }
    return mark[1] == '-' ? -value : value;
}

const char *hma_python_number_text(double value, char text[HMA_PYTHON_NUMBER_TEXT]) {
    if (!isfinite(value)) {
        return hma_double_text(value, text);
    }
    shortest_scientific(value, text);
    const char *mark = strchr(text, 'e');
    const int exponent = read_exponent(mark);
    if (exponent < -4 || exponent >= 16) {
        return text; /* C writes the exponent as Python does: a sign and at least two digits */
    }
    char digits[24];
    int count = 0;
    for (const char *c = text; c < mark; c++) {
        if (digit(*c)) {
            digits[count++] = *c;
        }
    }
    digits[count] = 0;
    const char *sign = signbit(value) ? "-" : "";
    if (exponent < 0) {
        (void)snprintf(text, HMA_PYTHON_NUMBER_TEXT, "%s0.%.*s%s", sign, -exponent - 1, "000", digits);
    } else if (count <= exponent + 1) {
        (void)snprintf(text, HMA_PYTHON_NUMBER_TEXT, "%s%s%.*s.0", sign, digits, exponent + 1 - count, "0000000000000000");
    } else {
        (void)snprintf(text, HMA_PYTHON_NUMBER_TEXT, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
    }
    return text;
}
