/*
 * What two merges have in common is computed and packed once: the bits are those of a model that was opened afresh, the
 * operations are fewer by what the leading layers cost, and nothing of another model is ever taken for one's own.
 */
#include "demo_pair.h"
#include "opened_model.h"

#include "base/atomic_file.h"
#include "base/rng.h"
#include "eval/transformer/model_parts.h"

enum { REQUESTS = 30, LONGEST = 40, LAYERS = 6 };

static hma_source *merge(const demo_pair *p, double first, double second, double third) {
    const double ratios[] = {first, second, third};
    return merge_demo(p, ratios, 3);
}

typedef struct questions {
    int32_t ids[REQUESTS][LONGEST];
    hma_loglikelihood request[REQUESTS];
} questions;

static void ask(questions *q, uint64_t seed) {
    const hma_rng_key key = hma_rng_key_for(seed, "trunk");
    uint64_t draw = 0;
    for (size_t i = 0; i < REQUESTS; i++) {
        const size_t context = 1 + hma_rng_below(key, draw++, 25), continuation = 1 + hma_rng_below(key, draw++, LONGEST - 26);
        for (size_t p = 0; p < LONGEST; p++) {
            q->ids[i][p] = i % 3 && p < 15 ? q->ids[i - 1][p] : (int32_t)hma_rng_below(key, draw++, 1000);
        }
        q->request[i] =
            (hma_loglikelihood){.context = {q->ids[i], context}, .continuation = {q->ids[i] + context, continuation}};
    }
}

static void same_answers(const questions *a, const questions *b) {
    assert_same_loglikelihoods(a->request, b->request, REQUESTS);
}

static void answer_afresh(const demo_pair *p, const hma_source *source, questions *q, uint64_t seed) {
    hma_model *model;
    ask(q, seed);
    assert_ok(hma_model_open(&model, p->context, source, NULL));
    assert_ok(hma_model_loglikelihood(model, q->request, REQUESTS));
    hma_model_close(model);
}

/* Operations of the call. */
static double answer_with(hma_model *model, questions *q, uint64_t seed) {
    const double before = hma_model_count(model).flops;
    ask(q, seed);
    assert_ok(hma_model_loglikelihood(model, q->request, REQUESTS));
    return hma_model_count(model).flops - before;
}

static void the_layers_in_common_are_computed_once(void **state) {
    (void)state;
    static questions fresh, kept;
    static const size_t depths[] = {2, 4};
    static const double third[] = {0, 0.4, 1};
    demo_pair p = open_demo(2, 0);
    hma_source *first = merge(&p, 0.3, 0.6, 0.8), *later = merge(&p, 0.3, 0.1, 0.8);
    hma_model *model;
    assert_ok(hma_model_open(&model, p.context, first, NULL));
    assert_ok(hma_model_keep(model, depths, 2));
    const double whole = answer_with(model, &kept, 1);
    answer_afresh(&p, first, &fresh, 1);
    same_answers(&fresh, &kept);
    hma_source *bound = first;
    for (size_t i = 0; i < 3; i++) {
        hma_source *next = merge(&p, 0.3, 0.6, third[i]);
        assert_ok(hma_model_rebind(model, next));
        hma_source_free(bound);
        bound = next;
        assert_true(answer_with(model, &kept, 1) < 0.45 * whole); /* two layers of six, and the head */
        answer_afresh(&p, bound, &fresh, 1);
        same_answers(&fresh, &kept);
    }
    assert_ok(hma_model_rebind(model, later));
    const double half = answer_with(model, &kept, 1);
    assert_true(half > 0.5 * whole && half < 0.8 * whole); /* four layers of six */
    answer_afresh(&p, later, &fresh, 1);
    same_answers(&fresh, &kept);
    hma_model_close(model);
    hma_source_free(bound);
    hma_source_free(later);
    close_demo(&p);
}

/* Sequences that go on from kept ones, and ones that have nothing in common with them. */
static void other_questions_find_what_they_can_use(void **state) {
    (void)state;
    static questions fresh, kept;
    static const size_t depths[] = {1, 4};
    demo_pair p = open_demo(3, 0);
    hma_source *source[] = {merge(&p, 0.3, 0.6, 0.8), merge(&p, 0.3, 0.6, 0.1)};
    hma_model *model;
    assert_ok(hma_model_open(&model, p.context, source[0], NULL));
    assert_ok(hma_model_keep(model, depths, 2));
    (void)answer_with(model, &kept, 1);
    assert_ok(hma_model_rebind(model, source[1]));
    for (uint64_t seed = 1; seed < 4; seed++) {
        ask(&kept, seed);
        ask(&fresh, seed);
        if (seed == 3) { /* the questions of before, each a few tokens longer or shorter */
            ask(&kept, 1);
            ask(&fresh, 1);
            for (size_t i = 0; i < REQUESTS; i++) {
                kept.request[i].continuation.count = fresh.request[i].continuation.count =
                    LONGEST - kept.request[i].context.count - i % 5;
            }
        }
        hma_model *other;
        assert_ok(hma_model_open(&other, p.context, source[1], NULL));
        assert_ok(hma_model_loglikelihood(other, fresh.request, REQUESTS));
        hma_model_close(other);
        assert_ok(hma_model_loglikelihood(model, kept.request, REQUESTS));
        same_answers(&fresh, &kept);
    }
    hma_model_close(model);
    hma_source_free(source[0]);
    hma_source_free(source[1]);
    close_demo(&p);
}

