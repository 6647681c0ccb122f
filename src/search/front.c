/* From a run to its front: which points there are, and the order in which the parts do their work. */
#include "search/front_parts.h"

#include <math.h>
#include <stdlib.h>

#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "hma/text.h"
#include "search/axes.h"
#include "search/dominance.h"
#include "search/evidence.h"
#include "search/inputs.h"
#include "search/resampled.h"
#include "search/run_parts.h"
#include "search/search_values.h"
#include "search/uniform.h"
#include "search/verdict.h"

enum { DEFAULT_RESAMPLES = 10000, MOST_RESAMPLES = 10000000 };

/* ---- points ---- */

/* By mean ratio, those without one last, then by the layers' ratios; candidates that do not differ in them as they were added.
 */
static int by_ratios(const void *left, const void *right) {
    const hma_point *a = left, *b = right;
    const double mean_a = isnan(a->mean_ratio) ? INFINITY : a->mean_ratio,
                 mean_b = isnan(b->mean_ratio) ? INFINITY : b->mean_ratio;
    if (mean_a != mean_b) {
        return mean_a < mean_b ? -1 : 1;
    }
    for (size_t layer = 0; a->recipe && b->recipe && layer < hma_recipe_layers(a->recipe); layer++) {
        const double ratio_a = hma_recipe_layer_ratio(a->recipe, layer), ratio_b = hma_recipe_layer_ratio(b->recipe, layer);
        if (ratio_a != ratio_b) {
            return ratio_a < ratio_b ? -1 : 1;
        }
    }
    return a->candidate < b->candidate ? -1 : a->candidate > b->candidate;
}

static hma_status gather_points(hma_front *front, const hma_run *run) {
    const size_t candidates = hma_run_candidate_count(run);
    for (size_t i = 0; i < 2; i++) {
        const hma_candidate *endpoint = hma_run_candidate(run, i);
        if (!endpoint->scored) {
            return hma_error(HMA_FAILURE,
                             "%s: %s has not been scored yet, so there is nothing to compare with: let the sweep go on",
                             run->folder, endpoint->label);
        }
    }
    front->points = HMA_NEW(hma_point, candidates);
    if (!front->points) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < candidates; i++) {
        const hma_candidate *candidate = hma_run_candidate(run, i);
        if (candidate->scored || candidate->failure) {
            front->points[front->point_count++] = (hma_point){.candidate = i,
                                                              .id = candidate->id,
                                                              .label = candidate->label,
                                                              .origin = candidate->origin,
                                                              .kind = candidate->kind,
                                                              .recipe = candidate->recipe,
                                                              .mean_ratio = candidate->mean_ratio};
        }
    }
    qsort(front->points, front->point_count, sizeof *front->points, by_ratios);
    for (size_t i = 0; i < front->point_count; i++) {
        front->pre = front->points[i].candidate == 0 ? i : front->pre;
        front->post = front->points[i].candidate == 1 ? i : front->post;
    }
    return HMA_OK;
}

static hma_status read_table(hma_score_table *table, const hma_front *front, const hma_run *run) {
    size_t *candidates = HMA_NEW(size_t, front->point_count);
    if (!candidates) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < front->point_count; i++) {
        const size_t candidate = front->points[i].candidate;
        candidates[i] = hma_run_candidate(run, candidate)->scored ? candidate : SIZE_MAX;
    }
    const hma_status status = hma_journal_read_table(run->journal, candidates, front->point_count, table);
    free(candidates);
    return status;
}

/* ---- from scores to the front ---- */

/* A point whose score on any measured axis is not finite takes no part. */
static hma_status exclude(hma_front *front, const hma_axes *axes, const hma_score_table *table) {
    for (size_t axis = 0; axis < front->axis_count; axis++) {
        for (size_t point = 0; point < front->point_count && hma_axes_measured(axes, table, axis); point++) {
            if (isfinite(front->axes[axis].point[point].value)) {
                continue;
            }
            front->points[point].excluded = true;
            if (point == front->pre || point == front->post) {
                return hma_error(HMA_NON_FINITE,
                                 "%s: its %s is not finite, so nothing can be compared with it: check the checkpoint",
                                 front->points[point].label, front->axes[axis].name);
            }
        }
    }
    return HMA_OK;
}

