/*
 * Keys and values that are kept of prompts, and of replies that come again, change nothing but time: whatever was asked before,
 * of this model or of another one, answers have the bits of a model that was opened afresh.
 */
#include "demo_pair.h"
#include "opened_model.h"

#include "base/context.h"
#include "base/rng.h"
#include "eval/transformer/model_parts.h"
#include "eval/transformer/trunk_parts.h"

enum { REPLIES = 18, PROMPT = 20, MOST = 12, LAYERS = 6, VOCABULARY = 1000 };

static const char *const families[] = {"llama-gqa-tied-text", "gemma3", "gpt2-text", "mistral-window"};

typedef struct asked {
    int32_t prompt[REPLIES][PROMPT], guess[REPLIES][MOST];
    hma_ids guesses[REPLIES];
    hma_generation g[REPLIES];
} asked;

/* Greedy and drawn replies to prompts of many lengths, of which some go on from others. */
static void ask(asked *q, size_t vocabulary) {
    const hma_rng_key key = hma_rng_key_for(7, "caches");
    uint64_t draw = 0;
    for (size_t i = 0; i < REPLIES; i++) {
        const size_t common = i % 3 ? hma_rng_below(key, draw++, PROMPT) : 0;
        for (size_t p = 0; p < PROMPT; p++) {
            q->prompt[i][p] = p < common ? q->prompt[i - 1][p] : (int32_t)hma_rng_below(key, draw++, vocabulary);
        }
        const size_t length = 1 + hma_rng_below(key, draw++, PROMPT), most = 1 + hma_rng_below(key, draw++, MOST);
        q->g[i] = (hma_generation){.prompt = {q->prompt[i], length},
                                   .max_tokens = most,
                                   .temperature = i % 2 ? 1 : 0,
                                   .top_p = 1,
                                   .seed = 5,
                                   .stream = i};
    }
}

/* Guesses that are right up to a token that depends on `seed`. */
static void guess(asked *q, const hma_generation *right, uint64_t seed, size_t vocabulary) {
    const hma_rng_key key = hma_rng_key_for(seed, "guesses");
    for (size_t i = 0; i < REPLIES; i++) {
        memcpy(q->guess[i], right[i].ids, right[i].count * sizeof *q->guess[i]);
        q->guesses[i] = (hma_ids){q->guess[i], right[i].count};
        if (right[i].count && hma_rng_below(key, 2 * i, 2)) {
            const size_t wrong = hma_rng_below(key, 2 * i + 1, right[i].count);
            q->guess[i][wrong] = (q->guess[i][wrong] + 1) % (int32_t)vocabulary;
        }
        q->g[i].guesses = &q->guesses[i];
        q->g[i].guess_count = 1;
    }
}

static void same_replies(const hma_generation *a, const hma_generation *b) {
    for (size_t i = 0; i < REPLIES; i++) {
        assert_int_equal(a[i].count, b[i].count);
        assert_memory_equal(a[i].ids, b[i].ids, a[i].count * sizeof(int32_t));
        assert_int_equal(a[i].ended, b[i].ended);
    }
}

/* Operations of the call. */
static double generate(hma_model *model, asked *q) {
    const double before = hma_model_count(model).flops;
    assert_ok(hma_model_generate(model, q->g, REPLIES, NULL, NULL));
    return hma_model_count(model).flops - before;
}

static void ask_afresh(hma_context *context, const hma_source *source, asked *q) {
    hma_model *model;
    assert_ok(hma_model_open(&model, context, source, NULL));
    ask(q, VOCABULARY);
    (void)generate(model, q);
    hma_model_close(model);
}

