/*
 * The header of one safetensors file: eight bytes with its length, then JSON that names the tensors and where their data is.
 * Everything it claims is checked here, against the size of the file and against itself.
 *
 * Refused beyond what the format demands: names that are empty, longer than HMA_NAME_MAX or hold control characters, more
 * than HMA_MAX_RANK dimensions, keys of a tensor that the format does not know, more than HMA_TENSORS_MAX tensors.
 */
#ifndef HMA_CHECKPOINT_HEADER_H
#define HMA_CHECKPOINT_HEADER_H

#include "base/file.h"
#include "checkpoint/tensor_list.h"

enum {
    HMA_HEADER_MAX = 100000000,  /* bytes; the format's own limit */
    HMA_HEADER_PREFIX = 8,       /* bytes of the length before the JSON */
    HMA_TENSORS_MAX = 1 << 20,   /* of one checkpoint */
    HMA_METADATA_MAX = 1 << 16,  /* keys of "__metadata__" */
    HMA_NAME_MAX = 1024          /* bytes of a tensor's name */
};

/* Dimensions that the format's schema allows: 48 bits. */
#define HMA_DIMENSION_MAX ((UINT64_C(1) << 48) - 1)

/*
 * Appends the tensors of an open file, sorted by name, with `shard` as their shard and offsets from the start of the file.
 * `path` is used in messages. The list may have grown when this fails.
 */
hma_status hma_header_load(hma_tensor_list *list, const hma_input *input, const char *path, size_t shard);

/* The same from memory: `text` is the JSON, `data_bytes` what follows it in the file. */
hma_status hma_header_parse(hma_tensor_list *list, const char *path, const char *text, size_t length, uint64_t data_bytes,
                            size_t shard);

#endif
