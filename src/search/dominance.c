#include "search/dominance.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "base/statistics.h"
#include "search/pareto.h"
#include "search/plausible.h"
#include "search/statistics.h"

enum { BATCH = 64 }; /* resamples at a time */

/* Values of alignment and retention of all points: two rows of `count`, one value for each of `count` resamples. */
struct dominance {
    hma_context *context;
    hma_front *front;
    const hma_axes *axes;
    const hma_resampled *resampled;
    bool measured[2];   /* alignment, retention */
    double *values;     /* [threads, 2, points, BATCH] */
    hma_spot *spots;    /* [threads, points] */
    size_t *membership; /* [threads, points] */
    double *areas;      /* [resamples] */
    hma_plausible plausible[2];
    double *scratch; /* [threads, points] */
};

/* The points that take part, with an axis that the suite does not measure at 0. Returns their number. */
static size_t gather_spots(const struct dominance *d, const double *values, size_t stride, size_t resample, hma_spot *spots) {
    const size_t points = d->front->point_count;
    const double *alignment = values + resample, *retention = values + points * stride + resample;
    size_t count = 0;
    for (size_t point = 0; point < points; point++) {
        if (!d->front->points[point].excluded) {
            spots[count++] = (hma_spot){d->measured[HMA_ALIGNMENT] ? alignment[point * stride] : 0,
                                        d->measured[HMA_RETENTION] ? retention[point * stride] : 0, point};
        }
    }
    return count;
}

/* Hypervolume of a front beyond the worse of pre and post in each axis. */
static double area_of(const struct dominance *d, const double *values, size_t stride, size_t resample, const hma_spot *spots,
                      size_t count) {
    const size_t points = d->front->point_count, pre = d->front->pre * stride, post = d->front->post * stride;
    const double *alignment = values + resample, *retention = values + points * stride + resample;
    return hma_pareto_area(spots, count, fmin(alignment[pre], alignment[post]), fmin(retention[pre], retention[post]));
}

static hma_status resample_batch(void *argument, size_t index, size_t worker) {
    const struct dominance *d = argument;
    const size_t points = d->front->point_count, resamples = d->resampled->resamples;
    const size_t first = index * BATCH, count = hma_min_size(BATCH, resamples - first);
    double *values = d->values + worker * 2 * points * BATCH;
    hma_spot *spots = d->spots + worker * points;
    for (size_t axis = 0; axis < 2; axis++) {
        for (size_t point = 0; point < points; point++) {
            hma_axes_replicates(d->axes, d->resampled, axis, point, SIZE_MAX, first, count,
                                values + (axis * points + point) * BATCH);
        }
    }
    for (size_t r = 0; r < count; r++) {
        size_t on_front = hma_pareto_select(spots, gather_spots(d, values, BATCH, r, spots));
        d->areas[first + r] = area_of(d, values, BATCH, r, spots, on_front);
        if (d->plausible[0].count + d->plausible[1].count > 0) {
            for (size_t axis = 0; axis < 2; axis++) {
                hma_plausible_apply(&d->plausible[axis], values + axis * points * BATCH, BATCH, r, first + r,
                                    d->scratch + worker * points);
            }
            on_front = hma_pareto_select(spots, gather_spots(d, values, BATCH, r, spots));
        }
        for (size_t i = 0; i < on_front; i++) {
            d->membership[worker * points + spots[i].index]++;
        }
    }
    return hma_context_check(d->context);
}

static void fill_membership(const struct dominance *d, size_t threads) {
    const size_t points = d->front->point_count;
    for (size_t point = 0; point < points; point++) {
        size_t count = 0;
        for (size_t worker = 0; worker < threads; worker++) {
            count += d->membership[worker * points + point];
        }
        d->front->points[point].membership = (double)count / (double)d->resampled->resamples;
    }
}

