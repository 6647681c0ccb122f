/*
 * Matrix products behind one interface: Y = X * W^T, X [m, k] activations, W [n, k] weights as safetensors store them.
 *
 * W is packed once and used many times. Panels of HMA_PANEL rows of W are packed one by one, straight out of the merge, so a
 * full unpacked copy never exists.
 *
 * Two precisions. fp32 is the reference. bf16 rounds X and W to bfloat16 (to nearest even; W usually is bfloat16 already) and
 * adds up in fp32; packed weights then take half the memory.
 *
 * Checkpoints mostly are bfloat16, and so is what is merged of them. For such weights the _w16 backends give the bits of fp32
 * from packed weights of 16 bits: half the memory, and half the reading where there are few rows. Other weights they would
 * round.
 *
 * Every output element is one accumulation in fixed order: over blocks of HMA_GEMM_DEPTH along k, inside a block acc = fma(x,
 * w, acc) from 0 on, the blocks added up in order. Backends that are `exact` keep to it to the last bit, so a row of Y does not
 * depend on which rows share its call, nor on how columns are split. The bf16 dot product instruction adds pairs in its own
 * order: reproducible and as independent of company, but not the same bits. OpenBLAS has an order that depends on m: a result
 * is then reproducible for the same batches only.
 */
#ifndef HMA_EVAL_TRANSFORMER_KERNELS_GEMM_H
#define HMA_EVAL_TRANSFORMER_KERNELS_GEMM_H

#include <stdbool.h>
#include <stddef.h>

enum { HMA_PANEL = 32, HMA_GEMM_DEPTH = 256 };

typedef struct hma_gemm {
    const char *name;
    bool invariant;      /* a row's bits do not depend on the other rows and columns of the call */
    bool exact;          /* the order of additions above */
    size_t weight_bytes; /* of one packed weight */
    /* Packs rows first .. first+count-1 of W, given as rows[count, k]; `first` is a multiple of HMA_PANEL. */
    void (*pack)(void *packed, size_t n, size_t k, size_t first, size_t count, const float *rows);
    /* y[i, j - first] = sum over k of x[i, :] * W[j, :] for i < m and first <= j < first + count; `first` is a multiple of
     * HMA_PANEL. ldx and ldy are row strides in floats. */
    void (*multiply)(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy);
    bool rounds_x; /* to bfloat16 */
    /* The weights of the panel that holds row `row` as floats, [k][HMA_PANEL]; rows past the last are 0. NULL: cannot. */
    void (*unpack)(const void *packed, size_t k, size_t row, float *panel);
} hma_gemm;

/* Rows of W rounded up to whole panels. */
static inline size_t hma_packed_rows(size_t n) { return (n + HMA_PANEL - 1) / HMA_PANEL * HMA_PANEL; }

/* Bytes of a packed W; k counts as even, for backends that take weights in pairs. */
static inline size_t hma_packed_bytes(const hma_gemm *gemm, size_t n, size_t k) {
    return hma_packed_rows(n) * (k + k % 2) * gemm->weight_bytes;
}

/* Where a row's panel has its weights from depth d0 on: [panel][k][HMA_PANEL], the order in which products read them. */
static inline size_t hma_panel_offset(size_t k, size_t row, size_t d0) {
    return row / HMA_PANEL * HMA_PANEL * (k + k % 2) + HMA_PANEL * d0;
}

/*
 * Columns that a thread takes at a time when `count` columns are cut up for several. Fixed where bits depend on the shape, so
 * that they are the same for any number of threads. Others take more, because they arrange X anew for each piece; two pieces a
 * thread, so that a late one costs little.
 */
size_t hma_gemm_columns_at_once(const hma_gemm *gemm, size_t count, size_t threads);

extern const hma_gemm hma_gemm_naive, hma_gemm_naive_bf16;
extern const hma_gemm hma_gemm_openblas, hma_gemm_openblas_bf16;
extern const hma_gemm hma_gemm_avx2, hma_gemm_avx2_bf16;
extern const hma_gemm hma_gemm_avx512, hma_gemm_avx512_bf16;
extern const hma_gemm hma_gemm_avx2_w16, hma_gemm_avx512_w16;
extern const hma_gemm hma_gemm_dot_bf16; /* AVX512-BF16's dot product */

/* The first `depth` columns of up to HMA_PANEL rows (`stride` floats apart) into block[depth][HMA_PANEL], filled up with zeros.
 */
void hma_gemm_pack_block(float *block, size_t depth, size_t wide, const float *rows, size_t stride);
/* Packing in the layout above, the last panel filled up with zeros: fp32, and rounded to bf16. */
void hma_gemm_pack_panels(void *packed, size_t n, size_t k, size_t first, size_t count, const float *rows);
void hma_gemm_unpack_panel(const void *packed, size_t k, size_t row, float *panel); /* of the fp32 ones */
void hma_gemm_pack_panels_bf16(void *packed, size_t n, size_t k, size_t first, size_t count, const float *rows);

#endif
