/* How fast this processor multiplies and adds when nothing else happens: register-only loops of the widest instructions it has. */
#include "peak.h"

#include <immintrin.h>

#include "clock.h"

enum { STEPS = 2000000 };

__attribute__((target("avx512f"))) static double avx512(void) {
    __m512 a[24];
    for (int i = 0; i < 24; i++) {
        a[i] = _mm512_set1_ps((float)i);
    }
    const __m512 b = _mm512_set1_ps(0.999999f), c = _mm512_set1_ps(1e-6f);
    const double start = bench_now();
    for (long s = 0; s < STEPS; s++) {
#pragma GCC unroll 24
        for (int i = 0; i < 24; i++) {
            a[i] = _mm512_fmadd_ps(a[i], b, c);
        }
    }
    const double seconds = bench_now() - start;
    __m512 sum = a[0];
    for (int i = 1; i < 24; i++) {
        sum = _mm512_add_ps(sum, a[i]);
    }
    volatile float kept = _mm512_reduce_add_ps(sum);
    (void)kept;
    return STEPS * 24.0 * 32 / seconds;
}

__attribute__((target("avx2,fma"))) static double avx2(void) {
    __m256 a[12];
    for (int i = 0; i < 12; i++) {
        a[i] = _mm256_set1_ps((float)i);
    }
    const __m256 b = _mm256_set1_ps(0.999999f), c = _mm256_set1_ps(1e-6f);
    const double start = bench_now();
    for (long s = 0; s < 2 * STEPS; s++) {
#pragma GCC unroll 12
        for (int i = 0; i < 12; i++) {
            a[i] = _mm256_fmadd_ps(a[i], b, c);
        }
    }
    const double seconds = bench_now() - start;
    __m256 sum = a[0];
    for (int i = 1; i < 12; i++) {
        sum = _mm256_add_ps(sum, a[i]);
    }
    float lanes[8];
    _mm256_storeu_ps(lanes, sum);
    volatile float kept = lanes[0];
    (void)kept;
    return 2 * STEPS * 12.0 * 16 / seconds;
}

__attribute__((target("avx512f"))) static double dot(void) {
    __m512 a[24];
    for (int i = 0; i < 24; i++) {
        a[i] = _mm512_set1_ps((float)i);
    }
    const __m512i b = _mm512_set1_epi32(0x3a003a00);
    const double start = bench_now();
    for (long s = 0; s < STEPS; s++) {
#pragma GCC unroll 24
        for (int i = 0; i < 24; i++) {
            __asm__ volatile("vdpbf16ps %1, %1, %0" : "+v"(a[i]) : "v"(b));
        }
    }
    const double seconds = bench_now() - start;
    __m512 sum = a[0];
    for (int i = 1; i < 24; i++) {
        sum = _mm512_add_ps(sum, a[i]);
    }
    volatile float kept = _mm512_reduce_add_ps(sum);
    (void)kept;
    return STEPS * 24.0 * 64 / seconds;
}

double bench_peak_fp32(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") ? avx512() : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? avx2() : 0;
}

double bench_peak_bf16_dot(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512bf16") ? dot() : 0;
}
