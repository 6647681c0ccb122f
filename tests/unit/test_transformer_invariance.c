/*
 * A request's answer has the same bits whatever shares its batch, however many threads run, whether its prefix was shared,
 * whether weights stay resident or are streamed, and whether tokens come one by one or all at once.
 */
#include "opened_model.h"

#include "base/rng.h"

static const char *const fixtures[] = {"llama-gqa-tied-text", "gemma3", "neox-parallel-text",
                                       "gpt2-text",           "olmo2",  "mistral-window"};

/* The first of them have all that matters to the order of work: grouped heads, windows and caps, parallel blocks. */
enum { RANDOM_FIXTURES = 3 };

enum { REQUESTS = 40, LONGEST = 60 };

typedef struct questions {
    int32_t ids[REQUESTS][LONGEST];
    hma_loglikelihood request[REQUESTS];
} questions;

/* Random requests, every fourth of which continues the one before it, so that there are prefixes to share. */
static void ask(questions *q, size_t vocabulary) {
    const hma_rng_key key = hma_rng_key_for(9, "invariance");
    uint64_t draw = 0;
    for (size_t i = 0; i < REQUESTS; i++) {
        const size_t context = 1 + hma_rng_below(key, draw++, 40), continuation = 1 + hma_rng_below(key, draw++, LONGEST - 41);
        for (size_t p = 0; p < LONGEST; p++) {
            q->ids[i][p] = i % 4 && p < 25 ? q->ids[i - 1][p] : (int32_t)hma_rng_below(key, draw++, vocabulary);
        }
        q->request[i] =
            (hma_loglikelihood){.context = {q->ids[i], context}, .continuation = {q->ids[i] + context, continuation}};
    }
}

static void same_answers(const questions *a, const questions *b) {
    assert_same_loglikelihoods(a->request, b->request, REQUESTS);
}

static void loglikelihoods_do_not_depend_on_company(void **state) {
    (void)state;
    static questions alone, together;
    for (size_t f = 0; f < sizeof fixtures / sizeof *fixtures; f++) {
        opened o = open_fixture(fixtures[f], 2, 0, HMA_BACKEND_AUTO);
        ask(&alone, hma_model_description(o.model)->vocabulary);
        together = alone;
        for (size_t i = 0; i < REQUESTS; i++) {
            together.request[i].context.ids = together.ids[i];
            together.request[i].continuation.ids = together.ids[i] + together.request[i].context.count;
            assert_ok(hma_model_loglikelihood(o.model, &alone.request[i], 1));
        }
        const hma_model_counters before = hma_model_count(o.model);
        assert_ok(hma_model_loglikelihood(o.model, together.request, REQUESTS));
        assert_true(hma_model_count(o.model).tokens_shared > before.tokens_shared);
        same_answers(&alone, &together);
        close_fixture(&o);
    }
}

static void loglikelihoods_do_not_depend_on_threads_memory_or_backend(void **state) {
    (void)state;
    static questions reference, other;
    for (size_t f = 0; f < sizeof fixtures / sizeof *fixtures; f++) {
        opened o = open_fixture(fixtures[f], 1, 0, HMA_BACKEND_AUTO);
        const size_t vocabulary = hma_model_description(o.model)->vocabulary;
        ask(&reference, vocabulary);
        assert_ok(hma_model_loglikelihood(o.model, reference.request, REQUESTS));
        close_fixture(&o);
        for (unsigned threads = 2; threads <= 4; threads++) {
            o = open_fixture(fixtures[f], threads, 0, HMA_BACKEND_AUTO);
            ask(&other, vocabulary);
            assert_ok(hma_model_loglikelihood(o.model, other.request, REQUESTS));
            same_answers(&reference, &other);
            close_fixture(&o);
        }
        /* too little for the weights to stay, and for all requests to go in one pass */
        o = open_fixture(fixtures[f], 2, 100000, HMA_BACKEND_AUTO);
        ask(&other, vocabulary);
        assert_ok(hma_model_loglikelihood(o.model, other.request, REQUESTS));
        same_answers(&reference, &other);
        close_fixture(&o);
        /* the naive products keep the native order of additions */
        o = open_fixture(fixtures[f], 2, 0, HMA_BACKEND_NAIVE);
        ask(&other, vocabulary);
        assert_ok(hma_model_loglikelihood(o.model, other.request, REQUESTS));
        same_answers(&reference, &other);
        close_fixture(&o);
    }
}

