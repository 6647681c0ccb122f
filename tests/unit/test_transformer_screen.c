/*
 * The head in 8 bits: every fast kernel against its naive twin, bounds that hold, and the same tokens as from all logits. Where
 * the processor has no such kernel only the last tests say anything: that replies are the same with and without.
 */
#include "demo_pair.h"
#include "opened_model.h"

#include "base/context.h"
#include "base/memory.h"
#include "base/rng.h"
#include "eval/transformer/kernels/bf16.h"
#include "eval/transformer/model_parts.h"
#include "eval/transformer/screen.h"

static const hma_screen_kernel *const all_kernels[] = {&hma_screen_avx512, &hma_screen_avx2};

static bool kernel_runs_here(const hma_screen_kernel *kernel) {
    return kernel == &hma_screen_avx512 ? hma_screen_avx512_runs() : hma_screen_avx2_runs();
}

#define FOR_EACH_KERNEL(kernel)                                                                                                \
    for (size_t kernel##_i = 0; kernel##_i < sizeof all_kernels / sizeof *all_kernels; kernel##_i++)                           \
        for (const hma_screen_kernel *kernel = all_kernels[kernel##_i]; kernel && kernel_runs_here(kernel); kernel = NULL)

/* Whether models have a screen at all. */
static bool runs_here(void) { return hma_screen_avx512_runs() || hma_screen_avx2_runs(); }

static float noise(const char *what, size_t i) { return (float)(hma_rng_double(hma_rng_key_for(11, what), i) * 2 - 1); }

/* Mostly small values, some of them large: what rounding to 8 bits is worst at. */
static void fill(const char *what, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        out[i] = noise(what, i) * (i % 53 == 7 ? 20.0f : 1.0f);
    }
}

/* ---- naive twins ---- */

static void turn(float *x, size_t k, size_t stride) {
    const size_t block = hma_screen_block(k);
    for (size_t half = 1; half < block; half *= 2) {
        for (size_t d = 0; d < k; d++) {
            if (d / half % 2 == 0) {
                const float a = x[d * stride], b = x[(d + half) * stride];
                x[d * stride] = a + b;
                x[(d + half) * stride] = a - b;
            }
        }
    }
}

typedef struct rounded_to {
    float step;
    double length, lost; /* of what was turned */
} rounded_to;

static rounded_to round_to(const float *x, size_t k, size_t stride, int *out) {
    rounded_to r = {0};
    float most = 0;
    for (size_t d = 0; d < k; d++) {
        most = fmaxf(most, fabsf(x[d * stride]));
    }
    r.step = most > 1e-30f ? most * (1.0f / 127) : 0;
    for (size_t d = 0; d < k; d++) {
        out[d] = r.step > 0 ? (int)rintf(x[d * stride] * (1 / r.step)) : 0;
        r.length += (double)x[d * stride] * x[d * stride];
        r.lost += pow(x[d * stride] - (double)r.step * out[d], 2);
    }
    r.length = sqrt(r.length);
    r.lost = sqrt(r.lost);
    return r;
}

static void a_panel_is_rounded(const hma_screen_kernel *kernel, size_t k) {
    float *panel = malloc(k * HMA_PANEL * sizeof *panel), *fast = malloc(k * HMA_PANEL * sizeof *fast);
    float scale[HMA_PANEL], reach[HMA_PANEL], length[HMA_PANEL];
    int32_t offset[HMA_PANEL];
    int8_t *packed = malloc(k * HMA_PANEL);
    int *expected = malloc(k * sizeof *expected);
    const hma_screen_panel out = {scale, offset, reach, length};
    fill("panel", panel, k * HMA_PANEL);
    for (size_t d = 0; d < k; d++) {
        panel[d * HMA_PANEL + 5] = 0;
    }
    memcpy(fast, panel, k * HMA_PANEL * sizeof *fast);
    kernel->pack(fast, k, packed, &out);
    for (size_t j = 0; j < HMA_PANEL; j++) {
        turn(panel + j, k, HMA_PANEL);
        const rounded_to r = round_to(panel + j, k, HMA_PANEL, expected);
        const double factor = 1.0 / (double)hma_screen_block(k);
        int32_t sum = 0;
        for (size_t d = 0; d < k; d++) {
            assert_int_equal(packed[d / 4 * 4 * HMA_PANEL + j * 4 + d % 4], expected[d]);
            sum += expected[d];
        }
        assert_int_equal(offset[j], 128 * sum);
        assert_near(scale[j], r.step * factor, 1e-6 * r.step);
        const double least = factor * (r.lost + (HMA_SCREEN_EVEN + (double)hma_screen_rounding(k)) * r.length);
        assert_true(reach[j] >= least && reach[j] <= 1.02 * least + 1e-18);
        assert_true(length[j] >= factor * r.length && length[j] <= 1.002 * factor * r.length + 1e-18);
    }
    free(panel);
    free(fast);
    free(packed);
    free(expected);
}

static void panels_are_rounded_as_described(void **state) {
    (void)state;
    static const size_t depths[] = {4, 12, 64, 96, 256, 260, 576, 1000};
    FOR_EACH_KERNEL(kernel) {
        for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
            a_panel_is_rounded(kernel, depths[i]);
        }
    }
}

static void a_row_is_rounded(const hma_screen_kernel *kernel, size_t k) {
    float x[1000], fast[1000];
    int expected[1000];
    uint8_t bytes[1000];
    hma_screen_row row;
    fill("row", x, k);
    memcpy(fast, x, k * sizeof *x);
    assert_true(kernel->round_row(fast, k, bytes, &row));
    turn(x, k, 1);
    const rounded_to r = round_to(x, k, 1, expected);
    for (size_t d = 0; d < k; d++) {
        assert_in_range(bytes[d], 1, 255);
        assert_true(abs((int)bytes[d] - 128 - expected[d]) <= (fabs(x[d] / r.step - rintf(x[d] / r.step)) > 0.499));
    }
    const double room = fmax(r.length, r.lost / HMA_SCREEN_EVEN);
    assert_true(row.room >= room && row.room <= 1.01 * room);
    assert_near(row.scale, r.step, 1e-6 * r.step);
}

static void rows_are_rounded_as_described(void **state) {
    (void)state;
    static const size_t depths[] = {4, 12, 64, 576, 1000};
    FOR_EACH_KERNEL(kernel) {
        for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
            a_row_is_rounded(kernel, depths[i]);
        }
    }
}

