#include "search/resampled.h"

#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "base/statistics.h"
#include "search/bootstrap.h"

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

static double error_of(const hma_resampled *r, size_t task, size_t point) {
    const hma_task_scores *t = &r->table->tasks[task];
    if (t->items < 2) {
        return NAN;
    }
    if (hma_metric_describe(t->metric)->is_mean) {
        return hma_standard_deviation(hma_task_scores_of(t, point), t->items) / sqrt((double)t->items);
    }
    return hma_standard_deviation(hma_resampled_replicates(r, task, point), r->resamples);
}

double hma_resampled_difference_error(const hma_resampled *r, size_t task, size_t point, size_t reference, double *scratch) {
    const hma_task_scores *t = &r->table->tasks[task];
    if (t->items < 2) {
        return NAN;
    }
    const bool is_mean = hma_metric_describe(t->metric)->is_mean;
    const double *a = is_mean ? hma_task_scores_of(t, point) : hma_resampled_replicates(r, task, point);
    const double *b = is_mean ? hma_task_scores_of(t, reference) : hma_resampled_replicates(r, task, reference);
    const size_t count = is_mean ? t->items : r->resamples;
    for (size_t i = 0; i < count; i++) {
        scratch[i] = a[i] - b[i];
    }
    return hma_standard_deviation(scratch, count) / (is_mean ? sqrt((double)count) : 1);
}

static hma_status allocate(hma_resampled *r, const hma_context *context) {
    const size_t points = r->table->points;
    size_t cells, replicates, bytes;
    if (!hma_mul_size(&cells, r->table->task_count, points) || !hma_mul_size(&replicates, cells, r->resamples) ||
        !hma_mul_size(&bytes, replicates, sizeof(double)) || bytes > hma_context_memory(context)) {
        return hma_error(
            HMA_FAILURE,
            "front: %zu resamples of %zu points in %zu tasks do not fit the memory (allowed %llu MiB): raise --memory",
            r->resamples, points, r->table->task_count, (unsigned long long)(hma_context_memory(context) >> 20));
    }
    r->values = HMA_NEW(double, cells);
    r->errors = HMA_NEW(double, cells);
    r->replicates = HMA_NEW(double, replicates);
    return r->values && r->errors && r->replicates ? HMA_OK : HMA_FAILURE;
}

/* Names may repeat between a task and the alignment measure; their draws must not. */
static hma_status task_key(hma_rng_key *out, uint64_t seed, const hma_task_scores *task) {
    hma_buffer purpose = {0};
    hma_buffer_printf(&purpose, "front %s %s", task->alignment ? "alignment" : "task", task->name);
    const hma_status status = hma_buffer_ok(&purpose);
    if (status == HMA_OK) {
        *out = hma_rng_key_for(seed, hma_buffer_cstr(&purpose));
    }
    hma_buffer_free(&purpose);
    return status;
}

hma_status hma_resampled_new(hma_resampled *out, hma_context *context, const hma_score_table *table, size_t resamples,
                             uint64_t seed) {
    *out = (hma_resampled){.table = table, .resamples = resamples};
    const size_t points = table->points;
    hma_status status = allocate(out, context);
    for (size_t task = 0; task < table->task_count && status == HMA_OK; task++) {
        hma_rng_key key;
        hma_report(context, "resampling", "tasks", (double)task, (double)table->task_count);
        status = task_key(&key, seed, &table->tasks[task]);
        if (status == HMA_OK) {
            status = hma_bootstrap(context, &table->tasks[task], points, key, resamples,
                                   out->replicates + task * points * resamples);
        }
        for (size_t point = 0; point < points && status == HMA_OK; point++) {
            out->values[task * points + point] = value_of(&table->tasks[task], point);
            out->errors[task * points + point] = error_of(out, task, point);
        }
    }
    return status;
}

void hma_resampled_free(hma_resampled *resampled) {
    free(resampled->values);
    free(resampled->errors);
    free(resampled->replicates);
    *resampled = (hma_resampled){0};
}
