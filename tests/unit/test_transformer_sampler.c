/* eval/transformer/sampler: greedy, top-k, top-p, and the law that is sampled. */
#include "testing.h"

#include "eval/transformer/sampler.h"

static const float logits[6] = {0.5f, 2.0f, -1.0f, 2.0f, 1.0f, -3.0f};

static const hma_vector *vector(void) {
    hma_kernels kernels;
    assert_ok(hma_kernels_choose(&kernels, HMA_BACKEND_AUTO, HMA_FP32));
    return kernels.vector;
}

/* Shares of 20,000 draws against exact probabilities. */
static void law_is(hma_generation request, const double *expected) {
    enum { N = 20000 };
    size_t seen[6] = {0};
    for (size_t i = 0; i < N; i++) {
        float row[6];
        int32_t id;
        memcpy(row, logits, sizeof row);
        request.stream = i;
        assert_ok(hma_sample(vector(), &request, 3, row, 6, &id));
        seen[id]++;
    }
    for (size_t t = 0; t < 6; t++) {
        assert_near((double)seen[t] / N, expected[t], 4.5 * sqrt(expected[t] * (1 - expected[t]) / N) + 1e-12);
    }
}

static void softmax_of(const bool *kept, double temperature, double *out) {
    double sum = 0;
    for (size_t t = 0; t < 6; t++) {
        out[t] = kept[t] ? exp(logits[t] / temperature) : 0;
        sum += out[t];
    }
    for (size_t t = 0; t < 6; t++) {
        out[t] /= sum;
    }
}

static void greedy_takes_the_first_of_equals(void **state) {
    (void)state;
    const hma_generation request = {.temperature = 0, .top_p = 1};
    float row[6];
    int32_t id;
    memcpy(row, logits, sizeof row);
    assert_ok(hma_sample(vector(), &request, 0, row, 6, &id));
    assert_int_equal(id, 1);
}

static void sampling_follows_the_softmax(void **state) {
    (void)state;
    double p[6];
    softmax_of((const bool[]){1, 1, 1, 1, 1, 1}, 0.7, p);
    law_is((hma_generation){.temperature = 0.7, .top_p = 1, .seed = 5}, p);
}

static void top_k_keeps_the_largest(void **state) {
    (void)state;
    double p[6];
    softmax_of((const bool[]){0, 1, 0, 1, 1, 0}, 1, p);
    law_is((hma_generation){.temperature = 1, .top_p = 1, .top_k = 3, .seed = 5}, p);
}

static void top_p_keeps_the_fewest_that_reach_it(void **state) {
    (void)state;
    double p[6], all[6];
    softmax_of((const bool[]){1, 1, 1, 1, 1, 1}, 1, all);
    softmax_of((const bool[]){0, 1, 0, 1, 0, 0}, 1, p);
    law_is((hma_generation){.temperature = 1, .top_p = 2 * all[1] - 0.01, .seed = 5}, p);
    softmax_of((const bool[]){0, 1, 0, 1, 1, 0}, 1, p);
    law_is((hma_generation){.temperature = 1, .top_p = 2 * all[1] + 0.01, .seed = 5}, p);
    softmax_of((const bool[]){0, 1, 0, 0, 0, 0}, 1, p);
    law_is((hma_generation){.temperature = 1, .top_p = 1e-9, .seed = 5}, p);
}

static void top_p_acts_on_what_top_k_leaves(void **state) {
    (void)state;
    double p[6];
    softmax_of((const bool[]){0, 1, 0, 1, 0, 0}, 1, p);
    law_is((hma_generation){.temperature = 1, .top_p = 0.8, .top_k = 3, .seed = 5}, p);
}

static void noise_depends_on_its_key_only(void **state) {
    (void)state;
    hma_generation request = {.temperature = 1, .top_p = 1, .seed = 1, .stream = 2, .sample = 3};
    int32_t first[50], again[50], other[50];
    size_t different = 0;
    for (size_t i = 0; i < 50; i++) {
        float row[6];
        memcpy(row, logits, sizeof row);
        assert_ok(hma_sample(vector(), &request, i, row, 6, &first[i]));
        assert_ok(hma_sample(vector(), &request, i, row, 6, &again[i]));
        request.sample = 4;
        assert_ok(hma_sample(vector(), &request, i, row, 6, &other[i]));
        request.sample = 3;
        assert_int_equal(first[i], again[i]);
        different += first[i] != other[i];
    }
    assert_true(different > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_takes_the_first_of_equals),
        cmocka_unit_test(sampling_follows_the_softmax),
        cmocka_unit_test(top_k_keeps_the_largest),
        cmocka_unit_test(top_p_keeps_the_fewest_that_reach_it),
        cmocka_unit_test(top_p_acts_on_what_top_k_leaves),
        cmocka_unit_test(noise_depends_on_its_key_only),
    };
    return cmocka_run_group_tests_name("transformer: sampler", tests, NULL, NULL);
}
