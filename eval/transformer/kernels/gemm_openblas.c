/* The portable backend. OpenBLAS runs on one thread inside; the pool spreads the work outside. */
#include <cblas.h>
#include <string.h>

#include "eval/transformer/kernels/gemm.h"

static void pack(float *packed, size_t n, size_t k, size_t first, size_t count, const float *rows) {
    (void)n;
    memcpy(packed + first * k, rows, count * k * sizeof *rows);
}

static void multiply(const float *x, size_t ldx, size_t m, const float *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy) {
    (void)n;
    if (m == 0 || count == 0) {
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)count, (blasint)k, 1.0f, x, (blasint)ldx,
                packed + first * k, (blasint)k, 0.0f, y, (blasint)ldy);
}

const hma_gemm hma_gemm_openblas = {"openblas", false, pack, multiply};
