/* src/merge/kernels_forms.h: every form against its definition, bit for bit, on every instruction set. */
#include "testing.h"

#include "merge/float_formats.h"
#include "merge/kernels.h"

enum { COUNT = 1600 };

typedef struct models {
    float x[COUNT], y[COUNT], b[COUNT];
} models;

/* Values with equal ones, zeros of both signs and deltas of equal size among them. */
static void fill(models *m) {
    const hma_rng_key key = hma_rng_key_for(3, "forms");
    for (size_t i = 0; i < COUNT; i++) {
        m->x[i] = (float)(hma_rng_double(key, 3 * i) - 0.5);
        m->y[i] = i % 7 == 0 ? m->x[i] : (float)(hma_rng_double(key, 3 * i + 1) - 0.5);
        m->b[i] = i % 5 == 0 ? m->x[i] : i % 11 == 0 ? m->y[i] : (float)(hma_rng_double(key, 3 * i + 2) - 0.5);
        if (i % 35 == 0) {
            m->x[i] = m->y[i] = m->b[i] = i % 2 ? -0.0F : 0.0F;
        }
        if (i % 13 == 0) {
            m->x[i] = 0.25F;
            m->y[i] = i % 2 ? 0.5F : 0.0F;
        }
    }
}

/* ---- the naive twin ---- */

static bool is_kept(const hma_keep *keep, uint64_t index, float from, float to) {
    const float size = (float)fabs((double)to - (double)from);
    const bool drawn = hma_rng_double(keep->key, index) < keep->share;
    if (!keep->by_size) {
        return drawn;
    }
    return hma_f32_bits(size) > keep->threshold || (hma_f32_bits(size) == keep->threshold && drawn);
}

static double mixed(double ratio, double a, double b) { return a == b ? a : (1.0 - ratio) * a + ratio * b; }

static double elected(const hma_blend *f, double x, double y, double b, bool x_kept, bool y_kept) {
    const double p = 1.0 - f->ratio, q = f->ratio, from_x = x_kept ? x - b : 0, from_y = y_kept ? y - b : 0;
    const bool positive = p * from_x + q * from_y >= 0;
    const bool x_counts = p > 0 && from_x != 0 && (from_x > 0) == positive,
               y_counts = q > 0 && from_y != 0 && (from_y > 0) == positive;
    double chosen = b;
    if (x_counts && y_counts) {
        chosen = x == y ? x : p * x + q * y;
    } else if (x_counts) {
        chosen = x;
    } else if (y_counts) {
        chosen = y;
    }
    return f->lambda == 1 || chosen == b ? chosen : b + f->lambda * (chosen - b);
}

static double value_of(const hma_blend *f, uint64_t index, float x, float y, float b) {
    const double a = (double)x, c = (double)y, d = (double)b;
    switch (f->form) {
    case HMA_FORM_LINEAR: return mixed(f->ratio, a, c);
    case HMA_FORM_SPHERICAL: return f->weight[0] * a + f->weight[1] * c;
    case HMA_FORM_SHIFTED: {
        const double m = mixed(f->ratio, a, c);
        return m == d ? d : (1.0 - f->lambda) * d + f->lambda * m;
    }
    case HMA_FORM_KEPT: return is_kept(&f->keep[1], index, x, y) ? mixed(f->ratio, a, c) : a;
    case HMA_FORM_SUMMED: {
        const double moved = (is_kept(&f->keep[0], index, b, x) ? f->weight[0] * (a - d) : 0) +
                             (is_kept(&f->keep[1], index, b, y) ? f->weight[1] * (c - d) : 0);
        return moved == 0 ? d : d + moved;
    }
    case HMA_FORM_ELECTED: return elected(f, a, c, d, is_kept(&f->keep[0], index, b, x), is_kept(&f->keep[1], index, b, y));
    }
    return NAN;
}

/* ---- forms ---- */

static uint32_t bits_of(float value) { return hma_f32_bits(value); }

static size_t make_forms(hma_blend *forms) {
    const hma_keep drawn[2] = {{.share = 0.3, .key = hma_rng_key_for(1, "x")}, {.share = 0.6, .key = hma_rng_key_for(1, "y")}};
    const hma_keep sized[2] = {{.by_size = true, .threshold = bits_of(0.2F), .share = 1},
                               {.by_size = true, .threshold = bits_of(0.25F), .share = 0.5, .key = hma_rng_key_for(1, "tie")}};
    const hma_blend all[] = {
        {.form = HMA_FORM_LINEAR, .ratio = 1.4},
        {.form = HMA_FORM_SPHERICAL, .ratio = 0.3, .weight = {0.8, 0.41}},
        {.form = HMA_FORM_SHIFTED, .ratio = 0.3, .lambda = 1.3},
        {.form = HMA_FORM_KEPT, .ratio = 2.5, .keep = {drawn[0], drawn[1]}},
        {.form = HMA_FORM_KEPT, .ratio = 0.7, .keep = {sized[0], sized[1]}},
        {.form = HMA_FORM_SUMMED, .weight = {1.2, 2.1}, .keep = {drawn[0], drawn[1]}},
        {.form = HMA_FORM_ELECTED, .ratio = 0.6, .lambda = 1.5, .keep = {sized[0], sized[1]}},
        {.form = HMA_FORM_ELECTED, .ratio = 1, .lambda = 1, .keep = {sized[0], sized[1]}},
        {.form = HMA_FORM_ELECTED, .ratio = 0, .lambda = 0.5, .keep = {sized[1], sized[0]}},
    };
    memcpy(forms, all, sizeof all);
    return sizeof all / sizeof *all;
}

