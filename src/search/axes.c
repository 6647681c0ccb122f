#include "search/axes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "search/statistics.h"

/* ---- which axes there are, and what they are made of ---- */

static bool counts_towards_retention(const hma_task_scores *task) {
    return !task->alignment && hma_metric_describe(task->metric)->unit_interval;
}

/* Tasks of the category that count towards retention; *first says whether `task` is the first of them. */
static size_t category_size(const hma_score_table *table, size_t task, bool *first) {
    size_t size = 0;
    *first = true;
    for (size_t i = 0; i < table->task_count; i++) {
        if (counts_towards_retention(&table->tasks[i]) && strcmp(table->tasks[i].category, table->tasks[task].category) == 0) {
            *first = *first && (i >= task);
            size++;
        }
    }
    return size;
}

static size_t count_categories(const hma_score_table *table) {
    size_t count = 0;
    for (size_t task = 0; task < table->task_count; task++) {
        bool first;
        (void)category_size(table, task, &first);
        count += counts_towards_retention(&table->tasks[task]) && first;
    }
    return count;
}

static char *joined(const char *before, const char *after) {
    hma_buffer text = {0};
    hma_buffer_text(&text, before);
    hma_buffer_text(&text, after);
    return hma_buffer_release(&text);
}

/* Describes the next axis; its weights, all 0 so far, are returned; NULL when memory ran out. */
static double *add_axis(hma_axes *axes, const hma_score_table *table, hma_axis_kind kind, const char *prefix, const char *name,
                        const char *long_name, const char *category, const hma_metric_info *metric) {
    hma_axis *axis = &axes->axes[axes->count];
    axis->kind = kind;
    axis->name = joined(prefix, name);
    axis->long_name = hma_copy_text(long_name);
    axis->units = hma_copy_text(metric ? metric->units : "1");
    axis->category = hma_copy_text(category);
    axis->higher_is_better = metric ? metric->higher_is_better : true;
    axis->point = HMA_NEW(hma_estimate, table->points);
    axis->versus_post = HMA_NEW(hma_difference, table->points);
    axis->versus_pre = HMA_NEW(hma_difference, table->points);
    axis->versus_uniform = HMA_NEW(hma_difference, table->points);
    const size_t index = axes->count++;
    const bool complete = axis->name && axis->long_name && axis->units && axis->category && axis->point && axis->versus_post &&
                          axis->versus_pre && axis->versus_uniform;
    return complete ? axes->weights + index * table->task_count : NULL;
}

static hma_status add_main_axes(hma_axes *axes, const hma_score_table *table) {
    const hma_metric_info *metric = NULL;
    size_t prompts = table->task_count;
    for (size_t task = 0; task < table->task_count; task++) {
        if (table->tasks[task].alignment) {
            prompts = task;
            metric = hma_metric_describe(table->tasks[task].metric);
        }
    }
    double *alignment =
        add_axis(axes, table, HMA_AXIS_ALIGNMENT, "", "alignment", metric ? metric->long_name : "alignment", "", metric);
    double *retention = add_axis(axes, table, HMA_AXIS_RETENTION, "", "retention", "mean over categories", "", NULL);
    if (!alignment || !retention) {
        return HMA_FAILURE;
    }
    if (metric) {
        alignment[prompts] = 1;
    }
    const double categories = (double)count_categories(table);
    for (size_t task = 0; task < table->task_count; task++) {
        if (counts_towards_retention(&table->tasks[task])) {
            bool first;
            retention[task] = 1 / (categories * (double)category_size(table, task, &first));
        }
    }
    return HMA_OK;
}

