#include "search/race_guess.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"

enum { PEERS = 8, LEAST_COMPLETE = 4, RIVALS = 64 };

/* Added to every item's doubt: this share of the half of what all complete candidates differ by there, and of the half of what
 * they differ by on an average item of the task. */
static const double FLOOR = 0.05;
/* A peer whose answers are the same does not get all the weight: this share of the mean squared difference is added. */
static const double BLUNT = 0.1;
/* What all candidates tell about the size of errors counts as many items of a candidate's own. */
static const double PRIOR_ITEMS = 30;
/* Least variance of what errors have in common, relative to their own. */
static const double LEAST_COMMON = 0.02;
/* Peers and their weights are chosen by the same few answers that they explain best: with a share f of an axis answered, errors
 * vary by CHOSEN / f of what the model says. Taken from errors on the demo, which are larger than the model's at first and
 * smaller later. */
static const double CHOSEN = 0.3;

/* What the answered items tell about errors on an axis, in units of the doubt. */
typedef struct errors {
    double squares, sum, items;
} errors;

typedef struct guessing {
    const hma_track *track;
    hma_racer *racers;
    hma_context *context;
    size_t count, workers;
    size_t *complete, completes;             /* which racers are */
    double *slope;                           /* [tasks, HMA_METRIC_MAX_WIDTH]: at the mean of the complete ones */
    double *shares;                          /* [completes, items]: of an item in its axis, along that slope */
    double *spread;                          /* [items]: variance of these among the complete ones */
    double *scale;                           /* [tasks]: its mean */
    errors *found;                           /* [count, axes] */
    double *root;                            /* [count, axes]: sum of the roots of the doubt that is left */
    double *rest;                            /* [count, axes]: sum of the doubt that is left */
    double *scratch;                         /* [workers, items] */
    double size[HMA_AXES], common[HMA_AXES]; /* of errors, learnt from all */
    double axis_items[HMA_AXES];
} guessing;

static const double *stats_of(const hma_racer *racer, size_t task, size_t item) {
    const hma_task_scores *t = &racer->table->tasks[task];
    return t->stats + item * t->width;
}

static double weight_of(const hma_track *c, size_t task) {
    const size_t axis = hma_track_axis(c, task);
    return axis == HMA_AXES ? 0 : c->weights[axis * c->shape.task_count + task];
}

static double value_of(const hma_track *c, size_t task, const double *sums) {
    return hma_metric_value(c->shape.tasks[task].metric, sums, (double)c->shape.tasks[task].items);
}

/* ---- shares of items ---- */

/* How an axis changes with a task's sums: its derivatives there. */
static void fill_slope(const hma_track *c, size_t task, const double *sums, double slope[HMA_METRIC_MAX_WIDTH]) {
    const hma_task_scores *t = &c->shape.tasks[task];
    double moved[HMA_METRIC_MAX_WIDTH];
    memcpy(moved, sums, t->width * sizeof *moved);
    for (size_t k = 0; k < t->width; k++) {
        const double step = 1e-4 * fmax(fabs(sums[k]), 1e-3);
        if (hma_metric_describe(t->metric)->is_mean) {
            slope[k] = weight_of(c, task) / (double)t->items;
            continue;
        }
        moved[k] = sums[k] + step;
        const double above = value_of(c, task, moved);
        moved[k] = sums[k] - step;
        const double below = value_of(c, task, moved);
        moved[k] = sums[k];
        slope[k] = weight_of(c, task) * (above - below) / (2 * step);
        slope[k] = isfinite(slope[k]) ? slope[k] : 0;
    }
}

static double share(const double *stats, const double *slope, size_t width) {
    double sum = 0;
    for (size_t k = 0; k < width; k++) {
        sum += stats[k] * slope[k];
    }
    return sum;
}

static void add_sums(const hma_racer *racer, size_t task, double factor, double *sums) {
    const hma_task_scores *t = &racer->table->tasks[task];
    for (size_t i = 0; i < t->items * t->width; i++) {
        sums[i % t->width] += factor * t->stats[i];
    }
}