static void replies_do_not_depend_on_company_or_threads(void **state) {
    (void)state;
    enum { N = 12, MOST = 20 };
    static questions q;
    for (size_t f = 0; f < sizeof fixtures / sizeof *fixtures; f++) {
        hma_generation alone[N], together[N];
        opened o = open_fixture(fixtures[f], 1, 0, HMA_BACKEND_AUTO);
        ask(&q, hma_model_description(o.model)->vocabulary);
        for (size_t i = 0; i < N; i++) {
            alone[i] = (hma_generation){.prompt = q.request[i].context,
                                        .max_tokens = MOST,
                                        .temperature = i % 3 ? 0.9 : 0,
                                        .top_k = i % 4 == 1 ? 7 : 0,
                                        .top_p = i % 4 == 2 ? 0.8 : 1,
                                        .seed = 4,
                                        .stream = i};
            together[i] = alone[i];
            assert_ok(hma_model_generate(o.model, &alone[i], 1, NULL, NULL));
        }
        close_fixture(&o);
        for (unsigned threads = 1; threads <= 3; threads += 2) {
            o = open_fixture(fixtures[f], threads, threads == 3 ? 2000000 : 0, HMA_BACKEND_AUTO);
            assert_ok(hma_model_generate(o.model, together, N, NULL, NULL));
            for (size_t i = 0; i < N; i++) {
                assert_int_equal(alone[i].count, together[i].count);
                assert_memory_equal(alone[i].ids, together[i].ids, alone[i].count * sizeof(int32_t));
            }
            hma_generation_clear(together, N);
            close_fixture(&o);
        }
        hma_generation_clear(alone, N);
    }
}

