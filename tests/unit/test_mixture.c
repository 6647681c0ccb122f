/* Mixtures of what two models predict, against averaging the logits of each prefix by hand. */
#include "testing.h"

#include "base/rng.h"
#include "eval/transformer/sampler.h"
#include "hma/model.h"

#define PRE HMA_TEST_DATA "/golden/merge/llama-gqa-tied/pre"
#define POST HMA_TEST_DATA "/golden/merge/llama-gqa-tied/post"

typedef struct side {
    hma_checkpoint *checkpoint;
    hma_source *source;
    hma_model *model;
} side;

static hma_context *context;
static side pre, post;
static size_t vocabulary;

static void open_side(side *s, const char *folder) {
    assert_ok(hma_checkpoint_open(&s->checkpoint, folder));
    assert_ok(hma_source_plain(&s->source, s->checkpoint));
    assert_ok(hma_model_open(&s->model, context, s->source, NULL));
}

static void close_side(side *s) {
    hma_model_close(s->model);
    hma_source_free(s->source);
    hma_checkpoint_close(s->checkpoint);
}

static int set_up(void **state) {
    (void)state;
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = 2}));
    open_side(&pre, PRE);
    open_side(&post, POST);
    vocabulary = hma_model_description(pre.model)->vocabulary;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    close_side(&pre);
    close_side(&post);
    hma_context_free(context);
    return 0;
}

static hma_mixture mix(double ratio) { return (hma_mixture){pre.model, post.model, ratio}; }

/* (1-w) log p_pre + w log p_post of the token after `sequence`, into out[vocabulary]; not normalised. */
static void mixed_logprobs(hma_ids sequence, double ratio, double *out) {
    hma_model *const models[] = {pre.model, post.model};
    float *logits = calloc(vocabulary, sizeof *logits);
    assert_non_null(logits);
    for (size_t m = 0; m < 2; m++) {
        double sum = 0;
        assert_ok(hma_model_logits(models[m], &sequence, 1, logits));
        for (size_t v = 0; v < vocabulary; v++) {
            sum += exp((double)logits[v]);
        }
        for (size_t v = 0; v < vocabulary; v++) {
            out[v] = (m ? out[v] : 0) + (m ? ratio : 1 - ratio) * ((double)logits[v] - log(sum));
        }
    }
    free(logits);
}

static double normalizer(const double *values) {
    double sum = 0;
    for (size_t v = 0; v < vocabulary; v++) {
        sum += exp(values[v]);
    }
    return log(sum);
}

enum { REQUESTS = 6, LENGTH = 14 };

static void fill_ids(int32_t ids[REQUESTS][LENGTH]) {
    const hma_rng_key key = hma_rng_key_for(3, "mixture");
    for (size_t i = 0; i < REQUESTS * LENGTH; i++) {
        ids[i / LENGTH][i % LENGTH] = (int32_t)hma_rng_below(key, i, vocabulary);
    }
    memcpy(ids[1], ids[0], 9 * sizeof **ids); /* a prefix to share */
}

static void loglikelihoods_are_of_the_renormalised_mixture(void **state) {
    (void)state;
    static const double ratios[] = {0, 0.3, 0.5, 1};
    int32_t ids[REQUESTS][LENGTH];
    double *values = calloc(vocabulary, sizeof *values);
    assert_non_null(values);
    fill_ids(ids);
    for (size_t r = 0; r < 4; r++) {
        const hma_mixture mixture = mix(ratios[r]);
        hma_loglikelihood requests[REQUESTS];
        for (size_t i = 0; i < REQUESTS; i++) {
            requests[i] = (hma_loglikelihood){.context = {ids[i], 8 + i}, .continuation = {ids[i] + 8 + i, LENGTH - 8 - i}};
        }
        assert_ok(hma_mixture_loglikelihood(&mixture, requests, REQUESTS));
        for (size_t i = 0; i < REQUESTS; i++) {
            double expected = 0;
            for (size_t at = 8 + i; at < LENGTH; at++) {
                mixed_logprobs((hma_ids){ids[i], at}, ratios[r], values);
                expected += values[ids[i][at]] - normalizer(values);
            }
            assert_near(requests[i].logprob, expected, 2e-5);
        }
    }
    free(values);
}

