/* A model of tests/golden/models with a context of its own, and answers that must have the same bits. */
#ifndef HMA_TESTS_OPENED_MODEL_H
#define HMA_TESTS_OPENED_MODEL_H

#include "testing.h"

#include "hma/hma.h"

typedef struct opened {
    hma_context *context;
    hma_checkpoint *checkpoint;
    hma_source *source;
    hma_model *model;
} opened;

/* `name` is a folder below tests/golden/models, or begins with "../". No memory: as much as there is. */
static inline opened open_fixture_in(const char *name, unsigned threads, uint64_t memory, hma_backend backend,
                                     hma_precision precision) {
    opened o;
    char folder[1024];
    (void)snprintf(folder, sizeof folder, "%s/golden/models/%s", HMA_TEST_DATA, name);
    const hma_context_options context_options = {.threads = threads, .memory = memory};
    const hma_model_options options = {precision, backend};
    assert_ok(hma_context_new(&o.context, &context_options));
    assert_ok(hma_checkpoint_open(&o.checkpoint, folder));
    assert_ok(hma_source_plain(&o.source, o.checkpoint));
    assert_ok(hma_model_open(&o.model, o.context, o.source, &options));
    return o;
}

static inline opened open_fixture(const char *name, unsigned threads, uint64_t memory, hma_backend backend) {
    return open_fixture_in(name, threads, memory, backend, HMA_FP32);
}

static inline void close_fixture(opened *o) {
    hma_model_close(o->model);
    hma_source_free(o->source);
    hma_checkpoint_close(o->checkpoint);
    hma_context_free(o->context);
}

static inline void assert_same_loglikelihoods(const hma_loglikelihood *a, const hma_loglikelihood *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(&a[i].logprob, &b[i].logprob, sizeof(double));
        assert_int_equal(a[i].greedy, b[i].greedy);
    }
}

#endif
