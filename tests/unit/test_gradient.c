/*
 * The exact gradient against central differences, on every architecture that scores: each fixture of tests/golden/models is
 * pre, the same moved at random is post. The differences are those of naive_model.h, in doubles, which also has to agree with
 * the model itself.
 *
 * With an argument: only the fixture of that name. HMA_TEST_VERBOSE=1 prints the errors.
 */
#include "found_tests.h"
#include "gradient_models.h"
#include "naive_model.h"

/* The head is computed in tiles of 2048 rows. */
enum { PASSAGES = 3, LONGEST = 27, SEVERAL_TILES = 4500 };
static const double step = 1e-5, allowed = 1e-4, allowed_per_token = 2e-5;

static bool verbose;

/* ---- passages ---- */

typedef struct passages {
    hma_passage list[PASSAGES];
    int32_t ids[PASSAGES][LONGEST];
    unsigned char counts[LONGEST];
} passages;

/* Random ids; the second passage counts in part, as replies without their prompts do. */
static void make_passages(passages *p, const hma_description *model) {
    static const size_t lengths[PASSAGES] = {LONGEST, 19, 2};
    const hma_rng_key key = hma_rng_key_for(3, "passages");
    for (size_t i = 0; i < PASSAGES; i++) {
        const size_t length = lengths[i] < model->max_length ? lengths[i] : model->max_length;
        for (size_t t = 0; t < length; t++) {
            p->ids[i][t] = (int32_t)hma_rng_below(key, i * LONGEST + t, model->vocabulary);
        }
        p->list[i] = (hma_passage){.ids = {p->ids[i], length}};
    }
    for (size_t t = 0; t < LONGEST; t++) {
        p->counts[t] = t > 7 && t % 5 != 0;
    }
    p->list[1].counts = p->counts;
}

/* ---- values and gradients by ratio ---- */

typedef struct point {
    const gradient_pair *pair;
    hma_recipe_spec spec;
    size_t blocks;
    double ratio[64];
} point;

static hma_recipe *recipe_at(const point *p) {
    hma_recipe_spec spec = p->spec;
    char blocks[16];
    hma_recipe *recipe;
    (void)snprintf(blocks, sizeof blocks, "%zu", p->blocks);
    spec.layers = p->pair->layers;
    spec.blocks = blocks;
    spec.ratios = p->ratio;
    spec.ratio_count = p->blocks;
    spec.dtype = HMA_F32;
    assert_ok(hma_recipe_new(&recipe, &spec));
    return recipe;
}

static hma_source *source_at(const point *p) {
    hma_recipe *recipe = recipe_at(p);
    hma_source *source;
    assert_ok(hma_source_merged(&source, p->pair->pre, p->pair->post, recipe));
    hma_recipe_free(recipe);
    return source;
}

static double naive_value(naive_model *naive, const passages *texts, const point *p) {
    hma_recipe *recipe = recipe_at(p);
    double sum = 0;
    for (size_t i = 0; i < PASSAGES; i++) {
        sum += naive_logprob(naive, recipe, texts->list[i].ids, texts->list[i].counts);
    }
    hma_recipe_free(recipe);
    return sum;
}

static double difference(naive_model *naive, const passages *texts, const point *p, size_t k) {
    point up = *p, down = *p;
    up.ratio[k] += step;
    down.ratio[k] -= step;
    return (naive_value(naive, texts, &up) - naive_value(naive, texts, &down)) / (2 * step);
}

