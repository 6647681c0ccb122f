/*
 * Products with AVX-512: tiles of 12 rows by one panel of 32 columns (gemm_tile512.h).
 *
 * A block of a panel (256 x 32 floats, 32 KB) stays in the first-level cache while the rows of X pass over it; meanwhile the
 * next block is fetched into the second-level cache.
 *
 * bf16 weights are widened block by block into such a panel, and X is rounded; the arithmetic is the same.
 */
#include <string.h>

#include "eval/transformer/kernels/bf16.h"

#define HMA_TILE_OP "vfmadd231ps"
#define HMA_STEP_DEPTH 1
#define HMA_ROW_BYTES "1024"
#include "eval/transformer/kernels/gemm_tile512.h"

static void pack_x(const float *x, size_t ldx, size_t rows, size_t depth, void *to) {
    for (size_t i = 0; i < rows; i++) {
        memcpy((float *)to + i * ROW_STEPS, x + i * ldx, depth * sizeof *x);
    }
}

/* ---- bf16 ---- */

static void widen(const uint16_t *from, size_t count, float *to) {
    for (size_t i = 0; i < count; i += 16) {
        const __m256i half = _mm256_loadu_si256((const __m256i *)(from + i));
        _mm512_storeu_ps(to + i, _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16)));
    }
}

static void round_x(const float *x, size_t ldx, size_t rows, size_t depth, float *to) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t d = 0; d < depth; d++) {
            to[i * ROW_STEPS + d] = hma_bf16_round(x[i * ldx + d]);
        }
    }
}

static void multiply_bf16(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first,
                          size_t count, float *y, size_t ldy) {
    _Alignas(64) float rows_of_x[PACKED_ROWS * ROW_STEPS], panel[HMA_GEMM_DEPTH * HMA_PANEL];
    for (size_t i0 = 0; i0 < m; i0 += PACKED_ROWS) {
        const size_t rows = m - i0 < PACKED_ROWS ? m - i0 : PACKED_ROWS;
        for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
            const size_t depth = depth_at(k, d0);
            round_x(x + i0 * ldx + d0, ldx, rows, depth, rows_of_x);
            tile_place p = {.x = rows_of_x, .panel = panel, .steps = depth, .ldy = ldy * sizeof(float), .add = d0 > 0};
            for (size_t j = 0; j < count; j += HMA_PANEL) {
                const uint16_t *narrow = (const uint16_t *)packed + hma_panel_offset(n, first + j, d0, depth);
                widen(narrow, depth * HMA_PANEL, panel);
                p.next = narrow + depth * HMA_PANEL;
                p.y = y + i0 * ldy + j;
                set_columns(&p, count - j);
                tiles(p, rows, false);
            }
        }
    }
}

const hma_gemm hma_gemm_avx512 = {"avx512", true, true, sizeof(float), hma_gemm_pack_panels, multiply};
const hma_gemm hma_gemm_avx512_bf16 = {"avx512-bf16", true, true, sizeof(uint16_t), hma_gemm_pack_panels_bf16, multiply_bf16};
