/* The per-item half of a table: scores and generated texts of every point, out of the journal. */
#include "export/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "hma/eval.h"

static hma_status parse_detail(cJSON **out, const hma_run *run, const hma_task_result *result, size_t item) {
    const char *text = result->detail ? hma_text_or_empty(result->detail[item]) : "";
    if (!*text) {
        *out = NULL;
        return HMA_OK;
    }
    const hma_status status = hma_json_parse_line(out, result->item_id[item], text, strlen(text));
    return status != HMA_BAD_DATA
               ? status
               : hma_error(HMA_BAD_DATA,
                           "%s/journal.sqlite: is damaged (the answer to item %s of %s cannot be read): restore a copy of "
                           "the file, or begin anew in another folder",
                           hma_run_folder(run), result->item_id[item], result->name);
}

/* Texts that an item of this result has: 1 in {"text":..}, n in {"replies":[..]}. */
static size_t samples_of(const cJSON *detail) {
    const cJSON *replies = hma_json_get(detail, "replies");
    return cJSON_IsArray(replies) ? (size_t)cJSON_GetArraySize(replies) : cJSON_IsString(hma_json_get(detail, "text")) ? 1 : 0;
}

static hma_status allocate(hma_table_task *task, const hma_run *run, size_t points, const hma_task_result *first) {
    cJSON *detail = NULL;
    hma_status status = first->items ? parse_detail(&detail, run, first, 0) : HMA_OK;
    if (status != HMA_OK) {
        return status;
    }
    const size_t samples = samples_of(detail);
    cJSON_Delete(detail);
    size_t scores, texts;
    if (!hma_mul_size(&scores, points, first->items) || !hma_mul_size(&texts, scores, samples)) {
        return hma_error_memory("items");
    }
    task->name = hma_copy_text(hma_text_or_empty(first->name));
    task->category = hma_copy_text(hma_text_or_empty(first->category));
    task->id = HMA_NEW(char *, first->items);
    task->score = HMA_NEW(double, scores);
    if (!task->name || !task->category || !task->id || !task->score) {
        return HMA_FAILURE;
    }
    task->items = first->items;
    if (samples) {
        task->text = HMA_NEW(char *, texts);
        task->reward = task->is_alignment ? HMA_NEW(double, texts) : NULL;
        if (!task->text || (task->is_alignment && !task->reward)) {
            return HMA_FAILURE;
        }
        task->samples = samples;
    }
    return HMA_OK;
}

static hma_status start_task(hma_table_task *task, const hma_run *run, size_t points, const hma_task_result *first,
                             bool is_alignment) {
    const hma_metric_info *metric = first->measure_count ? hma_metric_describe(first->measures[0].metric) : NULL;
    task->is_alignment = is_alignment;
    task->metric = metric ? metric->name : "";
    hma_status status = allocate(task, run, points, first);
    for (size_t item = 0; status == HMA_OK && item < task->items; item++) {
        task->id[item] = hma_copy_text(hma_text_or_empty(first->item_id[item]));
        status = task->id[item] ? HMA_OK : HMA_FAILURE;
    }
    return status;
}

/* Texts and rewards of one item; [samples] each from `at` on. */
static hma_status add_texts(hma_table_task *task, size_t at, const cJSON *detail) {
    const cJSON *replies = hma_json_get(detail, "replies"), *rewards = hma_json_get(detail, "rewards");
    for (size_t sample = 0; sample < task->samples; sample++) {
        const cJSON *text = replies ? cJSON_GetArrayItem(replies, (int)sample) : hma_json_get(detail, "text");
        const cJSON *reward = cJSON_GetArrayItem(rewards, (int)sample);
        if (task->reward) {
            task->reward[at + sample] = cJSON_IsNumber(reward) ? reward->valuedouble : NAN;
        }
        if (cJSON_IsString(text)) {
            task->text[at + sample] = hma_copy_text(text->valuestring);
            if (!task->text[at + sample]) {
                return HMA_FAILURE;
            }
        }
    }
    return HMA_OK;
}

static hma_status add_point(hma_table_task *task, const hma_run *run, size_t point, const hma_task_result *result) {
    if (result->items != task->items || strcmp(hma_text_or_empty(result->name), task->name) != 0) {
        return hma_error(HMA_BAD_DATA,
                         "%s: %s has %zu items for one candidate (expected %zu of %s, as for the others): check "
                         "the run with hma verify",
                         hma_run_folder(run), hma_text_or_empty(result->name), result->items, task->items, task->name);
    }
    hma_status status = HMA_OK;
    for (size_t item = 0; status == HMA_OK && item < task->items; item++) {
        const size_t at = point * task->items + item;
        task->score[at] = result->score[item];
        cJSON *detail = NULL;
        if (task->samples) {
            status = parse_detail(&detail, run, result, item);
            if (status == HMA_OK) {
                status = add_texts(task, at * task->samples, detail);
            }
        }
        cJSON_Delete(detail);
    }
    return status;
}

/* Alignment first, as among the axes. */
static const hma_task_result *result_at(const hma_result *result, size_t index) {
    return result->has_alignment && index == 0 ? &result->alignment : &result->tasks[index - result->has_alignment];
}

static hma_status start_tasks(hma_table *table, const hma_run *run, const hma_result *first) {
    const size_t points = table->front->point_count, count = first->task_count + first->has_alignment;
    table->tasks = HMA_NEW(hma_table_task, count);
    hma_status status = table->tasks ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        const hma_task_result *result = result_at(first, i);
        table->task_count = i + 1; /* so that a half-made task is freed too */
        status = start_task(&table->tasks[i], run, points, result, result == &first->alignment);
    }
    return status;
}

static hma_status add_result(hma_table *table, const hma_run *run, size_t point, const hma_result *result) {
    if (result->task_count + result->has_alignment != table->task_count) {
        return hma_error(HMA_BAD_DATA,
                         "%s: one candidate has %zu tasks (expected %zu, as the others have): check the run with "
                         "hma verify",
                         hma_run_folder(run), result->task_count + result->has_alignment, table->task_count);
    }
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < table->task_count; i++) {
        status = add_point(&table->tasks[i], run, point, result_at(result, i));
    }
    return status;
}

hma_status hma_table_gather_items(hma_table *table, const hma_run *run) {
    hma_status status = HMA_OK;
    for (size_t point = 0; status == HMA_OK && point < table->front->point_count; point++) {
        hma_result *result = NULL;
        status = hma_run_result(run, table->front->points[point].candidate, &result);
        if (status == HMA_OK && point == 0) {
            status = start_tasks(table, run, result);
        }
        if (status == HMA_OK) {
            status = add_result(table, run, point, result);
        }
        hma_result_free(result);
    }
    return status;
}