static void products_of(const hma_screen_kernel *kernel, size_t m, size_t n, size_t k) {
    const size_t rows = hma_packed_rows(n), stride = k + 8;
    uint8_t *x = malloc(m * stride);
    int8_t *w = malloc(rows * k);
    float *dots = malloc((m * n + 1) * sizeof *dots);
    for (size_t i = 0; i < m * stride; i++) {
        x[i] = (uint8_t)(1 + hma_rng_below(hma_rng_key_for(1, "x"), i, 255));
    }
    for (size_t i = 0; i < rows * k; i++) {
        w[i] = (int8_t)((int)hma_rng_below(hma_rng_key_for(1, "w"), i, 255) - 127);
    }
    dots[m * n] = 42;
    const size_t cut = n / 2 / HMA_PANEL * HMA_PANEL;
    kernel->multiply(x, stride, m, w, k, 0, cut, dots, n);
    kernel->multiply(x, stride, m, w, k, cut, n - cut, dots + cut, n);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            int32_t sum = 0, got;
            for (size_t d = 0; d < k; d++) {
                sum += x[i * stride + d] * w[j / HMA_PANEL * HMA_PANEL * k + d / 4 * 4 * HMA_PANEL + j % HMA_PANEL * 4 + d % 4];
            }
            memcpy(&got, &dots[i * n + j], sizeof got);
            if (got != sum) {
                fail_msg("%zux%zux%zu: dot %zu %zu is %d, expected %d", m, n, k, i, j, got, sum);
            }
        }
    }
    assert_true(dots[m * n] == 42);
    free(x);
    free(w);
    free(dots);
}

