/* What the solver's files share. */
#ifndef HMA_SEARCH_SOLVER_PARTS_H
#define HMA_SEARCH_SOLVER_PARTS_H

#include "search/solver.h"

typedef struct hma_solving {
    hma_context *context;
    size_t count;
    double mean;
    hma_objective_fn function;
    void *user;
    const hma_solver_options *options;
    hma_solution *solution; /* the best so far; value is -inf before the first evaluation */
} hma_solving;

/* Evaluates a point of Omega; notes it when it is the best so far. */
hma_status hma_solving_evaluate(hma_solving *solving, const double *ratios, double *value, double *gradient);

/* solver_paper.c */
hma_status hma_solve_paper(hma_solving *solving);

#endif
