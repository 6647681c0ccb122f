#include "search/race_judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "base/rng.h"
#include "search/pareto.h"

enum { DRAWS = 2048, BATCH = 64, RIVALS = 8 };

/* Weight, in items, of what two candidates may differ by on items such as were not met yet. */
static const double PRIOR_ITEMS = 4;

/* One draw is a weighted sum over items, for every runner and statistic: a batch of draws meets the statistics while they are
 * in the cache. */
typedef struct judging {
    const hma_heat *heat;
    hma_context *context;
    size_t *runner; /* [running]: who takes part */
    size_t running;
    double **stats; /* [metrics]: [asked, running, width]; NULL for metrics that do not count */
    double *doubt;  /* [metrics, runners]: standard deviation of what is added to a value */
    size_t most_asked, most_all, most_width;
    /* for each worker */
    double *times;   /* [BATCH, most_asked]: how often each item is there in the end */
    size_t *urn;     /* [most_all] */
    double *sums;    /* [running, most_width] */
    double *axes;    /* [BATCH, 2, running] */
    hma_spot *spots; /* [running] */
    size_t *hits;    /* [running] */
} judging;

static bool counts(const hma_heat *heat, size_t metric) {
    return heat->weights[metric] != 0 || heat->weights[heat->metrics + metric] != 0;
}

static size_t width_of(const judging *j, size_t metric) { return j->heat->runners[j->runner[0]].table->tasks[metric].width; }

static hma_metric metric_of(const judging *j, size_t metric) {
    return j->heat->runners[j->runner[0]].table->tasks[metric].metric;
}

/* ---- gathering ---- */

/* Runners whose answers so far are not finite take no part. */
static bool is_finite(const hma_heat *heat, const hma_runner *runner) {
    for (size_t m = 0; m < heat->metrics; m++) {
        const hma_task_scores *task = &runner->table->tasks[m];
        for (size_t i = 0; counts(heat, m) && i < heat->asked[m] * task->width; i++) {
            if (!isfinite(task->stats[i])) {
                return false;
            }
        }
    }
    return true;
}

static void gather_runners(judging *j) {
    for (size_t r = 0; r < j->heat->count; r++) {
        hma_runner *runner = &j->heat->runners[r];
        runner->beaten = false;
        runner->chance = 1;
        runner->out = runner->out || !is_finite(j->heat, runner);
        if (!runner->out) {
            j->runner[j->running++] = r;
        }
    }
}

/* Side by side for all runners, item by item. */
static hma_status gather_stats(judging *j, size_t metric) {
    const hma_heat *heat = j->heat;
    const size_t width = width_of(j, metric), items = heat->asked[metric];
    size_t row, all;
    if (!hma_mul_size(&row, j->running, width) || !hma_mul_size(&all, row, items) ||
        !(j->stats[metric] = HMA_NEW(double, all))) {
        return hma_error_memory("race");
    }
    for (size_t r = 0; r < j->running; r++) {
        const double *from = heat->runners[j->runner[r]].table->tasks[metric].stats;
        for (size_t i = 0; i < items; i++) {
            memcpy(j->stats[metric] + i * row + r * width, from + i * width, width * sizeof *from);
        }
    }
    j->most_asked = hma_max_size(j->most_asked, items);
    j->most_all = hma_max_size(j->most_all, heat->all[metric]);
    j->most_width = hma_max_size(j->most_width, width);
    return HMA_OK;
}

/* ---- doubt ---- */

/* Items' values of a runner: their mean is the metric's, about. Jackknife pseudo-values where the metric is not a mean. */
static void fill_values(const hma_task_scores *task, size_t items, double *values) {
    double sums[HMA_METRIC_MAX_WIDTH] = {0}, rest[HMA_METRIC_MAX_WIDTH];
    const double n = (double)items;
    for (size_t i = 0; i < items * task->width; i++) {
        sums[i % task->width] += task->stats[i];
    }
    const double whole = hma_metric_value(task->metric, sums, n);
    for (size_t i = 0; i < items; i++) {
        if (hma_metric_describe(task->metric)->is_mean) {
            values[i] = task->stats[i];
            continue;
        }
        for (size_t k = 0; k < task->width; k++) {
            rest[k] = sums[k] - task->stats[i * task->width + k];
        }
        values[i] = n * whole - (n - 1) * hma_metric_value(task->metric, rest, n - 1);
    }
}

static double variance_of_difference(const double *x, const double *y, size_t items) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < items; i++) {
        sum += x[i] - y[i];
    }
    for (size_t i = 0; i < items; i++) {
        const double d = x[i] - y[i] - sum / (double)items;
        squares += d * d;
    }
    return items > 1 ? squares / (double)(items - 1) : 0;
}

