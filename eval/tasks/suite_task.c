/* One element of a suite's "tasks". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "eval/tasks/suite.h"

enum { DEFAULT_MAX_TOKENS = 256, MOST_TOKENS = 1 << 20, MOST_ITEMS = INT32_MAX, LONGEST_NAME = 100, MOST_METRICS = 5 };

/* Which metrics a type of task can have. */
typedef struct kind {
    const char *name;
    hma_metric metrics[MOST_METRICS];
    size_t metric_count;
} kind;

static const kind kinds[] = {
    [HMA_TASK_MULTIPLE_CHOICE] = {"multiple_choice", {HMA_METRIC_ACC, HMA_METRIC_ACC_NORM}, 2},
    [HMA_TASK_GENERATE] = {"generate",
                           {HMA_METRIC_F1, HMA_METRIC_EM, HMA_METRIC_DROP_F1, HMA_METRIC_DROP_EM, HMA_METRIC_BLEU},
                           5},
    [HMA_TASK_LOGLIKELIHOOD] = {"loglikelihood", {HMA_METRIC_ACC, HMA_METRIC_PERPLEXITY}, 2},
};
enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

const char *hma_task_type_name(hma_task_type type) { return kinds[type].name; }

/* A name becomes part of file names and of paths in exports. */
static hma_status check_name(const char *where, const char *name) {
    bool usable = *name && *name != '.' && strlen(name) <= LONGEST_NAME && strcmp(name, "alignment") != 0 &&
                  strcmp(name, "retention") != 0;
    for (const char *c = name; *c && usable; c++) {
        usable = (unsigned char)*c > ' ' && *c != '/' && *c != 0x7f;
    }
    return usable ? HMA_OK
                  : hma_error(HMA_BAD_DATA,
                              "%s: \"name\" is \"%.100s\" (expected up to %d characters without white space and '/', not "
                              "beginning with '.', and not \"alignment\" or \"retention\"): choose another",
                              where, name, LONGEST_NAME);
}

static hma_status read_type(const cJSON *object, const char *where, hma_task_type *type) {
    const char *names[KIND_COUNT + 1] = {0};
    size_t chosen = 0;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        names[i] = kinds[i].name;
    }
    const hma_status status = hma_read_word(object, where, "type", true, names, &chosen);
    *type = (hma_task_type)chosen;
    return status;
}

static hma_status read_metric(const cJSON *object, const char *where, const kind *k, hma_metric *metric) {
    const char *names[MOST_METRICS + 1] = {0};
    size_t chosen = 0;
    for (size_t i = 0; i < k->metric_count; i++) {
        names[i] = hma_metric_describe(k->metrics[i])->name;
    }
    const hma_status status = hma_read_word(object, where, "metric", true, names, &chosen);
    *metric = k->metrics[chosen];
    return status;
}

static hma_status read_generation(hma_task_spec *out, const cJSON *object, const char *where) {
    out->max_tokens = DEFAULT_MAX_TOKENS;
    const hma_status status = hma_json_get_size(object, where, "max_tokens", false, 1, MOST_TOKENS, &out->max_tokens);
    return status == HMA_OK ? hma_read_until(object, where, &out->until) : status;
}

static hma_item_kind item_kind(const hma_task *task) {
    switch (task->type) {
    case HMA_TASK_MULTIPLE_CHOICE: return HMA_ITEM_CHOICES;
    case HMA_TASK_LOGLIKELIHOOD: return HMA_ITEM_TARGET;
    default:
        return task->metric == HMA_METRIC_DROP_EM || task->metric == HMA_METRIC_DROP_F1 ? HMA_ITEM_SPANS : HMA_ITEM_ANSWERS;
    }
}

/* "file" is the name of one, or {"search": .., "test": ..}. */
static hma_status read_names(const cJSON *object, const char *where, const char *names[2]) {
    static const char *const known[] = {[HMA_PROMPTS_TEST] = "test", [HMA_PROMPTS_SEARCH] = "search", NULL};
    const cJSON *files = hma_json_get(object, "file");
    if (!cJSON_IsObject(files)) {
        return hma_json_get_text(object, where, "file", true, &names[HMA_PROMPTS_TEST]);
    }
    hma_status status = hma_json_known_keys(files, where, known);
    for (size_t split = 0; split < 2 && status == HMA_OK; split++) {
        status = hma_json_get_text(files, where, known[split], true, &names[split]);
    }
    return status;
}

static hma_status read_files(const hma_suite *suite, hma_task_spec *out, const cJSON *object, const char *where,
                             char digests[2][65]) {
    const char *names[2] = {NULL, NULL};
    hma_items *const items[2] = {[HMA_PROMPTS_TEST] = &out->items, [HMA_PROMPTS_SEARCH] = &out->search_items};
    size_t limit = SIZE_MAX;
    hma_status status = read_names(object, where, names);
    if (status == HMA_OK) {
        status = hma_json_get_size(object, where, "limit", false, 1, MOST_ITEMS, &limit);
    }
    for (size_t split = 0; split < 2 && status == HMA_OK; split++) {
        char *path = names[split] ? hma_suite_resolve(suite, names[split]) : NULL;
        if (names[split]) {
            status = path ? hma_items_load(items[split], path, item_kind(&out->task), limit, digests[split]) : HMA_FAILURE;
        }
        free(path);
    }
    out->task.items = out->items.count;
    return status;
}

static hma_status read_fields(const hma_suite *suite, hma_task_spec *out, const cJSON *object, const char *where,
                              char digests[2][65]) {
    static const char *const scored[] = {"name", "category", "type", "file", "metric", "limit", NULL};
    static const char *const generated[] = {"name", "category", "type", "file", "metric", "limit", "until", "max_tokens", NULL};
    hma_status status = read_type(object, where, &out->task.type);
    const bool generates = out->task.type == HMA_TASK_GENERATE;
    if (status == HMA_OK) {
        status = hma_json_known_keys(object, where, generates ? generated : scored);
    }
    if (status == HMA_OK) {
        status = hma_json_get_text(object, where, "category", false, &out->task.category);
    }
    if (status == HMA_OK) {
        status = read_metric(object, where, &kinds[out->task.type], &out->task.metric);
    }
    if (status == HMA_OK && generates) {
        status = read_generation(out, object, where);
    }
    if (status == HMA_OK) {
        status = read_files(suite, out, object, where, digests);
    }
    return status;
}

hma_status hma_suite_read_task(const hma_suite *suite, hma_task_spec *out, const cJSON *object, char digests[2][65]) {
    hma_buffer where = {0};
    hma_buffer_printf(&where, "%s: task %zu", suite->path, suite->task_count);
    hma_status status = hma_buffer_ok(&where);
    if (status == HMA_OK && !cJSON_IsObject(object)) {
        status =
            hma_error(HMA_BAD_DATA, "%s: is not an object (expected {\"name\": .., \"type\": .., ..}): correct it", where.data);
    }
    if (status == HMA_OK) {
        status = hma_json_get_text(object, where.data, "name", true, &out->task.name);
    }
    if (status == HMA_OK) {
        status = check_name(where.data, out->task.name);
    }
    if (status == HMA_OK) {
        out->task.category = out->task.name;
        hma_buffer_clear(&where);
        hma_buffer_printf(&where, "%s: task \"%s\"", suite->path, out->task.name);
        status = hma_buffer_ok(&where);
    }
    if (status == HMA_OK) {
        status = read_fields(suite, out, object, where.data, digests);
    }
    hma_buffer_free(&where);
    return status;
}
