/* src/merge/kernels: every instruction set gives the bits of the definition, written out here once more and slowly. */
#include "testing.h"

#include "merge/float_formats.h"
#include "merge/kernels.h"

enum { MAX_COUNT = 1600 };

/* Elements of any of the types. */
typedef union run {
    float f32[MAX_COUNT];
    uint16_t half[MAX_COUNT];
} run;

static const hma_dtype weight_types[] = {HMA_F32, HMA_F16, HMA_BF16};
static const double ratios[] = {0, 0.1, 1.0 / 3, 0.5, 0.9, 1};

/* ---- the naive twin ---- */

/* A 16-bit type by its definition: sign, exponent, fraction. */
typedef struct format {
    int fraction_bits, bias;
    uint16_t infinity;
} format;

static const format f16 = {10, 15, 0x7c00}, bf16 = {7, 127, 0x7f80};

static double value_of(format f, uint16_t bits) {
    const int exponent = (bits & 0x7fff) >> f.fraction_bits, fraction = bits & ((1 << f.fraction_bits) - 1);
    const double magnitude = exponent ? ldexp(fraction + (1 << f.fraction_bits), exponent - f.bias - f.fraction_bits)
                                      : ldexp(fraction, 1 - f.bias - f.fraction_bits);
    return bits & 0x8000 ? -magnitude : magnitude;
}

/* Nearest by search among all values of the type; infinity stands where the next value would be. Ties to even bits. */
static uint16_t nearest(format f, double value) {
    const double magnitude = fabs(value);
    uint16_t low = 0, high = f.infinity; /* value_of(low) <= magnitude < value_of(high) */
    while (high - low > 1) {
        const uint16_t middle = (uint16_t)((low + high) / 2);
        *(value_of(f, middle) <= magnitude ? &low : &high) = middle;
    }
    const double tie = (value_of(f, low) + value_of(f, high)) / 2; /* exact */
    const uint16_t bits = magnitude > tie || (magnitude == tie && low & 1) ? high : low;
    return (uint16_t)(bits | (signbit(value) ? 0x8000 : 0));
}

static float load(hma_dtype dtype, const run *values, size_t i) {
    const format f = dtype == HMA_F16 ? f16 : bf16;
    if (dtype == HMA_F32) {
        return values->f32[i];
    }
    return (values->half[i] & f.infinity) == f.infinity ? INFINITY : (float)value_of(f, values->half[i]);
}

static double exact(double ratio, const float *x, const float *y) {
    if (memcmp(x, y, sizeof *x) == 0 || ratio == 0) {
        return *x;
    }
    return ratio == 1 ? *y : (1.0 - ratio) * *x + ratio * *y;
}

static void store_nearest(hma_dtype dtype, double value, run *out, size_t i) {
    if (dtype == HMA_F32) {
        out->f32[i] = (float)value;
    } else {
        out->half[i] = nearest(dtype == HMA_F16 ? f16 : bf16, value);
    }
}

static size_t size_of(hma_dtype dtype) { return dtype == HMA_F32 ? 4 : 2; }

/* Finite random elements: all magnitudes, zeros, and runs in which post is a small step from pre, or pre itself. */
static void fill(hma_dtype dtype, uint64_t seed, run *pre, run *post) {
    const hma_rng_key key = hma_rng_key_for(seed, "values");
    const uint32_t infinity = dtype == HMA_F32 ? 0x7f800000 : dtype == HMA_F16 ? f16.infinity : bf16.infinity;
    const uint32_t minus_zero = dtype == HMA_F32 ? 0x80000000 : 0x8000;
    for (size_t i = 0; i < MAX_COUNT; i++) {
        const uint64_t random = hma_rng_u64(key, i);
        uint32_t x = (uint32_t)random, y = i % 3 ? x + (uint32_t)(random >> 61) : (uint32_t)(random >> 32);
        x = (x & infinity) == infinity ? i % 2 ? minus_zero : 0 : x;
        y = (y & infinity) == infinity || i % 11 == 0 ? x : y;
        if (dtype == HMA_F32) {
            memcpy(&pre->f32[i], &x, sizeof x);
            memcpy(&post->f32[i], &y, sizeof y);
        } else {
            pre->half[i] = (uint16_t)x;
            post->half[i] = (uint16_t)y;
        }
    }
}

/* ---- one rounding ---- */

