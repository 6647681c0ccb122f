#include "search/surrogate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "base/rng.h"
#include "search/pareto.h"
#include "search/quadratic.h"

enum { ANYWHERE = 1500, NEARBY = 1500, CURVE = 19 };
static const double STEP = 0.25, LEAST_DISTANCE = 0.03;

size_t hma_surrogate_first(size_t blocks) { return hma_min_size(hma_surface_terms(blocks) + 2, 3 * blocks + 6); }

void hma_surrogate_proposal_free(hma_surrogate_proposal *proposal) {
    free(proposal->ratios);
    free(proposal->predicted);
    *proposal = (hma_surrogate_proposal){0};
}

typedef struct proposing {
    const hma_samples *samples;
    hma_surface *surfaces; /* [metrics]; of a metric that does not count, samples is NULL */
    double *ratios;        /* [count, K]: what is looked at */
    double *alignment, *retention;
    size_t count;
    hma_spot *spots; /* the scored front, and what was proposed so far */
    hma_spot *scratch;
    size_t spot_count;
    double reference[2];
} proposing;

/* ---- where to look ---- */

static void look_anywhere(proposing *p, hma_rng_key key) {
    const size_t blocks = p->samples->region.blocks;
    for (size_t i = 0; i < ANYWHERE; i++) {
        for (size_t k = 0; k < blocks; k++) {
            /* beyond the box and back, so that its faces and corners are looked at too */
            p->ratios[(p->count + i) * blocks + k] = 1.2 * hma_rng_double(key, i * blocks + k) - 0.1;
        }
    }
    p->count += ANYWHERE;
}

/* Around the points of the front: the sum of three uniform numbers, a bell. */
static void look_nearby(proposing *p, hma_rng_key key, const size_t *front, size_t front_count) {
    const size_t blocks = p->samples->region.blocks;
    for (size_t i = 0; i < NEARBY && front_count > 0; i++) {
        const hma_rng_key own = hma_rng_key_with(key, i);
        const double *from = p->samples->list[front[i % front_count]].ratios;
        for (size_t k = 0; k < blocks; k++) {
            double bell = -1.5;
            for (size_t d = 0; d < 3; d++) {
                bell += hma_rng_double(own, 3 * k + d);
            }
            p->ratios[p->count * blocks + k] = from[k] + 2 * STEP * bell;
        }
        p->count++;
    }
}

static void look_at_curve(proposing *p) {
    const size_t blocks = p->samples->region.blocks;
    for (size_t i = 0; i < CURVE; i++, p->count++) {
        for (size_t k = 0; k < blocks; k++) {
            p->ratios[p->count * blocks + k] = (double)(i + 1) / (CURVE + 1);
        }
    }
}

/* ---- what is there ---- */

static double distance(const double *a, const double *b, size_t blocks) {
    double most = 0;
    for (size_t k = 0; k < blocks; k++) {
        most = fmax(most, fabs(a[k] - b[k]));
    }
    return most;
}

static bool is_too_near(const proposing *p, const double *ratios, const double *made, size_t made_count) {
    const size_t blocks = p->samples->region.blocks;
    bool near = false;
    for (size_t i = 0; i < p->samples->count && !near; i++) {
        near = distance(p->samples->list[i].ratios, ratios, blocks) < LEAST_DISTANCE;
    }
    for (size_t i = 0; i < made_count && !near; i++) {
        near = distance(made + i * blocks, ratios, blocks) < LEAST_DISTANCE;
    }
    return near;
}

static hma_status predict(proposing *p) {
    const size_t blocks = p->samples->region.blocks, metrics = p->samples->metrics;
    double *scratch = HMA_NEW(double, hma_surface_scratch(blocks));
    if (!scratch) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < p->count; i++) {
        hma_region_repair(&p->samples->region, p->ratios + i * blocks);
        for (size_t m = 0; m < metrics; m++) {
            if (p->surfaces[m].samples) {
                const double value = hma_surface_value(&p->surfaces[m], p->ratios + i * blocks, SIZE_MAX, scratch);
                p->alignment[i] += p->samples->weights[m] * value;
                p->retention[i] += p->samples->weights[metrics + m] * value;
            }
        }
    }
    free(scratch);
    return HMA_OK;
}

/* Root mean square error of an axis when each sample is left out. */
static hma_status axis_error(const proposing *p, size_t axis, double *error) {
    const size_t metrics = p->samples->metrics;
    double *scratch = HMA_NEW(double, hma_surface_scratch(p->samples->region.blocks)), squares = 0, count = 0;
    for (size_t s = 0; scratch && s < p->samples->count; s++) {
        const hma_sample *sample = &p->samples->list[s];
        double off = 0;
        for (size_t m = 0; m < metrics && !sample->excluded && !sample->dropped; m++) {
            const double weight = p->samples->weights[axis * metrics + m];
            if (weight != 0) {
                off += weight * (hma_surface_value(&p->surfaces[m], sample->ratios, s, scratch) - sample->values[m]);
            }
        }
        squares += off * off;
        count += !sample->excluded && !sample->dropped;
    }
    free(scratch);
    *error = sqrt(squares / fmax(count, 1));
    return scratch ? HMA_OK : HMA_FAILURE;
}

/* ---- what to propose ---- */

