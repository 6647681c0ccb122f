/*
 * Independent pieces of evidence about a metric: a task's items, or clusters of items that share something. Everything that
 * asks how sure a value is - standard errors, intervals, resamples - looks at these rows and not at items.
 */
#ifndef HMA_TASKS_JACKKNIFE_H
#define HMA_TASKS_JACKKNIFE_H

#include <stddef.h>

#include "base/clusters.h"
#include "hma/eval.h"

/* Statistics of a metric, summed within each cluster. */
typedef struct hma_cluster_sums {
    size_t count, width;
    double *sums;  /* [count, width] */
    double *items; /* [count] */
} hma_cluster_sums;

/* `stats` is [items, width of the metric]; one row an item when `clusters` holds none. Free with hma_cluster_sums_free(). */
hma_status hma_cluster_sums_make(hma_cluster_sums *out, hma_metric metric, const double *stats, size_t items,
                                 const hma_clusters *clusters);
void hma_cluster_sums_free(hma_cluster_sums *sums);

/*
 * Jackknife pseudo-values, one a row: n * value - (n-1) * (value without the row). Their mean estimates the metric, their
 * standard deviation over sqrt(n) is its standard error; differences of two points' pseudo-values give the paired error of the
 * difference (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 11; with clusters this is the
 * delete-one-cluster jackknife, CV3 in MacKinnon, Nielsen and Webb, "Cluster-robust inference: A guide to empirical practice",
 * 2023). For a mean over items that stand alone they are the items' own scores, to the last bit. Needs at least 2 rows; NaN
 * where a statistic is NaN.
 */
void hma_jackknife(hma_metric metric, const hma_cluster_sums *rows, double *values);

#endif
