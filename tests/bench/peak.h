#ifndef HMA_TESTS_BENCH_PEAK_H
#define HMA_TESTS_BENCH_PEAK_H

/* Floating point operations per second of one core, now, in CPU time; 0 when the processor lacks the instructions. */
double bench_peak_fp32(void);
double bench_peak_avx2(void);
double bench_peak_bf16_dot(void);

#endif
