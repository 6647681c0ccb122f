/*
 * 16 floats at a time, by the compilers' vector extension: the same source for every instruction set. exp, log and erf are our
 * own polynomials (fitted at Chebyshev nodes), so that results do not change with the C library; within 2 units in the last
 * place (erf: 2e-7 absolute) over the ranges used here, which tests check.
 */
#ifndef HMA_EVAL_TRANSFORMER_KERNELS_VECTOR_MATH_H
#define HMA_EVAL_TRANSFORMER_KERNELS_VECTOR_MATH_H

#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint32_t vu __attribute__((vector_size(64), aligned(4), may_alias));

INLINE vf load(const float *p) { return *(const vf *)p; }
INLINE void store(float *p, vf v) { *(vf *)p = v; }
INLINE vf all(float x) { return x - (vf){0}; }

/* The first n (< 16) of p, the rest `fill`. */
INLINE vf load_part(const float *p, size_t n, float fill) {
    float lane[16];
    for (size_t i = 0; i < 16; i++) {
        lane[i] = i < n ? p[i] : fill;
    }
    return load(lane);
}

INLINE void store_part(float *p, vf v, size_t n) {
    float lane[16];
    store(lane, v);
    memcpy(p, lane, n * sizeof *p);
}

INLINE vf choose(vi condition, vf yes, vf no) { return (vf)((condition & (vi)yes) | (~condition & (vi)no)); }

/*
 * a < b lane by lane, all ones where it holds; and a > b ? a : b, a < b ? a : b, also of NaN. By registers: gcc 12 compares
 * vectors that are wider than one lane after lane.
 */
#if defined __AVX512F__
INLINE vi below(vf a, vf b) { return a < b; }
INLINE vi below_int(vi a, vi b) { return a < b; }
INLINE vf larger(vf a, vf b) { return (vf)_mm512_max_ps((__m512)a, (__m512)b); }
INLINE vf smaller(vf a, vf b) { return (vf)_mm512_min_ps((__m512)a, (__m512)b); }
#else
#if defined __AVX2__
enum { REGISTERS = 2 };
typedef __m256 floats_part;
typedef __m256i ints_part;
#define PART(name) _mm256_##name##_ps
#define PART_BELOW(a, b) _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_LT_OQ))
#define PART_BELOW_INT(a, b) _mm256_cmpgt_epi32(b, a)
#else
enum { REGISTERS = 4 };
typedef __m128 floats_part;
typedef __m128i ints_part;
#define PART(name) _mm_##name##_ps
#define PART_BELOW(a, b) _mm_castps_si128(_mm_cmplt_ps(a, b))
#define PART_BELOW_INT(a, b) _mm_cmplt_epi32(a, b)
#endif

typedef union parts {
    vf f;
    vi i;
    floats_part part[REGISTERS];
    ints_part whole[REGISTERS];
} parts;

#define BY_PARTS(result, operation)                                                                                            \
    for (int r = 0; r < REGISTERS; r++) {                                                                                      \
        result = operation;                                                                                                    \
    }

INLINE vi below(vf a, vf b) {
    parts x = {.f = a}, y = {.f = b}, z;
    BY_PARTS(z.whole[r], PART_BELOW(x.part[r], y.part[r]))
    return z.i;
}

INLINE vi below_int(vi a, vi b) {
    parts x = {.i = a}, y = {.i = b}, z;
    BY_PARTS(z.whole[r], PART_BELOW_INT(x.whole[r], y.whole[r]))
    return z.i;
}

INLINE vf larger(vf a, vf b) {
    parts x = {.f = a}, y = {.f = b}, z;
    BY_PARTS(z.part[r], PART(max)(x.part[r], y.part[r]))
    return z.f;
}

INLINE vf smaller(vf a, vf b) {
    parts x = {.f = a}, y = {.f = b}, z;
    BY_PARTS(z.part[r], PART(min)(x.part[r], y.part[r]))
    return z.f;
}
#endif

/* Sum and maximum over the lanes, always in the same order: lane i with lane i + 8, then + 4, + 2, + 1. */
#define FOLD_8(v) __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15)
#define FOLD_4(v) __builtin_shufflevector(v, v, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7)
#define FOLD_2(v) __builtin_shufflevector(v, v, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3)
#define FOLD_1(v) __builtin_shufflevector(v, v, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)

INLINE float lane_sum(vf v) {
    v = v + FOLD_8(v);
    v = v + FOLD_4(v);
    v = v + FOLD_2(v);
    v = v + FOLD_1(v);
    return v[0];
}

INLINE float lane_max(vf v) {
    v = larger(v, FOLD_8(v));
    v = larger(v, FOLD_4(v));
    v = larger(v, FOLD_2(v));
    v = larger(v, FOLD_1(v));
    return v[0];
}

/* e^x; 0 below -87, and x is taken as 88 above 88. */
INLINE vf vexp(vf x) {
    const vi tiny = below(x, all(-87.0f));
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
    const vi low = below(m, all(0.707106781f));
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
    const vi negative = below(x, all(0));
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
    const vf b = smaller(all(4.0f), a); /* erf(4) is 1 - 2e-8 */
    vf q = all(-1.61406160e-6f);
    q = q * b + 4.55906229e-5f;
    q = q * b - 5.92769531e-4f;
    q = q * b + 4.74022236e-3f;
    q = q * b - 2.63647176e-2f;
    q = q * b + 1.09978244e-1f;
    q = q * b + 6.31937087e-1f;
    q = q * b + 1.13016665f;
    q = q * b - 3.03213019e-4f;
    const vf result = choose(below(a, all(1.0f)), small, 1.0f - vexp(-q));
    return choose(negative, -result, result);
}

#endif
