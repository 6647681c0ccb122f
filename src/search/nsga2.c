#include "search/nsga2.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "base/ranked.h"
#include "base/rng.h"

/* Small budgets want wide steps: these are below the 15 and 20 that are common where thousands of evaluations can be had. */
static const double CROSSOVER_INDEX = 5, MUTATION_INDEX = 8, CROSSOVER_CHANCE = 0.9;
enum { MOST_ATTEMPTS = 64 };

/* ---- ranking ---- */

/* Excluded ones come last, dropped ones before them; of the others the usual rule. */
static bool dominates(const hma_sample *a, const hma_sample *b) {
    if (a->excluded || b->excluded) {
        return !a->excluded && b->excluded;
    }
    if (a->dropped != b->dropped) {
        return b->dropped;
    }
    return a->alignment >= b->alignment && a->retention >= b->retention &&
           (a->alignment > b->alignment || a->retention > b->retention);
}

static void rank_all(const hma_samples *samples, size_t *rank) {
    size_t left = samples->count;
    for (size_t i = 0; i < samples->count; i++) {
        rank[i] = SIZE_MAX;
    }
    for (size_t level = 0; left > 0; level++) {
        for (size_t i = 0; i < samples->count; i++) {
            bool beaten = rank[i] < level;
            for (size_t j = 0; j < samples->count && !beaten; j++) {
                beaten = rank[j] >= level && dominates(&samples->list[j], &samples->list[i]);
            }
            if (!beaten) {
                rank[i] = level;
                left--;
            }
        }
    }
}

/* Adds the distance between a sample's neighbours of the same rank in one axis, relative to that rank's width. */
static void add_crowding(const hma_samples *samples, const size_t *rank, size_t level, bool retention, hma_ranked *places,
                         double *crowding) {
    size_t count = 0;
    for (size_t i = 0; i < samples->count; i++) {
        const hma_sample *s = &samples->list[i];
        if (rank[i] == level && !s->excluded) {
            places[count++] = (hma_ranked){retention ? s->retention : s->alignment, i};
        }
    }
    if (count == 0) {
        return;
    }
    qsort(places, count, sizeof *places, hma_ranked_rising);
    const double width = places[count - 1].value - places[0].value;
    crowding[places[0].index] = crowding[places[count - 1].index] = INFINITY;
    for (size_t i = 1; i + 1 < count && width > 0; i++) {
        crowding[places[i].index] += (places[i + 1].value - places[i - 1].value) / width;
    }
}

hma_status hma_nsga2_rank(const hma_samples *samples, size_t *rank, double *crowding) {
    hma_ranked *places = HMA_NEW(hma_ranked, samples->count);
    size_t levels = 0;
    if (!places) {
        return HMA_FAILURE;
    }
    rank_all(samples, rank);
    for (size_t i = 0; i < samples->count; i++) {
        crowding[i] = 0;
        levels = hma_max_size(levels, rank[i] + 1);
    }
    for (size_t level = 0; level < levels; level++) {
        add_crowding(samples, rank, level, false, places, crowding);
        add_crowding(samples, rank, level, true, places, crowding);
    }
    free(places);
    return HMA_OK;
}

/* ---- parents ---- */

typedef struct breeding {
    const hma_samples *samples;
    size_t *rank;
    double *crowding;
    size_t *parents; /* the best `population` of all samples */
    size_t parent_count;
} breeding;

static bool better(const breeding *b, size_t left, size_t right) {
    if (b->rank[left] != b->rank[right]) {
        return b->rank[left] < b->rank[right];
    }
    return b->crowding[left] != b->crowding[right] ? b->crowding[left] > b->crowding[right] : left < right;
}

/* The best ones by repeated choice: populations are small. */
static void choose_parents(breeding *b, size_t population, bool *taken) {
    for (b->parent_count = 0; b->parent_count < hma_min_size(population, b->samples->count); b->parent_count++) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < b->samples->count; i++) {
            if (!taken[i] && (best == SIZE_MAX || better(b, i, best))) {
                best = i;
            }
        }
        taken[best] = true;
        b->parents[b->parent_count] = best;
    }
}

