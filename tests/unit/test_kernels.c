/* eval/transformer/kernels: every fast kernel against its naive twin. */
#include "testing.h"

#include "base/rng.h"
#include "eval/transformer/kernels/bf16.h"
#include "eval/transformer/kernels/kernels.h"

static float noise(const char *what, size_t i) { return (float)(hma_rng_double(hma_rng_key_for(7, what), i) * 2 - 1); }

static float *random_floats(const char *what, size_t n) {
    float *p = malloc((n + 16) * sizeof *p);
    for (size_t i = 0; i < n; i++) {
        p[i] = noise(what, i);
    }
    return p;
}

static const hma_vector *const all_vectors[] = {&hma_vector_base, &hma_vector_avx2, &hma_vector_avx512};

static bool runs_here(const char *name) {
    __builtin_cpu_init();
    if (strcmp(name, "avx512") == 0) {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl");
    }
    return strcmp(name, "avx2") != 0 || (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
}

#define FOR_EACH_VECTOR(v)                                                                                                     \
    for (size_t v##_i = 0; v##_i < 3; v##_i++)                                                                                 \
        for (const hma_vector *v = all_vectors[v##_i]; v && runs_here(v->name); v = NULL)

/* ---- matrix products ---- */

static bool keeps_halves(const hma_gemm *gemm) { return gemm == &hma_gemm_avx512_w16 || gemm == &hma_gemm_avx2_w16; }

static void product_matches(const hma_gemm *gemm, const hma_gemm *reference, size_t m, size_t n, size_t k, double tolerance) {
    float *x = random_floats("x", m * k), *w = random_floats("w", n * k);
    for (size_t i = 0; keeps_halves(gemm) && i < n * k; i++) {
        w[i] = hma_bf16_round(w[i]);
    }
    float *expected = calloc(m * n, sizeof *expected), *y = malloc((m * n + 1) * sizeof *y);
    void *packed = malloc(hma_packed_bytes(gemm, n, k) + 64),
         *packed_reference = malloc(hma_packed_bytes(reference, n, k) + 64);
    reference->pack(packed_reference, n, k, 0, n, w);
    reference->multiply(x, k, m, packed_reference, n, k, 0, n, expected, n);
    const size_t cut = n / 2 / HMA_PANEL * HMA_PANEL;
    for (int split = 0; split < 2; split++) {
        const size_t first = split ? cut : n;
        gemm->pack(packed, n, k, 0, first, w);
        gemm->pack(packed, n, k, first, n - first, w + first * k);
        memset(y, 0xff, m * n * sizeof *y); /* NaN: whatever is not written shows */
        y[m * n] = 42;
        gemm->multiply(x, k, m, packed, n, k, 0, first, y, n);
        gemm->multiply(x, k, m, packed, n, k, first, n - first, y + first, n);
        for (size_t i = 0; i < m * n; i++) {
            if (tolerance == 0 ? memcmp(&y[i], &expected[i], sizeof *y) != 0 : !(fabsf(y[i] - expected[i]) <= tolerance)) {
                fail_msg("%s %zux%zux%zu: y[%zu] = %.9g, expected %.9g", gemm->name, m, n, k, i, (double)y[i],
                         (double)expected[i]);
            }
        }
        assert_true(y[m * n] == 42);
    }
    free(x);
    free(w);
    free(expected);
    free(y);
    free(packed);
    free(packed_reference);
}

static void products_of_all_shapes(const hma_gemm *gemm, const hma_gemm *reference, double tolerance) {
    static const size_t sizes[] = {1, 2, 7, 15, 16, 17, 31, 32, 33, 48, 65}, depths[] = {1, 3, 16, 41, 255, 256, 257, 520};
    for (size_t m = 1; m <= 27; m++) {
        product_matches(gemm, reference, m, 37, 43, tolerance);
    }
    product_matches(gemm, reference, 130, 40, 260, tolerance);
    for (size_t m = 1; m <= 8; m++) {
        product_matches(gemm, reference, m, 300, 301, tolerance); /* a few rows take several panels at once */
    }
    product_matches(gemm, reference, 25, 600, 1601, 10 * tolerance); /* many columns, all of k at once .. */
    product_matches(gemm, reference, 96, 33, 1601, 10 * tolerance);  /* .. and so many rows that it is not */
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t j = 0; j < sizeof depths / sizeof *depths; j++) {
            product_matches(gemm, reference, 13, sizes[i], depths[j], tolerance);
        }
    }
}

static void native_products_equal_naive_bit_for_bit(void **state) {
    (void)state;
    if (runs_here("avx512")) {
        products_of_all_shapes(&hma_gemm_avx512, &hma_gemm_naive, 0);
        products_of_all_shapes(&hma_gemm_avx512_bf16, &hma_gemm_naive_bf16, 0);
        products_of_all_shapes(&hma_gemm_avx512_w16, &hma_gemm_naive, 0);
    }
    if (runs_here("avx2")) {
        products_of_all_shapes(&hma_gemm_avx2, &hma_gemm_naive, 0);
        products_of_all_shapes(&hma_gemm_avx2_bf16, &hma_gemm_naive_bf16, 0);
        products_of_all_shapes(&hma_gemm_avx2_w16, &hma_gemm_naive, 0);
    }
}

static void other_products_are_close_to_naive(void **state) {
    (void)state;
    products_of_all_shapes(&hma_gemm_openblas, &hma_gemm_naive, 2e-5);
    products_of_all_shapes(&hma_gemm_openblas_bf16, &hma_gemm_naive_bf16, 2e-5);
    if (runs_here("avx512") && __builtin_cpu_supports("avx512bf16")) {
        products_of_all_shapes(&hma_gemm_dot_bf16, &hma_gemm_naive_bf16, 2e-5);
    }
}

/* A row of a product alone has the bits it has among others, also where the order of additions is the processor's own. */
static void rows_do_not_depend_on_company(void **state) {
    (void)state;
    enum { M = 30, N = 70, K = 300 };
    static const hma_gemm *const all[] = {&hma_gemm_naive,       &hma_gemm_avx2,     &hma_gemm_avx2_bf16, &hma_gemm_avx512,
                                          &hma_gemm_avx512_bf16, &hma_gemm_dot_bf16, &hma_gemm_avx2_w16,  &hma_gemm_avx512_w16};
    float *x = random_floats("x", M * K), *w = random_floats("w", N * K), together[M * N], alone[N];
    for (size_t b = 0; b < sizeof all / sizeof *all; b++) {
        const bool needs512 = strncmp(all[b]->name, "avx512", 6) == 0, needs_dot = all[b] == &hma_gemm_dot_bf16;
        if (!runs_here(needs512 ? "avx512" : "avx2") || (needs_dot && !__builtin_cpu_supports("avx512bf16"))) {
            continue;
        }
        assert_true(all[b]->invariant);
        void *packed = malloc(hma_packed_bytes(all[b], N, K));
        all[b]->pack(packed, N, K, 0, N, w);
        all[b]->multiply(x, K, M, packed, N, K, 0, N, together, N);
        for (size_t i = 0; i < M; i++) {
            all[b]->multiply(x + i * K, K, 1, packed, N, K, 0, N, alone, N);
            assert_memory_equal(alone, together + i * N, sizeof alone);
        }
        free(packed);
    }
    free(x);
    free(w);
}

static void bf16_rounds_to_nearest_even(void **state) {
    (void)state;
    static const struct {
        uint32_t from;
        uint16_t to;
    } cases[] = {{0x3f800000, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81},
                 {0x7f7fffff, 0x7f80}, {0x7f800000, 0x7f80}, {0x7f800001, 0x7fc0}, {0xffc00001, 0xffc0},
                 {0x80000000, 0x8000}, {0x00008000, 0x0000}, {0x00018000, 0x0002}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float x;
        memcpy(&x, &cases[i].from, sizeof x);
        assert_int_equal(hma_bf16_from(x), cases[i].to);
    }
}

static void naive_product_is_a_product(void **state) {
    (void)state;
    enum { M = 3, N = 35, K = 300 };
    float *x = random_floats("x", M * K), *w = random_floats("w", N * K), y[M * N];
    void *packed = malloc(hma_packed_bytes(&hma_gemm_naive, N, K));
    hma_gemm_naive.pack(packed, N, K, 0, N, w);
    hma_gemm_naive.multiply(x, K, M, packed, N, K, 0, N, y, N);
    for (size_t i = 0; i < M; i++) {
        for (size_t j = 0; j < N; j++) {
            double sum = 0;
            for (size_t d = 0; d < K; d++) {
                sum += (double)x[i * K + d] * (double)w[j * K + d];
            }
            assert_near(y[i * N + j], sum, 5e-5);
        }
    }
    free(x);
    free(w);
    free(packed);
}

static void blocks_are_packed_as_they_are_described(void **state) {
    (void)state;
    enum { STRIDE = 300 };
    static const size_t depths[] = {1, 3, 4, 15, 16, 18, 33, 255, 256};
    float *rows = random_floats("rows", HMA_PANEL * STRIDE), block[HMA_GEMM_DEPTH * HMA_PANEL + 1];
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        for (size_t wide = 1; wide <= HMA_PANEL; wide++) {
            const size_t depth = depths[i];
            for (size_t at = 0; at <= HMA_GEMM_DEPTH * HMA_PANEL; at++) {
                block[at] = 7;
            }
            hma_gemm_pack_block(block, depth, wide, rows + 1, STRIDE);
            for (size_t d = 0; d < depth; d++) {
                for (size_t j = 0; j < HMA_PANEL; j++) {
                    const float expected = j < wide ? rows[1 + j * STRIDE + d] : 0;
                    assert_memory_equal(&block[d * HMA_PANEL + j], &expected, sizeof expected);
                }
            }
            assert_true(block[depth * HMA_PANEL] == 7); /* nothing behind it */
        }
    }
    free(rows);
}

/* ---- rows ---- */

static void norms_match_their_definition(void **state) {
    (void)state;
    FOR_EACH_VECTOR(v) {
        for (size_t n = 1; n < 200; n += 13) {
            float *x = random_floats("x", n), *w = random_floats("w", n), *b = random_floats("b", n), y[300];
            double squares = 0, sum = 0, spread = 0;
            for (size_t i = 0; i < n; i++) {
                squares += (double)x[i] * x[i];
                sum += x[i];
            }
            for (size_t i = 0; i < n; i++) {
                spread += (x[i] - sum / (double)n) * (x[i] - sum / (double)n);
            }
            v->rms_norm(y, x, w, n, 1e-5f, 1);
            for (size_t i = 0; i < n; i++) {
                assert_near(y[i], x[i] / sqrt(squares / (double)n + 1e-5) * (w[i] + 1), 3e-6);
            }
            for (int biased = 0; biased < 2; biased++) {
                v->layer_norm(y, x, w, biased ? b : NULL, n, 1e-5f);
                for (size_t i = 0; i < n; i++) {
                    assert_near(y[i], (x[i] - sum / (double)n) / sqrt(spread / (double)n + 1e-5) * w[i] + (biased ? b[i] : 0),
                                5e-6);
                }
            }
            free(x);
            free(w);
            free(b);
        }
    }
}

static double exact_activation(double x, hma_activation a) {
    switch (a) {
    case HMA_ACT_SILU: return x / (1 + exp(-x));
    case HMA_ACT_GELU: return 0.5 * x * (1 + erf(x / sqrt(2)));
    case HMA_ACT_GELU_TANH: return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    default: return x > 0 ? x : 0;
    }
}

static void activations_match_their_definition(void **state) {
    (void)state;
    enum { N = 4001 };
    static float x[N], y[N], up[N];
    FOR_EACH_VECTOR(v) {
        for (hma_activation a = HMA_ACT_SILU; a <= HMA_ACT_RELU; a++) {
            for (size_t i = 0; i < N; i++) {
                y[i] = x[i] = ((float)i - 2000) / 50;
                up[i] = noise("up", i);
            }
            v->activate(y, NULL, N, a);
            for (size_t i = 0; i < N; i++) {
                assert_near(y[i], exact_activation(x[i], a), 3e-7 * fabs(x[i]) + 1e-12);
            }
            memcpy(y, x, sizeof y);
            v->activate(y, up, N, a);
            for (size_t i = 0; i < N; i++) {
                assert_near(y[i], exact_activation(x[i], a) * up[i], 3e-7 * fabs(x[i]) + 1e-12);
            }
        }
    }
}

static void softmax_parts_match_their_definition(void **state) {
    (void)state;
    FOR_EACH_VECTOR(v) {
        for (size_t n = 1; n < 100; n++) {
            for (int capped = 0; capped < 2; capped++) {
                const float cap = capped ? 6.0f : 0.0f;
                float *x = random_floats("logits", n), *y = malloc(n * sizeof *y);
                double max = -1e300, sum = 0;
                for (size_t i = 0; i < n; i++) {
                    y[i] = x[i] = x[i] * 20;
                    const double l = capped ? 6 * tanh(x[i] / 6.0) : x[i];
                    max = fmax(max, l);
                }
                const hma_partial part = v->softmax_part(y, n, cap);
                for (size_t i = 0; i < n; i++) {
                    const double l = capped ? 6 * tanh(x[i] / 6.0) : x[i];
                    assert_near(y[i], l, 2e-6);
                    sum += exp(l - max);
                }
                assert_near(part.max, max, 2e-6);
                assert_near(part.sum, sum, 1e-5 * sum);
                assert_true(y[part.argmax] == part.max);
                for (size_t i = 0; i < part.argmax; i++) {
                    assert_true(y[i] < part.max);
                }
                free(x);
                free(y);
            }
        }
    }
}

/* ---- attention ---- */

typedef struct case_ {
    size_t rows, group, head_dim, position, window;
    float softcap;
    const hma_span *spans;
    size_t span_count;
} case_;

/* Straight from the definition, in double. */
static void naive_attention(const case_ *c, const float *q, size_t q_stride, const float *keys, const float *values,
                            size_t kv_width, double *out) {
    for (size_t r = 0; r < c->rows; r++) {
        for (size_t g = 0; g < c->group; g++) {
            const size_t p = c->position + r;
            double score[512], sum = 0, *o = out + (r * c->group + g) * c->head_dim;
            size_t row[512];
            for (size_t s = 0; s < c->span_count; s++) {
                for (size_t i = 0; i < c->spans[s].count; i++) {
                    row[c->spans[s].position + i] = c->spans[s].first + i;
                }
            }
            memset(o, 0, c->head_dim * sizeof *o);
            for (size_t j = c->window && p + 1 > c->window ? p + 1 - c->window : 0; j <= p; j++) {
                double dot = 0;
                for (size_t d = 0; d < c->head_dim; d++) {
                    dot += (double)q[r * q_stride + g * c->head_dim + d] * keys[row[j] * kv_width + d];
                }
                dot *= 0.3;
                score[j] = exp(c->softcap > 0 ? c->softcap * tanh(dot / c->softcap) : dot);
                sum += score[j];
            }
            for (size_t j = c->window && p + 1 > c->window ? p + 1 - c->window : 0; j <= p; j++) {
                for (size_t d = 0; d < c->head_dim; d++) {
                    o[d] += score[j] / sum * values[row[j] * kv_width + d];
                }
            }
        }
    }
}

static void attention_case(const hma_vector *v, const case_ *c, float *result) {
    enum { KV_HEADS = 2, HEAD = 1, STORE = 512 };
    const size_t kv_width = KV_HEADS * c->head_dim, q_stride = c->group * c->head_dim + 5;
    float *q = random_floats("q", c->rows * q_stride), *keys = random_floats("keys", STORE * kv_width);
    float *values = random_floats("values", STORE * kv_width), *tiles = calloc(STORE * c->head_dim, sizeof *tiles),
          *own_values = calloc(STORE * c->head_dim + 16, sizeof *own_values);
    float *scratch = malloc(hma_attention_scratch(c->rows * c->group, c->position + c->rows) * sizeof *scratch);
    double *expected = malloc(c->rows * c->group * c->head_dim * sizeof *expected);
    for (size_t row = 0; row < STORE; row++) {
        for (size_t d = 0; d < c->head_dim; d++) {
            tiles[(row / 16 * c->head_dim + d) * 16 + row % 16] = keys[row * kv_width + HEAD * c->head_dim + d];
            own_values[row * c->head_dim + d] = values[row * kv_width + HEAD * c->head_dim + d];
        }
    }
    naive_attention(c, q, q_stride, keys + HEAD * c->head_dim, values + HEAD * c->head_dim, kv_width, expected);
    const hma_attention a = {.q = q,
                             .q_stride = q_stride,
                             .rows = c->rows,
                             .group = c->group,
                             .head_dim = c->head_dim,
                             .position = c->position,
                             .keys = tiles,
                             .values = own_values,
                             .spans = c->spans,
                             .span_count = c->span_count,
                             .window = c->window,
                             .scale = 0.3f,
                             .softcap = c->softcap,
                             .scratch = scratch};
    v->attend(&a);
    for (size_t r = 0; r < c->rows; r++) {
        for (size_t i = 0; i < c->group * c->head_dim; i++) {
            assert_near(q[r * q_stride + i], expected[r * c->group * c->head_dim + i], 3e-6);
        }
        if (result) {
            memcpy(result + r * c->group * c->head_dim, q + r * q_stride, c->group * c->head_dim * sizeof *result);
        }
    }
    free(q);
    free(keys);
    free(values);
    free(tiles);
    free(own_values);
    free(scratch);
    free(expected);
}

static void attention_matches_its_definition(void **state) {
    (void)state;
    static const hma_span one[] = {{3, 200, 0}}, three[] = {{100, 17, 0}, {7, 30, 17}, {300, 100, 47}};
    static const size_t dims[] = {4, 12, 16, 20, 32, 64, 80, 100, 128, 144};
    FOR_EACH_VECTOR(v) {
        for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
            for (size_t variant = 0; variant < 16; variant++) {
                const case_ c = {.rows = variant & 1 ? 5 : 1,
                                 .group = variant & 2 ? 3 : 1,
                                 .head_dim = dims[d],
                                 .position = variant & 1 ? 90 : 33 * (variant / 4),
                                 .window = variant & 4 ? 21 : 0,
                                 .softcap = variant & 8 ? 2.0f : 0.0f,
                                 .spans = variant & 4 ? three : one,
                                 .span_count = variant & 4 ? 3 : 1};
                attention_case(v, &c, NULL);
            }
        }
    }
}

