/* How far two results of one model lie apart, item by item: what a coarser precision costs. */
#include <math.h>
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "hma/eval.h"

typedef struct sums {
    double total, largest;
    size_t count;
} sums;

static const hma_task_result *find_task(const hma_result *result, const char *name) {
    for (size_t i = 0; i < result->task_count; i++) {
        if (strcmp(result->tasks[i].name, name) == 0) {
            return &result->tasks[i];
        }
    }
    return NULL;
}

/* Index of an item, looked for from `from` on because both results keep the suite's order; `items` when it is not there. */
static size_t find_item(const hma_task_result *task, const char *id, size_t from) {
    for (size_t i = from; i < task->items; i++) {
        if (strcmp(task->item_id[i], id) == 0) {
            return i;
        }
    }
    return task->items;
}

static void compare_logprobs(sums *s, const cJSON *a, const cJSON *b) {
    for (a = a->child, b = b->child; a && b; a = a->next, b = b->next) {
        const double difference = fabs(a->valuedouble - b->valuedouble);
        s->total += difference;
        s->largest = fmax(s->largest, difference);
        s->count++;
    }
}

/* Compares the details of one item: log-likelihoods by size, replies by being the same text. */
static hma_status compare_details(hma_deviation *out, sums *s, const char *a, const char *b) {
    cJSON *left = NULL, *right = NULL;
    hma_status status = hma_json_parse(&left, "detail", a, strlen(a));
    if (status == HMA_OK) {
        status = hma_json_parse(&right, "detail", b, strlen(b));
    }
    if (status == HMA_OK) {
        const cJSON *ll = hma_json_get(left, "ll"), *other = hma_json_get(right, "ll");
        if (ll && other) {
            compare_logprobs(s, ll, other);
        } else {
            const cJSON *text = hma_json_get(left, "text"), *reference = hma_json_get(right, "text");
            out->replies++;
            out->replies_changed += !cJSON_Compare(text, reference, true);
        }
    }
    cJSON_Delete(left);
    cJSON_Delete(right);
    return status;
}

static hma_status compare_task(hma_deviation *out, sums *s, const hma_task_result *task, const hma_task_result *reference) {
    hma_status status = HMA_OK;
    size_t at = 0;
    for (size_t i = 0; i < reference->items && status == HMA_OK; i++) {
        const size_t item = find_item(task, reference->item_id[i], at);
        if (item < task->items) {
            at = item + 1;
            out->items++;
            out->scores_changed += task->score[item] != reference->score[i];
            status = compare_details(out, s, task->detail[item], reference->detail[i]);
        }
    }
    return status;
}

hma_status hma_result_deviation(hma_deviation *out, const hma_result *result, const hma_result *reference) {
    hma_deviation d = {0};
    sums s = {0};
    hma_status status = HMA_OK;
    for (size_t i = 0; i < reference->task_count && status == HMA_OK; i++) {
        const hma_task_result *task = find_task(result, reference->tasks[i].name);
        status = task ? compare_task(&d, &s, task, &reference->tasks[i]) : HMA_OK;
    }
    if (status == HMA_OK) {
        d.logprobs = s.count;
        d.largest = s.largest;
        d.mean = s.count ? s.total / (double)s.count : 0;
        *out = d;
    }
    return status;
}
