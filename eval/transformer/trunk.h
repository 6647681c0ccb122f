/*
 * Residual streams that are kept from one model to the next. Merges of one pair often agree on their leading layers; for the
 * same tokens the stream that leaves these layers has the same bits, so it is kept at the depths at which the models to come
 * part from the one in hand, and passes begin there.
 *
 * What is kept belongs to tokens, not to requests: rows are found by the path of tokens that leads to them. Memory: a quarter
 * of what the context has left. When it runs out the shallowest depth is dropped, because a deeper one saves more and is needed
 * sooner; rows that find no place at any depth are computed again.
 */
#ifndef HMA_EVAL_TRANSFORMER_TRUNK_H
#define HMA_EVAL_TRANSFORMER_TRUNK_H

#include "eval/transformer/forward.h"

typedef struct hma_trunk hma_trunk;

hma_status hma_trunk_new(hma_trunk **out, hma_context *context, const hma_architecture *architecture);
void hma_trunk_free(hma_trunk *trunk);

/* The weights have another source now: what was kept is good for depths before which nothing has changed. */
void hma_trunk_bind(hma_trunk *trunk, const hma_weights *weights);

/* Depths (numbers of leading layers, rising, each from 1 to layers - 1) at which streams are kept from now on. */
hma_status hma_trunk_keep(hma_trunk *trunk, const hma_weights *weights, const size_t *depths, size_t count);

/*
 * A whole forward pass: residual stream of the batch's tokens after the last layer, into x[rows, hidden]; the same bits as
 * hma_engine_embed() and hma_engine_layers() give. `store` is overwritten by every layer.
 */
hma_status hma_trunk_run(hma_trunk *trunk, hma_engine *engine, const hma_batch *batch, float *x, hma_store *store,
                         const hma_tally *tally);

/* Rows times layers that passes did not have to compute, so far. */
double hma_trunk_saved(const hma_trunk *trunk);

#endif
