/*
 * F16, BF16 and F32 as bits, element by element and without branches, so that loops over these become vector code.
 *
 * One rounding: an fp64 value goes to a 16-bit type by way of fp32, but rounded *to odd* there (cut off, and the last bit set
 * when anything was lost). A value rounded to odd with at least two bits more than the target rounds on to the same result as
 * the original (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd",
 * IEEE Transactions on Computers 57(4), 2008); fp32 has 24 bits against 8 and 11, and reaches below both.
 */
#ifndef HMA_MERGE_FLOAT_FORMATS_H
#define HMA_MERGE_FLOAT_FORMATS_H

#include <stdint.h>
#include <string.h>

static inline uint32_t hma_f32_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float hma_f32_from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t hma_f64_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline double hma_f64_from_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- to fp32: exact ---- */

static inline float hma_bf16_widen(uint16_t bits) { return hma_f32_from_bits((uint32_t)bits << 16); }

static inline float hma_f16_widen(uint16_t bits) {
    const uint32_t magnitude = bits & 0x7fffu, sign = (uint32_t)(bits & 0x8000u) << 16;
    const uint32_t bias = 0x38000000u; /* of the exponents, 127 - 15; once more for infinities and NaNs */
    const uint32_t normal = (magnitude << 13) + bias + (magnitude >= 0x7c00u ? bias : 0u);
    const uint32_t subnormal = hma_f32_bits((float)(int32_t)magnitude * 0x1p-24f);
    return hma_f32_from_bits((magnitude < 0x0400u ? subnormal : normal) | sign);
}

/* ---- from fp64: one rounding ---- */

/* Bits of the fp32 value, rounded to odd. Beyond the largest finite value: that value, which is odd. */
static inline uint32_t hma_round_to_odd(double value) {
    const float near = (float)value;
    const double back = (double)near;
    const uint32_t away = __builtin_fabs(back) > __builtin_fabs(value); /* rounded up in magnitude: one step back */
    const uint32_t inexact = back != value;
    return (hma_f32_bits(near) - away) | inexact;
}

/* From fp32 bits that were rounded to odd (exact values are), to nearest, ties to even. Overflow gives infinity. */
static inline uint16_t hma_odd_to_bf16(uint32_t bits) { return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16); }

static inline uint16_t hma_odd_to_f16(uint32_t bits) {
    const uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    const uint32_t clamped = magnitude < 0x47800000u ? magnitude : 0x47800000u; /* 65536 */
    const uint32_t normal = (clamped + 0xfffu + (clamped >> 13 & 1u) - 0x38000000u) >> 13;
    /* adding 0.5, whose last bit is worth 2^-24, makes the addition do the rounding */
    const uint32_t subnormal = hma_f32_bits(hma_f32_from_bits(magnitude) + 0.5f) - 0x3f000000u;
    return (uint16_t)((magnitude < 0x38800000u ? subnormal : normal) | sign);
}

#endif
