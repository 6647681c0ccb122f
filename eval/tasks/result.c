/* From per-item statistics to values, standard errors and retention. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clusters.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/statistics.h"
#include "eval/tasks/jackknife.h"
#include "hma/eval.h"

enum { BOOTSTRAP_RESAMPLES = 1000 };

/* ---- one measure ---- */

/* Sum over as many rows as there are, drawn with replacement. Returns the items that they stand for. */
static double sum_drawn(const hma_cluster_sums *rows, hma_rng_key key, double sums[HMA_METRIC_MAX_WIDTH]) {
    double items = 0;
    for (size_t k = 0; k < rows->width; k++) {
        sums[k] = 0;
    }
    for (size_t i = 0; i < rows->count; i++) {
        const size_t row = (size_t)hma_rng_below(key, i, rows->count);
        items += rows->items[row];
        for (size_t k = 0; k < rows->width; k++) {
            sums[k] += rows->sums[row * rows->width + k];
        }
    }
    return items;
}

/* Items are redrawn with the same numbers for every model, so that errors of two models are comparable. */
static double bootstrap_error(hma_metric metric, const hma_cluster_sums *rows, uint64_t seed) {
    char purpose[64];
    double values[BOOTSTRAP_RESAMPLES], sums[HMA_METRIC_MAX_WIDTH];
    (void)snprintf(purpose, sizeof purpose, "bootstrap %s", hma_metric_describe(metric)->name);
    const hma_rng_key key = hma_rng_key_for(seed, purpose);
    for (size_t i = 0; i < BOOTSTRAP_RESAMPLES; i++) {
        const hma_rng_key resample = hma_rng_key_with(key, i);
        const double items = sum_drawn(rows, resample, sums);
        values[i] = hma_metric_value(metric, sums, items);
    }
    return hma_standard_deviation(values, BOOTSTRAP_RESAMPLES);
}

/* Of a mean: from the pseudo-values, which without clusters are the items' own scores. */
static double mean_error(hma_metric metric, const hma_cluster_sums *rows) {
    double error = NAN;
    double *values = HMA_NEW(double, rows->count);
    if (values) {
        hma_jackknife(metric, rows, values);
        error = hma_standard_deviation(values, rows->count) / sqrt((double)rows->count);
    }
    free(values);
    return error;
}

static hma_status summarize_measure(hma_measure *m, const hma_clusters *clusters, uint64_t seed) {
    double sums[HMA_METRIC_MAX_WIDTH];
    hma_cluster_sums rows;
    const hma_status status = hma_cluster_sums_make(&rows, m->metric, m->stats, m->items, clusters);
    if (status != HMA_OK) {
        return status;
    }
    for (size_t k = 0; k < rows.width; k++) {
        sums[k] = 0;
        for (size_t i = 0; i < m->items; i++) {
            sums[k] += m->stats[i * rows.width + k];
        }
    }
    m->value = hma_metric_value(m->metric, sums, (double)m->items);
    if (rows.count < 2 || isnan(m->value)) {
        m->standard_error = NAN;
    } else if (hma_metric_describe(m->metric)->is_mean) {
        m->standard_error = mean_error(m->metric, &rows);
    } else {
        m->standard_error = bootstrap_error(m->metric, &rows, seed);
    }
    hma_cluster_sums_free(&rows);
    return HMA_OK;
}

static hma_status summarize_task(hma_task_result *task, uint64_t seed) {
    const hma_measure *own = &task->measures[0];
    const size_t width = hma_metric_describe(own->metric)->width;
    double *score = HMA_NEW(double, task->items);
    if (!score) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < task->items; i++) {
        score[i] = hma_metric_value(own->metric, own->stats + width * i, 1);
    }
    free(task->score);
    task->score = score;
    hma_clusters clusters;
    hma_status status = hma_clusters_make(&clusters, task->cluster, task->items);
    for (size_t i = 0; i < task->measure_count && status == HMA_OK; i++) {
        status = summarize_measure(&task->measures[i], &clusters, seed);
    }
    hma_clusters_free(&clusters);
    return status;
}

/* ---- retention ---- */

static bool counts(const hma_result *result, const double *values, size_t task) {
    return hma_metric_describe(result->tasks[task].measures[0].metric)->unit_interval && !isnan(values[task]);
}

static bool same_category(const hma_result *result, size_t a, size_t b) {
    return strcmp(result->tasks[a].category, result->tasks[b].category) == 0;
}

static bool leads_category(const hma_result *result, const double *values, size_t task) {
    for (size_t i = 0; i < task; i++) {
        if (counts(result, values, i) && same_category(result, i, task)) {
            return false;
        }
    }
    return counts(result, values, task);
}

/*
 * Mean over categories of the mean over their tasks that count, and the variance of that when the tasks are independent and
 * have these standard errors. Called for every resample of a bootstrap: allocates nothing.
 */
static void average_categories(const hma_result *result, const double *values, const double *errors, double *mean,
                               double *variance) {
    double sum = 0, variances = 0, categories = 0;
    for (size_t lead = 0; lead < result->task_count; lead++) {
        if (!leads_category(result, values, lead)) {
            continue;
        }
        double category = 0, squares = 0, tasks = 0;
        for (size_t i = lead; i < result->task_count; i++) {
            if (counts(result, values, i) && same_category(result, i, lead)) {
                category += values[i];
                squares += errors ? errors[i] * errors[i] : 0;
                tasks++;
            }
        }
        sum += category / tasks;
        variances += squares / (tasks * tasks);
        categories++;
    }
    *mean = categories > 0 ? sum / categories : NAN;
    *variance = categories > 0 ? variances / (categories * categories) : NAN;
}

double hma_result_retention(const hma_result *result, const double *task_values) {
    double mean, variance;
    average_categories(result, task_values, NULL, &mean, &variance);
    return mean;
}

hma_status hma_result_summarize(hma_result *result, uint64_t seed) {
    double *values = HMA_NEW(double, result->task_count), *errors = HMA_NEW(double, result->task_count);
    hma_status status = values && errors ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; i < result->task_count && status == HMA_OK; i++) {
        status = summarize_task(&result->tasks[i], seed);
        values[i] = result->tasks[i].measures[0].value;
        errors[i] = result->tasks[i].measures[0].standard_error;
    }
    if (status == HMA_OK && result->has_alignment) {
        status = summarize_task(&result->alignment, seed);
    }
    if (status == HMA_OK) {
        double variance;
        average_categories(result, values, errors, &result->retention, &variance);
        result->retention_error = sqrt(variance);
    }
    free(values);
    free(errors);
    return status;
}

/* ---- memory ---- */

static void free_texts(char **texts, size_t count) {
    for (size_t i = 0; texts && i < count; i++) {
        free(texts[i]);
    }
    free(texts);
}

static void free_task(hma_task_result *task) {
    for (size_t i = 0; task->measures && i < task->measure_count; i++) {
        free(task->measures[i].stats);
    }
    free(task->measures);
    free(task->name);
    free(task->category);
    free(task->score);
    free_texts(task->item_id, task->items);
    free_texts(task->cluster, task->items);
    free_texts(task->detail, task->items);
}

void hma_result_free(hma_result *result) {
    if (!result) {
        return;
    }
    for (size_t i = 0; result->tasks && i < result->task_count; i++) {
        free_task(&result->tasks[i]);
    }
    free(result->tasks);
    free_task(&result->alignment);
    free(result);
}