static hma_status add_category_axes(hma_axes *axes, const hma_score_table *table) {
    for (size_t task = 0; task < table->task_count; task++) {
        const char *category = table->tasks[task].category;
        bool first;
        const size_t size = category_size(table, task, &first);
        if (!counts_towards_retention(&table->tasks[task]) || !first) {
            continue;
        }
        double *weights = add_axis(axes, table, HMA_AXIS_CATEGORY, "category_", category, "mean over tasks", category, NULL);
        if (!weights) {
            return HMA_FAILURE;
        }
        for (size_t i = 0; i < table->task_count; i++) {
            if (counts_towards_retention(&table->tasks[i]) && strcmp(table->tasks[i].category, category) == 0) {
                weights[i] = 1 / (double)size;
            }
        }
    }
    return HMA_OK;
}

static hma_status add_task_axes(hma_axes *axes, const hma_score_table *table) {
    for (size_t task = 0; task < table->task_count; task++) {
        const hma_task_scores *t = &table->tasks[task];
        const hma_metric_info *metric = hma_metric_describe(t->metric);
        if (t->alignment) {
            continue;
        }
        double *weights = add_axis(axes, table, HMA_AXIS_TASK, "task_", t->name, metric->long_name, t->category, metric);
        if (!weights) {
            return HMA_FAILURE;
        }
        weights[task] = 1;
    }
    return HMA_OK;
}

/* ---- numbers ---- */

bool hma_axes_measured(const hma_axes *axes, const hma_score_table *table, size_t axis) {
    for (size_t task = 0; task < table->task_count; task++) {
        if (axes->weights[axis * table->task_count + task] != 0) {
            return true;
        }
    }
    return false;
}

void hma_axes_replicates(const hma_axes *axes, const hma_resampled *resampled, size_t axis, size_t point, size_t reference,
                         size_t first, size_t count, double *replicates) {
    const size_t tasks = resampled->table->task_count;
    memset(replicates, 0, count * sizeof *replicates);
    for (size_t task = 0; task < tasks; task++) {
        const double weight = axes->weights[axis * tasks + task];
        if (weight == 0) {
            continue;
        }
        const double *own = hma_resampled_replicates(resampled, task, point) + first;
        if (reference == SIZE_MAX) {
            for (size_t i = 0; i < count; i++) {
                replicates[i] += weight * own[i];
            }
        } else {
            const double *other = hma_resampled_replicates(resampled, task, reference) + first;
            for (size_t i = 0; i < count; i++) {
                replicates[i] += weight * (own[i] - other[i]);
            }
        }
    }
}

hma_spread hma_axes_spread(const hma_axes *axes, const hma_evidence *evidence, size_t axis, const hma_contrast *contrast) {
    const size_t tasks = evidence->table->task_count;
    hma_spread sum = {0};
    for (size_t task = 0; task < tasks; task++) {
        const double weight = axes->weights[axis * tasks + task];
        if (weight != 0) {
            const hma_spread one = hma_evidence_of(evidence, task, contrast);
            hma_spread_add(&sum, &one, weight);
        }
    }
    return sum;
}

/*
 * An interval holds its value. Wilson's does, but for rounding, where all items are right or all wrong; but shares of several
 * tasks, whose centres all lie to the same side, have a sum that lies further from its centre than the root of squares reaches.
 */
static void fill_interval(const hma_spread *s, double *low, double *high) {
    const double reach = s->spread > 0 || isnan(s->spread) ? hma_two_sided_quantile(0.05, s->freedom) * s->spread : 0;
    *low = s->centre - reach > s->value ? s->value : s->centre - reach; /* NaN stays */
    *high = s->centre + reach < s->value ? s->value : s->centre + reach;
}

/* Without any spread, that so many rows agree: the smallest p of a test by signs. */
static double p_of(const hma_spread *s) {
    if (s->spread > 0 || isnan(s->spread)) {
        return hma_two_sided_tail(s->centre / s->spread, s->freedom);
    }
    return s->centre == 0 ? 1 : exp2(-s->freedom);
}

hma_difference hma_spread_difference(const hma_spread *s) {
    hma_difference d = {.mean = s->value, .standard_error = s->error, .p = p_of(s)};
    fill_interval(s, &d.low, &d.high);
    return d;
}

