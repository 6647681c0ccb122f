/*
 * Matrix products of the shapes that the engine uses, for models of three sizes: every backend against the measured peak of the
 * cores used, and against OpenBLAS. Backends take turns; medians of ROUNDS.
 *
 *     bench_gemm [threads [model]]        (135M, 1.1B or 3B: its shapes only)
 *
 * Last, what bounds a head's logits in 8 bits (screen.h), in operations of the product that it stands for.
 *
 * Cut as the engine cuts them: many rows into tiles of rows, whose results go into memory of the thread (the next operation of
 * the layer reads them there), for the head also into tiles of columns; a few rows by columns. Inside the timed window: the
 * product, with all that a backend does to X. Outside: packing of W. One thread is measured in CPU time, so that what else runs
 * on the machine costs it no more than its share of the caches; several in wall time, with nothing beside them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "base/memory.h"
#include "base/pool.h"
#include "clock.h"
#include "eval/transformer/kernels/kernels.h"
#include "eval/transformer/screen.h"
#include "eval/transformer/weights.h"
#include "peak.h"

enum { ROUNDS = 5, BACKENDS = 8, ROWS = 96, HUGE_BLOCK = 1 << 22 };

typedef struct shape {
    const char *model, *what;
    size_t n, k;
} shape;

static const shape shapes[] = {
    {"135M", "qkv", 960, 576},        {"135M", "o", 576, 576},      {"135M", "gate+up", 3072, 576},
    {"135M", "down", 576, 1536},      {"135M", "head", 49152, 576}, {"1.1B", "qkv", 2560, 2048},
    {"1.1B", "gate+up", 11264, 2048}, {"1.1B", "down", 2048, 5632}, {"3B", "qkv", 9600, 3200},
    {"3B", "gate+up", 17280, 3200},   {"3B", "down", 3200, 8640},
};

typedef struct job {
    const hma_gemm *gemm;
    const shape *s;
    const float *x;
    const void *packed;
    float *y; /* [m, n]; of tiles of rows [threads][ROWS, tile_stride()] */
    size_t m;
    size_t columns; /* of a task */
} job;

/* From a row of a tile to the next: not whole pages (as in layer.c). */
static size_t tile_stride(const job *j) { return j->columns % 1024 == 0 ? j->columns + 256 : j->columns; }

static size_t pieces_of(const job *j) { return (j->s->n + j->columns - 1) / j->columns; }

static hma_status run_tile(void *argument, size_t index, size_t worker) {
    const job *j = argument;
    const size_t n = j->s->n, k = j->s->k, pieces = pieces_of(j);
    const size_t row = index / pieces * ROWS, first = index % pieces * j->columns;
    const size_t count = n - first < j->columns ? n - first : j->columns;
    if (j->m < ROWS) {
        j->gemm->multiply(j->x, k, j->m, j->packed, n, k, first, count, j->y + first, n);
    } else {
        const size_t stride = tile_stride(j);
        j->gemm->multiply(j->x + row * k, k, ROWS, j->packed, n, k, first, count, j->y + worker * ROWS * stride, stride);
    }
    return HMA_OK;
}

/* One thread: processor time, so that what else runs does not count. Several wait for each other: wall time. */
static double clock_of(const hma_pool *pool) { return hma_pool_threads(pool) == 1 ? bench_cpu() : bench_now(); }

/* Operations per second. */
static double rate_of(hma_pool *pool, const job *j) {
    const size_t tiles = pieces_of(j) * (j->m < ROWS ? 1 : j->m / ROWS);
    const double flops = 2.0 * (double)j->m * (double)j->s->n * (double)j->s->k;
    const int repeats = 1 + (int)(1e9 / flops);
    const double start = clock_of(pool);
    for (int i = 0; i < repeats; i++) {
        (void)hma_pool_run(pool, tiles, run_tile, (void *)(uintptr_t)j);
    }
    return flops * repeats / (clock_of(pool) - start);
}

typedef struct backend {
    const char *name;
    const hma_gemm *gemm;
    double peak;
} backend;

