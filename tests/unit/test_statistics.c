/* src/search: non-dominated points, quantiles, p values and the paired bootstrap, against brute force and closed forms. */
#include "testing.h"

#include "base/context.h"
#include "base/rng.h"
#include "base/statistics.h"
#include "search/bootstrap.h"
#include "search/pareto.h"
#include "search/statistics.h"

/* ---- pareto ---- */

static bool dominates(hma_spot a, hma_spot b) { return a.x >= b.x && a.y >= b.y && (a.x > b.x || a.y > b.y); }

static bool is_dominated(const hma_spot *spots, size_t count, hma_spot spot) {
    for (size_t i = 0; i < count; i++) {
        if (dominates(spots[i], spot)) {
            return true;
        }
    }
    return false;
}

/* Spots on a coarse grid, so that ties and duplicates are frequent. */
static void draw_spots(hma_spot *spots, size_t count, hma_rng_key key, uint64_t levels) {
    for (size_t i = 0; i < count; i++) {
        spots[i] = (hma_spot){(double)hma_rng_below(key, 2 * i, levels), (double)hma_rng_below(key, 2 * i + 1, levels), i};
    }
}

static void front_is_what_brute_force_finds(void **state) {
    (void)state;
    enum { MOST = 200 };
    hma_spot spots[MOST], sorted[MOST];
    for (uint64_t round = 0; round < 300; round++) {
        const size_t count = 1 + (size_t)(round * 7) % MOST;
        draw_spots(spots, count, hma_rng_key_with(hma_rng_key_for(1, "pareto"), round), 3 + round % 20);
        memcpy(sorted, spots, sizeof spots);
        const size_t front = hma_pareto_select(sorted, count);
        bool found[MOST] = {false};
        for (size_t i = 0; i < front; i++) {
            found[sorted[i].index] = true;
            assert_true(
                i == 0 || sorted[i - 1].x > sorted[i].x ||
                (sorted[i - 1].x == sorted[i].x && sorted[i - 1].y == sorted[i].y && sorted[i - 1].index > sorted[i].index));
        }
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(found[i], !is_dominated(spots, count, spots[i]));
        }
    }
}

/* Counts the unit squares that some spot dominates. */
static void area_is_what_counting_squares_gives(void **state) {
    (void)state;
    enum { COUNT = 25, LEVELS = 12 };
    hma_spot spots[COUNT];
    for (uint64_t round = 0; round < 100; round++) {
        draw_spots(spots, COUNT, hma_rng_key_with(hma_rng_key_for(2, "area"), round), LEVELS);
        size_t squares = 0;
        for (size_t x = 2; x < LEVELS; x++) {
            for (size_t y = 3; y < LEVELS; y++) {
                bool covered = false;
                for (size_t i = 0; i < COUNT; i++) {
                    covered = covered || (spots[i].x >= (double)(x + 1) && spots[i].y >= (double)(y + 1));
                }
                squares += covered;
            }
        }
        const size_t front = hma_pareto_select(spots, COUNT);
        assert_near(hma_pareto_area(spots, front, 2, 3), (double)squares, 0);
    }
}

static void nan_dominates_nothing_and_is_not_on_the_front(void **state) {
    (void)state;
    hma_spot spots[] = {{NAN, 5, 0}, {5, NAN, 1}, {1, 1, 2}, {NAN, NAN, 3}};
    assert_int_equal(hma_pareto_select(spots, 4), 1);
    assert_int_equal(spots[0].index, 2);
    assert_int_equal(hma_pareto_select(spots, 0), 0);
    assert_near(hma_pareto_area(spots, 0, 0, 0), 0, 0);
}

/* ---- quantiles and p ---- */

