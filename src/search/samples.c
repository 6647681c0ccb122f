#include "search/samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "search/pareto.h"

/* ---- ratios ---- */

static double clamp(double ratio) { return fmin(1, fmax(0, ratio)); }

static double mean_of(const double *ratios, size_t count, double shift) {
    double sum = 0;
    for (size_t k = 0; k < count; k++) {
        sum += clamp(ratios[k] + shift);
    }
    return sum / (double)count;
}

/* The nearest point of the box with this mean: one shift for all ratios, found by halving. */
static void project(double *ratios, size_t count, double mean) {
    double low = -2, high = 2;
    for (size_t i = 0; i < 60; i++) {
        const double middle = low + (high - low) / 2;
        *(mean_of(ratios, count, middle) < mean ? &low : &high) = middle;
    }
    for (size_t k = 0; k < count; k++) {
        ratios[k] = clamp(ratios[k] + high);
    }
}

enum { HUNDREDTHS = 100, TEN_THOUSANDTHS = 10000 };

/* Never -0. */
static double round_to(double ratio, double parts) { return round(ratio * parts) / parts + 0.0; }

/* Rounding moves the mean; what is missing goes to the first ratios that have room for it, in steps of what they were rounded
 * to as long as such steps lead there. */
static void restore_mean(double *ratios, size_t count, double mean) {
    const double target = mean * (double)count * TEN_THOUSANDTHS;
    double steps = round(target), rest = target - steps;
    for (size_t k = 0; k < count; k++) {
        steps -= round(ratios[k] * TEN_THOUSANDTHS);
    }
    for (size_t k = 0; k < count && steps != 0; k++) {
        const double now = round(ratios[k] * TEN_THOUSANDTHS), moved = fmin(TEN_THOUSANDTHS, fmax(0, now + steps));
        steps -= moved - now;
        ratios[k] = moved / TEN_THOUSANDTHS;
    }
    for (size_t k = 0; k < count && fabs(rest) > 1e-6; k++) { /* a mean with more digits than that */
        const double moved = clamp(ratios[k] + rest / TEN_THOUSANDTHS);
        rest -= (moved - ratios[k]) * TEN_THOUSANDTHS;
        ratios[k] = moved;
    }
}

void hma_region_repair(const hma_region *region, double *ratios) {
    const size_t count = region->blocks;
    const bool bound = !isnan(region->mean);
    for (size_t k = 0; k < count; k++) {
        ratios[k] = isnan(ratios[k]) ? 0.5 : clamp(ratios[k]);
    }
    if (bound) {
        project(ratios, count, region->mean);
    }
    for (size_t k = 0; k < count; k++) {
        ratios[k] = round_to(ratios[k], bound ? TEN_THOUSANDTHS : HUNDREDTHS);
    }
    if (bound) {
        restore_mean(ratios, count, region->mean);
    }
}

/* ---- samples ---- */

void hma_samples_free(hma_samples *samples) {
    for (size_t i = 0; i < samples->count; i++) {
        free(samples->list[i].ratios);
        free(samples->list[i].values);
    }
    free(samples->list);
    samples->list = NULL;
    samples->count = samples->capacity = 0;
}

static double weighted(const hma_samples *samples, const double *values, size_t axis) {
    const double *weights = samples->weights + axis * samples->metrics;
    double sum = 0;
    for (size_t i = 0; i < samples->metrics; i++) {
        sum += weights[i] != 0 ? weights[i] * values[i] : 0; /* a metric that does not count may be anything */
    }
    return sum;
}

hma_status hma_samples_add(hma_samples *samples, const double *ratios, const double *values, bool dropped) {
    if (hma_grow(&samples->list, &samples->capacity, samples->count + 1, sizeof *samples->list) != 0) {
        return HMA_FAILURE;
    }
    hma_sample *sample = &samples->list[samples->count];
    *sample = (hma_sample){.ratios = HMA_NEW(double, samples->region.blocks),
                           .values = HMA_NEW(double, samples->metrics),
                           .alignment = NAN,
                           .retention = NAN,
                           .dropped = dropped};
    if (!sample->ratios || !sample->values) {
        free(sample->ratios);
        free(sample->values);
        return HMA_FAILURE;
    }
    memcpy(sample->ratios, ratios, samples->region.blocks * sizeof *ratios);
    for (size_t i = 0; i < samples->metrics; i++) {
        sample->values[i] = values ? values[i] : NAN;
    }
    if (values) {
        sample->alignment = weighted(samples, values, 0);
        sample->retention = weighted(samples, values, 1);
    }
    sample->excluded = !isfinite(sample->alignment) || !isfinite(sample->retention);
    samples->count++;
    return HMA_OK;
}

bool hma_samples_have(const hma_samples *samples, const double *ratios) {
    for (size_t i = 0; i < samples->count; i++) {
        bool same = true;
        for (size_t k = 0; same && k < samples->region.blocks; k++) {
            same = samples->list[i].ratios[k] == ratios[k];
        }
        if (same) {
            return true;
        }
    }
    return false;
}

/* ---- the front ---- */

static size_t gather(const hma_samples *samples, hma_spot *spots) {
    size_t count = 0;
    for (size_t i = 0; i < samples->count; i++) {
        const hma_sample *sample = &samples->list[i];
        if (!sample->excluded && !sample->dropped) {
            spots[count++] = (hma_spot){sample->alignment, sample->retention, i};
        }
    }
    return count;
}

hma_status hma_samples_front(const hma_samples *samples, size_t *front, size_t *count) {
    hma_spot *spots = HMA_NEW(hma_spot, samples->count);
    if (!spots) {
        return HMA_FAILURE;
    }
    *count = hma_pareto_select(spots, gather(samples, spots));
    for (size_t i = 0; i < *count; i++) {
        front[i] = spots[i].index;
    }
    free(spots);
    return HMA_OK;
}

double hma_samples_volume_with(const hma_samples *samples, double alignment, double retention) {
    const hma_sample *pre = &samples->list[0], *post = &samples->list[1];
    const double unit = fabs(post->alignment - pre->alignment) * fabs(post->retention - pre->retention);
    hma_spot *spots = HMA_NEW(hma_spot, samples->count + 1);
    if (!spots) {
        return NAN;
    }
    size_t count = gather(samples, spots);
    spots[count++] = (hma_spot){alignment, retention, samples->count}; /* NaN drops out */
    count = hma_pareto_select(spots, count);
    const double area =
        hma_pareto_area(spots, count, fmin(pre->alignment, post->alignment), fmin(pre->retention, post->retention));
    free(spots);
    return unit > 0 ? area / unit : area;
}

double hma_samples_volume(const hma_samples *samples) { return hma_samples_volume_with(samples, NAN, NAN); }