static void every_family_goes_on_from_what_is_kept(void **state) {
    (void)state;
    static asked fresh, kept;
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        opened o = open_fixture(families[f], 1 + (unsigned)f % 3, 0, HMA_BACKEND_AUTO);
        const hma_description *d = hma_model_description(o.model);
        const size_t depths[] = {1, d->layers};
        ask(&fresh, d->vocabulary);
        (void)generate(o.model, &fresh);
        assert_ok(hma_model_keep(o.model, depths, 2));
        for (uint64_t round = 0; round < 6; round++) {
            ask(&kept, d->vocabulary);
            if (round % 3) {
                guess(&kept, fresh.g, round, d->vocabulary);
            }
            (void)generate(o.model, &kept);
            same_replies(fresh.g, kept.g);
            hma_generation_clear(kept.g, REPLIES);
        }
        hma_generation_clear(fresh.g, REPLIES);
        close_fixture(&o);
    }
}

static hma_source *merge(const demo_pair *p, double first, double second) {
    const double ratios[] = {first, second};
    return merge_demo(p, ratios, 2);
}

/* Models in any order, with depths that come and go, in plenty of memory and in little. */
static void what_was_asked_before_changes_nothing(void **state) {
    (void)state;
    enum { MODELS = 3 };
    static const double ratios[MODELS][2] = {{0.3, 0.6}, {0.3, 0.1}, {0.5, 0.6}};
    static const size_t depths[] = {2, 3, 5, LAYERS};
    static const uint64_t memory[] = {0, 6 << 20, 100000};
    static const size_t turns[] = {9, 9, 3}; /* weights that are read for every token take long */
    static asked fresh[MODELS], kept;
    for (size_t m = 0; m < sizeof memory / sizeof *memory; m++) {
        demo_pair p = open_demo(1 + (unsigned)m % 3, memory[m]);
        const hma_rng_key key = hma_rng_key_for(m, "orders");
        uint64_t draw = 0;
        hma_source *source[MODELS];
        hma_model *model;
        for (size_t i = 0; i < MODELS; i++) {
            source[i] = merge(&p, ratios[i][0], ratios[i][1]);
            ask_afresh(p.context, source[i], &fresh[i]);
        }
        assert_ok(hma_model_open(&model, p.context, source[0], NULL));
        for (size_t turn = 0; turn < turns[m]; turn++) {
            const size_t which = hma_rng_below(key, draw++, MODELS), guessed = hma_rng_below(key, draw++, MODELS + 1);
            size_t some[4], count = 0;
            for (size_t d = 0; d < 4; d++) {
                some[count] = depths[d];
                count += hma_rng_below(key, draw++, 3) > 0;
            }
            assert_ok(hma_model_rebind(model, source[which]));
            assert_ok(hma_model_keep(model, some, count));
            ask(&kept, VOCABULARY);
            if (guessed < MODELS) {
                guess(&kept, fresh[guessed].g, turn, VOCABULARY);
            }
            (void)generate(model, &kept);
            same_replies(fresh[which].g, kept.g);
            hma_generation_clear(kept.g, REPLIES);
        }
        hma_model_close(model);
        for (size_t i = 0; i < MODELS; i++) {
            hma_generation_clear(fresh[i].g, REPLIES);
            hma_source_free(source[i]);
        }
        close_demo(&p);
    }
}

/* A pass that is broken off leaves no half-filled keys and values behind. */
static void an_interrupted_pass_leaves_nothing_half_kept(void **state) {
    (void)state;
    static const size_t depths[] = {3, LAYERS};
    static asked fresh, kept;
    demo_pair p = open_demo(2, 0);
    hma_source *source = merge(&p, 0.3, 0.6);
    hma_model *model;
    ask_afresh(p.context, source, &fresh);
    assert_ok(hma_model_open(&model, p.context, source, NULL));
    assert_ok(hma_model_keep(model, depths, 2));
    ask(&kept, VOCABULARY);
    (void)generate(model, &kept); /* every path is known now, but nothing is kept of it */
    hma_generation_clear(kept.g, REPLIES);
    ask(&kept, VOCABULARY);
    hma_context_cancel(p.context);
    assert_fails(hma_model_generate(model, kept.g, REPLIES, NULL, NULL), HMA_INTERRUPTED, "interrupted");
    hma_context_resume(p.context);
    for (uint64_t round = 0; round < 3; round++) {
        ask(&kept, VOCABULARY);
        guess(&kept, fresh.g, round, VOCABULARY);
        (void)generate(model, &kept);
        same_replies(fresh.g, kept.g);
        hma_generation_clear(kept.g, REPLIES);
    }
    hma_generation_clear(fresh.g, REPLIES);
    hma_model_close(model);
    hma_source_free(source);
    close_demo(&p);
}