static void products_are_exact(void **state) {
    (void)state;
    static const size_t depths[] = {4, 20, 252, 256, 260, 576, 1028};
    FOR_EACH_KERNEL(kernel) {
        for (size_t m = 1; m <= 27; m++) {
            products_of(kernel, m, 137, 44);
        }
        for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
            products_of(kernel, 5, 200, depths[i]);
            products_of(kernel, 13, 33, depths[i]);
            products_of(kernel, 130, 64, depths[i]);
        }
    }
}

static void bounds_of(const hma_screen_kernel *kernel, size_t m, size_t n) {
    const size_t tops_each = (n + HMA_SCREEN_TOP - 1) / HMA_SCREEN_TOP;
    float scale[200], reach[200], dots[3 * 200], tops[3 * 4];
    int32_t offset[200], dot[3 * 200];
    hma_screen_row rows[3];
    for (size_t j = 0; j < n; j++) {
        scale[j] = noise("scale", j);
        reach[j] = fabsf(noise("reach", j));
        offset[j] = (int32_t)(1000 * noise("offset", j));
    }
    for (size_t i = 0; i < m * n; i++) {
        dot[i] = (int32_t)(1000 * noise("dots", i));
    }
    for (size_t i = 0; i < m; i++) {
        rows[i] = (hma_screen_row){noise("x scale", i), fabsf(noise("room", i))};
    }
    memcpy(dots, dot, m * n * sizeof *dots);
    kernel->bound(&(hma_screen_panel){scale, offset, reach, NULL}, rows, m, n, dots, n, tops, tops_each);
    for (size_t i = 0; i < m; i++) {
        for (size_t top = 0; top < tops_each; top++) {
            float most = -INFINITY;
            for (size_t j = top * HMA_SCREEN_TOP; j < n && j < (top + 1) * HMA_SCREEN_TOP; j++) {
                const double expected =
                    (double)(dot[i * n + j] - offset[j]) * scale[j] * rows[i].scale + (double)reach[j] * rows[i].room;
                assert_near(dots[i * n + j], expected, 1e-3);
                most = fmaxf(most, dots[i * n + j]);
            }
            assert_true(tops[i * tops_each + top] == most);
        }
    }
}

static void bounds_are_put_together_as_described(void **state) {
    (void)state;
    static const size_t widths[] = {1, 15, 16, 63, 64, 65, 130, 200};
    FOR_EACH_KERNEL(kernel) {
        for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
            bounds_of(kernel, 1 + i % 3, widths[i]);
        }
    }
}

/* ---- bounds and draws ---- */

typedef struct head {
    const hma_gemm *gemm;
    size_t rows, columns;
    float *weights; /* [rows, columns] */
    void *packed;
    hma_screen *screen;
} head;

static bool keeps_halves(const hma_gemm *gemm) { return gemm == &hma_gemm_avx512_w16 || gemm == &hma_gemm_avx2_w16; }

static head make_head(const hma_gemm *gemm, size_t rows, size_t columns, hma_pool *pool) {
    head h = {
        gemm, rows, columns, malloc(rows * columns * sizeof(float)), hma_new_aligned(hma_packed_bytes(gemm, rows, columns), 1),
        NULL};
    fill("head", h.weights, rows * columns);
    for (size_t i = 0; keeps_halves(gemm) && i < rows * columns; i++) {
        h.weights[i] = hma_bf16_round(h.weights[i]);
    }
    memset(h.weights + 3 * columns, 0, columns * sizeof(float)); /* a row of nothing .. */
    memcpy(h.weights + (rows - 1) * columns, h.weights + 2 * columns,
           columns * sizeof(float)); /* .. and one that comes twice */
    gemm->pack(h.packed, rows, columns, 0, rows, h.weights);
    assert_true(hma_screen_bytes(gemm, rows, columns) > 0);
    assert_ok(hma_screen_new(&h.screen, gemm, rows, columns));
    assert_ok(hma_screen_make(h.screen, pool, &(hma_matrix){.rows = rows, .columns = columns, .packed = h.packed}));
    return h;
}

