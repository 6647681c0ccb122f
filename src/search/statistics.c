#include "search/statistics.h"

#include <math.h>

static void swap(double *a, double *b) {
    const double value = *a;
    *a = *b;
    *b = value;
}

static double median_of_three(double a, double b, double c) { return fmax(fmin(a, b), fmin(fmax(a, b), c)); }

/* Hoare's selection: afterwards values[rank] is what sorting would put there, and nothing behind it is smaller. */
static void select_rank(double *values, ptrdiff_t count, ptrdiff_t rank) {
    ptrdiff_t low = 0, high = count - 1;
    while (low < high) {
        const double pivot = median_of_three(values[low], values[low + (high - low) / 2], values[high]);
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot) {
                i++;
            }
            while (values[j] > pivot) {
                j--;
            }
            if (i <= j) {
                swap(&values[i++], &values[j--]);
            }
        }
        if (rank <= j) {
            high = j;
        } else if (rank >= i) {
            low = i;
        } else {
            return;
        }
    }
}

double hma_quantile(double *values, size_t count, double q) {
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i])) {
            return NAN;
        }
    }
    if (count == 0) {
        return NAN;
    }
    const double position = q * (double)(count - 1);
    const size_t rank = (size_t)position;
    select_rank(values, (ptrdiff_t)count, (ptrdiff_t)rank);
    if (rank + 1 == count) {
        return values[rank];
    }
    double next = values[rank + 1];
    for (size_t i = rank + 2; i < count; i++) {
        next = fmin(next, values[i]);
    }
    /* equal neighbours may be infinite */
    return next == values[rank] ? next : values[rank] + (position - (double)rank) * (next - values[rank]);
}

double hma_two_sided_p(const double *differences, size_t count) {
    size_t not_above = 0, not_below = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(differences[i])) {
            return NAN;
        }
        not_above += differences[i] <= 0;
        not_below += differences[i] >= 0;
    }
    const size_t smaller = not_above < not_below ? not_above : not_below;
    return fmin(1, 2 * (double)(smaller + 1) / (double)(count + 1));
}
