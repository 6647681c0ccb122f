#include "eval/transformer/token_paths.h"

#include <stdlib.h>

#include "base/memory.h"

struct hma_token_path {
    uint32_t before;
    int32_t token;
    uint32_t number; /* plus 1; 0: an empty slot */
};

void hma_token_paths_free(hma_token_paths *paths) {
    free(paths->slots);
    *paths = (hma_token_paths){0};
}

/* The slot that holds a path, or the empty one where it belongs. */
static struct hma_token_path *slot_of(struct hma_token_path *slots, size_t count, uint32_t before, int32_t token) {
    uint64_t hash = ((uint64_t)before << 32 | (uint32_t)token) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
    size_t at = (size_t)hash & (count - 1);
    while (slots[at].number && (slots[at].before != before || slots[at].token != token)) {
        at = (at + 1) & (count - 1);
    }
    return &slots[at];
}

/* At most half of the slots are taken. */
static hma_status make_room(hma_token_paths *paths) {
    if (2 * (paths->count + 1) <= paths->slot_count) {
        return HMA_OK;
    }
    const size_t count = paths->slot_count ? 2 * paths->slot_count : 1024;
    struct hma_token_path *slots = HMA_NEW(struct hma_token_path, count);
    if (!slots) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < paths->slot_count; i++) {
        if (paths->slots[i].number) {
            *slot_of(slots, count, paths->slots[i].before, paths->slots[i].token) = paths->slots[i];
        }
    }
    free(paths->slots);
    paths->slots = slots;
    paths->slot_count = count;
    return HMA_OK;
}

hma_status hma_token_paths_extend(hma_token_paths *paths, uint32_t before, int32_t token, size_t most, uint32_t *out) {
    const hma_status status = make_room(paths);
    if (status != HMA_OK) {
        return status;
    }
    struct hma_token_path *slot = slot_of(paths->slots, paths->slot_count, before, token);
    if (!slot->number) {
        if (paths->count >= most) {
            *out = HMA_NO_PATH;
            return HMA_OK;
        }
        *slot = (struct hma_token_path){before, token, (uint32_t)++paths->count};
    }
    *out = slot->number - 1;
    return HMA_OK;
}
