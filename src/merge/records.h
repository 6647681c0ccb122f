/*
 * What is kept of every chunk while a merge is produced: what rounding did to it, and a check sum that the bytes on the disk
 * are held against afterwards. 40 bytes for each MiB of the model.
 */
#ifndef HMA_MERGE_RECORDS_H
#define HMA_MERGE_RECORDS_H

#include "checkpoint/chunks.h"
#include "hma/context.h"
#include "merge/source.h"

typedef struct hma_record {
    hma_loss_sums loss;
    uint64_t check;
} hma_record;

typedef struct hma_records {
    const hma_source *source;
    const hma_tensor **tensors; /* [count] of the source, in its order */
    size_t count;
    hma_chunks chunks;
    hma_record *list; /* [chunks] */
} hma_records;

hma_status hma_records_new(hma_records *out, const hma_source *source);
void hma_records_free(hma_records *records);

/* An hma_produce_fn: reads the elements, which must be a whole chunk, and records them. `user` is the records. */
hma_status hma_records_produce(void *user, const hma_tensor *tensor, uint64_t first, uint64_t count, void *destination);

/* Produces everything and keeps nothing but the records. */
hma_status hma_records_produce_all(hma_context *context, hma_records *records);

/* HMA_IO naming the first tensor whose data in `folder` is not what was produced. */
hma_status hma_records_verify(hma_context *context, const hma_records *records, const char *folder);

/* Share of the interpolations that were lost; 0 when there are none. */
double hma_loss_share(const hma_rounding_loss *loss);
/* Error relative to the delta; 0 when pre and post are equal. */
double hma_loss_error(const hma_rounding_loss *loss);

/* Rounding losses per kind and in total, summed in the order of the tensors. */
void hma_records_sum(const hma_records *records, hma_merge_report *report);

#endif