/* The same keys and values in one run or in three, alone or among other queries: the same bits. */
static void attention_does_not_depend_on_how_keys_are_stored(void **state) {
    (void)state;
    static const hma_span whole[] = {{48, 120, 0}};
    static const hma_span cut[] = {{48, 5, 0}, {53, 40, 5}, {93, 75, 45}};
    static float a[64 * 20], b[64 * 20];
    FOR_EACH_VECTOR(v) {
        case_ c = {.rows = 10, .group = 1, .head_dim = 20, .position = 90, .window = 50, .spans = whole, .span_count = 1};
        attention_case(v, &c, a);
        c.spans = cut;
        c.span_count = 3;
        attention_case(v, &c, b);
        assert_memory_equal(a, b, 10 * 20 * sizeof *a);
        c.rows = 1;
        attention_case(v, &c, b);
        assert_memory_equal(a, b, 20 * sizeof *a);
    }
}

static void rotation_turns_pairs(void **state) {
    (void)state;
    FOR_EACH_VECTOR(v) {
        float *x = random_floats("x", 2 * 12), y[24], cosine[5], sine[5];
        memcpy(y, x, sizeof y);
        for (size_t i = 0; i < 5; i++) {
            cosine[i] = cosf((float)i);
            sine[i] = sinf((float)i);
        }
        v->rotate(y, 2, 12, cosine, sine, 5);
        for (size_t h = 0; h < 2; h++) {
            for (size_t i = 0; i < 5; i++) {
                const float *p = x + h * 12;
                assert_near(y[h * 12 + i], p[i] * cosine[i] - p[i + 5] * sine[i], 1e-6);
                assert_near(y[h * 12 + i + 5], p[i + 5] * cosine[i] + p[i] * sine[i], 1e-6);
            }
            assert_true(y[h * 12 + 10] == x[h * 12 + 10] && y[h * 12 + 11] == x[h * 12 + 11]);
        }
        free(x);
    }
}

