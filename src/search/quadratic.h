/*
 * A quadratic response surface of one metric in the ratios, fitted by weighted ridge least squares around the point where it is
 * asked: samples far away count less (moving least squares; Cleveland, Devlin, "Locally weighted regression", 1988). How far is
 * "far", and how strong the ridge, is decided by leaving out one sample after the other.
 */
#ifndef HMA_SEARCH_QUADRATIC_H
#define HMA_SEARCH_QUADRATIC_H

#include "search/samples.h"

typedef struct hma_surface {
    const hma_samples *samples;
    size_t metric;
    double reach; /* standard deviation of the weights, in ratios; INFINITY: all samples count the same */
    double ridge;
    double center, unit; /* values are fitted as (value - center) / unit */
    double error;        /* root mean square of the errors when each sample is left out, in the metric's own units */
} hma_surface;

/* Coefficients of a quadratic in K ratios: with products of two different ratios up to 9 blocks, without them above. */
size_t hma_surface_terms(size_t blocks);

/* Doubles that hma_surface_value() needs to work with. */
size_t hma_surface_scratch(size_t blocks);

/* Chooses reach and ridge. Excluded and dropped samples do not count. */
hma_status hma_surface_fit(hma_surface *out, const hma_samples *samples, size_t metric);

/* The surface at these ratios; `without` is a sample that is left out, SIZE_MAX for none. */
double hma_surface_value(const hma_surface *surface, const double *ratios, size_t without, double *scratch);

#endif
