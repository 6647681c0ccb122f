#include "merge/sweep.h"

#include "base/checked.h"
#include "base/context.h"

/* Chunks per thread between two reports of progress. */
enum { CHUNKS_PER_THREAD = 32 };

typedef struct sweep {
    const hma_context *context;
    const hma_tensor *const *tensors;
    const hma_chunks *chunks;
    hma_sweep_fn visit;
    void *user;
    void **scratch; /* [threads] */
    size_t first;   /* chunk of the present wave */
} sweep;

static hma_status visit_chunk(void *argument, size_t index, size_t worker) {
    const sweep *s = argument;
    const hma_status status = hma_context_check(s->context);
    if (status != HMA_OK) {
        return status;
    }
    const hma_chunk chunk = hma_chunks_at(s->chunks, s->tensors, s->first + index);
    return s->visit(s->user, s->first + index, &chunk, s->scratch[worker]);
}

hma_status hma_sweep(hma_context *context, const char *what, const hma_tensor *const *tensors, const hma_chunks *chunks,
                     hma_sweep_fn visit, void *user) {
    const size_t threads = hma_context_threads(context), count = hma_chunks_count(chunks), wave = threads * CHUNKS_PER_THREAD;
    sweep s = {context, tensors, chunks, visit, user, hma_chunk_scratch_new(threads), 0};
    hma_status status = s.scratch ? HMA_OK : HMA_FAILURE;
    for (; status == HMA_OK && s.first < count; s.first += wave) {
        const size_t n = hma_min_size(wave, count - s.first);
        status = hma_pool_run(hma_context_pool(context), n, visit_chunk, &s);
        hma_report(context, what, "bytes", (double)(s.first + n) * HMA_CHUNK_BYTES, (double)count * HMA_CHUNK_BYTES);
    }
    hma_chunk_scratch_free(s.scratch, threads);
    return status;
}
