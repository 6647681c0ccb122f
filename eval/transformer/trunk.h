/*
 * What is kept of the tokens that went through the layers, from one pass to the next and from one model to the next. Merges of
 * one pair often agree on their leading layers; for the same tokens these layers leave the same bits. Kept are, at the depths
 * at which the models to come part from the one in hand,
 * - residual streams: passes begin there;
 * - keys and values of the layers before, of tokens that came in more than one pass over sequences that others go on from:
 *   prompts, and the beginnings of replies; and of every token that is generated, for the next model may say the same. What
 *   goes on from them needs no more of them. A pass over the very same model needs nothing else, so the depth of all layers
 *   counts too.
 *
 * What is kept belongs to tokens, not to requests: rows are found by the path of tokens that leads to them. Memory: a quarter
 * of what the context has left; keys and values are added while all of it is less than half of that. When it runs out, the
 * streams of the shallowest depth are dropped, because deeper ones save more and are needed sooner; what finds no place is
 * computed again.
 */
#ifndef HMA_EVAL_TRANSFORMER_TRUNK_H
#define HMA_EVAL_TRANSFORMER_TRUNK_H

#include "eval/transformer/forward.h"

typedef struct hma_trunk hma_trunk;

hma_status hma_trunk_new(hma_trunk **out, hma_context *context, const hma_architecture *architecture);
void hma_trunk_free(hma_trunk *trunk);

/* The weights have another source now: what was kept is good for depths before which nothing has changed. */
void hma_trunk_bind(hma_trunk *trunk, const hma_weights *weights);

/*
 * Depths (numbers of leading layers, rising, each from 1 to all) at which something is kept from now on, besides those at which
 * what is there is good for the model in hand.
 */
hma_status hma_trunk_keep(hma_trunk *trunk, const hma_weights *weights, const size_t *depths, size_t count);

/* What a pass is for. */
typedef enum hma_pass_use {
    HMA_PASS_COMPLETE,  /* sequences that nothing goes on from */
    HMA_PASS_CONTINUED, /* other passes may go on from what they begin with */
    HMA_PASS_CACHED,    /* keys and values of all layers are wanted: stores[layers] */
    HMA_PASS_STEP       /* the same; every run is one row that goes on from a path of an earlier pass */
} hma_pass_use;

/*
 * A whole forward pass: residual stream of the batch's tokens after the last layer, into x[rows, hidden]; the same bits as
 * hma_engine_embed() and hma_engine_layers() give. Of a batch that says which rows are asked for, the others hold nothing of
 * use. Without HMA_PASS_CACHED and HMA_PASS_STEP there is one store, overwritten by every layer.
 * paths[rows], or NULL: receives the numbers of the rows' token paths (token_paths.h). HMA_PASS_STEP needs them: there they say
 * what each row goes on from, and then its own path.
 */
hma_status hma_trunk_run(hma_trunk *trunk, hma_engine *engine, const hma_batch *batch, float *x, hma_store *stores,
                         hma_pass_use use, uint32_t *paths, const hma_tally *tally);

#endif
