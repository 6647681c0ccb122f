/* What a source consists of; for source.c, which makes it, and source_read.c, which reads it. */
#ifndef HMA_MERGE_SOURCE_PARTS_H
#define HMA_MERGE_SOURCE_PARTS_H

#include "merge/source.h"

typedef enum hma_source_how {
    HMA_COPY_BITS,   /* from post, unseen */
    HMA_COPY_FINITE, /* from post, no NaN and no infinity allowed */
    HMA_COPY_EQUAL,  /* from post, pre must have the same bits */
    HMA_BLEND
} hma_source_how;

typedef struct hma_source_entry {
    hma_tensor out; /* first: a pointer to it is a pointer to the whole */
    const hma_tensor *pre, *post;
    hma_source_how how;
    hma_blend blend; /* of HMA_BLEND */
} hma_source_entry;

struct hma_source {
    const hma_checkpoint *pre, *post; /* pre is NULL for a plain source */
    hma_recipe *recipe;
    hma_source_entry *tensors; /* [count], by name */
    size_t count;
    const hma_kernels *kernels;
};

#endif