static void free_head(head *h) {
    free(h->weights);
    free(h->packed);
    hma_screen_free(h->screen);
}

static const hma_gemm *const all_gemms[] = {&hma_gemm_avx512, &hma_gemm_avx512_w16, &hma_gemm_avx512_bf16, &hma_gemm_dot_bf16,
                                            &hma_gemm_avx2,   &hma_gemm_avx2_w16,   &hma_gemm_avx2_bf16};

static bool gemm_runs_here(const hma_gemm *gemm) {
    __builtin_cpu_init();
    const bool wide = strncmp(gemm->name, "avx512", 6) == 0;
    return runs_here() && (!wide || __builtin_cpu_supports("avx512bw")) &&
           (gemm != &hma_gemm_dot_bf16 || __builtin_cpu_supports("avx512bf16"));
}

enum { POSITIONS = 40 };

/* Hidden states of several sizes, one of them nothing, one that the last row of the head likes best. */
static float *make_hidden(const head *h) {
    float *x = malloc(POSITIONS * h->columns * sizeof *x);
    fill("hidden", x, POSITIONS * h->columns);
    for (size_t i = 0; i < POSITIONS; i++) {
        for (size_t d = 0; d < h->columns; d++) {
            float *at = &x[i * h->columns + d];
            *at = i == 4 ? 0 : i == 5 ? h->weights[2 * h->columns + d] : *at * (0.01f + (float)(i % 9) / 9);
        }
    }
    return x;
}

static void same_draws(const head *h, hma_pool *pool, const hma_vector *vector) {
    float *hidden = make_hidden(h), *logits = malloc(POSITIONS * h->rows * sizeof *logits),
          *most = malloc(POSITIONS * h->rows * sizeof *most);
    hma_screening screening;
    bool possible;
    double wide = 0;
    h->gemm->multiply(hidden, h->columns, POSITIONS, h->packed, h->rows, h->columns, 0, h->rows, logits, h->rows);
    assert_ok(hma_screening_new(&screening, h->screen, POSITIONS, hma_pool_threads(pool)));
    assert_ok(hma_screening_bound(&screening, pool, hidden, POSITIONS, most, &possible));
    assert_true(possible);
    for (size_t i = 0; i < POSITIONS * h->rows; i++) {
        if (!(most[i] >= logits[i])) {
            fail_msg("%s %zux%zu: logit %zu is %.9g, above its bound %.9g", h->gemm->name, h->rows, h->columns, i,
                     (double)logits[i], (double)most[i]);
        }
        wide += most[i] - logits[i];
    }
    assert_true(wide / POSITIONS / (double)h->rows < 0.06 * (double)h->columns); /* of |W| |X|, some 2.7 columns at most */
    static const double temperatures[] = {0, 0.05, 0.7, 1, 4};
    for (size_t t = 0; t < sizeof temperatures / sizeof *temperatures; t++) {
        for (size_t i = 0; i < POSITIONS; i++) {
            const hma_generation r = {
                .temperature = temperatures[t], .top_p = 1, .seed = 3, .stream = i, .sample = (uint32_t)t};
            int32_t expected;
            float *row = malloc(h->rows * sizeof *row);
            memcpy(row, logits + i * h->rows, h->rows * sizeof *row);
            assert_ok(hma_sample(vector, &r, 9, row, h->rows, &expected));
            assert_int_equal(hma_screening_draw(&screening, vector, &r, 9, i, most + i * h->rows), expected);
            free(row);
        }
    }
    hma_screening_free(&screening);
    free(hidden);
    free(logits);
    free(most);
}

static void tokens_are_those_of_all_logits(void **state) {
    (void)state;
    static const size_t shapes[][2] = {{64, 12}, {97, 64}, {700, 100}, {5003, 192}};
    static const hma_vector *const vectors[] = {&hma_vector_base, &hma_vector_avx2, &hma_vector_avx512};
    hma_pool *pool;
    assert_ok(hma_pool_new(&pool, 2));
    for (size_t g = 0; g < sizeof all_gemms / sizeof *all_gemms; g++) {
        for (size_t s = 0; gemm_runs_here(all_gemms[g]) && s < sizeof shapes / sizeof *shapes; s++) {
            head h = make_head(all_gemms[g], shapes[s][0], shapes[s][1], pool);
            same_draws(&h, pool, hma_screen_avx512_runs() ? vectors[(g + s) % 3] : &hma_vector_base);
            free_head(&h);
        }
    }
    hma_pool_free(pool);
}

