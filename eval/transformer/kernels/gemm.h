/*
 * Matrix products behind one interface: Y = X * W^T, X [m, k] activations, W [n, k] weights as safetensors store them.
 *
 * W is packed once and used many times. Panels of HMA_PANEL rows of W are packed one by one, straight out of the merge, so a
 * full unpacked copy never exists.
 *
 * Every output element is one accumulation in fixed order: over blocks of HMA_GEMM_DEPTH along k, inside a block
 * acc = fma(x, w, acc) from 0 on, the blocks added up in order. The naive and native backends keep to it to the last bit, so a
 * row of Y does not depend on which rows share its call, nor on how columns are split. OpenBLAS has its own order, which depends
 * on m: there a result is reproducible for the same batches only.
 */
#ifndef HMA_EVAL_TRANSFORMER_KERNELS_GEMM_H
#define HMA_EVAL_TRANSFORMER_KERNELS_GEMM_H

#include <stdbool.h>
#include <stddef.h>

enum { HMA_PANEL = 32, HMA_GEMM_DEPTH = 256 };

typedef struct hma_gemm {
    const char *name;
    bool invariant; /* keeps to the order above */
    /* Packs rows first .. first+count-1 of W, given as rows[count, k]; `first` is a multiple of HMA_PANEL. */
    void (*pack)(float *packed, size_t n, size_t k, size_t first, size_t count, const float *rows);
    /* y[i, j - first] = sum over k of x[i, :] * W[j, :] for i < m and first <= j < first + count; `first` is a multiple of
     * HMA_PANEL. ldx and ldy are row strides in floats. */
    void (*multiply)(const float *x, size_t ldx, size_t m, const float *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy);
} hma_gemm;

/* Floats of a packed W: n rounded up to whole panels, times k. The same for all backends. */
static inline size_t hma_packed_rows(size_t n) { return (n + HMA_PANEL - 1) / HMA_PANEL * HMA_PANEL; }

extern const hma_gemm hma_gemm_naive;
extern const hma_gemm hma_gemm_openblas;
extern const hma_gemm hma_gemm_avx2;
extern const hma_gemm hma_gemm_avx512;

/* [n / HMA_PANEL][k][HMA_PANEL], the last panel filled up with zeros: what naive and native use. */
void hma_gemm_pack_panels(float *packed, size_t n, size_t k, size_t first, size_t count, const float *rows);

#endif
