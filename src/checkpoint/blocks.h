/*
 * Cutting tensors into blocks of at most HMA_BLOCK_BYTES: the unit in which data is read, produced, hashed and written. A block
 * never spans two tensors, and where blocks begin depends on the tensors only.
 */
#ifndef HMA_CHECKPOINT_BLOCKS_H
#define HMA_CHECKPOINT_BLOCKS_H

#include "hma/checkpoint.h"

/* Part of the definition of hma_checkpoint_digest(): changing it changes every digest. */
enum { HMA_BLOCK_BYTES = 1 << 20 };

typedef struct hma_blocks {
    size_t *first; /* [tensors + 1] number of each tensor's first block; the last entry is the number of blocks */
    size_t tensors;
} hma_blocks;

typedef struct hma_block {
    size_t tensor;         /* index into the list */
    uint64_t first, count; /* elements */
} hma_block;

hma_status hma_blocks_cut(hma_blocks *out, const hma_tensor *const *tensors, size_t count);
void hma_blocks_free(hma_blocks *blocks);

size_t hma_blocks_count(const hma_blocks *blocks);
/* The `index`th block of the list that was cut. */
hma_block hma_blocks_at(const hma_blocks *blocks, const hma_tensor *const *tensors, size_t index);

/* Memory for one block for each of `threads`; NULL with the error set. */
void **hma_block_scratch_new(size_t threads);
void hma_block_scratch_free(void **scratch, size_t threads);

#endif