/* Only what can win is computed: a few panels of the head, not all. */
static size_t asked;
static float count_exact(void *user, size_t index) {
    asked++;
    return ((const float *)user)[index];
}

static void few_logits_are_asked_for(void **state) {
    (void)state;
    enum { N = 20000 };
    static float logits[N], most[N], tops[N / HMA_SCREEN_TOP + 1];
    for (size_t i = 0; i < N; i++) {
        logits[i] = 4 * noise("logits", i);
        most[i] = logits[i] + 2 + noise("bounds", i);
        const size_t top = i / HMA_SCREEN_TOP;
        tops[top] = i % HMA_SCREEN_TOP == 0 || most[i] > tops[top] ? most[i] : tops[top];
    }
    const hma_screened screened = {most, tops, count_exact, logits};
    const hma_rng_key key = hma_rng_key_for(1, "draws");
    for (uint32_t position = 0; position < 50; position++) {
        const size_t got = hma_vector_base.screened_argmax(&screened, N, 1, key.word, position, 0);
        assert_int_equal(got, hma_vector_base.gumbel_argmax(logits, N, 1, key.word, position, 0));
    }
    assert_in_range(asked, 50, 50 * N / 100);
}

/* Also when the later one is looked at first. */
static void of_equal_logits_the_first_wins(void **state) {
    (void)state;
    static float logits[300], most[300], tops[5];
    static const hma_vector *const vectors[] = {&hma_vector_base, &hma_vector_avx2, &hma_vector_avx512};
    logits[10] = logits[20] = logits[100] = logits[101] = 5;
    for (size_t i = 0; i < 300; i++) {
        const size_t top = i / HMA_SCREEN_TOP;
        most[i] = i == 20 || i == 101 ? 9 : i == 100 ? 8 : logits[i] + 1;
        tops[top] = i % HMA_SCREEN_TOP == 0 || most[i] > tops[top] ? most[i] : tops[top];
    }
    tops[1] = 10;
    const hma_screened screened = {most, tops, count_exact, logits};
    for (size_t v = 0; v < (hma_screen_avx512_runs() ? 3 : 1); v++) {
        assert_int_equal(vectors[v]->screened_argmax(&screened, 300, 1, NULL, 0, 0), 10);
    }
}

/* Products of bf16 are bounded for what becomes of X there. */
static void hidden_states_are_rounded_where_products_round_them(void **state) {
    (void)state;
    hma_pool *pool;
    assert_ok(hma_pool_new(&pool, 1));
    for (size_t g = 0; g < sizeof all_gemms / sizeof *all_gemms; g++) {
        if (!gemm_runs_here(all_gemms[g])) {
            continue;
        }
        head h = make_head(all_gemms[g], 200, 64, pool);
        float hidden[64], rounded[64], most[2][200];
        hma_screening screening;
        bool possible;
        fill("hidden", hidden, 64);
        for (size_t d = 0; d < 64; d++) {
            rounded[d] = hma_bf16_round(hidden[d]);
        }
        assert_ok(hma_screening_new(&screening, h.screen, 1, 1));
        assert_ok(hma_screening_bound(&screening, pool, hidden, 1, most[0], &possible));
        assert_ok(hma_screening_bound(&screening, pool, rounded, 1, most[1], &possible));
        assert_int_equal(memcmp(most[0], most[1], sizeof most[0]) == 0, all_gemms[g]->rounds_x);
        hma_screening_free(&screening);
        free_head(&h);
    }
    hma_pool_free(pool);
}

