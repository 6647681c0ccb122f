/*
 * What a gradient costs beside a forward pass, and how a search over the ratios compares with a fine grid, on the demo or
 * another pair:
 *
 *     bench_objective [PRE POST SUITE [threads [prompts [step]]]]
 *
 * D_theta is built from the suite's search prompts as hma search builds it. The grid covers Omega for three blocks at `step`.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "clock.h"
#include "hma/hma.h"
#include "search/distillation.h"
#include "search/objective.h"
#include "search/solver.h"

enum { BLOCKS = 3, ROUNDS = 7 };

static void must(hma_status status) {
    if (status != HMA_OK) {
        (void)fprintf(stderr, "%s\n", hma_error_message());
        exit(1);
    }
}

static void costs(hma_objective *objective) {
    const double ratios[BLOCKS] = {0.3, 0.5, 0.7};
    double value, gradient[BLOCKS], forward[ROUNDS], back[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        const double begin = bench_cpu();
        must(hma_objective_evaluate(objective, ratios, BLOCKS, &value, NULL));
        const double middle = bench_cpu();
        must(hma_objective_evaluate(objective, ratios, BLOCKS, &value, gradient));
        forward[i] = middle - begin;
        back[i] = bench_cpu() - middle;
    }
    const double one = bench_median(forward, ROUNDS), both = bench_median(back, ROUNDS);
    (void)printf("%zu tokens: value %.3f s of processor time, value and gradient %.3f s: %.2f times\n",
                 hma_objective_cost(objective), one, both, both / one);
}

/* The best of all multiples of `step` whose mean is exactly the given one. */
static double grid(hma_objective *objective, double mean, double step, double *best, size_t *points) {
    const int steps = (int)lround(1 / step), sum = (int)lround(BLOCKS * mean / step);
    double most = -INFINITY;
    *points = 0;
    for (int i = 0; i <= steps; i++) {
        for (int j = 0; j <= steps; j++) {
            const int k = sum - i - j;
            if (k < 0 || k > steps) {
                continue;
            }
            const double ratios[BLOCKS] = {i * step, j * step, fmin(1, k * step)};
            double value;
            must(hma_objective_evaluate(objective, ratios, BLOCKS, &value, NULL));
            ++*points;
            if (value > most) {
                most = value;
                memcpy(best, ratios, sizeof ratios);
            }
        }
    }
    return most;
}

static void compare(hma_context *context, hma_objective *objective, double mean, double step) {
    hma_solution solution;
    double best[BLOCKS] = {0}, uniform[BLOCKS] = {mean, mean, mean}, at_uniform, apart = 0;
    size_t points;
    must(hma_objective_evaluate(objective, uniform, BLOCKS, &at_uniform, NULL));
    must(hma_solve(&solution, context, BLOCKS, mean, hma_objective_evaluate, objective, &(hma_solver_options){.starts = 1}));
    const double most = grid(objective, mean, step, best, &points);
    for (size_t k = 0; k < BLOCKS; k++) {
        apart = fmax(apart, fabs(solution.ratios[k] - best[k]));
    }
    (void)printf("mean %.2f: uniform %.6f | solver %.4f/%.4f/%.4f %.6f, %zu evaluations | grid %.3f/%.3f/%.3f %.6f, %zu points "
                 "| apart %.4f%s\n",
                 mean, at_uniform, solution.ratios[0], solution.ratios[1], solution.ratios[2], solution.value,
                 solution.evaluations, best[0], best[1], best[2], most, points, apart,
                 apart <= step ? "" : " MORE THAN A STEP");
    hma_solution_clear(&solution);
}

/* The authors' own way: an epoch over the blocks of texts, as many updates of a part as it has linear maps. */
static void follow_paper(hma_context *context, hma_objective *objective, double mean, double learning_rate) {
    size_t maps[BLOCKS];
    hma_solution solution;
    hma_objective_linear_maps(objective, maps);
    const hma_solver_options options = {.parametrization = HMA_PAPER,
                                        .epsilon = 0.2,
                                        .learning_rate = learning_rate,
                                        .repeats = maps,
                                        .batches = hma_objective_passages(objective),
                                        .batch = hma_objective_evaluate_passage};
    must(hma_solve(&solution, context, BLOCKS, mean, hma_objective_evaluate, objective, &options));
    (void)printf("mean %.2f: paper, rate %g, %zu steps, %zu updates each: %.4f/%.4f/%.4f %.6f%s\n", mean, learning_rate,
                 solution.evaluations - 1, maps[0], solution.ratios[0], solution.ratios[1], solution.ratios[2], solution.value,
                 solution.clipped ? ", cut off at 1" : "");
    hma_solution_clear(&solution);
}

int main(int argc, char **argv) {
    const char *pre_folder = argc > 3 ? argv[1] : "eval/demo/pre", *post_folder = argc > 3 ? argv[2] : "eval/demo/post";
    const hma_context_options options = {.threads = bench_threads(argc, argv, 4, 0)};
    const hma_eval_options evaluation = {.limit = bench_count(argc, argv, 5, 0)};
    const double step = bench_number(argc, argv, 6, 0.05);
    hma_context *context;
    hma_checkpoint *pre, *post;
    hma_suite *suite;
    hma_objective *objective;
    hma_objective_options how = hma_objective_options_default();
    char *text;
    must(hma_context_new(&context, &options));
    must(hma_checkpoint_open(&pre, pre_folder));
    must(hma_checkpoint_open(&post, post_folder));
    must(hma_suite_load(&suite, argc > 3 ? argv[3] : "eval/demo/suite.json"));
    must(hma_distillation_build(&text, context, suite, pre, post, &evaluation, NULL));
    how.recipe.blocks = "3";
    must(hma_objective_new(&objective, context, pre, post, text, "D_theta", &how));
    costs(objective);
    for (double mean = 0.1; step > 0 && mean < 0.95; mean += 0.2) {
        compare(context, objective, mean, step);
        follow_paper(context, objective, mean, 2e-5);
        follow_paper(context, objective, mean, 2e-2);
    }
    hma_objective_free(objective);
    hma_text_free(text);
    hma_suite_free(suite);
    hma_checkpoint_close(pre);
    hma_checkpoint_close(post);
    hma_context_free(context);
    return 0;
}
