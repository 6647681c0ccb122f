/*
 * Writing tensors as model.safetensors, or as shards with model.safetensors.index.json, into a folder that is already being
 * staged (base/atomic_file.h). Memory does not grow with the model: the caller produces data in chunks.
 *
 * Canonical form, byte for byte what the reference writer gives: tensors sorted by dtype alignment descending, then by name;
 * compact JSON header padded with spaces to a multiple of 8; "__metadata__" first.
 */
#ifndef HMA_CHECKPOINT_SHARDS_H
#define HMA_CHECKPOINT_SHARDS_H

#include "hma/checkpoint.h"
#include "hma/context.h"

/* Fills destination[count elements of tensor->dtype] from element `first` on. */
typedef hma_status (*hma_produce_fn)(void *user, const hma_tensor *tensor, uint64_t first, uint64_t count, void *destination);

/* 5 GB, as the Hugging Face tools. */
#define HMA_SHARD_SIZE_DEFAULT UINT64_C(5000000000)

typedef struct hma_shard_options {
    uint64_t shard_size;         /* bytes of tensor data in a shard; a larger tensor gets a shard of its own; 0: default */
    const char *const *metadata; /* key, value, key, value, .., NULL: "__metadata__" besides "format": "pt"; may be NULL */
} hma_shard_options;

typedef struct hma_shard_report {
    size_t shards;
    uint64_t bytes;               /* of tensor data */
} hma_shard_report;

/*
 * `tensors` in any order; their shard and offset fields are not looked at. Chunks are produced on several threads at once and
 * each is written by the thread that produced it, so that producing and writing overlap; the bytes never depend on that. Every
 * file is reserved first, flushed last, and its header is read back.
 * @return also what `produce` returns; HMA_INTERRUPTED. On failure the caller discards the stage.
 */
HMA_MUST_CHECK hma_status hma_shards_write(hma_context *context, const char *folder, const hma_tensor *const *tensors,
                                           size_t count,
                            const hma_shard_options *options, hma_produce_fn produce, void *user, hma_shard_report *report);

/* How many shards that makes, without writing any. */
hma_status hma_shards_count(const hma_tensor *const *tensors, size_t count, uint64_t shard_size, size_t *shards);

#endif
