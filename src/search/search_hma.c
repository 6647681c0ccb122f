#include "search/search_hma.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "search/proxy.h"
#include "search/solver.h"

static const double default_means[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};

static hma_status fill_solver(hma_solver_options *out, const hma_search_options *options) {
    *out = (hma_solver_options){.parametrization = options->paper ? HMA_PAPER : HMA_POLYTOPE,
                                .starts = options->starts,
                                .seed = options->seed,
                                .epsilon = options->epsilon,
                                .penalty = options->penalty,
                                .learning_rate = options->learning_rate};
    return options->algorithm ? hma_algorithm_parse(&out->algorithm, options->algorithm) : HMA_OK;
}

/*
 * The authors' optimiser goes once over the blocks of texts, and knows a part's ratio once for every linear map of the part: so
 * often it is updated in a step, and counted in the penalty. maps[K], weights[K].
 */
static void follow_authors(hma_solver_options *how, const hma_objective *objective, size_t *maps, double *weights) {
    hma_objective_linear_maps(objective, maps);
    for (size_t k = 0; k < hma_objective_blocks(objective); k++) {
        weights[k] = (double)maps[k];
    }
    how->repeats = maps;
    how->weights = weights;
    how->batches = hma_objective_passages(objective);
    how->batch = hma_proxy_evaluate_passage;
}

/* The uniform ratios and what the solver makes of them: ratios[2, K]. */
static hma_status solve(hma_trials *trials, hma_proxy *proxy, double mean, const hma_solver_options *how, double *ratios) {
    const size_t blocks = trials->samples.region.blocks;
    const hma_region omega = {blocks, mean};
    hma_solution solution;
    double plain;
    for (size_t k = 0; k < blocks; k++) {
        ratios[k] = mean;
    }
    hma_status status = hma_proxy_evaluate(proxy, ratios, blocks, &plain, NULL);
    if (status == HMA_OK) {
        status = hma_solve(&solution, trials->run->context, blocks, mean, hma_proxy_evaluate, proxy, how);
    }
    if (status != HMA_OK) {
        return status;
    }
    memcpy(ratios + blocks, solution.ratios, blocks * sizeof *ratios);
    hma_region_repair(&omega, ratios + blocks);
    hma_log(trials->run->context, HMA_LOG_INFO,
            "search: mean ratio %g: log-likelihood %.5f per token, %.5f with uniform ratios (%zu evaluations, ended by %s%s)",
            mean, solution.value, plain, solution.evaluations, solution.ended_by,
            solution.clipped ? ", a ratio cut off at 1" : "");
    hma_solution_clear(&solution);
    return HMA_OK;
}

hma_status hma_search_hma(hma_trials *trials) {
    const hma_search_options *options = trials->options;
    const double *means = options->means ? options->means : default_means;
    const size_t count = options->means ? options->mean_count : sizeof default_means / sizeof *default_means;
    hma_proxy proxy;
    hma_solver_options how;
    const size_t blocks = trials->samples.region.blocks;
    double *ratios = HMA_NEW(double, 2 * blocks), *weights = HMA_NEW(double, blocks);
    size_t *maps = HMA_NEW(size_t, blocks);
    hma_status status = ratios && weights && maps ? fill_solver(&how, options) : HMA_FAILURE;
    if (status != HMA_OK) {
        goto out;
    }
    status = hma_proxy_begin(&proxy, trials->run, options);
    if (status == HMA_OK && options->paper) {
        follow_authors(&how, proxy.objective, maps, weights);
    }
    for (size_t i = 0; i < count && status == HMA_OK && !trials->ended_by; i++) {
        status = solve(trials, &proxy, means[i], &how, ratios);
        for (size_t j = 0; j < 2 && status == HMA_OK; j++) {
            const double *one = ratios + j * blocks;
            status = hma_samples_have(&trials->samples, one) ? HMA_OK : hma_trials_score(trials, one, 1);
        }
    }
    if (status == HMA_OK && !trials->ended_by) {
        trials->ended_by = "the last mean";
    }
    hma_proxy_free(&proxy);
out:
    free(ratios);
    free(weights);
    free(maps);
    return status;
}
