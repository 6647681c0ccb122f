/* Which metrics a type of task can have, and which others its answers give at no further cost. */
#include <string.h>

#include "eval/tasks/suite.h"

enum { MOST_METRICS = 11, MOST_RELATED = 3 };

typedef struct kind {
    const char *name;
    hma_metric metrics[MOST_METRICS];
    size_t metric_count;
} kind;

static const kind kinds[] = {
    [HMA_TASK_MULTIPLE_CHOICE] = {"multiple_choice",
                                  {HMA_METRIC_ACC, HMA_METRIC_ACC_NORM, HMA_METRIC_ACC_BYTES, HMA_METRIC_MC2},
                                  4},
    [HMA_TASK_GENERATE] = {"generate",
                           {HMA_METRIC_F1, HMA_METRIC_EM, HMA_METRIC_DROP_F1, HMA_METRIC_DROP_EM, HMA_METRIC_BLEU,
                            HMA_METRIC_CHRF, HMA_METRIC_EXACT_MATCH, HMA_METRIC_EXACT_STRICT, HMA_METRIC_EXACT_FLEXIBLE,
                            HMA_METRIC_HAS_ANS_F1, HMA_METRIC_NO_ANS_EM},
                           11},
    [HMA_TASK_LOGLIKELIHOOD] = {"loglikelihood", {HMA_METRIC_ACC, HMA_METRIC_PERPLEXITY}, 2},
    [HMA_TASK_ROLLING] = {"rolling", {HMA_METRIC_WORD_PERPLEXITY, HMA_METRIC_BYTE_PERPLEXITY, HMA_METRIC_BITS_PER_BYTE}, 3},
};
enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

/* Metrics that come together: a task that has one of them reports all of a row. */
typedef struct family {
    hma_metric metrics[MOST_RELATED];
    size_t count;
} family;

static const family families[] = {
    {{HMA_METRIC_ACC, HMA_METRIC_ACC_NORM}, 2},
    {{HMA_METRIC_EM, HMA_METRIC_F1}, 2},
    {{HMA_METRIC_DROP_EM, HMA_METRIC_DROP_F1}, 2},
    {{HMA_METRIC_BLEU, HMA_METRIC_CHRF}, 2},
    {{HMA_METRIC_EXACT_STRICT, HMA_METRIC_EXACT_FLEXIBLE}, 2},
    {{HMA_METRIC_WORD_PERPLEXITY, HMA_METRIC_BYTE_PERPLEXITY, HMA_METRIC_BITS_PER_BYTE}, 3},
};

const char *hma_task_type_name(hma_task_type type) { return kinds[type].name; }

hma_status hma_suite_read_type(const cJSON *object, const char *where, hma_task_type *type) {
    const char *names[KIND_COUNT + 1] = {0};
    size_t chosen = 0;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        names[i] = kinds[i].name;
    }
    const hma_status status = hma_read_word(object, where, "type", true, names, &chosen);
    *type = (hma_task_type)chosen;
    return status;
}

static hma_status read_metric(const cJSON *object, const char *where, bool required, const hma_metric *metrics, size_t count,
                              hma_metric *metric) {
    const char *names[MOST_METRICS + 1] = {0};
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++) {
        names[i] = hma_metric_describe(metrics[i])->name;
    }
    const hma_status status = hma_read_word(object, where, "metric", required, names, &chosen);
    *metric = metrics[chosen];
    return status;
}

/* The task's own metric first, then the others of the list. */
static void report(hma_task_spec *out, const hma_metric *metrics, size_t count) {
    out->measures[0] = out->task.metric;
    out->measure_count = 1;
    for (size_t i = 0; i < count; i++) {
        if (metrics[i] != out->task.metric) {
            out->measures[out->measure_count++] = metrics[i];
        }
    }
}

static const family *family_of(const hma_task *task) {
    static const family target = {{HMA_METRIC_ACC, HMA_METRIC_PERPLEXITY}, 2}, alone = {{HMA_METRIC_ACC}, 0};
    if (task->type == HMA_TASK_LOGLIKELIHOOD) {
        return &target;
    }
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        for (size_t k = 0; k < families[i].count; k++) {
            if (families[i].metrics[k] == task->metric) {
                return &families[i];
            }
        }
    }
    return &alone;
}

hma_status hma_suite_read_metric(hma_task_spec *out, const cJSON *object, const char *where) {
    if (out->builtin) {
        const hma_builtin *b = out->builtin;
        const hma_status status = read_metric(object, where, false, b->metrics, b->metric_count, &out->task.metric);
        report(out, b->metrics, b->metric_count);
        return status;
    }
    const kind *k = &kinds[out->task.type];
    const hma_status status = read_metric(object, where, true, k->metrics, k->metric_count, &out->task.metric);
    const family *f = family_of(&out->task);
    report(out, f->metrics, f->count);
    return status;
}
