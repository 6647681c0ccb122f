/*
 * bf16 products with AVX512-BF16's dot product: two multiply-adds for each of 16 columns in one instruction. Twice the rate of
 * fp32 where the processor runs it at full rate (Zen 5: measured), half the rate where it does not (Sapphire and Emerald
 * Rapids: measured); kernels.c chooses by processor.
 *
 * Weights are packed in pairs of k: [depth / 2][32][2]; tiles as in gemm_tile512.h, over pairs.
 */
#include <string.h>

#include "eval/transformer/kernels/bf16.h"

#define HMA_TILE_OP "vdpbf16ps"
#define HMA_STEP_DEPTH 2
#include "eval/transformer/kernels/gemm_tile512.h"

/* 16 floats to bfloat16. */
static __m256i round16(__m512 x) { return _mm512_cvtepi32_epi16(_mm512_srli_epi32(round_up(x), 16)); }

/* Rows of a panel as pairs of k: 16 rows by 16 pairs at a time, so that reads and writes are whole lines. */
static void pack_panel(const float *rows, size_t k, size_t real, size_t depth, uint32_t *to) {
    const size_t pairs = (depth + 1) / 2;
    for (size_t d = 0; d < pairs; d += 16) {
        const size_t columns = depth - 2 * d < 32 ? depth - 2 * d : 32;
        uint32_t some[HMA_PANEL][16];
        for (size_t j = 0; j < real; j++) {
            const float *from = rows + j * k + 2 * d;
            const __mmask32 there = columns == 32 ? 0xffffffffu : (1u << columns) - 1;
            _mm256_storeu_si256((__m256i *)(void *)some[j], round16(_mm512_maskz_loadu_ps((__mmask16)there, from)));
            _mm256_storeu_si256((__m256i *)(void *)(some[j] + 8),
                                round16(_mm512_maskz_loadu_ps((__mmask16)(there >> 16), from + 16)));
        }
        for (size_t j = real; j < HMA_PANEL; j++) {
            memset(some[j], 0, sizeof some[j]);
        }
        for (size_t i = 0; i < 16 && d + i < pairs; i++) {
            for (size_t j = 0; j < HMA_PANEL; j++) {
                to[(d + i) * HMA_PANEL + j] = some[j][i];
            }
        }
    }
}

static void pack(void *packed, size_t n, size_t k, size_t first, size_t count, const float *rows) {
    (void)n;
    for (size_t base = 0; base < count; base += HMA_PANEL) {
        const size_t real = count - base < HMA_PANEL ? count - base : HMA_PANEL;
        for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
            const size_t depth = depth_at(k, d0);
            uint16_t *to = (uint16_t *)packed + hma_panel_offset(k, first + base, d0);
            pack_panel(rows + base * k + d0, k, real, depth, (uint32_t *)(void *)to);
        }
    }
}

static void unpack(const void *packed, size_t k, size_t row, float *panel) {
    const uint32_t *from = (const uint32_t *)(const void *)((const uint16_t *)packed + hma_panel_offset(k, row, 0));
    for (size_t d = 0; d < k; d++) {
        for (size_t j = 0; j < HMA_PANEL; j++) {
            const uint32_t pair = from[d / 2 * HMA_PANEL + j];
            panel[d * HMA_PANEL + j] = hma_bf16_to((uint16_t)(d % 2 ? pair >> 16 : pair));
        }
    }
}

/* Rounded; half a pair is filled up with 0. */
static void pack_x(const float *x, size_t ldx, size_t rows, size_t depth, void *to) {
    for (size_t i = 0; i < rows; i++) {
        uint16_t *row = (uint16_t *)to + i * HMA_GEMM_DEPTH;
        const float *from = x + i * ldx;
        size_t d = 0;
        for (; d + 16 <= depth; d += 16) {
            _mm256_storeu_si256((__m256i *)(void *)(row + d), round16(_mm512_loadu_ps(from + d)));
        }
        if (d < depth) {
            const __mmask16 real = (__mmask16)((1u << (depth - d)) - 1);
            _mm256_storeu_si256((__m256i *)(void *)(row + d), round16(_mm512_maskz_loadu_ps(real, from + d)));
        }
    }
}

static void multiply(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy) {
    static const format pairs = {false, pack_x, sizeof(uint16_t)};
    (void)n;
    multiply_as(&pairs, x, ldx, m, packed, k, first, count, y, ldy);
}

const hma_gemm hma_gemm_dot_bf16 = {"avx512-bf16-dot", true, false, sizeof(uint16_t), pack, multiply, true, unpack};