static void what_may_overflow_is_not_bounded(void **state) {
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY, 3e38f, 1e20f};
    hma_pool *pool;
    if (!runs_here()) {
        return;
    }
    assert_ok(hma_pool_new(&pool, 2));
    head h = make_head(hma_screen_avx512_runs() ? &hma_gemm_avx512 : &hma_gemm_avx2, 200, 64, pool);
    float hidden[3 * 64], most[3 * 200];
    hma_screening screening;
    assert_ok(hma_screening_new(&screening, h.screen, 3, 2));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bool possible = true;
        fill("hidden", hidden, 3 * 64);
        hidden[64 + 17] = bad[i];
        assert_ok(hma_screening_bound(&screening, pool, hidden, 3, most, &possible));
        assert_false(possible);
    }
    hma_screening_free(&screening);
    free_head(&h);
    hma_pool_free(pool);
}

/* Rows of the head that cannot be turned without overflow bound nothing either. */
static void heads_that_may_overflow_bound_nothing(void **state) {
    (void)state;
    hma_pool *pool;
    if (!runs_here()) {
        return;
    }
    assert_ok(hma_pool_new(&pool, 1));
    head h = make_head(hma_screen_avx512_runs() ? &hma_gemm_avx512 : &hma_gemm_avx2, 200, 64, pool);
    float hidden[64], most[200];
    hma_screening screening;
    bool possible = true;
    for (size_t d = 0; d < 64; d++) {
        h.weights[100 * 64 + d] = 3e37f;
        hidden[d] = 1e-4f * fabsf(noise("hidden", d));
    }
    h.gemm->pack(h.packed, 200, 64, 0, 200, h.weights);
    assert_ok(hma_screen_make(h.screen, pool, &(hma_matrix){.rows = 200, .columns = 64, .packed = h.packed}));
    assert_ok(hma_screening_new(&screening, h.screen, 1, 1));
    assert_ok(hma_screening_bound(&screening, pool, hidden, 1, most, &possible));
    assert_false(possible);
    hma_screening_free(&screening);
    free_head(&h);
    hma_pool_free(pool);
}

/* Bounds hold where squares of weights, or of hidden states, are too small for a float. */
static void tiny_values_are_bounded(void **state) {
    (void)state;
    hma_pool *pool;
    assert_ok(hma_pool_new(&pool, 1));
    for (int tiny_head = 0; runs_here() && tiny_head < 2; tiny_head++) {
        head h = make_head(hma_screen_avx512_runs() ? &hma_gemm_avx512 : &hma_gemm_avx2, 200, 64, pool);
        float hidden[64], most[200], logits[200];
        hma_screening screening;
        bool possible;
        for (size_t i = 0; tiny_head && i < 200 * 64; i++) {
            h.weights[i] *= 1e-24f;
        }
        for (size_t d = 0; d < 64; d++) {
            hidden[d] = noise("hidden", d) * (tiny_head ? 1 : 1e-24f);
        }
        h.gemm->pack(h.packed, 200, 64, 0, 200, h.weights);
        h.gemm->multiply(hidden, 64, 1, h.packed, 200, 64, 0, 200, logits, 200);
        assert_ok(hma_screen_make(h.screen, pool, &(hma_matrix){.rows = 200, .columns = 64, .packed = h.packed}));
        assert_ok(hma_screening_new(&screening, h.screen, 1, 1));
        assert_ok(hma_screening_bound(&screening, pool, hidden, 1, most, &possible));
        for (size_t j = 0; possible && j < 200; j++) {
            assert_true(most[j] >= logits[j]);
        }
        hma_screening_free(&screening);
        free_head(&h);
    }
    hma_pool_free(pool);
}

static void tiny_temperatures_need_all_logits(void **state) {
    (void)state;
    assert_true(hma_screen_serves(&(hma_generation){.temperature = 0, .top_p = 1}));
    assert_true(hma_screen_serves(&(hma_generation){.temperature = 1e-6, .top_p = 1}));
    assert_false(hma_screen_serves(&(hma_generation){.temperature = 1e-7, .top_p = 1}));
    assert_false(hma_screen_serves(&(hma_generation){.temperature = 1, .top_p = 0.9}));
    assert_false(hma_screen_serves(&(hma_generation){.temperature = 1, .top_p = 1, .top_k = 40}));
}