/* A random order of 0 .. count-1. */
static void shuffle(size_t *order, size_t count, hma_rng_key key) {
    for (size_t i = 0; i < count; i++) {
        const size_t j = (size_t)hma_rng_below(key, i, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}

/* The requests in a random order, cut into calls of random size. */
static void ask_in_random_company(hma_model *model, questions *q, hma_rng_key key) {
    size_t order[REQUESTS];
    hma_loglikelihood some[REQUESTS];
    shuffle(order, REQUESTS, key);
    for (size_t from = 0, call = 0, count; from < REQUESTS; from += count, call++) {
        count = 1 + (size_t)hma_rng_below(key, 1000 + call, REQUESTS - from);
        for (size_t i = 0; i < count; i++) {
            some[i] = q->request[order[from + i]];
        }
        assert_ok(hma_model_loglikelihood(model, some, count));
        for (size_t i = 0; i < count; i++) {
            q->request[order[from + i]] = some[i];
        }
    }
}

/* Order, company, threads, memory (weights resident or streamed, one pass or many): all at random, in both precisions. */
static void loglikelihoods_do_not_depend_on_random_circumstances(void **state) {
    (void)state;
    static questions alone, other;
    for (size_t f = 0; f < RANDOM_FIXTURES; f++) {
        for (int bf16 = 0; bf16 < 2; bf16++) {
            const hma_precision precision = bf16 ? HMA_BF16_COMPUTE : HMA_FP32;
            opened o = open_fixture_in(fixtures[f], 1, 0, HMA_BACKEND_AUTO, precision);
            const size_t vocabulary = hma_model_description(o.model)->vocabulary;
            ask(&alone, vocabulary);
            for (size_t i = 0; i < REQUESTS; i++) {
                assert_ok(hma_model_loglikelihood(o.model, &alone.request[i], 1));
            }
            close_fixture(&o);
            for (unsigned trial = 0; trial < 4; trial++) {
                const hma_rng_key key = hma_rng_key_with(hma_rng_key_for(3, fixtures[f]), trial);
                o = open_fixture_in(fixtures[f], 1 + trial, trial % 2 ? 60000 + 40000 * trial : 0, HMA_BACKEND_AUTO, precision);
                ask(&other, vocabulary);
                ask_in_random_company(o.model, &other, key);
                same_answers(&alone, &other);
                close_fixture(&o);
            }
        }
    }
}

/* Choices of one token differ in nothing but what is looked up: they cost what one of them costs, and are scored as if alone.
 */
static void choices_of_one_question_share_their_logits(void **state) {
    (void)state;
    static questions q;
    opened o = open_fixture(fixtures[0], 2, 0, HMA_BACKEND_AUTO);
    hma_loglikelihood choice[5];
    double alone[5], flops = 0;
    int32_t letters[5];
    ask(&q, hma_model_description(o.model)->vocabulary);
    for (size_t i = 0; i < 5; i++) {
        letters[i] = (int32_t)(7 + 2 * i);
        choice[i] = (hma_loglikelihood){.context = q.request[0].context, .continuation = {&letters[i], 1}};
        const double before = hma_model_count(o.model).flops;
        assert_ok(hma_model_loglikelihood(o.model, &choice[i], 1));
        alone[i] = choice[i].logprob;
        flops = hma_model_count(o.model).flops - before;
    }
    const double before = hma_model_count(o.model).flops;
    assert_ok(hma_model_loglikelihood(o.model, choice, 5));
    assert_true(hma_model_count(o.model).flops - before == flops);
    for (size_t i = 0; i < 5; i++) {
        assert_memory_equal(&alone[i], &choice[i].logprob, sizeof alone[i]);
    }
    close_fixture(&o);
}

enum { REPLIES = 24 };

/* Several samples of some prompts, greedy ones, short and long ones. */
static void ask_for_replies(const questions *q, hma_generation *g) {
    for (size_t i = 0; i < REPLIES; i++) {
        g[i] = (hma_generation){.prompt = q->request[i / 3].context,
                                .max_tokens = 1 + i * 7 % 23,
                                .temperature = i % 5 ? 1.1 : 0,
                                .top_p = 1,
                                .seed = 6,
                                .stream = i / 3,
                                .sample = (uint32_t)(i % 3)};
    }
}

/* Some replies end early and others enter in their place when memory is short. */
static void replies_do_not_depend_on_random_circumstances(void **state) {
    (void)state;
    static questions q;
    for (size_t f = 0; f < RANDOM_FIXTURES; f++) {
        for (int bf16 = 0; bf16 < 2; bf16++) {
            hma_generation alone[REPLIES], other[REPLIES], shuffled[REPLIES];
            const hma_precision precision = bf16 ? HMA_BF16_COMPUTE : HMA_FP32;
            opened o = open_fixture_in(fixtures[f], 1, 0, HMA_BACKEND_AUTO, precision);
            ask(&q, hma_model_description(o.model)->vocabulary);
            ask_for_replies(&q, alone);
            for (size_t i = 0; i < REPLIES; i++) {
                assert_ok(hma_model_generate(o.model, &alone[i], 1, NULL, NULL));
            }
            close_fixture(&o);
            for (unsigned trial = 0; trial < 4; trial++) {
                size_t order[REPLIES];
                o = open_fixture_in(fixtures[f], 1 + trial, trial ? 150000 * trial : 0, HMA_BACKEND_AUTO, precision);
                ask_for_replies(&q, other);
                shuffle(order, REPLIES, hma_rng_key_with(hma_rng_key_for(5, fixtures[f]), trial));
                for (size_t i = 0; i < REPLIES; i++) {
                    shuffled[i] = other[order[i]];
                }
                assert_ok(hma_model_generate(o.model, shuffled, REPLIES, NULL, NULL));
                for (size_t i = 0; i < REPLIES; i++) {
                    const hma_generation *expected = &alone[order[i]];
                    assert_int_equal(expected->count, shuffled[i].count);
                    assert_int_equal(expected->ended, shuffled[i].ended);
                    assert_memory_equal(expected->ids, shuffled[i].ids, expected->count * sizeof(int32_t));
                }
                hma_generation_clear(shuffled, REPLIES);
                close_fixture(&o);
            }
            hma_generation_clear(alone, REPLIES);
        }
    }
}

/* What greedy decoding chose token by token is what teacher forcing calls greedy. */
static void cached_generation_agrees_with_teacher_forcing(void **state) {
    (void)state;
    static questions q;
    for (size_t f = 0; f < sizeof fixtures / sizeof *fixtures; f++) {
        opened o = open_fixture(fixtures[f], 2, 0, HMA_BACKEND_AUTO);
        ask(&q, hma_model_description(o.model)->vocabulary);
        for (size_t i = 0; i < 6; i++) {
            hma_generation g = {.prompt = q.request[i].context, .max_tokens = 25, .top_p = 1};
            assert_ok(hma_model_generate(o.model, &g, 1, NULL, NULL));
            if (g.count) {
                hma_loglikelihood check = {.context = q.request[i].context, .continuation = {g.ids, g.count}};
                assert_ok(hma_model_loglikelihood(o.model, &check, 1));
                assert_true(check.greedy);
            }
            hma_generation_clear(&g, 1);
        }
        close_fixture(&o);
    }
}

/* A model that has served one source and was pointed at another answers as one that was opened on it. */
static void rebound_models_answer_as_new_ones(void **state) {
    (void)state;
    static questions fresh, rebound;
    for (uint64_t memory = 0; memory <= 100000; memory += 100000) {
        opened pre = open_fixture("../merge/llama-gqa-tied/pre", 2, memory, HMA_BACKEND_AUTO);
        opened post = open_fixture("../merge/llama-gqa-tied/post", 2, memory, HMA_BACKEND_AUTO);
        opened other = open_fixture("llama-mha", 2, memory, HMA_BACKEND_AUTO);
        const size_t vocabulary = hma_model_description(pre.model)->vocabulary;
        ask(&fresh, vocabulary);
        ask(&rebound, vocabulary);
        assert_ok(hma_model_loglikelihood(post.model, fresh.request, REQUESTS));
        assert_ok(hma_model_loglikelihood(pre.model, rebound.request, REQUESTS));
        assert_true(fresh.request[0].logprob != rebound.request[0].logprob);
        assert_fails(hma_model_rebind(pre.model, other.source), HMA_INCOMPATIBLE, "tensor");
        assert_ok(hma_model_rebind(pre.model, post.source));
        assert_ok(hma_model_loglikelihood(pre.model, rebound.request, REQUESTS));
        same_answers(&fresh, &rebound);
        close_fixture(&pre);
        close_fixture(&post);
        close_fixture(&other);
    }
}

static void bad_requests_are_refused(void **state) {
    (void)state;
    opened o = open_fixture("llama-gqa-tied-text", 1, 0, HMA_BACKEND_AUTO);
    static int32_t ids[400];
    hma_loglikelihood r = {.context = {ids, 3}, .continuation = {ids, 2}};
    assert_ok(hma_model_loglikelihood(o.model, &r, 1));
    r.continuation.count = 0;
    assert_fails(hma_model_loglikelihood(o.model, &r, 1), HMA_BAD_DATA, "continuation is empty");
    r.continuation.count = 129;
    assert_fails(hma_model_loglikelihood(o.model, &r, 1), HMA_BAD_DATA, "expected at most 128");
    r.continuation.count = 1;
    r.context.count = 0;
    assert_fails(hma_model_loglikelihood(o.model, &r, 1), HMA_BAD_DATA, "context is empty");
    ids[1] = 1000000;
    r.context.count = 3;
    assert_fails(hma_model_loglikelihood(o.model, &r, 1), HMA_BAD_DATA, "id 1000000 at position 1");
    ids[1] = -1;
    assert_fails(hma_model_loglikelihood(o.model, &r, 1), HMA_BAD_DATA, "id -1 at position 1");
    double reward;
    assert_fails(hma_model_reward(o.model, &r.context, 1, &reward), HMA_BAD_DATA, "no reward head");
    hma_generation g = {.prompt = {ids + 2, 3}, .max_tokens = 128, .top_p = 1};
    assert_fails(hma_model_generate(o.model, &g, 1, NULL, NULL), HMA_BAD_DATA, "max_tokens is 128");
    hma_context_cancel(o.context);
    ids[1] = 0;
    assert_fails(hma_model_loglikelihood(o.model, &r, 1), HMA_INTERRUPTED, "interrupted");
    close_fixture(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loglikelihoods_do_not_depend_on_company),
        cmocka_unit_test(loglikelihoods_do_not_depend_on_threads_memory_or_backend),
        cmocka_unit_test(replies_do_not_depend_on_company_or_threads),
        cmocka_unit_test(loglikelihoods_do_not_depend_on_random_circumstances),
        cmocka_unit_test(choices_of_one_question_share_their_logits),
        cmocka_unit_test(replies_do_not_depend_on_random_circumstances),
        cmocka_unit_test(cached_generation_agrees_with_teacher_forcing),
        cmocka_unit_test(rebound_models_answer_as_new_ones),
        cmocka_unit_test(bad_requests_are_refused),
    };
    return cmocka_run_group_tests_name("transformer: invariance", tests, NULL, NULL);
}
