/* Numbers on the command line of a bench. What is no number ends the program: measuring something else helps nobody. */
#ifndef HMA_TESTS_BENCH_ARGUMENTS_H
#define HMA_TESTS_BENCH_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "hma/text.h"

static inline void bench_check_argument(bool good, const char *text) {
    if (!good) {
        (void)fprintf(stderr, "%s: is not a number that fits here\n", text);
        exit(2);
    }
}

/* The whole number at `index`; `otherwise` when there is no such argument. */
static inline size_t bench_count(int argc, char **argv, int index, size_t otherwise) {
    uint64_t value = otherwise;
    if (index < argc) {
        bench_check_argument(hma_parse_u64(&value, argv[index]) && value <= SIZE_MAX, argv[index]);
    }
    return (size_t)value;
}

static inline unsigned bench_threads(int argc, char **argv, int index, unsigned otherwise) {
    const size_t value = bench_count(argc, argv, index, otherwise);
    bench_check_argument(value <= 4096, index < argc ? argv[index] : "threads");
    return (unsigned)value;
}

static inline double bench_number(int argc, char **argv, int index, double otherwise) {
    double value = otherwise;
    if (index < argc) {
        bench_check_argument(hma_parse_double(&value, argv[index]), argv[index]);
    }
    return value;
}

#endif
