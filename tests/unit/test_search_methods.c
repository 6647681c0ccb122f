/* src/search: the methods of a search on a smooth world without models. */
#include "smooth_world.h"

#include "search/pareto.h"
#include "search/quadratic.h"

enum { SEEDS = 10, LARGEST = 128 };

/* ---- ratios ---- */

static void repair_brings_ratios_into_the_region(void **state) {
    (void)state;
    const hma_region box = {3, NAN}, bound = {3, 0.6};
    double a[3] = {-0.3, 0.12345, 1.7}, b[3] = {-0.3, 0.12345, 1.7}, c[3] = {NAN, 1, 1};
    hma_region_repair(&box, a);
    assert_near(a[0], 0, 0);
    assert_near(a[1], 0.12, 0);
    assert_near(a[2], 1, 0);
    hma_region_repair(&bound, b);
    assert_near((b[0] + b[1] + b[2]) / 3, 0.6, 1e-15);
    assert_true(b[0] >= 0 && b[0] < b[1] && b[1] < 1 && b[2] == 1);
    hma_region_repair(&bound, c);
    assert_near((c[0] + c[1] + c[2]) / 3, 0.6, 1e-15);
    double again[3] = {b[0], b[1], b[2]};
    hma_region_repair(&bound, again);
    for (size_t k = 0; k < 3; k++) {
        assert_near(again[k], b[k], 1e-12);
    }
}

static void the_design_is_spread_and_new(void **state) {
    (void)state;
    hma_samples samples;
    double ratios[20 * SMOOTH_BLOCKS];
    size_t made = 0;
    smooth_begin(&samples, NAN);
    assert_ok(hma_design_make(&samples, 3, 12, 1, ratios, &made));
    assert_int_equal(made, 15);
    assert_near(ratios[3 * 1], 0.5, 0);
    for (size_t i = 0; i < made; i++) {
        assert_false(hma_samples_have(&samples, ratios + 3 * i));
        for (size_t j = 0; j < i; j++) {
            double distance = 0;
            for (size_t k = 0; k < 3; k++) {
                distance += fabs(ratios[3 * i + k] - ratios[3 * j + k]);
            }
            assert_true(distance > 0.15);
        }
    }
    for (size_t k = 0; k < 3; k++) { /* every twelfth of each ratio is looked at */
        bool seen[12] = {false};
        for (size_t i = 3; i < made; i++) {
            seen[(size_t)fmin(11, ratios[3 * i + k] * 12)] = true;
        }
        size_t count = 0;
        for (size_t i = 0; i < 12; i++) {
            count += seen[i];
        }
        assert_true(count >= 10); /* rounding to hundredths may move one over the border */
    }
    hma_samples_free(&samples);
}

/* ---- nsga2 ---- */

static void ranks_are_fronts_within_fronts(void **state) {
    (void)state;
    hma_samples samples;
    size_t rank[LARGEST];
    double crowding[LARGEST], ratios[40 * SMOOTH_BLOCKS];
    size_t made = 0;
    smooth_begin(&samples, NAN);
    assert_ok(hma_design_make(&samples, 0, 40, 3, ratios, &made));
    smooth_score(&samples, ratios, made);
    samples.list[7].excluded = true;
    samples.list[9].dropped = true;
    assert_ok(hma_nsga2_rank(&samples, rank, crowding));
    size_t front[LARGEST];
    size_t first = 0, worst = 0, front_count = 0;
    assert_ok(hma_samples_front(&samples, front, &front_count));
    for (size_t i = 0; i < samples.count; i++) {
        first += rank[i] == 0;
        worst = rank[i] > worst ? rank[i] : worst;
        /* naive: the rank is one more than the largest among those that dominate */
        size_t expected = 0;
        for (size_t j = 0; j < samples.count; j++) {
            const hma_sample *a = &samples.list[j], *b = &samples.list[i];
            const bool normal = !a->excluded && !a->dropped && !b->excluded && !b->dropped;
            if (normal && a->alignment >= b->alignment && a->retention >= b->retention && i != j) {
                expected = rank[j] + 1 > expected ? rank[j] + 1 : expected;
            }
        }
        if (!samples.list[i].excluded && !samples.list[i].dropped) {
            assert_int_equal(rank[i], expected);
        }
    }
    assert_int_equal(first, front_count);
    assert_int_equal(rank[7], worst);
    assert_int_equal(rank[9], worst - 1);
    hma_samples_free(&samples);
}

static void children_are_new_in_the_region_and_repeatable(void **state) {
    (void)state;
    hma_samples samples;
    double one[12 * SMOOTH_BLOCKS], two[12 * SMOOTH_BLOCKS], other[12 * SMOOTH_BLOCKS];
    size_t made = 0;
    smooth_begin(&samples, 0.4);
    assert_ok(hma_nsga2_breed(&samples, 12, 5, 1, 12, one, &made));
    assert_int_equal(made, 12);
    for (size_t i = 0; i < made; i++) {
        assert_false(hma_samples_have(&samples, one + 3 * i));
        assert_near((one[3 * i] + one[3 * i + 1] + one[3 * i + 2]) / 3, 0.4, 1e-14);
        for (size_t j = 0; j < i; j++) {
            assert_true(memcmp(one + 3 * i, one + 3 * j, 3 * sizeof *one) != 0);
        }
    }
    assert_ok(hma_nsga2_breed(&samples, 12, 5, 1, 12, two, &made));
    assert_memory_equal(one, two, sizeof one);
    assert_ok(hma_nsga2_breed(&samples, 12, 5, 2, 12, other, &made));
    assert_true(memcmp(one, other, sizeof one) != 0);
    hma_samples_free(&samples);
}

