/*
 * Products with AVX-512: tiles of 12 rows by one panel of 32 columns (gemm_tile512.h). A block of a panel (256 x 32 floats, 32
 * KB) stays in the first-level cache while the rows of X pass over it.
 *
 * bf16 weights are widened block by block into such a panel, and X is rounded; the arithmetic is the same.
 */
#include <string.h>

#include "eval/transformer/kernels/bf16.h"

#define HMA_TILE_OP "vfmadd231ps"
#define HMA_STEP_DEPTH 1
#include "eval/transformer/kernels/gemm_tile512.h"

static void pack_x(const float *x, size_t ldx, size_t rows, size_t depth, void *to) {
    for (size_t i = 0; i < rows; i++) {
        memcpy((float *)to + i * ROW_STEPS, x + i * ldx, depth * sizeof *x);
    }
}

static void multiply(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy) {
    static const format fp32 = {true, pack_x, sizeof(float), NULL};
    (void)n;
    multiply_as(&fp32, x, ldx, m, packed, k, first, count, y, ldy);
}

/* ---- bf16 ---- */

static void widen(const void *weights, size_t count, void *lanes) {
    const uint16_t *from = weights;
    float *to = lanes;
    for (size_t i = 0; i < count; i += 16) {
        const __m256i half = _mm256_loadu_si256((const __m256i *)(from + i));
        _mm512_storeu_ps(to + i, _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16)));
    }
}

static void round_x(const float *x, size_t ldx, size_t rows, size_t depth, void *to) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t d = 0; d < depth; d++) {
            ((float *)to)[i * ROW_STEPS + d] = hma_bf16_round(x[i * ldx + d]);
        }
    }
}

static void multiply_bf16(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first,
                          size_t count, float *y, size_t ldy) {
    static const format bf16 = {false, round_x, sizeof(uint16_t), widen};
    (void)n;
    multiply_as(&bf16, x, ldx, m, packed, k, first, count, y, ldy);
}

const hma_gemm hma_gemm_avx512 = {"avx512", true, true, sizeof(float), hma_gemm_pack_panels, multiply};
const hma_gemm hma_gemm_avx512_bf16 = {"avx512-bf16", true, true, sizeof(uint16_t), hma_gemm_pack_panels_bf16, multiply_bf16};
