#include "search/design.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"

enum { HYPERCUBES = 200 };

/* A Latin hypercube: in each ratio, every one of `count` equal intervals holds one point. */
static void fill_hypercube(double *points, size_t count, size_t blocks, hma_rng_key key, size_t *order) {
    for (size_t k = 0; k < blocks; k++) {
        const hma_rng_key own = hma_rng_key_with(key, k);
        for (size_t i = 0; i < count; i++) {
            const size_t other = (size_t)hma_rng_below(own, i, i + 1);
            order[i] = order[other];
            order[other] = i;
        }
        for (size_t i = 0; i < count; i++) {
            points[i * blocks + k] = ((double)order[i] + hma_rng_double(own, count + i)) / (double)count;
        }
    }
}

static double squared_distance(const double *a, const double *b, size_t blocks) {
    double sum = 0;
    for (size_t k = 0; k < blocks; k++) {
        sum += (a[k] - b[k]) * (a[k] - b[k]);
    }
    return sum;
}

/* The smallest distance among the new points, and between them and those that are there. */
static double separation(const hma_samples *samples, const double *ratios, size_t old, size_t count) {
    const size_t blocks = samples->region.blocks;
    double least = INFINITY;
    for (size_t i = old; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            least = fmin(least, squared_distance(ratios + i * blocks, ratios + j * blocks, blocks));
        }
        for (size_t j = 0; j < samples->count; j++) {
            least = fmin(least, squared_distance(ratios + i * blocks, samples->list[j].ratios, blocks));
        }
    }
    return least;
}

/* Of many hypercubes, after repair, the one whose points are farthest apart. */
static hma_status add_hypercube(const hma_samples *samples, size_t old, size_t latin, uint64_t seed, double *ratios) {
    const size_t blocks = samples->region.blocks;
    const hma_rng_key key = hma_rng_key_for(seed, "design");
    double *best = HMA_NEW(double, latin *blocks), best_separation = -1;
    size_t *order = HMA_NEW(size_t, latin);
    const hma_status status = best && order ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; i < HYPERCUBES && status == HMA_OK; i++) {
        double *points = ratios + old * blocks;
        fill_hypercube(points, latin, blocks, hma_rng_key_with(key, i), order);
        for (size_t p = 0; p < latin; p++) {
            hma_region_repair(&samples->region, points + p * blocks);
        }
        const double found = separation(samples, ratios, old, old + latin);
        if (found > best_separation) {
            best_separation = found;
            memcpy(best, points, latin * blocks * sizeof *best);
        }
    }
    if (status == HMA_OK) {
        memcpy(ratios + old * blocks, best, latin * blocks * sizeof *best);
    }
    free(best);
    free(order);
    return status;
}

static size_t drop_known(const hma_samples *samples, double *ratios, size_t count) {
    const size_t blocks = samples->region.blocks;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool known = hma_samples_have(samples, ratios + i * blocks);
        for (size_t j = 0; j < kept && !known; j++) {
            known = memcmp(ratios + i * blocks, ratios + j * blocks, blocks * sizeof *ratios) == 0;
        }
        if (!known) {
            memmove(ratios + kept++ * blocks, ratios + i * blocks, blocks * sizeof *ratios);
        }
    }
    return kept;
}

hma_status hma_design_make(const hma_samples *samples, size_t curve, size_t latin, uint64_t seed, double *ratios,
                           size_t *made) {
    const hma_region *region = &samples->region;
    for (size_t i = 0; i < curve; i++) {
        for (size_t k = 0; k < region->blocks; k++) {
            ratios[i * region->blocks + k] = (double)(i + 1) / (double)(curve + 1);
        }
        hma_region_repair(region, ratios + i * region->blocks);
    }
    const hma_status status = latin > 0 ? add_hypercube(samples, curve, latin, seed, ratios) : HMA_OK;
    if (status == HMA_OK) {
        *made = drop_known(samples, ratios, curve + latin);
    }
    return status;
}
