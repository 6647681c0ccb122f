#include "checkpoint/blocks.h"

#include <stdlib.h>

#include "base/checked.h"
#include "base/memory.h"

static uint64_t elements_of_block(const hma_tensor *tensor) { return HMA_BLOCK_BYTES / hma_dtype_size(tensor->dtype); }

hma_status hma_blocks_cut(hma_blocks *out, const hma_tensor *const *tensors, size_t count) {
    size_t *first = HMA_NEW(size_t, count + 1);
    if (!first) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < count; i++) {
        const uint64_t per_block = elements_of_block(tensors[i]);
        first[i + 1] = first[i] + (size_t)(tensors[i]->elements / per_block + (tensors[i]->elements % per_block != 0));
    }
    *out = (hma_blocks){first, count};
    return HMA_OK;
}

void hma_blocks_free(hma_blocks *blocks) {
    free(blocks->first);
    *blocks = (hma_blocks){0};
}

size_t hma_blocks_count(const hma_blocks *blocks) { return blocks->first ? blocks->first[blocks->tensors] : 0; }

hma_block hma_blocks_at(const hma_blocks *blocks, const hma_tensor *const *tensors, size_t index) {
    /* the last tensor whose first block is not after `index`; tensors without elements have none */
    size_t low = 0, high = blocks->tensors;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (blocks->first[middle] <= index) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const uint64_t per_block = elements_of_block(tensors[low]);
    const uint64_t first = (index - blocks->first[low]) * per_block;
    return (hma_block){low, first, hma_min_u64(per_block, tensors[low]->elements - first)};
}

void **hma_block_scratch_new(size_t threads) {
    void **scratch = HMA_NEW(void *, threads);
    for (size_t i = 0; scratch && i < threads; i++) {
        scratch[i] = hma_new_aligned(HMA_BLOCK_BYTES, 1);
        if (!scratch[i]) {
            hma_block_scratch_free(scratch, threads);
            return NULL;
        }
    }
    return scratch;
}

void hma_block_scratch_free(void **scratch, size_t threads) {
    for (size_t i = 0; scratch && i < threads; i++) {
        free(scratch[i]);
    }
    free(scratch);
}
