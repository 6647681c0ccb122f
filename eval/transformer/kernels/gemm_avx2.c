/*
 * Products with AVX2 and FMA: tiles of 6 rows by half a panel (16 columns), 12 accumulators. Around them the structure of
 * gemm_avx512.c: rows of X without gaps, some columns of Y at a time, the next panel fetched meanwhile.
 */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "eval/transformer/kernels/bf16.h"
#include "eval/transformer/kernels/gemm.h"

enum { ROWS = 6, HALF = HMA_PANEL / 2, PACKED_ROWS = 16 * ROWS, CHUNK_COLUMNS = 16 * HMA_PANEL };

#define INLINE static inline __attribute__((always_inline))

/* `x` has rows of HMA_GEMM_DEPTH floats. */
INLINE void tile(int rows, const float *x, const float *panel, const char *next, size_t depth, float *y, size_t ldy,
                 size_t wide, int start) {
    __m256 low[ROWS], high[ROWS];
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        _mm_prefetch((const char *)(y + (size_t)r * ldy), _MM_HINT_T0); /* wanted when the sums are ready */
        low[r] = _mm256_setzero_ps();
        high[r] = _mm256_setzero_ps();
    }
    for (size_t d = 0; d < depth; d++) {
        const __m256 w0 = _mm256_loadu_ps(panel + d * HMA_PANEL), w1 = _mm256_loadu_ps(panel + d * HMA_PANEL + 8);
        if (d % 8 == 0) {
            _mm_prefetch(next + d * 8, _MM_HINT_T1);
        }
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            const __m256 a = _mm256_broadcast_ss(x + (size_t)r * HMA_GEMM_DEPTH + d);
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

/* All rows over half a panel; each tile fetches a piece of what comes next. */
static void tiles(const float *x, size_t m, const float *panel, const void *following, size_t depth, float *y, size_t ldy,
                  size_t wide, int start) {
    const char *next = following;
    size_t i = 0;
    for (; i + ROWS <= m; i += ROWS, next += depth * 8) {
        tile(ROWS, x + i * HMA_GEMM_DEPTH, panel, next, depth, y + i * ldy, ldy, wide, start);
    }
    const float *rest = x + i * HMA_GEMM_DEPTH;
    float *to = y + i * ldy;
    switch (m - i) {
    case 5: tile(5, rest, panel, next, depth, to, ldy, wide, start); break;
    case 4: tile(4, rest, panel, next, depth, to, ldy, wide, start); break;
    case 3: tile(3, rest, panel, next, depth, to, ldy, wide, start); break;
    case 2: tile(2, rest, panel, next, depth, to, ldy, wide, start); break;
    case 1: tile(1, rest, panel, next, depth, to, ldy, wide, start); break;
    default: break;
    }
}

static size_t depth_at(size_t k, size_t d0) { return k - d0 < HMA_GEMM_DEPTH ? k - d0 : HMA_GEMM_DEPTH; }

/* The columns that stay in the second-level cache while k advances; with few rows the weights pass by once, in the order in
 * which they lie in memory. */
static size_t chunk_columns(size_t rows, size_t count) { return rows <= 2 * ROWS ? count : CHUNK_COLUMNS; }

static void multiply(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy) {
    float rows_of_x[PACKED_ROWS * HMA_GEMM_DEPTH];
    for (size_t i0 = 0; i0 < m; i0 += PACKED_ROWS) {
        const size_t rows = m - i0 < PACKED_ROWS ? m - i0 : PACKED_ROWS, chunk = chunk_columns(rows, count);
        for (size_t from = 0; from < count; from += chunk) {
            const size_t to = count - from < chunk ? count : from + chunk;
            for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
                const size_t depth = depth_at(k, d0);
                for (size_t i = 0; i < rows; i++) {
                    memcpy(rows_of_x + i * HMA_GEMM_DEPTH, x + (i0 + i) * ldx + d0, depth * sizeof *x);
                }
                for (size_t j = from; j < to; j += HALF) {
                    const size_t wide = to - j < HALF ? to - j : HALF, half = j % HMA_PANEL;
                    const float *panel = (const float *)packed + hma_panel_offset(n, first + j, d0, depth);
                    /* of the next panel, one half during each half of this one */
                    const float *next = panel + depth * HMA_PANEL + (half ? depth * HMA_PANEL / 2 : 0);
                    tiles(rows_of_x, rows, panel + half, next, depth, y + i0 * ldy + j, ldy, wide, d0 == 0);
                }
            }
        }
    }
}

/* ---- bf16 ---- */

static void widen(const uint16_t *from, size_t count, float *to) {
    for (size_t i = 0; i < count; i += 8) {
        const __m128i half = _mm_loadu_si128((const __m128i *)(from + i));
        _mm256_storeu_ps(to + i, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16)));
    }
}

static void multiply_bf16(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first,
                          size_t count, float *y, size_t ldy) {
    float rows_of_x[PACKED_ROWS * HMA_GEMM_DEPTH], panel[HMA_GEMM_DEPTH * HMA_PANEL];
    for (size_t i0 = 0; i0 < m; i0 += PACKED_ROWS) {
        const size_t rows = m - i0 < PACKED_ROWS ? m - i0 : PACKED_ROWS, chunk = chunk_columns(rows, count);
        for (size_t from = 0; from < count; from += chunk) {
            const size_t to = count - from < chunk ? count : from + chunk;
            for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
                const size_t depth = depth_at(k, d0);
                for (size_t i = 0; i < rows; i++) {
                    for (size_t d = 0; d < depth; d++) {
                        rows_of_x[i * HMA_GEMM_DEPTH + d] = hma_bf16_round(x[(i0 + i) * ldx + d0 + d]);
                    }
                }
                for (size_t j = from; j < to; j += HMA_PANEL) {
                    const uint16_t *narrow = (const uint16_t *)packed + hma_panel_offset(n, first + j, d0, depth);
                    widen(narrow, depth * HMA_PANEL, panel);
                    for (size_t half = 0; half < HMA_PANEL && j + half < to; half += HALF) {
                        const size_t wide = to - j - half < HALF ? to - j - half : HALF;
                        const uint16_t *next = narrow + depth * HMA_PANEL + (half ? depth * HMA_PANEL / 2 : 0);
                        tiles(rows_of_x, rows, panel + half, next, depth, y + i0 * ldy + j + half, ldy, wide, d0 == 0);
                    }
                }
            }
        }
    }
}

const hma_gemm hma_gemm_avx2 = {"avx2", true, true, sizeof(float), hma_gemm_pack_panels, multiply};
const hma_gemm hma_gemm_avx2_bf16 = {"avx2-bf16", true, true, sizeof(uint16_t), hma_gemm_pack_panels_bf16, multiply_bf16};
