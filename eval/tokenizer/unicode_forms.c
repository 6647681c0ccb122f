#include "eval/tokenizer/unicode_forms.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "eval/tokenizer/unicode_table.h"

enum {
    LONGEST_DECOMPOSITION = 32, /* one code point becomes at most 18 (U+FDFA) */
    SHORT_RUN = 32              /* runs of marks up to this length are sorted by insertion */
};

/* A run of code points that take part in normalisation. */
typedef struct run {
    utf8proc_int32_t *points;
    size_t count, capacity;
} run;

static unsigned combining_class(utf8proc_int32_t c) { return (unsigned)utf8proc_get_property(c)->combining_class; }

static hma_status decompose(run *r, uint32_t c, bool compatible) {
    if (hma_grow(&r->points, &r->capacity, r->count + LONGEST_DECOMPOSITION, sizeof *r->points)) {
        return HMA_FAILURE;
    }
    const utf8proc_option_t options = UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
    const utf8proc_ssize_t n =
        utf8proc_decompose_char((utf8proc_int32_t)c, r->points + r->count, LONGEST_DECOMPOSITION, options, NULL);
    if (n < 0 || n > LONGEST_DECOMPOSITION) {
        return hma_error(HMA_FAILURE, "normalising U+%04X failed (%s): report this", c, utf8proc_errmsg(n));
    }
    r->count += (size_t)n;
    return HMA_OK;
}

/* Stable sort of marks by combining class: by insertion while they are few, else by counting. */
static hma_status sort_marks(utf8proc_int32_t *marks, size_t count) {
    if (count <= SHORT_RUN) {
        for (size_t i = 1; i < count; i++) {
            const utf8proc_int32_t mark = marks[i];
            size_t j = i;
            for (; j > 0 && combining_class(marks[j - 1]) > combining_class(mark); j--) {
                marks[j] = marks[j - 1];
            }
            marks[j] = mark;
        }
        return HMA_OK;
    }
    size_t begin[257] = {0};
    utf8proc_int32_t *sorted = HMA_NEW(utf8proc_int32_t, count);
    if (!sorted) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < count; i++) {
        begin[(combining_class(marks[i]) & 0xFF) + 1]++;
    }
    for (size_t i = 0; i < 256; i++) {
        begin[i + 1] += begin[i];
    }
    for (size_t i = 0; i < count; i++) {
        sorted[begin[combining_class(marks[i]) & 0xFF]++] = marks[i];
    }
    memcpy(marks, sorted, count * sizeof *marks);
    free(sorted);
    return HMA_OK;
}

/* Canonical order: within each run of marks (class above 0). */
static hma_status put_in_order(run *r) {
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < r->count;) {
        size_t end = i;
        while (end < r->count && combining_class(r->points[end]) > 0) {
            end++;
        }
        if (end - i > 1) {
            status = sort_marks(r->points + i, end - i);
        }
        i = end + 1;
    }
    return status;
}

static hma_status write_run(run *r, bool compose, hma_buffer *out) {
    hma_status status = put_in_order(r);
    if (status == HMA_OK && compose) {
        const utf8proc_ssize_t n =
            utf8proc_normalize_utf32(r->points, (utf8proc_ssize_t)r->count, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
        if (n < 0) {
            return hma_error(HMA_FAILURE, "composing a text failed (%s): report this", utf8proc_errmsg(n));
        }
        r->count = (size_t)n;
    }
    for (size_t i = 0; status == HMA_OK && i < r->count; i++) {
        char utf8[4];
        hma_buffer_add(out, utf8, hma_utf8_encode((uint32_t)r->points[i], utf8));
    }
    r->count = 0;
    return status;
}

static bool is_ascii(const char *text, size_t length) {
    size_t i = 0;
    while (i < length && (unsigned char)text[i] < 0x80) {
        i++;
    }
    return i == length;
}

hma_status hma_form_write(hma_form form, const char *text, size_t length, hma_buffer *out) {
    if (is_ascii(text, length)) { /* in every form already */
        hma_buffer_add(out, text, length);
        return hma_buffer_ok(out);
    }
    const bool compose = form == HMA_NFC || form == HMA_NFKC, compatible = form == HMA_NFKC || form == HMA_NFKD;
    run r = {0};
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < length;) {
        uint32_t c = 0;
        size_t n = hma_utf8_decode(text + i, length - i, &c);
        n = n ? n : 1;
        if (hma_unicode_flags(c) & HMA_UNICODE_FORMS) {
            status = decompose(&r, c, compatible);
        } else if ((status = write_run(&r, compose, out)) == HMA_OK) { /* nothing reorders or composes across it */
            hma_buffer_add(out, text + i, n);
        }
        i += n;
    }
    if (status == HMA_OK) {
        status = write_run(&r, compose, out);
    }
    free(r.points);
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}