/* ---- whole models ---- */

enum { REPLIES = 20, PROMPT = 8, MOST = 12 };

static int32_t prompts[REPLIES][PROMPT];

/* Greedy ones, drawn ones, and some whose top-k or top-p needs all logits. */
static void ask(hma_generation *g, size_t vocabulary) {
    const hma_rng_key key = hma_rng_key_for(5, "screen");
    for (size_t i = 0; i < REPLIES; i++) {
        for (size_t p = 0; p < PROMPT; p++) {
            prompts[i][p] = (int32_t)hma_rng_below(key, i * PROMPT + p, vocabulary);
        }
        g[i] = (hma_generation){.prompt = {prompts[i], PROMPT},
                                .max_tokens = MOST,
                                .temperature = i % 3 ? 0.9 : 0,
                                .top_p = i % 7 == 5 ? 0.8 : 1,
                                .top_k = i % 7 == 2 ? 5 : 0,
                                .seed = 2,
                                .stream = i};
    }
}

static void same_replies(const hma_generation *a, const hma_generation *b) {
    for (size_t i = 0; i < REPLIES; i++) {
        assert_int_equal(a[i].count, b[i].count);
        assert_memory_equal(a[i].ids, b[i].ids, a[i].count * sizeof(int32_t));
    }
}

/* All at once, or one after the other: so few tokens that no screen is made for them. Returns the operations. */
static double reply(hma_model *m, hma_generation *g, bool at_once) {
    const double before = hma_model_count(m).flops;
    ask(g, hma_model_description(m)->vocabulary);
    for (size_t i = 0; i < REPLIES; i += at_once ? REPLIES : 1) {
        assert_ok(hma_model_generate(m, g + i, at_once ? REPLIES : 1, NULL, NULL));
    }
    return hma_model_count(m).flops - before;
}

static void replies_are_the_same_with_a_screen_and_without(void **state) {
    (void)state;
    static const char *const names[] = {"llama-gqa-tied-text", "gemma3", "gpt2-text", "mistral-window", "gemma2"};
    for (size_t f = 0; f < 2 * sizeof names / sizeof *names; f++) {
        hma_generation with[REPLIES], without[REPLIES], guessed[REPLIES];
        const hma_precision precision = f % 2 ? HMA_BF16_COMPUTE : HMA_FP32;
        opened o = open_fixture_in(names[f / 2], 1 + (unsigned)f % 3, 0, HMA_BACKEND_AUTO, precision);
        (void)reply(o.model, without, false);
        (void)reply(o.model, with, true);
        same_replies(with, without);
        /* half right guesses, whose positions are drawn all at once */
        hma_ids guesses[REPLIES];
        ask(guessed, hma_model_description(o.model)->vocabulary);
        for (size_t i = 0; i < REPLIES; i++) {
            guesses[i] = (hma_ids){with[i].ids, with[i].count};
            guessed[i].guesses = &guesses[i];
            guessed[i].guess_count = 1;
            if (i % 2 && with[i].count > 6) {
                with[i].ids[6] ^= 1;
            }
        }
        assert_ok(hma_model_generate(o.model, guessed, REPLIES, NULL, NULL));
        same_replies(guessed, without);
        hma_generation_clear(with, REPLIES);
        hma_generation_clear(without, REPLIES);
        hma_generation_clear(guessed, REPLIES);
        close_fixture(&o);
    }
}

static void another_model_has_another_screen(void **state) {
    (void)state;
    hma_generation got[REPLIES], fresh[REPLIES];
    demo_pair p = open_demo(2, 0);
    hma_source *source[] = {merge_demo(&p, (const double[]){0, 0, 0}, 3), merge_demo(&p, (const double[]){1, 1, 1}, 3)};
    hma_model *model;
    assert_ok(hma_model_open(&model, p.context, source[0], NULL));
    for (size_t i = 0; i < 4; i++) {
        hma_model *other;
        assert_ok(hma_model_rebind(model, source[i % 2]));
        /* in between the head is made without a screen of it */
        const double operations = reply(model, got, i != 1);
        assert_ok(hma_model_open(&other, p.context, source[i % 2], NULL));
        const double without = reply(other, fresh, false);
        same_replies(got, fresh);
        assert_true(!runs_here() || i == 1 || operations < 0.97 * without);
        hma_model_close(other);
        hma_generation_clear(got, REPLIES);
        hma_generation_clear(fresh, REPLIES);
    }
    hma_model_close(model);
    hma_source_free(source[0]);
    hma_source_free(source[1]);
    close_demo(&p);
}