/* The prompts of one model cost nothing where the next one agrees with it, and nothing at all the second time. */
static void prompts_are_computed_once_where_models_agree(void **state) {
    (void)state;
    static const size_t depths[] = {3, LAYERS};
    static asked q;
    demo_pair p = open_demo(2, 0);
    hma_source *one = merge(&p, 0.3, 0.6), *other = merge(&p, 0.3, 0.1);
    hma_model *model;
    double cost[5];
    assert_ok(hma_model_open(&model, p.context, one, NULL));
    assert_ok(hma_model_keep(model, depths, 2));
    for (size_t turn = 0; turn < 5; turn++) { /* new twice, then known; half of the layers new, then known */
        if (turn == 3) {
            assert_ok(hma_model_rebind(model, other));
            assert_ok(hma_model_keep(model, depths, 2));
        }
        ask(&q, VOCABULARY);
        for (size_t i = 0; i < REPLIES; i++) {
            q.g[i].max_tokens = 1;
        }
        cost[turn] = generate(model, &q);
        hma_generation_clear(q.g, REPLIES);
    }
    assert_true(cost[1] == cost[0]);
    assert_true(cost[2] < 0.45 * cost[0]); /* the last position of each prompt, from the third layer on */
    assert_true(cost[3] > cost[2] && cost[3] < 0.75 * cost[0]);
    assert_true(cost[4] <= cost[2] * 1.01);
    hma_model_close(model);
    hma_source_free(one);
    hma_source_free(other);
    close_demo(&p);
}

/* Operations of the tokens after the first one of each reply. */
static double steps(hma_model *model, asked *q) {
    double cost[2];
    for (size_t turn = 0; turn < 2; turn++) {
        ask(q, VOCABULARY);
        for (size_t i = 0; i < REPLIES; i++) {
            q->g[i].max_tokens = turn ? MOST : 1;
        }
        cost[turn] = generate(model, q);
        if (turn == 0) {
            hma_generation_clear(q->g, REPLIES);
        }
    }
    return cost[1] - cost[0];
}

/* As long as a reply says what one of a model with the same first layers has said, its tokens begin behind these layers. */
static void tokens_that_come_again_begin_where_models_part(void **state) {
    (void)state;
    static const size_t depth = 3;
    static asked before, fresh, kept;
    for (unsigned threads = 1; threads < 4; threads++) {
        demo_pair p = open_demo(threads, 0);
        hma_source *one = merge(&p, 0.3, 0.6), *other = merge(&p, 0.3, 0.5);
        hma_model *model, *second;
        assert_ok(hma_model_open(&model, p.context, one, NULL));
        assert_ok(hma_model_open(&second, p.context, other, NULL));
        assert_ok(hma_model_keep(model, &depth, 1));
        const double whole = steps(second, &fresh), first = steps(model, &before);
        assert_ok(hma_model_rebind(model, other));
        assert_ok(hma_model_keep(model, NULL, 0));
        const double after = steps(model, &kept);
        same_replies(fresh.g, kept.g);
        double tokens = 0, again = 0;
        for (size_t i = 0; i < REPLIES; i++) {
            const hma_ids a = {before.g[i].ids, before.g[i].count}, b = {kept.g[i].ids, kept.g[i].count};
            const size_t same = hma_ids_common(&a, &b);
            tokens += (double)b.count - 1;
            again += same ? (double)same - 1 : 0;
        }
        /* three layers of six are saved of those, four fifths of a token's operations being in the layers */
        assert_true(again > tokens / 4);
        assert_true(after < whole * (1 - again / tokens * 0.3) && after > whole * (1 - again / tokens * 0.5));
        assert_true(first > 0.8 * whole);
        hma_generation_clear(before.g, REPLIES);
        hma_generation_clear(fresh.g, REPLIES);
        hma_generation_clear(kept.g, REPLIES);
        hma_model_close(model);
        hma_model_close(second);
        hma_source_free(one);
        hma_source_free(other);
        close_demo(&p);
    }
}

