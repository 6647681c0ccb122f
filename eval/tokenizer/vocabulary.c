#include "eval/tokenizer/vocabulary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void hma_vocabulary_free(hma_vocabulary *vocabulary) {
    hma_text_set_free(&vocabulary->texts);
    free(vocabulary->entry);
    *vocabulary = (hma_vocabulary){0};
}

hma_status hma_vocabulary_add(hma_vocabulary *v, const char *text, size_t length, int32_t id, hma_vocabulary_clash *clash) {
    const size_t index = (size_t)id, old = v->capacity;
    bool added;
    if (hma_grow(&v->entry, &v->capacity, index + 1, sizeof *v->entry)) {
        return HMA_FAILURE;
    }
    memset(v->entry + old, 0, (v->capacity - old) * sizeof *v->entry);
    if (v->entry[index]) {
        *clash = HMA_SAME_ID;
        return HMA_OK;
    }
    const hma_status status = hma_text_set_put(&v->texts, text, length, index, &added);
    if (status == HMA_OK) {
        *clash = added ? HMA_NO_CLASH : HMA_SAME_TEXT;
        if (added) {
            v->entry[index] = (uint32_t)v->texts.count;
            v->size = index >= v->size ? index + 1 : v->size;
        }
    }
    return status;
}

int32_t hma_vocabulary_id(const hma_vocabulary *vocabulary, const char *text, size_t length) {
    uint64_t id;
    return hma_text_set_find(&vocabulary->texts, text, length, &id) ? (int32_t)id : -1;
}

const char *hma_vocabulary_text(const hma_vocabulary *vocabulary, int32_t id, size_t *length) {
    if (id < 0 || (size_t)id >= vocabulary->size || !vocabulary->entry[id]) {
        return NULL;
    }
    return hma_text_set_key(&vocabulary->texts, vocabulary->entry[id] - 1, length);
}

void hma_vocabulary_byte_ids(const hma_vocabulary *vocabulary, int32_t ids[256]) {
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[8];
        (void)snprintf(text, sizeof text, "<0x%02X>", byte);
        ids[byte] = hma_vocabulary_id(vocabulary, text, 6);
    }
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hma_byte_of_token(const char *text, size_t length) {
    if (length != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>') {
        return -1;
    }
    const int high = hex_digit(text[3]), low = hex_digit(text[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}
