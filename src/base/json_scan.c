#include "base/json_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error_set.h"
#include "base/number.h"
#include "base/utf8.h"

void hma_json_scan_begin(hma_json_scan *scan, const char *name, const char *input, size_t length) {
    *scan = (hma_json_scan){.name = name, .input = input, .length = length, .expect_value = true};
}

void hma_json_scan_free(hma_json_scan *scan) { hma_buffer_free(&scan->text); }

static hma_status fault_at(const hma_json_scan *scan, size_t at, const char *what) {
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at && i < scan->length; i++) {
        column++;
        if (scan->input[i] == '\n') {
            line++;
            column = 1;
        }
    }
    return scan->is_line ? hma_error(HMA_BAD_DATA, "%s: column %zu: %s", scan->name, column, what)
                         : hma_error(HMA_BAD_DATA, "%s: line %zu, column %zu: %s", scan->name, line, column, what);
}

hma_status hma_json_fault(const hma_json_scan *scan, const char *format, ...) {
    char what[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return fault_at(scan, scan->start, what);
}

static hma_status not_json(const hma_json_scan *scan, const char *expected) {
    char what[256];
    (void)snprintf(what, sizeof what, "not JSON (expected %s): %s", expected,
                   scan->at >= scan->length ? "the text ends too early; is the file complete?" : "correct or replace the file");
    return fault_at(scan, scan->at, what);
}

static void skip_space(hma_json_scan *scan) {
    while (scan->at < scan->length && memchr(" \t\r\n", scan->input[scan->at], 4)) {
        scan->at++;
    }
}

static bool hex4(const char *text, size_t available, uint32_t *value) {
    if (available < 4) {
        return false;
    }
    *value = 0;
    for (size_t i = 0; i < 4; i++) {
        const char c = text[i];
        uint32_t digit;
        if (c >= '0' && c <= '9') {
            digit = (uint32_t)(c - '0');
        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            digit = (uint32_t)((c | 0x20) - 'a' + 10);
        } else {
            return false;
        }
        *value = *value << 4 | digit;
    }
    return true;
}

/* The four digits of \uXXXX at scan->at, with the second half of a surrogate pair if it is one. */
static hma_status unicode_escape(hma_json_scan *scan) {
    const char *in = scan->input;
    uint32_t c, low;
    if (!hex4(in + scan->at, scan->length - scan->at, &c)) {
        return not_json(scan, "four hexadecimal digits after \\u");
    }
    scan->at += 4;
    if (c == 0) {
        return fault_at(scan, scan->at - 6, "a string holds U+0000 (expected text without it): correct the file");
    }
    if (c >= 0xD800 && c < 0xE000) {
        if (c >= 0xDC00 || scan->length - scan->at < 6 || in[scan->at] != '\\' || in[scan->at + 1] != 'u' ||
            !hex4(in + scan->at + 2, scan->length - scan->at - 2, &low) || low < 0xDC00 || low >= 0xE000) {
            return not_json(scan, "a complete surrogate pair");
        }
        scan->at += 6;
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    char bytes[4];
    hma_buffer_add(&scan->text, bytes, hma_utf8_encode(c, bytes));
    return HMA_OK;
}

static hma_status string(hma_json_scan *scan) {
    const char *in = scan->input;
    hma_buffer_clear(&scan->text);
    scan->at++;
    for (;;) {
        const size_t plain = scan->at;
        while (scan->at < scan->length && in[scan->at] != '"' && in[scan->at] != '\\' && (unsigned char)in[scan->at] >= 0x20) {
            const size_t n = hma_utf8_length(in + scan->at, scan->length - scan->at);
            if (n == 0) {
                return fault_at(scan, scan->at, "a string is not UTF-8 (expected valid UTF-8): correct or replace the file");
            }
            scan->at += n;
        }
        hma_buffer_add(&scan->text, in + plain, scan->at - plain);
        if (scan->at >= scan->length) {
            return not_json(scan, "the end of a string");
        }
        const char c = in[scan->at];
        if (c == '"') {
            scan->at++;
            return hma_buffer_ok(&scan->text);
        }
        if (c != '\\') {
            return not_json(scan, "no control characters in a string");
        }
        scan->at++;
        const char escape = scan->at < scan->length ? in[scan->at] : 0;
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        const char *known = escape ? strchr(from, escape) : NULL;
        if (known) {
            hma_buffer_char(&scan->text, to[known - from]);
            scan->at++;
        } else if (escape == 'u') {
            scan->at++;
            const hma_status status = unicode_escape(scan);
            if (status != HMA_OK) {
                return status;
            }
        } else {
            return not_json(scan, "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
        }
    }
}

static size_t digits(hma_json_scan *scan) {
    const size_t from = scan->at;
    while (scan->at < scan->length && scan->input[scan->at] >= '0' && scan->input[scan->at] <= '9') {
        scan->at++;
    }
    return scan->at - from;
}

static bool take(hma_json_scan *scan, const char *any) {
    if (scan->at < scan->length && scan->input[scan->at] && strchr(any, scan->input[scan->at])) {
        scan->at++;
        return true;
    }
    return false;
}

static hma_status number(hma_json_scan *scan) {
    const size_t from = scan->at;
    (void)take(scan, "-");
    if (!take(scan, "0") && digits(scan) == 0) {
        return not_json(scan, "a value");
    }
    if (take(scan, ".") && digits(scan) == 0) {
        return not_json(scan, "a digit after the decimal point");
    }
    if (take(scan, "eE")) {
        (void)take(scan, "+-");
        if (digits(scan) == 0) {
            return not_json(scan, "a digit in the exponent");
        }
    }
    hma_buffer_clear(&scan->text);
    hma_buffer_add(&scan->text, scan->input + from, scan->at - from);
    return hma_buffer_ok(&scan->text);
}

static bool word(hma_json_scan *scan, const char *text) {
    const size_t n = strlen(text);
    if (scan->length - scan->at < n || memcmp(scan->input + scan->at, text, n) != 0) {
        return false;
    }
    scan->at += n;
    return true;
}

static void value_done(hma_json_scan *scan) {
    scan->may_close = false;
    scan->expect_value = false;
    scan->done = scan->depth == 0;
}

static hma_status open_container(hma_json_scan *scan, bool object) {
    if (scan->depth >= HMA_JSON_MAX_DEPTH) {
        return fault_at(scan, scan->at, "nested too deeply (expected at most 64 levels): replace the file");
    }
    const uint64_t bit = (uint64_t)1 << scan->depth;
    scan->is_object = object ? scan->is_object | bit : scan->is_object & ~bit;
    scan->depth++;
    scan->at++;
    scan->may_close = true;
    scan->expect_key = object;
    scan->expect_value = !object;
    return HMA_OK;
}

static bool in_object(const hma_json_scan *scan) { return scan->depth > 0 && (scan->is_object >> (scan->depth - 1) & 1); }

static hma_status value(hma_json_scan *scan, hma_json_event *event) {
    const char c = scan->input[scan->at];
    if (c == '{' || c == '[') {
        *event = c == '{' ? HMA_JSON_OBJECT : HMA_JSON_ARRAY;
        return open_container(scan, c == '{');
    }
    hma_status status = HMA_OK;
    if (c == '"') {
        *event = HMA_JSON_STRING;
        status = string(scan);
    } else if (word(scan, "true")) {
        *event = HMA_JSON_TRUE;
    } else if (word(scan, "false")) {
        *event = HMA_JSON_FALSE;
    } else if (word(scan, "null")) {
        *event = HMA_JSON_NULL;
    } else {
        *event = HMA_JSON_NUMBER;
        status = number(scan);
    }
    value_done(scan);
    return status;
}

static hma_status key(hma_json_scan *scan, hma_json_event *event) {
    if (scan->input[scan->at] != '"') {
        return not_json(scan, "a key in quotes");
    }
    hma_status status = string(scan);
    if (status != HMA_OK) {
        return status;
    }
    skip_space(scan);
    if (!take(scan, ":")) {
        return not_json(scan, "':' after a key");
    }
    scan->expect_key = false;
    scan->expect_value = true;
    scan->may_close = false;
    *event = HMA_JSON_KEY;
    return HMA_OK;
}

hma_status hma_json_next(hma_json_scan *scan, hma_json_event *event) {
    skip_space(scan);
    scan->start = scan->at;
    if (scan->done) {
        if (scan->at < scan->length) {
            return not_json(scan, "nothing after the end of the document");
        }
        *event = HMA_JSON_END;
        return HMA_OK;
    }
    if (scan->at >= scan->length) {
        return not_json(scan, "more text");
    }
    const bool object = in_object(scan);
    const char closing = object ? '}' : ']';
    const bool between = !scan->expect_value && !scan->expect_key; /* after a complete element */
    if (scan->depth > 0 && (between || scan->may_close) && scan->input[scan->at] == closing) {
        scan->at++;
        scan->depth--;
        scan->expect_key = false;
        value_done(scan);
        *event = object ? HMA_JSON_OBJECT_END : HMA_JSON_ARRAY_END;
        return HMA_OK;
    }
    if (between) {
        if (!take(scan, ",")) {
            return not_json(scan, object ? "',' or '}'" : "',' or ']'");
        }
        skip_space(scan);
        scan->start = scan->at;
        scan->expect_key = object;
        scan->expect_value = !object;
        if (scan->at >= scan->length) {
            return not_json(scan, "more text");
        }
    }
    return scan->expect_key ? key(scan, event) : value(scan, event);
}

hma_status hma_json_skip(hma_json_scan *scan, hma_json_event event) {
    if (event != HMA_JSON_OBJECT && event != HMA_JSON_ARRAY) {
        return HMA_OK;
    }
    const size_t outside = scan->depth - 1;
    hma_status status = HMA_OK;
    while (status == HMA_OK && scan->depth > outside) {
        status = hma_json_next(scan, &event);
    }
    return status;
}

hma_status hma_json_u64(const hma_json_scan *scan, hma_json_event event, uint64_t *out) {
    if (event != HMA_JSON_NUMBER || !hma_parse_u64(out, hma_buffer_cstr(&scan->text))) {
        return hma_json_fault(scan, "not a whole number (expected an unsigned integer below 2^64): correct the file");
    }
    return HMA_OK;
}