typedef struct place {
    double value;
    size_t runner;
} place;

static int by_value(const void *left, const void *right) {
    const place *a = left, *b = right;
    if (a->value != b->value) {
        return a->value < b->value ? -1 : 1;
    }
    return a->runner < b->runner ? -1 : a->runner > b->runner;
}

/* Mean variance of the differences between a runner and those that score about the same. */
static double rivals_variance(const double *values, const place *order, size_t running, size_t at, size_t items) {
    const size_t first = at > RIVALS / 2 ? at - RIVALS / 2 : 0, last = hma_min_size(running, at + RIVALS / 2 + 1);
    const double *own = values + order[at].runner * items;
    double sum = 0, count = 0;
    for (size_t i = first; i < last; i++) {
        const double variance = variance_of_difference(own, values + order[i].runner * items, items);
        if (i != at && isfinite(variance)) {
            sum += variance;
            count++;
        }
    }
    return sum / fmax(count, 1);
}

/*
 * On few items two candidates may not differ at all and yet differ on others: the urn, which knows nothing but what was
 * answered, would be sure of them. So each value gets a little noise of its own, as if PRIOR_ITEMS items had been answered as
 * differently as by those that score about the same.
 */
static hma_status fill_doubt(judging *j, size_t metric) {
    const hma_heat *heat = j->heat;
    const size_t items = heat->asked[metric];
    const double n = (double)items, share = PRIOR_ITEMS / (n - 1 + PRIOR_ITEMS) / n * (1 - n / (double)heat->all[metric]);
    double *values = HMA_NEW(double, j->running *items);
    place *order = HMA_NEW(place, j->running);
    const hma_status status = values && order ? HMA_OK : HMA_FAILURE;
    for (size_t r = 0; r < j->running && status == HMA_OK; r++) {
        order[r].runner = r;
        fill_values(&heat->runners[j->runner[r]].table->tasks[metric], items, values + r * items);
        for (size_t i = 0; i < items; i++) {
            order[r].value += values[r * items + i];
        }
    }
    if (status == HMA_OK) {
        qsort(order, j->running, sizeof *order, by_value);
    }
    for (size_t r = 0; r < j->running && status == HMA_OK; r++) {
        j->doubt[metric * heat->count + order[r].runner] =
            sqrt(rivals_variance(values, order, j->running, r, items) / 2 * share);
    }
    free(values);
    free(order);
    return status;
}

/* A number of the normal distribution (Box, Muller). */
static double normal(hma_rng_key key, size_t index) {
    const double u = hma_rng_double(key, 2 * index), v = hma_rng_double(key, 2 * index + 1);
    return sqrt(-2 * log(1 - u)) * cos(6.283185307179586 * v);
}

/* ---- drawing ---- */

/* Polya's urn: times[asked] sums up to `all`. */
static void draw(hma_rng_key key, size_t asked, size_t all, size_t *urn, double *times) {
    for (size_t i = 0; i < asked; i++) {
        urn[i] = i;
        times[i] = 1;
    }
    for (size_t i = asked; i < all; i++) {
        urn[i] = urn[hma_rng_below(key, i, i)];
        times[urn[i]] += 1;
    }
}

static void add_metric(const judging *j, size_t metric, hma_rng_key key, size_t first, size_t worker) {
    const hma_heat *heat = j->heat;
    const size_t width = width_of(j, metric), items = heat->asked[metric], row = j->running * width;
    double *times = j->times + worker * BATCH * j->most_asked, *sums = j->sums + worker * j->running * j->most_width;
    double *axes = j->axes + worker * BATCH * 2 * j->running;
    for (size_t b = 0; b < BATCH; b++) {
        draw(hma_rng_key_with(hma_rng_key_with(key, first + b), metric), items, heat->all[metric],
             j->urn + worker * j->most_all, times + b * items);
    }
    for (size_t b = 0; b < BATCH; b++) {
        const hma_rng_key doubt = hma_rng_key_with(hma_rng_key_with(key, first + b), heat->metrics + metric);
        memset(sums, 0, row * sizeof *sums);
        for (size_t i = 0; i < items; i++) {
            const double count = times[b * items + i], *from = j->stats[metric] + i * row;
            for (size_t k = 0; k < row; k++) {
                sums[k] += count * from[k];
            }
        }
        for (size_t r = 0; r < j->running; r++) {
            const double value = hma_metric_value(metric_of(j, metric), sums + r * width, (double)heat->all[metric]) +
                                 j->doubt[metric * heat->count + r] * normal(doubt, j->runner[r]);
            axes[(2 * b) * j->running + r] += heat->weights[metric] * value;
            axes[(2 * b + 1) * j->running + r] += heat->weights[heat->metrics + metric] * value;
        }
    }
}