static void run_shape(hma_pool *pool, const backend *backends, const shape *s, size_t m) {
    float *x = hma_new_aligned(m * s->k, sizeof *x), *y = hma_new_aligned(m * s->n, sizeof *y);
    float *rows = hma_new_aligned(s->n * s->k, sizeof *rows);
    void *packed[BACKENDS] = {0};
    double rate[BACKENDS][ROUNDS];
    for (size_t i = 0; i < m * s->k; i++) {
        x[i] = (float)(i % 17) - 8;
    }
    for (size_t i = 0; i < s->n * s->k; i++) {
        rows[i] = (float)(i % 13) - 6;
    }
    for (size_t b = 0; b < BACKENDS && backends[b].gemm; b++) {
        /* in huge pages, as a part of a layer is */
        const size_t bytes = hma_packed_bytes(backends[b].gemm, s->n, s->k);
        packed[b] = hma_new_aligned(bytes < HUGE_BLOCK ? HUGE_BLOCK : bytes, 1);
        backends[b].gemm->pack(packed[b], s->n, s->k, 0, s->n, rows);
    }
    for (size_t r = 0; r <= ROUNDS; r++) {
        for (size_t b = 0; b < BACKENDS && backends[b].gemm; b++) {
            const size_t few = hma_gemm_columns_at_once(backends[b].gemm, s->n, hma_pool_threads(pool));
            const size_t many = s->n > HMA_HEAD_TILE && strcmp(s->what, "head") == 0 ? HMA_HEAD_TILE : s->n;
            const job j = {backends[b].gemm, s, x, packed[b], y, m, m < ROWS ? few : many};
            rate[b][r ? r - 1 : 0] = rate_of(pool, &j); /* the first round warms up and is overwritten */
        }
    }
    printf("%-5s %-8s %5zu x %5zu x %4zu", s->model, s->what, s->n, s->k, m);
    for (size_t b = 0; b < BACKENDS && backends[b].gemm; b++) {
        const double median = bench_median(rate[b], ROUNDS);
        printf("  %5.0f (%3.0f%%)", median / 1e9, 100 * median / backends[b].peak / (double)hma_pool_threads(pool));
        free(packed[b]);
    }
    printf("\n");
    (void)fflush(stdout);
    free(x);
    free(y);
    free(rows);
}

/* ---- bounds ---- */

typedef struct bounds {
    hma_screening screening;
    const float *x;
    size_t m;
    float *most;
} bounds;

static double rate_of_bounds(hma_pool *pool, bounds *b, const shape *s) {
    const double flops = 2.0 * (double)b->m * (double)s->n * (double)s->k;
    const int repeats = 1 + (int)(4e9 / flops);
    const double start = clock_of(pool);
    bool possible;
    for (int i = 0; i < repeats; i++) {
        (void)hma_screening_bound(&b->screening, pool, b->x, b->m, b->most, &possible);
    }
    return flops * repeats / (clock_of(pool) - start);
}

static void run_bounds(hma_pool *pool, const hma_gemm *gemm, const shape *s, const size_t *rows, size_t count) {
    enum { MOST = 64 };
    hma_screen *screen;
    if (hma_screen_bytes(gemm, s->n, s->k) == 0) {
        printf("%-5s %-8s no bounds on this processor\n", s->model, s->what);
        return;
    }
    float *x = hma_new_aligned(MOST * s->k, sizeof *x), *w = hma_new_aligned(s->n * s->k, sizeof *w);
    void *packed = hma_new_aligned(hma_packed_bytes(gemm, s->n, s->k), 1);
    bounds b = {.x = x, .most = hma_new_aligned(MOST * s->n, sizeof *b.most)};
    for (size_t i = 0; i < MOST * s->k; i++) {
        x[i] = (float)(i % 17) - 8;
    }
    for (size_t i = 0; i < s->n * s->k; i++) {
        w[i] = (float)(i % 13) - 6;
    }
    gemm->pack(packed, s->n, s->k, 0, s->n, w);
    const hma_matrix head = {.rows = s->n, .columns = s->k, .packed = packed};
    if (hma_screen_new(&screen, gemm, s->n, s->k) != HMA_OK || hma_screen_make(screen, pool, &head) != HMA_OK ||
        hma_screening_new(&b.screening, screen, MOST, hma_pool_threads(pool)) != HMA_OK) {
        (void)fprintf(stderr, "%s\n", hma_error_message());
        exit(1);
    }
    const double start = clock_of(pool);
    (void)hma_screen_make(screen, pool, &head);
    printf("%-5s %-8s %5zu x %5zu  bounds, made in %.1f ms:", s->model, s->what, s->n, s->k, 1e3 * (clock_of(pool) - start));
    for (size_t i = 0; i < count; i++) {
        double rate[ROUNDS];
        b.m = rows[i];
        for (size_t r = 0; r <= ROUNDS; r++) {
            rate[r ? r - 1 : 0] = rate_of_bounds(pool, &b, s);
        }
        printf("  %zu rows %.0f", b.m, bench_median(rate, ROUNDS) / 1e9);
    }
    printf("\n");
    hma_screening_free(&b.screening);
    hma_screen_free(screen);
    free(x);
    free(w);
    free(packed);
    free(b.most);
}

