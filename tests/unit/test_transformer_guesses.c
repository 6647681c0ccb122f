/* Guesses, right or wrong, change nothing about a reply: ids, end and calls of the stop function's verdicts stay the same. */
#include "opened_model.h"

#include "base/rng.h"
#include "eval/tasks/reply_memory.h"

enum { REPLIES = 24, PROMPT = 12, MOST = 18 };

static const char *const fixtures[] = {"llama-gqa-tied-text", "gemma3", "gpt2-text", "mistral-window"};

static int32_t prompts[REPLIES][PROMPT];

/* Greedy ones, drawn ones, some that share a prompt, some that are short. */
static void ask(hma_generation *g, size_t vocabulary) {
    const hma_rng_key key = hma_rng_key_for(3, "guesses");
    for (size_t i = 0; i < REPLIES; i++) {
        for (size_t p = 0; p < PROMPT; p++) {
            prompts[i][p] = (int32_t)hma_rng_below(key, i / 3 * PROMPT + p, vocabulary);
        }
        g[i] = (hma_generation){.prompt = {prompts[i], 1 + i / 3 % PROMPT},
                                .max_tokens = i % 7 ? MOST : 1 + i % 4,
                                .temperature = i % 3 ? 0.8 : 0,
                                .top_p = 1,
                                .top_k = i % 4 == 1 ? 9 : 0,
                                .seed = 5,
                                .stream = i};
    }
}

/* Ends at every id that is a multiple of 29. */
static bool stop_sometimes(void *user, size_t request, const int32_t *ids, size_t count) {
    (void)user;
    (void)request;
    return ids[count - 1] % 29 == 0;
}

static void same_replies(const hma_generation *a, const hma_generation *b) {
    for (size_t i = 0; i < REPLIES; i++) {
        assert_int_equal(a[i].count, b[i].count);
        assert_memory_equal(a[i].ids, b[i].ids, a[i].count * sizeof(int32_t));
        assert_int_equal(a[i].ended, b[i].ended);
    }
}

static void check(opened *o, const hma_generation *plain, hma_ids (*guesses)[3], size_t count, size_t vocabulary) {
    hma_generation guessed[REPLIES];
    ask(guessed, vocabulary);
    for (size_t i = 0; i < REPLIES; i++) {
        guessed[i].guesses = guesses[i];
        guessed[i].guess_count = count;
    }
    assert_ok(hma_model_generate(o->model, guessed, REPLIES, stop_sometimes, NULL));
    same_replies(plain, guessed);
    hma_generation_clear(guessed, REPLIES);
}

static void guesses_change_no_reply(void **state) {
    (void)state;
    static int32_t wrong[REPLIES][2 * MOST], cut[REPLIES][MOST];
    static const int32_t impossible[] = {1, -5, 100000000};
    hma_ids guesses[REPLIES][3];
    for (size_t f = 0; f < sizeof fixtures / sizeof *fixtures; f++) {
        hma_generation plain[REPLIES];
        opened o = open_fixture(fixtures[f], 1 + (unsigned)f % 3, 0, HMA_BACKEND_AUTO);
        const size_t vocabulary = hma_model_description(o.model)->vocabulary;
        ask(plain, vocabulary);
        assert_ok(hma_model_generate(o.model, plain, REPLIES, stop_sometimes, NULL));
        for (size_t i = 0; i < REPLIES; i++) {
            for (size_t t = 0; t < 2 * MOST; t++) {
                wrong[i][t] = (int32_t)((i + 7 * t) % vocabulary);
            }
            memcpy(cut[i], plain[i].ids, plain[i].count * sizeof(int32_t));
            if (plain[i].count > 2) {
                cut[i][plain[i].count / 2] ^= 1;
            }
            /* right; half right and then right; longer than allowed, impossible, empty */
            guesses[i][0] = (hma_ids){plain[i].ids, plain[i].count};
        }
        check(&o, plain, guesses, 1, vocabulary);
        for (size_t i = 0; i < REPLIES; i++) {
            guesses[i][0] = (hma_ids){cut[i], plain[i].count};
            guesses[i][1] = (hma_ids){plain[i].ids, plain[i].count / 2 + 1};
            guesses[i][2] = (hma_ids){plain[i].ids, plain[i].count};
        }
        check(&o, plain, guesses, 2, vocabulary);
        check(&o, plain, guesses, 3, vocabulary);
        for (size_t i = 0; i < REPLIES; i++) {
            guesses[i][0] = (hma_ids){impossible, 3};
            guesses[i][1] = (hma_ids){wrong[i], 2 * MOST};
            guesses[i][2] = (hma_ids){NULL, 0};
        }
        check(&o, plain, guesses, 1, vocabulary);
        check(&o, plain, guesses, 3, vocabulary);
        hma_generation_clear(plain, REPLIES);
        close_fixture(&o);
    }
}

