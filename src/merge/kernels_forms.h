/*
 * What elements become under each form of hma_blend, before they are rounded: part of kernels_body.h. n is at most STAGE. Where
 * all models have the same value, it passes as it is, whatever its weights sum to after rounding; only the spherical form
 * scales.
 */
#ifndef HMA_MERGE_KERNELS_FORMS_H
#define HMA_MERGE_KERNELS_FORMS_H

#include "merge/kernels.h"

enum { STAGE = 512 };

/* The definition of linear: two products and a sum, each rounded to fp64. */
static inline double exact(double ratio, double pre, double post) { return (1.0 - ratio) * pre + ratio * post; }

/* hma_rng_double() of elements first .. first+n-1, where the compiler can see it. */
static void draw_run(hma_rng_key key, uint64_t first, size_t n, double *restrict uniform) {
    for (size_t i = 0; i < n; i++) {
        const uint64_t index = first + i;
        const uint32_t counter[4] = {(uint32_t)index, (uint32_t)(index >> 32), 0, 0};
        uint32_t words[4];
        hma_philox(words, counter, key);
        uniform[i] = (double)(int64_t)(((uint64_t)words[1] << 32 | words[0]) >> 11) * 0x1p-53;
    }
}

static void spherical_run(const hma_blend *blend, size_t n, const float *restrict x, const float *restrict y,
                          double *restrict out) {
    const double p = blend->weight[0], q = blend->weight[1];
    for (size_t i = 0; i < n; i++) {
        out[i] = p * (double)x[i] + q * (double)y[i];
    }
}

static void shifted_run(const hma_blend *blend, size_t n, const float *restrict x, const float *restrict y,
                        const float *restrict base, double *restrict out) {
    const double ratio = blend->ratio, lambda = blend->lambda;
    for (size_t i = 0; i < n; i++) {
        const double a = (double)x[i], c = (double)y[i], b = (double)base[i];
        const double mixed = a == c ? a : exact(ratio, a, c);
        out[i] = mixed == b ? b : (1.0 - lambda) * b + lambda * mixed;
    }
}

/* Which elements of to - from are kept: 1 or 0. */
static void keep_run(const hma_keep *keep, uint64_t first, size_t n, const float *restrict from, const float *restrict to,
                     uint32_t *restrict kept) {
    double uniform[STAGE];
    const bool draws = keep->share > 0 && keep->share < 1;
    if (draws) {
        draw_run(keep->key, first, n, uniform);
    } else {
        for (size_t i = 0; i < n; i++) {
            uniform[i] = 0;
        }
    }
    if (!keep->by_size) {
        for (size_t i = 0; i < n; i++) {
            kept[i] = uniform[i] < keep->share;
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const uint32_t size = hma_delta_magnitude(from[i], to[i]);
        kept[i] = (size > keep->threshold) | ((size == keep->threshold) & (uniform[i] < keep->share));
    }
}

static void kept_run(const hma_blend *blend, uint64_t first, size_t n, const float *restrict x, const float *restrict y,
                     double *restrict out) {
    const double ratio = blend->ratio;
    uint32_t kept[STAGE];
    keep_run(&blend->keep[1], first, n, x, y, kept);
    for (size_t i = 0; i < n; i++) {
        const double a = (double)x[i], c = (double)y[i];
        const double moved = a == c ? a : exact(ratio, a, c);
        out[i] = kept[i] ? moved : a;
    }
}

static void summed_run(const hma_blend *blend, uint64_t first, size_t n, const float *restrict x, const float *restrict y,
                       const float *restrict base, double *restrict out) {
    const double p = blend->weight[0], q = blend->weight[1];
    uint32_t x_kept[STAGE], y_kept[STAGE];
    keep_run(&blend->keep[0], first, n, base, x, x_kept);
    keep_run(&blend->keep[1], first, n, base, y, y_kept);
    for (size_t i = 0; i < n; i++) {
        const double b = (double)base[i];
        const double from_x = x_kept[i] ? p * ((double)x[i] - b) : 0.0, from_y = y_kept[i] ? q * ((double)y[i] - b) : 0.0;
        out[i] = from_x + from_y == 0 ? b : b + (from_x + from_y);
    }
}

static void elected_run(const hma_blend *blend, uint64_t first, size_t n, const float *restrict x, const float *restrict y,
                        const float *restrict base, double *restrict out) {
    const double p = 1.0 - blend->ratio, q = blend->ratio, lambda = blend->lambda;
    uint32_t x_kept[STAGE], y_kept[STAGE];
    keep_run(&blend->keep[0], first, n, base, x, x_kept);
    keep_run(&blend->keep[1], first, n, base, y, y_kept);
    for (size_t i = 0; i < n; i++) {
        const double a = (double)x[i], c = (double)y[i], b = (double)base[i];
        const double from_x = x_kept[i] ? a - b : 0.0, from_y = y_kept[i] ? c - b : 0.0;
        const double sum = p * from_x + q * from_y;
        /* a delta of 0 has no sign, and a weight of 0 no say */
        const bool x_counts = p > 0 && (sum >= 0 ? from_x > 0 : from_x < 0);
        const bool y_counts = q > 0 && (sum >= 0 ? from_y > 0 : from_y < 0);
        const double both = a == c ? a : p * a + q * c;
        const double chosen = x_counts ? (y_counts ? both : a) : (y_counts ? c : b);
        out[i] = lambda == 1.0 || chosen == b ? chosen : b + lambda * (chosen - b);
    }
}

#endif