/* Returns the value, sums the gradients of the passages. */
static double gradient_at(hma_model *model, passages *texts, const point *p, double *out) {
    hma_source *source = source_at(p);
    const size_t tensors = hma_source_tensor_count(source);
    double *by_tensor = calloc(PASSAGES * tensors, sizeof *by_tensor), slope[64];
    assert_non_null(by_tensor);
    assert_ok(hma_model_rebind(model, source));
    assert_ok(hma_model_passages(model, texts->list, PASSAGES, by_tensor));
    memset(out, 0, p->blocks * sizeof *out);
    for (size_t t = 0; t < tensors; t++) {
        hma_recipe_tensor_slope(hma_source_recipe(source), hma_source_tensor(source, t),
                                hma_model_description(model)->tied_head, slope);
        for (size_t i = 0; i < PASSAGES * p->blocks; i++) {
            out[i % p->blocks] += slope[i % p->blocks] * by_tensor[i / p->blocks * tensors + t];
        }
    }
    free(by_tensor);
    hma_source_free(source);
    return texts->list[0].logprob + texts->list[1].logprob + texts->list[2].logprob;
}

/* Length of the error as a share of the gradient's length. */
static double relative_error(hma_model *model, naive_model *naive, passages *texts, const point *p) {
    double gradient[64], error = 0, length = 0;
    const double value = gradient_at(model, texts, p, gradient);
    assert_near(value, naive_value(naive, texts, p), allowed_per_token * 2 * LONGEST);
    for (size_t k = 0; k < p->blocks; k++) {
        const double expected = difference(naive, texts, p, k);
        error += (gradient[k] - expected) * (gradient[k] - expected);
        length += expected * expected;
    }
    assert_true(length > 1e-4); /* else nothing was compared */
    return sqrt(error / length);
}

static point make_point(const gradient_pair *pair, size_t blocks) {
    point p = {.pair = pair, .spec = hma_recipe_spec_default(), .blocks = blocks < pair->layers ? blocks : pair->layers};
    for (size_t k = 0; k < p.blocks; k++) {
        p.ratio[k] = 0.35 + 0.4 * (double)k / (double)p.blocks;
    }
    return p;
}

/* A fixture opened in all the ways that are needed. */
typedef struct subject {
    gradient_pair pair;
    hma_source *source, *pre;
    hma_model *model;
    naive_model naive;
    passages texts;
} subject;

static subject *open_subject(const char *fixture, size_t vocabulary) {
    subject *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->pair = make_gradient_pair(scratch.folder, fixture, 0.3, vocabulary);
    const point p = make_point(&s->pair, 1);
    s->source = source_at(&p);
    assert_ok(hma_source_plain(&s->pre, s->pair.pre));
    assert_ok(hma_model_open(&s->model, scratch.context, s->source, NULL));
    s->naive = naive_open(s->source, s->pre, s->pair.post);
    make_passages(&s->texts, hma_model_description(s->model));
    return s;
}

static void close_subject(subject *s) {
    hma_model_close(s->model);
    naive_close(&s->naive);
    hma_source_free(s->source);
    hma_source_free(s->pre);
    close_gradient_pair(&s->pair);
    free(s);
}

static void compare(subject *s, const point *p) {
    const double error = relative_error(s->model, &s->naive, &s->texts, p);
    const char *policy = hma_policy_name(p->spec.policy);
    if (verbose) {
        print_message("%s, %zu blocks, %s: relative error %.2g\n", hma_model_description(s->model)->architecture, p->blocks,
                      policy, error);
    }
    if (!(error < allowed)) {
        fail_msg("%zu blocks, %s: relative error %.3g, allowed %g", p->blocks, policy, error, allowed);
    }
}

static void the_gradient_is_that_of_central_differences(void **state) {
    subject *s = open_subject(*state, 0);
    const point three = make_point(&s->pair, 3), layers = make_point(&s->pair, s->pair.layers);
    compare(s, &three);
    if (layers.blocks != three.blocks) {
        compare(s, &layers);
    }
    close_subject(s);
}

static void heads_of_several_tiles_are_put_together(void **state) {
    subject *s = open_subject(*state, SEVERAL_TILES);
    const point p = make_point(&s->pair, 2);
    compare(s, &p);
    close_subject(s);
}