/* Going back and forth: what was kept for one model is not taken for another's. */
static void what_another_model_left_is_not_used(void **state) {
    (void)state;
    static questions fresh, kept;
    static const size_t depths[] = {2};
    static const uint64_t memory[] = {0, 12 << 20, 1 << 20, 100000};
    for (size_t m = 0; m < sizeof memory / sizeof *memory; m++) {
        demo_pair p = open_demo(2, memory[m]);
        hma_source *a = merge(&p, 0.3, 0.6, 0.8), *b = merge(&p, 0.4, 0.6, 0.8), *plain;
        hma_model *model;
        assert_ok(hma_source_plain(&plain, p.post));
        assert_ok(hma_model_open(&model, p.context, a, NULL));
        const hma_source *const turns[] = {a, b, a, plain, b, b, plain};
        for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
            assert_ok(hma_model_rebind(model, turns[i]));
            assert_ok(hma_model_keep(model, depths, 1));
            (void)answer_with(model, &kept, 1);
            answer_afresh(&p, turns[i], &fresh, 1);
            same_answers(&fresh, &kept);
        }
        hma_model_close(model);
        hma_source_free(a);
        hma_source_free(b);
        hma_source_free(plain);
        close_demo(&p);
    }
}

static hma_source *unrounded(const demo_pair *p, double ratio) {
    hma_recipe_spec spec = hma_recipe_spec_default();
    hma_recipe *recipe;
    hma_source *source;
    spec.layers = LAYERS;
    spec.ratios = &ratio;
    spec.ratio_count = 1;
    spec.dtype = HMA_F32;
    assert_ok(hma_recipe_new(&recipe, &spec));
    assert_ok(hma_source_merged(&source, p->pre, p->post, recipe));
    hma_recipe_free(recipe);
    return source;
}

/* bfloat16 weights are packed as such, others as floats: a model that is bound from one to the other is packed anew. */
static void weights_of_another_type_are_packed_anew(void **state) {
    (void)state;
    static questions fresh, kept;
    static const size_t depths[] = {2, LAYERS};
    static const uint64_t memory[] = {0, 12 << 20, 1 << 20};
    for (size_t m = 0; m < sizeof memory / sizeof *memory; m++) {
        demo_pair p = open_demo(2, memory[m]);
        hma_source *halves = merge(&p, 0.3, 0.6, 0.8), *floats = unrounded(&p, 0.3), *plain;
        hma_model *model;
        assert_ok(hma_source_plain(&plain, p.pre));
        assert_ok(hma_model_open(&model, p.context, floats, NULL));
        const uint64_t left = hma_context_left(p.context);
        assert_ok(hma_model_keep(model, depths, 2));
        const hma_source *const turns[] = {floats, halves, floats, plain, halves, plain, floats};
        for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
            assert_ok(hma_model_rebind(model, turns[i]));
            assert_true(model->kernels.full->weight_bytes == sizeof(float));
            assert_true(turns[i] != floats || model->kernels.gemm == model->kernels.full);
            assert_true(turns[i] == floats || model->kernels.gemm != &hma_gemm_avx512);
            (void)answer_with(model, &kept, 1);
            answer_afresh(&p, turns[i], &fresh, 1);
            same_answers(&fresh, &kept);
        }
        assert_ok(hma_model_rebind(model, plain));
        assert_ok(hma_model_keep(model, NULL, 0)); /* nothing is held of anything's tokens now */
        assert_ok(hma_model_rebind(model, floats));
        assert_int_equal(hma_context_left(p.context), left);
        hma_model_close(model);
        hma_source_free(halves);
        hma_source_free(floats);
        hma_source_free(plain);
        close_demo(&p);
    }
}

