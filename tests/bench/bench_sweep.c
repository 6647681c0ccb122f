/*
 * What a sweep gains by sharing: all combinations of LEVELS ratios over K blocks, scored as hma sweep scores them, and every
 * STRIDEth of them scored by itself beside it (an evaluator of its own, nothing kept), in one run. Their scores must have the
 * same bits.
 *
 *     bench_sweep PRE POST SUITE [K LEVELS STRIDE [LIMIT [THREADS [bf16]]]]
 *
 * CPU time of the whole process, so that what else runs on the machine does not count. Besides: the share of the time that
 * merging, rounding and packing take in a candidate that is scored by itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "base/memory.h"
#include "clock.h"
#include "eval/tasks/evaluator.h"
#include "hma/hma.h"
#include "search/upcoming.h"

enum { MOST_BLOCKS = 8, MOST_LEVELS = 100, MOST_LAYERS = 512 };

typedef struct bench {
    hma_context *context;
    hma_checkpoint *pre, *post;
    hma_suite *suite;
    hma_eval_options options;
    const char *tokenizer;
    size_t layers;
} bench;

static void must(hma_status status) {
    if (status != HMA_OK) {
        (void)fprintf(stderr, "bench_sweep: %s\n", hma_error_message());
        exit(1);
    }
}

static hma_recipe *make_recipe(const bench *b, size_t number, size_t blocks, size_t levels) {
    double ratios[MOST_BLOCKS];
    char text[32];
    hma_recipe_spec spec = hma_recipe_spec_default();
    hma_recipe *recipe = NULL;
    for (size_t k = blocks; k-- > 0; number /= levels) {
        ratios[k] = (double)(number % levels) / (double)(levels - 1);
    }
    (void)snprintf(text, sizeof text, "%zu", blocks);
    spec.layers = b->layers;
    spec.blocks = text;
    spec.ratios = ratios;
    spec.ratio_count = blocks;
    must(hma_recipe_new(&recipe, &spec));
    return recipe;
}

static hma_result *score(const bench *b, hma_evaluator *evaluator, const hma_recipe *recipe, double *seconds) {
    hma_source *source = NULL;
    hma_result *result = NULL;
    const double start = bench_cpu();
    must(hma_source_merged(&source, b->pre, b->post, recipe));
    must(hma_evaluator_run(evaluator, source, &result));
    hma_source_free(source);
    *seconds += bench_cpu() - start;
    return result;
}

static bool same_task(const hma_task_result *a, const hma_task_result *b) {
    bool same = a->items == b->items;
    for (size_t i = 0; same && i < a->items; i++) {
        same = strcmp(a->detail[i], b->detail[i]) == 0;
    }
    return same;
}

static bool same_result(const hma_result *a, const hma_result *b) {
    bool same = a->task_count == b->task_count;
    for (size_t t = 0; same && t < a->task_count; t++) {
        same = same_task(&a->tasks[t], &b->tasks[t]);
    }
    return same && (!a->has_alignment || same_task(&a->alignment, &b->alignment));
}

/* Processor seconds and operations, of all candidates in the sweep and of some by themselves. */
typedef struct totals {
    double shared, alone, merging, flops_shared, flops_alone;
    size_t alone_count, differing;
} totals;

/* What the sweep gave for a candidate, beside an evaluator of its own. */
static void score_alone(const bench *b, const hma_candidate *candidate, const hma_result *in_sweep, totals *t) {
    hma_evaluator *own = NULL;
    const double start = bench_cpu();
    must(hma_evaluator_new(&own, b->context, b->suite, b->tokenizer, &b->options));
    t->alone += bench_cpu() - start;
    const double before = t->alone;
    hma_result *same = score(b, own, candidate->recipe, &t->alone);
    t->merging += same->cost.seconds_merge / same->seconds * (t->alone - before);
    t->flops_alone += same->cost.flops;
    t->alone_count++;
    t->differing += !same_result(in_sweep, same);
    hma_result_free(same);
    hma_evaluator_free(own);
}

