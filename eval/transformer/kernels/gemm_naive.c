/* The reference: what every other backend is tested against. And the packing that most of them share. */
#include <math.h>
#include <string.h>

#include "eval/transformer/kernels/bf16.h"
#include "eval/transformer/kernels/gemm.h"

static size_t depth_at(size_t k, size_t d0) { return k - d0 < HMA_GEMM_DEPTH ? k - d0 : HMA_GEMM_DEPTH; }

/* Four floats as one value, whatever the processor. */
typedef float four __attribute__((vector_size(16)));
enum { FOUR = 4 };

static inline four load(const float *from) {
    four v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline void store(float *to, four v) { memcpy(to, &v, sizeof v); }

/* Four columns of four rows. */
static inline void turn(float *block, const float *rows, size_t stride) {
    const four a = load(rows), b = load(rows + stride), c = load(rows + 2 * stride), d = load(rows + 3 * stride);
    const four low_ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), low_cd = __builtin_shufflevector(c, d, 0, 4, 1, 5),
               high_ab = __builtin_shufflevector(a, b, 2, 6, 3, 7), high_cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    store(block, __builtin_shufflevector(low_ab, low_cd, 0, 1, 4, 5));
    store(block + HMA_PANEL, __builtin_shufflevector(low_ab, low_cd, 2, 3, 6, 7));
    store(block + 2 * HMA_PANEL, __builtin_shufflevector(high_ab, high_cd, 0, 1, 4, 5));
    store(block + 3 * HMA_PANEL, __builtin_shufflevector(high_ab, high_cd, 2, 3, 6, 7));
}

/* 16 columns at a time, so that all rows stay in cache. */
void hma_gemm_pack_block(float *block, size_t depth, size_t wide, const float *rows, size_t stride) {
    if (wide < HMA_PANEL) {
        memset(block, 0, depth * HMA_PANEL * sizeof *block);
    }
    for (size_t from = 0; from < depth; from += 16) {
        const size_t to = from + 16 < depth ? from + 16 : depth, turned = from + (to - from) / FOUR * FOUR;
        for (size_t j = 0; j < wide; j += FOUR) {
            const bool whole = wide - j >= FOUR;
            for (size_t d = from; whole && d < turned; d += FOUR) {
                turn(block + d * HMA_PANEL + j, rows + j * stride + d, stride);
            }
            for (size_t i = j; i < j + FOUR && i < wide; i++) {
                for (size_t d = whole ? turned : from; d < to; d++) {
                    block[d * HMA_PANEL + i] = rows[i * stride + d];
                }
            }
        }
    }
}

void hma_gemm_pack_panels(void *packed, size_t n, size_t k, size_t first, size_t count, const float *rows) {
    (void)n;
    for (size_t base = 0; base < count; base += HMA_PANEL) {
        const size_t wide = count - base < HMA_PANEL ? count - base : HMA_PANEL;
        for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
            const size_t depth = depth_at(k, d0);
            hma_gemm_pack_block((float *)packed + hma_panel_offset(k, first + base, d0), depth, wide, rows + base * k + d0, k);
        }
    }
}

void hma_gemm_unpack_panel(const void *packed, size_t k, size_t row, float *panel) {
    memcpy(panel, (const float *)packed + hma_panel_offset(k, row, 0), k * HMA_PANEL * sizeof *panel);
}

void hma_gemm_pack_panels_bf16(void *packed, size_t n, size_t k, size_t first, size_t count, const float *rows) {
    (void)n;
    float block[HMA_GEMM_DEPTH * HMA_PANEL];
    for (size_t base = 0; base < count; base += HMA_PANEL) {
        const size_t wide = count - base < HMA_PANEL ? count - base : HMA_PANEL;
        for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
            const size_t depth = depth_at(k, d0);
            uint16_t *to = (uint16_t *)packed + hma_panel_offset(k, first + base, d0);
            hma_gemm_pack_block(block, depth, wide, rows + base * k + d0, k);
            for (size_t i = 0; i < depth * HMA_PANEL; i++) {
                to[i] = hma_bf16_from(block[i]);
            }
        }
    }
}

static void multiply(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy) {
    (void)n;
    for (size_t i = 0; i < m; i++) {
        for (size_t j = first; j < first + count; j++) {
            float sum = 0;
            for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
                const size_t depth = depth_at(k, d0);
                const float *w = (const float *)packed + hma_panel_offset(k, j, d0) + j % HMA_PANEL;
                float acc = 0;
                for (size_t d = 0; d < depth; d++) {
                    acc = fmaf(x[i * ldx + d0 + d], w[d * HMA_PANEL], acc);
                }
                sum = d0 ? sum + acc : acc;
            }
            y[i * ldy + j - first] = sum;
        }
    }
}

static void multiply_bf16(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first,
                          size_t count, float *y, size_t ldy) {
    (void)n;
    for (size_t i = 0; i < m; i++) {
        for (size_t j = first; j < first + count; j++) {
            float sum = 0;
            for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
                const size_t depth = depth_at(k, d0);
                const uint16_t *w = (const uint16_t *)packed + hma_panel_offset(k, j, d0) + j % HMA_PANEL;
                float acc = 0;
                for (size_t d = 0; d < depth; d++) {
                    acc = fmaf(hma_bf16_round(x[i * ldx + d0 + d]), hma_bf16_to(w[d * HMA_PANEL]), acc);
                }
                sum = d0 ? sum + acc : acc;
            }
            y[i * ldy + j - first] = sum;
        }
    }
}

const hma_gemm hma_gemm_naive = {"naive", true, true, sizeof(float), hma_gemm_pack_panels, multiply, false, NULL};
const hma_gemm hma_gemm_naive_bf16 = {"naive-bf16",  true, true, sizeof(uint16_t), hma_gemm_pack_panels_bf16,
                                      multiply_bf16, true, NULL};
