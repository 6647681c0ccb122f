/* The demo's pair and suite, opened with a context of their own: for one test, or for all of a program. */
#ifndef HMA_TESTS_DEMO_PAIR_H
#define HMA_TESTS_DEMO_PAIR_H

#include "testing.h"

#include "hma/hma.h"

#define DEMO HMA_TEST_DATA "/../eval/demo"

typedef struct demo_pair {
    hma_context *context;
    hma_checkpoint *pre, *post;
    hma_suite *suite;
} demo_pair;

/* No memory: as much as there is. */
static inline demo_pair open_demo(unsigned threads, uint64_t memory) {
    demo_pair d;
    assert_ok(hma_context_new(&d.context, &(hma_context_options){.threads = threads, .memory = memory}));
    assert_ok(hma_checkpoint_open(&d.pre, DEMO "/pre"));
    assert_ok(hma_checkpoint_open(&d.post, DEMO "/post"));
    assert_ok(hma_suite_load(&d.suite, DEMO "/suite.json"));
    return d;
}

static inline void close_demo(demo_pair *d) {
    hma_suite_free(d->suite);
    hma_checkpoint_close(d->pre);
    hma_checkpoint_close(d->post);
    hma_context_free(d->context);
}

/* The pair's merge with so many blocks of its six layers, even ones, and their ratios. */
static inline hma_source *merge_demo(const demo_pair *p, const double *ratios, size_t blocks) {
    hma_recipe_spec spec = hma_recipe_spec_default();
    hma_recipe *recipe;
    hma_source *source;
    spec.layers = 6;
    spec.ratios = ratios;
    spec.ratio_count = blocks;
    assert_ok(hma_recipe_new(&recipe, &spec));
    assert_ok(hma_source_merged(&source, p->pre, p->post, recipe));
    hma_recipe_free(recipe);
    return source;
}

/* Group set-up and tear-down for programs whose tests share it. */
static demo_pair demo;

static inline int make_demo(void **state) {
    (void)state;
    demo = open_demo(2, 0);
    return 0;
}

static inline int remove_demo(void **state) {
    (void)state;
    close_demo(&demo);
    return 0;
}

#endif