static void widening_is_exact(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        if ((bits & f16.infinity) != f16.infinity) {
            assert_true(hma_f16_widen((uint16_t)bits) == value_of(f16, (uint16_t)bits));
        }
        if ((bits & bf16.infinity) != bf16.infinity) {
            assert_true(hma_bf16_widen((uint16_t)bits) == value_of(bf16, (uint16_t)bits));
        }
    }
    assert_true(isinf(hma_f16_widen(0x7c00)) && isinf(hma_f16_widen(0xfc00)) && isnan(hma_f16_widen(0x7c01)));
    assert_true(isinf(hma_bf16_widen(0xff80)) && isnan(hma_bf16_widen(0x7f81)) && isnan(hma_bf16_widen(0x7fff)));
}

static uint16_t round_f16(double value) { return hma_odd_to_f16(hma_round_to_odd(value)); }
static uint16_t round_bf16(double value) { return hma_odd_to_bf16(hma_round_to_odd(value)); }

/* Every value of the type, the middle to its neighbour, and the nearest fp64 numbers on both sides of either. */
static void check_all_neighbours(format f, uint16_t (*round)(double)) {
    for (uint16_t bits = 0; bits < f.infinity; bits++) {
        const double low = value_of(f, bits), middle = (low + value_of(f, (uint16_t)(bits + 1))) / 2;
        const double values[] = {low, middle, nextafter(low, INFINITY), nextafter(low, -INFINITY), nextafter(middle, INFINITY),
                                 nextafter(middle, -INFINITY)};
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            assert_int_equal(round(values[i]), nearest(f, values[i]));
            assert_int_equal(round(-values[i]), nearest(f, -values[i]));
        }
    }
}

static void fp64_is_rounded_once_to_bf16(void **state) {
    (void)state;
    check_all_neighbours(bf16, round_bf16);
    /* by way of fp32 rounded to nearest, this would become the tie and go down */
    const double above_tie = 1.0 + 0x1p-8 + 0x1p-40;
    assert_int_equal(round_bf16(above_tie), 0x3f81);
    assert_int_equal(round_bf16((double)(float)above_tie), 0x3f80);
    assert_int_equal(round_bf16(0x1p-1074), 0);
    assert_int_equal(round_bf16(-0.0), 0x8000);
    assert_int_equal(round_bf16(3.4e38), 0x7f80); /* larger than the largest finite and its tie */
    assert_int_equal(round_bf16(1e300), 0x7f80);
}

static void fp64_is_rounded_once_to_f16(void **state) {
    (void)state;
    check_all_neighbours(f16, round_f16);
    assert_int_equal(round_f16(65504), 0x7bff);
    assert_int_equal(round_f16(65519.999), 0x7bff);
    assert_int_equal(round_f16(65520), 0x7c00);
    assert_int_equal(round_f16(-1e300), 0xfc00);
    assert_int_equal(round_f16(0x1p-25), 0);      /* tie with the smallest subnormal: to even */
    assert_int_equal(round_f16(0x1.8p-25), 1);
    assert_int_equal(round_f16(0x1p-1074), 0);
}

/* ---- the kernels against the twin ---- */

static void every_instruction_set_gives_the_bits_of_the_definition(void **state) {
    (void)state;
    static const size_t counts[] = {1, 7, 511, 512, 513, MAX_COUNT};
    run pre, post, out, expected;
    for (size_t t = 0; t < 9; t++) {
        hma_blend blend = {.from = weight_types[t / 3], .to = weight_types[t % 3]};
        fill(blend.from, t, &pre, &post);
        for (size_t r = 0; r < sizeof ratios / sizeof *ratios; r++) {
            blend.ratio = ratios[r];
            bool finite = true;
            for (size_t i = 0; i < MAX_COUNT; i++) {
                const float x = load(blend.from, &pre, i), y = load(blend.from, &post, i);
                store_nearest(blend.to, exact(blend.ratio, &x, &y), &expected, i);
                finite = finite && isfinite(load(blend.to, &expected, i));
            }
            for (size_t k = 0; hma_kernels_at(k); k++) {
                for (size_t c = 0; finite && c < sizeof counts / sizeof *counts; c++) {
                    memset(&out, 0xaa, sizeof out);
                    assert_true(hma_kernels_at(k)->blend(&blend, 0, counts[c], &(hma_operands){&pre, &post, NULL}, &out));
                    assert_memory_equal(&out, &expected, counts[c] * size_of(blend.to));
                }
                if (!finite) { /* large values of one type do not fit into another */
                    assert_false(hma_kernels_at(k)->blend(&blend, 0, MAX_COUNT, &(hma_operands){&pre, &post, NULL}, &out));
                }
            }
        }
    }
}

