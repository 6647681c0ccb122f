/*
 * What the items say about weighted sums of points in one task: value, standard error, and what an interval is made of.
 *
 * Everything rests on the jackknife's pseudo-values (eval/tasks/jackknife.h), of which every point has one for each cluster of
 * items: those of a sum of points are the sum of theirs, so that all comparisons are paired. README.md says why intervals have
 * this form and how often they cover the truth.
 */
#ifndef HMA_SEARCH_EVIDENCE_H
#define HMA_SEARCH_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/error.h"
#include "search/score_table.h"

typedef struct hma_task_evidence {
    size_t rows;    /* clusters; items where they stand alone */
    double *pseudo; /* [points, rows] */
    double *values; /* [points]: the metric */
    bool counted;   /* every item of every point is right (1) or wrong (0) */
} hma_task_evidence;

typedef struct hma_evidence {
    const hma_score_table *table;
    hma_task_evidence *tasks; /* [tasks] */
} hma_evidence;

hma_status hma_evidence_new(hma_evidence *out, const hma_score_table *table);
void hma_evidence_free(hma_evidence *evidence);

/* A weighted sum of points. Weights of a difference sum to 0. */
enum { HMA_CONTRAST_POINTS = 3 };
typedef struct hma_contrast {
    size_t count;
    size_t point[HMA_CONTRAST_POINTS];
    double weight[HMA_CONTRAST_POINTS];
} hma_contrast;

/* The interval at any level is centre +- quantile(freedom) * spread. NaN with fewer than 2 rows. */
typedef struct hma_spread {
    double value, error;            /* what is reported: the metric, its standard error */
    double centre, spread, freedom; /* freedom INFINITY: the normal distribution */
} hma_spread;

hma_spread hma_evidence_of(const hma_evidence *evidence, size_t task, const hma_contrast *contrast);

/*
 * Sum of independent spreads (tasks), each times its weight; degrees of freedom after Satterthwaite ("An approximate
 * distribution of estimates of variance components", 1946). Begin with a spread of zeros and freedom 0.
 */
void hma_spread_add(hma_spread *sum, const hma_spread *task, double weight);

#endif