static void the_gradient_follows_every_policy(void **state) {
    static const hma_policy policies[] = {HMA_POLICY_LINEAR_ONLY, HMA_POLICY_UNIFORM_OUTSIDE};
    static const char *const overrides[] = {"*.1.*=0.5", "*norm*=0.25"};
    subject *s = open_subject(*state, 0);
    for (size_t i = 0; i < 3; i++) {
        point p = make_point(&s->pair, 3);
        p.spec.policy = i < 2 ? policies[i] : HMA_POLICY_FULL;
        p.spec.overrides = overrides;
        p.spec.override_count = i < 2 ? 0 : 2;
        compare(s, &p);
    }
    close_subject(s);
}

/* A tensor by itself: an override that moves nothing else. */
static double tensor_difference(subject *s, const point *p, const char *name) {
    double value[2];
    for (size_t side = 0; side < 2; side++) {
        char text[300];
        const char *const override = text;
        point moved = *p;
        (void)snprintf(text, sizeof text, "%s=%.17g", name, p->ratio[0] + (side ? step : -step));
        moved.spec.overrides = &override;
        moved.spec.override_count = 1;
        value[side] = naive_value(&s->naive, &s->texts, &moved);
    }
    return (value[1] - value[0]) / (2 * step);
}

/* One uniform ratio, so that all tensors stand at the same point; each is compared by itself, small ones too. */
static void every_tensor_has_its_own_derivative(void **state) {
    subject *s = open_subject(*state, 0);
    const point p = make_point(&s->pair, 1);
    const size_t tensors = hma_source_tensor_count(s->source);
    double *by_tensor = calloc(PASSAGES * tensors, sizeof *by_tensor);
    assert_non_null(by_tensor);
    assert_ok(hma_model_rebind(s->model, s->source));
    assert_ok(hma_model_passages(s->model, s->texts.list, PASSAGES, by_tensor));
    for (size_t t = 0; t < tensors; t++) {
        const char *name = hma_source_tensor(s->source, t)->name;
        const double expected = tensor_difference(s, &p, name);
        const double actual = by_tensor[t] + by_tensor[tensors + t] + by_tensor[2 * tensors + t];
        if (!(fabs(actual - expected) <= 2e-4 * (1 + fabs(expected)))) {
            fail_msg("%s: %.9g, expected %.9g", name, actual, expected);
        }
    }
    free(by_tensor);
    close_subject(s);
}

/* ---- not only right ---- */

/* Bits for one number of threads, one memory budget. */
static double *bits_of(const gradient_pair *pair, unsigned threads, uint64_t memory, hma_backend backend, size_t *count) {
    hma_context *own;
    hma_model *model;
    passages texts;
    const point p = make_point(pair, 1);
    hma_source *source = source_at(&p);
    const hma_context_options options = {.threads = threads, .memory = memory};
    assert_ok(hma_context_new(&own, &options));
    assert_ok(hma_model_open(&model, own, source, &(hma_model_options){.backend = backend}));
    make_passages(&texts, hma_model_description(model));
    *count = PASSAGES * hma_source_tensor_count(source);
    double *out = calloc(*count, sizeof *out);
    assert_non_null(out);
    assert_ok(hma_model_passages(model, texts.list, PASSAGES, out));
    hma_model_close(model);
    hma_context_free(own);
    hma_source_free(source);
    return out;
}

static void threads_and_memory_change_no_bit(void **state) {
    static const struct {
        hma_backend backend;
        unsigned threads;
        uint64_t memory;
    } cases[] = {{HMA_BACKEND_NAIVE, 2, 0},   {HMA_BACKEND_NAIVE, 3, 400000}, {HMA_BACKEND_NAIVE, 5, 1000000},
                 {HMA_BACKEND_AUTO, 3, 0},    {HMA_BACKEND_AUTO, 2, 400000},  {HMA_BACKEND_OPENBLAS, 2, 0},
                 {HMA_BACKEND_OPENBLAS, 5, 0}};
    gradient_pair pair = make_gradient_pair(scratch.folder, *state, 0.3, SEVERAL_TILES);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t count;
        double *expected = bits_of(&pair, 1, 0, cases[i].backend, &count);
        double *actual = bits_of(&pair, cases[i].threads, cases[i].memory, cases[i].backend, &count);
        assert_memory_equal(actual, expected, count * sizeof *actual);
        free(actual);
        free(expected);
    }
    close_gradient_pair(&pair);
}