/* Of the complete ones. */
static void fill_shares(guessing *g, size_t task) {
    const hma_track *c = g->track;
    const hma_task_scores *t = &c->shape.tasks[task];
    const double n = (double)g->completes;
    double sums[HMA_METRIC_MAX_WIDTH] = {0}, *slope = g->slope + task * HMA_METRIC_MAX_WIDTH;
    for (size_t s = 0; s < g->completes; s++) {
        add_sums(&g->racers[g->complete[s]], task, 1 / n, sums);
    }
    fill_slope(c, task, sums, slope);
    for (size_t i = 0; i < t->items; i++) {
        double sum = 0, squares = 0;
        for (size_t s = 0; s < g->completes; s++) {
            double *own = &g->shares[s * c->items + c->first[task] + i];
            *own = share(stats_of(&g->racers[g->complete[s]], task, i), slope, t->width);
            sum += *own;
        }
        for (size_t s = 0; s < g->completes; s++) {
            const double d = g->shares[s * c->items + c->first[task] + i] - sum / n;
            squares += d * d;
        }
        g->spread[c->first[task] + i] = squares / n;
        g->scale[task] += squares / n / (double)t->items;
    }
}

/* ---- peers ---- */

typedef struct peers {
    size_t count, which[PEERS]; /* of the complete ones */
    double weight[PEERS];
} peers;

static void insert(peers *p, size_t which, double distance) {
    size_t at = hma_min_size(p->count, PEERS);
    while (at > 0 && distance < p->weight[at - 1]) {
        at--;
    }
    if (at == PEERS) {
        return;
    }
    p->count = hma_min_size(p->count + 1, PEERS);
    memmove(p->which + at + 1, p->which + at, (p->count - at - 1) * sizeof *p->which);
    memmove(p->weight + at + 1, p->weight + at, (p->count - at - 1) * sizeof *p->weight);
    p->which[at] = which;
    p->weight[at] = distance;
}

/* Mean squared difference on the items that the racer was asked, each task in its own scale. `own`: the racer's shares. */
static double distance_to(const guessing *g, const hma_racer *racer, size_t complete, const double *own) {
    const hma_track *c = g->track;
    const double *other = g->shares + complete * c->items;
    double sum = 0, count = 0;
    for (size_t task = 0; task < c->shape.task_count; task++) {
        for (size_t i = c->first[task]; i < c->first[task + 1] && g->scale[task] > 0; i++) {
            if (racer->asked[i]) {
                sum += (own[i] - other[i]) * (own[i] - other[i]) / g->scale[task];
                count++;
            }
        }
    }
    return sum / fmax(count, 1);
}

/* `own` [items] is scratch. */
static void find_peers(const guessing *g, const hma_racer *racer, double *own, peers *p) {
    const hma_track *c = g->track;
    double mean = 0, total = 0;
    for (size_t task = 0; task < c->shape.task_count; task++) {
        const double *slope = g->slope + task * HMA_METRIC_MAX_WIDTH;
        const size_t width = c->shape.tasks[task].width;
        for (size_t i = c->first[task]; i < c->first[task + 1]; i++) {
            own[i] = racer->asked[i] ? share(stats_of(racer, task, i - c->first[task]), slope, width) : 0;
        }
    }
    *p = (peers){0};
    for (size_t s = 0; s < g->completes; s++) {
        insert(p, s, distance_to(g, racer, s, own));
    }
    for (size_t k = 0; k < p->count; k++) {
        mean += p->weight[k] / (double)p->count;
    }
    for (size_t k = 0; k < p->count; k++) {
        p->weight[k] = 1 / (p->weight[k] + BLUNT * mean + 1e-9);
        total += p->weight[k];
    }
    for (size_t k = 0; k < p->count; k++) {
        p->weight[k] /= total;
    }
}

