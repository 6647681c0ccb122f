/* Quantiles and two-sided p values of resamples. */
#ifndef HMA_SEARCH_STATISTICS_H
#define HMA_SEARCH_STATISTICS_H

#include <stddef.h>

/*
 * The quantile 0 <= q <= 1 of the values, interpolated linearly between order statistics. Reorders `values`. NaN when there
 * are none or one of them is NaN.
 */
double hma_quantile(double *values, size_t count, double q);

/*
 * Two-sided p value of "the difference is 0" from resampled differences: twice the smaller share on one side of 0, zeros on
 * both sides, counting the sample itself as one more resample so that p is never 0. At most 1; NaN if a difference is NaN.
 */
double hma_two_sided_p(const double *differences, size_t count);

#endif
