/*
 * All of hma_screen_kernel but the products, included by one file for each instruction set. Rounding a panel takes 16 of its
 * rows at a time, a lane each.
 */
#include "eval/transformer/kernels/screen.h"
#include "eval/transformer/kernels/vector_math.h"

enum { FOUR = 4 };

/* To whole numbers, ties to even, of values below 2^22. */
INLINE vi nearest(vf v) {
    const vf magic = all(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    return (vi)(v + magic) - (vi)magic;
}

INLINE vf vsqrt(vf v) { return (vf)REGISTER(sqrt_ps)((float_register)v); }

/* Squares that are too small for a float, all together. */
static float least_squares(size_t k) { return (float)k * 0x1p-149f; }

/* ---- weights ---- */

/* Sums and differences of all blocks of k, stage by stage. */
static void turn_panel(float *panel, size_t k, size_t block) {
    for (size_t half = 1; half < block; half *= 2) {
        for (size_t d = 0; d < k; d += 2 * half) {
            for (size_t i = d * HMA_PANEL; i < (d + half) * HMA_PANEL; i += LANES) {
                const vf a = load(panel + i), b = load(panel + i + half * HMA_PANEL);
                store(panel + i, a + b);
                store(panel + i + half * HMA_PANEL, a - b);
            }
        }
    }
}

static void round_lanes(const float *panel, size_t k, float factor, int8_t *packed, const hma_screen_panel *out, size_t lane) {
    vf most = all(0), squares = all(least_squares(k)), lost = squares;
    for (size_t d = 0; d < k; d++) {
        const vf v = load(panel + d * HMA_PANEL + lane);
        most = larger((vf)((vi)v & 0x7fffffff), most);
        squares = v * v + squares;
    }
    /* a row of next to nothing is rounded to nothing */
    const vi some = most > all(1e-30f);
    const vf step = choose(some, most * (1.0f / 127), all(0)), inverse = choose(some, 1.0f / step, all(0));
    vi sum = {0};
    for (size_t d = 0; d < k; d += FOUR) {
        vi bytes = {0};
        for (int i = 0; i < FOUR; i++) {
            const vf v = load(panel + (d + (size_t)i) * HMA_PANEL + lane);
            /* at most 127 in size: v is no larger than 127 steps but for rounding, which is to the nearest */
            const vi q = nearest(v * inverse);
            const vf off = v - __builtin_convertvector(q, vf) * step;
            lost = off * off + lost;
            sum = sum + q;
            bytes = bytes | (q & 0xff) << 8 * i;
        }
        *(vi *)(packed + d * HMA_PANEL + lane * FOUR) = bytes;
    }
    /* the sums of squares are off by less than one in a thousand */
    const vf length = vsqrt(squares) * (1.001f * factor), off = vsqrt(lost) * (1.001f * factor);
    store(out->scale + lane, step * factor);
    *(vi *)(out->offset + lane) = sum * 128;
    store(out->reach + lane, off + (length + off) * (HMA_SCREEN_EVEN + hma_screen_rounding(k)));
    store(out->length + lane, length);
}

static void pack(float *panel, size_t k, int8_t *packed, const hma_screen_panel *out) {
    const size_t block = hma_screen_block(k);
    turn_panel(panel, k, block);
    for (size_t lane = 0; lane < HMA_PANEL; lane += LANES) {
        round_lanes(panel, k, 1.0f / (float)block, packed, out, lane);
    }
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
    float most = 0, squares = least_squares(k), lost = squares;
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

/* ---- bounds ---- */

INLINE vf bound_some(const hma_screen_panel *p, const hma_screen_row *row, float *dots, size_t j) {
    const vi dot = (vi)load(dots + j) - *(const vi *)(p->offset + j);
    const vf most = __builtin_convertvector(dot, vf) * (load(p->scale + j) * row->scale) + load(p->reach + j) * row->room;
    store(dots + j, most);
    return most;
}

static float bound_1(const hma_screen_panel *p, const hma_screen_row *row, float *dots, size_t j) {
    int32_t dot;
    memcpy(&dot, dots + j, sizeof dot);
    dots[j] = (float)(dot - p->offset[j]) * (p->scale[j] * row->scale) + p->reach[j] * row->room;
    return dots[j];
}

static void bound(const hma_screen_panel *p, const hma_screen_row *rows, size_t m, size_t count, float *dots, size_t ldy,
                  float *tops, size_t ld_tops) {
    for (size_t i = 0; i < m; i++, dots += ldy, tops += ld_tops) {
        for (size_t base = 0; base < count; base += HMA_SCREEN_TOP) {
            const size_t end = count - base < HMA_SCREEN_TOP ? count : base + HMA_SCREEN_TOP;
            vf top = all(-INFINITY);
            size_t j = base;
            for (; j + LANES <= end; j += LANES) {
                top = larger(bound_some(p, &rows[i], dots, j), top);
            }
            float most = register_max(top);
            for (; j < end; j++) {
                const float one = bound_1(p, &rows[i], dots, j);
                most = one > most ? one : most;
            }
            tops[base / HMA_SCREEN_TOP] = most;
        }
    }
}