/* ---- a racer, before it is known how large errors are ---- */

/* Mean and variance of the peers' shares of an item. */
static double peers_mean(const guessing *g, const peers *p, size_t task, size_t item, const double *slope, double *variance) {
    const size_t width = g->track->shape.tasks[task].width;
    double of[PEERS], mean = 0;
    *variance = 0;
    for (size_t k = 0; k < p->count; k++) {
        of[k] = share(stats_of(&g->racers[g->complete[p->which[k]]], task, item), slope, width);
        mean += p->weight[k] * of[k];
    }
    for (size_t k = 0; k < p->count; k++) {
        *variance += p->weight[k] * (of[k] - mean) * (of[k] - mean);
    }
    return mean;
}

/* What was answered and, for the rest, the peers' weighted statistics. */
static void fill_guess(const guessing *g, const hma_racer *racer, const peers *p, size_t task, double *sums) {
    const hma_track *c = g->track;
    const hma_task_scores *t = &c->shape.tasks[task];
    memset(sums, 0, t->width * sizeof *sums);
    for (size_t i = 0; i < t->items; i++) {
        const bool asked = racer->asked[c->first[task] + i];
        for (size_t k = 0; k < (asked ? 1 : p->count); k++) {
            const hma_racer *from = asked ? racer : &g->racers[g->complete[p->which[k]]];
            for (size_t w = 0; w < t->width; w++) {
                sums[w] += (asked ? 1 : p->weight[k]) * stats_of(from, task, i)[w];
            }
        }
    }
}

static void guess_task(guessing *g, size_t index, const peers *p, size_t task) {
    const hma_track *c = g->track;
    hma_racer *racer = &g->racers[index];
    const size_t axis = hma_track_axis(c, task), width = c->shape.tasks[task].width;
    double sums[HMA_METRIC_MAX_WIDTH], slope[HMA_METRIC_MAX_WIDTH];
    fill_guess(g, racer, p, task, sums);
    racer->task_value[task] = value_of(c, task, sums);
    if (axis == HMA_AXES) {
        return;
    }
    errors *found = &g->found[index * HMA_AXES + axis];
    racer->value[axis] += weight_of(c, task) * racer->task_value[task];
    fill_slope(c, task, sums, slope);
    for (size_t i = c->first[task]; i < c->first[task + 1]; i++) {
        double doubt;
        const double mean = peers_mean(g, p, task, i - c->first[task], slope, &doubt);
        doubt += FLOOR / 2 * (g->spread[i] + g->scale[task]) + 1e-30;
        if (racer->asked[i]) {
            const double error = (share(stats_of(racer, task, i - c->first[task]), slope, width) - mean) / sqrt(doubt);
            found->squares += error * error;
            found->sum += error;
            found->items++;
        } else {
            racer->doubt[i] = doubt;
            g->rest[index * HMA_AXES + axis] += doubt;
            g->root[index * HMA_AXES + axis] += sqrt(doubt);
        }
    }
}

static void begin_racer(const guessing *g, hma_racer *racer) {
    memset(racer->doubt, 0, g->track->items * sizeof *racer->doubt);
    for (size_t axis = 0; axis < HMA_AXES; axis++) {
        racer->value[axis] = racer->deviation[axis] = 0;
    }
}

static hma_status guess_one(void *argument, size_t index, size_t worker) {
    guessing *g = argument;
    hma_racer *racer = &g->racers[index];
    peers p = {0};
    if (racer->out) {
        return HMA_OK;
    }
    begin_racer(g, racer);
    if (!hma_racer_is_complete(g->track, racer)) {
        find_peers(g, racer, g->scratch + worker * g->track->items, &p);
    }
    for (size_t task = 0; task < g->track->shape.task_count; task++) {
        guess_task(g, index, &p, task);
    }
    return hma_context_check(g->context);
}

/* ---- how large errors are ---- */