/* The same folder opened again is another checkpoint: its files may have changed in between. */
static void a_checkpoint_that_was_opened_again_is_read_again(void **state) {
    (void)state;
    static questions q;
    demo_pair p = open_demo(1, 0), again = open_demo(1, 0);
    hma_source *one, *other;
    hma_model *model;
    assert_ok(hma_source_plain(&one, p.pre));
    assert_ok(hma_source_plain(&other, again.pre));
    assert_ok(hma_model_open(&model, p.context, one, NULL));
    (void)answer_with(model, &q, 1);
    char *key = strdup(hma_weights_trunk_key(model->weights, LAYERS));
    assert_ok(hma_model_rebind(model, one));
    assert_string_equal(key, hma_weights_trunk_key(model->weights, LAYERS));
    assert_ok(hma_model_rebind(model, other));
    assert_string_not_equal(key, hma_weights_trunk_key(model->weights, LAYERS));
    free(key);
    hma_model_close(model);
    hma_source_free(one);
    hma_source_free(other);
    close_demo(&p);
    close_demo(&again);
}

/* A pass that is interrupted while the next layer is being loaded leaves nothing behind that reads its source. */
static void an_interrupted_pass_can_lose_its_source(void **state) {
    (void)state;
    static questions fresh, q;
    demo_pair p = open_demo(2, 1 << 20); /* weights are streamed */
    hma_source *a = merge(&p, 0.3, 0.6, 0.8), *b = merge(&p, 0.1, 0.6, 0.8);
    hma_model *model;
    assert_ok(hma_model_open(&model, p.context, a, NULL));
    assert_false(hma_weights_resident(model->weights));
    const hma_layer *layer;
    for (size_t l = 0; l < 3; l++) {
        assert_ok(hma_weights_layer(model->weights, l, &layer));
        assert_ok(hma_weights_expect(model->weights, l + 1));
    }
    hma_context_cancel(p.context);
    ask(&q, 1);
    assert_fails(hma_model_loglikelihood(model, q.request, REQUESTS), HMA_INTERRUPTED, "interrupted");
    hma_context_resume(p.context);
    hma_source_free(a);
    assert_ok(hma_model_rebind(model, b));
    (void)answer_with(model, &q, 1);
    answer_afresh(&p, b, &fresh, 1);
    same_answers(&fresh, &q);
    hma_model_close(model);
    hma_source_free(b);
    close_demo(&p);
}

/* FOLDER/NAME of the demo's pre into another folder; two bytes at `offset` become a NaN unless that is 0. */
static void copy_file(const char *folder, const char *name, uint64_t offset) {
    char path[1024], block[4096];
    (void)snprintf(path, sizeof path, "%s/../eval/demo/pre/%s", HMA_TEST_DATA, name);
    FILE *from = fopen(path, "rb");
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *to = fopen(path, "wb");
    assert_non_null(from);
    assert_non_null(to);
    for (size_t n; (n = fread(block, 1, sizeof block, from)) > 0;) {
        assert_int_equal(fwrite(block, 1, n, to), n);
    }
    if (offset) {
        assert_int_equal(fseek(to, (long)offset, SEEK_SET), 0);
        assert_int_equal(fwrite("\xff\x7f", 1, 2, to), 2);
    }
    assert_int_equal(fclose(from), 0);
    assert_int_equal(fclose(to), 0);
}

/* What the thread that loads ahead finds wrong is said when the layer is needed, with its message. */
static void a_broken_layer_is_told_of_when_it_was_loaded_ahead(void **state) {
    (void)state;
    static questions q;
    char folder[512];
    demo_pair p = open_demo(2, 1 << 20);
    hma_checkpoint *broken;
    hma_source *source;
    hma_model *model;
    make_temporary_folder(folder);
    copy_file(folder, "config.json", 0);
    copy_file(folder, "model.safetensors", hma_checkpoint_find(p.pre, "model.layers.3.mlp.up_proj.weight")->offset + 10);
    assert_ok(hma_checkpoint_open(&broken, folder));
    assert_ok(hma_source_plain(&source, broken));
    assert_ok(hma_model_open(&model, p.context, source, NULL));
    assert_false(hma_weights_resident(model->weights));
    for (int i = 0; i < 2; i++) {
        ask(&q, 1);
        assert_fails(hma_model_loglikelihood(model, q.request, REQUESTS), HMA_NON_FINITE, "model.layers.3.mlp.up_proj.weight");
    }
    hma_model_close(model);
    hma_source_free(source);
    hma_checkpoint_close(broken);
    assert_ok(hma_folder_remove(folder));
    close_demo(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layers_in_common_are_computed_once),
        cmocka_unit_test(other_questions_find_what_they_can_use),
        cmocka_unit_test(what_another_model_left_is_not_used),
        cmocka_unit_test(weights_of_another_type_are_packed_anew),
        cmocka_unit_test(a_checkpoint_that_was_opened_again_is_read_again),
        cmocka_unit_test(an_interrupted_pass_can_lose_its_source),
        cmocka_unit_test(a_broken_layer_is_told_of_when_it_was_loaded_ahead),
    };
    return cmocka_run_group_tests_name("transformer: what merges have in common", tests, NULL, NULL);
}
