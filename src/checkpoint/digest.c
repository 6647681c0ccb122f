/*
 * The digest of a checkpoint is SHA-256 of this text:
 *
 *     hma-checkpoint 1
 *     config SHA256-OF-THE-BYTES-OF-config.json
 *     tensor DTYPE D0xD1x.. NAME         for every tensor in byte order of names
 *     SHA256                             for every HMA_CHUNK_BYTES of its data, the last chunk being shorter
 *
 * Hashing chunk by chunk is what lets all threads take part; names hold no line breaks, so the text is unambiguous.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/context.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "checkpoint/chunks.h"
#include "checkpoint/folder.h"
#include "checkpoint/handle.h"

/* Chunks per thread that are hashed between two reports of progress: some tens of MiB. */
enum { CHUNKS_PER_THREAD = 32 };

typedef struct digester {
    hma_context *context;
    const hma_checkpoint *checkpoint;
    const hma_tensor **tensors;
    hma_chunks chunks;
    void **scratch;     /* [threads] one chunk each */
    size_t threads;
    char (*found)[65];  /* [wave] digests of the chunks of one wave */
    size_t wave, first; /* chunks of a wave; the first of the present one */
    uint64_t done, total; /* bytes */
    hma_sha256 *sum;
} digester;

static hma_status hash_chunk(void *argument, size_t index, size_t worker) {
    const digester *d = argument;
    hma_status status = hma_context_check(d->context);
    if (status != HMA_OK) {
        return status;
    }
    const hma_chunk chunk = hma_chunks_at(&d->chunks, d->tensors, d->first + index);
    const hma_tensor *tensor = d->tensors[chunk.tensor];
    status = hma_checkpoint_read(d->checkpoint, tensor, chunk.first, chunk.count, d->scratch[worker]);
    return status == HMA_OK ? hma_sha256_of(d->scratch[worker], (size_t)chunk.count * hma_dtype_size(tensor->dtype),
                                            d->found[index])
                            : status;
}

static hma_status add_text(hma_sha256 *sum, hma_buffer *text) {
    hma_status status = hma_buffer_ok(text);
    if (status == HMA_OK) {
        status = hma_sha256_add(sum, text->data, text->length);
    }
    hma_buffer_clear(text);
    return status;
}

static void print_tensor(hma_buffer *text, const hma_tensor *tensor) {
    hma_buffer_printf(text, "tensor %s ", hma_dtype_name(tensor->dtype));
    for (size_t i = 0; i < tensor->rank; i++) {
        hma_buffer_printf(text, "%s%" PRIu64, i ? "x" : "", tensor->shape[i]);
    }
    hma_buffer_printf(text, " %s\n", tensor->name);
}

/* Appends the present wave's digests, each tensor's line before its first chunk. `next` is the first tensor not yet printed. */
static void print_wave(digester *d, size_t count, size_t *next, hma_buffer *text) {
    for (size_t i = 0; i < count; i++) {
        const hma_chunk chunk = hma_chunks_at(&d->chunks, d->tensors, d->first + i);
        for (; *next <= chunk.tensor; ++*next) {
            print_tensor(text, d->tensors[*next]);
        }
        hma_buffer_printf(text, "%s\n", d->found[i]);
        d->done += chunk.count * hma_dtype_size(d->tensors[chunk.tensor]->dtype);
    }
}

static hma_status hash_all(digester *d) {
    hma_buffer text = {0};
    hma_buffer_printf(&text, "hma-checkpoint 1\nconfig %s\n", d->checkpoint->config.digest);
    hma_status status = add_text(d->sum, &text);
    const size_t chunks = hma_chunks_count(&d->chunks);
    size_t next = 0;
    for (d->first = 0; status == HMA_OK && d->first < chunks; d->first += d->wave) {
        const size_t count = hma_min_size(d->wave, chunks - d->first);
        status = hma_pool_run(hma_context_pool(d->context), count, hash_chunk, d);
        if (status == HMA_OK) {
            print_wave(d, count, &next, &text);
            status = add_text(d->sum, &text);
            hma_report(d->context, "hashing", "bytes", (double)d->done, (double)d->total);
        }
    }
    for (; next < d->chunks.tensors; next++) { /* at the end, those without elements */
        print_tensor(&text, d->tensors[next]);
    }
    if (status == HMA_OK) {
        status = add_text(d->sum, &text);
    }
    hma_buffer_free(&text);
    return status;
}

static hma_status prepare(digester *d) {
    const hma_tensor_list *tensors = &d->checkpoint->tensors;
    d->threads = hma_context_threads(d->context);
    d->wave = d->threads * CHUNKS_PER_THREAD;
    d->tensors = HMA_NEW(const hma_tensor *, tensors->count);
    d->scratch = hma_chunk_scratch_new(d->threads);
    d->found = hma_new_array(d->wave, sizeof *d->found);
    if (!d->tensors || !d->scratch || !d->found) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < tensors->count; i++) {
        d->tensors[i] = &tensors->items[i];
        d->total += tensors->items[i].bytes;
    }
    const hma_status status = hma_sha256_new(&d->sum);
    return status == HMA_OK ? hma_chunks_cut(&d->chunks, d->tensors, tensors->count) : status;
}

static hma_status compute(hma_context *context, const hma_checkpoint *checkpoint, char digest[65]) {
    digester d = {.context = context, .checkpoint = checkpoint};
    hma_status status = prepare(&d);
    if (status == HMA_OK) {
        status = hash_all(&d);
    }
    if (status == HMA_OK) {
        status = hma_checkpoint_unchanged(checkpoint);
    }
    if (status == HMA_OK) {
        status = hma_sha256_end(d.sum, digest);
    }
    hma_chunk_scratch_free(d.scratch, d.threads);
    free(d.found);
    free(d.tensors);
    hma_chunks_free(&d.chunks);
    hma_sha256_free(d.sum);
    return status;
}

hma_status hma_checkpoint_digest(hma_context *context, const hma_checkpoint *checkpoint, char digest[65]) {
    if (!checkpoint->digest[0]) {
        /* the first call with a context on a checkpoint: opening had nobody to tell */
        for (size_t i = 0; i < checkpoint->warning_count; i++) {
            hma_log(context, HMA_LOG_WARNING, "%s", checkpoint->warnings[i]);
        }
        char computed[65];
        const hma_status status = compute(context, checkpoint, computed);
        if (status != HMA_OK) {
            return status;
        }
        memcpy(checkpoint->digest, computed, sizeof computed);
    }
    memcpy(digest, checkpoint->digest, 65);
    return HMA_OK;
}
