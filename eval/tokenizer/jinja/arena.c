#include "eval/tokenizer/jinja/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"

enum { BLOCK = 16384 };

typedef struct hma_arena_block {
    struct hma_arena_block *next;
    size_t used, size;
    max_align_t bytes[];
} block;

void *hma_arena_get(hma_arena *arena, size_t bytes) {
    const size_t unit = sizeof(max_align_t);
    if (bytes > arena->limit || arena->total > arena->limit - bytes) {
        (void)hma_error(
            HMA_BAD_DATA,
            "the chat template needs more than %zu bytes of memory (expected a template that ends): use another one",
            arena->limit);
        return NULL;
    }
    arena->total += bytes;
    bytes = (bytes + unit - 1) / unit * unit;
    block *b = arena->blocks;
    if (!b || b->size - b->used < bytes) {
        const size_t size = bytes > BLOCK ? bytes : BLOCK;
        b = hma_new_array(1, sizeof *b + size);
        if (!b) {
            return NULL;
        }
        *b = (block){.next = arena->blocks, .size = size};
        arena->blocks = b;
    }
    void *p = (char *)b->bytes + b->used;
    b->used += bytes;
    return p;
}

char *hma_arena_copy(hma_arena *arena, const char *text, size_t length) {
    char *copy = hma_arena_get(arena, length + 1);
    if (copy && length) {
        memcpy(copy, text, length);
    }
    return copy;
}

void hma_arena_free(hma_arena *arena) {
    while (arena->blocks) {
        block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->total = 0;
}
