/*
 * bf16 products with AVX512-BF16's dot product: two multiply-adds for each of 16 columns in one instruction. Twice the rate of fp32
 * where the processor runs it at full rate (Zen 5: measured), half the rate where it does not (Sapphire and Emerald Rapids:
 * measured); kernels.c chooses by processor.
 *
 * Weights are packed in pairs of k: [depth / 2][32][2]; tiles as in gemm_tile512.h, over pairs.
 */
#include <string.h>

#include "eval/transformer/kernels/bf16.h"

#define HMA_TILE_OP "vdpbf16ps"
#include "eval/transformer/kernels/gemm_tile512.h"

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

/* 16 floats to bfloat16, as hma_bf16_from() does it. */
static __m256i round16(__m512 x) {
    const __m512i bits = _mm512_castps_si512(x), odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, odd), _mm512_set1_epi32(0x7fff));
    const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    const __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_mask_blend_epi32(nan, rounded, quiet), 16));
}

/* Rounded rows of X, a pair in each 4 bytes; half a pair is filled up with 0. */
static void pack_x(const float *x, size_t ldx, size_t rows, size_t depth, uint32_t *to) {
    for (size_t i = 0; i < rows; i++) {
        uint16_t *row = (uint16_t *)(to + i * HMA_GEMM_DEPTH);
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

/* Some rows of X over columns from .. from+count-1 (relative to `first`) and one block of k. */
typedef struct block {
    const uint32_t *x; /* packed */
    size_t rows;
    const uint16_t *packed;
    size_t n, k, first, d0;
    float *y; /* of column 0 */
    size_t ldy;
} block;

static void multiply_block(const block *b, size_t from, size_t count) {
    const size_t pairs = pairs_at(b->k, b->d0);
    tile_place p = {.x = b->x, .steps = pairs, .ldy = b->ldy * sizeof(float), .add = b->d0 > 0};
    for (size_t j = from, columns; j < from + count; j += columns) {
        const bool wide = few_rows(b->rows) && from + count - j >= 4 * HMA_PANEL;
        columns = wide ? 4 * HMA_PANEL : HMA_PANEL;
        const uint16_t *panel = b->packed + hma_panel_offset(b->n, b->first + j, b->d0, 2 * pairs);
        p.panel = panel;
        p.next = panel + 2 * pairs * HMA_PANEL;
        p.y = b->y + j;
        set_columns(&p, from + count - j);
        tiles(p, b->rows, wide);
    }
}

static void multiply(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy) {
    _Alignas(64) uint32_t rows_of_x[PACKED_ROWS * HMA_GEMM_DEPTH];
    for (size_t i0 = 0; i0 < m; i0 += PACKED_ROWS) {
        const size_t rows = m - i0 < PACKED_ROWS ? m - i0 : PACKED_ROWS, chunk = rows <= TILE_ROWS ? count : CHUNK_COLUMNS;
        for (size_t from = 0; from < count; from += chunk) {
            for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
                const block b = {rows_of_x, rows, packed, n, k, first, d0, y + i0 * ldy, ldy};
                pack_x(x + i0 * ldx + d0, ldx, rows, k - d0 < HMA_GEMM_DEPTH ? k - d0 : HMA_GEMM_DEPTH, rows_of_x);
                multiply_block(&b, from, count - from < chunk ? count - from : chunk);
            }
        }
    }
}

const hma_gemm hma_gemm_dot_bf16 = {"avx512-bf16-dot", true, false, sizeof(uint16_t), pack, multiply};
