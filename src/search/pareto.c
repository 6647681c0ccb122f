#include "search/pareto.h"

#include <math.h>
#include <stdlib.h>

static int by_falling_x(const void *left, const void *right) {
    const hma_spot *a = left, *b = right;
    if (a->x != b->x) {
        return a->x > b->x ? -1 : 1;
    }
    if (a->y != b->y) {
        return a->y > b->y ? -1 : 1;
    }
    return a->index > b->index ? -1 : a->index < b->index;
}

static size_t drop_nan(hma_spot *spots, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(spots[i].x) && !isnan(spots[i].y)) {
            const hma_spot spot = spots[i];
            spots[i] = spots[kept];
            spots[kept++] = spot;
        }
    }
    return kept;
}

size_t hma_pareto_select(hma_spot *spots, size_t count) {
    count = drop_nan(spots, count);
    qsort(spots, count, sizeof *spots, by_falling_x);
    size_t front = 0;
    for (size_t i = 0; i < count; i++) {
        /* sorted: whatever is at least as good in x came before, so only y can save a spot */
        const hma_spot spot = spots[i];
        const hma_spot *last = front ? &spots[front - 1] : NULL;
        if (!last || spot.y > last->y || (spot.y == last->y && spot.x == last->x)) {
            spots[front++] = spot;
        }
    }
    return front;
}

double hma_pareto_area(const hma_spot *front, size_t count, double reference_x, double reference_y) {
    double area = 0;
    for (size_t i = 0; i < count && front[i].x > reference_x; i++) {
        if (front[i].y > reference_y) {
            area += (front[i].x - reference_x) * (front[i].y - reference_y);
            reference_y = front[i].y;
        }
    }
    return area;
}