/* Operations of replies with noise of their own. */
static double reply_with(hma_model *model, asked *q, size_t noise) {
    ask(q, VOCABULARY);
    for (size_t i = 0; i < REPLIES; i++) {
        q->g[i].temperature = 1;
        q->g[i].max_tokens = MOST;
        q->g[i].stream = noise * REPLIES + i;
    }
    return generate(model, q);
}

/* Many sampled replies are guessed once, to see; after guesses that were wrong the next call does without them. */
static void wrong_guesses_of_sampled_replies_are_not_made_again(void **state) {
    (void)state;
    static asked plain, q;
    demo_pair p = open_demo(2, 0);
    hma_source *source = merge(&p, 0.3, 0.6);
    hma_model *model, *alone;
    assert_ok(hma_model_open(&model, p.context, source, NULL));
    assert_ok(hma_model_open(&alone, p.context, source, NULL));
    const double cost = reply_with(alone, &plain, 0);
    for (size_t turn = 0; turn < 3; turn++) {
        ask(&q, VOCABULARY);
        for (size_t i = 0; i < REPLIES; i++) {
            q.g[i].temperature = 1;
            q.g[i].max_tokens = MOST;
            q.guess[i][0] = (plain.g[i].count ? plain.g[i].ids[0] + 1 : 1) % VOCABULARY;
            q.guesses[i] = (hma_ids){q.guess[i], MOST};
            q.g[i].guesses = &q.guesses[i];
            q.g[i].guess_count = 1;
        }
        const double guessing = generate(model, &q);
        same_replies(plain.g, q.g);
        assert_true(turn ? guessing == cost : guessing > 1.05 * cost);
        hma_generation_clear(q.g, REPLIES);
    }
    hma_generation_clear(plain.g, REPLIES);
    hma_model_close(model);
    hma_model_close(alone);
    hma_source_free(source);
    close_demo(&p);
}

/* Numbers of token paths are given anew before they run out: the last of many models shares as much as the first. */
static void many_models_do_not_use_up_the_paths(void **state) {
    (void)state;
    enum { PAIRS = 60, LEFT = 8 << 20 };
    static const size_t depth = 3;
    static asked q, fresh;
    demo_pair p = open_demo(2, 0);
    hma_model *model;
    hma_source *bound = merge(&p, 0, 0.6);
    assert_ok(hma_model_open(&model, p.context, bound, NULL));
    const uint64_t weights = hma_context_claimed(p.context);
    const size_t most = LEFT / 4 / (hma_model_description(model)->hidden * sizeof(float));
    hma_model_close(model);
    hma_source_free(bound);
    close_demo(&p);

    p = open_demo(2, weights + LEFT);
    bound = merge(&p, 0, 0.6);
    assert_ok(hma_model_open(&model, p.context, bound, NULL));
    assert_true(hma_model_resident(model));
    size_t tokens = 0, anew = 0;
    double saved = 0;
    for (size_t i = 0; i < PAIRS; i++) {
        for (size_t second = 0; second < 2; second++) {
            const size_t before = model->trunk->paths.count;
            hma_source *next = merge(&p, (double)i / PAIRS, second ? 0.6 : 0.55);
            assert_ok(hma_model_rebind(model, next));
            hma_source_free(bound);
            bound = next;
            assert_ok(hma_model_keep(model, &depth, second ? 0 : 1));
            const double cost = reply_with(model, &q, i);
            saved = second && i + 1 == PAIRS ? cost : 0;
            for (size_t r = 0; r < REPLIES; r++) {
                tokens += second ? 0 : q.g[r].count;
            }
            hma_generation_clear(q.g, REPLIES);
            anew += model->trunk->paths.count < before;
            assert_true(model->trunk->paths.count < most);
        }
    }
    assert_true(tokens > most && anew > 0);
    hma_model *alone;
    hma_context *plenty;
    assert_ok(hma_context_new(&plenty, NULL));
    assert_ok(hma_model_open(&alone, plenty, bound, NULL));
    assert_true(saved < 0.75 * reply_with(alone, &fresh, PAIRS - 1));
    hma_generation_clear(fresh.g, REPLIES);
    hma_model_close(alone);
    hma_context_free(plenty);
    hma_model_close(model);
    hma_source_free(bound);
    close_demo(&p);
}

