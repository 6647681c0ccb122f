/*
 * The loops behind kernels.h. Included once per instruction set, with HMA_KERNELS and HMA_KERNELS_NAME set; written so that
 * the compiler can vectorise every inner loop, and without anything whose result depends on how it does that: sums are
 * trees of a fixed shape, and products and sums are never contracted (-ffp-contract=off).
 *
 * Elements pass through small staging arrays that stay in the first-level cache.
 */
#include "merge/float_formats.h"
#include "merge/kernels.h"
#include "merge/kernels_forms.h"

/* ---- steps on a run of n elements; at most STAGE where there is a staging array ---- */

static void widen_run(hma_dtype dtype, size_t n, const void *values, float *restrict out) {
    const uint16_t *restrict halves = values;
    if (dtype == HMA_BF16) {
        for (size_t i = 0; i < n; i++) {
            out[i] = hma_bf16_widen(halves[i]);
        }
    } else if (dtype == HMA_F16) {
        for (size_t i = 0; i < n; i++) {
            out[i] = hma_f16_widen(halves[i]);
        }
    } else {
        memcpy(out, values, n * sizeof *out);
    }
}

static bool finite_run(hma_dtype dtype, size_t n, const void *values) {
    const uint16_t *restrict halves = values;
    const float *restrict singles = values;
    uint32_t largest = 0;
    uint16_t largest_half = 0;
    if (dtype == HMA_F32) {
        for (size_t i = 0; i < n; i++) {
            const uint32_t magnitude = hma_f32_bits(singles[i]) & 0x7fffffffu;
            largest = magnitude > largest ? magnitude : largest;
        }
        return largest < 0x7f800000u;
    }
    for (size_t i = 0; i < n; i++) {
        const uint16_t magnitude = halves[i] & 0x7fffu;
        largest_half = magnitude > largest_half ? magnitude : largest_half;
    }
    return largest_half < (dtype == HMA_BF16 ? 0x7f80u : 0x7c00u);
}

/* fp32 bits that the rounding to the output type starts from: rounded to odd for the 16-bit types. Equal inputs pass as
 * they are, whatever the ratio. */
static void mix_odd_run(double ratio, size_t n, const float *restrict pre, const float *restrict post, uint32_t *restrict out) {
    for (size_t i = 0; i < n; i++) {
        const uint32_t odd = hma_round_to_odd(exact(ratio, pre[i], post[i]));
        const uint32_t x = hma_f32_bits(pre[i]);
        out[i] = x == hma_f32_bits(post[i]) ? x : odd;
    }
}

static void mix_f32_run(double ratio, size_t n, const float *restrict pre, const float *restrict post, uint32_t *restrict out) {
    for (size_t i = 0; i < n; i++) {
        const uint32_t near = hma_f32_bits((float)exact(ratio, pre[i], post[i]));
        const uint32_t x = hma_f32_bits(pre[i]);
        out[i] = x == hma_f32_bits(post[i]) ? x : near;
    }
}

/* What stochastic rounding needs to know of a type: bits after the point, and the exponent of the smallest normal number. */
typedef struct grid {
    int32_t fraction_bits, least_exponent;
} grid;

static grid grid_of(hma_dtype dtype) {
    return dtype == HMA_F16 ? (grid){10, -14} : dtype == HMA_BF16 ? (grid){7, -126} : (grid){23, -126};
}

/*
 * fp32 bits of the neighbour below or above in magnitude, above with the probability of the remainder. In units of the
 * output's last place the value is below 2^24, so that cutting off, remainder and step are exact.
 */
static inline uint32_t round_stochastically(double value, double uniform, grid g) {
    const double magnitude = __builtin_fabs(value);
    const int32_t exponent = (int32_t)(hma_f64_bits(magnitude) >> 52) - 1023;
    const int32_t unit_exponent = (exponent > g.least_exponent ? exponent : g.least_exponent) - g.fraction_bits;
    const double unit = hma_f64_from_bits((uint64_t)(uint32_t)(1023 + unit_exponent) << 52);
    const double units = hma_f64_from_bits((uint64_t)(uint32_t)(1023 - unit_exponent) << 52) * magnitude;
    const double below = (double)(int32_t)units;
    const double chosen = below + (uniform < units - below ? 1.0 : 0.0);
    return hma_f32_bits((float)(chosen * unit)) | (uint32_t)(hma_f64_bits(value) >> 32 & 0x80000000u);
}

