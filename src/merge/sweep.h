/* Doing something with every chunk of a list of tensors, on all threads, with progress and a way out. */
#ifndef HMA_MERGE_SWEEP_H
#define HMA_MERGE_SWEEP_H

#include "checkpoint/chunks.h"
#include "hma/context.h"

/* `number` is the chunk's place in the list: results that go to results[number] depend on nothing else. `scratch` has room for
 * HMA_CHUNK_BYTES and belongs to the calling thread. */
typedef hma_status (*hma_sweep_fn)(void *user, size_t number, const hma_chunk *chunk, void *scratch);

/* `what` is the progress report's word. HMA_INTERRUPTED after a cancel. */
hma_status hma_sweep(hma_context *context, const char *what, const hma_tensor *const *tensors, const hma_chunks *chunks,
                     hma_sweep_fn visit, void *user);

#endif
