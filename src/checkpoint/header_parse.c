#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/json_scan.h"
#include "base/memory.h"
#include "base/text_set.h"
#include "base/utf8.h"
#include "checkpoint/header.h"

#define REPLACE "the file is damaged; download or save it again"

/* One entry while it is read: which keys were there, and its offsets within the data. */
typedef struct entry {
    hma_tensor *tensor;
    bool has_dtype, has_shape, has_offsets;
    uint64_t begin, end;
} entry;

static hma_status check_name(const hma_json_scan *scan) {
    const char *name = hma_buffer_cstr(&scan->text);
    const size_t length = scan->text.length;
    if (length == 0 || length > HMA_NAME_MAX) {
        return hma_json_fault(scan, "a tensor's name is %zu bytes long (expected 1 to %d): " REPLACE, length, HMA_NAME_MAX);
    }
    for (size_t i = 0; i < length;) {
        uint32_t c;
        i += hma_utf8_decode(name + i, length - i, &c);
        if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
            return hma_json_fault(scan, "tensor \"%.200s\" has the control character U+%04X in its name (expected printable "
                                  "text): " REPLACE, name, (unsigned)c);
        }
    }
    return HMA_OK;
}

/* An element type that the format knows and hma does not is worth another message than a word that is none. */
static hma_status unknown_dtype(const hma_json_scan *scan, const char *tensor) {
    static const char *const elsewhere[] = {"F8_E4M3", "F8_E5M2",  "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F6_E2M3",
                                            "F6_E3M2", "F4",       "C64",     "C128"};
    const char *name = hma_buffer_cstr(&scan->text);
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        if (strcmp(name, elsewhere[i]) == 0) {
            return hma_json_fault(scan, "tensor \"%.200s\" is stored as %s, which is not supported (expected F32, F16 or "
                                  "BF16): save the model in one of these", tensor, name);
        }
    }
    return hma_json_fault(scan, "tensor \"%.200s\" has the element type \"%.40s\" (expected a safetensors name such as F32 or "
                          "BF16): " REPLACE, tensor, name);
}

static hma_status parse_dtype(hma_json_scan *scan, entry *e) {
    hma_json_event event;
    hma_status status = hma_json_next(scan, &event);
    if (status != HMA_OK) {
        return status;
    }
    if (event != HMA_JSON_STRING) {
        return hma_json_fault(scan, "the dtype of tensor \"%.200s\" is not a string (expected \"F32\", \"BF16\", ..): " REPLACE,
                              e->tensor->name);
    }
    for (hma_dtype d = 0; d < HMA_DTYPE_COUNT; d++) {
        if (strcmp(hma_buffer_cstr(&scan->text), hma_dtype_name(d)) == 0) {
            e->tensor->dtype = d;
            return HMA_OK;
        }
    }
    return unknown_dtype(scan, e->tensor->name);
}

/* A list of at most `most` whole numbers up to `limit`. */
static hma_status parse_numbers(hma_json_scan *scan, const entry *e, const char *key, size_t most, uint64_t limit,
                                uint64_t *out, size_t *count) {
    hma_json_event event;
    hma_status status = hma_json_next(scan, &event);
    if (status == HMA_OK && event != HMA_JSON_ARRAY) {
        status = hma_json_fault(scan, "%s of tensor \"%.200s\" is not a list (expected whole numbers): " REPLACE, key,
                                e->tensor->name);
    }
    size_t n = 0;
    while (status == HMA_OK && (status = hma_json_next(scan, &event)) == HMA_OK && event != HMA_JSON_ARRAY_END) {
        uint64_t value = 0;
        if (n == most) {
            return hma_json_fault(scan, "%s of tensor \"%.200s\" has too many numbers (expected at most %zu): " REPLACE, key,
                                  e->tensor->name, most);
        }
        if (hma_json_u64(scan, event, &value) != HMA_OK || value > limit) {
            return hma_json_fault(scan, "%s of tensor \"%.200s\" holds something else than a whole number up to %llu (expected "
                                  "plain digits): " REPLACE, key, e->tensor->name, (unsigned long long)limit);
        }
        out[n++] = value;
    }
    *count = n;
    return status;
}

static hma_status parse_offsets(hma_json_scan *scan, entry *e) {
    uint64_t offsets[2] = {0};
    size_t count = 0;
    const hma_status status = parse_numbers(scan, e, "data_offsets", 2, INT64_MAX, offsets, &count);
    if (status != HMA_OK) {
        return status;
    }
    if (count != 2 || offsets[0] > offsets[1]) {
        return hma_json_fault(scan, "data_offsets of tensor \"%.200s\" are not a range (expected [begin, end], begin not after "
                              "end): " REPLACE, e->tensor->name);
    }
    e->begin = offsets[0];
    e->end = offsets[1];
    return HMA_OK;
}