static int by_value(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static void quantiles_are_those_of_sorting(void **state) {
    (void)state;
    enum { MOST = 500 };
    double values[MOST], sorted[MOST];
    for (uint64_t round = 0; round < 200; round++) {
        const size_t count = 1 + (size_t)(round * 13) % MOST;
        const hma_rng_key key = hma_rng_key_with(hma_rng_key_for(3, "quantile"), round);
        for (size_t i = 0; i < count; i++) {
            values[i] = round % 3 == 0 ? (double)hma_rng_below(key, i, 5) : hma_rng_double(key, i) - 0.5;
        }
        memcpy(sorted, values, sizeof values);
        qsort(sorted, count, sizeof *sorted, by_value);
        const double q = hma_rng_double(key, MOST), position = q * (double)(count - 1);
        const size_t rank = (size_t)position;
        const double above = sorted[rank + 1 < count ? rank + 1 : rank];
        assert_near(hma_quantile(values, count, q), sorted[rank] + (position - (double)rank) * (above - sorted[rank]), 1e-15);
        assert_near(hma_quantile(values, count, 0), sorted[0], 0);
        assert_near(hma_quantile(values, count, 1), sorted[count - 1], 0);
    }
}

static void quantile_of_nothing_and_of_nan_is_nan(void **state) {
    (void)state;
    double values[] = {1, NAN, 3};
    assert_true(isnan(hma_quantile(values, 0, 0.5)));
    assert_true(isnan(hma_quantile(values, 3, 0.5)));
    double infinite[] = {INFINITY, INFINITY, 1};
    assert_true(hma_quantile(infinite, 3, 0.9) > 1e300);
}

/* Quantiles of scipy 1.15 (scipy.stats.t.isf, norm.isf). */
static void quantiles_of_t_are_the_tables(void **state) {
    (void)state;
    static const struct {
        double tail, freedom, t;
    } rows[] = {{0.05, 29, 2.045229642132704},        {0.05, 1, 12.706204736174705},       {0.001, 3.7, 9.474240137124372},
                {0.05, 1000, 1.9623390808264085},     {1e-9, 12, 16.880323211014563},      {0.5, 5, 0.7266868438004226},
                {0.05, INFINITY, 1.9599639845400545}, {1e-6, INFINITY, 4.891638475698591}, {1, 7, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_near(hma_two_sided_quantile(rows[i].tail, rows[i].freedom), rows[i].t, 1e-11 * (1 + rows[i].t));
        assert_near(hma_two_sided_tail(rows[i].t, rows[i].freedom), rows[i].tail, 1e-11 * rows[i].tail);
        assert_near(hma_two_sided_tail(-rows[i].t, rows[i].freedom), rows[i].tail, 1e-11 * rows[i].tail);
    }
    assert_near(hma_two_sided_tail(INFINITY, 5), 0, 0);
    assert_true(isnan(hma_two_sided_tail(NAN, 5)) && isnan(hma_two_sided_quantile(0.05, NAN)));
}

static void deviation_has_n_minus_1(void **state) {
    (void)state;
    const double values[] = {1, 2, 3, 4};
    assert_near(hma_standard_deviation(values, 4), sqrt(5.0 / 3), 1e-15);
    assert_true(isnan(hma_standard_deviation(values, 1)));
    assert_true(isnan(hma_standard_deviation(values, 0)));
}

/* ---- bootstrap ---- */

enum { ITEMS = 120, POINTS = 21, RESAMPLES = 4000 };

/* Point 0 is noise around 1, the last one a copy of it, the others shifted by whole numbers. */
static void make_table(hma_score_table *table, hma_metric metric) {
    assert_ok(hma_score_table_new(table, POINTS, 1));
    assert_ok(hma_task_scores_set(table, 0, "task", "category", metric, false, ITEMS));
    const hma_rng_key key = hma_rng_key_for(4, "scores");
    for (size_t point = 0; point < POINTS; point++) {
        for (size_t item = 0; item < ITEMS; item++) {
            hma_task_scores_of(&table->tasks[0], point)[item] = hma_rng_double(key, item) + (double)(point % (POINTS - 1));
        }
    }
}

static double *bootstrap_with(unsigned threads, const hma_score_table *table, uint64_t seed) {
    hma_context *context;
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = threads}));
    double *replicates = calloc((size_t)POINTS * RESAMPLES, sizeof *replicates);
    assert_non_null(replicates);
    assert_ok(
        hma_bootstrap(context, &table->tasks[0], table->points, hma_rng_key_for(seed, "bootstrap"), RESAMPLES, replicates));
    hma_context_free(context);
    return replicates;
}

