/*
 * What a search has learnt so far: ratios and what they scored, metric by metric. The methods (nsga2.h, surrogate.h) are
 * functions of this, a seed and a number, and of nothing else: that is why an interrupted search that starts again proposes the
 * same.
 */
#ifndef HMA_SEARCH_SAMPLES_H
#define HMA_SEARCH_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"

/* Where ratios may lie: the box [0,1]^K, or those of its points that have this mean. */
typedef struct hma_region {
    size_t blocks; /* K */
    double mean;   /* NaN: any */
} hma_region;

/*
 * Moves ratios to the nearest usable point: into the box, onto the mean if there is one, and to a hundredth (a ten-thousandth
 * with a mean), so that points that are the same for all purposes are the same recipe.
 */
void hma_region_repair(const hma_region *region, double *ratios);

typedef struct hma_sample {
    double *ratios;              /* [K] */
    double *values;              /* [metrics]; NaN where it is not finite */
    double alignment, retention; /* weighted sums of the values; both count as larger is better */
    bool excluded;               /* a value is not finite: dominated by everything */
    bool dropped;                /* lost a race: its values are estimates from few items, behind all that were not dropped */
} hma_sample;

typedef struct hma_samples {
    hma_region region;
    size_t metrics;
    const double *weights; /* [2, metrics], borrowed: of alignment, of retention */
    hma_sample *list;      /* pre first, post second */
    size_t count, capacity;
} hma_samples;

void hma_samples_free(hma_samples *samples);

/* Copies. `values` may be NULL: excluded. */
hma_status hma_samples_add(hma_samples *samples, const double *ratios, const double *values, bool dropped);

/* Whether these ratios are there. */
bool hma_samples_have(const hma_samples *samples, const double *ratios);

/* Indices of the samples that no other one dominates, by falling alignment; `front` has room for all. */
hma_status hma_samples_front(const hma_samples *samples, size_t *front, size_t *count);

/* NaN when memory runs out. Area that the front dominates beyond the worse of pre and post in each axis, relative to the
 * rectangle between both. */
double hma_samples_volume(const hma_samples *samples);
/* What it would be with one more point. */
double hma_samples_volume_with(const hma_samples *samples, double alignment, double retention);

#endif
