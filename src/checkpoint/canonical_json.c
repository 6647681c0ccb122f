#include "checkpoint/canonical_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/sha256.h"

/* One member of an object: key and value as ranges of the output buffer. */
typedef struct member {
    const char *text;             /* only while sorting: where the buffer is then */
    size_t key, key_length, value, value_length;
} member;

typedef struct members {
    member *items;
    size_t count, capacity;
} members;

bool hma_canonical_is_default(const char *key, size_t key_length, const char *value, size_t value_length) {
    static const struct {
        const char *key, *value; /* older versions of the library leave these out */
    } defaults[] = {{"byte_fallback", "false"}, {"ignore_merges", "false"},          {"fuse_unk", "false"},
                    {"use_regex", "true"},      {"split", "true"},                   {"continuing_subword_prefix", "\"\""},
                    {"end_of_word_suffix", "\"\""}};
    if (value_length == 4 && memcmp(value, "null", 4) == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        if (strlen(defaults[i].key) == key_length && memcmp(defaults[i].key, key, key_length) == 0 &&
            strlen(defaults[i].value) == value_length && memcmp(defaults[i].value, value, value_length) == 0) {
            return true;
        }
    }
    return false;
}

static int by_key(const void *a, const void *b) {
    const member *x = a, *y = b;
    const int order = memcmp(x->text + x->key, y->text + y->key, hma_min_size(x->key_length, y->key_length));
    return order ? order : (x->key_length > y->key_length) - (x->key_length < y->key_length);
}

static bool range_is(const hma_buffer *out, size_t at, size_t length, const char *text) {
    return length == strlen(text) && memcmp(out->data + at, text, length) == 0;
}

static member *find_member(const members *all, const hma_buffer *out, const char *key) {
    for (size_t i = 0; i < all->count; i++) {
        if (range_is(out, all->items[i].key, all->items[i].key_length, key)) {
            return &all->items[i];
        }
    }
    return NULL;
}

/* Metaspace once had add_prefix_space; now prepend_scheme says "always", "never" or "first". True when something changed. */
static bool modernise_metaspace(members *all, hma_buffer *out) {
    member *type = find_member(all, out, "type");
    member *prefix = find_member(all, out, "add_prefix_space");
    if (!type || !prefix || !range_is(out, type->value, type->value_length, "\"Metaspace\"")) {
        return false;
    }
    const bool always = range_is(out, prefix->value, prefix->value_length, "true");
    if (find_member(all, out, "prepend_scheme")) {
        *prefix = all->items[--all->count];
        return true;
    }
    prefix->key = out->length;
    hma_buffer_text(out, "prepend_scheme");
    prefix->key_length = out->length - prefix->key;
    prefix->value = out->length;
    hma_buffer_text(out, always ? "\"always\"" : "\"never\"");
    prefix->value_length = out->length - prefix->value;
    return true;
}

static void sort_by_key(members *all, const hma_buffer *out) {
    for (size_t i = 0; i < all->count; i++) {
        all->items[i].text = out->data;
    }
    if (all->count) {
        qsort(all->items, all->count, sizeof *all->items, by_key);
    }
}

static hma_status check_keys(const members *all, const hma_buffer *out, const hma_json_scan *scan) {
    for (size_t i = 1; i < all->count; i++) {
        if (by_key(&all->items[i - 1], &all->items[i]) == 0) {
            return hma_json_fault(scan, "duplicate key \"%.*s\" (expected each key once): save the tokenizer again",
                                  (int)hma_min_size(all->items[i].key_length, 200), out->data + all->items[i].key);
        }
    }
    return HMA_OK;
}

/* Replaces what was appended since `from` by the object with its members in order. */
static hma_status print_members(const members *all, hma_buffer *out, size_t from) {
    hma_buffer sorted = {0};
    hma_buffer_char(&sorted, '{');
    for (size_t i = 0; i < all->count; i++) {
        const member *m = &all->items[i];
        if (i) {
            hma_buffer_char(&sorted, ',');
        }
        hma_buffer_json_text(&sorted, out->data + m->key, m->key_length);
        hma_buffer_char(&sorted, ':');
        hma_buffer_add(&sorted, out->data + m->value, m->value_length);
    }
    hma_buffer_char(&sorted, '}');
    const hma_status status = hma_buffer_ok(&sorted);
    if (status == HMA_OK) {
        out->length = from;
        hma_buffer_add(out, sorted.data, sorted.length);
    }
    hma_buffer_free(&sorted);
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}

