#include "search/solver.h"

#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "hma/text.h"
#include "search/solver_parts.h"

/* ---- names ---- */

static const char *const algorithm_names[] = {"slsqp", "mma", "cobyla", NULL};
static const char *const parametrization_names[] = {"polytope", "paper", NULL};

const char *hma_algorithm_name(hma_algorithm algorithm) { return algorithm_names[algorithm]; }
const char *hma_parametrization_name(hma_parametrization parametrization) { return parametrization_names[parametrization]; }

hma_status hma_algorithm_parse(hma_algorithm *out, const char *name) {
    for (size_t i = 0; algorithm_names[i]; i++) {
        if (strcmp(name, algorithm_names[i]) == 0) {
            *out = (hma_algorithm)i;
            return HMA_OK;
        }
    }
    return hma_error(HMA_USAGE, "solver: \"%s\" does not exist (expected slsqp, mma or cobyla): choose one", name);
}

hma_status hma_parametrization_parse(hma_parametrization *out, const char *name) {
    for (size_t i = 0; parametrization_names[i]; i++) {
        if (strcmp(name, parametrization_names[i]) == 0) {
            *out = (hma_parametrization)i;
            return HMA_OK;
        }
    }
    return hma_error(HMA_USAGE, "parametrization: \"%s\" does not exist (expected polytope or paper): choose one", name);
}

/* ---- evaluating ---- */

hma_status hma_solving_evaluate(hma_solving *s, const double *ratios, double *value, double *gradient) {
    hma_status status = hma_context_check(s->context);
    if (status == HMA_OK) {
        status = s->function(s->user, ratios, s->count, value, gradient);
    }
    if (status == HMA_OK && !isfinite(*value)) {
        status =
            hma_error(HMA_NON_FINITE, "objective: its value is not finite (expected a number): the merged weights overflow");
    }
    if (status == HMA_OK) {
        s->solution->evaluations++;
        if (*value > s->solution->value) {
            s->solution->value = *value;
            memcpy(s->solution->ratios, ratios, s->count * sizeof *ratios);
        }
    }
    return status;
}

/* ---- NLopt ---- */

/* The point and its gradient belong to all ratios, whatever NLopt sees. */
typedef struct start {
    hma_solving *solving;
    nlopt_opt optimizer;
    double *point, *gradient; /* [count] */
    hma_status status;
} start;

static void complete(const start *s, const double *x, unsigned n) {
    const size_t count = s->solving->count;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        s->point[i] = x[i];
        sum += x[i];
    }
    if (n < count) {
        s->point[n] = s->solving->mean * (double)count - sum;
    }
    hma_omega_project(s->point, count, s->solving->mean);
}

static double objective(unsigned n, const double *x, double *gradient, void *user) {
    start *s = user;
    double value = 0;
    complete(s, x, n);
    s->status = hma_solving_evaluate(s->solving, s->point, &value, gradient ? s->gradient : NULL);
    if (s->status != HMA_OK) {
        (void)nlopt_force_stop(s->optimizer);
        return 0;
    }
    for (unsigned i = 0; gradient && i < n; i++) {
        gradient[i] = s->gradient[i] - (n < s->solving->count ? s->gradient[n] : 0);
    }
    return value;
}

/* mean - a = 0 */
static double mean_is_kept(unsigned n, const double *x, double *gradient, void *user) {
    const hma_solving *s = user;
    double sum = 0;
    for (unsigned i = 0; i < n; i++) {
        sum += x[i];
        if (gradient) {
            gradient[i] = 1 / (double)n;
        }
    }
    return sum / (double)n - s->mean;
}

/* The last ratio, a K - sum of the others, is at least 0, and at most 1: both at most 0 where they hold. */
static double last_is_not_negative(unsigned n, const double *x, double *gradient, void *user) {
    const hma_solving *s = user;
    double sum = 0;
    for (unsigned i = 0; i < n; i++) {
        sum += x[i];
        if (gradient) {
            gradient[i] = 1;
        }
    }
    return sum - s->mean * (double)s->count;
}

static double last_is_at_most_one(unsigned n, const double *x, double *gradient, void *user) {
    const double value = last_is_not_negative(n, x, gradient, user);
    for (unsigned i = 0; gradient && i < n; i++) {
        gradient[i] = -1;
    }
    return -value - 1;
}

static hma_status set_up(start *s, size_t left) {
    static const nlopt_algorithm algorithms[] = {
        [HMA_SLSQP] = NLOPT_LD_SLSQP, [HMA_MMA] = NLOPT_LD_MMA, [HMA_COBYLA] = NLOPT_LN_COBYLA};
    hma_solving *solving = s->solving;
    const hma_solver_options *o = solving->options;
    const bool whole = o->algorithm == HMA_SLSQP; /* the others go by all ratios but the last */
    const double tolerance = o->tolerance > 0 ? o->tolerance : 1e-4;
    s->optimizer = nlopt_create(algorithms[o->algorithm], (unsigned)(whole ? solving->count : solving->count - 1));
    if (!s->optimizer) {
        return hma_error_memory("the solver");
    }
    bool fine = nlopt_set_max_objective(s->optimizer, objective, s) > 0 && nlopt_set_lower_bounds1(s->optimizer, 0) > 0 &&
                nlopt_set_upper_bounds1(s->optimizer, 1) > 0 && nlopt_set_xtol_abs1(s->optimizer, tolerance) > 0 &&
                nlopt_set_maxeval(s->optimizer, (int)hma_min_size(left, 1000000)) > 0;
    if (!whole) {
        fine = fine && nlopt_add_inequality_constraint(s->optimizer, last_is_not_negative, solving, 1e-9) > 0 &&
               nlopt_add_inequality_constraint(s->optimizer, last_is_at_most_one, solving, 1e-9) > 0;
    } else {
        fine = fine && nlopt_add_equality_constraint(s->optimizer, mean_is_kept, solving, 1e-9) > 0;
    }
    /* COBYLA begins with a simplex of this size */
    fine = fine && nlopt_set_initial_step1(s->optimizer, 0.1) > 0;
    return fine ? HMA_OK : hma_error(HMA_FAILURE, "solver: NLopt refuses its settings");
}

