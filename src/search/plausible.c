#include "search/plausible.h"

#include <math.h>
#include <stdlib.h>

#include "base/error_set.h"
#include "base/memory.h"

enum { LEAST_FREEDOM = 3, BATCH = 64 };

/* ---- the curve ---- */

static double dot(const double *a, const double *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* 1, x, x^2 made orthonormal over the points, term by term, so that points of equal x get equal values. False when there are
 * fewer than three different ratios. */
static bool make_basis(hma_plausible *p, const hma_front *front) {
    for (size_t k = 0; k < HMA_CURVE; k++) {
        double *own = p->basis + k * p->count;
        for (size_t i = 0; i < p->count; i++) {
            own[i] = pow(front->points[p->point[i]].mean_ratio - 0.5, (double)k);
        }
        const double before = dot(own, own, p->count);
        for (size_t j = 0; j < k; j++) {
            const double *other = p->basis + j * p->count, share = dot(own, other, p->count);
            for (size_t i = 0; i < p->count; i++) {
                own[i] -= share * other[i];
            }
        }
        const double length = sqrt(dot(own, own, p->count));
        if (!(length > 1e-6 * sqrt(before)) || !(length > 0)) {
            return false;
        }
        for (size_t i = 0; i < p->count; i++) {
            own[i] /= length;
        }
    }
    return true;
}

static void fit(const hma_plausible *p, const double *values, double share[HMA_CURVE]) {
    for (size_t k = 0; k < HMA_CURVE; k++) {
        share[k] = dot(values, p->basis + k * p->count, p->count);
    }
}

static double curve_at(const hma_plausible *p, const double share[HMA_CURVE], size_t i) {
    double sum = 0;
    for (size_t k = 0; k < HMA_CURVE; k++) {
        sum += share[k] * p->basis[k * p->count + i];
    }
    return sum;
}

static void measure_residuals(hma_plausible *p, const hma_axis *axis, double *scratch) {
    double share[HMA_CURVE];
    for (size_t i = 0; i < p->count; i++) {
        scratch[i] = axis->point[p->point[i]].value;
    }
    fit(p, scratch, share);
    for (size_t i = 0; i < p->count; i++) {
        p->residual[i] = scratch[i] - curve_at(p, share, i);
        p->squares += p->residual[i] * p->residual[i];
    }
}

static double freedom(const hma_plausible *p) { return (double)(p->count - HMA_CURVE); }

/* Mean square of what the resamples' residuals differ from the measured ones by. */
static void measure_noise(hma_plausible *p, const hma_axes *axes, const hma_resampled *resampled, size_t axis, double *batch) {
    double sum = 0, share[HMA_CURVE];
    double *own = batch + BATCH * p->count;
    for (size_t first = 0; first < resampled->resamples; first += BATCH) {
        const size_t count = resampled->resamples - first < BATCH ? resampled->resamples - first : BATCH;
        for (size_t i = 0; i < p->count; i++) {
            hma_axes_replicates(axes, resampled, axis, p->point[i], SIZE_MAX, first, count, batch + i * BATCH);
        }
        for (size_t r = 0; r < count; r++) {
            for (size_t i = 0; i < p->count; i++) {
                own[i] = batch[i * BATCH + r];
            }
            fit(p, own, share);
            for (size_t i = 0; i < p->count; i++) {
                const double change = own[i] - curve_at(p, share, i) - p->residual[i];
                sum += change * change;
            }
        }
    }
    p->noise = sum / (double)resampled->resamples / freedom(p);
}

/* ---- setting up ---- */

static void gather(hma_plausible *p, const hma_front *front) {
    for (size_t i = 0; i < front->point_count; i++) {
        const hma_point *point = &front->points[i];
        if (point->kind == HMA_CANDIDATE_MERGE && !point->excluded && isfinite(point->mean_ratio)) {
            p->point[p->count++] = i;
        }
    }
}

hma_status hma_plausible_new(hma_plausible *out, const hma_front *front, const hma_axes *axes, const hma_resampled *resampled,
                             size_t axis, hma_rng_key key) {
    const size_t points = front->point_count;
    *out = (hma_plausible){.key = key,
                           .point = HMA_NEW(size_t, points),
                           .basis = HMA_NEW(double, points *HMA_CURVE),
                           .residual = HMA_NEW(double, points)};
    double *batch = HMA_NEW(double, points *(BATCH + 1));
    const bool complete = out->point && out->basis && out->residual && batch;
    if (complete) {
        gather(out, front);
        if (out->count < HMA_CURVE + LEAST_FREEDOM || !make_basis(out, front)) {
            out->count = 0;
        }
    }
    if (complete && out->count > 0) {
        measure_residuals(out, &front->axes[axis], batch);
        measure_noise(out, axes, resampled, axis, batch);
        out->count =
            out->noise > 1e-24 * out->squares && isfinite(out->noise) ? out->count : 0; /* certain: nothing to shrink */
    }
    free(batch);
    return complete ? HMA_OK : HMA_FAILURE;
}

void hma_plausible_free(hma_plausible *plausible) {
    free(plausible->point);
    free(plausible->basis);
    free(plausible->residual);
    *plausible = (hma_plausible){0};
}

/* ---- a resample ---- */

/* A draw from the chi-square distribution by the cube of a normal one (Wilson and Hilferty, "The distribution of chi-square",
 * 1931). */
static double draw_chi_square(hma_rng_key key, double n) {
    static const double pi = 3.14159265358979323846;
    const double z = sqrt(-2 * log1p(-hma_rng_double(key, 0))) * cos(2 * pi * hma_rng_double(key, 1));
    const double root = 1 - 2 / (9 * n) + z * sqrt(2 / (9 * n));
    return n * pow(fmax(root, 0.01), 3);
}

/*
 * The share of a residual that is the merge's own. How far merges are from the curve is itself known from few merges only, so
 * their total variance is drawn anew for each resample.
 */
static double draw_own_share(const hma_plausible *p, size_t resample) {
    const double total = p->squares / draw_chi_square(hma_rng_key_with(p->key, resample), freedom(p));
    return total > p->noise ? 1 - p->noise / total : 0;
}

void hma_plausible_apply(const hma_plausible *p, double *values, size_t stride, size_t column, size_t resample,
                         double *scratch) {
    double share[HMA_CURVE];
    if (p->count == 0) {
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        scratch[i] = values[p->point[i] * stride + column];
    }
    fit(p, scratch, share);
    const double own = draw_own_share(p, resample), root = sqrt(own);
    for (size_t i = 0; i < p->count; i++) {
        const double curve = curve_at(p, share, i), noise = scratch[i] - curve - p->residual[i];
        values[p->point[i] * stride + column] = curve + own * p->residual[i] + root * noise;
    }
}