/* The value of one key of an entry, and that the key is known and new. */
static hma_status parse_field(hma_json_scan *scan, entry *e) {
    const char *key = hma_buffer_cstr(&scan->text);
    bool *seen = strcmp(key, "dtype") == 0          ? &e->has_dtype
                 : strcmp(key, "shape") == 0        ? &e->has_shape
                 : strcmp(key, "data_offsets") == 0 ? &e->has_offsets
                                                    : NULL;
    if (!seen) {
        return hma_json_fault(scan, "tensor \"%.200s\" has the key \"%.40s\" (expected dtype, shape and data_offsets only): "
                              REPLACE, e->tensor->name, key);
    }
    if (*seen) {
        return hma_json_fault(scan, "tensor \"%.200s\" has the key \"%s\" twice (expected once): " REPLACE, e->tensor->name,
                              key);
    }
    *seen = true;
    if (seen == &e->has_dtype) {
        return parse_dtype(scan, e);
    }
    return seen == &e->has_shape
               ? parse_numbers(scan, e, "shape", HMA_MAX_RANK, HMA_DIMENSION_MAX, e->tensor->shape, &e->tensor->rank)
               : parse_offsets(scan, e);
}

/* Fills elements and bytes, and holds them against the range that the entry claims. */
static hma_status check_size(const hma_json_scan *scan, const entry *e) {
    hma_tensor *t = e->tensor;
    t->elements = 1;
    bool fits = true;
    for (size_t i = 0; fits && i < t->rank; i++) {
        fits = hma_mul_u64(&t->elements, t->elements, t->shape[i]);
    }
    if (!fits || !hma_mul_u64(&t->bytes, t->elements, hma_dtype_size(t->dtype))) {
        return hma_json_fault(scan, "the shape of tensor \"%.200s\" overflows (expected a size below 2^64 bytes): " REPLACE,
                              t->name);
    }
    if (e->end - e->begin != t->bytes) {
        return hma_json_fault(scan, "tensor \"%.200s\" has %llu bytes (expected %llu from its shape and %s): " REPLACE, t->name,
                              (unsigned long long)(e->end - e->begin), (unsigned long long)t->bytes, hma_dtype_name(t->dtype));
    }
    t->offset = e->begin;
    return HMA_OK;
}

static hma_status parse_entry(hma_json_scan *scan, hma_tensor_list *list, size_t shard) {
    hma_status status = check_name(scan);
    if (status != HMA_OK) {
        return status;
    }
    if (list->count >= HMA_TENSORS_MAX) {
        return hma_json_fault(scan, "more than %d tensors (expected a model): " REPLACE, HMA_TENSORS_MAX);
    }
    entry e = {0};
    status = hma_tensor_list_add(list, hma_buffer_cstr(&scan->text), scan->text.length, &e.tensor);
    if (status != HMA_OK) {
        return status;
    }
    e.tensor->shard = shard;
    hma_json_event event;
    status = hma_json_next(scan, &event);
    if (status == HMA_OK && event != HMA_JSON_OBJECT) {
        return hma_json_fault(scan, "tensor \"%.200s\" is not described by an object (expected dtype, shape and data_offsets): "
                              REPLACE, e.tensor->name);
    }
    while (status == HMA_OK && (status = hma_json_next(scan, &event)) == HMA_OK && event != HMA_JSON_OBJECT_END) {
        status = parse_field(scan, &e);
    }
    if (status != HMA_OK) {
        return status;
    }
    if (!e.has_dtype || !e.has_shape || !e.has_offsets) {
        return hma_json_fault(scan, "tensor \"%.200s\" has no %s (expected dtype, shape and data_offsets): " REPLACE,
                              e.tensor->name, !e.has_dtype ? "dtype" : !e.has_shape ? "shape" : "data_offsets");
    }
    return check_size(scan, &e);
}

/* "__metadata__": text by text. Nothing in it changes what the tensors are, so it is checked and not kept. */
static hma_status parse_metadata(hma_json_scan *scan) {
    hma_text_set keys = {0};
    hma_json_event event;
    hma_status status = hma_json_next(scan, &event);
    if (status == HMA_OK && event != HMA_JSON_OBJECT) {
        status = hma_json_fault(scan, "\"__metadata__\" is not an object (expected texts by name): " REPLACE);
    }
    while (status == HMA_OK && (status = hma_json_next(scan, &event)) == HMA_OK && event != HMA_JSON_OBJECT_END) {
        bool added = false;
        status = hma_text_set_add(&keys, hma_buffer_cstr(&scan->text), scan->text.length, &added);
        if (status != HMA_OK) {
            break;
        }
        if (!added || keys.count > HMA_METADATA_MAX) {
            status = !added ? hma_json_fault(scan, "\"__metadata__\" has the key \"%.200s\" twice (expected once): " REPLACE,
                                             hma_buffer_cstr(&scan->text))
                            : hma_json_fault(scan, "\"__metadata__\" has more than %d keys (expected a few): " REPLACE,
                                             HMA_METADATA_MAX);
            break;
        }
        status = hma_json_next(scan, &event);
        if (status == HMA_OK && event != HMA_JSON_STRING) {
            status = hma_json_fault(scan, "a value in \"__metadata__\" is not a string (expected only strings): " REPLACE);
        }
    }
    hma_text_set_free(&keys);
    return status;
}

