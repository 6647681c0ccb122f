/*
 * What the true values of an axis may be, given what was measured: for membership of the front.
 *
 * Resampled values scatter twice as much as what was measured does already - once by chance when it was measured, once by
 * chance in the resample - so that points that lie close together seem to dominate each other more surely than anybody can
 * know. Merges of one pair lie along a curve over their mean ratio. With what is measured = curve + own deviation + noise,
 * where the noise is known from the resamples and the deviations' variance is estimated from how far the merges are from the
 * curve (empirical Bayes; Efron and Morris, "Stein's estimation rule and its competitors", 1973), every resample becomes a draw
 * from what is plausible. Where noise is small beside the deviations it stays as it is. README.md has the calibration.
 */
#ifndef HMA_SEARCH_PLAUSIBLE_H
#define HMA_SEARCH_PLAUSIBLE_H

#include <stddef.h>

#include "base/rng.h"
#include "search/axes.h"

enum { HMA_CURVE = 3 }; /* constant, slope, curvature */

typedef struct hma_plausible {
    size_t count;     /* points on the curve; 0: resamples stay as they are */
    size_t *point;    /* [count] */
    double *basis;    /* [HMA_CURVE, count]: orthonormal polynomials in the mean ratio */
    double *residual; /* [count]: measured minus curve */
    double squares;   /* of the residuals, summed */
    double noise;     /* variance of a residual by noise alone */
    hma_rng_key key;
} hma_plausible;

/* For one of the two main axes of a front whose points and axes are there. Free with hma_plausible_free(). */
hma_status hma_plausible_new(hma_plausible *out, const hma_front *front, const hma_axes *axes, const hma_resampled *resampled,
                             size_t axis, hma_rng_key key);
void hma_plausible_free(hma_plausible *plausible);

/* Changes values[points, stride], of which column `column` is resample number `resample`. `scratch` holds a double for each
 * point. */
void hma_plausible_apply(const hma_plausible *plausible, double *values, size_t stride, size_t column, size_t resample,
                         double *scratch);

#endif
