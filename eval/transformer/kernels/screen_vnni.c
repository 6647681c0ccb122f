/*
 * The 8-bit products with AVX-512 VNNI: four multiply-adds for each of 16 columns in one instruction, at the rate at which fp32
 * does one. Tiles as in gemm_tile512.h, over fours of k.
 */
#include <math.h>

#include "eval/transformer/kernels/screen.h"

#define HMA_TILE_OP "vpdpbusd"
#define HMA_TILE_ADD "vpaddd"
#define HMA_STEP_DEPTH 4
#include "eval/transformer/kernels/gemm_tile512.h"

enum { FOUR = HMA_STEP_DEPTH };

/* ---- weights: a lane is a row ---- */

/* Sums and differences of all blocks of k, stage by stage. */
static void turn_panel(float *panel, size_t k, size_t block) {
    for (size_t half = 1; half < block; half *= 2) {
        for (size_t d = 0; d < k; d += 2 * half) {
            for (size_t i = d; i < d + half; i++) {
                for (size_t lane = 0; lane < HMA_PANEL; lane += 16) {
                    float *low = panel + i * HMA_PANEL + lane, *high = low + half * HMA_PANEL;
                    const __m512 a = _mm512_loadu_ps(low), b = _mm512_loadu_ps(high);
                    _mm512_storeu_ps(low, _mm512_add_ps(a, b));
                    _mm512_storeu_ps(high, _mm512_sub_ps(a, b));
                }
            }
        }
    }
}

/* One lane of 16 rows, from `panel` on. */
static void round_lanes(const float *panel, size_t k, float factor, int8_t *packed, const hma_screen_panel *out, size_t lane) {
    const __m512 sign = _mm512_castsi512_ps(_mm512_set1_epi32(0x7fffffff));
    __m512 most = _mm512_setzero_ps(), squares = _mm512_setzero_ps(), lost = _mm512_setzero_ps();
    for (size_t d = 0; d < k; d++) {
        const __m512 v = _mm512_loadu_ps(panel + d * HMA_PANEL + lane);
        most = _mm512_max_ps(most, _mm512_and_ps(v, sign));
        squares = _mm512_fmadd_ps(v, v, squares);
    }
    /* a row of next to nothing is rounded to nothing */
    const __mmask16 some = _mm512_cmp_ps_mask(most, _mm512_set1_ps(1e-30f), _CMP_GT_OQ);
    const __m512 step = _mm512_maskz_mul_ps(some, most, _mm512_set1_ps(1.0f / 127)),
                 inverse = _mm512_maskz_div_ps(some, _mm512_set1_ps(1), step);
    __m512i sum = _mm512_setzero_si512();
    for (size_t d = 0; d < k; d += FOUR) {
        __m512i bytes = _mm512_setzero_si512();
        for (size_t i = 0; i < FOUR; i++) {
            const __m512 v = _mm512_loadu_ps(panel + (d + i) * HMA_PANEL + lane);
            __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(v, inverse));
            q = _mm512_max_epi32(_mm512_min_epi32(q, _mm512_set1_epi32(127)), _mm512_set1_epi32(-127));
            const __m512 off = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(q), step, v);
            lost = _mm512_fmadd_ps(off, off, lost);
            sum = _mm512_add_epi32(sum, q);
            bytes = _mm512_or_si512(
                bytes, _mm512_sllv_epi32(_mm512_and_si512(q, _mm512_set1_epi32(0xff)), _mm512_set1_epi32(8 * (int)i)));
        }
        _mm512_storeu_si512(packed + d * HMA_PANEL + lane * FOUR, bytes);
    }
    /* the sums of squares are off by less than one in a thousand */
    const __m512 more = _mm512_set1_ps(1.001f * factor), length = _mm512_mul_ps(_mm512_sqrt_ps(squares), more),
                 off = _mm512_mul_ps(_mm512_sqrt_ps(lost), more),
                 even = _mm512_set1_ps(HMA_SCREEN_EVEN + hma_screen_rounding(k));
    _mm512_storeu_ps(out->scale + lane, _mm512_mul_ps(step, _mm512_set1_ps(factor)));
    _mm512_storeu_si512(out->offset + lane, _mm512_slli_epi32(sum, 7));
    _mm512_storeu_ps(out->reach + lane, _mm512_fmadd_ps(even, _mm512_add_ps(length, off), off));
    _mm512_storeu_ps(out->length + lane, length);
}