static hma_status finish_object(members *all, hma_buffer *out, size_t from, const hma_json_scan *scan) {
    hma_status status = hma_buffer_ok(out);
    if (status != HMA_OK) {
        return status;
    }
    sort_by_key(all, out);
    status = check_keys(all, out, scan);
    if (status != HMA_OK) {
        return status;
    }
    if (modernise_metaspace(all, out)) {
        if (hma_buffer_ok(out) != HMA_OK) {
            return HMA_FAILURE;
        }
        sort_by_key(all, out);
    }
    return print_members(all, out, from);
}

static hma_status object(hma_buffer *out, hma_json_scan *scan) {
    const size_t from = out->length;
    members all = {0};
    hma_json_event event;
    hma_status status;
    while ((status = hma_json_next(scan, &event)) == HMA_OK && event != HMA_JSON_OBJECT_END) {
        member m = {.key = out->length, .key_length = scan->text.length};
        hma_buffer_add(out, scan->text.data, scan->text.length);
        m.value = out->length;
        status = hma_json_next(scan, &event);
        if (status == HMA_OK) {
            status = hma_canonical_json(out, scan, event, HMA_CANONICAL_VALUE);
        }
        if (status != HMA_OK) {
            break;
        }
        m.value_length = out->length - m.value;
        if (hma_canonical_is_default(out->data + m.key, m.key_length, out->data + m.value, m.value_length)) {
            out->length = m.key;
            continue;
        }
        if (hma_grow(&all.items, &all.capacity, all.count + 1, sizeof *all.items)) {
            status = HMA_FAILURE;
            break;
        }
        all.items[all.count++] = m;
    }
    if (status == HMA_OK) {
        status = finish_object(&all, out, from, scan);
    }
    free(all.items);
    return status;
}

static void merge(hma_buffer *out, const hma_buffer *text) {
    const char *bytes = hma_buffer_cstr(text), *space = memchr(bytes, ' ', text->length);
    const size_t first = space ? (size_t)(space - bytes) : text->length;
    if (!space || memchr(space + 1, ' ', text->length - first - 1)) {
        hma_buffer_json_text(out, bytes, text->length);
        return;
    }
    hma_buffer_char(out, '[');
    hma_buffer_json_text(out, bytes, first);
    hma_buffer_char(out, ',');
    hma_buffer_json_text(out, space + 1, text->length - first - 1);
    hma_buffer_char(out, ']');
}

static hma_status array(hma_buffer *out, hma_json_scan *scan, hma_canonical_kind kind) {
    hma_json_event event;
    hma_status status;
    char separator = '[';
    while ((status = hma_json_next(scan, &event)) == HMA_OK && event != HMA_JSON_ARRAY_END) {
        hma_buffer_char(out, separator);
        separator = ',';
        if (kind == HMA_CANONICAL_MERGES && event == HMA_JSON_STRING) {
            merge(out, &scan->text);
        } else {
            status = hma_canonical_json(out, scan, event, HMA_CANONICAL_VALUE);
        }
        if (status != HMA_OK) {
            return status;
        }
    }
    hma_buffer_text(out, separator == '[' ? "[]" : "]");
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}

static void number(hma_buffer *out, const hma_buffer *text) {
    double value;
    if (hma_parse_double(&value, hma_buffer_cstr(text))) {
        hma_buffer_json_double(out, value);
    } else {
        hma_buffer_add(out, text->data, text->length); /* beyond a double: as written */
    }
}

hma_status hma_canonical_json(hma_buffer *out, hma_json_scan *scan, hma_json_event event, hma_canonical_kind kind) {
    switch (event) {
    case HMA_JSON_OBJECT: return object(out, scan);
    case HMA_JSON_ARRAY: return array(out, scan, kind);
    case HMA_JSON_STRING: hma_buffer_json_text(out, hma_buffer_cstr(&scan->text), scan->text.length); break;
    case HMA_JSON_NUMBER: number(out, &scan->text); break;
    case HMA_JSON_TRUE: hma_buffer_text(out, "true"); break;
    case HMA_JSON_FALSE: hma_buffer_text(out, "false"); break;
    default: hma_buffer_text(out, "null"); break;
    }
    return hma_buffer_ok(out);
}

hma_status hma_canonical_json_digest(const char *name, const char *text, size_t length, char digest[65]) {
    hma_json_scan scan;
    hma_json_event event;
    hma_buffer canonical = {0};
    hma_json_scan_begin(&scan, name, text, length);
    hma_status status = hma_json_next(&scan, &event);
    if (status == HMA_OK) {
        status = hma_canonical_json(&canonical, &scan, event, HMA_CANONICAL_VALUE);
    }
    if (status == HMA_OK) {
        status = hma_json_next(&scan, &event); /* the end, or a fault on what follows */
    }
    if (status == HMA_OK) {
        status = hma_sha256_of(canonical.data, canonical.length, digest);
    }
    hma_json_scan_free(&scan);
    hma_buffer_free(&canonical);
    return status;
}
