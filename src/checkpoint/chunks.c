#include "checkpoint/chunks.h"

#include <stdlib.h>

#include "base/checked.h"
#include "base/memory.h"

static uint64_t elements_of_chunk(const hma_tensor *tensor) { return HMA_CHUNK_BYTES / hma_dtype_size(tensor->dtype); }

hma_status hma_chunks_cut(hma_chunks *out, const hma_tensor *const *tensors, size_t count) {
    size_t *first = HMA_NEW(size_t, count + 1);
    if (!first) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < count; i++) {
        const uint64_t per_chunk = elements_of_chunk(tensors[i]);
        first[i + 1] = first[i] + (size_t)(tensors[i]->elements / per_chunk + (tensors[i]->elements % per_chunk != 0));
    }
    *out = (hma_chunks){first, count};
    return HMA_OK;
}

void hma_chunks_free(hma_chunks *chunks) {
    free(chunks->first);
    *chunks = (hma_chunks){0};
}

size_t hma_chunks_count(const hma_chunks *chunks) { return chunks->first ? chunks->first[chunks->tensors] : 0; }

hma_chunk hma_chunks_at(const hma_chunks *chunks, const hma_tensor *const *tensors, size_t index) {
    /* the last tensor whose first chunk is not after `index`; tensors without elements have none */
    size_t low = 0, high = chunks->tensors;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (chunks->first[middle] <= index) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const uint64_t per_chunk = elements_of_chunk(tensors[low]);
    const uint64_t first = (index - chunks->first[low]) * per_chunk;
    return (hma_chunk){low, first, hma_min_u64(per_chunk, tensors[low]->elements - first)};
}

void **hma_chunk_scratch_new(size_t threads) {
    void **scratch = HMA_NEW(void *, threads);
    for (size_t i = 0; scratch && i < threads; i++) {
        scratch[i] = hma_new_aligned(HMA_CHUNK_BYTES, 1);
        if (!scratch[i]) {
            hma_chunk_scratch_free(scratch, threads);
            return NULL;
        }
    }
    return scratch;
}

void hma_chunk_scratch_free(void **scratch, size_t threads) {
    for (size_t i = 0; scratch && i < threads; i++) {
        free(scratch[i]);
    }
    free(scratch);
}
