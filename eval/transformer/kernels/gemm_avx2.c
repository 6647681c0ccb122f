/*
 * Products with AVX2 and FMA: tiles of 6 rows by half a panel (16 columns), 12 accumulators; up to 3 rows take a whole panel.
 * Around them the structure of gemm_tile512.h: a panel from its first step to its last, weights as they lie in memory and
 * fetched ahead, rows of X without gaps, tiles of about the same number of rows.
 */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "eval/transformer/kernels/bf16.h"
#include "eval/transformer/kernels/gemm.h"

enum {
    ROWS = 6,
    WIDE_ROWS = 3, /* that take a whole panel */
    HALF = HMA_PANEL / 2,
    PACKED_ROWS = 16 * ROWS,
    /* X stays in the second-level cache, of which some processors have 256 KB only */
    PACKED_FLOATS = 2 * PACKED_ROWS * HMA_GEMM_DEPTH,
    AHEAD = 64 /* steps of a panel that a tile alone fetches ahead */
};

#define INLINE static inline __attribute__((always_inline))

/* Where a tile works. */
typedef struct place {
    const float *x;    /* rows of HMA_GEMM_DEPTH floats */
    const char *panel; /* the first column's weight */
    const char *next;  /* fetched meanwhile */
    size_t depth;
    float *y;
    size_t ldy, columns;
    bool add; /* to what stands in y */
} place;

/*
 * 16 weights of a step: half a panel. Those of 16 bits lie there as pairs of bfloat16, of columns j and j + 8: shifted up they
 * are the lanes of the first 8 columns, without their lower halves those of the others.
 */
INLINE void weights_at(const char *half, bool narrow, __m256 w[2]) {
    if (narrow) {
        const __m256i pairs = _mm256_loadu_si256((const __m256i *)(const void *)half);
        w[0] = _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
        w[1] = _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32((int)0xffff0000)));
    } else {
        w[0] = _mm256_loadu_ps((const float *)(const void *)half);
        w[1] = _mm256_loadu_ps((const float *)(const void *)half + 8);
    }
}

INLINE void put(float *to, const __m256 *sums, size_t parts, size_t columns, bool add) {
    if (columns >= 8 * parts) {
        for (size_t i = 0; i < parts; i++) {
            _mm256_storeu_ps(to + 8 * i, add ? _mm256_add_ps(_mm256_loadu_ps(to + 8 * i), sums[i]) : sums[i]);
        }
        return;
    }
    float edge[HMA_PANEL];
    for (size_t i = 0; i < parts; i++) {
        _mm256_storeu_ps(edge + 8 * i, sums[i]);
    }
    for (size_t j = 0; j < columns; j++) {
        to[j] = add ? to[j] + edge[j] : edge[j];
    }
}

/* `rows` by 8 * `parts` columns, of which p->columns exist; fetches the lines of its columns in every `every`-th step. */
INLINE void tile(const place *p, size_t rows, size_t parts, size_t every, bool narrow) {
    const size_t weight = narrow ? sizeof(uint16_t) : sizeof(float), step = HMA_PANEL * weight;
    __m256 sums[ROWS][HMA_PANEL / 8];
#pragma GCC unroll 6
    for (size_t r = 0; r < rows; r++) {
        _mm_prefetch((const char *)(p->y + r * p->ldy), _MM_HINT_T0); /* wanted when the sums are ready */
#pragma GCC unroll 4
        for (size_t i = 0; i < parts; i++) {
            sums[r][i] = _mm256_setzero_ps();
        }
    }
    for (size_t d = 0; d < p->depth; d++) {
        __m256 w[HMA_PANEL / 8];
#pragma GCC unroll 2
        for (size_t i = 0; i < parts; i += 2) {
            weights_at(p->panel + d * step + 8 * i * weight, narrow, w + i);
        }
        if (d % every == 0) {
            _mm_prefetch(p->next + d / every * step, _MM_HINT_T0);
            if (8 * parts * weight > 64) {
                _mm_prefetch(p->next + d / every * step + 64, _MM_HINT_T0);
            }
        }
#pragma GCC unroll 6
        for (size_t r = 0; r < rows; r++) {
            const __m256 a = _mm256_broadcast_ss(p->x + r * HMA_GEMM_DEPTH + d);
#pragma GCC unroll 4
            for (size_t i = 0; i < parts; i++) {
                sums[r][i] = _mm256_fmadd_ps(a, w[i], sums[r][i]);
            }
        }
    }
#pragma GCC unroll 6
    for (size_t r = 0; r < rows; r++) {
        put(p->y + r * p->ldy, sums[r], parts, p->columns, p->add);
    }
}