static hma_status parse_json(hma_tensor_list *list, const char *name, const char *text, size_t length, size_t shard) {
    hma_json_scan scan;
    hma_json_scan_begin(&scan, name, text, length);
    hma_json_event event;
    bool metadata = false;
    hma_status status = hma_json_next(&scan, &event);
    if (status == HMA_OK && event != HMA_JSON_OBJECT) {
        status = hma_json_fault(&scan, "not an object (expected tensors by name): " REPLACE);
    }
    while (status == HMA_OK && (status = hma_json_next(&scan, &event)) == HMA_OK && event != HMA_JSON_OBJECT_END) {
        if (strcmp(hma_buffer_cstr(&scan.text), "__metadata__") != 0) {
            status = parse_entry(&scan, list, shard);
        } else if (metadata) {
            status = hma_json_fault(&scan, "\"__metadata__\" occurs twice (expected once): " REPLACE);
        } else {
            metadata = true;
            status = parse_metadata(&scan);
        }
    }
    if (status == HMA_OK) {
        status = hma_json_next(&scan, &event); /* the end, or a fault on what follows */
    }
    hma_json_scan_free(&scan);
    return status;
}

static int by_range(const void *a, const void *b) {
    const hma_tensor *const *px = a, *const *py = b;
    const hma_tensor *x = *px, *y = *py;
    const uint64_t x_end = x->offset + x->bytes, y_end = y->offset + y->bytes;
    return x->offset != y->offset ? (x->offset < y->offset ? -1 : 1) : (x_end > y_end) - (x_end < y_end);
}

/* The ranges must cover the data exactly: no hole, no overlap, nothing missing and nothing left over. */
static hma_status check_coverage(const hma_tensor *const *sorted, size_t count, const char *path, uint64_t data_bytes) {
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const hma_tensor *t = sorted[i];
        if (t->offset < at) {
            return hma_error(HMA_BAD_DATA, "%s: tensors \"%.200s\" and \"%.200s\" overlap (expected a range of its own for "
                             "each): " REPLACE, path, sorted[i - 1]->name, t->name);
        }
        if (t->offset > at) {
            return hma_error(HMA_BAD_DATA, "%s: %llu bytes before tensor \"%.200s\" belong to no tensor (expected no holes): "
                             REPLACE, path, (unsigned long long)(t->offset - at), t->name);
        }
        at += t->bytes;
    }
    if (at > data_bytes) {
        return hma_error(HMA_BAD_DATA, "%s: the last %llu bytes are missing (expected %llu bytes of data): the file was cut "
                         "off; download or save it again", path, (unsigned long long)(at - data_bytes), (unsigned long long)at);
    }
    if (at < data_bytes) {
        return hma_error(HMA_BAD_DATA, "%s: %llu bytes follow the last tensor (expected the end of the file): " REPLACE, path,
                         (unsigned long long)(data_bytes - at));
    }
    return HMA_OK;
}

static hma_status check_layout(const hma_tensor_list *list, size_t from, const char *path, uint64_t data_bytes) {
    const size_t count = list->count - from;
    const hma_tensor **sorted = HMA_NEW(const hma_tensor *, count);
    if (!sorted) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &list->items[from + i];
    }
    qsort(sorted, count, sizeof *sorted, by_range);
    const hma_status status = check_coverage(sorted, count, path, data_bytes);
    free(sorted);
    return status;
}

hma_status hma_header_parse(hma_tensor_list *list, const char *path, const char *text, size_t length, uint64_t data_bytes,
                            size_t shard) {
    const size_t from = list->count;
    hma_buffer name = {0};
    hma_buffer_printf(&name, "%s: header", path);
    hma_status status = hma_buffer_ok(&name);
    if (status == HMA_OK) {
        status = parse_json(list, hma_buffer_cstr(&name), text, length, shard);
    }
    hma_buffer_free(&name);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_tensor_list_sort_unique(list, from, path);
    if (status == HMA_OK) {
        status = check_layout(list, from, path, data_bytes);
    }
    for (size_t i = from; status == HMA_OK && i < list->count; i++) {
        list->items[i].offset += HMA_HEADER_PREFIX + length;
    }
    return status;
}