/* From one starting point on. What NLopt calls a failure for want of progress is an end like others: the best point counts. */
static hma_status run_start(hma_solving *solving, const double *from, size_t left) {
    start s = {.solving = solving, .point = HMA_NEW(double, solving->count), .gradient = HMA_NEW(double, solving->count)};
    double *x = HMA_NEW(double, solving->count), value = 0;
    hma_status status = s.point && s.gradient && x ? set_up(&s, left) : HMA_FAILURE;
    if (status == HMA_OK) {
        memcpy(x, from, solving->count * sizeof *x);
        const nlopt_result ended = nlopt_optimize(s.optimizer, x, &value);
        solving->solution->ended_by = ended == NLOPT_MAXEVAL_REACHED ? "evaluations" : "tolerance";
        status = s.status;
        if (status == HMA_OK && (ended == NLOPT_INVALID_ARGS || ended == NLOPT_OUT_OF_MEMORY)) {
            status = hma_error(HMA_FAILURE, "solver: NLopt cannot go on (code %d)", (int)ended);
        }
    }
    nlopt_destroy(s.optimizer);
    free(s.point);
    free(s.gradient);
    free(x);
    return status;
}

static hma_status solve_polytope(hma_solving *s) {
    const size_t starts = s->options->starts ? s->options->starts : 1;
    const size_t most = s->options->max_evaluations ? s->options->max_evaluations : 100 * starts;
    double *from = HMA_NEW(double, s->count);
    hma_status status = from ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < starts && s->solution->evaluations < most; i++) {
        const double before = s->solution->value;
        if (i == 0) {
            for (size_t k = 0; k < s->count; k++) {
                from[k] = s->mean;
            }
        } else {
            hma_omega_point(from, s->count, s->mean, s->options->seed, i);
        }
        status = run_start(s, from, most - s->solution->evaluations);
        if (s->solution->value > before) {
            s->solution->start = i;
        }
    }
    free(from);
    return status;
}

/* ---- the solver ---- */

static hma_status check(size_t count, double mean, const hma_solver_options *o) {
    if (!(mean >= 0 && mean <= 1)) {
        return hma_error(HMA_USAGE, "mean: %g is not usable (expected 0 to 1): correct it", mean);
    }
    if (count == 0) {
        return hma_error(HMA_USAGE, "blocks: there are none (expected one or more): give them");
    }
    if (!(o->epsilon >= 0 && o->epsilon <= 0.9)) {
        return hma_error(HMA_USAGE, "epsilon: %g is not usable (expected 0 to 0.9): correct it", o->epsilon);
    }
    if (!(o->tolerance >= 0 && o->penalty >= 0 && o->learning_rate >= 0)) {
        return hma_error(HMA_USAGE, "solver: tolerance, penalty and learning rate cannot be negative: correct them");
    }
    return HMA_OK;
}

/* Where all ratios are the same there is nothing to solve. */
static hma_status evaluate_only_point(hma_solving *s) {
    double *ratios = HMA_NEW(double, s->count), value;
    for (size_t k = 0; ratios && k < s->count; k++) {
        ratios[k] = s->mean;
    }
    const hma_status status = ratios ? hma_solving_evaluate(s, ratios, &value, NULL) : HMA_FAILURE;
    s->solution->ended_by = "one point";
    free(ratios);
    return status;
}

hma_status hma_solve(hma_solution *out, hma_context *context, size_t count, double mean, hma_objective_fn function, void *user,
                     const hma_solver_options *options) {
    hma_status status = check(count, mean, options);
    if (status != HMA_OK) {
        return status;
    }
    hma_solution solution = {.ratios = HMA_NEW(double, count), .value = -INFINITY};
    hma_solving solving = {context, count, mean, function, user, options, &solution};
    if (!solution.ratios) {
        status = HMA_FAILURE;
    } else if (count == 1 || mean == 0 || mean == 1) {
        status = evaluate_only_point(&solving);
    } else {
        status = options->parametrization == HMA_PAPER ? hma_solve_paper(&solving) : solve_polytope(&solving);
    }
    if (status != HMA_OK) {
        hma_solution_clear(&solution);
        return status;
    }
    *out = solution;
    return HMA_OK;
}

void hma_solution_clear(hma_solution *solution) {
    free(solution->ratios);
    *solution = (hma_solution){0};
}