/* The same with values that fit into every type, so that the paths into f16 are compared too. */
static void conversions_between_types_give_the_bits_of_the_definition(void **state) {
    (void)state;
    float values[2][MAX_COUNT];
    run pre, post, out, expected;
    const hma_rng_key key = hma_rng_key_for(3, "weights");
    for (size_t i = 0; i < MAX_COUNT; i++) {
        const double scale = ldexp(1, (int)hma_rng_below(key, 3 * i + 2, 40) - 25);
        values[0][i] = (float)((hma_rng_double(key, 3 * i) - 0.5) * scale);
        values[1][i] = (float)((double)values[0][i] * (1 + 0.01 * hma_rng_double(key, 3 * i + 1)));
    }
    for (size_t t = 0; t < 9; t++) {
        hma_blend blend = {.from = weight_types[t / 3], .to = weight_types[t % 3]};
        for (size_t i = 0; i < MAX_COUNT; i++) {
            store_nearest(blend.from, (double)values[0][i], &pre, i);
            store_nearest(blend.from, (double)values[1][i], &post, i);
        }
        for (size_t r = 0; r < sizeof ratios / sizeof *ratios; r++) {
            blend.ratio = ratios[r];
            for (size_t i = 0; i < MAX_COUNT; i++) {
                const float x = load(blend.from, &pre, i), y = load(blend.from, &post, i);
                store_nearest(blend.to, exact(blend.ratio, &x, &y), &expected, i);
            }
            for (size_t k = 0; hma_kernels_at(k); k++) {
                assert_true(hma_kernels_at(k)->blend(&blend, 0, MAX_COUNT, &(hma_operands){&pre, &post, NULL}, &out));
                assert_memory_equal(&out, &expected, MAX_COUNT * size_of(blend.to));
            }
        }
    }
}

static void merging_a_model_with_itself_changes_nothing(void **state) {
    (void)state;
    uint16_t all[65536], out[65536];
    for (size_t t = 1; t < 3; t++) {
        const uint16_t infinity = weight_types[t] == HMA_F16 ? f16.infinity : bf16.infinity;
        for (uint32_t bits = 0; bits < 65536; bits++) {
            all[bits] = (uint16_t)((bits & infinity) == infinity ? 0 : bits);
        }
        for (size_t k = 0; hma_kernels_at(k); k++) {
            for (double ratio = 0; ratio <= 1; ratio += 0.0625 / 3) {
                const hma_blend blend = {.from = weight_types[t], .to = weight_types[t], .ratio = ratio, .stochastic = k % 2};
                assert_true(hma_kernels_at(k)->blend(&blend, 0, 65536, &(hma_operands){all, all, NULL}, out));
                assert_memory_equal(out, all, sizeof all);
            }
        }
    }
}

static void a_value_that_is_not_finite_is_found_wherever_it_stands(void **state) {
    (void)state;
    static const uint32_t bad[] = {0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffffffff};
    static const uint16_t bad_halves[] = {0x7c00, 0xfc00, 0x7c01, 0xffff, 0x7f80, 0xff80, 0x7fc0};
    run pre, post, out;
    for (size_t k = 0; hma_kernels_at(k); k++) {
        const hma_kernels *kernels = hma_kernels_at(k);
        for (size_t r = 0; r < sizeof ratios / sizeof *ratios; r++) {
            for (size_t b = 0; b < 12; b++) {
                const hma_dtype dtype = b < 5 ? HMA_F32 : b < 9 ? HMA_F16 : HMA_BF16;
                const hma_blend blend = {.from = dtype, .to = dtype, .ratio = ratios[r]};
                const size_t place = (b * 61 + r * 199) % 600;
                hma_delta_sums sums;
                memset(&pre, 0, sizeof pre);
                memset(&post, 0, sizeof post);
                assert_true(kernels->blend(&blend, 0, 600, &(hma_operands){&pre, &post, NULL}, &out) &&
                            kernels->all_finite(dtype, 600, &pre));
                run *side = b % 2 ? &pre : &post;
                if (dtype == HMA_F32) {
                    memcpy(&side->f32[place], &bad[b], 4);
                } else {
                    side->half[place] = bad_halves[b - 5];
                }
                assert_false(kernels->blend(&blend, 0, 600, &(hma_operands){&pre, &post, NULL}, &out));
                assert_false(kernels->measure_delta(dtype, 600, &pre, &post, &sums));
                assert_false(kernels->all_finite(dtype, 600, side));
            }
        }
    }
}