static double volume_with(const proposing *p, double alignment, double retention) {
    memcpy(p->scratch, p->spots, p->spot_count * sizeof *p->spots);
    p->scratch[p->spot_count] = (hma_spot){alignment, retention, 0};
    const size_t count = hma_pareto_select(p->scratch, p->spot_count + 1);
    return hma_pareto_area(p->scratch, count, p->reference[0], p->reference[1]);
}

static void note_spot(proposing *p, double alignment, double retention) {
    p->spots[p->spot_count++] = (hma_spot){alignment, retention, 0};
    p->spot_count = hma_pareto_select(p->spots, p->spot_count);
}

/* Greedily: each proposal as if those before it had scored what is predicted. */
static void propose(proposing *p, size_t wanted, hma_surrogate_proposal *out) {
    const size_t blocks = p->samples->region.blocks;
    const double before = volume_with(p, NAN, NAN);
    double reached = before;
    while (out->made < wanted) {
        size_t best = SIZE_MAX;
        double best_volume = reached;
        for (size_t i = 0; i < p->count; i++) {
            const double volume = volume_with(p, p->alignment[i], p->retention[i]);
            if (volume > best_volume && !is_too_near(p, p->ratios + i * blocks, out->ratios, out->made)) {
                best = i;
                best_volume = volume;
            }
        }
        if (best == SIZE_MAX) {
            break;
        }
        memcpy(out->ratios + out->made * blocks, p->ratios + best * blocks, blocks * sizeof *out->ratios);
        out->predicted[2 * out->made] = p->alignment[best];
        out->predicted[2 * out->made + 1] = p->retention[best];
        out->made++;
        note_spot(p, p->alignment[best], p->retention[best]);
        reached = best_volume;
    }
    const hma_sample *pre = &p->samples->list[0], *post = &p->samples->list[1];
    const double unit = fabs(post->alignment - pre->alignment) * fabs(post->retention - pre->retention);
    out->gain = (reached - before) / (unit > 0 ? unit : 1);
}

/* ---- the whole ---- */

static hma_status fit(proposing *p, hma_surrogate_proposal *out) {
    const size_t metrics = p->samples->metrics;
    hma_status status = HMA_OK;
    for (size_t m = 0; m < metrics && status == HMA_OK; m++) {
        if (p->samples->weights[m] != 0 || p->samples->weights[metrics + m] != 0) {
            status = hma_surface_fit(&p->surfaces[m], p->samples, m);
        }
    }
    for (size_t axis = 0; axis < 2 && status == HMA_OK; axis++) {
        status = axis_error(p, axis, &out->error[axis]);
    }
    return status;
}

static void gather_front(proposing *p, const size_t *front, size_t front_count) {
    const hma_sample *pre = &p->samples->list[0], *post = &p->samples->list[1];
    p->reference[0] = fmin(pre->alignment, post->alignment);
    p->reference[1] = fmin(pre->retention, post->retention);
    for (size_t i = 0; i < front_count; i++) {
        const hma_sample *sample = &p->samples->list[front[i]];
        p->spots[p->spot_count++] = (hma_spot){sample->alignment, sample->retention, 0};
    }
}

static hma_status run(proposing *p, uint64_t seed, uint64_t round, size_t wanted, size_t *front, hma_surrogate_proposal *out) {
    const hma_rng_key key = hma_rng_key_with(hma_rng_key_for(seed, "surrogate"), round);
    size_t front_count = 0;
    hma_status status = hma_samples_front(p->samples, front, &front_count);
    if (status == HMA_OK) {
        status = fit(p, out);
    }
    if (status != HMA_OK) {
        return status;
    }
    look_anywhere(p, hma_rng_key_with(key, 0));
    look_nearby(p, hma_rng_key_with(key, 1), front, front_count);
    look_at_curve(p);
    gather_front(p, front, front_count);
    status = predict(p);
    if (status == HMA_OK) {
        propose(p, wanted, out);
    }
    return status;
}

hma_status hma_surrogate_propose(const hma_samples *samples, uint64_t seed, uint64_t round, size_t wanted,
                                 hma_surrogate_proposal *out) {
    const size_t looked = ANYWHERE + NEARBY + CURVE, blocks = samples->region.blocks;
    proposing p = {.samples = samples,
                   .surfaces = HMA_NEW(hma_surface, samples->metrics),
                   .ratios = HMA_NEW(double, looked *blocks),
                   .alignment = HMA_NEW(double, looked),
                   .retention = HMA_NEW(double, looked),
                   .spots = HMA_NEW(hma_spot, samples->count + wanted + 1),
                   .scratch = HMA_NEW(hma_spot, samples->count + wanted + 1)};
    size_t *front = HMA_NEW(size_t, samples->count);
    hma_surrogate_proposal made = {.ratios = HMA_NEW(double, wanted *blocks), .predicted = HMA_NEW(double, wanted * 2)};
    hma_status status = HMA_FAILURE;
    if (p.surfaces && p.ratios && p.alignment && p.retention && p.spots && p.scratch && front && made.ratios &&
        made.predicted) {
        status = run(&p, seed, round, wanted, front, &made);
    }
    free(p.surfaces);
    free(p.ratios);
    free(p.alignment);
    free(p.retention);
    free(p.spots);
    free(p.scratch);
    free(front);
    if (status != HMA_OK) {
        hma_surrogate_proposal_free(&made);
        return status;
    }
    *out = made;
    return HMA_OK;
}
