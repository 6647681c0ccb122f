/* The axes of a front. Each is a weighted sum of tasks: alignment and tasks one of them, categories and retention means. */
#ifndef HMA_SEARCH_AXES_H
#define HMA_SEARCH_AXES_H

#include <stddef.h>
#include <stdint.h>

#include "hma/context.h"
#include "hma/front.h"
#include "search/evidence.h"
#include "search/resampled.h"

/* Places of the two axes that make up the front. */
enum { HMA_ALIGNMENT = 0, HMA_RETENTION = 1 };

typedef struct hma_axes {
    size_t count;
    hma_axis *axes;  /* [count]: the front's, freed with it */
    double *weights; /* [count, tasks] */
} hma_axes;

/*
 * Fills in estimates and differences for all points; the front's points are the table's, with pre, post and `uniform`. On
 * failure as well, the array of axes is there to be freed by the caller, and the rest with hma_axes_free().
 */
hma_status hma_axes_new(hma_axes *out, hma_context *context, const hma_evidence *evidence, const hma_front *front);
void hma_axes_free(hma_axes *axes);
void hma_axis_array_free(hma_axis *axes, size_t count);

/* Whether the suite measures the axis at all. */
bool hma_axes_measured(const hma_axes *axes, const hma_score_table *table, size_t axis);

/* The weighted sum over tasks that an axis is, for a weighted sum of points. */
hma_spread hma_axes_spread(const hma_axes *axes, const hma_evidence *evidence, size_t axis, const hma_contrast *contrast);
/* What a spread means: mean, error, 95 % interval and p of "it is 0". */
hma_difference hma_spread_difference(const hma_spread *spread);

/* Replicates first .. first+count-1 of an axis at a point, minus those at `reference` unless that is SIZE_MAX. */
void hma_axes_replicates(const hma_axes *axes, const hma_resampled *resampled, size_t axis, size_t point, size_t reference,
                         size_t first, size_t count, double *replicates);

#endif