INLINE void tile_of(const place *p, size_t rows, size_t every, bool narrow) {
    switch (rows) {
    case 1: tile(p, 1, 2, every, narrow); break;
    case 2: tile(p, 2, 2, every, narrow); break;
    case 3: tile(p, 3, 2, every, narrow); break;
    case 4: tile(p, 4, 2, every, narrow); break;
    case 5: tile(p, 5, 2, every, narrow); break;
    default: tile(p, ROWS, 2, every, narrow); break;
    }
}

static void wide_tile(const place *p, size_t rows, bool narrow) {
    switch (rows) {
    case 1: narrow ? tile(p, 1, 4, 1, true) : tile(p, 1, 4, 1, false); break;
    case 2: narrow ? tile(p, 2, 4, 1, true) : tile(p, 2, 4, 1, false); break;
    default: narrow ? tile(p, WIDE_ROWS, 4, 1, true) : tile(p, WIDE_ROWS, 4, 1, false); break;
    }
}

INLINE void tiles_of(place p, size_t m, size_t tiles, size_t every, bool narrow) {
    const size_t fetched = p.depth / every * HMA_PANEL * (narrow ? sizeof(uint16_t) : sizeof(float));
    for (size_t left = tiles; left; left--) {
        const size_t rows = (m + left - 1) / left;
        tile_of(&p, rows, every, narrow);
        m -= rows;
        p.x += rows * HMA_GEMM_DEPTH;
        p.y += rows * p.ldy;
        p.next += fetched;
    }
}

/* All rows over half a panel; each of several tiles fetches a part of what comes next. */
INLINE void tiles(const place *p, size_t m, bool narrow) {
    const size_t count = (m + ROWS - 1) / ROWS;
    switch (count >= 8 ? 8 : count >= 4 ? 4 : count >= 2 ? 2 : 1) {
    case 8: tiles_of(*p, m, count, 8, narrow); break;
    case 4: tiles_of(*p, m, count, 4, narrow); break;
    case 2: tiles_of(*p, m, count, 2, narrow); break;
    default: tiles_of(*p, m, count, 1, narrow); break;
    }
}

static size_t depth_at(size_t k, size_t d0) { return k - d0 < HMA_GEMM_DEPTH ? k - d0 : HMA_GEMM_DEPTH; }

/* A product, and the rows of X that are packed: blocks of k from `packed_from` to before `packed_to`. */
typedef struct product {
    const char *weights; /* of column 0 */
    bool narrow;
    size_t k, rows, packed_from, packed_to;
    const float *x;
    float *y; /* of column 0 */
    size_t ldy;
} product;

/* A block of a panel that `columns` columns of exist, half after half; `next` is the block that follows. */
static void multiply_halves(const product *m, const place *whole, const char *next) {
    const size_t weight = m->narrow ? sizeof(uint16_t) : sizeof(float);
    place p = *whole;
    for (size_t half = 0; half < HMA_PANEL && half < whole->columns; half += HALF, p.panel += HALF * weight, p.y += HALF) {
        const bool last = half || whole->columns <= HALF;
        p.columns = whole->columns - half < HALF ? whole->columns - half : HALF;
        /* one tile: later weights of the same columns */
        p.next = m->rows <= ROWS ? p.panel + AHEAD * HMA_PANEL * weight : last ? next : p.panel + HALF * weight;
        m->narrow ? tiles(&p, m->rows, true) : tiles(&p, m->rows, false);
    }
}

/* The packed blocks of k, one after the other, for the panel from column j on. */
static void multiply_panel(const product *m, size_t j, size_t columns) {
    const size_t step = HMA_PANEL * (m->narrow ? sizeof(uint16_t) : sizeof(float));
    const size_t stride = (m->k + m->k % 2) * step;
    const char *panel = m->weights + j / HMA_PANEL * stride;
    place p = {.x = m->x, .y = m->y + j, .ldy = m->ldy, .columns = columns};
    for (size_t d = m->packed_from; d < m->packed_to; d += HMA_GEMM_DEPTH) {
        p.depth = depth_at(m->k, d);
        p.panel = panel + d * step;
        p.add = d > 0;
        if (m->rows <= WIDE_ROWS && columns >= HMA_PANEL) {
            p.next = p.panel + AHEAD * step;
            wide_tile(&p, m->rows, m->narrow);
        } else {
            multiply_halves(m, &p,
                            d + p.depth < m->packed_to ? p.panel + p.depth * step : panel + stride + m->packed_from * step);
        }
        p.x += m->rows * HMA_GEMM_DEPTH;
    }
}

