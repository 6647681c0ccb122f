/*
 * Large blocks of memory that come and go with every pass: those given back lie by for whoever asks next, because memory that
 * is new to the process costs a fault and the clearing of every page, which can take longer than what is computed in it.
 *
 * Not for several threads at a time.
 */
#ifndef HMA_BASE_BLOCKS_H
#define HMA_BASE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

typedef struct hma_blocks {
    struct hma_block *list; /* the oldest first */
    size_t count, capacity;
    uint64_t spare; /* bytes of those that lie by */
} hma_blocks;

/* Frees what lies by; all blocks must have been given back. */
void hma_blocks_clear(hma_blocks *blocks);

/* An array like hma_new_aligned()'s, but nothing is said of what it holds. NULL, with a message, when there is no memory. */
void *hma_blocks_take(hma_blocks *blocks, size_t count, size_t size);

/* Gives a block back (NULL: nothing happens); what has lain by for longest is freed until no more than `most` bytes do. */
void hma_blocks_give(hma_blocks *blocks, void *block, uint64_t most);

#endif
