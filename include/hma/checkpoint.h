/*
 * Checkpoints: Hugging Face folders, read and never trusted.
 *
 * A folder holds config.json and either model.safetensors or model.safetensors.index.json with its shards. Opening one
 * reads and checks config.json, the index and every shard's header (lengths, offsets, overlaps, holes, duplicate names,
 * products that overflow, ..) before any tensor data is looked at. Data is read with pread(2), never mapped, so a file
 * that shrinks under us is an error and not a crash.
 *
 * Format: https://github.com/huggingface/safetensors (README, "Format").
 */
#ifndef HMA_CHECKPOINT_H
#define HMA_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/context.h"
#include "hma/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hma_checkpoint hma_checkpoint;

/* Element types in the order of the safetensors specification's names. Only the first three can be merged or scored. */
typedef enum hma_dtype {
    HMA_F32 = 0,
    HMA_F16,
    HMA_BF16,
    HMA_F64,
    HMA_I64,
    HMA_I32,
    HMA_I16,
    HMA_I8,
    HMA_U64,
    HMA_U32,
    HMA_U16,
    HMA_U8,
    HMA_BOOL,
    HMA_DTYPE_COUNT
} hma_dtype;

/* "F32", "BF16", ..; NULL outside the enumeration. */
HMA_API const char *hma_dtype_name(hma_dtype dtype);
/* Bytes of one element; 0 outside the enumeration. */
HMA_API size_t hma_dtype_size(hma_dtype dtype);
/* Accepts the safetensors name in any case, and torch's ("float32", "bfloat16", "float16"). HMA_USAGE otherwise. */
HMA_API HMA_MUST_CHECK hma_status hma_dtype_parse(hma_dtype *out, const char *name);
/* F32, F16 and BF16: what a merge or a forward pass can use. */
HMA_API bool hma_dtype_is_weight(hma_dtype dtype);

enum { HMA_MAX_RANK = 8 };

typedef struct hma_tensor {
    const char *name; /* UTF-8, no control characters */
    hma_dtype dtype;
    size_t rank;                  /* 0 for a scalar */
    uint64_t shape[HMA_MAX_RANK]; /* row-major, as PyTorch prints it; linear weights are [out, in] */
    uint64_t elements;            /* product of shape; 1 for rank 0 */
    uint64_t bytes;               /* elements * size of dtype */
    size_t shard;                 /* which file of the folder */
    uint64_t offset;              /* byte offset of the data in that file */
} hma_tensor;

/*
 * Opens a folder. On success *out is freed with hma_checkpoint_close(). The path of a *.safetensors file is not accepted:
 * a model is a folder.
 * @return HMA_IO (the folder is missing, a file cannot be read), HMA_BAD_DATA (the folder is no model, or config, index or a
 *         header is broken), HMA_OK.
 */
HMA_API HMA_MUST_CHECK hma_status hma_checkpoint_open(hma_checkpoint **out, const char *folder);
HMA_API void hma_checkpoint_close(hma_checkpoint *checkpoint);

/* The folder as it was given. */
HMA_API const char *hma_checkpoint_folder(const hma_checkpoint *checkpoint);

/* Oddities that opening found and ignored, a line each: a wrong total_size, weights that no index names. NULL past the end. */
HMA_API size_t hma_checkpoint_warning_count(const hma_checkpoint *checkpoint);
HMA_API const char *hma_checkpoint_warning(const hma_checkpoint *checkpoint, size_t index);

/* Tensors in byte order of their names. The pointers live as long as the checkpoint. */
HMA_API size_t hma_checkpoint_tensor_count(const hma_checkpoint *checkpoint);
HMA_API const hma_tensor *hma_checkpoint_tensor(const hma_checkpoint *checkpoint, size_t index);
/* NULL when there is no such tensor. */
HMA_API const hma_tensor *hma_checkpoint_find(const hma_checkpoint *checkpoint, const char *name);

/*
 * Reads `count` elements of a tensor from element `first` on, as they are stored, into `destination`
 * (count * hma_dtype_size(dtype) bytes).
 * Thread rule: any number of threads may read one checkpoint at once.
 * @return HMA_IO when the file ends early, has changed since it was opened, or the device fails.
 */
HMA_API HMA_MUST_CHECK hma_status hma_checkpoint_read(const hma_checkpoint *checkpoint, const hma_tensor *tensor,
                                                      uint64_t first, uint64_t count, void *destination);

/*
 * SHA-256 over what determines the model: config.json and every tensor's name, type, shape and data, in name order.
 * Independent of sharding. Written as 64 lower-case hex digits and a terminator. Reads the whole model once; the result
 * is kept with the checkpoint, so that a second call costs nothing. One such call at a time for a checkpoint.
 */
HMA_API HMA_MUST_CHECK hma_status hma_checkpoint_digest(hma_context *context, const hma_checkpoint *checkpoint,
                                                        char digest[65]);

/*
 * All the ways in which two checkpoints cannot be averaged, found at once: tensors that only one has, shapes, element
 * types, config.json values that change what the tensors mean, tokenizers. `problems` is a NULL-terminated array of
 * one-line texts, freed with hma_problems_free(); an empty array means compatible.
 * @return HMA_OK also when there are problems; only a failure to look is an error.
 */
HMA_API HMA_MUST_CHECK hma_status hma_checkpoint_compare(const hma_checkpoint *pre, const hma_checkpoint *post,
                                                         char ***problems, size_t *problem_count);
HMA_API void hma_problems_free(char **problems);

/*
 * What differs between two checkpoints without keeping them from being averaged, as sentences: other tokens that end replies.
 * `notes` is like the problems above and freed in the same way.
 */
HMA_API HMA_MUST_CHECK hma_status hma_checkpoint_notes(const hma_checkpoint *pre, const hma_checkpoint *post, char ***notes,
                                                       size_t *note_count);

#ifdef __cplusplus
}
#endif
#endif
