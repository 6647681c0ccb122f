#include "base/statistics.h"

#include <math.h>

double hma_standard_deviation(const double *values, size_t count) {
    if (count < 2) {
        return NAN;
    }
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    const double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++) {
        squares += (values[i] - mean) * (values[i] - mean);
    }
    return sqrt(squares / (double)(count - 1));
}
