/*
 * Products with AVX-512: tiles of 12 rows by one panel of 32 columns, 24 accumulators.
 *
 * A block of a panel (256 x 32 floats, 32 KB) stays in the first-level cache while the rows of X pass over it; each element of X is
 * broadcast once for two multiply-adds. Meanwhile the next block is fetched into the second-level cache, a line every four steps:
 * all at once would fill the buffers that the loads need.
 *
 * bf16 weights are widened block by block into such a panel, and X is rounded; the arithmetic is the same.
 */
#include <immintrin.h>
#include <stdint.h>

#include "eval/transformer/kernels/bf16.h"
#include "eval/transformer/kernels/gemm.h"

enum { ROWS = 12 };

#define INLINE static inline __attribute__((always_inline))

/* rows x 32 tile over `depth` steps of k; added to y unless `start`. `rows` is a constant after inlining. */
INLINE void tile(int rows, const float *x, size_t ldx, const float *panel, const char *next, size_t depth, float *y, size_t ldy,
                 size_t wide, int start) {
    __m512 low[ROWS], high[ROWS];
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
        low[r] = _mm512_setzero_ps();
        high[r] = _mm512_setzero_ps();
    }
    for (size_t d = 0; d < depth; d++) {
        const __m512 w0 = _mm512_loadu_ps(panel + d * HMA_PANEL), w1 = _mm512_loadu_ps(panel + d * HMA_PANEL + 16);
        if (d % 4 == 0) {
            _mm_prefetch(next + d * 16, _MM_HINT_T1);
        }
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++) {
            const __m512 a = _mm512_set1_ps(x[(size_t)r * ldx + d]);
            low[r] = _mm512_fmadd_ps(a, w0, low[r]);
            high[r] = _mm512_fmadd_ps(a, w1, high[r]);
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

/* All rows over one block of a panel; each tile fetches a piece of what comes next. */
static void tiles(const float *x, size_t ldx, size_t m, const float *panel, const void *following, size_t depth, float *y, size_t ldy,
                  size_t wide, int start) {
    const char *next = following;
    size_t i = 0;
    for (; i + ROWS <= m; i += ROWS, next += depth * 16) {
        tile(ROWS, x + i * ldx, ldx, panel, next, depth, y + i * ldy, ldy, wide, start);
    }
    const float *rest = x + i * ldx;
    float *to = y + i * ldy;
    switch (m - i) {
    case 11: tile(11, rest, ldx, panel, next, depth, to, ldy, wide, start); break;
    case 10: tile(10, rest, ldx, panel, next, depth, to, ldy, wide, start); break;
    case 9: tile(9, rest, ldx, panel, next, depth, to, ldy, wide, start); break;
    case 8: tile(8, rest, ldx, panel, next, depth, to, ldy, wide, start); break;
    case 7: tile(7, rest, ldx, panel, next, depth, to, ldy, wide, start); break;
    case 6: tile(6, rest, ldx, panel, next, depth, to, ldy, wide, start); break;
    case 5: tile(5, rest, ldx, panel, next, depth, to, ldy, wide, start); break;
    case 4: tile(4, rest, ldx, panel, next, depth, to, ldy, wide, start); break;
    case 3: tile(3, rest, ldx, panel, next, depth, to, ldy, wide, start); break;
    case 2: tile(2, rest, ldx, panel, next, depth, to, ldy, wide, start); break;
    case 1: tile(1, rest, ldx, panel, next, depth, to, ldy, wide, start); break;
    default: break;
    }
}

static void multiply(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy) {
    for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
        const size_t depth = k - d0 < HMA_GEMM_DEPTH ? k - d0 : HMA_GEMM_DEPTH;
        for (size_t j = 0; j < count; j += HMA_PANEL) {
            const size_t wide = count - j < HMA_PANEL ? count - j : HMA_PANEL;
            const float *panel = (const float *)packed + hma_panel_offset(n, first + j, d0, depth);
            tiles(x + d0, ldx, m, panel, panel + depth * HMA_PANEL, depth, y + j, ldy, wide, d0 == 0);
        }
    }
}

/* ---- bf16 ---- */

/* X is rounded so many rows at a time, on the stack. */
enum { ROUNDED_ROWS = 8 * ROWS };

static void widen(const uint16_t *from, size_t count, float *to) {
    for (size_t i = 0; i < count; i += 16) {
        const __m256i half = _mm256_loadu_si256((const __m256i *)(from + i));
        _mm512_storeu_ps(to + i, _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16)));
    }
}

static void round_rows(const float *x, size_t ldx, size_t rows, size_t depth, float *to) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t d = 0; d < depth; d++) {
            to[i * depth + d] = hma_bf16_round(x[i * ldx + d]);
        }
    }
}

static void multiply_bf16(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                          float *y, size_t ldy) {
    float rounded[ROUNDED_ROWS * HMA_GEMM_DEPTH], panel[HMA_GEMM_DEPTH * HMA_PANEL];
    for (size_t i0 = 0; i0 < m; i0 += ROUNDED_ROWS) {
        const size_t rows = m - i0 < ROUNDED_ROWS ? m - i0 : ROUNDED_ROWS;
        for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
            const size_t depth = k - d0 < HMA_GEMM_DEPTH ? k - d0 : HMA_GEMM_DEPTH;
            round_rows(x + i0 * ldx + d0, ldx, rows, depth, rounded);
            for (size_t j = 0; j < count; j += HMA_PANEL) {
                const size_t wide = count - j < HMA_PANEL ? count - j : HMA_PANEL;
                const uint16_t *narrow = (const uint16_t *)packed + hma_panel_offset(n, first + j, d0, depth);
                widen(narrow, depth * HMA_PANEL, panel);
                tiles(rounded, depth, rows, panel, narrow + depth * HMA_PANEL, depth, y + i0 * ldy + j, ldy, wide, d0 == 0);
            }
        }
    }
}

const hma_gemm hma_gemm_avx512 = {"avx512", true, true, sizeof(float), hma_gemm_pack_panels, multiply};
const hma_gemm hma_gemm_avx512_bf16 = {"avx512-bf16", true, true, sizeof(uint16_t), hma_gemm_pack_panels_bf16, multiply_bf16};