static hma_status fill(hma_front *front, hma_context *context, const hma_resampled *resampled, const hma_axes *axes,
                       uint64_t seed) {
    hma_status status = exclude(front, axes, resampled->table);
    if (status == HMA_OK) {
        status = hma_dominance(front, context, axes, resampled, seed);
    }
    return status == HMA_OK ? hma_verdict(front, axes, resampled) : status;
}

hma_status hma_front_fill(hma_front *front, hma_context *context, const hma_score_table *table, size_t resamples,
                          uint64_t seed) {
    hma_resampled resampled = {0};
    hma_evidence evidence = {0};
    hma_axes axes = {0};
    hma_status status = hma_resampled_new(&resampled, context, table, resamples, seed);
    if (status == HMA_OK) {
        status = hma_evidence_new(&evidence, table);
    }
    if (status == HMA_OK) {
        hma_uniform_find(front, &evidence);
        status = hma_axes_new(&axes, context, &evidence, front);
    }
    front->axes = axes.axes;
    front->axis_count = axes.count;
    if (status == HMA_OK) {
        status = fill(front, context, &resampled, &axes, seed);
    }
    hma_axes_free(&axes);
    hma_evidence_free(&evidence);
    hma_resampled_free(&resampled);
    return status;
}

/* ---- public ---- */

static hma_status choose_options(size_t *resamples, uint64_t *seed, const hma_run *run, const hma_front_options *options) {
    const char *recorded = hma_run_fact(run, "seed");
    *resamples = options && options->resamples ? options->resamples : DEFAULT_RESAMPLES;
    if (*resamples > MOST_RESAMPLES) {
        return hma_error(HMA_USAGE, "resamples: %zu are too many (expected at most %d): 10000 are enough", *resamples,
                         MOST_RESAMPLES);
    }
    if (options) {
        *seed = options->seed;
        return HMA_OK;
    }
    return recorded && hma_parse_u64(seed, recorded) ? HMA_OK : hma_error(HMA_BAD_DATA, "%s: its seed is missing", run->folder);
}

hma_status hma_front_compute(hma_front **out, hma_context *context, const hma_run *run, const hma_front_options *options) {
    size_t resamples;
    uint64_t seed;
    hma_score_table table = {0};
    hma_status status = choose_options(&resamples, &seed, run, options);
    if (status != HMA_OK) {
        return status;
    }
    hma_front *front = HMA_NEW(hma_front, 1);
    status = front ? gather_points(front, run) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = read_table(&table, front, run);
    }
    if (status == HMA_OK) {
        status = hma_front_fill(front, context, &table, resamples, seed);
    }
    if (status == HMA_OK) {
        status = hma_search_values_fill(front, context, run);
    }
    hma_score_table_free(&table);
    if (status != HMA_OK) {
        hma_front_free(front);
        return status;
    }
    *out = front;
    return HMA_OK;
}

/* Only a run with models knows its tasks before it has scores. */
hma_status hma_front_check(const hma_context *context, const hma_run *run, size_t points) {
    const hma_suite *suite = run->inputs ? run->inputs->suite : NULL;
    const size_t tasks = suite ? hma_suite_task_count(suite) + (hma_suite_alignment_type(suite) ? 1 : 0) : 0;
    return hma_resampled_check(context, tasks, points, DEFAULT_RESAMPLES);
}

void hma_front_free(hma_front *front) {
    if (front) {
        hma_axis_array_free(front->axes, front->axis_count);
        if (front->search_axes) {
            hma_axis_array_free(front->search_axes, front->axis_count);
        }
        free(front->points);
        free(front->front);
        free(front->verdict);
        free(front->blocks_verdict);
        free(front);
    }
}