/* Prompts are drawn from bounds, steps of several models from logits. */
static void models_in_step_draw_what_a_model_alone_draws(void **state) {
    (void)state;
    hma_generation alone[REPLIES], joint[REPLIES];
    opened o = open_fixture("llama-gqa-tied-text", 2, 0, HMA_BACKEND_AUTO);
    (void)reply(o.model, alone, true);
    ask(joint, hma_model_description(o.model)->vocabulary);
    assert_ok(hma_generate_together(&(hma_companion){o.model, joint, REPLIES, NULL, NULL}, 1));
    same_replies(alone, joint);
    hma_generation_clear(alone, REPLIES);
    hma_generation_clear(joint, REPLIES);
    close_fixture(&o);
}

/* Weights of another type are packed anew, and may take the memory of those before with all that was made of them. */
static void memory_goes_back_with_the_model(void **state) {
    (void)state;
    hma_generation g[REPLIES];
    demo_pair p = open_demo(1, 0);
    hma_recipe_spec spec = hma_recipe_spec_default();
    hma_source *source[2];
    hma_model *model, *fresh;
    for (size_t i = 0; i < 2; i++) {
        hma_recipe *recipe;
        spec.layers = 6;
        spec.ratios = (const double[]){0.5};
        spec.ratio_count = 1;
        spec.dtype = i ? HMA_F32 : HMA_DTYPE_STORED;
        assert_ok(hma_recipe_new(&recipe, &spec));
        assert_ok(hma_source_merged(&source[i], p.pre, p.post, recipe));
        hma_recipe_free(recipe);
    }
    assert_ok(hma_model_open(&fresh, p.context, source[1], NULL));
    const uint64_t expected = hma_context_claimed(p.context);
    hma_model_close(fresh);
    assert_ok(hma_model_open(&model, p.context, source[0], NULL));
    const uint64_t before = hma_context_claimed(p.context);
    (void)reply(model, g, true);
    assert_true(!runs_here() || hma_context_claimed(p.context) > before);
    assert_ok(hma_model_rebind(model, source[1]));
    assert_int_equal(hma_context_claimed(p.context), expected);
    hma_model_close(model);
    assert_int_equal(hma_context_claimed(p.context), 0);
    hma_generation_clear(g, REPLIES);
    hma_source_free(source[0]);
    hma_source_free(source[1]);
    close_demo(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panels_are_rounded_as_described),
        cmocka_unit_test(rows_are_rounded_as_described),
        cmocka_unit_test(products_are_exact),
        cmocka_unit_test(bounds_are_put_together_as_described),
        cmocka_unit_test(tokens_are_those_of_all_logits),
        cmocka_unit_test(few_logits_are_asked_for),
        cmocka_unit_test(of_equal_logits_the_first_wins),
        cmocka_unit_test(hidden_states_are_rounded_where_products_round_them),
        cmocka_unit_test(what_may_overflow_is_not_bounded),
        cmocka_unit_test(heads_that_may_overflow_bound_nothing),
        cmocka_unit_test(tiny_values_are_bounded),
        cmocka_unit_test(tiny_temperatures_need_all_logits),
        cmocka_unit_test(replies_are_the_same_with_a_screen_and_without),
        cmocka_unit_test(another_model_has_another_screen),
        cmocka_unit_test(models_in_step_draw_what_a_model_alone_draws),
        cmocka_unit_test(memory_goes_back_with_the_model),
    };
    return cmocka_run_group_tests_name("transformer: screen", tests, NULL, NULL);
}
