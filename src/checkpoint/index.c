#include "checkpoint/index.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_scan.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text_set.h"
#include "checkpoint/header.h"

#define REPLACE "download or save the model again"

typedef struct parser {
    hma_json_scan scan;
    hma_index index;
    hma_text_set shards; /* name -> number */
    hma_text_set keys;   /* of the top object */
} parser;

void hma_index_free(hma_index *index) {
    for (size_t i = 0; i < index->shard_count; i++) {
        free(index->shards[i]);
    }
    free(index->shards);
    hma_tensor_list_free(&index->tensors);
    *index = (hma_index){0};
}

static bool is_plain_name(const char *name, size_t length) {
    static const char suffix[] = ".safetensors";
    const size_t n = sizeof suffix - 1;
    if (length <= n || length > NAME_MAX || name[0] == '.' || strcmp(name + length - n, suffix) != 0) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (name[i] == '/' || name[i] == '\\' || (unsigned char)name[i] < 0x20 || name[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

/* Number of the shard whose name the scanner has just read. */
static hma_status shard_number(parser *p, uint64_t *number) {
    const hma_buffer *name = &p->scan.text;
    if (!is_plain_name(hma_buffer_cstr(name), name->length)) {
        return hma_json_fault(&p->scan, "\"%.200s\" is no shard (expected the name of a .safetensors file in the same folder): "
                              "correct the index, or " REPLACE, hma_buffer_cstr(name));
    }
    bool added;
    hma_status status = hma_text_set_put(&p->shards, name->data, name->length, p->index.shard_count, &added);
    if (status == HMA_OK && added) {
        hma_index *index = &p->index;
        if (hma_grow(&index->shards, &index->shard_capacity, index->shard_count + 1, sizeof *index->shards)) {
            return HMA_FAILURE;
        }
        index->shards[index->shard_count] = hma_copy_text(name->data);
        if (!index->shards[index->shard_count]) {
            return HMA_FAILURE;
        }
        index->shard_count++;
    }
    if (status == HMA_OK) {
        (void)hma_text_set_find(&p->shards, name->data, name->length, number);
    }
    return status;
}

/* The scanner has just read a tensor's name. */
static hma_status parse_tensor(parser *p) {
    hma_tensor_list *tensors = &p->index.tensors;
    if (tensors->count >= HMA_TENSORS_MAX) {
        return hma_json_fault(&p->scan, "more than %d tensors (expected a model): " REPLACE, HMA_TENSORS_MAX);
    }
    hma_tensor *tensor;
    hma_status status = hma_tensor_list_add(tensors, hma_buffer_cstr(&p->scan.text), p->scan.text.length, &tensor);
    hma_json_event event;
    if (status == HMA_OK) {
        status = hma_json_next(&p->scan, &event);
    }
    if (status != HMA_OK) {
        return status;
    }
    if (event != HMA_JSON_STRING) {
        return hma_json_fault(&p->scan, "the shard of tensor \"%.200s\" is not a string (expected a file name): " REPLACE,
                              tensor->name);
    }
    uint64_t number = 0;
    status = shard_number(p, &number);
    tensor->shard = (size_t)number;
    return status;
}

static hma_status parse_weight_map(parser *p, hma_json_event event) {
    if (event != HMA_JSON_OBJECT) {
        return hma_json_fault(&p->scan, "\"weight_map\" is not an object (expected shards by tensor name): " REPLACE);
    }
    hma_status status;
    while ((status = hma_json_next(&p->scan, &event)) == HMA_OK && event != HMA_JSON_OBJECT_END) {
        status = parse_tensor(p);
        if (status != HMA_OK) {
            break;
        }
    }
    return status;
}

/* "metadata" is free-form; only total_size is of interest. Some writers give it as a float. */
static hma_status parse_metadata(parser *p, hma_json_event event) {
    if (event != HMA_JSON_OBJECT) {
        return hma_json_skip(&p->scan, event);
    }
    hma_status status;
    while ((status = hma_json_next(&p->scan, &event)) == HMA_OK && event != HMA_JSON_OBJECT_END) {
        const bool total = strcmp(hma_buffer_cstr(&p->scan.text), "total_size") == 0;
        status = hma_json_next(&p->scan, &event);
        if (status == HMA_OK && total && event == HMA_JSON_NUMBER) {
            p->index.has_total = hma_parse_double(&p->index.total_size, hma_buffer_cstr(&p->scan.text));
        }
        if (status == HMA_OK) {
            status = hma_json_skip(&p->scan, event);
        }
        if (status != HMA_OK) {
            break;
        }
    }
    return status;
}

static hma_status parse_top_key(parser *p) {
    bool added;
    hma_status status = hma_text_set_add(&p->keys, hma_buffer_cstr(&p->scan.text), p->scan.text.length, &added);
    if (status == HMA_OK && !added) {
        status = hma_json_fault(&p->scan, "\"%.200s\" occurs twice (expected once): " REPLACE, hma_buffer_cstr(&p->scan.text));
    }
    const bool weight_map = strcmp(hma_buffer_cstr(&p->scan.text), "weight_map") == 0;
    const bool metadata = strcmp(hma_buffer_cstr(&p->scan.text), "metadata") == 0;
    hma_json_event event;
    if (status == HMA_OK) {
        status = hma_json_next(&p->scan, &event);
    }
    if (status != HMA_OK) {
        return status;
    }
    return weight_map ? parse_weight_map(p, event) : metadata ? parse_metadata(p, event) : hma_json_skip(&p->scan, event);
}

static hma_status parse_document(parser *p) {
    hma_json_event event;
    hma_status status = hma_json_next(&p->scan, &event);
    if (status == HMA_OK && event != HMA_JSON_OBJECT) {
        return hma_json_fault(&p->scan, "not an object (expected {\"metadata\": .., \"weight_map\": ..}): " REPLACE);
    }
    while (status == HMA_OK && (status = hma_json_next(&p->scan, &event)) == HMA_OK && event != HMA_JSON_OBJECT_END) {
        status = parse_top_key(p);
    }
    if (status == HMA_OK) {
        status = hma_json_next(&p->scan, &event); /* the end, or a fault on what follows */
    }
    if (status == HMA_OK && p->index.shard_count == 0) {
        status = hma_json_fault(&p->scan, "\"weight_map\" is missing or empty (expected shards by tensor name): " REPLACE);
    }
    return status;
}

hma_status hma_index_parse(hma_index *out, const char *path, const char *text, size_t length) {
    parser p = {0};
    hma_json_scan_begin(&p.scan, path, text, length);
    hma_status status = parse_document(&p);
    if (status == HMA_OK) {
        status = hma_tensor_list_sort_unique(&p.index.tensors, 0, path);
    }
    hma_json_scan_free(&p.scan);
    hma_text_set_free(&p.shards);
    hma_text_set_free(&p.keys);
    if (status == HMA_OK) {
        *out = p.index;
    } else {
        hma_index_free(&p.index);
    }
    return status;
}

hma_status hma_index_load(hma_index *out, const char *path) {
    char *text;
    size_t length;
    hma_status status = hma_file_load(path, HMA_HEADER_MAX, &text, &length);
    if (status == HMA_OK) {
        status = hma_index_parse(out, path, text, length);
        free(text);
    }
    return status;
}
