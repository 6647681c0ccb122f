/*
 * bf16 products with AVX512-BF16's dot product: two multiply-adds for each of 16 columns in one instruction. Twice the rate of fp32
 * where the processor runs it at full rate (Zen 5: measured), half the rate where it does not (Sapphire and Emerald Rapids:
 * measured); kernels.c chooses by processor.
 *
 * Weights are packed in pairs of k: [depth / 2][32][2]. Inline assembly: gcc 12 spills the registers of the intrinsic's own type.
 */
#include <immintrin.h>
#include <stdint.h>

#include "eval/transformer/kernels/bf16.h"
#include "eval/transformer/kernels/gemm.h"

enum { ROWS = 12, ROUNDED_ROWS = 8 * ROWS };

#define INLINE static inline __attribute__((always_inline))

INLINE __m512 dot(__m512 acc, __m512i w, __m512i x) {
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(acc) : "v"(w), "v"(x));
    return acc;
}

/* `x` holds pairs of k, [row][pairs]; panel [pairs][32] pairs. */
INLINE void tile(int rows, const uint32_t *x, size_t ldx, const uint32_t *panel, const char *next, size_t pairs, float *y, size_t ldy,
                 size_t wide, int start) {
    __m512 low[ROWS], high[ROWS];
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
        low[r] = _mm512_setzero_ps();
        high[r] = _mm512_setzero_ps();
    }
    for (size_t d = 0; d < pairs; d++) {
        const __m512i w0 = _mm512_loadu_si512(panel + d * HMA_PANEL), w1 = _mm512_loadu_si512(panel + d * HMA_PANEL + 16);
        if (d % 4 == 0) {
            _mm_prefetch(next + d * 16, _MM_HINT_T1);
        }
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++) {
            const __m512i a = _mm512_set1_epi32((int)x[(size_t)r * ldx + d]);
            low[r] = dot(low[r], w0, a);
            high[r] = dot(high[r], w1, a);
        }
    }
    const __mmask16 m0 = (__mmask16)(wide >= 16 ? 0xffffu : (1u << wide) - 1);
    const __mmask16 m1 = (__mmask16)(wide >= 32 ? 0xffffu : wide <= 16 ? 0u : (1u << (wide - 16)) - 1);
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
        float *to = y + (size_t)r * ldy;
        if (!start) {
            low[r] = _mm512_add_ps(_mm512_maskz_loadu_ps(m0, to), low[r]);
            high[r] = _mm512_add_ps(_mm512_maskz_loadu_ps(m1, to + 16), high[r]);
        }
        _mm512_mask_storeu_ps(to, m0, low[r]);
        _mm512_mask_storeu_ps(to + 16, m1, high[r]);
    }
}

static void tiles(const uint32_t *x, size_t ldx, size_t m, const uint32_t *panel, size_t pairs, float *y, size_t ldy, size_t wide,
                  int start) {
    const char *next = (const char *)(panel + pairs * HMA_PANEL); /* fetched piece by piece, as in gemm_avx512.c */
    size_t i = 0;
    for (; i + ROWS <= m; i += ROWS, next += pairs * 16) {
        tile(ROWS, x + i * ldx, ldx, panel, next, pairs, y + i * ldy, ldy, wide, start);
    }
    for (; i + 4 <= m; i += 4) {
        tile(4, x + i * ldx, ldx, panel, next, pairs, y + i * ldy, ldy, wide, start);
    }
    for (; i < m; i++) {
        tile(1, x + i * ldx, ldx, panel, next, pairs, y + i * ldy, ldy, wide, start);
    }
}

/* Depth of a block in pairs; blocks begin at even k, so only the last can have half a pair. */
static size_t pairs_at(size_t k, size_t d0) { return ((k - d0 < HMA_GEMM_DEPTH ? k - d0 : HMA_GEMM_DEPTH) + 1) / 2; }

static void pack(void *packed, size_t n, size_t k, size_t first, size_t count, const float *rows) {
    for (size_t base = 0; base < hma_packed_rows(count); base += HMA_PANEL) {
        for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
            const size_t pairs = pairs_at(k, d0);
            uint16_t *to = (uint16_t *)packed + hma_panel_offset(n, first + base, d0, 2 * pairs);
            for (size_t j = 0; j < HMA_PANEL; j++) {
                for (size_t d = 0; d < 2 * pairs; d++) {
                    const bool real = base + j < count && d0 + d < k;
                    to[(d / 2 * HMA_PANEL + j) * 2 + d % 2] = real ? hma_bf16_from(rows[(base + j) * k + d0 + d]) : 0;
                }
            }
        }
    }
}

static void round_rows(const float *x, size_t ldx, size_t rows, size_t depth, size_t pairs, uint32_t *to) {
    for (size_t i = 0; i < rows; i++) {
        uint16_t *row = (uint16_t *)(to + i * pairs);
        for (size_t d = 0; d < depth; d++) {
            row[d] = hma_bf16_from(x[i * ldx + d]);
        }
        if (depth % 2) {
            row[depth] = 0;
        }
    }
}

static void multiply(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy) {
    uint32_t rounded[ROUNDED_ROWS * HMA_GEMM_DEPTH / 2];
    for (size_t i0 = 0; i0 < m; i0 += ROUNDED_ROWS) {
        const size_t rows = m - i0 < ROUNDED_ROWS ? m - i0 : ROUNDED_ROWS;
        for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
            const size_t depth = k - d0 < HMA_GEMM_DEPTH ? k - d0 : HMA_GEMM_DEPTH, pairs = pairs_at(k, d0);
            round_rows(x + i0 * ldx + d0, ldx, rows, depth, pairs, rounded);
            for (size_t j = 0; j < count; j += HMA_PANEL) {
                const size_t wide = count - j < HMA_PANEL ? count - j : HMA_PANEL;
                const uint32_t *panel = (const uint32_t *)((const uint16_t *)packed + hma_panel_offset(n, first + j, d0, 2 * pairs));
                tiles(rounded, pairs, rows, panel, pairs, y + i0 * ldy + j, ldy, wide, d0 == 0);
            }
        }
    }
}

const hma_gemm hma_gemm_dot_bf16 = {"avx512-bf16-dot", true, false, sizeof(uint16_t), pack, multiply};
