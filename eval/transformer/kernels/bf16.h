/* bfloat16: the upper half of an fp32 number. */
#ifndef HMA_EVAL_TRANSFORMER_KERNELS_BF16_H
#define HMA_EVAL_TRANSFORMER_KERNELS_BF16_H

#include <stdint.h>
#include <string.h>

/* To nearest, ties to even; NaN stays NaN. */
static inline uint16_t hma_bf16_from(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) {
        return (uint16_t)(bits >> 16 | 0x40);
    }
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float hma_bf16_to(uint16_t half) {
    const uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float hma_bf16_round(float x) { return hma_bf16_to(hma_bf16_from(x)); }

#endif