static void mix_stochastic_run(const hma_blend *blend, uint64_t first, size_t n, const float *restrict pre,
                               const float *restrict post, uint32_t *restrict out) {
    const grid g = grid_of(blend->to);
    double uniform[STAGE];
    draw_run(blend->key, first, n, uniform);
    for (size_t i = 0; i < n; i++) {
        const bool equal = hma_f32_bits(pre[i]) == hma_f32_bits(post[i]);
        const double mixed = equal ? (double)pre[i] : exact(blend->ratio, pre[i], post[i]);
        out[i] = round_stochastically(mixed, uniform[i], g);
    }
}

/* Values of any form, which are exact where nothing is to be rounded. */
static void round_run(const hma_blend *blend, uint64_t first, size_t n, const double *restrict values, uint32_t *restrict out) {
    if (blend->stochastic) {
        const grid g = grid_of(blend->to);
        double uniform[STAGE];
        draw_run(blend->key, first, n, uniform);
        for (size_t i = 0; i < n; i++) {
            out[i] = round_stochastically(values[i], uniform[i], g);
        }
    } else if (blend->to == HMA_F32) {
        for (size_t i = 0; i < n; i++) {
            out[i] = hma_f32_bits((float)values[i]);
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            out[i] = hma_round_to_odd(values[i]);
        }
    }
}

/* Stores fp32 bits (rounded to odd, or exact) in the output type. False when one became infinite. */
static bool store_run(hma_dtype dtype, size_t n, const uint32_t *restrict bits, void *out) {
    uint16_t *restrict halves = out;
    if (dtype == HMA_BF16) {
        for (size_t i = 0; i < n; i++) {
            halves[i] = hma_odd_to_bf16(bits[i]);
        }
    } else if (dtype == HMA_F16) {
        for (size_t i = 0; i < n; i++) {
            halves[i] = hma_odd_to_f16(bits[i]);
        }
    } else {
        memcpy(out, bits, n * sizeof *bits);
    }
    return finite_run(dtype, n, out);
}

/* ---- the kernels ---- */

static size_t size_of(hma_dtype dtype) { return dtype == HMA_F32 ? 4 : 2; }

static const void *element(const void *values, hma_dtype dtype, size_t index) {
    return (const char *)values + index * size_of(dtype);
}

static void *element_of(void *values, hma_dtype dtype, size_t index) { return (char *)values + index * size_of(dtype); }

static bool blend_linear_run(const hma_blend *blend, uint64_t first, size_t n, const void *pre, const void *post, void *out) {
    float x[STAGE], y[STAGE];
    uint32_t bits[STAGE];
    const bool copies_pre = blend->ratio == 0, copies = copies_pre || blend->ratio == 1;
    const float *copied = copies_pre ? x : y;
    if (!finite_run(blend->from, n, pre) || !finite_run(blend->from, n, post)) {
        return false;
    }
    if (copies && blend->from == blend->to) {
        memcpy(out, copies_pre ? pre : post, n * size_of(blend->to));
        return true;
    }
    widen_run(blend->from, n, pre, x);
    widen_run(blend->from, n, post, y);
    if (blend->stochastic) {
        mix_stochastic_run(blend, first, n, copies ? copied : x, copies ? copied : y, bits);
    } else if (copies) {
        memcpy(bits, copied, n * sizeof *bits);
    } else if (blend->to == HMA_F32) {
        mix_f32_run(blend->ratio, n, x, y, bits);
    } else {
        mix_odd_run(blend->ratio, n, x, y, bits);
    }
    return store_run(blend->to, n, bits, out);
}