/* Up to 256 columns of some rows of X. */
static void pack_x(const float *x, size_t ldx, size_t rows, size_t depth, bool round, float *to) {
    for (size_t i = 0; i < rows; i++, x += ldx, to += HMA_GEMM_DEPTH) {
        if (!round) {
            memcpy(to, x, depth * sizeof *x);
        }
        for (size_t d = 0; round && d < depth; d++) {
            to[d] = hma_bf16_round(x[d]);
        }
    }
}

static void multiply_as(bool narrow, bool round, const float *x, size_t ldx, size_t m, const void *packed, size_t k,
                        size_t first, size_t count, float *y, size_t ldy) {
    float rows_of_x[PACKED_FLOATS];
    const char *weights = (const char *)packed + hma_panel_offset(k, first, 0) * (narrow ? sizeof(uint16_t) : sizeof(float));
    for (size_t left = (m + PACKED_ROWS - 1) / PACKED_ROWS, rows; left; left--, m -= rows, x += rows * ldx, y += rows * ldy) {
        rows = (m + left - 1) / left;
        const size_t block = rows * HMA_GEMM_DEPTH, depth = PACKED_FLOATS / block * HMA_GEMM_DEPTH;
        for (size_t d0 = 0, end; d0 < k; d0 = end) {
            end = k - d0 < depth ? k : d0 + depth;
            for (size_t d = d0; d < end; d += HMA_GEMM_DEPTH) {
                pack_x(x + d, ldx, rows, depth_at(k, d), round, rows_of_x + (d - d0) / HMA_GEMM_DEPTH * block);
            }
            const product p = {weights, narrow, k, rows, d0, end, rows_of_x, y, ldy};
            for (size_t j = 0; j < count; j += HMA_PANEL) {
                multiply_panel(&p, j, count - j);
            }
        }
    }
}

static void multiply(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy) {
    (void)n;
    multiply_as(false, false, x, ldx, m, packed, k, first, count, y, ldy);
}

static void multiply_bf16(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first,
                          size_t count, float *y, size_t ldy) {
    (void)n;
    multiply_as(true, true, x, ldx, m, packed, k, first, count, y, ldy);
}

/* hma_bf16_from() of 8 floats, in the upper halves. */
INLINE __m256i round_up(__m256 x) {
    const __m256i bits = _mm256_castps_si256(x), odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(bits, odd), _mm256_set1_epi32(0x7fff));
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    return _mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q)));
}

/* Columns j and j + 8 of half a panel side by side: [depth][2][8][2]. */
static void pack_halves(void *packed, size_t n, size_t k, size_t first, size_t count, const float *rows) {
    float block[HMA_GEMM_DEPTH * HMA_PANEL];
    (void)n;
    for (size_t base = 0; base < count; base += HMA_PANEL) {
        const size_t real = count - base < HMA_PANEL ? count - base : HMA_PANEL;
        for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
            const size_t depth = depth_at(k, d0);
            uint16_t *to = (uint16_t *)packed + hma_panel_offset(k, first + base, d0);
            hma_gemm_pack_block(block, depth, real, rows + base * k + d0, k);
            for (size_t i = 0; i < depth * HMA_PANEL; i += HALF) {
                const __m256i low = round_up(_mm256_loadu_ps(block + i)), high = round_up(_mm256_loadu_ps(block + i + 8));
                const __m256i upper = _mm256_and_si256(high, _mm256_set1_epi32((int)0xffff0000));
                _mm256_storeu_si256((__m256i *)(void *)(to + i), _mm256_or_si256(_mm256_srli_epi32(low, 16), upper));
            }
        }
    }
}

static void unpack_halves(const void *packed, size_t k, size_t row, float *panel) {
    const uint16_t *from = (const uint16_t *)packed + hma_panel_offset(k, row, 0);
    for (size_t i = 0; i < k * HMA_PANEL; i += HALF) {
        __m256 w[2];
        weights_at((const char *)(from + i), true, w);
        _mm256_storeu_ps(panel + i, w[0]);
        _mm256_storeu_ps(panel + i + 8, w[1]);
    }
}

/* Weights of 16 bits, X as it is. */
static void multiply_w16(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first,
                         size_t count, float *y, size_t ldy) {
    (void)n;
    multiply_as(true, false, x, ldx, m, packed, k, first, count, y, ldy);
}

const hma_gemm hma_gemm_avx2 = {
    "avx2", true, true, sizeof(float), hma_gemm_pack_panels, multiply, false, hma_gemm_unpack_panel};
const hma_gemm hma_gemm_avx2_bf16 = {"avx2-bf16", true,          true, sizeof(uint16_t),
                                     pack_halves, multiply_bf16, true, unpack_halves};
const hma_gemm hma_gemm_avx2_w16 = {"avx2-w16", true, true, sizeof(uint16_t), pack_halves, multiply_w16, false, unpack_halves};
