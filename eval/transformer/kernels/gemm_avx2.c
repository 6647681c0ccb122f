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

/* 8 weights, which are bfloat16 when `narrow`. */
INLINE __m256 weights_at(const char *panel, bool narrow) {
    return narrow ? _mm256_castsi256_ps(
                        _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)panel)), 16))
                  : _mm256_loadu_ps((const float *)(const void *)panel);
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
#pragma GCC unroll 4
        for (size_t i = 0; i < parts; i++) {
            w[i] = weights_at(p->panel + d * step + 8 * i * weight, narrow);
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

/* All rows over half a panel; each of several tiles fetches a part of what comes next. */
static void tiles(place p, size_t m) {
    const size_t tiles = (m + ROWS - 1) / ROWS, every = tiles >= 8 ? 8 : tiles >= 4 ? 4 : tiles >= 2 ? 2 : 1;
    for (size_t left = tiles; left; left--) {
        const size_t rows = (m + left - 1) / left;
        switch (every) {
        case 8: tile_of(&p, rows, 8, false); break;
        case 4: tile_of(&p, rows, 4, false); break;
        case 2: tile_of(&p, rows, 2, false); break;
        default: tile_of(&p, rows, 1, false); break;
        }
        m -= rows;
        p.x += rows * HMA_GEMM_DEPTH;
        p.y += rows * p.ldy;
        p.next += p.depth / every * HMA_PANEL * sizeof(float);
    }
}

static void widen(const char *from, size_t count, float *to) {
    for (size_t i = 0; i < count; i += 8) {
        _mm256_storeu_ps(to + i, weights_at(from + i * sizeof(uint16_t), true));
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
    const bool narrow = m->narrow && m->rows <= ROWS;
    const size_t weight = narrow ? sizeof(uint16_t) : sizeof(float);
    float lanes[HMA_GEMM_DEPTH * HMA_PANEL];
    place p = *whole;
    if (m->narrow && !narrow) {
        widen(whole->panel, p.depth * HMA_PANEL, lanes);
        p.panel = (const char *)lanes;
    }
    for (size_t half = 0; half < HMA_PANEL && half < whole->columns; half += HALF, p.panel += HALF * weight, p.y += HALF) {
        const bool last = half || whole->columns <= HALF;
        p.columns = whole->columns - half < HALF ? whole->columns - half : HALF;
        if (m->rows <= ROWS) {
            p.next = p.panel + AHEAD * HMA_PANEL * weight; /* later weights of the same columns */
            narrow ? tile_of(&p, m->rows, 1, true) : tile_of(&p, m->rows, 1, false);
        } else {
            p.next = last || m->narrow ? next : p.panel + HALF * weight;
            tiles(p, m->rows);
        }
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
static void pack_x(const float *x, size_t ldx, size_t rows, size_t depth, bool narrow, float *to) {
    for (size_t i = 0; i < rows; i++, x += ldx, to += HMA_GEMM_DEPTH) {
        if (!narrow) {
            memcpy(to, x, depth * sizeof *x);
        }
        for (size_t d = 0; narrow && d < depth; d++) {
            to[d] = hma_bf16_round(x[d]);
        }
    }
}

static void multiply_as(bool narrow, const float *x, size_t ldx, size_t m, const void *packed, size_t k, size_t first,
                        size_t count, float *y, size_t ldy) {
    float rows_of_x[PACKED_FLOATS];
    const char *weights = (const char *)packed + hma_panel_offset(k, first, 0) * (narrow ? sizeof(uint16_t) : sizeof(float));
    for (size_t left = (m + PACKED_ROWS - 1) / PACKED_ROWS, rows; left; left--, m -= rows, x += rows * ldx, y += rows * ldy) {
        rows = (m + left - 1) / left;
        const size_t block = rows * HMA_GEMM_DEPTH, depth = PACKED_FLOATS / block * HMA_GEMM_DEPTH;
        for (size_t d0 = 0, end; d0 < k; d0 = end) {
            end = k - d0 < depth ? k : d0 + depth;
            for (size_t d = d0; d < end; d += HMA_GEMM_DEPTH) {
                pack_x(x + d, ldx, rows, depth_at(k, d), narrow, rows_of_x + (d - d0) / HMA_GEMM_DEPTH * block);
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
    multiply_as(false, x, ldx, m, packed, k, first, count, y, ldy);
}

static void multiply_bf16(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first,
                          size_t count, float *y, size_t ldy) {
    (void)n;
    multiply_as(true, x, ldx, m, packed, k, first, count, y, ldy);
}

const hma_gemm hma_gemm_avx2 = {"avx2", true, true, sizeof(float), hma_gemm_pack_panels, multiply};
const hma_gemm hma_gemm_avx2_bf16 = {"avx2-bf16", true, true, sizeof(uint16_t), hma_gemm_pack_panels_bf16, multiply_bf16};
