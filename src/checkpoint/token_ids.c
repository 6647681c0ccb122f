#include "checkpoint/token_ids.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/memory.h"
#include "base/sha256.h"

typedef struct token {
    uint64_t id;
    size_t at, length; /* in the texts */
} token;

typedef struct tokens {
    token *list;
    size_t count, capacity;
    hma_buffer texts;
    uint64_t below;
} tokens;

static hma_status add(tokens *t, uint64_t id, const char *text, size_t length) {
    if (id >= t->below) {
        return HMA_OK;
    }
    if (hma_grow(&t->list, &t->capacity, t->count + 1, sizeof *t->list) != 0) {
        return HMA_FAILURE;
    }
    t->list[t->count++] = (token){id, t->texts.length, length};
    hma_buffer_add(&t->texts, text, length);
    return hma_buffer_ok(&t->texts);
}

/* {"token": id, ..} whose '{' has been read. */
static hma_status read_map(tokens *t, hma_json_scan *scan) {
    hma_buffer key = {0};
    hma_json_event event;
    hma_status status;
    while ((status = hma_json_next(scan, &event)) == HMA_OK && event == HMA_JSON_KEY) {
        uint64_t id;
        hma_buffer_clear(&key);
        hma_buffer_add(&key, hma_buffer_cstr(&scan->text), scan->text.length);
        status = hma_buffer_ok(&key);
        status = status == HMA_OK ? hma_json_next(scan, &event) : status;
        status = status == HMA_OK ? hma_json_u64(scan, event, &id) : status;
        status = status == HMA_OK ? add(t, id, key.data, key.length) : status;
        if (status != HMA_OK) {
            break;
        }
    }
    hma_buffer_free(&key);
    return status;
}

/* [["token", score], ..] whose '[' has been read: ids are places. */
static hma_status read_pieces(tokens *t, hma_json_scan *scan) {
    hma_json_event event;
    hma_status status;
    for (uint64_t id = 0; (status = hma_json_next(scan, &event)) == HMA_OK && event == HMA_JSON_ARRAY; id++) {
        status = hma_json_next(scan, &event);
        if (status == HMA_OK && event != HMA_JSON_STRING) {
            status = hma_json_fault(scan, "not a token (expected [\"token\", score]): save the tokenizer again");
        }
        status = status == HMA_OK ? add(t, id, hma_buffer_cstr(&scan->text), scan->text.length) : status;
        while (status == HMA_OK && (status = hma_json_next(scan, &event)) == HMA_OK && event != HMA_JSON_ARRAY_END) {
            status = hma_json_skip(scan, event);
        }
        if (status != HMA_OK) {
            break;
        }
    }
    return status;
}

/* One added token, whose '{' has been read. */
static hma_status read_added(tokens *t, hma_json_scan *scan) {
    hma_buffer content = {0};
    uint64_t id = UINT64_MAX;
    hma_json_event event;
    hma_status status;
    while ((status = hma_json_next(scan, &event)) == HMA_OK && event == HMA_JSON_KEY) {
        const bool is_id = strcmp(hma_buffer_cstr(&scan->text), "id") == 0;
        const bool is_content = strcmp(hma_buffer_cstr(&scan->text), "content") == 0;
        status = hma_json_next(scan, &event);
        if (status == HMA_OK && is_id) {
            status = hma_json_u64(scan, event, &id);
        } else if (status == HMA_OK && is_content && event == HMA_JSON_STRING) {
            hma_buffer_add(&content, hma_buffer_cstr(&scan->text), scan->text.length);
        } else if (status == HMA_OK) {
            status = hma_json_skip(scan, event);
        }
        if (status != HMA_OK) {
            break;
        }
    }
    status = status == HMA_OK ? hma_buffer_ok(&content) : status;
    status = status == HMA_OK ? add(t, id, hma_buffer_cstr(&content), content.length) : status;
    hma_buffer_free(&content);
    return status;
}

