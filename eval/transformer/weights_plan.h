/* Where every weight of a model comes from: tensors found by name and checked. Internal to weights.c and weights_plan.c. */
#ifndef HMA_EVAL_TRANSFORMER_WEIGHTS_PLAN_H
#define HMA_EVAL_TRANSFORMER_WEIGHTS_PLAN_H

#include "eval/transformer/weights.h"

/* Consecutive rows of a matrix that are consecutive rows (or, transposed, columns) of one tensor. */
typedef struct hma_row_run {
    const hma_tensor *weight;
    const hma_tensor *bias; /* NULL: zero or none */
    size_t first, count;
} hma_row_run;

typedef struct hma_matrix_plan {
    size_t rows, columns;
    bool has_bias;
    bool transposed;
    size_t run_count;
    hma_row_run *runs;
} hma_matrix_plan;

typedef struct hma_norm_plan {
    const hma_tensor *weight, *bias;
} hma_norm_plan;

typedef struct hma_layer_plan {
    hma_norm_plan attn_norm, post_attn_norm, mlp_norm, post_mlp_norm, q_norm, k_norm;
    hma_matrix_plan qkv, o, up, down;
} hma_layer_plan;

typedef struct hma_weights_plan {
    hma_layer_plan *layers; /* [architecture->layers] */
    const hma_tensor *embedding, *positions;
    hma_norm_plan final_norm;
    hma_matrix_plan head;
} hma_weights_plan;

hma_status hma_weights_plan_make(hma_weights_plan *out, const hma_source *source, const hma_architecture *architecture);
/* Whether the values of all matrices are bfloat16. */
bool hma_weights_plan_is_bf16(const hma_weights_plan *plan, size_t layers);
void hma_weights_plan_clear(hma_weights_plan *plan, size_t layers);

#endif
