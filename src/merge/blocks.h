/* Blocks: runs of consecutive layers that share one ratio, written as the first layer of each. */
#ifndef HMA_MERGE_BLOCKS_H
#define HMA_MERGE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/error.h"

/* More layers than any model has: what is beyond is a mistake or an attack. */
enum { HMA_MAX_LAYERS = 65536 };

typedef struct hma_blocks {
    size_t *start; /* [count]; start[0] is 0, increasing, all below the number of layers */
    size_t count;
} hma_blocks;

void hma_blocks_free(hma_blocks *blocks);

/* Even split, the remainder to the earlier blocks: 26 layers in 3 blocks are 9, 9, 8. */
hma_status hma_blocks_split(hma_blocks *out, size_t count, size_t layers);

/* From the first layers of the blocks, with or without the 0 of the first. */
hma_status hma_blocks_at(hma_blocks *out, const size_t *start, size_t count, size_t layers);

/* From a block specification as hma_recipe_spec has it ("3", "layers", "hma", "8,17", "8,"). */
hma_status hma_blocks_parse(hma_blocks *out, const char *text, size_t layers);

hma_status hma_blocks_copy(hma_blocks *out, const hma_blocks *blocks);

bool hma_blocks_are_even(const hma_blocks *blocks, size_t layers);

/* The block of a layer. */
size_t hma_blocks_find(const hma_blocks *blocks, size_t layer);

#endif
