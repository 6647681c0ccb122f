/*
 * The weights of a model as the forward pass wants them: packed matrices and plain vectors, one layer at a time, read from a
 * source that may be a checkpoint or a merge.
 *
 * When layers, head and embeddings fit into five eighths of the memory that the context has left they stay resident after their
 * first use; otherwise a layer is read, merged and packed each time it is asked for, into one of two buffers.
 */
#ifndef HMA_EVAL_TRANSFORMER_WEIGHTS_H
#define HMA_EVAL_TRANSFORMER_WEIGHTS_H

#include "base/context.h"
#include "eval/transformer/architecture.h"
#include "eval/transformer/kernels/kernels.h"

/* A linear map y = x W^T + bias. */
typedef struct hma_matrix {
    size_t rows, columns; /* W is [rows, columns] */
    void *packed;         /* as the backend wants it */
    float *bias;          /* [rows], NULL when there is none */
} hma_matrix;

typedef struct hma_norm {
    float *weight; /* NULL: no such norm in this architecture */
    float *bias;   /* may be NULL */
} hma_norm;

typedef struct hma_layer {
    hma_norm attn_norm, post_attn_norm, mlp_norm, post_mlp_norm;
    float *q_norm, *k_norm; /* [head_dim] or [heads * head_dim], [kv_heads * head_dim]; NULL when there is none */
    hma_matrix qkv;         /* [(heads + 2 * kv_heads) * head_dim, hidden]: all q, all k, all v */
    hma_matrix o;           /* [hidden, heads * head_dim] */
    hma_matrix up;          /* [intermediate, hidden], gated: [2 * intermediate, hidden]: all gate, all up */
    hma_matrix down;        /* [hidden, intermediate] */
} hma_layer;

typedef struct hma_weights hma_weights;

/*
 * Looks up every tensor that the architecture needs and checks its shape; reads nothing large. All arguments must outlive it.
 * Fits the kernels to the weights (hma_kernels_fit()), here and when they are bound to other ones.
 * @return HMA_BAD_DATA naming the tensor.
 */
hma_status hma_weights_open(hma_weights **out, hma_context *context, const hma_source *source,
                            const hma_architecture *architecture, hma_kernels *kernels);
/*
 * Weights of another source that are used in step with the leader's, which are streamed (hma_weights_resident()): both read
 * their layers into the same memory, so that what is asked for last is there, whoever asked; layers that both have in common
 * are read once if they are asked for one right after the other. `tokens` is how many different tokens it will be asked to
 * embed at most. Until it is closed the leader takes no other source.
 * @return HMA_INCOMPATIBLE when the leader's are not streamed or the two are not packed alike.
 */
hma_status hma_weights_open_beside(hma_weights **out, hma_weights *leader, const hma_source *source,
                                   const hma_architecture *architecture, hma_kernels *kernels, size_t tokens);
void hma_weights_close(hma_weights *weights);
/* Takes another source with the same tensors. Memory is kept, and so is everything whose values are the same in both. */
hma_status hma_weights_rebind(hma_weights *weights, const hma_source *source);

/* A layer, ready to use until the next call (for good when resident), of these weights or of others beside them. */
hma_status hma_weights_layer(hma_weights *weights, size_t layer, const hma_layer **out);
/*
 * Says which layer will be asked for next: unless it is there it is loaded meanwhile, by another thread, into the memory of the
 * layer before the one in use. Whoever asks for it earlier than it is there helps. Layers past the last are ignored.
 */
hma_status hma_weights_expect(hma_weights *weights, size_t layer);

/* Waits until nothing is being loaded that was expected: for work that breaks off. The thread's error message stays. */
void hma_weights_settle(hma_weights *weights);

/* What a layer is made of, as text: equal keys, equal weights. */
const char *hma_weights_layer_key(const hma_weights *weights, size_t layer);
/* What all values follow from, as text of three digests. */
enum { HMA_WEIGHTS_IDENTITY = 3 * 65 };
void hma_weights_identity(const hma_weights *weights, char key[HMA_WEIGHTS_IDENTITY]);
/* What everything before a layer (0 .. layers) is made of, as text: equal keys, equal residual stream for the same tokens. */
const char *hma_weights_trunk_key(const hma_weights *weights, size_t layer);

/* Embedding rows of ids[count] (already checked) into out[count, hidden], without scale or positions. */
hma_status hma_weights_embed(hma_weights *weights, const int32_t *ids, size_t count, float *out);
/* Learned position table [position_rows, hidden]; NULL when the architecture has none. */
hma_status hma_weights_positions(hma_weights *weights, const float **out);
hma_status hma_weights_final_norm(hma_weights *weights, hma_norm *out);

/*
 * The output head, so far as it must hold rows first .. first+count-1 (`first` a multiple of HMA_PANEL): row r of the head is
 * row r - *offset of the matrix. Valid until the next call, for good when resident. The head of a reward model is one row.
 */
enum { HMA_HEAD_TILE = 2048 };
hma_status hma_weights_head(hma_weights *weights, size_t first, size_t count, hma_matrix *out, size_t *offset);
size_t hma_weights_head_rows(const hma_weights *weights);

/*
 * The head in 8 bits (screen.h), for some `positions` at which tokens will be drawn; valid until the weights take another
 * source. *out is NULL where there is none: weights that are streamed, heads with a bias or whose logits are capped,
 * processors that cannot, no memory left for it, too few positions to be worth making it.
 */
struct hma_screen;
hma_status hma_weights_screen(hma_weights *weights, double positions, const struct hma_screen **out);
/* Whether there would be one for many positions; *bytes that it would claim, 0 once it has. */
bool hma_weights_screens(const hma_weights *weights, uint64_t *bytes);

/* Whether layers and head stay in memory once read. */
bool hma_weights_resident(const hma_weights *weights);

/* Seconds that were spent reading, merging and packing, or waiting for it, so far. */
double hma_weights_seconds(const hma_weights *weights);

#endif