static bool is_guessed(const guessing *g, size_t index, size_t axis) {
    return !g->racers[index].out && g->rest[index * HMA_AXES + axis] > 0 && g->found[index * HMA_AXES + axis].items > 0;
}

static double own_size(const guessing *g, size_t index, size_t axis) {
    const errors *e = &g->found[index * HMA_AXES + axis];
    return (PRIOR_ITEMS * g->size[axis] + e->squares) / (PRIOR_ITEMS + e->items);
}

static void learn(guessing *g, size_t axis) {
    double squares = 0, items = 0, common = 0, count = 0;
    for (size_t r = 0; r < g->count; r++) {
        if (is_guessed(g, r, axis)) {
            squares += g->found[r * HMA_AXES + axis].squares;
            items += g->found[r * HMA_AXES + axis].items;
        }
    }
    g->size[axis] = squares / fmax(items, 1);
    for (size_t r = 0; r < g->count; r++) {
        if (is_guessed(g, r, axis)) {
            const errors *e = &g->found[r * HMA_AXES + axis];
            common += e->sum / e->items * e->sum / e->items - own_size(g, r, axis) / e->items;
            count++;
        }
    }
    g->common[axis] = fmax(LEAST_COMMON * g->size[axis], common / fmax(count, 1));
}

/* The mean error that it shows, drawn towards 0 as far as that can be chance, goes on over the items that are left. */
static void conclude(guessing *g, size_t index, size_t axis) {
    hma_racer *racer = &g->racers[index];
    const errors *e = &g->found[index * HMA_AXES + axis];
    const double rest = g->rest[index * HMA_AXES + axis], root = g->root[index * HMA_AXES + axis];
    if (racer->out || !(rest > 0)) {
        return;
    }
    const double size = fmax(own_size(g, index, axis), 1e-12), common = fmax(g->common[axis], 1e-12);
    const double mean = e->sum / (e->items + size / common), variance = 1 / (e->items / size + 1 / common);
    racer->value[axis] += mean * root;
    const double caution = CHOSEN * g->axis_items[axis] / e->items;
    racer->deviation[axis] = sqrt(caution * (size * rest + variance * root * root));
}

/* ---- before there are enough complete ones ---- */

/*
 * What it has answered stands for the rest. All have answered the same items, so the noise of a value is that of its difference
 * to candidates that answer alike.
 */
static double least_difference(const guessing *g, size_t index, size_t task, const double *slope) {
    const hma_track *c = g->track;
    const size_t width = c->shape.tasks[task].width;
    double least = INFINITY;
    for (size_t r = 0; r < g->count; r += 1 + g->count / RIVALS) {
        double sum = 0, squares = 0, n = 0;
        for (size_t i = c->first[task]; i < c->first[task + 1]; i++) {
            if (r != index && !g->racers[r].out && g->racers[index].asked[i] && g->racers[r].asked[i]) {
                const double d = share(stats_of(&g->racers[index], task, i - c->first[task]), slope, width) -
                                 share(stats_of(&g->racers[r], task, i - c->first[task]), slope, width);
                sum += d;
                squares += d * d;
                n++;
            }
        }
        const double variance = n > 1 ? (squares - sum * sum / n) / (n - 1) : INFINITY;
        least = variance > 0 && variance < least ? variance : least;
    }
    return isfinite(least) ? least : 0;
}

