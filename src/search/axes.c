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
    const size_t index = axes->count++;
    const bool complete =
        axis->name && axis->long_name && axis->units && axis->category && axis->point && axis->versus_post && axis->versus_pre;
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

struct fill {
    hma_context *context;
    hma_axes *axes;
    const hma_resampled *resampled;
    size_t pre, post;
    double *scratch; /* [threads, scratch_each] */
    size_t scratch_each;
};

/* Value and standard error of an axis at a point, or of its difference to a reference (unless that is SIZE_MAX). */
static void sum_tasks(const struct fill *f, size_t axis, size_t point, size_t reference, double *scratch, double *value,
                      double *error) {
    const hma_resampled *r = f->resampled;
    const size_t tasks = r->table->task_count, points = r->table->points;
    double sum = 0, variance = 0;
    for (size_t task = 0; task < tasks; task++) {
        const double weight = f->axes->weights[axis * tasks + task];
        if (weight == 0) {
            continue;
        }
        const double *values = r->values + task * points;
        const bool difference = reference != SIZE_MAX;
        const double one =
            difference ? hma_resampled_difference_error(r, task, point, reference, scratch) : r->errors[task * points + point];
        sum += weight * (difference ? values[point] - values[reference] : values[point]);
        variance += weight * weight * one * one;
    }
    *value = sum;
    *error = sqrt(variance);
}

static void fill_estimate(const struct fill *f, size_t axis, size_t point, double *scratch, hma_estimate *out) {
    const size_t resamples = f->resampled->resamples;
    sum_tasks(f, axis, point, SIZE_MAX, scratch, &out->value, &out->standard_error);
    if (isnan(out->standard_error)) {
        out->low = out->high = NAN;
        return;
    }
    hma_axes_replicates(f->axes, f->resampled, axis, point, SIZE_MAX, 0, resamples, scratch);
    out->low = hma_quantile(scratch, resamples, 0.025);
    out->high = hma_quantile(scratch, resamples, 0.975);
}

static void fill_difference(const struct fill *f, size_t axis, size_t point, size_t reference, double *scratch,
                            hma_difference *out) {
    const size_t resamples = f->resampled->resamples;
    sum_tasks(f, axis, point, reference, scratch, &out->mean, &out->standard_error);
    if (isnan(out->standard_error)) {
        out->low = out->high = out->p = NAN;
        return;
    }
    hma_axes_replicates(f->axes, f->resampled, axis, point, reference, 0, resamples, scratch);
    out->p = hma_two_sided_p(scratch, resamples);
    out->low = hma_quantile(scratch, resamples, 0.025);
    out->high = hma_quantile(scratch, resamples, 0.975);
}

static hma_status fill_one(void *argument, size_t index, size_t worker) {
    const struct fill *f = argument;
    const size_t points = f->resampled->table->points, number = index / points, point = index % points;
    double *scratch = f->scratch + worker * f->scratch_each;
    hma_axis *axis = &f->axes->axes[number];
    if (!hma_axes_measured(f->axes, f->resampled->table, number)) {
        axis->point[point] = (hma_estimate){NAN, NAN, NAN, NAN};
        axis->versus_pre[point] = axis->versus_post[point] = (hma_difference){NAN, NAN, NAN, NAN, NAN};
        return HMA_OK;
    }
    fill_estimate(f, number, point, scratch, &axis->point[point]);
    fill_difference(f, number, point, f->post, scratch, &axis->versus_post[point]);
    fill_difference(f, number, point, f->pre, scratch, &axis->versus_pre[point]);
    return hma_context_check(f->context);
}

static hma_status fill_axes(struct fill *f) {
    hma_pool *pool = hma_context_pool(f->context);
    const hma_score_table *table = f->resampled->table;
    f->scratch_each = f->resampled->resamples;
    for (size_t task = 0; task < table->task_count; task++) {
        f->scratch_each = hma_max_size(f->scratch_each, table->tasks[task].items);
    }
    size_t scratch;
    if (!hma_mul_size(&scratch, f->scratch_each, hma_pool_threads(pool)) || !(f->scratch = HMA_NEW(double, scratch))) {
        return hma_error_memory("resamples");
    }
    const hma_status status = hma_pool_run(pool, f->axes->count * table->points, fill_one, f);
    free(f->scratch);
    return status;
}

/* ---- the whole ---- */

hma_status hma_axes_new(hma_axes *out, hma_context *context, const hma_resampled *resampled, size_t pre, size_t post) {
    const hma_score_table *table = resampled->table;
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
        struct fill fill = {.context = context, .axes = out, .resampled = resampled, .pre = pre, .post = post};
        status = fill_axes(&fill);
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
    }
    free(axes);
}

void hma_axes_free(hma_axes *axes) {
    free(axes->weights);
    *axes = (hma_axes){0};
}
