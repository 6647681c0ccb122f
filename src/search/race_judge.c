#include "search/race_judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "base/memory.h"
#include "base/ranked.h"
#include "base/rng.h"
#include "search/pareto.h"

enum { DRAWS = 4096, BATCH = 64 };

/* ---- chances ---- */

typedef struct drawing {
    const hma_racer *racers;
    size_t count;
    hma_context *context;
    hma_rng_key key;
    /* for each worker */
    hma_spot *spots; /* [count] */
    size_t *hits;    /* [count] */
} drawing;

/* Both axes: two numbers of the normal distribution (Box, Muller). */
static hma_spot draw(const drawing *d, size_t racer, size_t number) {
    const hma_racer *r = &d->racers[racer];
    hma_spot spot = {r->value[0], r->value[1], racer};
    if (r->deviation[0] > 0 || r->deviation[1] > 0) {
        const hma_rng_key key = hma_rng_key_with(d->key, racer);
        const double u = hma_rng_double(key, 2 * number), v = hma_rng_double(key, 2 * number + 1);
        const double radius = sqrt(-2 * log(1 - u)), angle = 6.283185307179586 * v;
        spot.x += r->deviation[0] * radius * cos(angle);
        spot.y += r->deviation[1] * radius * sin(angle);
    }
    return spot;
}

static hma_status draw_batch(void *argument, size_t index, size_t worker) {
    const drawing *d = argument;
    hma_spot *spots = d->spots + worker * d->count;
    size_t *hits = d->hits + worker * d->count;
    for (size_t number = index * BATCH; number < (index + 1) * BATCH; number++) {
        size_t running = 0;
        for (size_t r = 0; r < d->count; r++) {
            if (!d->racers[r].out) {
                spots[running++] = draw(d, r, number);
            }
        }
        const size_t front = hma_pareto_select(spots, running);
        for (size_t i = 0; i < front; i++) {
            hits[spots[i].index]++;
        }
    }
    return hma_context_check(d->context);
}

hma_status hma_judge_chances(hma_racer *racers, size_t count, uint64_t seed, uint64_t round, hma_context *context) {
    hma_pool *pool = hma_context_pool(context);
    const size_t threads = hma_pool_threads(pool);
    drawing d = {.racers = racers,
                 .count = count,
                 .context = context,
                 .key = hma_rng_key_with(hma_rng_key_for(seed, "race"), round),
                 .spots = HMA_NEW(hma_spot, threads * count),
                 .hits = HMA_NEW(size_t, threads * count)};
    hma_status status = d.spots && d.hits ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK) {
        status = hma_pool_run(pool, DRAWS / BATCH, draw_batch, &d);
    }
    for (size_t r = 0; r < count && status == HMA_OK; r++) {
        size_t hits = 0;
        for (size_t worker = 0; worker < threads; worker++) {
            hits += d.hits[worker * count + r];
        }
        racers[r].chance = racers[r].out ? 1 : (double)hits / DRAWS;
    }
    free(d.spots);
    free(d.hits);
    return status;
}

/* ---- decisions ---- */

hma_status hma_judge_beaten(const hma_track *track, hma_racer *racers, size_t count, double alpha, double *spent) {
    hma_ranked *places = HMA_NEW(hma_ranked, count);
    size_t losers = 0;
    *spent = 0;
    if (!places) {
        return HMA_FAILURE;
    }
    for (size_t r = 0; r < count; r++) {
        racers[r].beaten = false;
        if (racers[r].may_lose && !racers[r].out && !hma_racer_is_complete(track, &racers[r])) {
            places[losers++] = (hma_ranked){racers[r].chance, r};
        }
    }
    qsort(places, losers, sizeof *places, hma_ranked_rising);
    for (size_t i = 0; i < losers && *spent + places[i].value <= alpha; i++) {
        *spent += places[i].value;
        racers[places[i].index].beaten = true;
    }
    free(places);
    return HMA_OK;
}

double hma_judge_behind(const hma_racer *racers, size_t count, size_t racer, size_t axis) {
    const hma_racer *own = &racers[racer];
    double needed = own->value[axis];
    for (size_t r = 0; r < count; r++) {
        const hma_racer *other = &racers[r];
        if (r != racer && !other->out && !other->beaten && other->value[1 - axis] >= own->value[1 - axis]) {
            needed = fmax(needed, other->value[axis]);
        }
    }
    return own->deviation[axis] > 0 ? (needed - own->value[axis]) / own->deviation[axis] : INFINITY;
}