static void guess_task_plainly(const guessing *g, size_t index, size_t task) {
    const hma_track *c = g->track;
    const hma_task_scores *t = &c->shape.tasks[task];
    hma_racer *racer = &g->racers[index];
    const size_t axis = hma_track_axis(c, task);
    double sums[HMA_METRIC_MAX_WIDTH] = {0}, slope[HMA_METRIC_MAX_WIDTH], n = 0;
    const double all = (double)t->items;
    for (size_t i = 0; i < t->items; i++) {
        for (size_t k = 0; k < t->width && racer->asked[c->first[task] + i]; k++) {
            sums[k] += stats_of(racer, task, i)[k];
        }
        n += racer->asked[c->first[task] + i];
    }
    for (size_t k = 0; k < t->width; k++) {
        sums[k] *= all / fmax(n, 1);
    }
    racer->task_value[task] = value_of(c, task, sums);
    if (axis == HMA_AXES) {
        return;
    }
    racer->value[axis] += weight_of(c, task) * racer->task_value[task];
    fill_slope(c, task, sums, slope);
    const double variance = n < all ? least_difference(g, index, task, slope) * all * (all - n) / fmax(n, 1) : 0;
    racer->deviation[axis] = hypot(racer->deviation[axis], sqrt(variance));
}

static hma_status guess_one_plainly(void *argument, size_t index, size_t worker) {
    const guessing *g = argument;
    (void)worker;
    if (g->racers[index].out) {
        return HMA_OK;
    }
    begin_racer(g, &g->racers[index]);
    for (size_t task = 0; task < g->track->shape.task_count; task++) {
        guess_task_plainly(g, index, task);
    }
    return hma_context_check(g->context);
}

/* ---- the whole ---- */

static hma_status allocate(guessing *g) {
    const size_t items = g->track->items;
    size_t shares, scratch;
    if (!hma_mul_size(&shares, g->completes, items) || !hma_mul_size(&scratch, g->workers, items)) {
        return hma_error_memory("race");
    }
    g->shares = HMA_NEW(double, shares);
    g->scratch = HMA_NEW(double, scratch);
    g->spread = HMA_NEW(double, items);
    g->scale = HMA_NEW(double, g->track->shape.task_count);
    g->slope = HMA_NEW(double, g->track->shape.task_count *HMA_METRIC_MAX_WIDTH);
    g->found = HMA_NEW(errors, g->count * HMA_AXES);
    g->rest = HMA_NEW(double, g->count *HMA_AXES);
    g->root = HMA_NEW(double, g->count *HMA_AXES);
    return g->slope && g->shares && g->scratch && g->spread && g->scale && g->found && g->rest && g->root ? HMA_OK
                                                                                                          : HMA_FAILURE;
}

static hma_status guess_by_peers(guessing *g) {
    hma_status status = allocate(g);
    for (size_t task = 0; task < g->track->shape.task_count && status == HMA_OK; task++) {
        const size_t axis = hma_track_axis(g->track, task);
        fill_shares(g, task);
        if (axis < HMA_AXES) {
            g->axis_items[axis] += (double)g->track->shape.tasks[task].items;
        }
    }
    if (status == HMA_OK) {
        status = hma_pool_run(hma_context_pool(g->context), g->count, guess_one, g);
    }
    for (size_t axis = 0; axis < HMA_AXES && status == HMA_OK; axis++) {
        learn(g, axis);
        for (size_t r = 0; r < g->count; r++) {
            conclude(g, r, axis);
        }
    }
    free(g->slope);
    free(g->shares);
    free(g->scratch);
    free(g->spread);
    free(g->scale);
    free(g->found);
    free(g->rest);
    free(g->root);
    return status;
}

hma_status hma_guess(const hma_track *track, hma_racer *racers, size_t count, hma_context *context) {
    hma_pool *pool = hma_context_pool(context);
    guessing g = {.track = track,
                  .racers = racers,
                  .context = context,
                  .count = count,
                  .workers = hma_pool_threads(pool),
                  .complete = HMA_NEW(size_t, count)};
    if (!g.complete) {
        return HMA_FAILURE;
    }
    for (size_t r = 0; r < count; r++) {
        if (!racers[r].out && hma_racer_is_complete(track, &racers[r])) {
            g.complete[g.completes++] = r;
        }
    }
    const hma_status status =
        g.completes >= LEAST_COMPLETE ? guess_by_peers(&g) : hma_pool_run(pool, count, guess_one_plainly, &g);
    free(g.complete);
    return status;
}
