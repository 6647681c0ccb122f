/*
 * What reverse mode needs of the weights, one layer at a time: matrices packed the other way round (derivative by the input of
 * a linear map), and the change of every weight along its ratio, post - pre (derivative by the ratio).
 *
 * Weight gradients are never stored. <dL/dW, D> = sum over rows of g . (D x), so the change D is packed like a weight.
 */
#ifndef HMA_EVAL_TRANSFORMER_BACKWARD_WEIGHTS_H
#define HMA_EVAL_TRANSFORMER_BACKWARD_WEIGHTS_H

#include "base/context.h"
#include "eval/transformer/weights.h"
#include "eval/transformer/weights_plan.h"

/* Consecutive results of a matrix whose weights come from one tensor: the parts a matrix is told apart by. */
typedef struct hma_matrix_part {
    size_t first, count;
    size_t weight, bias; /* numbers of their sums; bias counts only where the matrix has one */
} hma_matrix_part;

typedef struct hma_matrix_back {
    hma_matrix across; /* [columns, rows]: g -> derivative by the input */
    hma_matrix change; /* [rows, columns], with the change of the bias */
    hma_matrix_part *parts;
    size_t part_count;
} hma_matrix_back;

typedef struct hma_norm_change {
    float *weight_change, *bias_change; /* NULL where there is none */
    size_t weight, bias;                /* numbers of their sums */
} hma_norm_change;

/* The tensors that sums are kept for. */
typedef struct hma_sums_plan {
    const hma_tensor **tensors;
    size_t count, capacity;
} hma_sums_plan;

typedef struct hma_layer_back {
    hma_norm_change attn_norm, post_attn_norm, mlp_norm, post_mlp_norm, q_norm, k_norm;
    hma_matrix_back qkv, o, up, down;
    hma_sums_plan sums;
} hma_layer_back;

typedef struct hma_backward_weights hma_backward_weights;

/* All arguments must outlive it. The source may be any; without pre all changes are zero. */
hma_status hma_backward_weights_open(hma_backward_weights **out, hma_context *context, const hma_source *source,
                                     const hma_architecture *architecture, const hma_kernels *kernels);
void hma_backward_weights_close(hma_backward_weights *weights);

/* A layer, valid until the next call of any of these. */
hma_status hma_backward_weights_layer(hma_backward_weights *weights, size_t layer, const hma_layer_back **out);

/* Rows first .. first+count-1 of the head (`count` at most HMA_HEAD_TILE) with their one or two sums. */
hma_status hma_backward_weights_head(hma_backward_weights *weights, size_t first, size_t count, const hma_matrix_back **out);

/* The change of the final norm; [hidden] each. */
hma_status hma_backward_weights_final_norm(hma_backward_weights *weights, hma_norm_change *out);

/* Tensors behind the sums of head (0, 1) and final norm (0, 1), and the embeddings. */
const hma_weights_plan *hma_backward_weights_plan(const hma_backward_weights *weights);

/* Seconds spent reading and packing so far. */
double hma_backward_weights_seconds(const hma_backward_weights *weights);

#endif