static void every_form_gives_the_bits_of_its_definition(void **state) {
    (void)state;
    static models m;
    hma_blend forms[16];
    float out[COUNT];
    const uint64_t first = ((uint64_t)1 << 32) - 700; /* the index passes 32 bits */
    const size_t count = make_forms(forms);
    fill(&m);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; hma_kernels_at(k); k++) {
            assert_true(hma_kernels_at(k)->blend(&forms[i], first, COUNT, &(hma_operands){m.x, m.y, m.b}, out));
            for (size_t e = 0; e < COUNT; e++) {
                const float wanted = (float)value_of(&forms[i], first + e, m.x[e], m.y[e], m.b[e]);
                if (bits_of(out[e]) != bits_of(wanted)) {
                    fail_msg("form %zu, %s, element %zu: %.9g, expected %.9g", i, hma_kernels_at(k)->name, e, (double)out[e],
                             (double)wanted);
                }
            }
        }
    }
}

static void runs_may_be_cut_anywhere_and_rounded_to_any_type(void **state) {
    (void)state;
    static models m;
    hma_blend forms[16];
    uint16_t whole[COUNT], pieces[COUNT];
    const size_t count = make_forms(forms);
    fill(&m);
    for (size_t i = 0; i < 4 * count; i++) {
        hma_blend form = forms[i / 4];
        form.to = i % 2 ? HMA_BF16 : HMA_F16;
        form.stochastic = i % 4 >= 2;
        form.key = hma_rng_key_for(2, "rounding");
        assert_true(hma_kernels_at(0)->blend(&form, 5, COUNT, &(hma_operands){m.x, m.y, m.b}, whole));
        for (size_t k = 0; hma_kernels_at(k); k++) {
            for (size_t at = 0, n = 1; at < COUNT; at += n, n = n * 3 + 1) {
                n = n > COUNT - at ? COUNT - at : n;
                const hma_operands in = {m.x + at, m.y + at, m.b + at};
                assert_true(hma_kernels_at(k)->blend(&form, 5 + at, n, &in, pieces + at));
            }
            assert_memory_equal(whole, pieces, sizeof whole);
        }
        for (size_t e = 0; form.stochastic == false && e < COUNT; e++) {
            const uint32_t odd = hma_round_to_odd(value_of(&form, 5 + e, m.x[e], m.y[e], m.b[e]));
            assert_int_equal(whole[e], form.to == HMA_BF16 ? hma_odd_to_bf16(odd) : hma_odd_to_f16(odd));
        }
    }
}

/* An element that is meant to be of pre, because it is not kept, has lost nothing. */
static void losses_count_what_is_meant_to_be_of_neither_model(void **state) {
    (void)state;
    static models m;
    hma_blend forms[16];
    uint16_t out[COUNT];
    const size_t count = make_forms(forms);
    fill(&m);
    for (size_t i = 0; i < count; i++) {
        hma_blend form = forms[i];
        form.to = HMA_BF16;
        uint64_t differing = 0, lost = 0;
        long double error = 0;
        assert_true(hma_kernels_best()->blend(&form, 0, COUNT, &(hma_operands){m.x, m.y, m.b}, out));
        for (size_t e = 0; e < COUNT; e++) {
            const double x = (double)m.x[e], y = (double)m.y[e], v = value_of(&form, e, m.x[e], m.y[e], m.b[e]);
            const bool between = x != y && (form.form == HMA_FORM_LINEAR || (v != x && v != y));
            const uint16_t of_x = hma_odd_to_bf16(bits_of(m.x[e])), of_y = hma_odd_to_bf16(bits_of(m.y[e]));
            differing += between;
            lost += between && (out[e] == of_x || out[e] == of_y);
            error += ((long double)hma_bf16_widen(out[e]) - v) * ((long double)hma_bf16_widen(out[e]) - v);
        }
        for (size_t k = 0; hma_kernels_at(k); k++) {
            hma_loss_sums sums;
            hma_kernels_at(k)->measure_loss(&form, 0, COUNT, &(hma_operands){m.x, m.y, m.b}, out, &sums);
            assert_true(sums.differing == differing && sums.lost == lost);
            assert_true(fabs(sums.error_squared - (double)error) <= 1e-12 * (double)error);
        }
        assert_true(differing > 100);
    }
}

static void a_base_that_is_not_finite_is_found(void **state) {
    (void)state;
    static models m;
    hma_blend forms[16];
    float out[COUNT];
    const size_t count = make_forms(forms);
    fill(&m);
    m.b[1234] = NAN;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; hma_kernels_at(k); k++) {
            assert_int_equal(hma_kernels_at(k)->blend(&forms[i], 0, COUNT, &(hma_operands){m.x, m.y, m.b}, out),
                             !hma_form_has_base(forms[i].form));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_gives_the_bits_of_its_definition),
        cmocka_unit_test(runs_may_be_cut_anywhere_and_rounded_to_any_type),
        cmocka_unit_test(losses_count_what_is_meant_to_be_of_neither_model),
        cmocka_unit_test(a_base_that_is_not_finite_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
