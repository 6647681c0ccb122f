/* The portable backend. OpenBLAS runs on one thread inside; the pool spreads the work outside. Weights stay in rows. */
#include <cblas.h>
#include <string.h>

#include "eval/transformer/kernels/bf16.h"
#include "eval/transformer/kernels/gemm.h"

static void pack(void *packed, size_t n, size_t k, size_t first, size_t count, const float *rows) {
    (void)n;
    memcpy((float *)packed + first * k, rows, count * k * sizeof *rows);
}

static void pack_bf16(void *packed, size_t n, size_t k, size_t first, size_t count, const float *rows) {
    (void)n;
    float *to = (float *)packed + first * k;
    for (size_t i = 0; i < count * k; i++) {
        to[i] = hma_bf16_round(rows[i]);
    }
}

static void multiply(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy) {
    (void)n;
    if (m == 0 || count == 0) {
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)count, (blasint)k, 1.0f, x, (blasint)ldx,
                (const float *)packed + first * k, (blasint)k, 0.0f, y, (blasint)ldy);
}

/* X is rounded in blocks that fit on the stack; the products of the blocks add up in order. */
enum { BLOCK_ROWS = 64 };

static void multiply_bf16(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first,
                          size_t count, float *y, size_t ldy) {
    float rounded[BLOCK_ROWS * HMA_GEMM_DEPTH];
    (void)n;
    for (size_t i0 = 0; i0 < m && count; i0 += BLOCK_ROWS) {
        const size_t rows = m - i0 < BLOCK_ROWS ? m - i0 : BLOCK_ROWS;
        for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
            const size_t depth = k - d0 < HMA_GEMM_DEPTH ? k - d0 : HMA_GEMM_DEPTH;
            for (size_t i = 0; i < rows; i++) {
                for (size_t d = 0; d < depth; d++) {
                    rounded[i * depth + d] = hma_bf16_round(x[(i0 + i) * ldx + d0 + d]);
                }
            }
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, (blasint)count, (blasint)depth, 1.0f, rounded,
                        (blasint)depth, (const float *)packed + first * k + d0, (blasint)k, d0 ? 1.0f : 0.0f, y + i0 * ldy,
                        (blasint)ldy);
        }
    }
}

const hma_gemm hma_gemm_openblas = {"openblas", false, false, sizeof(float), pack, multiply, false, NULL};
const hma_gemm hma_gemm_openblas_bf16 = {"openblas-bf16", false, false, sizeof(float), pack_bf16, multiply_bf16, true, NULL};
