#include "base/utf8.h"

#include "hma/text.h"

static bool continuation(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

size_t hma_utf8_decode(const char *text, size_t available, uint32_t *code_point) {
    if (available == 0) {
        return 0;
    }
    const unsigned char first = (unsigned char)text[0];
    if (first < 0x80) {
        *code_point = first;
        return 1;
    }
    /* smallest code point that may use 2, 3 and 4 bytes: anything below it is an overlong form */
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n;
    uint32_t value;
    if (first >= 0xC2 && first < 0xE0) {
        n = 2;
        value = first & 0x1Fu;
    } else if ((first & 0xF0) == 0xE0) {
        n = 3;
        value = first & 0x0Fu;
    } else if (first >= 0xF0 && first < 0xF5) {
        n = 4;
        value = first & 0x07u;
    } else {
        return 0;
    }
    if (available < n) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if (!continuation(text[i])) {
            return 0;
        }
        value = value << 6 | ((unsigned char)text[i] & 0x3Fu);
    }
    if (value < least[n] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
        return 0;
    }
    *code_point = value;
    return n;
}

size_t hma_utf8_length(const char *text, size_t available) {
    uint32_t ignored;
    return hma_utf8_decode(text, available, &ignored);
}

size_t hma_utf8_encode(uint32_t c, char out[4]) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

size_t hma_utf8_valid_prefix(const char *text, size_t length) {
    size_t i = 0;
    while (i < length) {
        const size_t n = hma_utf8_length(text + i, length - i);
        if (n == 0) {
            return i;
        }
        i += n;
    }
    return length;
}

size_t hma_utf8_count(const char *text, size_t length) {
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        count += !continuation(text[i]);
    }
    return count;
}

bool hma_utf8_is_python_space(uint32_t c) {
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

void hma_text_one_line(char *text) {
    for (unsigned char *c = (unsigned char *)text; *c; c++) {
        if (*c < 0x20 || *c == 0x7f) {
            *c = *c == '\n' || *c == '\r' || *c == '\t' ? ' ' : '?';
        } else if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) { /* U+0080 to U+009F: control characters in two bytes */
            *c++ = '?';
            *c = '?';
        }
    }
}
