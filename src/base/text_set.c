#include "base/text_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"

struct hma_text_entry {
    size_t offset, length;
    uint64_t hash;
    uint64_t value;
};

void hma_text_set_free(hma_text_set *set) {
    free(set->entries);
    free(set->slots);
    free(set->bytes);
    *set = (hma_text_set){0};
}

/* FNV-1a with a final mix; keys come from files, but a flood of collisions only costs time on the user's own input. */
static uint64_t hash_of(const char *key, size_t length) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++) {
        h = (h ^ (unsigned char)key[i]) * 0x100000001b3u;
    }
    h ^= h >> 32;
    h *= 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

/* Slot of the key, or the empty slot where it belongs. */
static size_t slot_of(const hma_text_set *set, const char *key, size_t length, uint64_t hash) {
    size_t slot = hash & (set->slot_count - 1);
    while (set->slots[slot]) {
        const struct hma_text_entry *e = &set->entries[set->slots[slot] - 1];
        if (e->hash == hash && e->length == length && memcmp(set->bytes + e->offset, key, length) == 0) {
            break;
        }
        slot = (slot + 1) & (set->slot_count - 1);
    }
    return slot;
}

static hma_status grow_slots(hma_text_set *set) {
    const size_t slot_count = set->slot_count ? set->slot_count * 2 : 64;
    uint32_t *slots = HMA_NEW(uint32_t, slot_count);
    if (!slots) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < set->count; i++) {
        size_t slot = set->entries[i].hash & (slot_count - 1);
        while (slots[slot]) {
            slot = (slot + 1) & (slot_count - 1);
        }
        slots[slot] = (uint32_t)(i + 1);
    }
    free(set->slots);
    set->slots = slots;
    set->slot_count = slot_count;
    return HMA_OK;
}

hma_status hma_text_set_put(hma_text_set *set, const char *key, size_t length, uint64_t value, bool *added) {
    if ((set->count + 1) * 2 > set->slot_count && grow_slots(set) != HMA_OK) {
        return HMA_FAILURE;
    }
    const uint64_t hash = hash_of(key, length);
    const size_t slot = slot_of(set, key, length, hash);
    if (set->slots[slot]) {
        *added = false;
        return HMA_OK;
    }
    size_t needed;
    if (set->count >= UINT32_MAX - 1 || !hma_add_size(&needed, set->byte_count, length) ||
        hma_grow(&set->bytes, &set->byte_capacity, needed + 1, 1) ||
        hma_grow(&set->entries, &set->capacity, set->count + 1, sizeof *set->entries)) {
        return hma_error_memory("names");
    }
    memcpy(set->bytes + set->byte_count, key, length);
    set->entries[set->count] = (struct hma_text_entry){set->byte_count, length, hash, value};
    set->byte_count = needed;
    set->slots[slot] = (uint32_t)++set->count;
    *added = true;
    return HMA_OK;
}

hma_status hma_text_set_add(hma_text_set *set, const char *key, size_t length, bool *added) {
    return hma_text_set_put(set, key, length, 0, added);
}

bool hma_text_set_find(const hma_text_set *set, const char *key, size_t length, uint64_t *value) {
    if (set->count == 0) {
        return false;
    }
    const size_t slot = slot_of(set, key, length, hash_of(key, length));
    if (!set->slots[slot]) {
        return false;
    }
    *value = set->entries[set->slots[slot] - 1].value;
    return true;
}

const char *hma_text_set_key(const hma_text_set *set, size_t index, size_t *length) {
    *length = set->entries[index].length;
    return set->bytes + set->entries[index].offset;
}