static hma_status draw_batch(void *argument, size_t index, size_t worker) {
    const judging *j = argument;
    const hma_rng_key key = hma_rng_key_for(j->heat->seed, "race");
    double *axes = j->axes + worker * BATCH * 2 * j->running;
    hma_spot *spots = j->spots + worker * j->running;
    memset(axes, 0, BATCH * 2 * j->running * sizeof *axes);
    for (size_t metric = 0; metric < j->heat->metrics; metric++) {
        if (j->stats[metric]) {
            add_metric(j, metric, key, index * BATCH, worker);
        }
    }
    for (size_t b = 0; b < BATCH; b++) {
        for (size_t r = 0; r < j->running; r++) {
            spots[r] = (hma_spot){axes[(2 * b) * j->running + r], axes[(2 * b + 1) * j->running + r], r};
        }
        const size_t front = hma_pareto_select(spots, j->running);
        for (size_t i = 0; i < front; i++) {
            j->hits[worker * j->running + spots[i].index]++;
        }
    }
    return hma_context_check(j->context);
}

/* ---- deciding ---- */

static hma_status decide(const judging *j, size_t threads) {
    place *places = HMA_NEW(place, j->running);
    size_t count = 0;
    double spent = 0;
    if (!places) {
        return HMA_FAILURE;
    }
    for (size_t r = 0; r < j->running; r++) {
        hma_runner *runner = &j->heat->runners[j->runner[r]];
        size_t hits = 0;
        for (size_t worker = 0; worker < threads; worker++) {
            hits += j->hits[worker * j->running + r];
        }
        runner->chance = (double)hits / DRAWS;
        if (runner->may_lose) {
            places[count++] = (place){runner->chance, j->runner[r]};
        }
    }
    qsort(places, count, sizeof *places, by_value);
    for (size_t i = 0; i < count && spent + places[i].value <= j->heat->alpha; i++) {
        spent += places[i].value;
        j->heat->runners[places[i].runner].beaten = true;
    }
    free(places);
    return HMA_OK;
}

double hma_race_alpha(double alpha, double before, double asked) {
    return alpha * fmax(0, fmin(asked, 0.5) - fmin(before, 0.5)) / 0.5;
}

/* ---- the whole ---- */

static hma_status allocate(judging *j, size_t threads) {
    j->times = HMA_NEW(double, threads *BATCH * j->most_asked);
    j->urn = HMA_NEW(size_t, threads * j->most_all);
    j->sums = HMA_NEW(double, threads * j->running * j->most_width);
    j->axes = HMA_NEW(double, threads *BATCH * 2 * j->running);
    j->spots = HMA_NEW(hma_spot, threads * j->running);
    j->hits = HMA_NEW(size_t, threads * j->running);
    return j->times && j->urn && j->sums && j->axes && j->spots && j->hits ? HMA_OK : HMA_FAILURE;
}

static hma_status judge(judging *j) {
    hma_pool *pool = hma_context_pool(j->context);
    hma_status status = HMA_OK;
    gather_runners(j);
    for (size_t metric = 0; metric < j->heat->metrics && j->running > 0 && status == HMA_OK; metric++) {
        status = counts(j->heat, metric) ? gather_stats(j, metric) : HMA_OK;
        if (status == HMA_OK && j->stats[metric]) {
            status = fill_doubt(j, metric);
        }
    }
    if (status == HMA_OK && j->running > 0) {
        status = allocate(j, hma_pool_threads(pool));
        if (status == HMA_OK) {
            status = hma_pool_run(pool, DRAWS / BATCH, draw_batch, j);
        }
        if (status == HMA_OK) {
            status = decide(j, hma_pool_threads(pool));
        }
    }
    return status;
}

hma_status hma_heat_judge(const hma_heat *heat, hma_context *context) {
    judging j = {.heat = heat,
                 .context = context,
                 .runner = HMA_NEW(size_t, heat->count),
                 .stats = HMA_NEW(double *, heat->metrics),
                 .doubt = HMA_NEW(double, heat->metrics * heat->count)};
    const hma_status status = j.runner && j.stats && j.doubt ? judge(&j) : HMA_FAILURE;
    for (size_t metric = 0; j.stats && metric < heat->metrics; metric++) {
        free(j.stats[metric]);
    }
    free(j.stats);
    free(j.doubt);
    free(j.runner);
    free(j.times);
    free(j.urn);
    free(j.sums);
    free(j.axes);
    free(j.spots);
    free(j.hits);
    return status;
}