/* The most likely continuation of one token is the one that greedy decoding takes, and says so. */
static void greedy_is_the_mixtures_own_argmax(void **state) {
    (void)state;
    const hma_mixture mixture = mix(0.5);
    int32_t ids[REQUESTS][LENGTH];
    fill_ids(ids);
    for (size_t i = 0; i < REQUESTS; i++) {
        hma_generation g = {.prompt = {ids[i], LENGTH}, .max_tokens = 1, .top_p = 1};
        assert_ok(hma_mixture_generate(&mixture, &g, 1, NULL, NULL));
        if (g.count == 1) { /* else the end of the sequence */
            hma_loglikelihood l = {.context = {ids[i], LENGTH}, .continuation = {g.ids, 1}};
            assert_ok(hma_mixture_loglikelihood(&mixture, &l, 1));
            assert_true(l.greedy);
            int32_t other = g.ids[0] == 0 ? 1 : 0;
            hma_loglikelihood worse = {.context = {ids[i], LENGTH}, .continuation = {&other, 1}};
            assert_ok(hma_mixture_loglikelihood(&mixture, &worse, 1));
            assert_false(worse.greedy);
            assert_true(worse.logprob < l.logprob);
        }
        hma_generation_clear(&g, 1);
    }
}

static bool ends(int32_t id) {
    const int32_t *eos;
    const size_t count = hma_model_eos(post.model, &eos);
    for (size_t i = 0; i < count; i++) {
        if (eos[i] == id) {
            return true;
        }
    }
    return false;
}

/* Token by token from the whole prefix, with the sampler's own noise. */
static void generations_are_those_of_decoding_by_hand(void **state) {
    (void)state;
    enum { MOST = 10 };
    static const double temperatures[] = {0, 0.8, 1.3};
    const hma_mixture mixture = mix(0.4);
    int32_t ids[REQUESTS][LENGTH];
    hma_kernels kernels;
    double *values = calloc(vocabulary, sizeof *values);
    float *row = calloc(vocabulary, sizeof *row);
    assert_non_null(values);
    assert_non_null(row);
    assert_ok(hma_kernels_choose(&kernels, HMA_BACKEND_AUTO, HMA_FP32));
    fill_ids(ids);
    for (size_t t = 0; t < 3; t++) {
        hma_generation g[REQUESTS];
        for (size_t i = 0; i < REQUESTS; i++) {
            g[i] = (hma_generation){.prompt = {ids[i], LENGTH - i},
                                    .max_tokens = MOST,
                                    .temperature = temperatures[t],
                                    .top_p = 1,
                                    .top_k = t == 2 ? 7 : 0,
                                    .seed = 11,
                                    .stream = i,
                                    .sample = 1};
        }
        assert_ok(hma_mixture_generate(&mixture, g, REQUESTS, NULL, NULL));
        for (size_t i = 0; i < REQUESTS; i++) {
            int32_t sequence[LENGTH + MOST];
            size_t length = LENGTH - i, made = 0;
            memcpy(sequence, ids[i], length * sizeof *sequence);
            for (bool ended = false; made < MOST && !ended;) {
                int32_t id;
                mixed_logprobs((hma_ids){sequence, length}, 0.4, values);
                for (size_t v = 0; v < vocabulary; v++) {
                    row[v] = (float)values[v];
                }
                assert_ok(hma_sample(kernels.vector, &g[i], made, row, vocabulary, &id));
                ended = ends(id);
                if (!ended) {
                    assert_true(made < g[i].count);
                    assert_int_equal(id, g[i].ids[made]);
                    sequence[length++] = id;
                    made++;
                }
            }
            assert_int_equal(g[i].count, made);
        }
        hma_generation_clear(g, REQUESTS);
    }
    free(values);
    free(row);
}