/* ---- stochastic rounding ---- */

static void stochastic_rounding_is_unbiased_and_never_leaves_the_neighbours(void **state) {
    (void)state;
    enum { N = 200000 };
    static float pre[N], post[N];
    static uint16_t out[N];
    static const double values[] = {1.0 + 0x1p-8, 1.001, -0.0123, 3e-39, 65000.3, 1e-6};
    const hma_rng_key key = hma_rng_key_for(7, "rounding test");
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        for (size_t t = 0; t < 2; t++) {
            const format f = t ? f16 : bf16;
            const float value = (float)values[v];
            const hma_blend blend = {.from = HMA_F32, .to = t ? HMA_F16 : HMA_BF16, .stochastic = true, .key = key};
            const uint16_t near = nearest(f, (double)value);
            const bool rounded_down = fabs(value_of(f, near)) <= fabs((double)value);
            const double below = value_of(f, (uint16_t)(rounded_down ? near : near - 1));
            const double above = below == value_of(f, near) ? value_of(f, (uint16_t)(near + 1)) : value_of(f, near);
            double sum = 0;
            for (size_t i = 0; i < N; i++) {
                pre[i] = post[i] = value;
            }
            assert_true(hma_kernels_best()->blend(&blend, 0, N, &(hma_operands){pre, post, NULL}, out));
            for (size_t i = 0; i < N; i++) {
                const double rounded = value_of(f, out[i]);
                assert_true(rounded == below || rounded == above);
                sum += rounded;
            }
            /* the mean of N draws has a standard deviation of at most half a unit over sqrt(N); five of them */
            assert_near(sum / N, (double)value, 2.5 * fabs(above - below) / sqrt(N));
        }
    }
}

static void stochastic_rounding_does_not_depend_on_the_cut_into_runs(void **state) {
    (void)state;
    run pre, post;
    uint16_t whole[MAX_COUNT], pieces[MAX_COUNT], other[MAX_COUNT];
    fill(HMA_BF16, 5, &pre, &post);
    for (size_t k = 0; hma_kernels_at(k); k++) {
        hma_blend blend = {.from = HMA_BF16,
                           .to = HMA_BF16,
                           .ratio = 0.3,
                           .stochastic = true,
                           .key = hma_rng_key_for(1, "rounding model.norm.weight")};
        const uint64_t first = ((uint64_t)1 << 32) - 700; /* the index passes 32 bits */
        assert_true(hma_kernels_at(k)->blend(&blend, first, MAX_COUNT, &(hma_operands){&pre, &post, NULL}, whole));
        for (size_t at = 0, n = 1; at < MAX_COUNT; at += n, n = n * 3 + 1) {
            n = n > MAX_COUNT - at ? MAX_COUNT - at : n;
            assert_true(hma_kernels_at(k)->blend(&blend, first + at, n, &(hma_operands){pre.half + at, post.half + at, NULL},
                                                 pieces + at));
        }
        assert_memory_equal(whole, pieces, sizeof whole);
        assert_true(hma_kernels_at(0)->blend(&blend, first, MAX_COUNT, &(hma_operands){&pre, &post, NULL}, other));
        assert_memory_equal(whole, other, sizeof whole);
        blend.key = hma_rng_key_for(2, "rounding model.norm.weight");
        assert_true(hma_kernels_at(k)->blend(&blend, first, MAX_COUNT, &(hma_operands){&pre, &post, NULL}, other));
        assert_memory_not_equal(whole, other, sizeof whole);
    }
}

static void stochastic_rounding_follows_its_definition(void **state) {
    (void)state;
    run pre, post, out;
    const hma_blend blend = {
        .from = HMA_BF16, .to = HMA_BF16, .ratio = 0.7, .stochastic = true, .key = hma_rng_key_for(9, "rounding x")};
    fill(HMA_BF16, 6, &pre, &post);
    assert_true(hma_kernels_best()->blend(&blend, 40, MAX_COUNT, &(hma_operands){&pre, &post, NULL}, &out));
    for (size_t i = 0; i < MAX_COUNT; i++) {
        const float x = load(HMA_BF16, &pre, i), y = load(HMA_BF16, &post, i);
        const double value = exact(0.7, &x, &y), magnitude = fabs(value);
        uint16_t below = (uint16_t)(nearest(bf16, value) & 0x7fff);
        below = (uint16_t)(value_of(bf16, below) > magnitude ? below - 1 : below);
        const double low = value_of(bf16, below), unit = value_of(bf16, (uint16_t)(below + 1)) - low;
        const bool up = hma_rng_double(blend.key, 40 + i) < (magnitude - low) / unit;
        assert_int_equal(out.half[i], (below + up) | (signbit(value) ? 0x8000 : 0));
    }
}

