/* Omega: the ratios of a given mean inside the box. */
#include <math.h>

#include "base/rng.h"
#include "search/solver.h"

/* Draws that are thrown away before a point is projected instead. */
enum { MOST_DRAWS = 64 };

static double inside(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

static double moved_sum(const double *x, size_t count, double by) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += inside(x[i] + by);
    }
    return sum;
}

/* The nearest point moves all coordinates by the same amount and stops at the walls (Karush-Kuhn-Tucker). */
void hma_omega_project(double *ratios, size_t count, double mean) {
    const double wanted = mean * (double)count;
    double low = 0, high = 0;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, -ratios[i]);
        high = fmax(high, 1 - ratios[i]);
    }
    for (int i = 0; i < 100 && low < high; i++) {
        const double middle = low + (high - low) / 2;
        if (moved_sum(ratios, count, middle) < wanted) {
            low = middle;
        } else {
            high = middle;
        }
    }
    double sum = 0;
    size_t loose = 0;
    for (size_t i = 0; i < count; i++) {
        ratios[i] = inside(ratios[i] + high);
        sum += ratios[i];
        loose += ratios[i] > 0 && ratios[i] < 1;
    }
    /* what rounding left over goes to those that are free to move */
    for (size_t i = 0; i < count; i++) {
        if (ratios[i] > 0 && ratios[i] < 1) {
            ratios[i] = inside(ratios[i] + (wanted - sum) / (double)loose);
        }
    }
}

/* Uniform on the simplex: exponential spacings. False when the point lies outside of the box. */
static bool draw(double *x, size_t count, double sum, hma_rng_key key, uint64_t first) {
    double total = 0;
    bool fits = true;
    for (size_t i = 0; i < count; i++) {
        x[i] = -log1p(-hma_rng_double(key, first + i));
        total += x[i];
    }
    for (size_t i = 0; i < count; i++) {
        x[i] *= sum / total;
        fits = fits && x[i] <= 1;
    }
    return fits && total > 0;
}

void hma_omega_point(double *ratios, size_t count, double mean, uint64_t seed, uint64_t number) {
    const hma_rng_key key = hma_rng_key_with(hma_rng_key_for(seed, "point of omega"), number);
    const bool flipped = mean > 0.5; /* the same set seen from the other corner, where more of the simplex is in the box */
    bool found = false;
    for (uint64_t i = 0; i < MOST_DRAWS && !found; i++) {
        found = draw(ratios, count, (flipped ? 1 - mean : mean) * (double)count, key, i * count);
    }
    for (size_t i = 0; i < count; i++) {
        ratios[i] = !found ? hma_rng_double(key, MOST_DRAWS * count + i) : flipped ? 1 - ratios[i] : ratios[i];
    }
    hma_omega_project(ratios, count, mean);
}
