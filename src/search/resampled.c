#include "search/resampled.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "search/bootstrap.h"

hma_status hma_resampled_check(const hma_context *context, size_t tasks, size_t points, size_t resamples) {
    const double mebibyte = 1 << 20, needed = (double)tasks * (double)points * (double)resamples * sizeof(double);
    size_t cells, replicates, bytes;
    if (!hma_mul_size(&cells, tasks, points) || !hma_mul_size(&replicates, cells, resamples) ||
        !hma_mul_size(&bytes, replicates, sizeof(double)) || bytes > hma_context_memory(context)) {
        return hma_error(
            HMA_FAILURE,
            "front: %zu resamples of %zu points in %zu tasks do not fit the memory (they need %.1f MiB, allowed are "
            "%.1f): raise --memory",
            resamples, points, tasks, needed / mebibyte, (double)hma_context_memory(context) / mebibyte);
    }
    return HMA_OK;
}

static hma_status allocate(hma_resampled *r, const hma_context *context) {
    const hma_status status = hma_resampled_check(context, r->table->task_count, r->table->points, r->resamples);
    if (status != HMA_OK) {
        return status;
    }
    r->replicates = HMA_NEW(double, r->table->task_count * r->table->points * r->resamples);
    return r->replicates ? HMA_OK : HMA_FAILURE;
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
    }
    return status;
}

void hma_resampled_free(hma_resampled *resampled) {
    free(resampled->replicates);
    *resampled = (hma_resampled){0};
}
