/*
 * A register of floats at a time, by the compilers' vector extension: the same source for every instruction set. Vectors have
 * LANES lanes, as many as a register has: of wider ones gcc 12 compares and fills lane after lane, and keeps them in memory.
 *
 * What an element becomes does not depend on LANES. Sums run over 16 lanes everywhere, in PARTS registers (v16), so that they
 * have the same bits for every instruction set that fuses products and sums.
 *
 * exp, log and erf are our own polynomials (fitted at Chebyshev nodes), so that results do not change with the C library;
 * within 2 units in the last place (erf: 2e-7 absolute) over the ranges used here, which tests check.
 */
#ifndef HMA_EVAL_TRANSFORMER_KERNELS_VECTOR_MATH_H
#define HMA_EVAL_TRANSFORMER_KERNELS_VECTOR_MATH_H

#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

#if defined __AVX512F__
enum { LANES = 16 };
#define REGISTER(operation) _mm512_##operation
typedef __m512 float_register;
typedef __m512i int_register;
#elif defined __AVX2__
enum { LANES = 8 };
#define REGISTER(operation) _mm256_##operation
typedef __m256 float_register;
typedef __m256i int_register;
#else
enum { LANES = 4 };
#define REGISTER(operation) _mm_##operation
typedef __m128 float_register;
typedef __m128i int_register;
#endif
enum { PARTS = 16 / LANES };

typedef float vf __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t vu __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint64_t vq __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* 16 lanes: what sums and maxima run over. */
typedef struct v16 {
    vf part[PARTS];
} v16;

#define EACH_PART(p) _Pragma("GCC unroll 4") for (size_t p = 0; p < PARTS; p++)

INLINE vf load(const float *p) { return *(const vf *)p; }
INLINE void store(float *p, vf v) { *(vf *)p = v; }
INLINE vf all(float x) { return x - (vf){0}; }
INLINE v16 all16(float x) {
    v16 v;
    EACH_PART(p) { v.part[p] = all(x); }
    return v;
}

/* The first n of p, the rest `fill`. */
INLINE vf load_some(const float *p, size_t n, float fill) {
    if (n >= LANES) {
        return load(p);
    }
    float lane[LANES];
    for (size_t i = 0; i < LANES; i++) {
        lane[i] = i < n ? p[i] : fill;
    }
    return load(lane);
}

INLINE void store_some(float *p, vf v, size_t n) {
    if (n >= LANES) {
        store(p, v);
        return;
    }
    float lane[LANES];
    store(lane, v);
    memcpy(p, lane, n * sizeof *p);
}

/* What is left of `left` values for part p and those after it. */
INLINE size_t left_of(size_t left, size_t p) { return left > p * LANES ? left - p * LANES : 0; }

INLINE vf choose(vi condition, vf yes, vf no) { return (vf)((condition & (vi)yes) | (~condition & (vi)no)); }

/* a > b ? a : b and a < b ? a : b, also of NaN. */
INLINE vf larger(vf a, vf b) { return (vf)REGISTER(max_ps)((float_register)a, (float_register)b); }
INLINE vf smaller(vf a, vf b) { return (vf)REGISTER(min_ps)((float_register)a, (float_register)b); }

/* Lanes of the second half of the first 2, 4, .. lanes. */
#if defined __AVX512F__
#define FOLD_8(v) __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15)
#define FOLD_4(v) __builtin_shufflevector(v, v, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7)
#define FOLD_2(v) __builtin_shufflevector(v, v, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3)
#define FOLD_1(v) __builtin_shufflevector(v, v, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
#elif defined __AVX2__
#define FOLD_4(v) __builtin_shufflevector(v, v, 4, 5, 6, 7, 4, 5, 6, 7)
#define FOLD_2(v) __builtin_shufflevector(v, v, 2, 3, 2, 3, 2, 3, 2, 3)
#define FOLD_1(v) __builtin_shufflevector(v, v, 1, 1, 1, 1, 1, 1, 1, 1)
#else
#define FOLD_2(v) __builtin_shufflevector(v, v, 2, 3, 2, 3)
#define FOLD_1(v) __builtin_shufflevector(v, v, 1, 1, 1, 1)
#endif

