/* Numbers about samples. Sums run in index order, so that results have the same bits everywhere. */
#ifndef HMA_BASE_STATISTICS_H
#define HMA_BASE_STATISTICS_H

#include <stddef.h>

/* Standard deviation of a sample, n-1 in the denominator; NaN for fewer than 2 values. */
double hma_standard_deviation(const double *values, size_t count);

#endif
