/* model.safetensors.index.json: which shard holds which tensor. */
#ifndef HMA_CHECKPOINT_INDEX_H
#define HMA_CHECKPOINT_INDEX_H

#include "checkpoint/tensor_list.h"

typedef struct hma_index {
    hma_tensor_list tensors; /* sorted; only name and shard are set */
    char **shards;           /* file names, in order of first mention */
    size_t shard_count, shard_capacity;
    bool has_total;
    double total_size;       /* bytes of tensor data that the index claims: for a warning only */
} hma_index;

/* Shard names are plain file names ending in ".safetensors": nothing in an index leads out of its folder. */
hma_status hma_index_load(hma_index *out, const char *path);
/* The same from memory; `path` is used in messages. */
hma_status hma_index_parse(hma_index *out, const char *path, const char *text, size_t length);
void hma_index_free(hma_index *index);

#endif
