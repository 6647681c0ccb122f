/* A hash map from byte strings to numbers (open addressing, grows by doubling, keeps copies of the keys). */
#ifndef HMA_BASE_TEXT_SET_H
#define HMA_BASE_TEXT_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"

typedef struct hma_text_set {
    struct hma_text_entry *entries; /* in order of insertion */
    size_t count, capacity;
    uint32_t *slots; /* entry index + 1; 0 is empty */
    size_t slot_count;
    char *bytes; /* all keys, one after the other */
    size_t byte_count, byte_capacity;
} hma_text_set;

void hma_text_set_free(hma_text_set *set);

/* Adds a key; *added says whether it is new. */
hma_status hma_text_set_add(hma_text_set *set, const char *key, size_t length, bool *added);

/* Adds a key with a value, or finds out that it is there (then *added is false and the value is left alone). */
hma_status hma_text_set_put(hma_text_set *set, const char *key, size_t length, uint64_t value, bool *added);

/* True and the value when the key is there. */
bool hma_text_set_find(const hma_text_set *set, const char *key, size_t length, uint64_t *value);

/* The key that was added as number `index` (below count); not terminated, valid until the next key is added. */
const char *hma_text_set_key(const hma_text_set *set, size_t index, size_t *length);

#endif