/* At 0 and 1 the mixture says what pre and post say, with the same noise. */
static void the_ends_are_pre_and_post(void **state) {
    (void)state;
    int32_t ids[REQUESTS][LENGTH];
    fill_ids(ids);
    for (int end = 0; end < 2; end++) {
        const hma_mixture mixture = mix(end);
        hma_generation mixed[REQUESTS], own[REQUESTS];
        for (size_t i = 0; i < REQUESTS; i++) {
            own[i] = mixed[i] = (hma_generation){
                .prompt = {ids[i], LENGTH}, .max_tokens = 12, .temperature = 1, .top_p = 1, .seed = 2, .stream = i};
        }
        assert_ok(hma_mixture_generate(&mixture, mixed, REQUESTS, NULL, NULL));
        assert_ok(hma_model_generate(end ? post.model : pre.model, own, REQUESTS, NULL, NULL));
        for (size_t i = 0; i < REQUESTS; i++) {
            assert_int_equal(mixed[i].count, own[i].count);
            assert_memory_equal(mixed[i].ids, own[i].ids, own[i].count * sizeof(int32_t));
        }
        hma_generation_clear(mixed, REQUESTS);
        hma_generation_clear(own, REQUESTS);
    }
}

/* In pieces, because memory is short, the answers are the same. */
static void answers_do_not_depend_on_memory_or_company(void **state) {
    (void)state;
    hma_context *small;
    hma_model *models[2];
    int32_t ids[REQUESTS][LENGTH];
    hma_loglikelihood all[REQUESTS], one[REQUESTS];
    fill_ids(ids);
    for (size_t i = 0; i < REQUESTS; i++) {
        all[i] = one[i] = (hma_loglikelihood){.context = {ids[i], 6}, .continuation = {ids[i] + 6, LENGTH - 6}};
    }
    assert_ok(hma_context_new(&small, &(hma_context_options){.threads = 1, .memory = 40000}));
    assert_ok(hma_model_open(&models[0], small, pre.source, NULL));
    assert_ok(hma_model_open(&models[1], small, post.source, NULL));
    const hma_mixture mixture = mix(0.25), streamed = {models[0], models[1], 0.25};
    assert_ok(hma_mixture_loglikelihood(&mixture, all, REQUESTS));
    assert_ok(hma_mixture_loglikelihood(&streamed, one, REQUESTS));
    for (size_t i = 0; i < REQUESTS; i++) {
        assert_near(all[i].logprob, one[i].logprob, 1e-6);
    }
    hma_model_close(models[0]);
    hma_model_close(models[1]);
    hma_context_free(small);
}

static void what_cannot_be_mixed_is_refused(void **state) {
    (void)state;
    int32_t ids[] = {1, 2};
    side other;
    hma_loglikelihood request = {.context = {ids, 1}, .continuation = {ids + 1, 1}};
    hma_generation generation = {.prompt = {ids, 2}, .max_tokens = 1, .top_p = 1};
    open_side(&other, HMA_TEST_DATA "/golden/models/gpt2-text");
    const hma_mixture unequal = {pre.model, other.model, 0.5}, beyond = mix(1.5);
    assert_fails(hma_mixture_loglikelihood(&unequal, &request, 1), HMA_INCOMPATIBLE, "cannot be mixed (vocabularies of");
    assert_fails(hma_mixture_generate(&unequal, &generation, 1, NULL, NULL), HMA_INCOMPATIBLE, "cannot be mixed");
    assert_fails(hma_mixture_generate(&beyond, &generation, 1, NULL, NULL), HMA_USAGE, "ratio 1.5 is not usable");
    close_side(&other);
    request.context.count = 0;
    const hma_mixture fine = mix(0.5);
    assert_fails(hma_mixture_loglikelihood(&fine, &request, 1), HMA_BAD_DATA, "the context is empty");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loglikelihoods_are_of_the_renormalised_mixture), cmocka_unit_test(greedy_is_the_mixtures_own_argmax),
        cmocka_unit_test(generations_are_those_of_decoding_by_hand),      cmocka_unit_test(the_ends_are_pre_and_post),
        cmocka_unit_test(answers_do_not_depend_on_memory_or_company),     cmocka_unit_test(what_cannot_be_mixed_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
