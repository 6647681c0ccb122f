/*
 * The row operations of reverse mode, each the transpose of one in vector.h. One body (backward_body.h), compiled for three
 * instruction sets; reductions run over 16 lanes in a fixed order everywhere.
 *
 * Names: g is the derivative of the loss by an operation's result, and becomes, or is joined by, the derivative by its input.
 * "Change" is the direction in which weights move: post - pre.
 */
#ifndef HMA_EVAL_TRANSFORMER_KERNELS_BACKWARD_H
#define HMA_EVAL_TRANSFORMER_KERNELS_BACKWARD_H

#include <stddef.h>

#include "eval/transformer/architecture.h"

/* A norm as it was applied to one row, and the change of its weights. */
typedef struct hma_norm_back {
    hma_norm_type type;
    size_t n;
    float epsilon, plus;
    const float *weight;        /* [n] */
    const float *weight_change; /* [n], or NULL */
    const float *bias_change;   /* [n], or NULL */
} hma_norm_back;

/* What a norm's own weights contribute: derivative along their change. */
typedef struct hma_norm_parts {
    float weight, bias;
} hma_norm_parts;

/*
 * Attention of one whole sequence, for the heads that share one key/value head. Rows are positions 0 .. rows-1; q and keys as
 * they were after norms and rotation. Derivatives by q, keys and values are written, not added.
 */
typedef struct hma_attention_back {
    const float *q, *g; /* row r, head h: + r * stride + h * head_dim; g is by the result of attention */
    size_t q_stride, g_stride;
    const float *keys, *values; /* row r: + r * key_stride */
    size_t key_stride;
    float *q_out, *keys_out, *values_out; /* row r: + r * out_stride */
    size_t out_stride;
    size_t rows, group, head_dim;
    size_t window;        /* 0: none */
    float scale, softcap; /* softcap 0: none */
    float *scratch;       /* hma_attention_back_scratch() floats */
} hma_attention_back;

/* Heads and positions count in 16s: five planes of [positions, head], 8 queries with their g, 8 rows of scores and of slopes.
 */
static inline size_t hma_attention_back_scratch(size_t rows, size_t head_dim) {
    const size_t wide = (head_dim + 15) / 16 * 16, positions = (rows + 15) / 16 * 16;
    return 5 * wide * positions + 16 * wide + 16 * positions;
}

typedef struct hma_backward {
    float (*dot)(const float *x, const float *y, size_t n);
    /* out[n], which may be g: derivative by x. */
    hma_norm_parts (*norm)(const hma_norm_back *norm, float *out, const float *g, const float *x);
    /* Of act(x) * up, or of act(x) when up is NULL: x and up are replaced by the derivatives by them. */
    void (*activate)(float *x, float *up, const float *g, size_t n, hma_activation activation);
    void (*attend)(const hma_attention_back *attention);
    /* Of weight * log-softmax: capped logits become the derivative by the logits before the cap, apart from the target's own
     * term. */
    void (*softmax)(float *logits, size_t n, float normalizer, float weight, float cap);
} hma_backward;

extern const hma_backward hma_backward_base;
extern const hma_backward hma_backward_avx2;
extern const hma_backward hma_backward_avx512;

#endif