/* The operands of a run that begins `index` elements further on. */
static hma_operands operands_at(const hma_operands *in, const hma_blend *blend, size_t index) {
    return (hma_operands){element(in->pre, blend->from, index), element(in->post, blend->from, index),
                          hma_form_has_base(blend->form) ? element(in->base, blend->from, index) : NULL};
}

/* Exact values of a run of another form than the linear one. */
static void form_run(const hma_blend *blend, uint64_t first, size_t n, const hma_operands *in, double *values) {
    float x[STAGE], y[STAGE], b[STAGE];
    widen_run(blend->from, n, in->pre, x);
    widen_run(blend->from, n, in->post, y);
    if (in->base) {
        widen_run(blend->from, n, in->base, b);
    }
    switch (blend->form) {
    case HMA_FORM_LINEAR: break;
    case HMA_FORM_SPHERICAL: spherical_run(blend, n, x, y, values); break;
    case HMA_FORM_SHIFTED: shifted_run(blend, n, x, y, b, values); break;
    case HMA_FORM_KEPT: kept_run(blend, first, n, x, y, values); break;
    case HMA_FORM_SUMMED: summed_run(blend, first, n, x, y, b, values); break;
    case HMA_FORM_ELECTED: elected_run(blend, first, n, x, y, b, values); break;
    }
}

static bool blend_run(const hma_blend *blend, uint64_t first, size_t n, const hma_operands *in, void *out) {
    double values[STAGE];
    uint32_t bits[STAGE];
    if (blend->form == HMA_FORM_LINEAR) {
        return blend_linear_run(blend, first, n, in->pre, in->post, out);
    }
    if (!finite_run(blend->from, n, in->pre) || !finite_run(blend->from, n, in->post) ||
        (in->base && !finite_run(blend->from, n, in->base))) {
        return false;
    }
    form_run(blend, first, n, in, values);
    round_run(blend, first, n, values, bits);
    return store_run(blend->to, n, bits, out);
}

static bool blend(const hma_blend *blend, uint64_t first, size_t count, const hma_operands *in, void *out) {
    for (size_t i = 0; i < count; i += STAGE) {
        const size_t n = count - i < STAGE ? count - i : STAGE;
        const hma_operands run = operands_at(in, blend, i);
        if (!blend_run(blend, first + i, n, &run, element_of(out, blend->to, i))) {
            return false;
        }
    }
    return true;
}

/* Sums STAGE values as a balanced tree, in place: the order is fixed and every step is a vector addition. */
static double sum_run(double values[STAGE]) {
    for (size_t half = STAGE / 2; half > 0; half /= 2) {
        for (size_t i = 0; i < half; i++) {
            values[i] += values[half + i];
        }
    }
    return values[0];
}

static double largest_run(double values[STAGE]) {
    for (size_t half = STAGE / 2; half > 0; half /= 2) {
        for (size_t i = 0; i < half; i++) {
            values[i] = values[i] > values[half + i] ? values[i] : values[half + i];
        }
    }
    return values[0];
}

/* Values as the output type would hold them on their own. */
static void narrow_run(hma_dtype dtype, float *restrict values) {
    if (dtype == HMA_BF16) {
        for (size_t i = 0; i < STAGE; i++) {
            values[i] = hma_bf16_widen(hma_odd_to_bf16(hma_f32_bits(values[i])));
        }
    } else if (dtype == HMA_F16) {
        for (size_t i = 0; i < STAGE; i++) {
            values[i] = hma_f16_widen(hma_odd_to_f16(hma_f32_bits(values[i])));
        }
    }
}

/* Exact values of a run of any form, filled up to STAGE with zeros, and which of its elements are meant to be of neither model.
 */
static void exact_run(const hma_blend *blend, uint64_t first, size_t n, const hma_operands *in, const float *restrict x,
                      const float *restrict y, double *restrict values, uint32_t *restrict between) {
    if (blend->form == HMA_FORM_LINEAR) {
        const double ratio = blend->ratio;
        const uint32_t interpolates = ratio != 0 && ratio != 1;
        for (size_t k = 0; k < STAGE; k++) {
            const double a = (double)x[k], b = (double)y[k];
            values[k] = a == b ? a : exact(ratio, a, b);
            between[k] = interpolates & (hma_f32_bits(x[k]) != hma_f32_bits(y[k]));
        }
        return;
    }
    memset(values, 0, STAGE * sizeof *values);
    form_run(blend, first, n, in, values);
    for (size_t k = 0; k < STAGE; k++) {
        const double a = (double)x[k], b = (double)y[k];
        between[k] = (a != b) & (values[k] != a) & (values[k] != b);
    }
}