static void pack(float *panel, size_t k, int8_t *packed, const hma_screen_panel *out) {
    const size_t block = hma_screen_block(k);
    turn_panel(panel, k, block);
    round_lanes(panel, k, 1.0f / (float)block, packed, out, 0);
    round_lanes(panel, k, 1.0f / (float)block, packed, out, 16);
}

/* ---- activations ---- */

static void turn_row(float *x, size_t k, size_t block) {
    for (size_t half = 1; half < block; half *= 2) {
        for (size_t d = 0; d < k; d += 2 * half) {
            for (size_t i = d; i < d + half; i++) {
                const float a = x[i], b = x[i + half];
                x[i] = a + b;
                x[i + half] = a - b;
            }
        }
    }
}

static bool round_row(float *x, size_t k, uint8_t *out, hma_screen_row *row) {
    float most = 0, squares = 0, lost = 0;
    turn_row(x, k, hma_screen_block(k));
    for (size_t d = 0; d < k; d++) {
        most = fmaxf(most, fabsf(x[d]));
        squares += x[d] * x[d];
    }
    if (!(squares < 1e24f)) {
        return false;
    }
    const float step = most > 1e-30f ? most / 127 : 0, inverse = step > 0 ? 1 / step : 0;
    for (size_t d = 0; d < k; d++) {
        const float q = fminf(fmaxf(rintf(x[d] * inverse), -127), 127), off = x[d] - q * step;
        lost += off * off;
        out[d] = (uint8_t)((int)q + 128);
    }
    *row = (hma_screen_row){step, 1.001f * fmaxf(sqrtf(squares), sqrtf(lost) / HMA_SCREEN_EVEN)};
    return true;
}

/* ---- products ---- */

static void multiply(const uint8_t *x, size_t ldx, size_t m, const int8_t *packed, size_t k, size_t first, size_t count,
                     float *dots, size_t ldy) {
    static const format bytes = {true, NULL, sizeof(int8_t)};
    for (size_t rows; m; m -= rows, x += rows * ldx, dots += rows * ldy) {
        rows = m < PACKED_ROWS ? m : PACKED_ROWS;
        const product p = {&bytes, (const char *)packed + first * k, k, rows, 0, k, (const char *)x, ldx, HMA_GEMM_DEPTH, dots,
                           ldy};
        multiply_columns(&p, count);
    }
}

/* ---- bounds ---- */

/* 16 columns of one row, of which `there` exist. */
static __m512 bound_16(const hma_screen_panel *p, const hma_screen_row *row, float *dots, size_t j, __mmask16 there) {
    const __m512i dot =
        _mm512_sub_epi32(_mm512_maskz_loadu_epi32(there, dots + j), _mm512_maskz_loadu_epi32(there, p->offset + j));
    const __m512 scale = _mm512_mul_ps(_mm512_maskz_loadu_ps(there, p->scale + j), _mm512_set1_ps(row->scale)),
                 reach = _mm512_mul_ps(_mm512_maskz_loadu_ps(there, p->reach + j), _mm512_set1_ps(row->room));
    const __m512 most = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), scale, reach);
    _mm512_mask_storeu_ps(dots + j, there, most);
    return _mm512_mask_blend_ps(there, _mm512_set1_ps(-INFINITY), most);
}

static void bound(const hma_screen_panel *p, const hma_screen_row *rows, size_t m, size_t count, float *dots, size_t ldy,
                  float *tops, size_t ld_tops) {
    for (size_t i = 0; i < m; i++, dots += ldy, tops += ld_tops) {
        for (size_t base = 0; base < count; base += HMA_SCREEN_TOP) {
            __m512 top = _mm512_set1_ps(-INFINITY);
            for (size_t j = base; j < count && j < base + HMA_SCREEN_TOP; j += 16) {
                const __mmask16 there = (__mmask16)(count - j >= 16 ? 0xffffu : (1u << (count - j)) - 1);
                top = _mm512_max_ps(top, bound_16(p, &rows[i], dots, j, there));
            }
            tops[base / HMA_SCREEN_TOP] = _mm512_reduce_max_ps(top);
        }
    }
}

const hma_screen_kernel hma_screen_vnni = {"vnni", pack, round_row, multiply, bound};
