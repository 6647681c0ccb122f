#include "export/markup.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"

static const char replacement[] = "\xEF\xBF\xBD", en_dash[] = "\xE2\x80\x93";

static bool is_xml_character(uint32_t c) {
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0x7F && c != 0xFFFE && c != 0xFFFF);
}

/* Writes the character that `text` begins with and returns its bytes. */
static size_t put_character(hma_buffer *out, const char *text, size_t available) {
    uint32_t c;
    const size_t n = hma_utf8_decode(text, available, &c);
    if (n == 0 || !is_xml_character(c)) {
        hma_buffer_text(out, replacement);
        return n ? n : 1;
    }
    switch (c) {
    case '&': hma_buffer_text(out, "&amp;"); break;
    case '<': hma_buffer_text(out, "&lt;"); break;
    case '>': hma_buffer_text(out, "&gt;"); break;
    case '"': hma_buffer_text(out, "&quot;"); break;
    case '\'': hma_buffer_text(out, "&#39;"); break;
    case '\r': hma_buffer_text(out, "&#13;"); break;
    default: hma_buffer_add(out, text, n);
    }
    return n;
}

void hma_markup_text(hma_buffer *out, const char *text) {
    const size_t length = strlen(text);
    for (size_t i = 0; i < length && !out->failed;) {
        i += put_character(out, text + i, length - i);
    }
}

static void put_magnitude(hma_buffer *out, double magnitude, int decimals) {
    uint64_t unit = 1;
    for (int i = 0; i < decimals; i++) {
        unit *= 10;
    }
    const double scaled = magnitude * (double)unit;
    if (scaled >= 9e15) { /* beyond exact integers: all the digits there are */
        char text[HMA_DOUBLE_TEXT];
        hma_buffer_text(out, hma_double_text(magnitude, text));
        return;
    }
    const uint64_t whole = (uint64_t)llround(scaled);
    hma_buffer_printf(out, "%llu", (unsigned long long)(whole / unit));
    if (decimals > 0) {
        hma_buffer_printf(out, ".%0*llu", decimals, (unsigned long long)(whole % unit));
    }
}

static bool rounds_to_zero(double value, int decimals) { return fabs(value) * pow(10, decimals) < 0.5; }

void hma_markup_fixed(hma_buffer *out, double value, int decimals) {
    if (!isfinite(value)) {
        hma_buffer_text(out, en_dash);
        return;
    }
    if (value < 0 && !rounds_to_zero(value, decimals)) {
        hma_buffer_char(out, '-');
    }
    put_magnitude(out, fabs(value), decimals);
}

void hma_markup_signed(hma_buffer *out, double value, int decimals) {
    if (isfinite(value) && (value >= 0 || rounds_to_zero(value, decimals))) {
        hma_buffer_char(out, '+');
    }
    hma_markup_fixed(out, value, decimals);
}
