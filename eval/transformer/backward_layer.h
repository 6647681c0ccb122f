/*
 * One layer in reverse: derivative by its output -> derivative by its input, and what each of its tensors contributes along its
 * change.
 *
 * The layer is computed again from its input, in the steps of layer.h, by the same kernels: (1) q, k, v; (2) attention; then
 * backwards: (3) MLP and output projection; (4) attention; (5) q, k, v. Steps 1, 3 and 5 go tile by tile of rows, 2 and 4
 * sequence by sequence.
 */
#ifndef HMA_EVAL_TRANSFORMER_BACKWARD_LAYER_H
#define HMA_EVAL_TRANSFORMER_BACKWARD_LAYER_H

#include "eval/transformer/backward_weights.h"
#include "eval/transformer/layer.h"

typedef struct hma_layer_reverse {
    hma_layer_run
        run; /* of a batch whose sequences are runs of their own; x is what went into the layer; q becomes attention's result */
    const hma_layer_back *back;
    float *raw;      /* [rows, qkv width] before norms and rotation */
    float *turned;   /* the same after them */
    float *by_qkv;   /* [rows, qkv width] derivative by `turned`, then by `raw` */
    float *by_mixed; /* [rows, query width] derivative by attention's result */
    float *g;        /* [rows, hidden] derivative by the output, then by the input */
    double *sums;    /* [rows, back->sums.count] */
} hma_layer_reverse;

/* Floats of scratch memory for tiles of `rows` rows, and for sequences of `positions` positions. */
size_t hma_reverse_scratch(const hma_architecture *a, size_t rows, size_t positions);

void hma_reverse_project(hma_layer_reverse *r, size_t first, size_t count, float *scratch); /* 1 */
/* 2 is hma_layer_attend() */
void hma_reverse_after(hma_layer_reverse *r, size_t first, size_t count, float *scratch); /* 3 */
/* 4: hma_reverse_attention_tasks() independent tasks */
size_t hma_reverse_attention_tasks(const hma_layer_reverse *r);
void hma_reverse_attend(hma_layer_reverse *r, size_t task, float *scratch);
void hma_reverse_before(hma_layer_reverse *r, size_t first, size_t count, float *scratch); /* 5 */

/* sums of one row += g . (change of the matrix applied to x) and g . (change of the bias), part by part; u[rows] is scratch. */
void hma_reverse_matrix_sums(const hma_engine *engine, const hma_matrix_back *matrix, const float *g, size_t ldg,
                             const float *x, size_t ldx, size_t count, float *u, double *sums, size_t sum_count);

/* out[count, columns] = g * W */
void hma_reverse_input(const hma_engine *engine, const hma_matrix_back *matrix, const float *g, size_t ldg, size_t count,
                       float *out);

/* out, which may be g: derivative by the input of a norm of hidden size; adds to the sums of the row. */
void hma_reverse_norm_row(const hma_engine *engine, const hma_norm *norm, const hma_norm_change *change, const float *x,
                          const float *g, float *out, double *sums);

#endif
