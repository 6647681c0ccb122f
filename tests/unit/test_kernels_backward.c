/* eval/transformer/kernels/backward*: every instruction set's copy against the definitions, in doubles. */
#include "naive_model.h"

#include "base/rng.h"
#include "eval/transformer/kernels/backward.h"

static double noise(const char *what, size_t i) { return hma_rng_double(hma_rng_key_for(5, what), i) * 2 - 1; }

static float *random_floats(const char *what, size_t n) {
    float *p = malloc((n + 16) * sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) {
        p[i] = (float)noise(what, i);
    }
    return p;
}

/* NULL where this processor cannot run it. */
static const hma_backward *kernels_at(size_t i) {
    __builtin_cpu_init();
    switch (i) {
    case 1: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &hma_backward_avx2 : NULL;
    case 2:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512vl")
                   ? &hma_backward_avx512
                   : NULL;
    default: return &hma_backward_base;
    }
}

#define FOR_EACH_SET(k)                                                                                                        \
    for (size_t k##_i = 0; k##_i < 3; k##_i++)                                                                                 \
        for (const hma_backward *k = kernels_at(k##_i); k; k = NULL)

static void products(void **state) {
    (void)state;
    float *x = random_floats("x", 100), *y = random_floats("y", 100);
    FOR_EACH_SET(k) {
        double expected = 0;
        for (size_t n = 0; n < 100; n++) {
            assert_near((double)k->dot(x, y, n), expected, 1e-5);
            expected += (double)x[n] * (double)y[n];
        }
    }
    free(x);
    free(y);
}

/* sum of g * norm(x), with weights moved by `t` along their change */
static double norm_value(const hma_norm_back *norm, const float *g, const double *x, double by_weight, double by_bias) {
    double mean = 0, square = 0, sum = 0;
    for (size_t i = 0; i < norm->n && norm->type == HMA_NORM_LAYER; i++) {
        mean += x[i] / (double)norm->n;
    }
    for (size_t i = 0; i < norm->n; i++) {
        square += (x[i] - mean) * (x[i] - mean) / (double)norm->n;
    }
    for (size_t i = 0; i < norm->n; i++) {
        const double w = (double)norm->weight[i] + (double)norm->plus + by_weight * (double)norm->weight_change[i];
        const double b = norm->bias_change ? by_bias * (double)norm->bias_change[i] : 0;
        sum += (double)g[i] * ((x[i] - mean) / sqrt(square + (double)norm->epsilon) * w + b);
    }
    return sum;
}

static void norm_case(const hma_backward *k, hma_norm_type type, size_t n, float plus) {
    float *w = random_floats("w", n), *change = random_floats("change", n), *bias = random_floats("bias", n);
    float *g = random_floats("g", n), *x = random_floats("x", n), *out = random_floats("out", n);
    double *at = malloc(n * sizeof *at);
    const hma_norm_back norm = {type, n, 1e-5f, plus, w, change, type == HMA_NORM_LAYER ? bias : NULL};
    const hma_norm_parts parts = k->norm(&norm, out, g, x);
    const double h = 1e-6;
    for (size_t i = 0; i < n; i++) {
        at[i] = (double)x[i];
    }
    assert_near((double)parts.weight, (norm_value(&norm, g, at, h, 0) - norm_value(&norm, g, at, -h, 0)) / (2 * h), 1e-4);
    assert_near((double)parts.bias, (norm_value(&norm, g, at, 0, h) - norm_value(&norm, g, at, 0, -h)) / (2 * h), 1e-4);
    for (size_t i = 0; i < n; i++) {
        at[i] = (double)x[i] + h;
        const double up = norm_value(&norm, g, at, 0, 0);
        at[i] = (double)x[i] - h;
        assert_near((double)out[i], (up - norm_value(&norm, g, at, 0, 0)) / (2 * h), 1e-4);
        at[i] = (double)x[i];
    }
    (void)k->norm(&norm, g, g, x); /* in place */
    assert_memory_equal(g, out, n * sizeof *g);
    free(w);
    free(change);
    free(bias);
    free(g);
    free(x);
    free(out);
    free(at);
}

static void norms(void **state) {
    (void)state;
    FOR_EACH_SET(k) {
        for (size_t n = 3; n < 50; n += 13) {
            norm_case(k, HMA_NORM_RMS, n, 0);
            norm_case(k, HMA_NORM_RMS, n, 1);
            norm_case(k, HMA_NORM_LAYER, n, 0);
        }
    }
}

static void activations(void **state) {
    (void)state;
    enum { N = 133 };
    float *x = random_floats("x", N), *up = random_floats("up", N), *g = random_floats("g", N);
    for (size_t i = 0; i < N; i++) {
        x[i] *= 8;
    }
    FOR_EACH_SET(k) {
        for (int a = HMA_ACT_SILU; a <= HMA_ACT_RELU; a++) {
            for (int gated = 0; gated < 2; gated++) {
                const hma_activation kind = (hma_activation)a;
                float by_x[N], by_up[N];
                memcpy(by_x, x, sizeof by_x);
                memcpy(by_up, up, sizeof by_up);
                k->activate(by_x, gated ? by_up : NULL, g, N, kind);
                for (size_t i = 0; i < N; i++) {
                    const double h = 1e-6, at = (double)x[i];
                    const double slope = (naive_activation(kind, at + h) - naive_activation(kind, at - h)) / (2 * h);
                    assert_near((double)by_x[i], (double)g[i] * slope * (gated ? (double)up[i] : 1), 3e-6);
                    assert_near((double)by_up[i], gated ? (double)g[i] * naive_activation(kind, at) : (double)up[i], 3e-6);
                }
            }
        }
    }
    free(x);
    free(up);
    free(g);
}

/* ---- attention ---- */

typedef struct shape {
    size_t rows, group, head_dim, window;
    double softcap;
} shape;

/* The same, written down from the formulas: q_out, keys_out and values_out as doubles, [rows, (group + 2) * head_dim]. */
static void naive_attention(const shape *s, double scale, const float *qkv, const float *g, double *out) {
    const size_t d = s->head_dim, width = (s->group + 2) * d, key = s->group * d, value = key + d;
    double *p = calloc(2 * s->rows, sizeof *p), *dp = p + s->rows;
    memset(out, 0, s->rows * width * sizeof *out);
    for (size_t r = 0; r < s->rows; r++) {
        for (size_t h = 0; h < s->group; h++) {
            const size_t first = s->window && r + 1 > s->window ? r + 1 - s->window : 0;
            double sum = 0, mean = 0;
            for (size_t j = first; j <= r; j++) {
                double score = 0, by_p = 0;
                for (size_t i = 0; i < d; i++) {
                    score += (double)qkv[r * width + h * d + i] * (double)qkv[j * width + key + i] * scale;
                    by_p += (double)g[(r * s->group + h) * d + i] * (double)qkv[j * width + value + i];
                }
                p[j] = exp(s->softcap > 0 ? s->softcap * tanh(score / s->softcap) : score);
                sum += p[j];
                dp[j] = by_p;
            }
            for (size_t j = first; j <= r; j++) {
                p[j] /= sum;
                mean += p[j] * dp[j];
            }
            for (size_t j = first; j <= r; j++) {
                double score = 0;
                for (size_t i = 0; i < d; i++) {
                    score += (double)qkv[r * width + h * d + i] * (double)qkv[j * width + key + i] * scale;
                }
                const double t = s->softcap > 0 ? tanh(score / s->softcap) : 0,
                             ds = p[j] * (dp[j] - mean) * (1 - t * t) * scale;
                for (size_t i = 0; i < d; i++) {
                    out[r * width + h * d + i] += ds * (double)qkv[j * width + key + i];
                    out[j * width + key + i] += ds * (double)qkv[r * width + h * d + i];
                    out[j * width + value + i] += p[j] * (double)g[(r * s->group + h) * d + i];
                }
            }
        }
    }
    free(p);
}

static void attention_case(const hma_backward *k, const shape *s) {
    const size_t width = (s->group + 2) * s->head_dim, key = s->group * s->head_dim, total = s->rows * width;
    float *qkv = random_floats("qkv", total), *g = random_floats("g", s->rows * key), *out = random_floats("out", total);
    float *scratch = malloc(hma_attention_back_scratch(s->rows, s->head_dim) * sizeof *scratch);
    double *expected = malloc(total * sizeof *expected);
    const hma_attention_back a = {.q = qkv,
                                  .g = g,
                                  .q_stride = width,
                                  .g_stride = key,
                                  .keys = qkv + key,
                                  .values = qkv + key + s->head_dim,
                                  .key_stride = width,
                                  .q_out = out,
                                  .keys_out = out + key,
                                  .values_out = out + key + s->head_dim,
                                  .out_stride = width,
                                  .rows = s->rows,
                                  .group = s->group,
                                  .head_dim = s->head_dim,
                                  .window = s->window,
                                  .scale = 0.7f,
                                  .softcap = (float)s->softcap,
                                  .scratch = scratch};
    k->attend(&a);
    naive_attention(s, (double)a.scale, qkv, g, expected);
    for (size_t i = 0; i < total; i++) {
        assert_near((double)out[i], expected[i], 2e-5);
    }
    free(qkv);
    free(g);
    free(out);
    free(scratch);
    free(expected);
}

static void attention(void **state) {
    (void)state;
    static const shape shapes[] = {{1, 1, 4, 0, 0},    {7, 1, 16, 0, 0},  {8, 2, 20, 0, 0},
                                   {33, 1, 24, 0, 5},  {50, 3, 12, 9, 0}, {41, 2, 32, 1, 0},
                                   {64, 1, 40, 16, 2}, {17, 4, 8, 17, 0}, {100, 1, 8, 30, 0}};
    FOR_EACH_SET(k) {
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            attention_case(k, &shapes[i]);
        }
    }
}

static void logits(void **state) {
    (void)state;
    enum { N = 77 };
    FOR_EACH_SET(k) {
        for (int capped = 0; capped < 2; capped++) {
            float *l = random_floats("logits", N), before[N];
            const double cap = capped ? 3 : 0, normalizer = 4.2;
            memcpy(before, l, sizeof before);
            k->softmax(l, N, (float)normalizer, 0.5f, (float)cap);
            for (size_t i = 0; i < N; i++) {
                const double t = capped ? (double)before[i] / cap : 0;
                assert_near((double)l[i], -0.5 * exp((double)before[i] - normalizer) * (1 - t * t), 1e-7);
            }
            free(l);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(products), cmocka_unit_test(norms), cmocka_unit_test(activations),
                                       cmocka_unit_test(attention), cmocka_unit_test(logits)};
    return cmocka_run_group_tests_name("backward kernels", tests, NULL, NULL);
}
