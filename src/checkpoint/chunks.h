/*
 * Cutting tensors into chunks of at most HMA_CHUNK_BYTES: the unit in which data is read, produced, hashed and written. A chunk
 * never spans two tensors, and where chunks begin depends on the tensors only.
 */
#ifndef HMA_CHECKPOINT_CHUNKS_H
#define HMA_CHECKPOINT_CHUNKS_H

#include "hma/checkpoint.h"

/* Part of the definition of hma_checkpoint_digest(): changing it changes every digest. */
enum { HMA_CHUNK_BYTES = 1 << 20 };

typedef struct hma_chunks {
    size_t *first; /* [tensors + 1] number of each tensor's first chunk; the last entry is the number of chunks */
    size_t tensors;
} hma_chunks;

typedef struct hma_chunk {
    size_t tensor;         /* index into the list */
    uint64_t first, count; /* elements */
} hma_chunk;

hma_status hma_chunks_cut(hma_chunks *out, const hma_tensor *const *tensors, size_t count);
void hma_chunks_free(hma_chunks *chunks);

size_t hma_chunks_count(const hma_chunks *chunks);
/* The `index`th chunk of the list that was cut. */
hma_chunk hma_chunks_at(const hma_chunks *chunks, const hma_tensor *const *tensors, size_t index);

/* Memory for one chunk for each of `threads`; NULL with the error set. */
void **hma_chunk_scratch_new(size_t threads);
void hma_chunk_scratch_free(void **scratch, size_t threads);

#endif
