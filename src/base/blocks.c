#include "base/blocks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"

typedef struct hma_block {
    void *memory;
    size_t bytes;
    bool taken;
} hma_block;

/* Smaller ones are left to malloc(), which keeps them by itself. */
enum { LARGE = 1 << 20 };

static void forget(hma_blocks *b, size_t i) {
    b->count--;
    memmove(&b->list[i], &b->list[i + 1], (b->count - i) * sizeof *b->list);
}

static void drop(hma_blocks *b, size_t i) {
    b->spare -= b->list[i].bytes;
    free(b->list[i].memory);
    forget(b, i);
}

void hma_blocks_clear(hma_blocks *b) {
    while (b->count) {
        drop(b, b->count - 1);
    }
    free(b->list);
    *b = (hma_blocks){0};
}

/* The smallest that lies by, is large enough and not more than twice so large; `count` when there is none. */
static size_t find(const hma_blocks *b, size_t bytes) {
    size_t best = b->count;
    for (size_t i = 0; i < b->count; i++) {
        const hma_block *one = &b->list[i];
        if (!one->taken && one->bytes >= bytes && one->bytes / 2 <= bytes &&
            (best == b->count || one->bytes < b->list[best].bytes)) {
            best = i;
        }
    }
    return best;
}

void *hma_blocks_take(hma_blocks *b, size_t count, size_t size) {
    size_t bytes;
    if (!hma_mul_size(&bytes, count, size) || bytes < LARGE) {
        return hma_new_aligned(count, size);
    }
    const size_t at = find(b, bytes);
    if (at < b->count) {
        b->list[at].taken = true;
        b->spare -= b->list[at].bytes;
        return b->list[at].memory;
    }
    if (hma_grow(&b->list, &b->capacity, b->count + 1, sizeof *b->list)) {
        return NULL;
    }
    void *memory = hma_new_aligned(count, size);
    if (memory) {
        b->list[b->count++] = (hma_block){memory, bytes, true};
    }
    return memory;
}

void hma_blocks_give(hma_blocks *b, void *block, uint64_t most) {
    size_t at = 0;
    while (at < b->count && b->list[at].memory != block) {
        at++;
    }
    if (at == b->count) {
        free(block); /* a small one, or none */
        return;
    }
    hma_block given = b->list[at];
    given.taken = false;
    forget(b, at);
    b->list[b->count++] = given;
    b->spare += given.bytes;
    for (size_t i = 0; b->spare > most && i < b->count;) {
        if (b->list[i].taken) {
            i++;
        } else {
            drop(b, i);
        }
    }
}
