#include "checkpoint/tokenizer_meaning.h"

#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/json_scan.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "checkpoint/canonical_json.h"

void hma_sections_free(hma_sections *sections) {
    for (size_t i = 0; i < sections->count; i++) {
        free(sections->items[i].name);
    }
    free(sections->items);
    *sections = (hma_sections){0};
}

static hma_status keep_section(hma_sections *sections, const char *prefix, const char *key, const hma_buffer *value) {
    hma_buffer name = {0};
    hma_buffer_printf(&name, "%s%s", prefix, key);
    hma_section section = {.name = hma_buffer_release(&name)};
    hma_status status = section.name ? hma_sha256_of(value->data, value->length, section.digest) : HMA_FAILURE;
    if (status == HMA_OK && hma_grow(&sections->items, &sections->capacity, sections->count + 1, sizeof *sections->items)) {
        status = HMA_FAILURE;
    }
    if (status != HMA_OK) {
        free(section.name);
        return status;
    }
    sections->items[sections->count++] = section;
    return HMA_OK;
}

/* One section: the value that follows the key the scanner has just read. `prefix` is "" or "model.". */
static hma_status add_section(hma_sections *sections, hma_json_scan *scan, const char *prefix, const char *key) {
    hma_buffer value = {0};
    hma_json_event event;
    hma_status status = hma_json_next(scan, &event);
    if (status == HMA_OK) {
        const bool merges = *prefix && strcmp(key, "merges") == 0;
        status = hma_canonical_json(&value, scan, event, merges ? HMA_CANONICAL_MERGES : HMA_CANONICAL_VALUE);
    }
    if (status == HMA_OK && !hma_canonical_is_default(key, strlen(key), value.data, value.length)) {
        status = keep_section(sections, prefix, key, &value);
    }
    hma_buffer_free(&value);
    return status;
}

static hma_status add_members(hma_sections *sections, hma_json_scan *scan, const char *prefix);

static hma_status add_model(hma_sections *sections, hma_json_scan *scan) {
    hma_json_event event;
    const hma_status status = hma_json_next(scan, &event);
    if (status != HMA_OK) {
        return status;
    }
    return event == HMA_JSON_OBJECT
               ? add_members(sections, scan, "model.")
               : hma_json_fault(scan, "\"model\" is not an object (expected a tokenizer's model): save the tokenizer again");
}

static hma_status skip_value(hma_json_scan *scan) {
    hma_json_event event;
    const hma_status status = hma_json_next(scan, &event);
    return status == HMA_OK ? hma_json_skip(scan, event) : status;
}

/* The members of an object whose '{' has been read; `prefix` is "" at the top. */
static hma_status add_members(hma_sections *sections, hma_json_scan *scan, const char *prefix) {
    const bool top = *prefix == 0;
    hma_json_event event;
    hma_status status;
    while ((status = hma_json_next(scan, &event)) == HMA_OK && event != HMA_JSON_OBJECT_END) {
        char *key = hma_copy_bytes(hma_buffer_cstr(&scan->text), scan->text.length);
        if (!key) {
            return HMA_FAILURE;
        }
        if (top && strcmp(key, "model") == 0) {
            status = add_model(sections, scan);
        } else if (top && (strcmp(key, "version") == 0 || strcmp(key, "truncation") == 0 || strcmp(key, "padding") == 0)) {
            status = skip_value(scan);
        } else {
            status = add_section(sections, scan, prefix, key);
        }
        free(key);
        if (status != HMA_OK) {
            break;
        }
    }
    return status;
}

static int by_name(const void *a, const void *b) {
    const hma_section *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static hma_status sort_sections(hma_sections *sections, const char *path) {
    if (sections->count) {
        qsort(sections->items, sections->count, sizeof *sections->items, by_name);
    }
    for (size_t i = 1; i < sections->count; i++) {
        if (by_name(&sections->items[i - 1], &sections->items[i]) == 0) {
            return hma_error(HMA_BAD_DATA, "%s: duplicate key \"%.200s\" (expected each key once): save the tokenizer again",
                             path, sections->items[i].name);
        }
    }
    return HMA_OK;
}

hma_status hma_sections_of(hma_sections *out, const char *path, const char *text, size_t length) {
    hma_sections sections = {0};
    hma_json_scan scan;
    hma_json_event event;
    hma_json_scan_begin(&scan, path, text, length);
    hma_status status = hma_json_next(&scan, &event);
    if (status == HMA_OK) {
        status = event == HMA_JSON_OBJECT ? add_members(&sections, &scan, "")
                                          : hma_json_fault(&scan,
                                                           "not an object (expected a tokenizer): save the tokenizer again");
    }
    if (status == HMA_OK) {
        status = hma_json_next(&scan, &event); /* the end, or a fault on what follows */
    }
    hma_json_scan_free(&scan);
    if (status == HMA_OK) {
        status = sort_sections(&sections, path);
    }
    if (status != HMA_OK) {
        hma_sections_free(&sections);
        return status;
    }
    *out = sections;
    return HMA_OK;
}