static hma_status read_all_added(tokens *t, hma_json_scan *scan) {
    hma_json_event event;
    hma_status status;
    while ((status = hma_json_next(scan, &event)) == HMA_OK && event == HMA_JSON_OBJECT) {
        status = read_added(t, scan);
        if (status != HMA_OK) {
            break;
        }
    }
    return status;
}

typedef enum level { TOP, MODEL } level;

/* The value of a member of the document or of its "model", which `event` begins. */
static hma_status read_member(tokens *t, hma_json_scan *scan, hma_json_event event, const char *key, level where) {
    if (where == TOP && strcmp(key, "added_tokens") == 0 && event == HMA_JSON_ARRAY) {
        return read_all_added(t, scan);
    }
    if (where == MODEL && strcmp(key, "vocab") == 0 && (event == HMA_JSON_OBJECT || event == HMA_JSON_ARRAY)) {
        return event == HMA_JSON_OBJECT ? read_map(t, scan) : read_pieces(t, scan);
    }
    return hma_json_skip(scan, event);
}

static hma_status read_members(tokens *t, hma_json_scan *scan, level where) {
    hma_json_event event;
    hma_status status;
    while ((status = hma_json_next(scan, &event)) == HMA_OK && event == HMA_JSON_KEY) {
        char *key = hma_copy_bytes(hma_buffer_cstr(&scan->text), scan->text.length);
        status = key ? hma_json_next(scan, &event) : HMA_FAILURE;
        if (status == HMA_OK && where == TOP && strcmp(key, "model") == 0 && event == HMA_JSON_OBJECT) {
            status = read_members(t, scan, MODEL);
        } else if (status == HMA_OK) {
            status = read_member(t, scan, event, key, where);
        }
        free(key);
        if (status != HMA_OK) {
            break;
        }
    }
    return status;
}

/* By id, then by text; 0 for a token that two lists name. */
static int compare_tokens(const void *a, const void *b, void *texts) {
    const token *x = a, *y = b;
    const char *text = texts;
    if (x->id != y->id) {
        return x->id < y->id ? -1 : 1;
    }
    if (x->length != y->length) {
        return x->length < y->length ? -1 : 1;
    }
    return x->length > 0 ? memcmp(text + x->at, text + y->at, x->length) : 0;
}

static hma_status digest_tokens(tokens *t, char digest[65]) {
    hma_sha256 *hash;
    hma_status status = hma_sha256_new(&hash);
    if (status != HMA_OK) {
        return status;
    }
    if (t->count > 0) {
        qsort_r(t->list, t->count, sizeof *t->list, compare_tokens, t->texts.data);
    }
    for (size_t i = 0; status == HMA_OK && i < t->count; i++) {
        if (i > 0 && compare_tokens(&t->list[i - 1], &t->list[i], t->texts.data) == 0) {
            continue;
        }
        const uint64_t head[2] = {t->list[i].id, t->list[i].length};
        status = hma_sha256_add(hash, head, sizeof head);
        if (status == HMA_OK) {
            status = hma_sha256_add(hash, t->texts.data + t->list[i].at, t->list[i].length);
        }
    }
    if (status == HMA_OK) {
        status = hma_sha256_end(hash, digest);
    }
    hma_sha256_free(hash);
    return status;
}

hma_status hma_token_ids_digest(const char *path, const char *text, size_t length, bool flat, uint64_t below, char digest[65]) {
    tokens t = {.below = below};
    hma_json_scan scan;
    hma_json_event event;
    hma_json_scan_begin(&scan, path, text, length);
    hma_status status = hma_json_next(&scan, &event);
    if (status == HMA_OK && event != HMA_JSON_OBJECT) {
        status = hma_json_fault(&scan, "not an object (expected a tokenizer): save the tokenizer again");
    }
    if (status == HMA_OK) {
        status = flat ? read_map(&t, &scan) : read_members(&t, &scan, TOP);
    }
    hma_json_scan_free(&scan);
    if (status == HMA_OK) {
        status = digest_tokens(&t, digest);
    }
    free(t.list);
    hma_buffer_free(&t.texts);
    return status;
}
