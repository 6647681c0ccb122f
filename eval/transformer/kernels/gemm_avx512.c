/*
 * Products with AVX-512: tiles of 12 rows by one panel of 32 columns (gemm_tile512.h). A block of a panel (256 x 32 floats, 32
 * KB) stays in the first-level cache while the rows of X pass over it.
 */
#define HMA_TILE_OP "vfmadd231ps"
#define HMA_STEP_DEPTH 1
#include "eval/transformer/kernels/gemm_tile512.h"

static void multiply(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy) {
    static const format fp32 = {true, copy_x, sizeof(float)};
    (void)n;
    multiply_as(&fp32, x, ldx, m, packed, k, first, count, y, ldy);
}

const hma_gemm hma_gemm_avx512 = {
    "avx512", true, true, sizeof(float), hma_gemm_pack_panels, multiply, false, hma_gemm_unpack_panel};