/* ---- sampling ---- */

static size_t naive_gumbel(const float *logits, size_t n, double inverse_temperature, hma_rng_key key, uint32_t position,
                           uint32_t sample, double *margin) {
    double best = -1e300, second = -1e300;
    size_t winner = 0;
    for (size_t t = 0; t < n; t++) {
        const uint32_t counter[4] = {(uint32_t)(t / 4), position, sample, 0};
        uint32_t word[4];
        hma_philox(word, counter, key);
        const double u = ((double)word[t % 4] + 0.5) / 4294967296.0;
        const double value = logits[t] * inverse_temperature - log(-log1p(-u));
        if (value > best) {
            second = best;
            best = value;
            winner = t;
        } else if (value > second) {
            second = value;
        }
    }
    *margin = best - second;
    return winner;
}

static void gumbel_argmax_matches_its_definition(void **state) {
    (void)state;
    const hma_rng_key key = hma_rng_key_for(3, "sampling");
    FOR_EACH_VECTOR(v) {
        for (size_t n = 1; n < 400; n += 7) {
            float *x = random_floats("logits", n);
            for (size_t i = 0; i < n; i++) {
                x[i] *= 12;
            }
            for (uint32_t p = 0; p < 10; p++) {
                double margin;
                const size_t expected = naive_gumbel(x, n, 1 / 0.7, key, p, 5, &margin);
                const size_t got = v->gumbel_argmax(x, n, (float)(1 / 0.7), key.word, p, 5);
                if (margin > 1e-4) {
                    assert_int_equal(got, expected);
                }
            }
            free(x);
        }
    }
}

