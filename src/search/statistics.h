/* Quantiles of resamples, and the two distributions that intervals are made with. */
#ifndef HMA_SEARCH_STATISTICS_H
#define HMA_SEARCH_STATISTICS_H

#include <stddef.h>

/*
 * The quantile 0 <= q <= 1 of the values, interpolated linearly between order statistics. Reorders `values`. NaN when there
 * are none or one of them is NaN.
 */
double hma_quantile(double *values, size_t count, double q);

/* Chance that |T| is larger than |t|, T distributed as Student's t with `freedom` > 0 degrees; INFINITY: the normal
 * distribution. */
double hma_two_sided_tail(double t, double freedom);

/* The t that hma_two_sided_tail() gives this chance, 0 < tail <= 1. */
double hma_two_sided_quantile(double tail, double freedom);

#endif
