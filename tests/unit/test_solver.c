/* src/search/solver, omega: maxima over Omega = { mean a, 0 <= ratio <= 1 } whose place is known. */
#include "testing.h"

#include "base/error_set.h"
#include "base/rng.h"
#include "search/solver.h"

enum { MOST = 40, MOST_POINTS = 4000 };

/* -1/2 sum of stiffness_i (x_i - centre_i)^2, and what it was asked for. */
typedef struct quadratic {
    size_t count;
    double mean, centre[MOST], stiffness[MOST];
    size_t asked, fail_at;
    double points[MOST_POINTS][3]; /* of each question: the first two ratios, the value */
} quadratic;

static hma_status evaluate(void *user, const double *x, size_t count, double *value, double *gradient) {
    quadratic *q = user;
    double sum = 0;
    assert_int_equal(count, q->count);
    *value = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(x[i] >= 0 && x[i] <= 1);
        sum += x[i];
        *value -= q->stiffness[i] * (x[i] - q->centre[i]) * (x[i] - q->centre[i]) / 2;
        if (gradient) {
            gradient[i] = -q->stiffness[i] * (x[i] - q->centre[i]);
        }
    }
    assert_near(sum / (double)count, q->mean, 1e-12);
    assert_true(q->asked < MOST_POINTS);
    memcpy(q->points[q->asked], (double[]){x[0], count > 1 ? x[1] : 0, *value}, sizeof q->points[0]);
    if (++q->asked == q->fail_at) {
        return hma_error(HMA_IO, "disk: is full");
    }
    return HMA_OK;
}

static quadratic *make_quadratic(size_t count, double mean, uint64_t number) {
    const hma_rng_key key = hma_rng_key_with(hma_rng_key_for(11, "quadratic"), number);
    quadratic *q = calloc(1, sizeof *q);
    assert_non_null(q);
    q->count = count;
    q->mean = mean;
    for (size_t i = 0; i < count; i++) {
        q->centre[i] = 1.6 * hma_rng_double(key, 2 * i) - 0.3; /* some of them outside of the box */
        q->stiffness[i] = 0.2 + hma_rng_double(key, 2 * i + 1);
    }
    return q;
}

/* The maximum: x_i = centre_i + m / stiffness_i inside the box, with the multiplier m that gives the mean. */
static void true_maximum(const quadratic *q, double *x) {
    double low = -10, high = 10;
    for (int step = 0; step < 200; step++) {
        const double m = (low + high) / 2;
        double sum = 0;
        for (size_t i = 0; i < q->count; i++) {
            x[i] = fmin(1, fmax(0, q->centre[i] + m / q->stiffness[i]));
            sum += x[i];
        }
        if (sum / (double)q->count < q->mean) {
            low = m;
        } else {
            high = m;
        }
    }
}

static hma_context *context;

static void the_maximum_of_a_quadratic_is_found(void **state) {
    (void)state;
    static const size_t counts[] = {2, 3, 6, 9, 30};
    static const double means[] = {0.1, 0.3, 0.5, 0.8};
    for (size_t c = 0; c < 5; c++) {
        for (size_t m = 0; m < 4; m++) {
            for (int a = HMA_SLSQP; a <= HMA_COBYLA; a++) {
                if (a == HMA_COBYLA && counts[c] > 9) {
                    continue; /* without a gradient thirty ratios take thousands of evaluations */
                }
                quadratic *q = make_quadratic(counts[c], means[m], c * 4 + m);
                const hma_solver_options options = {.algorithm = (hma_algorithm)a, .max_evaluations = 2000, .tolerance = 1e-6};
                hma_solution solution;
                double expected[MOST];
                true_maximum(q, expected);
                assert_ok(hma_solve(&solution, context, q->count, q->mean, evaluate, q, &options));
                for (size_t i = 0; i < q->count; i++) {
                    if (!(fabs(solution.ratios[i] - expected[i]) <= (a == HMA_COBYLA ? 5e-3 : 1e-3))) {
                        fail_msg("%s, %zu ratios of mean %g: ratio %zu is %.6f, expected %.6f after %zu evaluations",
                                 hma_algorithm_name((hma_algorithm)a), q->count, q->mean, i, solution.ratios[i], expected[i],
                                 solution.evaluations);
                    }
                }
                assert_int_equal(solution.evaluations, q->asked);
                hma_solution_clear(&solution);
                free(q);
            }
        }
    }
}

