/* A model folder and the questions of a request file, opened for a bench. Errors end the program. */
#ifndef HMA_TESTS_BENCH_BENCH_MODEL_H
#define HMA_TESTS_BENCH_BENCH_MODEL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "clock.h"
#include "eval/tasks/questions.h"
#include "eval/tasks/request.h"
#include "hma/hma.h"
#include "peak.h"

typedef struct bench_model {
    hma_context *context;
    hma_checkpoint *checkpoint;
    hma_source *source;
    hma_tokenizer *tokenizer;
    hma_model *model;
    hma_request_list list;
    hma_questions questions;
    double peak; /* of one core, for the products of this precision */
    unsigned threads;
    size_t rounds; /* 0: one for each line of standard input */
} bench_model;

static inline void bench_need(hma_status status) {
    if (status != HMA_OK) {
        (void)fprintf(stderr, "%s\n", hma_error_message());
        exit(1);
    }
}

/* PROGRAM MODEL REQUESTS [fp32|bf16 [threads [rounds]]] */
static inline void bench_open(bench_model *out, int argc, char **argv) {
    if (argc < 3) {
        (void)fprintf(stderr, "%s MODEL REQUESTS [fp32|bf16 [threads [rounds]]]\n", argv[0]);
        exit(2);
    }
    const hma_context_options context_options = {.threads = bench_threads(argc, argv, 4, 0)};
    const bool bf16 = argc > 3 && strcmp(argv[3], "bf16") == 0;
    const hma_model_options options = {bf16 ? HMA_BF16_COMPUTE : HMA_FP32, HMA_BACKEND_AUTO};
    const char *kernels;
    *out = (bench_model){.rounds = bench_count(argc, argv, 5, 5)};
    bench_need(hma_context_new(&out->context, &context_options));
    bench_need(hma_checkpoint_open(&out->checkpoint, argv[1]));
    bench_need(hma_source_plain(&out->source, out->checkpoint));
    bench_need(hma_tokenizer_open(&out->tokenizer, argv[1]));
    bench_need(hma_model_kernels(&kernels, &options));
    bench_need(hma_model_open(&out->model, out->context, out->source, &options));
    bench_need(hma_request_list_read(&out->list, out->context, argv[2]));
    out->threads = hma_context_threads(out->context);
    out->peak = strstr(kernels, "dot") ? bench_peak_bf16_dot() : bench_peak_fp32();
    (void)fprintf(stderr, "%zu requests, %s, %s, %u threads, peak %.0f GFLOP/s a core\n", out->list.count, argv[1], kernels,
                  out->threads, out->peak / 1e9);
}

static inline void bench_close(bench_model *b) {
    hma_questions_free(&b->questions);
    hma_request_list_free(&b->list);
    hma_model_close(b->model);
    hma_tokenizer_free(b->tokenizer);
    hma_source_free(b->source);
    hma_checkpoint_close(b->checkpoint);
    hma_context_free(b->context);
}

/* Whether there is another round: so many, or as long as standard input has lines. */
static inline bool bench_again(const bench_model *b, size_t round) {
    char line[64];
    return b->rounds ? round < b->rounds : fgets(line, sizeof line, stdin) != NULL;
}

#endif
