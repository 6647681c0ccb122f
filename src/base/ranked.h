/* Things in order of a value, equal ones in order of their numbers, so that the order is the same whatever sorts. */
#ifndef HMA_BASE_RANKED_H
#define HMA_BASE_RANKED_H

#include <stddef.h>

typedef struct hma_ranked {
    double value; /* no NaN */
    size_t index;
} hma_ranked;

/* For qsort(). */
static inline int hma_ranked_rising(const void *left, const void *right) {
    const hma_ranked *a = left, *b = right;
    if (a->value != b->value) {
        return a->value < b->value ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}
static inline int hma_ranked_falling(const void *left, const void *right) {
    const hma_ranked *a = left, *b = right;
    if (a->value != b->value) {
        return a->value > b->value ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

#endif