static void replicates_of_a_mean_have_its_standard_error(void **state) {
    (void)state;
    hma_score_table table;
    make_table(&table, HMA_METRIC_ACC);
    const double *scores = hma_task_scores_of(&table.tasks[0], 0);
    double sum = 0, mean = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        sum += scores[i];
    }
    double *replicates = bootstrap_with(1, &table, 5);
    for (size_t r = 0; r < RESAMPLES; r++) {
        mean += replicates[r] / RESAMPLES;
    }
    const double error = hma_standard_deviation(scores, ITEMS) / sqrt(ITEMS);
    assert_near(mean, sum / ITEMS, 4 * error / sqrt(RESAMPLES));
    assert_near(hma_standard_deviation(replicates, RESAMPLES), error * sqrt((ITEMS - 1.0) / ITEMS), 0.05 * error);
    free(replicates);
    hma_score_table_free(&table);
}

static void all_points_see_the_same_draws(void **state) {
    (void)state;
    hma_score_table table;
    make_table(&table, HMA_METRIC_ACC);
    double *replicates = bootstrap_with(2, &table, 5);
    assert_memory_equal(replicates, replicates + (POINTS - 1) * RESAMPLES, RESAMPLES * sizeof *replicates);
    for (size_t r = 0; r < RESAMPLES; r++) {
        assert_near(replicates[3 * RESAMPLES + r] - replicates[r], 3, 1e-13);
    }
    free(replicates);
    hma_score_table_free(&table);
}

static void threads_do_not_change_a_bit_and_seeds_do(void **state) {
    (void)state;
    hma_score_table table;
    make_table(&table, HMA_METRIC_ACC);
    double *one = bootstrap_with(1, &table, 5);
    for (unsigned threads = 2; threads <= 3; threads++) {
        double *several = bootstrap_with(threads, &table, 5);
        assert_memory_equal(one, several, (size_t)POINTS * RESAMPLES * sizeof *one);
        free(several);
    }
    double *other = bootstrap_with(1, &table, 6);
    assert_true(memcmp(one, other, RESAMPLES * sizeof *one) != 0);
    free(one);
    free(other);
    hma_score_table_free(&table);
}

static void nan_stays_with_its_point(void **state) {
    (void)state;
    hma_score_table table;
    make_table(&table, HMA_METRIC_ACC);
    hma_task_scores_of(&table.tasks[0], 7)[11] = NAN;
    double *replicates = bootstrap_with(1, &table, 5);
    for (size_t r = 0; r < RESAMPLES; r++) {
        for (size_t point = 0; point < POINTS; point++) {
            assert_int_equal(isnan(replicates[point * RESAMPLES + r]) != 0, point == 7);
        }
    }
    free(replicates);
    hma_score_table_free(&table);
}

static void cancel_stops_resampling(void **state) {
    (void)state;
    hma_score_table table;
    make_table(&table, HMA_METRIC_ACC);
    hma_context *context;
    double *replicates = calloc((size_t)POINTS * RESAMPLES, sizeof *replicates);
    assert_non_null(replicates);
    assert_ok(hma_context_new(&context, NULL));
    hma_context_cancel(context);
    assert_fails(hma_bootstrap(context, &table.tasks[0], POINTS, hma_rng_key_for(1, "b"), RESAMPLES, replicates),
                 HMA_INTERRUPTED, "interrupted");
    hma_context_free(context);
    free(replicates);
    hma_score_table_free(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(front_is_what_brute_force_finds),
        cmocka_unit_test(area_is_what_counting_squares_gives),
        cmocka_unit_test(nan_dominates_nothing_and_is_not_on_the_front),
        cmocka_unit_test(quantiles_are_those_of_sorting),
        cmocka_unit_test(quantile_of_nothing_and_of_nan_is_nan),
        cmocka_unit_test(quantiles_of_t_are_the_tables),
        cmocka_unit_test(deviation_has_n_minus_1),
        cmocka_unit_test(replicates_of_a_mean_have_its_standard_error),
        cmocka_unit_test(all_points_see_the_same_draws),
        cmocka_unit_test(threads_do_not_change_a_bit_and_seeds_do),
        cmocka_unit_test(nan_stays_with_its_point),
        cmocka_unit_test(cancel_stops_resampling),
    };
    return cmocka_run_group_tests_name("search: statistics", tests, NULL, NULL);
}
