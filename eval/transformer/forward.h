/*
 * The forward pass: rows of a batch through all layers, one layer at a time.
 *
 * A layer is three steps with the pool between them: (1) norm, q, k, v, rotation; keys and values go to the store; (2)
 * attention, whose result replaces q; (3) output projection, MLP, residuals. Large batches are cut into tiles of rows, each of
 * which goes through a whole step on one thread; small ones (decoding) are cut by columns of the matrices instead, so that
 * every thread reads only its share of the weights. Rows that do not see each other need no pool between the steps, nor between
 * the layers (hma_engine_apart).
 */
#ifndef HMA_EVAL_TRANSFORMER_FORWARD_H
#define HMA_EVAL_TRANSFORMER_FORWARD_H

#include "base/context.h"
#include "eval/transformer/batch.h"
#include "eval/transformer/weights.h"

/*
 * Keys and values of one layer. Keys are transposed in tiles of 16 rows (kernels/vector.h). What one head has of a span lies in
 * one piece: a token that is decoded reads all of it, from memory, and processors foresee no other order.
 */
typedef struct hma_store {
    hma_context *context;
    size_t rows; /* a multiple of 16 */
    size_t kv_heads, head_dim;
    float *keys;   /* [kv_heads][rows / 16][head_dim][16] */
    float *values; /* [kv_heads][rows][head_dim] */
} hma_store;

hma_status hma_store_new(hma_store *out, hma_context *context, const hma_architecture *architecture, size_t rows);
void hma_store_free(hma_store *store);
/* One row's key and value, [kv_heads * head_dim] each. */
void hma_store_put(hma_store *store, size_t row, const float *key, const float *value);
void hma_store_get(const hma_store *store, size_t row, float *key, float *value);

typedef struct hma_engine {
    hma_context *context;
    const char *name; /* of the model, for messages */
    const hma_architecture *a;
    const hma_kernels *kernels;
    hma_weights *weights;
    /* tables of cosines and sines for each kind of rotation, grown to the longest sequence seen */
    size_t table_positions;
    float *cosine[HMA_ROPE_KINDS], *sine[HMA_ROPE_KINDS];
    float **scratch;       /* [threads] */
    size_t scratch_floats; /* of each */
    float *wide;           /* for batches that are cut by columns */
    size_t wide_floats;
    float *inputs; /* [layers][rows, hidden]: hma_engine_layers() leaves here what went into a layer; NULL: nowhere */
    double flops;  /* useful ones, so far */
    double seconds;
} hma_engine;

hma_status hma_engine_new(hma_engine *out, hma_context *context, const char *name, const hma_architecture *architecture,
                          const hma_kernels *kernels, hma_weights *weights);
void hma_engine_free(hma_engine *engine);

/* Residual stream of the batch's tokens before the first layer, into x[rows, hidden]. */
hma_status hma_engine_embed(hma_engine *engine, const hma_batch *batch, float *x);

/* Where a pass stands in a longer piece of work, in tokens: for progress reports. */
typedef struct hma_tally {
    const char *what;
    double before, total;
} hma_tally;

/*
 * Runs x[rows, hidden] through all layers, in place. `stores` has one entry that every layer overwrites, or (when `keep`) one a
 * layer; each has at least batch->store_rows rows. `tally` may be NULL: no progress reports. Of a batch that says which rows
 * are asked for, the others hold nothing of use afterwards.
 * @return HMA_INTERRUPTED between layers, HMA_NON_FINITE.
 */
hma_status hma_engine_layers(hma_engine *engine, const hma_batch *batch, float *x, hma_store *stores, bool keep,
                             const hma_tally *tally);

/* Rows that go through a step together on one thread, out of so many. */
size_t hma_engine_tile(const hma_engine *engine, size_t rows);

/* Called on the calling thread before and after every layer, with the store that the layer uses. */
typedef struct hma_layer_watch {
    hma_status (*before)(void *user, size_t layer, hma_store *store);
    hma_status (*after)(void *user, size_t layer, hma_store *store);
    void *user;
} hma_layer_watch;

/* The same through layers from .. to-1 only: x is the stream before layer `from`, and then after layer `to` - 1. `watch` may be
 * NULL. */
hma_status hma_engine_between(hma_engine *engine, const hma_batch *batch, float *x, hma_store *stores, bool keep, size_t from,
                              size_t to, const hma_layer_watch *watch, const hma_tally *tally);

/*
 * The same for rows none of which sees another one of the batch, as in a step of generation: runs of one row each, and a store
 * a layer. Where weights stay in memory and every thread has enough rows, each takes its share of them through all the layers
 * without waiting for the others: what waits for memory (keys and values) meets what computes.
 */
hma_status hma_engine_apart(hma_engine *engine, const hma_batch *batch, float *x, hma_store *stores, size_t from, size_t to);

/* A model's part in a step of several: its batch, x[rows, hidden], and a store a layer. */
typedef struct hma_engine_step {
    hma_engine *engine;
    const hma_batch *batch;
    float *x;
    hma_store *stores;
} hma_engine_step;

/*
 * Embeds and runs the batches of several models, whose weights are beside one another's (hma_weights_open_beside()), through
 * all layers: every layer of one before the next layer of any, so that what is read for one is there for all. The same bits as
 * one model after the other.
 */
hma_status hma_engines_in_step(const hma_engine_step *steps, size_t count);

/* Final norm of chosen rows: out[i] = norm(x[rows[i]]), [count, hidden]. */
hma_status hma_engine_final(hma_engine *engine, const float *x, const size_t *rows, size_t count, float *out);

#endif
