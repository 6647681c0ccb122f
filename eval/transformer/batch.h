/*
 * What goes through the layers at once: rows (tokens), nothing padded.
 *
 * A batch is made of runs: consecutive rows at consecutive positions of one sequence. What a run may look at is a list of spans
 * of the key/value store: the runs it continues, and itself. Sequences that share leading tokens share the runs of these
 * tokens: the runs form a forest, and a shared prefix is computed once.
 */
#ifndef HMA_EVAL_TRANSFORMER_BATCH_H
#define HMA_EVAL_TRANSFORMER_BATCH_H

#include "eval/transformer/kernels/vector.h"
#include "hma/model.h"

typedef struct hma_run_of_rows {
    size_t first, count;   /* rows */
    size_t position;       /* of the first row */
    size_t store;          /* row of the key/value store that takes the first row's key and value; the others follow */
    size_t span_first, span_count; /* in batch->spans; the last span is the run itself */
} hma_run_of_rows;

typedef struct hma_batch {
    size_t rows;
    int32_t *ids;          /* [rows] */
    uint32_t *positions;   /* [rows] */
    size_t *store;         /* [rows] row of the key/value store */
    size_t run_count, run_capacity;
    hma_run_of_rows *runs; /* in row order */
    size_t span_count, span_capacity;
    hma_span *spans;
    size_t store_rows;     /* the store must have so many */
    size_t longest;        /* positions of the longest sequence */
    bool *asked;           /* [rows]: what leaves the last layer there is wanted; NULL: everywhere */
} hma_batch;

void hma_batch_free(hma_batch *batch);

/*
 * Builds the forest of `count` sequences (none empty). leaf[i] receives the run in which sequence i ends: its last row is the
 * last token. Rows are numbered from 0 and stored at the same numbers; the order depends on the sequences' ids only.
 */
hma_status hma_batch_forest(hma_batch *out, const hma_ids *sequences, size_t count, size_t *leaf);

/* The same without sharing: sequence i is run i, whatever the others begin with. */
hma_status hma_batch_separate(hma_batch *out, const hma_ids *sequences, size_t count);

/* Order by ids, a prefix before what continues it: -1, 0, 1; and the number of leading ids that two sequences have in common.
 */
int hma_ids_compare(const hma_ids *a, const hma_ids *b);
size_t hma_ids_common(const hma_ids *a, const hma_ids *b);

/* Only the given rows are asked for from now on: the last layer is computed there alone. */
hma_status hma_batch_ask(hma_batch *batch, const size_t *rows, size_t count);

/* Row of position `position` of the sequence that ends in run `leaf`. */
size_t hma_batch_row(const hma_batch *batch, size_t leaf, size_t position);

#endif
