/*
 * The 8-bit products with AVX-VNNI, for processors that have VNNI without AVX-512: tiles of 6 rows by half a panel (16
 * columns), 12 accumulators. A half panel is gone through from its first step to its last by all rows before the next one.
 */
#include <immintrin.h>

#include "eval/transformer/kernels/screen_body.h"

enum { ROWS = 6, HALF = HMA_PANEL / 2, STEP = HMA_PANEL * FOUR, AHEAD = 32 };

/* Where a tile works. */
typedef struct place {
    const uint8_t *x;
    size_t ldx;
    const int8_t *half; /* of a panel, its first column's bytes */
    size_t k;
    float *dots;
    size_t ldy, columns;
} place;

static void put(float *to, __m256i low, __m256i high, size_t columns) {
    int32_t dots[HALF];
    _mm256_storeu_si256((__m256i *)(void *)dots, low);
    _mm256_storeu_si256((__m256i *)(void *)(dots + 8), high);
    memcpy(to, dots, columns * sizeof *dots);
}

INLINE void tile(const place *p, size_t rows) {
    __m256i low[ROWS], high[ROWS];
#pragma GCC unroll 6
    for (size_t r = 0; r < rows; r++) {
        low[r] = high[r] = _mm256_setzero_si256();
    }
    const int8_t *half = p->half;
    for (size_t d = 0; d < p->k; d += FOUR, half += STEP) {
        const __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)half),
                      b = _mm256_loadu_si256((const __m256i *)(const void *)(half + 32));
        _mm_prefetch((const char *)half + AHEAD * STEP, _MM_HINT_T0);
#pragma GCC unroll 6
        for (size_t r = 0; r < rows; r++) {
            int32_t four;
            memcpy(&four, p->x + r * p->ldx + d, sizeof four);
            const __m256i x = _mm256_set1_epi32(four);
            low[r] = _mm256_dpbusd_avx_epi32(low[r], x, a);
            high[r] = _mm256_dpbusd_avx_epi32(high[r], x, b);
        }
    }
#pragma GCC unroll 6
    for (size_t r = 0; r < rows; r++) {
        put(p->dots + r * p->ldy, low[r], high[r], p->columns);
    }
}

static void tile_of(const place *p, size_t rows) {
    switch (rows) {
    case 1: tile(p, 1); break;
    case 2: tile(p, 2); break;
    case 3: tile(p, 3); break;
    case 4: tile(p, 4); break;
    case 5: tile(p, 5); break;
    default: tile(p, ROWS); break;
    }
}

static void multiply(const uint8_t *x, size_t ldx, size_t m, const int8_t *packed, size_t k, size_t first, size_t count,
                     float *dots, size_t ldy) {
    for (size_t j = 0; j < count; j += HALF) {
        const size_t column = first + j, columns = count - j < HALF ? count - j : HALF;
        place p = {x, ldx, packed + column / HMA_PANEL * HMA_PANEL * k + column % HMA_PANEL * FOUR, k, dots + j, ldy, columns};
        size_t left = m;
        for (size_t tiles = (m + ROWS - 1) / ROWS, rows; tiles; tiles--, left -= rows) {
            rows = (left + tiles - 1) / tiles;
            tile_of(&p, rows);
            p.x += rows * ldx;
            p.dots += rows * ldy;
        }
    }
}

const hma_screen_kernel hma_screen_avx2 = {"avx-vnni", pack, round_row, multiply, bound};
