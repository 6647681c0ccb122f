/*
 * Maximises a function of K ratios over Omega = { mean of the ratios = a, 0 <= ratio <= 1 }.
 *
 * Every point that the function is asked for lies in Omega. The solver draws nothing from time or addresses: the same function
 * values give the same sequence of evaluations, so that a caller who journals them by the bits of the ratios can replay any
 * part of it.
 */
#ifndef HMA_SEARCH_SOLVER_H
#define HMA_SEARCH_SOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/context.h"
#include "hma/error.h"

/* `gradient` is NULL when it is not needed. A failure stops the solver, which returns it. */
typedef hma_status (*hma_objective_fn)(void *user, const double *ratios, size_t count, double *value, double *gradient);

/* The same on one of several parts of the texts. */
typedef hma_status (*hma_batch_fn)(void *user, size_t batch, const double *ratios, size_t count, double *value,
                                   double *gradient);

typedef enum hma_algorithm {
    HMA_SLSQP = 0, /* sequential quadratic programming, exact gradient */
    HMA_MMA,       /* moving asymptotes, exact gradient */
    HMA_COBYLA     /* linear approximations, without gradient */
} hma_algorithm;

/* "slsqp", "mma", "cobyla"; HMA_USAGE otherwise. */
hma_status hma_algorithm_parse(hma_algorithm *out, const char *name);
const char *hma_algorithm_name(hma_algorithm algorithm);

typedef enum hma_parametrization {
    HMA_POLYTOPE = 0, /* the ratios themselves, over all of Omega */
    HMA_PAPER         /* the authors' own: ratio_i = a K (sigmoid(s_i) + epsilon) / sum, Adam on s; cut off at 1 */
} hma_parametrization;

hma_status hma_parametrization_parse(hma_parametrization *out, const char *name);
const char *hma_parametrization_name(hma_parametrization parametrization);

typedef struct hma_solver_options {
    hma_parametrization parametrization;
    /* polytope */
    hma_algorithm algorithm;
    size_t starts;          /* the uniform ratios first, then random points of Omega; 0: 1 */
    uint64_t seed;          /* of the random ones */
    size_t max_evaluations; /* in all; 0: 100 a start */
    double tolerance;       /* in the ratios; 0: 1e-4 */
    /* paper */
    double epsilon;        /* 0 .. 0.9 */
    double penalty;        /* factor of sum_i weight_i |ratio_i - a|, subtracted; 0: none */
    const double *weights; /* [K] of the penalty; NULL: all 1 */
    double learning_rate;  /* of s; 0: the paper's 2e-5 */
    const size_t *repeats; /* [K] Adam updates of a part in each step; NULL: 56 each, see solver_paper.c */
    size_t steps;          /* 0: one for each batch, or 100 without batches */
    size_t batches;        /* parts of the texts that a step can be made on; 0: every step is made on all of them */
    hma_batch_fn batch;    /* with batches: gradient on one of them */
} hma_solver_options;

typedef struct hma_solution {
    double *ratios; /* [K], mean a to the last bits, all in [0,1]; freed with hma_solution_clear() */
    double value;
    size_t evaluations;
    size_t start;         /* which start it came from */
    bool clipped;         /* paper: a ratio would have passed 1 */
    const char *ended_by; /* "tolerance", "evaluations", "steps", "one point" (all there is in Omega); static */
} hma_solution;

/*
 * @return HMA_USAGE for a mean outside [0,1] or options that contradict each other, HMA_INTERRUPTED, or the function's failure.
 */
hma_status hma_solve(hma_solution *out, hma_context *context, size_t count, double mean, hma_objective_fn function, void *user,
                     const hma_solver_options *options);
void hma_solution_clear(hma_solution *solution);

/* A point of Omega, the `number`th of a seed: uniform where that is cheap, else somewhere in it. */
void hma_omega_point(double *ratios, size_t count, double mean, uint64_t seed, uint64_t number);

/* The point of Omega that is nearest to the given one, in place. */
void hma_omega_project(double *ratios, size_t count, double mean);

#endif
