/*
 * Everything that is not a matrix product: norms, activations, rotation, attention, softmax, log-softmax. One body
 * (vector_body.h), compiled for three instruction sets; reductions run over 16 lanes in a fixed order everywhere.
 *
 * Keys are kept transposed in tiles of 16 rows, [row / 16][kv head][head_dim][16], so that a query meets 16 keys with one
 * multiply-add per dimension; values are kept as they come, [row][kv head][head_dim].
 */
#ifndef HMA_EVAL_TRANSFORMER_KERNELS_VECTOR_H
#define HMA_EVAL_TRANSFORMER_KERNELS_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#include "eval/transformer/architecture.h"

enum { HMA_LANES = 16, HMA_ATTENTION_QUERIES = 64 };

/* A run of rows that a query can see: rows first .. first+count-1 of the key/value store hold consecutive positions. */
typedef struct hma_span {
    size_t first; /* row */
    size_t count;
    size_t position; /* of the first row */
} hma_span;

/* Queries of consecutive positions of one sequence, for the heads that share one key/value head. */
typedef struct hma_attention {
    float *q; /* row r, head g: q + r * q_stride + g * head_dim; the result replaces it */
    size_t q_stride;
    size_t rows, group, head_dim; /* rows * group <= HMA_ATTENTION_QUERIES */
    size_t position;              /* of row 0 */
    const float *keys;            /* of this key/value head: [tile][head_dim][16], row r is lane r % 16 of tile r / 16 */
    const float *values;          /* [row][head_dim]; 16 floats beyond the last may be read */
    const hma_span *spans;        /* by rising position, without gaps, from position 0 to the last query's */
    size_t span_count;
    size_t window;        /* 0: none */
    float scale, softcap; /* softcap 0: none */
    float *scratch;       /* hma_attention_scratch(rows * group, last position + 1) floats */
} hma_attention;

static inline size_t hma_attention_scratch(size_t queries, size_t positions) { return queries * (positions + 2 * HMA_LANES); }

/* What a tile of logits adds to a row's softmax. */
typedef struct hma_partial {
    float max;
    float sum;     /* of exp(logit - max) */
    size_t argmax; /* first index of the largest, within the tile */
} hma_partial;

/* A row of logits that are known within bounds (screen.h). */
typedef struct hma_screened {
    const float *most;                        /* [n]: what they are at most */
    const float *tops;                        /* [n / 64, rounded up]: the largest of these of every 64 */
    float (*exact)(void *user, size_t index); /* the logit itself */
    void *user;
} hma_screened;

typedef struct hma_vector {
    const char *name;
    /* y[n] = norm(x[n]); w may carry an offset of 1; b may be NULL. x == y is allowed. */
    void (*rms_norm)(float *y, const float *x, const float *w, size_t n, float epsilon, float plus);
    void (*layer_norm)(float *y, const float *x, const float *w, const float *b, size_t n, float epsilon);
    /* x[n] = act(x[n]); with `up` not NULL times up[n] */
    void (*activate)(float *x, const float *up, size_t n, hma_activation activation);
    void (*add)(float *y, const float *x, size_t n); /* y += x */
    /* Rotates `heads` heads of head_dim floats each by cosine[half] and sine[half] */
    void (*rotate)(float *x, size_t heads, size_t head_dim, const float *cosine, const float *sine, size_t half);
    void (*attend)(const hma_attention *attention);
    /* Of a row of logits after soft-capping them in place (cap 0: none) */
    hma_partial (*softmax_part)(float *logits, size_t n, float cap);
    /*
     * Argmax over v of logit[v] * inverse_temperature + gumbel(v); -inf logits are left out. Noise of token v: word v % 4 of
     * philox({v / 4, position, sample, 0}, key).
     */
    size_t (*gumbel_argmax)(const float *logits, size_t n, float inverse_temperature, const uint32_t key[2], uint32_t position,
                            uint32_t sample);
    /* The same without knowing the logits: asks for those that can win. Without a key there is no noise: the first argmax. */
    size_t (*screened_argmax)(const hma_screened *screened, size_t n, float inverse_temperature, const uint32_t *key,
                              uint32_t position, uint32_t sample);
} hma_vector;

extern const hma_vector hma_vector_base;
extern const hma_vector hma_vector_avx2;
extern const hma_vector hma_vector_avx512;

#endif
