/*
 * A strict pull parser for JSON (RFC 8259) text that nobody vouches for. One pass, memory bounded by the longest string and the
 * nesting depth, never recursive. Refused: anything that is not UTF-8, U+0000 in strings, lone surrogates, a BOM, control
 * characters, trailing bytes, comments, leading zeros, nesting deeper than HMA_JSON_MAX_DEPTH.
 *
 * Used as the gate before cJSON (see json.h) and directly where documents are large: safetensors headers, vocabularies.
 * Duplicate keys are the caller's to find (hma_json_check() does).
 */
#ifndef HMA_BASE_JSON_SCAN_H
#define HMA_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "hma/error.h"

enum { HMA_JSON_MAX_DEPTH = 64 };

typedef enum hma_json_event {
    HMA_JSON_END = 0, /* of the document */
    HMA_JSON_OBJECT,
    HMA_JSON_OBJECT_END,
    HMA_JSON_ARRAY,
    HMA_JSON_ARRAY_END,
    HMA_JSON_KEY,    /* text: the decoded key */
    HMA_JSON_STRING, /* text: the decoded value */
    HMA_JSON_NUMBER, /* text: as written */
    HMA_JSON_TRUE,
    HMA_JSON_FALSE,
    HMA_JSON_NULL
} hma_json_event;

typedef struct hma_json_scan {
    const char *name; /* what messages call the document */
    const char *input;
    size_t length;
    bool is_line;     /* `name` says already which line of a file this is: messages add the column alone */
    size_t at;        /* next byte */
    size_t start;     /* first byte of the last event: for messages */
    hma_buffer text;  /* of KEY, STRING and NUMBER; overwritten by the next event */
    size_t depth;
    uint64_t is_object; /* bit per depth */
    bool expect_value;  /* after '[', ':' or ',' in an array */
    bool expect_key;    /* after '{' or ',' in an object */
    bool may_close;     /* directly after '{' or '[' */
    bool done;          /* the top value is complete */
} hma_json_scan;

/* Neither `name` nor `input` is copied. Free with hma_json_scan_free(). */
void hma_json_scan_begin(hma_json_scan *scan, const char *name, const char *input, size_t length);
void hma_json_scan_free(hma_json_scan *scan);

/* The next event. HMA_BAD_DATA with line and column on the first byte that is wrong. */
hma_status hma_json_next(hma_json_scan *scan, hma_json_event *event);

/* Reads past the value that the last event began (nothing for a scalar). `event` is that last event. */
hma_status hma_json_skip(hma_json_scan *scan, hma_json_event event);

/* HMA_BAD_DATA "NAME: line L, column C: ..." at the last event; `format` says what is wrong (what was expected): what to do. */
hma_status hma_json_fault(const hma_json_scan *scan, const char *format, ...) HMA_PRINTF(2, 3);

/* The last event must be a NUMBER that is a plain unsigned integer below 2^64 ("1e3" and "1.0" are not). */
hma_status hma_json_u64(const hma_json_scan *scan, hma_json_event event, uint64_t *out);

#endif
