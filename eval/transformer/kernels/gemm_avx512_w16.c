/*
 * Products with AVX-512 whose packed weights are bfloat16 and become floats in the registers (gemm_tile512.h, HMA_HALVES): with
 * X as it is, which gives what fp32 gives where weights are bfloat16 already, and with X rounded.
 */
#include <string.h>

#include "eval/transformer/kernels/bf16.h"

#define HMA_TILE_OP "vfmadd231ps"
#define HMA_STEP_DEPTH 1
#define HMA_HALVES
#include "eval/transformer/kernels/gemm_tile512.h"

/* Columns j and j + 16 of a panel side by side: [depth][16][2]. */
static void pack(void *packed, size_t n, size_t k, size_t first, size_t count, const float *rows) {
    float block[HMA_GEMM_DEPTH * HMA_PANEL];
    (void)n;
    for (size_t base = 0; base < count; base += HMA_PANEL) {
        const size_t real = count - base < HMA_PANEL ? count - base : HMA_PANEL;
        for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
            const size_t depth = depth_at(k, d0);
            uint16_t *to = (uint16_t *)packed + hma_panel_offset(k, first + base, d0);
            hma_gemm_pack_block(block, depth, real, rows + base * k + d0, k);
            for (size_t d = 0; d < depth; d++) {
                const __m512i low = round_up(_mm512_loadu_ps(block + d * HMA_PANEL)),
                              high = round_up(_mm512_loadu_ps(block + d * HMA_PANEL + 16));
                const __m512i upper = _mm512_and_si512(high, _mm512_set1_epi32((int)0xffff0000));
                _mm512_storeu_si512(to + d * HMA_PANEL, _mm512_or_si512(_mm512_srli_epi32(low, 16), upper));
            }
        }
    }
}

static void unpack(const void *packed, size_t k, size_t row, float *panel) {
    const uint16_t *from = (const uint16_t *)packed + hma_panel_offset(k, row, 0);
    for (size_t d = 0; d < k; d++) {
        const __m512i pairs = _mm512_loadu_si512(from + d * HMA_PANEL);
        _mm512_storeu_si512(panel + d * HMA_PANEL, _mm512_slli_epi32(pairs, 16));
        _mm512_storeu_si512(panel + d * HMA_PANEL + 16, _mm512_and_si512(pairs, _mm512_set1_epi32((int)0xffff0000)));
    }
}

static void round_x(const float *x, size_t ldx, size_t rows, size_t depth, void *to) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t d = 0; d < depth; d++) {
            ((float *)to)[i * ROW_STEPS + d] = hma_bf16_round(x[i * ldx + d]);
        }
    }
}

static void multiply(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy) {
    static const format exact = {true, copy_x, sizeof(uint16_t)};
    (void)n;
    multiply_as(&exact, x, ldx, m, packed, k, first, count, y, ldy);
}

static void multiply_bf16(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first,
                          size_t count, float *y, size_t ldy) {
    static const format bf16 = {false, round_x, sizeof(uint16_t)};
    (void)n;
    multiply_as(&bf16, x, ldx, m, packed, k, first, count, y, ldy);
}

const hma_gemm hma_gemm_avx512_w16 = {"avx512-w16", true, true, sizeof(uint16_t), pack, multiply, false, unpack};
const hma_gemm hma_gemm_avx512_bf16 = {"avx512-bf16", true, true, sizeof(uint16_t), pack, multiply_bf16, true, unpack};
