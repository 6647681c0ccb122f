/*
 * The element loops of a merge: every instruction set and weight type, one core, on blocks that lie in the caches as they do
 * when a source is read, and the same loops over memory beside memcpy() of as many bytes. Medians of ROUNDS.
 *
 *     bench_merge
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clock.h"
#include "merge/source.h"

enum { ROUNDS = 15, REPEATS = 8, MEMORY_BLOCKS = 512 };

static const hma_dtype types[] = {HMA_BF16, HMA_F16, HMA_F32};

typedef struct buffers {
    float *pre, *post, *out; /* MEMORY_BLOCKS blocks each */
} buffers;

/* Small weights, post a little off pre, in the type of the blend. */
static void fill(const buffers *b, hma_dtype dtype, size_t blocks) {
    const hma_rng_key key = hma_rng_key_for(1, "bench");
    const hma_blend convert = {.from = HMA_F32, .to = dtype};
    const size_t size = hma_dtype_size(dtype);
    static float x[HMA_BLOCK], y[HMA_BLOCK];
    for (size_t i = 0; i < HMA_BLOCK; i++) {
        x[i] = (float)(hma_rng_double(key, i) - 0.5) * 0.1f;
        y[i] = x[i] * (1 + 0.01f * (float)hma_rng_double(key, i + HMA_BLOCK));
    }
    for (size_t k = 0; k < blocks; k++) {
        (void)hma_kernels_best()->blend(&convert, 0, HMA_BLOCK, &(hma_operands){x, x, NULL},
                                        (char *)b->pre + k * HMA_BLOCK * size);
        (void)hma_kernels_best()->blend(&convert, 0, HMA_BLOCK, &(hma_operands){y, y, NULL},
                                        (char *)b->post + k * HMA_BLOCK * size);
    }
}

/* Elements per second over `blocks` blocks. */
static double rate(const hma_kernels *kernels, const hma_blend *blend, const buffers *b, size_t blocks) {
    double rates[ROUNDS];
    const size_t size = hma_dtype_size(blend->to), repeats = blocks > 1 ? 1 : REPEATS;
    for (size_t round = 0; round < ROUNDS; round++) {
        const double start = bench_now();
        for (size_t r = 0; r < repeats; r++) {
            for (size_t k = 0; k < blocks; k++) {
                const size_t at = k * HMA_BLOCK * size;
                (void)kernels->blend(blend, 0, HMA_BLOCK, &(hma_operands){(char *)b->pre + at, (char *)b->post + at, NULL},
                                     (char *)b->out + at);
            }
        }
        rates[round] = (double)repeats * (double)blocks * HMA_BLOCK / (bench_now() - start);
    }
    return bench_median(rates, ROUNDS);
}

/* Bytes per second, read and written counted once each. */
static double copy_rate(const buffers *b) {
    double rates[ROUNDS];
    const size_t bytes = (size_t)MEMORY_BLOCKS * HMA_BLOCK * sizeof(float);
    for (size_t round = 0; round < ROUNDS; round++) {
        const double start = bench_now();
        memcpy(b->out, b->pre, bytes);
        rates[round] = 2 * (double)bytes / (bench_now() - start);
    }
    return bench_median(rates, ROUNDS);
}

int main(void) {
    const size_t bytes = (size_t)MEMORY_BLOCKS * HMA_BLOCK * sizeof(float);
    const buffers b = {hma_new_aligned(bytes, 1), hma_new_aligned(bytes, 1), hma_new_aligned(bytes, 1)};
    if (!b.pre || !b.post || !b.out) {
        return 1;
    }
    memset(b.out, 1, bytes);
    fill(&b, HMA_F32, MEMORY_BLOCKS);
    const double copy = copy_rate(&b);
    (void)printf("memcpy: %.1f GB/s\n%-9s %-5s %12s %12s %14s %12s\n", copy / 1e9, "kernels", "type", "cached Ge/s",
                 "memory Ge/s", "of memcpy's B/s", "stochastic");
    for (size_t k = 0; hma_kernels_at(k); k++) {
        for (size_t t = 0; t < 3; t++) {
            const hma_kernels *kernels = hma_kernels_at(k);
            const hma_blend nearest = {.from = types[t], .to = types[t], .ratio = 0.3};
            hma_blend stochastic = nearest;
            stochastic.stochastic = true;
            fill(&b, types[t], MEMORY_BLOCKS);
            const double cached = rate(kernels, &nearest, &b, 1), memory = rate(kernels, &nearest, &b, MEMORY_BLOCKS);
            (void)printf("%-9s %-5s %12.2f %12.2f %13.0f%% %12.2f\n", kernels->name, hma_dtype_name(types[t]), cached / 1e9,
                         memory / 1e9, 100 * memory * 3 * (double)hma_dtype_size(types[t]) / copy,
                         rate(kernels, &stochastic, &b, 1) / 1e9);
        }
    }
    free(b.pre);
    free(b.post);
    free(b.out);
    return 0;
}