/* v and its folds by an operation of two vectors, always in the same order: lane i with lane i + 8, then + 4, + 2, + 1. */
#if defined __AVX512F__
#define FOLD_WIDE(v, operation) v = operation(v, FOLD_8(v)), v = operation(v, FOLD_4(v))
#elif defined __AVX2__
#define FOLD_WIDE(v, operation) v = operation(v, FOLD_4(v))
#else
#define FOLD_WIDE(v, operation) (void)0
#endif
#define FOLD(v, operation) FOLD_WIDE(v, operation), v = operation(v, FOLD_2(v)), v = operation(v, FOLD_1(v))

/* The parts become one: part p with part p + PARTS / 2, and so on. */
#define FOLD_PARTS(v, operation)                                                                                               \
    for (size_t half = PARTS / 2; half; half /= 2) {                                                                           \
        for (size_t p = 0; p < half; p++) {                                                                                    \
            (v).part[p] = operation((v).part[p], (v).part[p + half]);                                                          \
        }                                                                                                                      \
    }

INLINE vf plus(vf a, vf b) { return a + b; }

INLINE float lane_sum(v16 v) {
    FOLD_PARTS(v, plus)
    vf sum = v.part[0];
    FOLD(sum, plus);
    return sum[0];
}

INLINE float register_max(vf v) {
    FOLD(v, larger);
    return v[0];
}

INLINE float lane_max(v16 v) {
    FOLD_PARTS(v, larger)
    return register_max(v.part[0]);
}

/* e^x; 0 below -87, and x is taken as 88 above 88. */
INLINE vf vexp(vf x) {
    const vi tiny = x < all(-87.0f);
    x = smaller(all(88.0f), larger(all(-87.0f), x));
    const vf magic = all(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    const vf shifted = x * 1.44269504f + magic;
    const vf n = shifted - magic;
    const vf r = x - n * 0.693145752f - n * 1.42860677e-6f; /* ln 2 in two parts */
    vf p = all(1.98992755e-4f);
    p = p * r + 1.39336428e-3f;
    p = p * r + 8.33329838e-3f;
    p = p * r + 4.16664667e-2f;
    p = p * r + 1.66666672e-1f;
    p = p * r + 0.5f;
    const vf e = p * r * r + r + 1.0f;
    const vi power = ((vi)shifted - 0x4B400000 + 127) << 23;
    return choose(tiny, all(0), e * (vf)power);
}

/* Natural logarithm of normal positive numbers. */
INLINE vf vlog(vf x) {
    vi exponent = (((vi)x >> 23) & 0xff) - 126;
    vf m = (vf)(((vi)x & 0x007fffff) | 0x3f000000); /* in [0.5, 1) */
    const vi low = m < all(0.707106781f);
    m = choose(low, m + m, m) - 1.0f;
    exponent = exponent + low; /* a true lane is -1 */
    vf p = all(7.14975372e-2f);
    p = p * m - 1.15712009e-1f;
    p = p * m + 1.16615109e-1f;
    p = p * m - 1.24110505e-1f;
    p = p * m + 1.42499372e-1f;
    p = p * m - 1.66684806e-1f;
    p = p * m + 2.00007081e-1f;
    p = p * m - 2.49999896e-1f;
    p = p * m + 3.33333313e-1f;
    const vf e = __builtin_convertvector(exponent, vf);
    vf tail = p * m * m * m + e * -2.12194440e-4f;
    tail = tail - m * m * 0.5f;
    return m + tail + e * 0.693359375f;
}

INLINE vf verf(vf x) {
    const vi negative = x < all(0);
    const vf a = choose(negative, -x, x);
    const vf s = a * a;
    vf p = all(-9.67359119e-6f);
    p = p * s + 1.12682537e-4f;
    p = p * s - 8.48439639e-4f;
    p = p * s + 5.22105349e-3f;
    p = p * s - 2.68654376e-2f;
    p = p * s + 1.12837829e-1f;
    p = p * s - 3.76126379e-1f;
    p = p * s + 1.12837923f;
    const vf small = p * a;
    const vf b = choose(a > all(4.0f), all(4.0f), a); /* erf(4) is 1 - 2e-8 */
    vf q = all(-1.61406160e-6f);
    q = q * b + 4.55906229e-5f;
    q = q * b - 5.92769531e-4f;
    q = q * b + 4.74022236e-3f;
    q = q * b - 2.63647176e-2f;
    q = q * b + 1.09978244e-1f;
    q = q * b + 6.31937087e-1f;
    q = q * b + 1.13016665f;
    q = q * b - 3.03213019e-4f;
    const vf result = choose(a < all(1.0f), small, 1.0f - vexp(-q));
    return choose(negative, -result, result);
}

#endif