static void gradients_need_few_evaluations(void **state) {
    (void)state;
    quadratic *q = make_quadratic(3, 0.4, 100);
    hma_solution solution;
    assert_ok(hma_solve(&solution, context, 3, 0.4, evaluate, q, &(hma_solver_options){0}));
    assert_true(solution.evaluations <= 40);
    assert_string_equal(solution.ended_by, "tolerance");
    hma_solution_clear(&solution);
    free(q);
}

/* What a journal of evaluations rests on. */
static void the_same_values_give_the_same_questions(void **state) {
    (void)state;
    const hma_solver_options options = {.starts = 3, .seed = 5};
    quadratic *first = make_quadratic(4, 0.35, 7), *second = make_quadratic(4, 0.35, 7);
    hma_solution a, b;
    assert_ok(hma_solve(&a, context, 4, 0.35, evaluate, first, &options));
    assert_ok(hma_solve(&b, context, 4, 0.35, evaluate, second, &options));
    assert_int_equal(first->asked, second->asked);
    assert_memory_equal(first->points, second->points, first->asked * sizeof first->points[0]);
    assert_memory_equal(a.ratios, b.ratios, 4 * sizeof *a.ratios);
    assert_true(a.value == b.value);
    hma_solution_clear(&a);
    hma_solution_clear(&b);
    free(first);
    free(second);
}

/* Two humps: the uniform start ends on the lower one. */
static hma_status two_humps(void *user, const double *x, size_t count, double *value, double *gradient) {
    (void)user;
    (void)count;
    const double d = x[0] - x[1], slope = 4 * d * (1 - d * d) * 0.5 + 0.3;
    *value = 0.5 * (2 * d * d - d * d * d * d) + 0.3 * d;
    if (gradient) {
        gradient[0] = slope;
        gradient[1] = -slope;
    }
    return HMA_OK;
}

static void more_starts_find_more(void **state) {
    (void)state;
    hma_solution solution;
    assert_ok(hma_solve(&solution, context, 2, 0.5, two_humps, NULL, &(hma_solver_options){.starts = 8, .seed = 1}));
    assert_near(solution.ratios[0], 1, 1e-3);
    assert_true(solution.start < 8);
    hma_solution_clear(&solution);
}

static void budgets_and_failures_end_it(void **state) {
    (void)state;
    quadratic *q = make_quadratic(9, 0.5, 3);
    hma_solution solution;
    assert_ok(hma_solve(&solution, context, 9, 0.5, evaluate, q,
                        &(hma_solver_options){.algorithm = HMA_COBYLA, .max_evaluations = 5, .starts = 4}));
    assert_int_equal(q->asked, 5);
    assert_string_equal(solution.ended_by, "evaluations");
    hma_solution_clear(&solution);
    q->asked = 0;
    q->fail_at = 3;
    assert_fails(hma_solve(&solution, context, 9, 0.5, evaluate, q, &(hma_solver_options){0}), HMA_IO, "disk: is full");
    assert_int_equal(q->asked, 3);
    free(q);
    assert_fails(hma_solve(&solution, context, 2, 1.5, two_humps, NULL, &(hma_solver_options){0}), HMA_USAGE, "mean: 1.5");
    assert_fails(hma_solve(&solution, context, 2, 0.5, two_humps, NULL, &(hma_solver_options){.epsilon = 1}), HMA_USAGE,
                 "epsilon");
    hma_context_cancel(context);
    assert_fails(hma_solve(&solution, context, 2, 0.5, two_humps, NULL, &(hma_solver_options){0}), HMA_INTERRUPTED, "");
    hma_context_resume(context);
}