static void gumbel_argmax_samples_the_softmax(void **state) {
    (void)state;
    static const float logits[5] = {1, 0, -1, 2, -INFINITY};
    const double z = exp(1) + 1 + exp(-1) + exp(2);
    FOR_EACH_VECTOR(v) {
        size_t seen[5] = {0};
        enum { N = 40000 };
        const hma_rng_key key = hma_rng_key_for(11, "sampling");
        for (uint32_t i = 0; i < N; i++) {
            seen[v->gumbel_argmax(logits, 5, 1, key.word, i, 0)]++;
        }
        for (size_t t = 0; t < 5; t++) {
            const double p = exp(logits[t]) / z;
            assert_near((double)seen[t] / N, p, 4.5 * sqrt(p * (1 - p) / N) + 1e-12);
        }
    }
}

/* As the engine does before it uses OpenBLAS: no threads of its own. */
static int set_up(void **state) {
    hma_kernels kernels;
    (void)state;
    return hma_kernels_choose(&kernels, HMA_BACKEND_OPENBLAS, HMA_FP32) == HMA_OK ? 0 : -1;
}

/* Where products and sums are fused, results do not depend on how wide registers are. */
static void wide_and_narrow_registers_give_the_same_bits(void **state) {
    (void)state;
    enum { N = 133, DIM = 20, ROWS = 50, QUERIES = 3 };
    static const hma_vector *const both[] = {&hma_vector_avx2, &hma_vector_avx512};
    float *x = random_floats("x", N), *w = random_floats("w", N), *keys = random_floats("keys", 64 * DIM),
          *values = random_floats("values", 64 * DIM + 16), y[2][N], q[2][QUERIES * DIM];
    float *scratch = malloc(hma_attention_scratch(QUERIES, ROWS) * sizeof *scratch);
    if (!runs_here("avx512")) {
        skip();
    }
    for (size_t n = 1; n <= N; n++) {
        hma_partial part[2];
        for (size_t v = 0; v < 2; v++) {
            both[v]->rms_norm(y[v], x, w, n, 1e-5f, 1);
        }
        assert_memory_equal(y[0], y[1], n * sizeof **y);
        for (size_t v = 0; v < 2; v++) {
            both[v]->layer_norm(y[v], x, w, w, n, 1e-5f);
        }
        assert_memory_equal(y[0], y[1], n * sizeof **y);
        for (int a = HMA_ACT_SILU; a <= HMA_ACT_RELU; a++) {
            for (size_t v = 0; v < 2; v++) {
                memcpy(y[v], x, n * sizeof *x);
                both[v]->activate(y[v], n % 2 ? w : NULL, n, (hma_activation)a);
            }
            assert_memory_equal(y[0], y[1], n * sizeof **y);
        }
        for (size_t v = 0; v < 2; v++) {
            memcpy(y[v], x, n * sizeof *x);
            part[v] = both[v]->softmax_part(y[v], n, n % 3 ? 0 : 2);
        }
        assert_memory_equal(y[0], y[1], n * sizeof **y);
        assert_true(part[0].max == part[1].max && part[0].sum == part[1].sum && part[0].argmax == part[1].argmax);
    }
    for (size_t window = 0; window < 30; window += 7) {
        for (size_t v = 0; v < 2; v++) {
            const hma_span span = {0, ROWS, 0};
            for (size_t i = 0; i < QUERIES * DIM; i++) {
                q[v][i] = noise("q", i);
            }
            both[v]->attend(&(hma_attention){.q = q[v],
                                             .q_stride = DIM,
                                             .rows = QUERIES,
                                             .group = 1,
                                             .head_dim = DIM,
                                             .position = ROWS - QUERIES,
                                             .keys = keys,
                                             .values = values,
                                             .spans = &span,
                                             .span_count = 1,
                                             .window = window,
                                             .scale = 0.5f,
                                             .softcap = window % 2 ? 3 : 0,
                                             .scratch = scratch});
        }
        assert_memory_equal(q[0], q[1], sizeof q[0]);
    }
    free(x);
    free(w);
    free(keys);
    free(values);
    free(scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(naive_product_is_a_product),
        cmocka_unit_test(blocks_are_packed_as_they_are_described),
        cmocka_unit_test(native_products_equal_naive_bit_for_bit),
        cmocka_unit_test(other_products_are_close_to_naive),
        cmocka_unit_test(rows_do_not_depend_on_company),
        cmocka_unit_test(bf16_rounds_to_nearest_even),
        cmocka_unit_test(norms_match_their_definition),
        cmocka_unit_test(activations_match_their_definition),
        cmocka_unit_test(softmax_parts_match_their_definition),
        cmocka_unit_test(attention_matches_its_definition),
        cmocka_unit_test(attention_does_not_depend_on_how_keys_are_stored),
        cmocka_unit_test(wide_and_narrow_registers_give_the_same_bits),
        cmocka_unit_test(rotation_turns_pairs),
        cmocka_unit_test(gumbel_argmax_matches_its_definition),
        cmocka_unit_test(gumbel_argmax_samples_the_softmax),
    };
    return cmocka_run_group_tests_name("kernels", tests, set_up, NULL);
}
