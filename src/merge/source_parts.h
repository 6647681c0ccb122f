/* What a source consists of; for source.c, which makes it, and source_read.c, which reads it. */
#ifndef HMA_MERGE_SOURCE_PARTS_H
#define HMA_MERGE_SOURCE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "merge/source.h"

typedef enum hma_source_how {
    HMA_COPY_BITS,   /* from post, unseen */
    HMA_COPY_FINITE, /* from post, no NaN and no infinity allowed */
    HMA_COPY_EQUAL,  /* from post, pre must have the same bits */
    HMA_BLEND
} hma_source_how;

/* A blend whose numbers follow from the whole tensor: its first reader finds them, others wait for it. */
typedef struct hma_pending_blend {
    pthread_mutex_t lock;
    atomic_bool known;
    double cosine; /* of slerp */
    hma_blend blend;
} hma_pending_blend;

typedef struct hma_source_entry {
    hma_tensor out; /* first: a pointer to it is a pointer to the whole */
    const hma_tensor *pre, *post, *base; /* base: of forms that read it */
    hma_source_how how;
    uint64_t common;            /* of HMA_BLEND: so many elements are merged, the others are those of the extra rows' donor */
    hma_blend blend;            /* of HMA_BLEND */
    hma_pending_blend *pending; /* takes the place of `blend`; NULL: nothing has to be found */
} hma_source_entry;

struct hma_source {
    const hma_checkpoint *pre, *post; /* pre is NULL for a plain source */
    const hma_checkpoint *base;       /* may be NULL */
    const hma_checkpoint *described;  /* whose config describes it, and whose the extra rows are */
    hma_recipe *recipe;
    hma_source_entry *tensors; /* [count], by name */
    size_t count;
    const hma_kernels *kernels;
};

/* How a tensor's elements are blended, with the numbers that only the whole tensor tells. (source_blend.c) */
hma_status hma_source_blend_of(const hma_source *source, const hma_source_entry *entry, const hma_blend **out);

/* Chooses form and numbers for a tensor of HMA_BLEND, from its ratio. */
hma_status hma_source_choose_blend(const hma_source *source, hma_source_entry *entry, bool tied_head);
void hma_source_free_pending(hma_pending_blend *pending);

#endif