/* Right guesses are worth something: no step token by token is left, so prompts and replies go through the layers once. */
static void right_guesses_spare_the_steps(void **state) {
    (void)state;
    hma_generation plain[REPLIES], guessed[REPLIES];
    hma_ids guesses[REPLIES];
    opened o = open_fixture(fixtures[0], 2, 0, HMA_BACKEND_AUTO);
    const size_t vocabulary = hma_model_description(o.model)->vocabulary;
    ask(plain, vocabulary);
    ask(guessed, vocabulary);
    assert_ok(hma_model_generate(o.model, plain, REPLIES, NULL, NULL));
    const uint64_t before = hma_model_count(o.model).tokens;
    uint64_t most = 0;
    for (size_t i = 0; i < REPLIES; i++) {
        guesses[i] = (hma_ids){plain[i].ids, plain[i].count};
        guessed[i].guesses = &guesses[i];
        guessed[i].guess_count = 1;
        most += guessed[i].prompt.count + plain[i].count;
    }
    assert_ok(hma_model_generate(o.model, guessed, REPLIES, NULL, NULL));
    same_replies(plain, guessed);
    assert_true(hma_model_count(o.model).tokens - before <= most);
    hma_generation_clear(plain, REPLIES);
    hma_generation_clear(guessed, REPLIES);
    close_fixture(&o);
}

/* A reply that goes on from a part of itself draws what it would have drawn. */
static void a_reply_can_go_on_from_its_beginning(void **state) {
    (void)state;
    opened o = open_fixture(fixtures[0], 2, 0, HMA_BACKEND_NAIVE);
    hma_generation whole = {.prompt = {prompts[0], 5}, .max_tokens = 14, .temperature = 1, .top_p = 1, .seed = 8, .stream = 2};
    assert_ok(hma_model_generate(o.model, &whole, 1, NULL, NULL));
    assert_true(whole.count > 6);
    int32_t longer[11];
    memcpy(longer, prompts[0], 5 * sizeof *longer);
    memcpy(longer + 5, whole.ids, 6 * sizeof *longer);
    hma_generation rest = whole;
    rest.prompt = (hma_ids){longer, 11};
    rest.max_tokens = 8;
    rest.position = 6;
    assert_ok(hma_model_generate(o.model, &rest, 1, NULL, NULL));
    assert_int_equal(rest.count, whole.count - 6);
    assert_memory_equal(rest.ids, whole.ids + 6, rest.count * sizeof(int32_t));
    hma_generation_clear(&rest, 1);
    hma_generation_clear(&whole, 1);
    close_fixture(&o);
}

/* ---- which guesses there are ---- */

static void reply_with(hma_reply_memory *memory, hma_generation *q, int32_t id, const double *ratios) {
    q->ids = &id;
    q->count = 1;
    assert_ok(hma_reply_memory_add(memory, q, 1, ratios, ratios ? 2 : 0));
    q->ids = NULL;
    q->count = 0;
}

static void the_nearest_models_guess_first(void **state) {
    (void)state;
    static const int32_t prompt[] = {1, 2, 3};
    hma_reply_memory memory = {0};
    hma_generation q = {.prompt = {prompt, 3}, .max_tokens = 4, .top_p = 1},
                   other = {.prompt = {prompt, 2}, .max_tokens = 4, .top_p = 1};
    assert_ok(hma_reply_memory_recall(&memory, &q, 1, (double[]){0, 0}, 2));
    assert_int_equal(q.guess_count, 0);
    reply_with(&memory, &q, 10, (double[]){0, 0});
    reply_with(&memory, &q, 11, (double[]){1, 1});
    reply_with(&memory, &q, 12, (double[]){0.5, 0.4});
    reply_with(&memory, &q, 11, (double[]){0.5, 1});
    assert_ok(hma_reply_memory_recall(&memory, &q, 1, (double[]){0.5, 0.5}, 2));
    assert_int_equal(q.guess_count, 3); /* 11 once */
    assert_int_equal(q.guesses[0].ids[0], 12);
    assert_int_equal(q.guesses[1].ids[0], 11);
    assert_int_equal(q.guesses[2].ids[0], 10);
    assert_ok(hma_reply_memory_recall(&memory, &q, 1, NULL, 0)); /* where it stands is not known: the latest first */
    assert_int_equal(q.guesses[0].ids[0], 11);
    assert_ok(hma_reply_memory_recall(&memory, &other, 1, (double[]){0, 0}, 2)); /* another question */
    assert_int_equal(other.guess_count, 0);
    q.seed = 1; /* other noise */
    assert_ok(hma_reply_memory_recall(&memory, &q, 1, (double[]){0, 0}, 2));
    assert_int_equal(q.guess_count, 0);
    hma_reply_memory_free(&memory);
}

static void old_models_are_forgotten(void **state) {
    (void)state;
    static const int32_t prompt[] = {1, 2, 3};
    hma_reply_memory memory = {0};
    hma_generation q = {.prompt = {prompt, 3}, .max_tokens = 4, .top_p = 1};
    for (size_t i = 0; i < HMA_REMEMBERED_MODELS + 4; i++) {
        reply_with(&memory, &q, (int32_t)i, (double[]){(double)i, 0});
    }
    assert_ok(hma_reply_memory_recall(&memory, &q, 1, (double[]){0, 0}, 2));
    assert_int_equal(q.guess_count, HMA_MOST_GUESSES);
    assert_int_equal(q.guesses[0].ids[0], 4); /* 0 to 3 had to go */
    hma_reply_memory_free(&memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guesses_change_no_reply),
        cmocka_unit_test(right_guesses_spare_the_steps),
        cmocka_unit_test(a_reply_can_go_on_from_its_beginning),
        cmocka_unit_test(the_nearest_models_guess_first),
        cmocka_unit_test(old_models_are_forgotten),
    };
    return cmocka_run_group_tests_name("transformer: guesses", tests, NULL, NULL);
}
