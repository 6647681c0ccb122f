/*
 * Items that share something - questions about one passage - are not independent. They form a cluster; whatever draws, leaves
 * out or counts independent pieces of evidence does so with whole clusters. Items without a cluster's name stand alone.
 */
#ifndef HMA_BASE_CLUSTERS_H
#define HMA_BASE_CLUSTERS_H

#include <stddef.h>

#include "hma/error.h"

typedef struct hma_clusters {
    size_t count; /* clusters */
    size_t *of;   /* [items]: number of each item's cluster, in order of first appearance; NULL when all items stand alone */
} hma_clusters;

/* From the items' cluster names: `names` may be NULL, and so may its entries. Free with hma_clusters_free(). */
hma_status hma_clusters_make(hma_clusters *out, char *const *names, size_t items);
void hma_clusters_free(hma_clusters *clusters);

static inline size_t hma_cluster_of(const hma_clusters *clusters, size_t item) {
    return clusters->of ? clusters->of[item] : item;
}

#endif