static const double *tournament(const breeding *b, hma_rng_key key, uint64_t *draw) {
    const size_t one = b->parents[hma_rng_below(key, (*draw)++, b->parent_count)];
    const size_t two = b->parents[hma_rng_below(key, (*draw)++, b->parent_count)];
    return b->samples->list[better(b, one, two) ? one : two].ratios;
}

/* ---- children ---- */

/* One of the two children of simulated binary crossover. */
static double cross(double a, double b, double u, bool first) {
    const double beta = u < 0.5 ? pow(2 * u, 1 / (CROSSOVER_INDEX + 1)) : pow(1 / (2 * (1 - u)), 1 / (CROSSOVER_INDEX + 1));
    return 0.5 * ((first ? 1 + beta : 1 - beta) * a + (first ? 1 - beta : 1 + beta) * b);
}

static double mutate(double ratio, double u) {
    return u < 0.5 ? ratio + pow(2 * u, 1 / (MUTATION_INDEX + 1)) - 1 : ratio + 1 - pow(2 * (1 - u), 1 / (MUTATION_INDEX + 1));
}

static void make_child(const breeding *b, hma_rng_key key, double *child) {
    const size_t blocks = b->samples->region.blocks;
    uint64_t draw = 0;
    const double *one = tournament(b, key, &draw), *two = tournament(b, key, &draw);
    const bool crosses = hma_rng_double(key, draw++) < CROSSOVER_CHANCE;
    bool changed = false;
    for (size_t k = 0; k < blocks; k++) {
        const double u = hma_rng_double(key, draw++);
        const bool swap = hma_rng_double(key, draw++) < 0.5;
        child[k] = crosses ? cross(one[k], two[k], u, swap) : one[k];
    }
    for (size_t k = 0; k < blocks; k++) {
        const double chance = hma_rng_double(key, draw++), u = hma_rng_double(key, draw++);
        if (chance < 1 / (double)blocks || (!changed && k + 1 == blocks)) {
            child[k] = mutate(child[k], u);
            changed = true;
        }
    }
    hma_region_repair(&b->samples->region, child);
}

static bool is_new(const hma_samples *samples, const double *ratios, size_t made, const double *child) {
    const size_t blocks = samples->region.blocks;
    bool fresh = !hma_samples_have(samples, child);
    for (size_t i = 0; i < made && fresh; i++) {
        fresh = memcmp(ratios + i * blocks, child, blocks * sizeof *child) != 0;
    }
    return fresh;
}

/* Crossover first; when that only repeats itself, points from anywhere. */
static bool make_new_child(const breeding *b, hma_rng_key key, double *ratios, size_t made) {
    const size_t blocks = b->samples->region.blocks;
    double *child = ratios + made * blocks;
    for (uint64_t attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        const hma_rng_key own = hma_rng_key_with(key, attempt);
        if (attempt < MOST_ATTEMPTS / 2) {
            make_child(b, own, child);
        } else {
            for (size_t k = 0; k < blocks; k++) {
                child[k] = hma_rng_double(own, k);
            }
            hma_region_repair(&b->samples->region, child);
        }
        if (is_new(b->samples, ratios, made, child)) {
            return true;
        }
    }
    return false;
}

hma_status hma_nsga2_breed(const hma_samples *samples, size_t population, uint64_t seed, uint64_t generation, size_t wanted,
                           double *ratios, size_t *made) {
    const hma_rng_key key = hma_rng_key_with(hma_rng_key_for(seed, "nsga2"), generation);
    breeding b = {.samples = samples,
                  .rank = HMA_NEW(size_t, samples->count),
                  .crowding = HMA_NEW(double, samples->count),
                  .parents = HMA_NEW(size_t, samples->count)};
    bool *taken = HMA_NEW(bool, samples->count);
    hma_status status = b.rank && b.crowding && b.parents && taken ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK) {
        status = hma_nsga2_rank(samples, b.rank, b.crowding);
    }
    *made = 0;
    if (status == HMA_OK) {
        choose_parents(&b, population, taken);
        for (size_t i = 0; i < wanted; i++) {
            *made += make_new_child(&b, hma_rng_key_with(key, i), ratios, *made);
        }
    }
    free(b.rank);
    free(b.crowding);
    free(b.parents);
    free(taken);
    return status;
}
