/* The reference: what every other backend is tested against. */
#include <math.h>
#include <string.h>

#include "eval/transformer/kernels/gemm.h"

void hma_gemm_pack_panels(float *packed, size_t n, size_t k, size_t first, size_t count, const float *rows) {
    (void)n;
    for (size_t base = 0; base < count; base += HMA_PANEL) {
        const size_t wide = count - base < HMA_PANEL ? count - base : HMA_PANEL;
        float *panel = packed + (first + base) * k;
        const float *from = rows + base * k;
        if (wide < HMA_PANEL) {
            memset(panel, 0, k * HMA_PANEL * sizeof *panel);
        }
        /* 16 columns at a time keep the reads of all rows in cache */
        for (size_t d0 = 0; d0 < k; d0 += 16) {
            const size_t d1 = d0 + 16 < k ? d0 + 16 : k;
            for (size_t j = 0; j < wide; j++) {
                for (size_t d = d0; d < d1; d++) {
                    panel[d * HMA_PANEL + j] = from[j * k + d];
                }
            }
        }
    }
}

static void multiply(const float *x, size_t ldx, size_t m, const float *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy) {
    (void)n;
    for (size_t i = 0; i < m; i++) {
        for (size_t j = first; j < first + count; j++) {
            const float *w = packed + j / HMA_PANEL * HMA_PANEL * k + j % HMA_PANEL;
            float sum = 0;
            for (size_t d0 = 0; d0 < k; d0 += HMA_GEMM_DEPTH) {
                float acc = 0;
                for (size_t d = d0; d < k && d < d0 + HMA_GEMM_DEPTH; d++) {
                    acc = fmaf(x[i * ldx + d], w[d * HMA_PANEL], acc);
                }
                sum = d0 ? sum + acc : acc;
            }
            y[i * ldy + j - first] = sum;
        }
    }
}

const hma_gemm hma_gemm_naive = {"naive", true, hma_gemm_pack_panels, multiply};
