#include "base/clusters.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text_set.h"

/* Whether any two items share a cluster does not matter here: one that is named is one to be respected. */
static bool any_named(char *const *names, size_t items) {
    for (size_t i = 0; names && i < items; i++) {
        if (names[i]) {
            return true;
        }
    }
    return false;
}

static hma_status number_items(hma_clusters *clusters, hma_text_set *seen, char *const *names, size_t items) {
    for (size_t i = 0; i < items; i++) {
        uint64_t number = clusters->count;
        bool added = true;
        if (names[i]) {
            const hma_status status = hma_text_set_put(seen, names[i], strlen(names[i]), number, &added);
            if (status != HMA_OK) {
                return status;
            }
        }
        if (!added) {
            (void)hma_text_set_find(seen, names[i], strlen(names[i]), &number);
        }
        clusters->of[i] = (size_t)number;
        clusters->count += added;
    }
    return HMA_OK;
}

hma_status hma_clusters_make(hma_clusters *out, char *const *names, size_t items) {
    *out = (hma_clusters){.count = items};
    if (!any_named(names, items)) {
        return HMA_OK;
    }
    hma_clusters clusters = {.of = HMA_NEW(size_t, items)};
    hma_text_set seen = {0};
    const hma_status status = clusters.of ? number_items(&clusters, &seen, names, items) : HMA_FAILURE;
    hma_text_set_free(&seen);
    if (status != HMA_OK) {
        free(clusters.of);
        return status;
    }
    *out = clusters;
    return HMA_OK;
}

void hma_clusters_free(hma_clusters *clusters) {
    free(clusters->of);
    *clusters = (hma_clusters){0};
}