/* All candidates, arranged as a run arranges them; every `stride`-th also alone. */
static void sweep(const bench *b, const hma_candidate **list, size_t count, size_t stride, totals *t) {
    hma_evaluator *evaluator = NULL;
    hma_upcoming upcoming = {0};
    size_t depths[MOST_LAYERS], *order = HMA_NEW(size_t, count);
    if (!order) {
        exit(1);
    }
    const double begun = bench_cpu();
    must(hma_upcoming_arrange(&upcoming, b->post, list, count, order));
    must(hma_evaluator_new(&evaluator, b->context, b->suite, b->tokenizer, &b->options));
    t->shared += bench_cpu() - begun;
    for (size_t i = 0; i < count; i++) {
        const hma_candidate *candidate = list[order[i]];
        must(hma_evaluator_keep(evaluator, depths, hma_upcoming_shared(&upcoming, candidate, depths)));
        hma_result *result = score(b, evaluator, candidate->recipe, &t->shared);
        t->flops_shared += result->cost.flops;
        if (i % stride == stride / 2) {
            score_alone(b, candidate, result, t);
            (void)printf("%4zu: sweep so far %.3f s a candidate, alone %.3f s\n", i, t->shared / (double)(i + 1),
                         t->alone / (double)t->alone_count);
            (void)fflush(stdout);
        }
        hma_result_free(result);
    }
    free(order);
    hma_upcoming_free(&upcoming);
    hma_evaluator_free(evaluator);
}

static void print_totals(const totals *t, size_t count) {
    const double one = t->alone / (double)t->alone_count, in_sweep = t->shared / (double)count;
    (void)printf(
        "%zu candidates: %.3f s each in the sweep (%.1f Gflop), %.3f s alone (%.1f Gflop, mean of %zu): %.2f times as fast\n",
        count, in_sweep, t->flops_shared / (double)count / 1e9, one, t->flops_alone / (double)t->alone_count / 1e9,
        t->alone_count, one / in_sweep);
    (void)printf("merging, rounding, packing: %.2f %% of a candidate alone\n", 100 * t->merging / t->alone);
    (void)printf("scores that differ: %zu\n", t->differing);
}

/* Every combination of `levels` ratios in `blocks` blocks. */
static void sweep_all(const bench *b, size_t blocks, size_t levels, size_t stride, totals *t) {
    size_t count = 1;
    for (size_t k = 0; k < blocks; k++) {
        count *= levels;
    }
    hma_candidate *candidates = HMA_NEW(hma_candidate, count);
    const hma_candidate **list = HMA_NEW(const hma_candidate *, count);
    if (!candidates || !list) {
        exit(1);
    }
    for (size_t i = 0; i < count; i++) {
        candidates[i] = (hma_candidate){
            .kind = HMA_CANDIDATE_MERGE, .origin = HMA_ORIGIN_GRID, .recipe = make_recipe(b, i, blocks, levels)};
        list[i] = &candidates[i];
    }
    sweep(b, list, count, stride, t);
    print_totals(t, count);
    for (size_t i = 0; i < count; i++) {
        hma_recipe_free((hma_recipe *)(uintptr_t)candidates[i].recipe);
    }
    free(candidates);
    free((void *)list);
}

int main(int argc, char **argv) {
    if (argc < 4) {
        (void)fprintf(stderr, "usage: bench_sweep PRE POST SUITE [K LEVELS STRIDE [LIMIT [THREADS [bf16]]]]\n");
        return 2;
    }
    const size_t blocks = bench_count(argc, argv, 4, 3), levels = bench_count(argc, argv, 5, 6);
    const size_t stride = bench_count(argc, argv, 6, 18);
    bench b = {.tokenizer = argv[2]};
    totals t = {0};
    must(hma_context_new(&b.context, &(hma_context_options){.threads = bench_threads(argc, argv, 8, 1)}));
    must(hma_checkpoint_open(&b.pre, argv[1]));
    must(hma_checkpoint_open(&b.post, argv[2]));
    must(hma_suite_load(&b.suite, argv[3]));
    must(hma_checkpoint_layers(b.post, &b.layers));
    b.options =
        (hma_eval_options){.prompts = HMA_PROMPTS_SEARCH, .limit = bench_count(argc, argv, 7, 0), .pre = b.pre, .post = b.post};
    b.options.model.precision = argc > 9 && strcmp(argv[9], "bf16") == 0 ? HMA_BF16_COMPUTE : HMA_FP32;
    if (blocks > MOST_BLOCKS || levels < 2 || levels > MOST_LEVELS || stride == 0 || b.layers >= MOST_LAYERS) {
        (void)fprintf(stderr, "bench_sweep: K up to %d, LEVELS 2 to %d, STRIDE 1 or more, layers below %d\n", MOST_BLOCKS,
                      MOST_LEVELS, MOST_LAYERS);
        return 2;
    }
    sweep_all(&b, blocks, levels, stride, &t);
    hma_suite_free(b.suite);
    hma_checkpoint_close(b.pre);
    hma_checkpoint_close(b.post);
    hma_context_free(b.context);
    return t.differing ? 1 : 0;
}