static void values_are_those_of_scoring(void **state) {
    subject *s = open_subject(*state, 0);
    hma_passage *p = &s->texts.list[0];
    hma_loglikelihood request = {.context = {p->ids.ids, 1}, .continuation = {p->ids.ids + 1, p->ids.count - 1}};
    assert_ok(hma_model_passages(s->model, s->texts.list, PASSAGES, NULL));
    assert_ok(hma_model_loglikelihood(s->model, &request, 1));
    assert_true(p->logprob == request.logprob);
    close_subject(s);
}

static void what_has_no_gradient_is_refused(void **state) {
    subject *s = open_subject(*state, 0);
    hma_passage one = {.ids = {s->texts.ids[0], 1}};
    hma_model *plain, *bf16;
    double gradient[1000];
    assert_true(PASSAGES * hma_source_tensor_count(s->source) <= 1000);
    assert_fails(hma_model_passages(s->model, &one, 1, NULL), HMA_BAD_DATA, "expected 2 to");
    assert_ok(hma_model_open(&plain, scratch.context, s->pre, NULL));
    assert_fails(hma_model_passages(plain, s->texts.list, PASSAGES, gradient), HMA_USAGE, "no ratios");
    assert_ok(hma_model_open(&bf16, scratch.context, s->source, &(hma_model_options){.precision = HMA_BF16_COMPUTE}));
    assert_fails(hma_model_passages(bf16, s->texts.list, PASSAGES, gradient), HMA_USAGE, "fp32");
    hma_model_close(plain);
    hma_model_close(bf16);
    close_subject(s);
}

/* ---- all fixtures ---- */

static int is_causal(const struct dirent *entry) {
    return is_visible_entry(entry) && strncmp(entry->d_name, "reward-", 7) != 0;
}

static void add_tests(void) {
    static const char models[] = "golden/models";
    add_found_tests(models, is_causal, 20, the_gradient_is_that_of_central_differences);
    add_found_test("policies: untied head", models, "neox-parallel-text", the_gradient_follows_every_policy);
    add_found_test("policies: tied head", models, "llama-gqa-tied-text", the_gradient_follows_every_policy);
    add_found_test("tensors: fused, biases", models, "neox-sequential", every_tensor_has_its_own_derivative);
    add_found_test("tensors: transposed, learned positions", models, "gpt2-text", every_tensor_has_its_own_derivative);
    add_found_test("tensors: norms around, soft caps", models, "gemma2", every_tensor_has_its_own_derivative);
    add_found_test("tensors: norms of queries and keys", models, "olmo2", every_tensor_has_its_own_derivative);
    add_found_test("tensors: head bias, parallel", models, "phi", every_tensor_has_its_own_derivative);
    add_found_test("tiles: tied head, soft cap", models, "gemma2", heads_of_several_tiles_are_put_together);
    add_found_test("tiles: head bias", models, "phi", heads_of_several_tiles_are_put_together);
    add_found_test("tiles: untied head", models, "neox-sequential", heads_of_several_tiles_are_put_together);
    add_found_test("bits", models, "gemma2", threads_and_memory_change_no_bit);
    add_found_test("values", models, "mistral-window", values_are_those_of_scoring);
    add_found_test("refusals", models, "llama-mha", what_has_no_gradient_is_refused);
}

int main(int argc, char **argv) {
    verbose = getenv("HMA_TEST_VERBOSE") != NULL;
    add_tests();
    return run_found_tests("gradient", argc, argv);
}