/* The front of what was measured. */
static hma_status fill_front(const struct dominance *d) {
    hma_front *front = d->front;
    const size_t points = front->point_count;
    double *values = d->values; /* [2, points] suffices here */
    for (size_t axis = 0; axis < 2; axis++) {
        for (size_t point = 0; point < points; point++) {
            values[axis * points + point] = front->axes[axis].point[point].value;
        }
    }
    const size_t on_front = hma_pareto_select(d->spots, gather_spots(d, values, 1, 0, d->spots));
    front->front = HMA_NEW(size_t, on_front);
    if (!front->front) {
        return HMA_FAILURE;
    }
    front->front_count = on_front;
    for (size_t i = 0; i < on_front; i++) {
        front->front[on_front - 1 - i] = d->spots[i].index;
        front->points[d->spots[i].index].on_front = true;
    }
    front->hypervolume.value = area_of(d, values, 1, 0, d->spots, on_front);
    return HMA_OK;
}

static void fill_hypervolume(const struct dominance *d) {
    hma_front *front = d->front;
    hma_estimate *volume = &front->hypervolume;
    const hma_estimate *alignment = front->axes[HMA_ALIGNMENT].point, *retention = front->axes[HMA_RETENTION].point;
    front->reference_alignment = fmin(alignment[front->pre].value, alignment[front->post].value);
    front->reference_retention = fmin(retention[front->pre].value, retention[front->post].value);
    if (!d->measured[HMA_ALIGNMENT] || !d->measured[HMA_RETENTION]) {
        *volume = (hma_estimate){NAN, NAN, NAN, NAN};
        return;
    }
    if (isnan(alignment[front->post].standard_error) || isnan(retention[front->post].standard_error)) {
        volume->standard_error = volume->low = volume->high = NAN; /* one item: resampling shows no spread */
        return;
    }
    const size_t resamples = d->resampled->resamples;
    volume->standard_error = hma_standard_deviation(d->areas, resamples);
    volume->low = fmin(volume->value, hma_quantile(d->areas, resamples, 0.025));
    volume->high = fmax(volume->value, hma_quantile(d->areas, resamples, 0.975));
}

static hma_status allocate(struct dominance *d, size_t threads) {
    size_t per_axis, cells, values;
    if (!hma_mul_size(&cells, d->front->point_count, threads) || !hma_mul_size(&per_axis, cells, BATCH) ||
        !hma_mul_size(&values, per_axis, 2)) {
        return hma_error_memory("front");
    }
    d->values = HMA_NEW(double, values);
    d->spots = HMA_NEW(hma_spot, cells);
    d->membership = HMA_NEW(size_t, cells);
    d->areas = HMA_NEW(double, d->resampled->resamples);
    d->scratch = HMA_NEW(double, cells);
    return d->values && d->spots && d->membership && d->areas && d->scratch ? HMA_OK : HMA_FAILURE;
}

static hma_status prepare_plausible(struct dominance *d, uint64_t seed) {
    hma_status status = HMA_OK;
    for (size_t axis = 0; axis < 2 && status == HMA_OK; axis++) {
        const hma_rng_key key = hma_rng_key_with(hma_rng_key_for(seed, "front membership"), axis);
        if (d->measured[axis]) {
            status = hma_plausible_new(&d->plausible[axis], d->front, d->axes, d->resampled, axis, key);
        }
    }
    return status;
}

hma_status hma_dominance(hma_front *front, hma_context *context, const hma_axes *axes, const hma_resampled *resampled,
                         uint64_t seed) {
    hma_pool *pool = hma_context_pool(context);
    const size_t threads = hma_pool_threads(pool);
    struct dominance d = {.context = context, .front = front, .axes = axes, .resampled = resampled};
    for (size_t axis = 0; axis < 2; axis++) {
        d.measured[axis] = hma_axes_measured(axes, resampled->table, axis);
    }
    hma_status status = allocate(&d, threads);
    if (status == HMA_OK) {
        status = fill_front(&d);
    }
    if (status == HMA_OK) {
        status = prepare_plausible(&d, seed);
    }
    if (status == HMA_OK) {
        status = hma_pool_run(pool, (resampled->resamples + BATCH - 1) / BATCH, resample_batch, &d);
    }
    if (status == HMA_OK) {
        fill_membership(&d, threads);
        fill_hypervolume(&d);
    }
    free(d.values);
    free(d.spots);
    free(d.membership);
    free(d.areas);
    free(d.scratch);
    hma_plausible_free(&d.plausible[0]);
    hma_plausible_free(&d.plausible[1]);
    return status;
}