/* ---- sums ---- */

static void sums_agree_with_plain_loops(void **state) {
    (void)state;
    run pre, post, out;
    const hma_rng_key key = hma_rng_key_for(4, "sums");
    for (size_t i = 0; i < MAX_COUNT; i++) {
        store_nearest(HMA_BF16, hma_rng_double(key, i) - 0.5, &pre, i);
        store_nearest(HMA_BF16, hma_rng_double(key, i / 2) - 0.5, &post, i);
    }
    for (size_t k = 0; hma_kernels_at(k); k++) {
        const hma_blend blend = {.from = HMA_BF16, .to = HMA_BF16, .ratio = 0.4};
        hma_loss_sums loss;
        hma_delta_sums delta;
        long double error_squared = 0, delta_squared = 0, pre_squared = 0, post_squared = 0, product = 0;
        double largest = 0;
        uint64_t changed = 0, lost = 0;
        assert_true(hma_kernels_at(k)->blend(&blend, 0, MAX_COUNT, &(hma_operands){&pre, &post, NULL}, &out));
        for (size_t i = 0; i < MAX_COUNT; i++) {
            const float x = load(HMA_BF16, &pre, i), y = load(HMA_BF16, &post, i), z = load(HMA_BF16, &out, i);
            const long double e = (long double)z - exact(0.4, &x, &y), d = (long double)y - x;
            error_squared += e * e;
            delta_squared += d * d;
            pre_squared += (long double)x * x;
            post_squared += (long double)y * y;
            product += (long double)x * y;
            largest = fmax(largest, (double)fabsl(d));
            changed += x != y;
            lost += x != y && (z == x || z == y);
        }
        hma_kernels_at(k)->measure_loss(&blend, 0, MAX_COUNT, &(hma_operands){&pre, &post, NULL}, &out, &loss);
        assert_true(hma_kernels_at(k)->measure_delta(HMA_BF16, MAX_COUNT, &pre, &post, &delta));
        assert_true(loss.differing == changed && loss.lost == lost && delta.changed == changed && delta.max_abs == largest);
        assert_near(loss.error_squared / (double)error_squared, 1, 1e-13);
        assert_near(loss.delta_squared / (double)delta_squared, 1, 1e-13);
        assert_near(delta.delta_squared / (double)delta_squared, 1, 1e-13);
        assert_near(delta.pre_squared / (double)pre_squared, 1, 1e-13);
        assert_near(delta.post_squared / (double)post_squared, 1, 1e-13);
        assert_near(delta.product, (double)product, 1e-13 * (double)pre_squared);
        hma_loss_sums portable_loss;
        hma_delta_sums portable_delta;
        hma_kernels_at(0)->measure_loss(&blend, 0, MAX_COUNT, &(hma_operands){&pre, &post, NULL}, &out, &portable_loss);
        assert_true(hma_kernels_at(0)->measure_delta(HMA_BF16, MAX_COUNT, &pre, &post, &portable_delta));
        assert_memory_equal(&loss, &portable_loss, sizeof loss);
        assert_memory_equal(&delta, &portable_delta, sizeof delta);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widening_is_exact),
        cmocka_unit_test(fp64_is_rounded_once_to_bf16),
        cmocka_unit_test(fp64_is_rounded_once_to_f16),
        cmocka_unit_test(every_instruction_set_gives_the_bits_of_the_definition),
        cmocka_unit_test(conversions_between_types_give_the_bits_of_the_definition),
        cmocka_unit_test(merging_a_model_with_itself_changes_nothing),
        cmocka_unit_test(a_value_that_is_not_finite_is_found_wherever_it_stands),
        cmocka_unit_test(stochastic_rounding_is_unbiased_and_never_leaves_the_neighbours),
        cmocka_unit_test(stochastic_rounding_does_not_depend_on_the_cut_into_runs),
        cmocka_unit_test(stochastic_rounding_follows_its_definition),
        cmocka_unit_test(sums_agree_with_plain_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
