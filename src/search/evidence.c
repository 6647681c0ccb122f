#include "search/evidence.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/tasks/jackknife.h"

/* The quantile of the normal distribution that a 95 % interval reaches to; Wilson's centre depends on it. */
static const double Z = 1.959963984540054;

/* ---- once for each task ---- */

static double value_of(const hma_task_scores *task, size_t point) {
    const double *stats = hma_task_scores_of(task, point);
    double sums[HMA_METRIC_MAX_WIDTH] = {0};
    for (size_t item = 0; item < task->items; item++) {
        for (size_t i = 0; i < task->width; i++) {
            sums[i] += stats[item * task->width + i];
        }
    }
    return hma_metric_value(task->metric, sums, (double)task->items);
}

static bool is_counted(const hma_task_scores *task, size_t points) {
    const hma_metric_info *metric = hma_metric_describe(task->metric);
    if (!metric->is_mean || !metric->unit_interval) {
        return false;
    }
    for (size_t i = 0; i < points * task->items; i++) {
        if (task->stats[i] != 0 && task->stats[i] != 1 && !isnan(task->stats[i])) {
            return false;
        }
    }
    return true;
}

static hma_status gather_point(hma_task_evidence *e, const hma_task_scores *task, size_t point) {
    hma_cluster_sums rows;
    const hma_status status =
        hma_cluster_sums_make(&rows, task->metric, hma_task_scores_of(task, point), task->items, &task->clusters);
    if (status != HMA_OK) {
        return status;
    }
    e->values[point] = value_of(task, point);
    hma_jackknife(task->metric, &rows, e->pseudo + point * e->rows);
    hma_cluster_sums_free(&rows);
    return HMA_OK;
}

static hma_status gather(hma_task_evidence *e, const hma_task_scores *task, size_t points) {
    size_t cells;
    e->rows = task->clusters.of ? task->clusters.count : task->items;
    e->counted = is_counted(task, points);
    if (!hma_mul_size(&cells, points, e->rows)) {
        return hma_error_memory("scores");
    }
    e->values = HMA_NEW(double, points);
    e->pseudo = HMA_NEW(double, cells);
    hma_status status = e->values && e->pseudo ? HMA_OK : HMA_FAILURE;
    for (size_t point = 0; point < points && status == HMA_OK; point++) {
        status = gather_point(e, task, point);
    }
    return status;
}

hma_status hma_evidence_new(hma_evidence *out, const hma_score_table *table) {
    *out = (hma_evidence){.table = table, .tasks = HMA_NEW(hma_task_evidence, table->task_count)};
    hma_status status = out->tasks ? HMA_OK : HMA_FAILURE;
    for (size_t task = 0; task < table->task_count && status == HMA_OK; task++) {
        status = gather(&out->tasks[task], &table->tasks[task], table->points);
    }
    return status;
}

void hma_evidence_free(hma_evidence *evidence) {
    for (size_t task = 0; evidence->tasks && task < evidence->table->task_count; task++) {
        free(evidence->tasks[task].values);
        free(evidence->tasks[task].pseudo);
    }
    free(evidence->tasks);
    *evidence = (hma_evidence){0};
}

/* ---- a contrast ---- */

static double at(const double *values, size_t stride, const hma_contrast *c, size_t index) {
    double sum = 0;
    for (size_t i = 0; i < c->count; i++) {
        sum += c->weight[i] * values[c->point[i] * stride + index];
    }
    return sum;
}

static double deviation(const hma_task_evidence *e, const hma_contrast *c) {
    double sum = 0, squares = 0;
    for (size_t row = 0; row < e->rows; row++) {
        sum += at(e->pseudo, e->rows, c, row);
    }
    const double mean = sum / (double)e->rows;
    for (size_t row = 0; row < e->rows; row++) {
        const double distance = at(e->pseudo, e->rows, c, row) - mean;
        squares += distance * distance;
    }
    return sqrt(squares / (double)(e->rows - 1));
}

/*
 * Independent items that would say as much as these clusters: by what their error is beyond that of independent items of the
 * same `variance`. Where nothing varies, only the clusters count.
 */
static double effective_items(const hma_task_evidence *e, size_t items, double variance, double error) {
    if (e->rows == items) {
        return (double)items;
    }
    const double effective = error > 0 ? variance / (error * error) : 0;
    return fmin((double)items, fmax((double)e->rows, effective));
}

/* Shares near 0 and 1: Wilson, "Probable inference, the law of succession, and statistical inference", 1927. */
static void share_spread(const hma_task_evidence *e, size_t items, hma_spread *s) {
    const double p = s->value, n = effective_items(e, items, p * (1 - p), s->error), shrink = 1 / (1 + Z * Z / n);
    s->centre = shrink * (p + Z * Z / (2 * n));
    s->spread = shrink * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n));
}

/*
 * Differences of paired shares: half an item is added to those that only the one and to those that only the other got right, so
 * that no change at all among n items is not taken for certainty (in the manner of Agresti and Min, "Simple improved confidence
 * intervals for comparing matched proportions", 2005, who add to all four cells).
 */
static void change_spread(const hma_task_evidence *e, const hma_task_scores *task, const hma_contrast *c, hma_spread *s) {
    double up = 0, down = 0;
    for (size_t item = 0; item < task->items; item++) {
        const double change = at(task->stats, task->items, c, item);
        up += change > 0;
        down += change < 0;
    }
    const double items = (double)task->items, changed = (up + down) / items, variance = changed - s->value * s->value;
    const double n = effective_items(e, task->items, variance, s->error);
    const double more = (up / items * n + 0.5) / (n + 1), less = (down / items * n + 0.5) / (n + 1);
    s->spread = sqrt((more + less - (more - less) * (more - less)) / (n + 1));
}

static bool is_pair(const hma_contrast *c) {
    return c->count == 2 && ((c->weight[0] == 1 && c->weight[1] == -1) || (c->weight[0] == -1 && c->weight[1] == 1));
}

hma_spread hma_evidence_of(const hma_evidence *evidence, size_t task, const hma_contrast *c) {
    const hma_task_evidence *e = &evidence->tasks[task];
    const hma_task_scores *t = &evidence->table->tasks[task];
    hma_spread s = {.value = at(e->values, 1, c, 0)};
    if (e->rows < 2 || isnan(s.value)) {
        s.error = s.centre = s.spread = s.freedom = NAN;
        return s;
    }
    s.error = deviation(e, c) / sqrt((double)e->rows);
    s.centre = s.value;
    s.spread = s.error;
    s.freedom = (double)(e->rows - 1);
    if (e->counted && ((c->count == 1 && c->weight[0] == 1) || is_pair(c))) {
        s.freedom = e->rows == t->items ? INFINITY : s.freedom;
        if (c->count == 1) {
            share_spread(e, t->items, &s);
        } else {
            change_spread(e, t, c, &s);
        }
    }
    return s;
}

/* While tasks are added, `freedom` holds the sum of variance^2 / freedom. */
void hma_spread_add(hma_spread *sum, const hma_spread *task, double weight) {
    const double before = sum->freedom > 0 ? pow(sum->spread, 4) / sum->freedom : 0;
    const double variance = weight * weight * task->spread * task->spread;
    sum->value += weight * task->value;
    sum->centre += weight * task->centre;
    sum->error = sqrt(sum->error * sum->error + weight * weight * task->error * task->error);
    const double total = sum->spread * sum->spread + variance, after = before + variance * variance / task->freedom;
    sum->spread = sqrt(total);
    sum->freedom = isnan(total) ? NAN : after > 0 ? total * total / after : task->freedom;
}