static void measure_loss(const hma_blend *blend, uint64_t first, size_t count, const hma_operands *in, const void *out,
                         hma_loss_sums *sums) {
    *sums = (hma_loss_sums){0};
    for (size_t i = 0; i < count; i += STAGE) {
        /* the last run is filled up with zeros, which add nothing to any sum */
        float x[STAGE] = {0}, y[STAGE] = {0}, z[STAGE] = {0};
        double values[STAGE], error[STAGE], delta[STAGE];
        uint32_t between[STAGE], differing = 0, lost = 0;
        const size_t n = count - i < STAGE ? count - i : STAGE;
        const hma_operands run = operands_at(in, blend, i);
        widen_run(blend->from, n, run.pre, x);
        widen_run(blend->from, n, run.post, y);
        widen_run(blend->to, n, element(out, blend->to, i), z);
        exact_run(blend, first + i, n, &run, x, y, values, between);
        for (size_t k = 0; k < STAGE; k++) {
            const double e = (double)z[k] - values[k], d = (double)y[k] - (double)x[k];
            error[k] = e * e;
            delta[k] = d * d;
            differing += between[k];
        }
        narrow_run(blend->to, x);
        narrow_run(blend->to, y);
        for (size_t k = 0; k < STAGE; k++) {
            const uint32_t a = hma_f32_bits(x[k]), b = hma_f32_bits(y[k]), c = hma_f32_bits(z[k]);
            lost += between[k] & ((c == a) | (c == b));
        }
        sums->differing += differing;
        sums->lost += blend->stochastic ? 0 : lost;
        sums->error_squared += sum_run(error);
        sums->delta_squared += sum_run(delta);
    }
}

static bool measure_delta(hma_dtype dtype, size_t count, const void *pre, const void *post, hma_delta_sums *sums) {
    *sums = (hma_delta_sums){0};
    if (!finite_run(dtype, count, pre) || !finite_run(dtype, count, post)) {
        return false;
    }
    for (size_t i = 0; i < count; i += STAGE) {
        float x[STAGE] = {0}, y[STAGE] = {0};
        double pre_squared[STAGE], post_squared[STAGE], product[STAGE], delta_squared[STAGE], size[STAGE];
        const size_t n = count - i < STAGE ? count - i : STAGE;
        uint32_t changed = 0;
        widen_run(dtype, n, element(pre, dtype, i), x);
        widen_run(dtype, n, element(post, dtype, i), y);
        for (size_t k = 0; k < STAGE; k++) {
            const double a = (double)x[k], b = (double)y[k], d = b - a;
            pre_squared[k] = a * a;
            post_squared[k] = b * b;
            product[k] = a * b;
            delta_squared[k] = d * d;
            size[k] = __builtin_fabs(d);
        }
        for (size_t k = 0; k < STAGE; k++) {
            changed += x[k] != y[k];
        }
        const double largest = largest_run(size);
        sums->pre_squared += sum_run(pre_squared);
        sums->post_squared += sum_run(post_squared);
        sums->product += sum_run(product);
        sums->delta_squared += sum_run(delta_squared);
        sums->max_abs = largest > sums->max_abs ? largest : sums->max_abs;
        sums->changed += changed;
    }
    return true;
}

static bool all_finite(hma_dtype dtype, size_t count, const void *values) { return finite_run(dtype, count, values); }

static void widen(hma_dtype dtype, size_t count, const void *values, float *out) { widen_run(dtype, count, values, out); }

extern const hma_kernels HMA_KERNELS;
const hma_kernels HMA_KERNELS = {HMA_KERNELS_NAME, blend, measure_loss, measure_delta, all_finite, widen};