/* A reward model reads the same prompts again and again. */
static void rewards_of_known_prompts_cost_their_replies(void **state) {
    (void)state;
    enum { TEXTS = 12, LENGTH = 30, SHARED = 20, TURNS = 4 };
    static int32_t text[TURNS][TEXTS][LENGTH];
    hma_checkpoint *checkpoint;
    hma_source *source;
    hma_model *kept, *fresh;
    hma_context *context;
    const hma_rng_key key = hma_rng_key_for(2, "rewards");
    double cost[TURNS], value[TEXTS], expected[TEXTS];
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = 2}));
    assert_ok(hma_checkpoint_open(&checkpoint, DEMO "/reward"));
    assert_ok(hma_source_plain(&source, checkpoint));
    assert_ok(hma_model_open(&kept, context, source, NULL));
    assert_ok(hma_model_open(&fresh, context, source, NULL));
    assert_ok(hma_model_keep(kept, &hma_model_description(kept)->layers, 1));
    for (size_t turn = 0; turn < TURNS; turn++) {
        hma_ids ids[TEXTS];
        for (size_t i = 0; i < TEXTS; i++) {
            for (size_t t = 0; t < LENGTH; t++) {
                const uint64_t draw = (t < SHARED ? 0 : turn) * TEXTS * LENGTH + i * LENGTH + t;
                text[turn][i][t] = (int32_t)hma_rng_below(key, draw, VOCABULARY);
            }
            ids[i] = (hma_ids){text[turn][i], LENGTH - i % 3};
        }
        const double before = hma_model_count(kept).flops;
        assert_ok(hma_model_reward(kept, ids, TEXTS, value));
        cost[turn] = hma_model_count(kept).flops - before;
        assert_ok(hma_model_reward(fresh, ids, TEXTS, expected));
        assert_memory_equal(value, expected, sizeof value);
    }
    assert_true(cost[1] > 0.95 * cost[0]);
    assert_true(cost[2] < 0.5 * cost[0] && cost[3] < 0.5 * cost[0]); /* 9 of 29 tokens */
    hma_model_close(kept);
    hma_model_close(fresh);
    hma_source_free(source);
    hma_checkpoint_close(checkpoint);
    hma_context_free(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_goes_on_from_what_is_kept),
        cmocka_unit_test(what_was_asked_before_changes_nothing),
        cmocka_unit_test(an_interrupted_pass_leaves_nothing_half_kept),
        cmocka_unit_test(prompts_are_computed_once_where_models_agree),
        cmocka_unit_test(tokens_that_come_again_begin_where_models_part),
        cmocka_unit_test(wrong_guesses_of_sampled_replies_are_not_made_again),
        cmocka_unit_test(many_models_do_not_use_up_the_paths),
        cmocka_unit_test(rewards_of_known_prompts_cost_their_replies),
    };
    return cmocka_run_group_tests_name("transformer: keys and values that are kept", tests, NULL, NULL);
}