int main(int argc, char **argv) {
    hma_pool *pool;
    hma_kernels fp32, bf16, blas;
    if (hma_pool_new(&pool, bench_threads(argc, argv, 1, 1)) != HMA_OK ||
        hma_kernels_choose(&fp32, HMA_BACKEND_AUTO, HMA_FP32) != HMA_OK ||
        hma_kernels_choose(&bf16, HMA_BACKEND_AUTO, HMA_BF16_COMPUTE) != HMA_OK ||
        hma_kernels_choose(&blas, HMA_BACKEND_OPENBLAS, HMA_FP32) != HMA_OK) {
        (void)fprintf(stderr, "%s\n", hma_error_message());
        return 1;
    }
    const double peak = bench_peak_fp32(), dot_peak = bench_peak_bf16_dot(), narrow_peak = bench_peak_avx2();
    hma_kernels w16 = fp32; /* fp32 with bfloat16 weights, as most models have them */
    hma_kernels_fit(&w16, true);
    backend backends[BACKENDS + 1] = {{hma_kernels_name(&fp32), fp32.gemm, peak},
                                      {w16.gemm->name, w16.gemm, peak},
                                      {bf16.gemm->name, bf16.gemm, bf16.gemm == &hma_gemm_dot_bf16 ? dot_peak : peak},
                                      {hma_kernels_name(&blas), blas.gemm, peak}};
    size_t count = 4;
    if (dot_peak > 0 && bf16.gemm != &hma_gemm_dot_bf16) {
        backends[count++] = (backend){hma_gemm_dot_bf16.name, &hma_gemm_dot_bf16, dot_peak};
    }
    if (narrow_peak > 0 && fp32.gemm != &hma_gemm_avx2) {
        backends[count++] = (backend){hma_gemm_avx2.name, &hma_gemm_avx2, narrow_peak};
        backends[count++] = (backend){hma_gemm_avx2_w16.name, &hma_gemm_avx2_w16, narrow_peak};
        backends[count++] = (backend){hma_gemm_avx2_bf16.name, &hma_gemm_avx2_bf16, narrow_peak};
    }
    printf("%zu threads; peak of a core: fp32 %.0f, AVX2 %.0f, bf16 dot %.0f GFLOP/s\nGFLOP/s and share of the peak of each "
           "backend:",
           hma_pool_threads(pool), peak / 1e9, narrow_peak / 1e9, dot_peak / 1e9);
    for (size_t b = 0; b < count; b++) {
        printf("  %s", backends[b].name);
    }
    printf("\n");
    static const size_t few[] = {1, 2, 4, 8, 16, 64};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (argc > 2 && strcmp(argv[2], shapes[i].model) != 0) {
            continue;
        }
        for (size_t f = 0; f < sizeof few / sizeof *few; f++) {
            run_shape(pool, backends, &shapes[i], few[f]);
        }
        run_shape(pool, backends, &shapes[i], 2 * ROWS * hma_pool_threads(pool));
        if (strcmp(shapes[i].what, "head") == 0) {
            run_bounds(pool, w16.gemm, &shapes[i], few, sizeof few / sizeof *few);
        }
    }
    hma_pool_free(pool);
    return 0;
}
