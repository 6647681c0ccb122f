/* The Hungarian method in its form with shortest augmenting paths (Kuhn 1955; Jonker and Volgenant 1987). */
#include "eval/tasks/assignment.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"

/* A search for one more pair. The short side is always `n`, the long side `m`; index 0 of every array is the free place. */
typedef struct search {
    const double *score;
    size_t n, m;
    bool transposed; /* the short side are the columns of `score` */
    double *short_price, *long_price;
    size_t *partner; /* [m + 1]: 1-based element of the short side, 0 when free */
    size_t *way;     /* [m + 1]: the element of the long side before this one on the path */
    double *slack;   /* [m + 1]: shortest distance so far */
    bool *done;      /* [m + 1] */
} search;

static double cost(const search *s, size_t i, size_t j) {
    return s->transposed ? -s->score[(j - 1) * s->n + (i - 1)] : -s->score[(i - 1) * s->m + (j - 1)];
}

/* Extends the path tree by the nearest element of the long side and returns it. */
static size_t extend(search *s, size_t from) {
    const size_t i = s->partner[from];
    double least = INFINITY;
    size_t nearest = 0;
    s->done[from] = true;
    for (size_t j = 1; j <= s->m; j++) {
        if (s->done[j]) {
            continue;
        }
        const double distance = cost(s, i, j) - s->short_price[i] - s->long_price[j];
        if (distance < s->slack[j]) {
            s->slack[j] = distance;
            s->way[j] = from;
        }
        if (s->slack[j] < least) {
            least = s->slack[j];
            nearest = j;
        }
    }
    for (size_t j = 0; j <= s->m; j++) {
        if (s->done[j]) {
            s->short_price[s->partner[j]] += least;
            s->long_price[j] -= least;
        } else {
            s->slack[j] -= least;
        }
    }
    return nearest;
}

static void pair_one(search *s, size_t i) {
    for (size_t j = 0; j <= s->m; j++) {
        s->slack[j] = INFINITY;
        s->done[j] = false;
    }
    s->partner[0] = i;
    size_t at = 0;
    do {
        at = extend(s, at);
    } while (s->partner[at] != 0);
    for (; at != 0; at = s->way[at]) {
        s->partner[at] = s->partner[s->way[at]];
    }
}

hma_status hma_assignment_best(const double *score, size_t rows, size_t columns, size_t *column_of_row) {
    search s = {
        .score = score, .n = hma_min_size(rows, columns), .m = hma_max_size(rows, columns), .transposed = rows > columns};
    s.short_price = HMA_NEW(double, s.n + 1);
    s.long_price = HMA_NEW(double, s.m + 1);
    s.partner = HMA_NEW(size_t, s.m + 1);
    s.way = HMA_NEW(size_t, s.m + 1);
    s.slack = HMA_NEW(double, s.m + 1);
    s.done = HMA_NEW(bool, s.m + 1);
    const bool ready = s.short_price && s.long_price && s.partner && s.way && s.slack && s.done;
    if (ready) {
        for (size_t i = 1; i <= s.n; i++) {
            pair_one(&s, i);
        }
        for (size_t i = 0; i < rows; i++) {
            column_of_row[i] = SIZE_MAX;
        }
        for (size_t j = 1; j <= s.m; j++) {
            if (s.partner[j]) {
                const size_t row = s.transposed ? j - 1 : s.partner[j] - 1;
                column_of_row[row] = s.transposed ? s.partner[j] - 1 : j - 1;
            }
        }
    }
    free(s.short_price);
    free(s.long_price);
    free(s.partner);
    free(s.way);
    free(s.slack);
    free(s.done);
    return ready ? HMA_OK : HMA_FAILURE;
}
