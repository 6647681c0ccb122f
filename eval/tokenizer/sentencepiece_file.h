/*
 * tokenizer.model: sentencepiece's ModelProto in protobuf wire format, read without a protobuf library. Every length is
 * compared with the bytes that are there. Format: sentencepiece_model.proto of sentencepiece.
 */
#ifndef HMA_TOKENIZER_SENTENCEPIECE_FILE_H
#define HMA_TOKENIZER_SENTENCEPIECE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/error.h"

typedef enum hma_piece_type {
    HMA_PIECE_NORMAL = 1,
    HMA_PIECE_UNKNOWN = 2,
    HMA_PIECE_CONTROL = 3,
    HMA_PIECE_USER_DEFINED = 4,
    HMA_PIECE_UNUSED = 5,
    HMA_PIECE_BYTE = 6
} hma_piece_type;

typedef struct hma_model_piece {
    const char *text; /* UTF-8, not terminated, not empty; points into the file's bytes */
    size_t length;
    float score; /* not NaN */
    hma_piece_type type;
} hma_model_piece;

typedef enum hma_spm_kind { HMA_SPM_UNIGRAM = 1, HMA_SPM_BPE = 2 } hma_spm_kind;

/* The settings that matter for encoding and decoding. */
typedef struct hma_spm_file {
    char *bytes; /* the file */
    size_t byte_count;
    hma_model_piece *pieces; /* by id */
    size_t count, capacity;
    hma_spm_kind kind;
    bool byte_fallback;
    bool space_as_suffix; /* treat_whitespace_as_suffix */
    bool dummy_prefix, remove_extra_spaces, escape_spaces;
    const char *unknown_surface; /* what an unknown token looks like; not terminated */
    size_t unknown_surface_length;
    const char *charsmap; /* NULL when the file has none */
    size_t charsmap_length;
} hma_spm_file;

/* On failure there is nothing to free. */
hma_status hma_spm_file_read(hma_spm_file *out, const char *path);
void hma_spm_file_free(hma_spm_file *file);

#endif
