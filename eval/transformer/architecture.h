/*
 * Architectures as data. A model family is a row of the table in families.c: how its config.json is read and how its tensors
 * are called. What comes out is this description, and one forward pass (forward.c) reads it; nothing else in the transformer
 * knows families by name.
 *
 *   x = embed(ids) * embed_scale (+ positions)
 *   for each layer:
 *     sequential:  x += post_attn_norm( attention( attn_norm(x) ) );   x += post_mlp_norm( mlp( mlp_norm(x) ) )
 *     parallel:    x += attention( attn_norm(x) ) + mlp( mlp_norm(x) )            (mlp_norm may be attn_norm itself)
 *   logits = softcap( head( final_norm(x) ) )
 */
#ifndef HMA_EVAL_TRANSFORMER_ARCHITECTURE_H
#define HMA_EVAL_TRANSFORMER_ARCHITECTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/checkpoint.h"
#include "hma/merge.h"

typedef enum hma_norm_type { HMA_NORM_RMS = 0, HMA_NORM_LAYER } hma_norm_type;

typedef enum hma_activation { HMA_ACT_SILU = 0, HMA_ACT_GELU, HMA_ACT_GELU_TANH, HMA_ACT_RELU } hma_activation;

typedef enum hma_query_norm {
    HMA_QUERY_NORM_NONE = 0,
    HMA_QUERY_NORM_HEAD, /* RMSNorm over each head of q and of k, before the rotation */
    HMA_QUERY_NORM_WHOLE /* RMSNorm over all of q and all of k */
} hma_query_norm;

typedef enum hma_qkv_layout {
    HMA_QKV_SEPARATE = 0,
    HMA_QKV_BY_HEAD,  /* one matrix, rows ordered head by head: q, k, v of head 0, q, k, v of head 1, .. (GPT-NeoX) */
    HMA_QKV_BY_BLOCK  /* one matrix: all q, all k, all v (GPT-2) */
} hma_qkv_layout;

/* Rotary embedding of one kind of layer: pairs (i, i + dims/2) of the first `dims` of a head turn by position * frequency[i].
 */
typedef struct hma_rope {
    size_t dims;       /* 0: no rotation */
    float *frequency;  /* [dims / 2], radians per position */
    float scale;       /* multiplies cosine and sine (yarn) */
} hma_rope;

enum { HMA_ROPE_KINDS = 2 };

/*
 * Tensor names of a layer and outside, without the prefix; "%zu" is the layer. NULL where a family has none. A weight's bias is
 * called after it (".weight" -> ".bias").
 */
typedef struct hma_tensor_names {
    const char *embedding, *positions;
    const char *attn_norm, *q, *k, *v, *qkv, *q_norm, *k_norm, *o, *post_attn_norm;
    const char *mlp_norm, *gate, *up, *down, *post_mlp_norm;
    const char *final_norm;
    const char *head;  /* full name, never prefixed */
    const char *score; /* classification head, full name */
} hma_tensor_names;

typedef struct hma_architecture {
    char class_name[96];
    char model_type[64];
    bool reward_head;
    bool tied_head;

    size_t layers, hidden, heads, kv_heads, head_dim, intermediate, vocabulary, max_length;

    hma_norm_type norm;
    float norm_epsilon;
    bool norm_plus_one; /* the stored weight is an offset from 1 */
    bool parallel;      /* attention and MLP read the same x */
    bool shared_norm;   /* parallel: one norm feeds both */

    hma_query_norm query_norm;
    hma_qkv_layout qkv;
    bool transposed;    /* linear weights are stored [in, out] */
    bool q_bias, o_bias, mlp_bias, head_bias; /* q_bias is for q, k and v */
    float attention_scale;
    bool scale_by_layer; /* further divided by (layer + 1) */
    float attention_softcap, final_softcap; /* 0: none */

    hma_activation activation;
    bool gated;

    float embed_scale;
    size_t position_rows;   /* of learned positions; 0: none */
    size_t position_offset; /* row of position 0 */

    hma_rope rope[HMA_ROPE_KINDS];
    unsigned char *layer_rope; /* [layers] which of the two */
    size_t *layer_window;      /* [layers] positions a query sees, itself included; 0: all before it */

    const char *prefix; /* of every prefixed name, as found in this checkpoint: "model.", "", .. */
    const hma_tensor_names *names;
} hma_architecture;

/*
 * Reads config.json of the folder that describes the source.
 * @return HMA_BAD_DATA naming the family, key or value that is not supported. Free with hma_architecture_clear() in any case.
 */
hma_status hma_architecture_read(hma_architecture *out, const hma_checkpoint *checkpoint);
void hma_architecture_clear(hma_architecture *architecture);

/* Rows of the fused query-key-value product: (heads + 2 * kv_heads) * head_dim. */
static inline size_t hma_query_width(const hma_architecture *a) { return a->heads * a->head_dim; }
static inline size_t hma_kv_width(const hma_architecture *a) { return a->kv_heads * a->head_dim; }

/* Name of a tensor: prefix + pattern with the layer filled in. */
enum { HMA_TENSOR_NAME_SIZE = 256 };
const char *hma_tensor_name(char name[HMA_TENSOR_NAME_SIZE], const hma_architecture *architecture, const char *pattern,
                            size_t layer);

#endif
