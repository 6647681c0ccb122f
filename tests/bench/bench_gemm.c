/*
 * Matrix products of the shapes that the engine uses, for models of three sizes: every backend against the measured peak of the cores
 * used, and against OpenBLAS. Backends take turns; medians of ROUNDS.
 *
 *     bench_gemm [threads]
 *
 * Inside the timed window: the product (activations rounded, where the backend does that). Outside: packing.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/pool.h"
#include "clock.h"
#include "eval/transformer/kernels/kernels.h"
#include "peak.h"

enum { ROUNDS = 7, BACKENDS = 5, ROWS = 96 };

typedef struct shape {
    const char *model, *what;
    size_t n, k;
} shape;

static const shape shapes[] = {
    {"135M", "qkv", 960, 576},    {"135M", "o", 576, 576},     {"135M", "gate+up", 3072, 576},  {"135M", "down", 576, 1536},
    {"135M", "head", 2048, 576},  {"1.1B", "qkv", 2560, 2048}, {"1.1B", "gate+up", 11264, 2048}, {"1.1B", "down", 2048, 5632},
    {"3B", "qkv", 9600, 3200},    {"3B", "gate+up", 17280, 3200}, {"3B", "down", 3200, 8640},
};

typedef struct job {
    const hma_gemm *gemm;
    const shape *s;
    const float *x;
    const void *packed;
    float *y;
    size_t m, tiles;
} job;

static hma_status run_tile(void *argument, size_t index, size_t worker) {
    const job *j = argument;
    (void)worker;
    j->gemm->multiply(j->x + index * j->m * j->s->k, j->s->k, j->m, j->packed, j->s->n, j->s->k, 0, j->s->n,
                      j->y + index * j->m * j->s->n, j->s->n);
    return HMA_OK;
}

static hma_status peak_tile(void *argument, size_t index, size_t worker) {
    (void)worker;
    ((double *)argument)[index] = bench_peak_fp32();
    return HMA_OK;
}

/* Peak of all cores together, measured at the same time. */
static double peak(hma_pool *pool) {
    double each[64] = {0}, sum = 0;
    const size_t threads = hma_pool_threads(pool);
    if (hma_pool_run(pool, threads, peak_tile, each) == HMA_OK) {
        for (size_t i = 0; i < threads; i++) {
            sum += each[i];
        }
    }
    return sum;
}

static void run_shape(hma_pool *pool, const hma_gemm *const *backends, const shape *s) {
    const size_t tiles = 2 * hma_pool_threads(pool);
    float *x = hma_new_aligned(tiles * ROWS * s->k, sizeof *x), *y = hma_new_aligned(tiles * ROWS * s->n, sizeof *y);
    float *rows = hma_new_aligned(s->n * s->k, sizeof *rows);
    void *packed[BACKENDS] = {0};
    double rate[BACKENDS][ROUNDS], top[ROUNDS];
    for (size_t i = 0; i < tiles * ROWS * s->k; i++) {
        x[i] = (float)(i % 17) - 8;
    }
    for (size_t i = 0; i < s->n * s->k; i++) {
        rows[i] = (float)(i % 13) - 6;
    }
    for (size_t b = 0; b < BACKENDS && backends[b]; b++) {
        packed[b] = hma_new_aligned(hma_packed_bytes(backends[b], s->n, s->k), 1);
        backends[b]->pack(packed[b], s->n, s->k, 0, s->n, rows);
    }
    const double flops = 2.0 * (double)(tiles * ROWS) * (double)s->n * (double)s->k;
    const int repeats = 1 + (int)(3e9 / flops);
    for (size_t r = 0; r < ROUNDS; r++) {
        top[r] = peak(pool);
        for (size_t b = 0; b < BACKENDS && backends[b]; b++) {
            job j = {backends[b], s, x, packed[b], y, ROWS, tiles};
            const double start = bench_now();
            for (int i = 0; i < repeats; i++) {
                (void)hma_pool_run(pool, tiles, run_tile, &j);
            }
            rate[b][r] = flops * repeats / (bench_now() - start);
        }
    }
    const double most = bench_median(top, ROUNDS);
    printf("%-5s %-8s %5zu x %5zu  peak %4.0f", s->model, s->what, s->n, s->k, most / 1e9);
    for (size_t b = 0; b < BACKENDS && backends[b]; b++) {
        const double median = bench_median(rate[b], ROUNDS);
        printf("  %s %4.0f (%2.0f%%)", backends[b]->name, median / 1e9, 100 * median / most);
        free(packed[b]);
    }
    printf("\n");
    free(x);
    free(y);
    free(rows);
}

int main(int argc, char **argv) {
    hma_pool *pool;
    hma_kernels fp32, bf16, blas, dot = {0};
    if (hma_pool_new(&pool, argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 1) != HMA_OK ||
        hma_kernels_choose(&fp32, HMA_BACKEND_AUTO, HMA_FP32) != HMA_OK ||
        hma_kernels_choose(&bf16, HMA_BACKEND_AUTO, HMA_BF16_COMPUTE) != HMA_OK ||
        hma_kernels_choose(&blas, HMA_BACKEND_OPENBLAS, HMA_FP32) != HMA_OK) {
        (void)fprintf(stderr, "%s\n", hma_error_message());
        return 1;
    }
    if (bench_peak_bf16_dot() > 0 && bf16.gemm != &hma_gemm_dot_bf16) {
        dot.gemm = &hma_gemm_dot_bf16;
    }
    const hma_gemm *const backends[BACKENDS] = {fp32.gemm, bf16.gemm, blas.gemm, dot.gemm};
    printf("%zu threads, %d rows a tile, GFLOP/s (share of the fp32 peak measured between the rounds); bf16 dot peak %.0f a core\n",
           hma_pool_threads(pool), ROWS, bench_peak_bf16_dot() / 1e9);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        run_shape(pool, backends, &shapes[i]);
    }
    hma_pool_free(pool);
    return 0;
}
