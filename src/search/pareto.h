/*
 * Non-dominated points in two dimensions, both maximised. A point dominates another when it is at least as good in both and
 * better in one; equal points do not dominate each other.
 */
#ifndef HMA_SEARCH_PARETO_H
#define HMA_SEARCH_PARETO_H

#include <stddef.h>

typedef struct hma_spot {
    double x, y;
    size_t index; /* whatever the caller calls the point */
} hma_spot;

/*
 * Moves the non-dominated spots to the beginning, by falling x (equal ones by falling index), and returns their number. Spots
 * with a NaN come out as dominated. The order of the others is not defined.
 */
size_t hma_pareto_select(hma_spot *spots, size_t count);

/* Area that a front (as hma_pareto_select leaves it) dominates above and to the right of (reference_x, reference_y). */
double hma_pareto_area(const hma_spot *front, size_t count, double reference_x, double reference_y);

#endif