struct fill {
    hma_context *context;
    hma_axes *axes;
    const hma_evidence *evidence;
    const hma_front *front;
};

static hma_difference versus(const struct fill *f, size_t axis, size_t point, size_t reference) {
    if (point == reference) {
        return (hma_difference){.p = 1}; /* known, however few items there are */
    }
    const hma_spread s = hma_axes_spread(f->axes, f->evidence, axis, &(hma_contrast){2, {point, reference}, {1, -1}});
    return hma_spread_difference(&s);
}

static hma_difference versus_uniform(const struct fill *f, size_t axis, size_t point) {
    const hma_uniform_pair *u = &f->front->points[point].uniform;
    if (u->below == SIZE_MAX) {
        return (hma_difference){NAN, NAN, NAN, NAN, NAN};
    }
    if (u->below == u->above) {
        return versus(f, axis, point, u->below);
    }
    const hma_contrast contrast = {3, {point, u->below, u->above}, {1, -(1 - u->weight), -u->weight}};
    const hma_spread s = hma_axes_spread(f->axes, f->evidence, axis, &contrast);
    return hma_spread_difference(&s);
}

static hma_status fill_one(void *argument, size_t index, size_t worker) {
    const struct fill *f = argument;
    const size_t points = f->evidence->table->points, number = index / points, point = index % points;
    hma_axis *axis = &f->axes->axes[number];
    (void)worker;
    if (!hma_axes_measured(f->axes, f->evidence->table, number)) {
        axis->point[point] = (hma_estimate){NAN, NAN, NAN, NAN};
        axis->versus_pre[point] = axis->versus_post[point] = axis->versus_uniform[point] =
            (hma_difference){NAN, NAN, NAN, NAN, NAN};
        return HMA_OK;
    }
    const hma_spread own = hma_axes_spread(f->axes, f->evidence, number, &(hma_contrast){1, {point}, {1}});
    axis->point[point] = (hma_estimate){.value = own.value, .standard_error = own.error};
    fill_interval(&own, &axis->point[point].low, &axis->point[point].high);
    axis->versus_post[point] = versus(f, number, point, f->front->post);
    axis->versus_pre[point] = versus(f, number, point, f->front->pre);
    axis->versus_uniform[point] = versus_uniform(f, number, point);
    return hma_context_check(f->context);
}

/* ---- the whole ---- */

hma_status hma_axes_new(hma_axes *out, hma_context *context, const hma_evidence *evidence, const hma_front *front) {
    const hma_score_table *table = evidence->table;
    const size_t most = 2 + 2 * table->task_count; /* every task may be a category of its own */
    *out = (hma_axes){0};
    out->axes = HMA_NEW(hma_axis, most);
    size_t weights;
    if (!out->axes || !hma_mul_size(&weights, most, table->task_count) || !(out->weights = HMA_NEW(double, weights))) {
        return hma_error_memory("axes");
    }
    hma_status status = add_main_axes(out, table);
    if (status == HMA_OK) {
        status = add_category_axes(out, table);
    }
    if (status == HMA_OK) {
        status = add_task_axes(out, table);
    }
    if (status == HMA_OK) {
        struct fill fill = {context, out, evidence, front};
        status = hma_pool_run(hma_context_pool(context), out->count * table->points, fill_one, &fill);
    }
    return status;
}

void hma_axis_array_free(hma_axis *axes, size_t count) {
    for (size_t i = 0; axes && i < count; i++) {
        free(axes[i].name);
        free(axes[i].long_name);
        free(axes[i].units);
        free(axes[i].category);
        free(axes[i].point);
        free(axes[i].versus_post);
        free(axes[i].versus_pre);
        free(axes[i].versus_uniform);
    }
    free(axes);
}

void hma_axes_free(hma_axes *axes) {
    free(axes->weights);
    *axes = (hma_axes){0};
}