static int by_size(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static double median(double values[SEEDS]) {
    qsort(values, SEEDS, sizeof *values, by_size);
    return (values[SEEDS / 2 - 1] + values[SEEDS / 2]) / 2;
}

static void nsga2_reaches_the_exhaustive_front_with_a_third_of_the_evaluations(void **state) {
    (void)state;
    const double whole = smooth_exhaustive();
    double reached[SEEDS];
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        hma_samples samples;
        double ratios[12 * SMOOTH_BLOCKS];
        size_t made = 0;
        smooth_begin(&samples, NAN);
        assert_ok(hma_design_make(&samples, 3, 7, seed, ratios, &made));
        smooth_score(&samples, ratios, made);
        for (uint64_t generation = 1; samples.count < 72; generation++) {
            const size_t left = 72 - samples.count;
            assert_ok(hma_nsga2_breed(&samples, 12, seed, generation, left < 12 ? left : 12, ratios, &made));
            smooth_score(&samples, ratios, made);
        }
        assert_int_equal(samples.count, 72);
        reached[seed] = hma_samples_volume(&samples) / whole;
        hma_samples_free(&samples);
    }
    assert_true(median(reached) >= 0.98);
}

/* ---- surrogate ---- */

static void a_quadratic_is_predicted_exactly(void **state) {
    (void)state;
    static const double weights[2] = {1, 0};
    hma_samples samples = {.region = {3, NAN}, .metrics = 1, .weights = weights};
    double ratios[20 * 3], scratch[10 * 10 + 2 * 10];
    size_t made = 0;
    assert_int_equal(hma_surface_terms(3), 10);
    assert_int_equal(hma_surface_scratch(3), sizeof scratch / sizeof *scratch);
    assert_int_equal(hma_surface_terms(12), 25);
    assert_ok(hma_design_make(&samples, 0, 20, 2, ratios, &made));
    for (size_t i = 0; i < made; i++) {
        const double *x = ratios + 3 * i, value = 2 - x[0] + 0.5 * x[1] * x[2] + 3 * x[2] * x[2];
        assert_ok(hma_samples_add(&samples, x, &value, false));
    }
    hma_surface surface = {.samples = &samples, .reach = INFINITY, .ridge = 1e-12, .unit = 1};
    const double asked[3] = {0.3, 0.9, 0.2};
    assert_near(hma_surface_value(&surface, asked, SIZE_MAX, scratch), 2 - 0.3 + 0.5 * 0.9 * 0.2 + 3 * 0.04, 1e-9);
    assert_ok(hma_surface_fit(&surface, &samples, 0));
    assert_true(surface.error < 1e-2);
    hma_samples_free(&samples);
}

static void the_surrogate_reaches_the_exhaustive_front_with_a_sixth_of_the_evaluations(void **state) {
    (void)state;
    const double whole = smooth_exhaustive();
    double reached[SEEDS], off = 0, scale = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        hma_samples samples;
        double ratios[12 * SMOOTH_BLOCKS];
        size_t made = 0;
        smooth_begin(&samples, NAN);
        assert_ok(hma_design_make(&samples, 3, hma_surrogate_first(3) - 5, seed, ratios, &made));
        smooth_score(&samples, ratios, made);
        for (uint64_t round = 1; samples.count < 36; round++) {
            hma_surrogate_proposal proposal;
            const size_t left = 36 - samples.count, before = samples.count;
            assert_ok(hma_surrogate_propose(&samples, seed, round, left < 4 ? left : 4, &proposal));
            smooth_score(&samples, proposal.ratios, proposal.made);
            for (size_t i = 0; i < proposal.made; i++) {
                off += fabs(proposal.predicted[2 * i] - samples.list[before + i].alignment);
                scale += 1;
            }
            hma_surrogate_proposal_free(&proposal);
            if (samples.count == before) {
                break; /* nothing more is predicted to help */
            }
        }
        reached[seed] = hma_samples_volume(&samples) / whole;
        hma_samples_free(&samples);
    }
    assert_true(median(reached) >= 0.98);
    assert_true(off / scale < 0.15); /* predicted alignment, which spans 3 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repair_brings_ratios_into_the_region),
        cmocka_unit_test(the_design_is_spread_and_new),
        cmocka_unit_test(ranks_are_fronts_within_fronts),
        cmocka_unit_test(children_are_new_in_the_region_and_repeatable),
        cmocka_unit_test(nsga2_reaches_the_exhaustive_front_with_a_third_of_the_evaluations),
        cmocka_unit_test(a_quadratic_is_predicted_exactly),
        cmocka_unit_test(the_surrogate_reaches_the_exhaustive_front_with_a_sixth_of_the_evaluations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
