/*
 * The authors' own way to the ratios (Lin et al., eq. 11, and their code): ratio_i = a K (sigmoid(s_i) + epsilon) / sum_j, all
 * s at logit(a) in the beginning, Adam on s with a linear warm-up over 3 % of the steps and a cosine to 0, one step a block of
 * texts.
 *
 * Their code hands the optimiser a part's s once for every linear map of the part, 7 x 8 = 56 times for eight LLaMA layers, so
 * that one step updates it so often with the same gradient. Without these repeats the paper's learning rate of 2e-5 would move
 * s by less than 0.02 in all; they are part of the method.
 *
 * Nothing there keeps ratios below 1. Here a point outside of Omega is replaced by the nearest one inside; its gradient is
 * taken through the formula as if it had not been.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "base/memory.h"
#include "base/rng.h"
#include "search/solver_parts.h"

enum { USUAL_REPEATS = 56, USUAL_STEPS = 100 };
static const double usual_rate = 2e-5, warm_up = 0.03;
/* Adam's (Kingma and Ba), as PyTorch has them */
static const double beta1 = 0.9, beta2 = 0.999, adam_epsilon = 1e-8;
static const double pi = 3.14159265358979323846;

typedef struct descent {
    hma_solving *solving;
    double *s, *sigmoid, *ratios, *by_ratio;
    double *first, *second; /* Adam's moments */
    size_t *updates;        /* so far, of each part */
    size_t *order;          /* [batches] */
} descent;

static void free_descent(descent *d) {
    free(d->s);
    free(d->sigmoid);
    free(d->ratios);
    free(d->by_ratio);
    free(d->first);
    free(d->second);
    free(d->updates);
    free(d->order);
}

static hma_status make_descent(descent *d) {
    const size_t count = d->solving->count, batches = d->solving->options->batches;
    const hma_rng_key key = hma_rng_key_for(d->solving->options->seed, "order of batches");
    d->s = HMA_NEW(double, count);
    d->sigmoid = HMA_NEW(double, count);
    d->ratios = HMA_NEW(double, count);
    d->by_ratio = HMA_NEW(double, count);
    d->first = HMA_NEW(double, count);
    d->second = HMA_NEW(double, count);
    d->updates = HMA_NEW(size_t, count);
    d->order = HMA_NEW(size_t, batches);
    if (!d->s || !d->sigmoid || !d->ratios || !d->by_ratio || !d->first || !d->second || !d->updates || !d->order) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < count; i++) {
        d->s[i] = log(d->solving->mean / (1 - d->solving->mean));
    }
    for (size_t i = 0; i < batches; i++) {
        const size_t j = (size_t)hma_rng_below(key, i, i + 1);
        d->order[i] = d->order[j];
        d->order[j] = i;
    }
    return HMA_OK;
}

/* s -> ratios, moved into Omega where they lie outside; returns the sum of sigmoid + epsilon. */
static double place(descent *d) {
    hma_solving *solving = d->solving;
    const size_t count = solving->count;
    double sum = 0;
    bool outside = false;
    for (size_t i = 0; i < count; i++) {
        d->sigmoid[i] = 1 / (1 + exp(-d->s[i]));
        sum += d->sigmoid[i] + solving->options->epsilon;
    }
    for (size_t i = 0; i < count; i++) {
        d->ratios[i] = solving->mean * (double)count * (d->sigmoid[i] + solving->options->epsilon) / sum;
        outside = outside || d->ratios[i] > 1;
    }
    hma_omega_project(d->ratios, count, solving->mean);
    if (outside && !solving->solution->clipped) {
        solving->solution->clipped = true;
        hma_log(solving->context, HMA_LOG_WARNING,
                "parametrization paper: a ratio passes 1 at mean %g; it is cut off there, which the authors' code does not do",
                solving->mean);
    }
    return sum;
}

/* by_ratio: the likelihood's derivative -> the whole objective's, with the penalty that is subtracted. */
static void add_penalty(const descent *d) {
    const hma_solver_options *o = d->solving->options;
    for (size_t i = 0; i < d->solving->count; i++) {
        const double off = d->ratios[i] - d->solving->mean, weight = o->weights ? o->weights[i] : 1;
        d->by_ratio[i] -= o->penalty * weight * (off > 0 ? 1 : off < 0 ? -1 : 0);
    }
}

/* Derivative by s_j: a K sigmoid'_j / sum * (by_ratio_j - sum_i by_ratio_i (sigmoid_i + epsilon) / sum). */
static double by_s(const descent *d, size_t j, double sum) {
    const hma_solving *solving = d->solving;
    double mean = 0;
    for (size_t i = 0; i < solving->count; i++) {
        mean += d->by_ratio[i] * (d->sigmoid[i] + solving->options->epsilon) / sum;
    }
    return solving->mean * (double)solving->count * d->sigmoid[j] * (1 - d->sigmoid[j]) / sum * (d->by_ratio[j] - mean);
}

/* One part's updates of a step, upwards. */
static void update(descent *d, size_t i, double gradient, double rate) {
    const size_t *repeats = d->solving->options->repeats;
    for (size_t r = repeats ? repeats[i] : USUAL_REPEATS; r > 0; r--) {
        const double t = (double)++d->updates[i];
        d->first[i] = beta1 * d->first[i] + (1 - beta1) * gradient;
        d->second[i] = beta2 * d->second[i] + (1 - beta2) * gradient * gradient;
        const double m = d->first[i] / (1 - pow(beta1, t)), v = d->second[i] / (1 - pow(beta2, t));
        d->s[i] += rate * m / (sqrt(v) + adam_epsilon);
    }
}

/* Share of the learning rate in step `step` of `steps`, counted from 0. */
static double schedule(size_t step, size_t steps) {
    const double warm = ceil(warm_up * (double)steps), at = (double)step;
    return at < warm ? at / warm : 0.5 * (1 + cos(pi * (at - warm) / fmax(1, (double)steps - warm)));
}

static hma_status step_once(descent *d, size_t step, size_t steps) {
    hma_solving *solving = d->solving;
    const hma_solver_options *o = solving->options;
    const double rate = (o->learning_rate > 0 ? o->learning_rate : usual_rate) * schedule(step, steps), sum = place(d);
    double value;
    hma_status status = hma_context_check(solving->context);
    if (status == HMA_OK) {
        status = o->batches
                     ? o->batch(solving->user, d->order[step % o->batches], d->ratios, solving->count, &value, d->by_ratio)
                     : solving->function(solving->user, d->ratios, solving->count, &value, d->by_ratio);
    }
    if (status != HMA_OK) {
        return status;
    }
    add_penalty(d);
    for (size_t i = 0; i < solving->count; i++) {
        update(d, i, by_s(d, i, sum), rate);
    }
    return HMA_OK;
}

hma_status hma_solve_paper(hma_solving *solving) {
    const hma_solver_options *o = solving->options;
    const size_t steps = o->steps ? o->steps : o->batches ? o->batches : USUAL_STEPS;
    descent d = {.solving = solving};
    double value;
    hma_status status = make_descent(&d);
    for (size_t step = 0; status == HMA_OK && step < steps; step++) {
        status = step_once(&d, step, steps);
    }
    if (status == HMA_OK) {
        (void)place(&d);
        status = hma_solving_evaluate(solving, d.ratios, &value, NULL); /* where the steps lead, not the best on the way */
    }
    solving->solution->evaluations += steps;
    solving->solution->ended_by = "steps";
    free_descent(&d);
    return status;
}
