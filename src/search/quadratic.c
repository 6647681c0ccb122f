#include "search/quadratic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { MOST_CROSSED = 9 };

size_t hma_surface_terms(size_t blocks) { return blocks <= MOST_CROSSED ? (blocks + 1) * (blocks + 2) / 2 : 1 + 2 * blocks; }

size_t hma_surface_scratch(size_t blocks) {
    const size_t terms = hma_surface_terms(blocks);
    return terms * terms + 2 * terms;
}

/* 1, the ratios from -1 to 1, their squares, their products. */
static void fill_terms(double *terms, const double *ratios, size_t blocks) {
    size_t at = 0;
    terms[at++] = 1;
    for (size_t k = 0; k < blocks; k++) {
        terms[at++] = 2 * ratios[k] - 1;
    }
    for (size_t k = 0; k < blocks; k++) {
        terms[at++] = (2 * ratios[k] - 1) * (2 * ratios[k] - 1);
    }
    for (size_t j = 0; blocks <= MOST_CROSSED && j < blocks; j++) {
        for (size_t k = 0; k < j; k++) {
            terms[at++] = (2 * ratios[j] - 1) * (2 * ratios[k] - 1);
        }
    }
}

/* Solves matrix * x = vector in place by Cholesky's decomposition of the lower triangle; the ridge makes it definite. */
static void solve(double *matrix, double *vector, size_t n) {
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            double sum = matrix[i * n + j];
            for (size_t k = 0; k < j; k++) {
                sum -= matrix[i * n + k] * matrix[j * n + k];
            }
            matrix[i * n + j] = i == j ? sqrt(fmax(sum, 1e-300)) : sum / matrix[j * n + j];
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            vector[i] -= matrix[i * n + k] * vector[k];
        }
        vector[i] /= matrix[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++) {
            vector[i] -= matrix[k * n + i] * vector[k];
        }
        vector[i] /= matrix[i * n + i];
    }
}

static bool counts(const hma_sample *sample) { return !sample->excluded && !sample->dropped; }

static double weight_of(double reach, const double *a, const double *b, size_t blocks) {
    double squares = 0;
    for (size_t k = 0; k < blocks; k++) {
        squares += (a[k] - b[k]) * (a[k] - b[k]);
    }
    return isinf(reach) ? 1 : exp(-squares / (2 * reach * reach));
}

double hma_surface_value(const hma_surface *surface, const double *ratios, size_t without, double *scratch) {
    const hma_samples *samples = surface->samples;
    const size_t blocks = samples->region.blocks, n = hma_surface_terms(blocks);
    double *matrix = scratch, *vector = matrix + n * n, *terms = vector + n, sum = 0;
    memset(matrix, 0, (n * n + n) * sizeof *matrix);
    for (size_t s = 0; s < samples->count; s++) {
        const hma_sample *sample = &samples->list[s];
        if (s == without || !counts(sample)) {
            continue;
        }
        const double weight = weight_of(surface->reach, ratios, sample->ratios, blocks);
        const double value = (sample->values[surface->metric] - surface->center) / surface->unit;
        fill_terms(terms, sample->ratios, blocks);
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j <= i; j++) {
                matrix[i * n + j] += weight * terms[i] * terms[j];
            }
            vector[i] += weight * terms[i] * value;
        }
        sum += weight;
    }
    for (size_t i = 0; i < n; i++) { /* what bends is doubted more than what leans, the level not at all */
        matrix[i * n + i] += i == 0 ? 1e-12 : surface->ridge * (i <= blocks ? 0.1 : 1) * fmax(sum, 1e-6);
    }
    solve(matrix, vector, n);
    fill_terms(terms, ratios, blocks);
    double value = 0;
    for (size_t i = 0; i < n; i++) {
        value += terms[i] * vector[i];
    }
    return surface->center + surface->unit * value;
}

static double error_of(const hma_surface *surface, double *scratch) {
    double squares = 0, count = 0;
    for (size_t s = 0; s < surface->samples->count; s++) {
        const hma_sample *sample = &surface->samples->list[s];
        if (counts(sample)) {
            const double error = hma_surface_value(surface, sample->ratios, s, scratch) - sample->values[surface->metric];
            squares += error * error;
            count++;
        }
    }
    return sqrt(squares / fmax(count, 1));
}

static void set_scale(hma_surface *surface) {
    double sum = 0, squares = 0, count = 0;
    for (size_t s = 0; s < surface->samples->count; s++) {
        const hma_sample *sample = &surface->samples->list[s];
        if (counts(sample)) {
            sum += sample->values[surface->metric];
            count++;
        }
    }
    surface->center = count > 0 ? sum / count : 0;
    for (size_t s = 0; s < surface->samples->count; s++) {
        const hma_sample *sample = &surface->samples->list[s];
        const double value = counts(sample) ? sample->values[surface->metric] - surface->center : 0;
        squares += value * value;
    }
    surface->unit = squares > 0 ? sqrt(squares / count) : 1;
}

hma_status hma_surface_fit(hma_surface *out, const hma_samples *samples, size_t metric) {
    static const double reaches[] = {INFINITY, 0.9, 0.6, 0.4, 0.28}, ridges[] = {1e-6, 1e-4, 1e-2};
    double *scratch = HMA_NEW(double, hma_surface_scratch(samples->region.blocks));
    hma_surface surface = {.samples = samples, .metric = metric}, best = {.error = INFINITY};
    if (!scratch) {
        return HMA_FAILURE;
    }
    set_scale(&surface);
    for (size_t i = 0; i < sizeof reaches / sizeof *reaches; i++) {
        for (size_t j = 0; j < sizeof ridges / sizeof *ridges; j++) {
            surface.reach = reaches[i];
            surface.ridge = ridges[j];
            surface.error = error_of(&surface, scratch);
            if (surface.error < best.error || i + j == 0) {
                best = surface;
            }
        }
    }
    free(scratch);
    *out = best;
    return HMA_OK;
}