static void where_omega_is_one_point_it_is_evaluated(void **state) {
    (void)state;
    static const struct {
        size_t count;
        double mean;
    } cases[] = {{1, 0.3}, {3, 0}, {3, 1}};
    for (size_t i = 0; i < 3; i++) {
        quadratic *q = make_quadratic(cases[i].count, cases[i].mean, i);
        hma_solution solution;
        assert_ok(hma_solve(&solution, context, q->count, q->mean, evaluate, q, &(hma_solver_options){0}));
        assert_int_equal(q->asked, 1);
        assert_true(solution.ratios[0] == cases[i].mean);
        assert_string_equal(solution.ended_by, "one point");
        hma_solution_clear(&solution);
        free(q);
    }
}

/* ---- Omega ---- */

static void projection_is_the_nearest_point(void **state) {
    (void)state;
    for (uint64_t n = 0; n < 50; n++) {
        quadratic *q = make_quadratic(2 + n % 7, 0.05 + (double)(n % 10) / 11, n);
        double x[MOST], expected[MOST];
        for (size_t i = 0; i < q->count; i++) {
            q->stiffness[i] = 1; /* the distance */
        }
        memcpy(x, q->centre, sizeof x);
        true_maximum(q, expected);
        hma_omega_project(x, q->count, q->mean);
        for (size_t i = 0; i < q->count; i++) {
            assert_near(x[i], expected[i], 1e-9);
        }
        memcpy(expected, x, sizeof x);
        hma_omega_project(x, q->count, q->mean);
        for (size_t i = 0; i < q->count; i++) {
            assert_near(x[i], expected[i], 1e-15);
        }
        free(q);
    }
}

static void points_of_omega_lie_in_it(void **state) {
    (void)state;
    static const double means[] = {0, 0.01, 0.3, 0.5, 0.95, 1};
    for (size_t m = 0; m < 6; m++) {
        for (uint64_t n = 0; n < 200; n++) {
            double x[9], again[9], sum = 0;
            const size_t count = 1 + n % 9;
            hma_omega_point(x, count, means[m], 3, n);
            hma_omega_point(again, count, means[m], 3, n);
            assert_memory_equal(x, again, count * sizeof *x);
            for (size_t i = 0; i < count; i++) {
                assert_true(x[i] >= 0 && x[i] <= 1);
                sum += x[i];
            }
            assert_near(sum / (double)count, means[m], 1e-14);
        }
    }
}

/* ---- the authors' parametrization ---- */

static double ratio_of(const double *s, size_t count, double mean, double epsilon, size_t i) {
    double sum = 0;
    for (size_t j = 0; j < count; j++) {
        sum += 1 / (1 + exp(-s[j])) + epsilon;
    }
    return mean * (double)count * (1 / (1 + exp(-s[i])) + epsilon) / sum;
}

/* The published method written down once more, with numerical derivatives: parts updated `repeats` times a step. */
static void follow_paper(const quadratic *q, const hma_solver_options *o, double *ratios) {
    double s[MOST], m[MOST] = {0}, v[MOST] = {0};
    size_t t[MOST] = {0};
    for (size_t i = 0; i < q->count; i++) {
        s[i] = log(q->mean / (1 - q->mean));
    }
    for (size_t step = 0; step < o->steps; step++) {
        const double warm = ceil(0.03 * (double)o->steps);
        const double share = (double)step < warm
                                 ? (double)step / warm
                                 : 0.5 * (1 + cos(3.14159265358979323846 * ((double)step - warm) / ((double)o->steps - warm)));
        double gradient[MOST];
        for (size_t j = 0; j < q->count; j++) {
            double value[2] = {0, 0}, moved[MOST];
            for (size_t side = 0; side < 2; side++) {
                memcpy(moved, s, sizeof moved);
                moved[j] += side ? 1e-6 : -1e-6;
                for (size_t i = 0; i < q->count; i++) {
                    const double x = ratio_of(moved, q->count, q->mean, o->epsilon, i);
                    value[side] -=
                        q->stiffness[i] * (x - q->centre[i]) * (x - q->centre[i]) / 2 + o->penalty * fabs(x - q->mean);
                }
            }
            gradient[j] = (value[1] - value[0]) / 2e-6;
        }
        for (size_t i = 0; i < q->count; i++) {
            for (size_t r = 0; r < o->repeats[i]; r++) {
                t[i]++;
                m[i] = 0.9 * m[i] + 0.1 * gradient[i];
                v[i] = 0.999 * v[i] + 0.001 * gradient[i] * gradient[i];
                s[i] += o->learning_rate * share * (m[i] / (1 - pow(0.9, (double)t[i]))) /
                        (sqrt(v[i] / (1 - pow(0.999, (double)t[i]))) + 1e-8);
            }
        }
    }
    for (size_t i = 0; i < q->count; i++) {
        ratios[i] = ratio_of(s, q->count, q->mean, o->epsilon, i);
    }
}

