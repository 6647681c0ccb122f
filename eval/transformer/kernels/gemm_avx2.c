/* Products with AVX2 and FMA: tiles of 6 rows by half a panel (16 columns), 12 accumulators. The structure of gemm_avx512.c. */
#include <immintrin.h>
#include <stdint.h>

#include "eval/transformer/kernels/bf16.h"
#include "eval/transformer/kernels/gemm.h"

enum { ROWS = 6, HALF = HMA_PANEL / 2 };

#define INLINE static inline __attribute__((always_inline))

INLINE void tile(int rows, const float *x, size_t ldx, const float *panel, size_t depth, float *y, size_t ldy, size_t wide,
                 int start) {
    __m256 low[ROWS], high[ROWS];
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        low[r] = _mm256_setzero_ps();
        high[r] = _mm256_setzero_ps();
    }
    for (size_t d = 0; d < depth; d++) {
        const __m256 w0 = _mm256_loadu_ps(panel + d * HMA_PANEL), w1 = _mm256_loadu_ps(panel + d * HMA_PANEL + 8);
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            const __m256 a = _mm256_broadcast_ss(x + (size_t)r * ldx + d);
            low[r] = _mm256_fmadd_ps(a, w0, low[r]);
            high[r] = _mm256_fmadd_ps(a, w1, high[r]);
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        float *to = y + (size_t)r * ldy;
        if (wide == HALF) {
            if (!start) {
                low[r] = _mm256_add_ps(_mm256_loadu_ps(to), low[r]);
                high[r] = _mm256_add_ps(_mm256_loadu_ps(to + 8), high[r]);
            }
            _mm256_storeu_ps(to, low[r]);
            _mm256_storeu_ps(to + 8, high[r]);
        } else {
            float edge[HALF];
            _mm256_storeu_ps(edge, low[r]);
            _mm256_storeu_ps(edge + 8, high[r]);
            for (size_t j = 0; j < wide; j++) {
                to[j] = start ? edge[j] : to[j] + edge[j];
            }
        }
    }
}

static void tiles(const float *x, size_t ldx, size_t m, const float *panel, size_t depth, float *y, size_t ldy, size_t wide,
                  int start) {
    size_t i = 0;
    for (; i + ROWS <= m; i += ROWS) {
        tile(ROWS, x + i * ldx, ldx, panel, depth, y + i * ldy, ldy, wide, start);
    }
    const float *rest = x + i * ldx;
    float *to = y + i * ldy;
    switch (m - i) {
    case 5: tile(5, rest, ldx, panel, depth, to, ldy, wide, start); break;
    case 4: tile(4, rest, ldx, panel, depth, to, ldy, wide, start); break;
    case 3: tile(3, rest, ldx, panel, depth, to, ldy, wide, start); break;
    case 2: tile(2, rest, ldx, panel, depth, to, ldy, wide, start); break;
    case 1: tile(1, rest, ldx, panel, depth, to, ldy, wide, start); break;
    default: break;
    }
}

static void multiply(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy) {
    for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
        const size_t depth = k - d0 < HMA_GEMM_DEPTH ? k - d0 : HMA_GEMM_DEPTH;
        for (size_t j = 0; j < count; j += HALF) {
            const size_t wide = count - j < HALF ? count - j : HALF;
            const float *panel = (const float *)packed + hma_panel_offset(n, first + j, d0, depth) + j % HMA_PANEL;
            tiles(x + d0, ldx, m, panel, depth, y + j, ldy, wide, d0 == 0);
        }
    }
}

/* ---- bf16 ---- */

enum { ROUNDED_ROWS = 16 * ROWS };

static void widen(const uint16_t *from, size_t count, float *to) {
    for (size_t i = 0; i < count; i += 8) {
        const __m128i half = _mm_loadu_si128((const __m128i *)(from + i));
        _mm256_storeu_ps(to + i, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16)));
    }
}

static void multiply_bf16(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                          float *y, size_t ldy) {
    float rounded[ROUNDED_ROWS * HMA_GEMM_DEPTH], panel[HMA_GEMM_DEPTH * HMA_PANEL];
    for (size_t i0 = 0; i0 < m; i0 += ROUNDED_ROWS) {
        const size_t rows = m - i0 < ROUNDED_ROWS ? m - i0 : ROUNDED_ROWS;
        for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
            const size_t depth = k - d0 < HMA_GEMM_DEPTH ? k - d0 : HMA_GEMM_DEPTH;
            for (size_t i = 0; i < rows; i++) {
                for (size_t d = 0; d < depth; d++) {
                    rounded[i * depth + d] = hma_bf16_round(x[(i0 + i) * ldx + d0 + d]);
                }
            }
            for (size_t j = 0; j < count; j += HMA_PANEL) {
                widen((const uint16_t *)packed + hma_panel_offset(n, first + j, d0, depth), depth * HMA_PANEL, panel);
                for (size_t half = 0; half < HMA_PANEL && j + half < count; half += HALF) {
                    const size_t wide = count - j - half < HALF ? count - j - half : HALF;
                    tiles(rounded, depth, rows, panel + half, depth, y + i0 * ldy + j + half, ldy, wide, d0 == 0);
                }
            }
        }
    }
}

const hma_gemm hma_gemm_avx2 = {"avx2", true, true, sizeof(float), hma_gemm_pack_panels, multiply};
const hma_gemm hma_gemm_avx2_bf16 = {"avx2-bf16", true, true, sizeof(uint16_t), hma_gemm_pack_panels_bf16, multiply_bf16};
