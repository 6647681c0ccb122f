/* From values to pixels, and round numbers to write beside the axis. */
#ifndef HMA_EXPORT_PLOT_SCALE_H
#define HMA_EXPORT_PLOT_SCALE_H

#include <stddef.h>

#include "base/buffer.h"

/* Ticks are tick * mantissa * 10^exponent for first_tick <= tick <= last_tick: whole numbers, so that labels are exact. */
typedef struct hma_scale {
    double low, high;            /* values at the ends */
    double from_pixel, to_pixel; /* where they are drawn */
    int mantissa, exponent;
    long long first_tick, last_tick;
} hma_scale;

/*
 * A scale for values from `low` to `high` (finite, low <= high) with a little room on both sides and about `ticks` ticks. Equal
 * values, and such that differ in the last digits only, get a scale around them.
 */
hma_scale hma_scale_make(double low, double high, int ticks, double from_pixel, double to_pixel);

double hma_scale_pixel(const hma_scale *scale, double value);
double hma_scale_tick_value(const hma_scale *scale, long long tick);
void hma_scale_tick_label(hma_buffer *out, const hma_scale *scale, long long tick);

#endif
