/* One transformer layer on rows of a batch: the arithmetic of forward.c's steps. */
#ifndef HMA_EVAL_TRANSFORMER_LAYER_H
#define HMA_EVAL_TRANSFORMER_LAYER_H

#include "base/pool.h"
#include "eval/transformer/forward.h"

/* Queries of one run that are attended to at once. */
typedef struct hma_query_block {
    size_t run, first, count; /* rows first .. of that run */
} hma_query_block;

typedef struct hma_layer_run {
    hma_engine *engine;
    const hma_batch *batch;
    const hma_layer *layer;
    size_t number;
    hma_store *store;
    float *x; /* [rows, hidden] residual stream */
    float *q; /* [rows, heads * head_dim] queries, then what attention makes of them */
    const bool *asked; /* [rows] that attention is needed for; NULL: all */
    hma_query_block *blocks;
    size_t block_count;
} hma_layer_run;

/* Floats of scratch memory for steps on `rows` rows, and for attention over `positions` positions. */
size_t hma_layer_scratch(const hma_architecture *a, size_t rows, size_t positions);

/* Cuts the batch's runs into query blocks; hma_layer_plan_free() frees them. The same for all layers. */
hma_status hma_layer_plan_attention(hma_layer_run *run);
void hma_layer_plan_free(hma_layer_run *run);

/* Rows first .. first+count-1: x -> q, keys, values. With a pool, products are cut by columns. */
hma_status hma_layer_before(hma_layer_run *run, size_t first, size_t count, float *scratch, hma_pool *pool);
/* Attention is hma_layer_attention_tasks() independent tasks. */
size_t hma_layer_attention_tasks(const hma_layer_run *run);
void hma_layer_attend(const hma_layer_run *run, size_t task, float *scratch);
/* Rows first .. first+count-1: q, x -> x. */
hma_status hma_layer_after(hma_layer_run *run, size_t first, size_t count, float *scratch, hma_pool *pool);

/* y[n] = norm(x[n]) of hidden size. */
void hma_layer_norm_row(const hma_engine *engine, const hma_norm *norm, const float *x, float *y);
/* The same of `count` rows; a plain copy where the architecture has no such norm. */
void hma_layer_norm_rows(const hma_engine *engine, const hma_norm *norm, const float *x, float *y, size_t count);

/* Finishes the q, k, v of one row, in place (norms, rotation), and puts them where attention finds them. */
void hma_layer_place_row(const hma_layer_run *run, size_t row, float *qkv);

/*
 * y[m, count] = columns first .. first+count-1 of x * W^T + bias (`first` a multiple of HMA_PANEL); over the pool by columns,
 * or here when pool is NULL.
 */
hma_status hma_layer_multiply(const hma_engine *engine, hma_pool *pool, const float *x, size_t ldx, size_t m,
                              const hma_matrix *matrix, size_t first, size_t count, float *y, size_t ldy);

#endif
