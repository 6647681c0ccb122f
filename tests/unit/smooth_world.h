/*
 * A smooth world like the demo's, without models: alignment rises fast with the ratios and saturates; three skills hold for
 * long and then fall off, mostly by the first block. For tests of the search methods.
 */
#ifndef HMA_TESTS_SMOOTH_WORLD_H
#define HMA_TESTS_SMOOTH_WORLD_H

#include "testing.h"

#include "search/design.h"
#include "search/nsga2.h"
#include "search/surrogate.h"

enum { SMOOTH_BLOCKS = 3, SMOOTH_METRICS = 4, SMOOTH_LEVELS = 6 };

/* Retention is the mean of the three skills. */
static const double smooth_weights[2 * SMOOTH_METRICS] = {0, 0, 0, 1, 1.0 / 3, 1.0 / 3, 1.0 / 3, 0};

static inline void smooth_values(const double *x, double values[SMOOTH_METRICS]) {
    const double aligned = 0.42 * x[0] + 0.10 * x[1] + 0.30 * x[2] + 0.18 * x[0] * x[2];
    const double lost = 0.84 * x[0] + 0.09 * x[1] + 0.07 * x[2] * (0.4 + 0.6 * x[0]);
    values[0] = 1 - 0.17 * pow(lost, 6);
    values[1] = 0.731 + 0.03 * aligned * (1 - aligned) - 0.37 * pow(lost, 5);
    values[2] = 0.973 - 0.77 * pow(lost, 5.5);
    values[3] = 0.74 + 3.05 * (1 - exp(-3.6 * aligned)) / (1 - exp(-3.6)) - 0.06 * pow(aligned, 6);
}

static inline void smooth_begin(hma_samples *samples, double mean) {
    static const double ends[2][SMOOTH_BLOCKS] = {{0, 0, 0}, {1, 1, 1}};
    *samples = (hma_samples){.region = {SMOOTH_BLOCKS, mean}, .metrics = SMOOTH_METRICS, .weights = smooth_weights};
    for (size_t i = 0; i < 2; i++) {
        double values[SMOOTH_METRICS];
        smooth_values(ends[i], values);
        assert_ok(hma_samples_add(samples, ends[i], values, false));
    }
}

static inline void smooth_score(hma_samples *samples, const double *ratios, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double values[SMOOTH_METRICS];
        smooth_values(ratios + i * SMOOTH_BLOCKS, values);
        assert_ok(hma_samples_add(samples, ratios + i * SMOOTH_BLOCKS, values, false));
    }
}

/* Hypervolume of all 216 combinations of six levels. */
static inline double smooth_exhaustive(void) {
    hma_samples samples;
    smooth_begin(&samples, NAN);
    for (size_t i = 0; i < SMOOTH_LEVELS * SMOOTH_LEVELS * SMOOTH_LEVELS; i++) {
        const double ratios[SMOOTH_BLOCKS] = {(double)(i % 6) / 5, (double)(i / 6 % 6) / 5, (double)(i / 36) / 5};
        smooth_score(&samples, ratios, 1);
    }
    const double volume = hma_samples_volume(&samples);
    hma_samples_free(&samples);
    return volume;
}

#endif
