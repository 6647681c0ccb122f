/* How fast this processor multiplies and adds when nothing else happens: register-only loops of the widest instructions it has.
 */
#include "peak.h"

#include <immintrin.h>

#include "clock.h"

enum { STEPS = 2000000, ROUNDS = 30 };

__attribute__((target("avx512f"))) static double avx512(void) {
    __m512 a[24];
    for (int i = 0; i < 24; i++) {
        a[i] = _mm512_set1_ps((float)i);
    }
    const __m512 b = _mm512_set1_ps(0.999999f), c = _mm512_set1_ps(1e-6f);
    const double start = bench_cpu();
    for (long s = 0; s < STEPS; s++) {
#pragma GCC unroll 24
        for (int i = 0; i < 24; i++) {
            a[i] = _mm512_fmadd_ps(a[i], b, c);
        }
    }
    const double seconds = bench_cpu() - start;
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
    const double start = bench_cpu();
    for (long s = 0; s < 2 * STEPS; s++) {
#pragma GCC unroll 12
        for (int i = 0; i < 12; i++) {
            a[i] = _mm256_fmadd_ps(a[i], b, c);
        }
    }
    const double seconds = bench_cpu() - start;
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

#define DOT(r) "vdpbf16ps %%zmm0, %%zmm0, %%zmm" #r "\n\t"

/* All in one piece of assembly: gcc 12 would move the sums to memory and back around each instruction, at half the rate. */
__attribute__((target("avx512f"))) static double dot(void) {
    long steps = STEPS;
    const double start = bench_cpu();
    __asm__ volatile(
        "vpxord %%zmm0, %%zmm0, %%zmm0\n"
        "1:\n\t" DOT(8) DOT(9) DOT(10) DOT(11) DOT(12) DOT(13) DOT(14) DOT(15) DOT(16) DOT(17) DOT(18) DOT(19) DOT(20) DOT(21)
            DOT(22) DOT(23) DOT(24) DOT(25) DOT(26) DOT(27) DOT(28) DOT(29) DOT(30) DOT(31) "dec %[steps]\n\tjnz 1b"
        : [steps] "+r"(steps)
        :
        : "cc", "xmm0", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18",
          "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
    return STEPS * 24.0 * 64 / (bench_cpu() - start);
}

/* The best of some rounds: a core that was idle takes a while to reach its clock. */
static double best(double (*rate)(void)) {
    double most = 0;
    for (int i = 0; i < ROUNDS; i++) {
        const double one = rate();
        most = one > most ? one : most;
    }
    return most;
}

double bench_peak_fp32(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f")                                 ? best(avx512)
           : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? best(avx2)
                                                                             : 0;
}

double bench_peak_avx2(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? best(avx2) : 0;
}

double bench_peak_bf16_dot(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512bf16") ? best(dot) : 0;
}