static void the_papers_updates_are_followed(void **state) {
    (void)state;
    static const size_t repeats[] = {7, 14, 3};
    static const double penalties[] = {0, 0.01};
    for (size_t i = 0; i < 2; i++) {
        const hma_solver_options options = {.parametrization = HMA_PAPER,
                                            .epsilon = 0.2,
                                            .penalty = penalties[i],
                                            .learning_rate = 2e-3,
                                            .repeats = repeats,
                                            .steps = 60};
        quadratic *q = make_quadratic(3, 0.3, 21);
        double expected[3];
        hma_solution solution;
        follow_paper(q, &options, expected);
        assert_ok(hma_solve(&solution, context, 3, 0.3, evaluate, q, &options));
        assert_true(fabs(expected[0] - 0.3) > 0.01); /* it has moved */
        for (size_t k = 0; k < 3; k++) {
            assert_near(solution.ratios[k], expected[k], 1e-6);
        }
        assert_false(solution.clipped);
        assert_int_equal(solution.evaluations, 61);
        hma_solution_clear(&solution);
        free(q);
    }
}

static void the_papers_ratios_stay_in_the_box(void **state) {
    (void)state;
    quadratic *q = make_quadratic(3, 0.6, 1);
    const hma_solver_options options = {.parametrization = HMA_PAPER, .learning_rate = 0.05, .steps = 60};
    hma_solution solution;
    memcpy(q->centre, (double[3]){1.5, 1.2, -0.9}, 3 * sizeof(double));
    assert_ok(hma_solve(&solution, context, 3, 0.6, evaluate, q, &options)); /* evaluate() checks every point */
    assert_true(solution.clipped);
    hma_solution_clear(&solution);
    free(q);
}

static size_t batches_seen[8];

static hma_status batch(void *user, size_t number, const double *x, size_t count, double *value, double *gradient) {
    batches_seen[number]++;
    return evaluate(user, x, count, value, gradient);
}

static void an_epoch_takes_every_batch_once(void **state) {
    (void)state;
    quadratic *q = make_quadratic(3, 0.3, 2);
    const hma_solver_options options = {.parametrization = HMA_PAPER, .batches = 8, .batch = batch, .seed = 4};
    hma_solution solution;
    assert_ok(hma_solve(&solution, context, 3, 0.3, evaluate, q, &options));
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(batches_seen[i], 1);
    }
    assert_int_equal(q->asked, 9);
    hma_solution_clear(&solution);
    free(q);
}

static int begin(void **state) {
    (void)state;
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = 1}));
    return 0;
}

static int end(void **state) {
    (void)state;
    hma_context_free(context);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_maximum_of_a_quadratic_is_found),
        cmocka_unit_test(gradients_need_few_evaluations),
        cmocka_unit_test(the_same_values_give_the_same_questions),
        cmocka_unit_test(more_starts_find_more),
        cmocka_unit_test(budgets_and_failures_end_it),
        cmocka_unit_test(where_omega_is_one_point_it_is_evaluated),
        cmocka_unit_test(projection_is_the_nearest_point),
        cmocka_unit_test(points_of_omega_lie_in_it),
        cmocka_unit_test(the_papers_updates_are_followed),
        cmocka_unit_test(the_papers_ratios_stay_in_the_box),
        cmocka_unit_test(an_epoch_takes_every_batch_once),
    };
    return cmocka_run_group_tests_name("solver", tests, begin, end);
}
