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

/* lgamma() leaves the sign where all threads see it. */
static double log_gamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

/*
 * Regularised incomplete beta function I_x(a, b) by its continued fraction (DLMF 8.17.22), evaluated from the front by Lentz's
 * method. Converges fast for x < (a + 1) / (a + b + 2); beyond that by symmetry.
 */
static double beta_fraction(double x, double a, double b) {
    enum { MOST_TERMS = 500 };
    static const double tiny = 1e-300, precise = 1e-15;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m <= MOST_TERMS; m++) {
        const double twice = 2 * m;
        const double terms[2] = {m * (b - m) * x / ((a + twice - 1) * (a + twice)),
                                 -(a + m) * (a + b + m) * x / ((a + twice) * (a + twice + 1))};
        double change = 1;
        for (int i = 0; i < 2; i++) {
            d = 1 + terms[i] * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + terms[i] / c;
            c = fabs(c) < tiny ? tiny : c;
            change = c * d;
            value *= change;
        }
        if (fabs(change - 1) < precise) {
            break;
        }
    }
    return value;
}

static double incomplete_beta(double x, double a, double b) {
    if (!(x > 0)) {
        return 0;
    }
    if (!(x < 1)) {
        return 1;
    }
    const double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a : 1 - front * beta_fraction(1 - x, b, a) / b;
}

double hma_two_sided_tail(double t, double freedom) {
    if (isnan(t) || isnan(freedom)) {
        return NAN;
    }
    if (isinf(t)) {
        return 0;
    }
    return isinf(freedom) ? erfc(fabs(t) / sqrt(2)) : incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5);
}

/* Density of Student's t distribution, of the normal one for infinite freedom. */
static double density(double t, double freedom) {
    static const double pi = 3.14159265358979323846;
    if (isinf(freedom)) {
        return exp(-t * t / 2) / sqrt(2 * pi);
    }
    const double scale = exp(log_gamma((freedom + 1) / 2) - log_gamma(freedom / 2)) / sqrt(freedom * pi);
    return scale * exp(-(freedom + 1) / 2 * log1p(t * t / freedom));
}

/* The tail is convex and falls with t > 0, so Newton's steps from 0 never go too far. */
double hma_two_sided_quantile(double tail, double freedom) {
    enum { MOST_STEPS = 300 };
    if (isnan(tail) || isnan(freedom)) {
        return NAN;
    }
    double t = isinf(freedom) ? 0 : hma_two_sided_quantile(tail, INFINITY); /* tails of t are heavier */
    for (int i = 0; i < MOST_STEPS; i++) {
        const double step = (hma_two_sided_tail(t, freedom) - tail) / (2 * density(t, freedom));
        if (!(step > 1e-15 * (1 + t))) {
            break;
        }
        t += step;
    }
    return t;
}
