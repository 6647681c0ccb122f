/* tokenizer.json as comparisons see it. Accepted: the canonical spelling of a document is canonical, and means the same. */
#include <string.h>

#include "checkpoint/canonical_json.h"
#include "checkpoint/tokenizer_meaning.h"
#include "fuzz.h"

static hma_status canonical(hma_buffer *out, const char *text, size_t length) {
    hma_json_scan scan;
    hma_json_event event;
    hma_json_scan_begin(&scan, "FILE", text, length);
    hma_status status = hma_json_next(&scan, &event);
    if (status == HMA_OK) {
        status = hma_canonical_json(out, &scan, event, HMA_CANONICAL_VALUE);
    }
    if (status == HMA_OK) {
        status = hma_json_next(&scan, &event);
    }
    hma_json_scan_free(&scan);
    return status;
}

static void check_same_sections(const hma_sections *a, const hma_sections *b) {
    fuzz_check(a->count == b->count, "as many sections");
    for (size_t i = 0; i < a->count; i++) {
        fuzz_check(strcmp(a->items[i].name, b->items[i].name) == 0, "the same sections");
        fuzz_check(strcmp(a->items[i].digest, b->items[i].digest) == 0, "the same meaning");
    }
}

static void run(const uint8_t *data, size_t size) {
    hma_buffer once = {0}, twice = {0};
    hma_sections sections = {0}, again = {0};
    if (fuzz_succeeded(canonical(&once, (const char *)data, size))) {
        fuzz_check(canonical(&twice, once.data, once.length) == HMA_OK, "canonical JSON is JSON");
        fuzz_check(once.length == twice.length && memcmp(once.data, twice.data, once.length) == 0,
                   "canonical JSON is canonical");
        if (fuzz_succeeded(hma_sections_of(&sections, "FILE", (const char *)data, size))) {
            fuzz_check(hma_sections_of(&again, "COPY", once.data, once.length) == HMA_OK,
                       "the canonical document is a tokenizer as well");
            check_same_sections(&sections, &again);
        }
    }
    hma_sections_free(&sections);
    hma_sections_free(&again);
    hma_buffer_free(&once);
    hma_buffer_free(&twice);
}

static const char *const words[] = {
    FUZZ_JSON_WORDS, "\"", "null", "true", "false", "1.0", "\"model\":{", "\"vocab\":{\"a\":0},",
    "\"merges\":[\"a b\"],", "\"merges\":[[\"a\",\"b\"]],", "\"type\":\"Metaspace\",", "\"add_prefix_space\":true,",
    "\"prepend_scheme\":\"first\",", "\"added_tokens\":[],", "\"byte_fallback\":false,", "\"version\":\"1.0\",", "\\u0000",
    "\\ud83d\\ude00", NULL};

const fuzz_target the_target = {.name = "tokenizer_meaning", .run = run, .words = words};
