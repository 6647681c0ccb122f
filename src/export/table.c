#include "export/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void free_texts(char **texts, size_t count) {
    for (size_t i = 0; texts && i < count; i++) {
        free(texts[i]);
    }
    free(texts);
}

void hma_table_task_free(hma_table_task *task, size_t points) {
    free_texts(task->id, task->items);
    free_texts(task->text, points * task->items * task->samples);
    free(task->score);
    free(task->reward);
    free(task->name);
    free(task->category);
    *task = (hma_table_task){0};
}

void hma_table_free(hma_table *table) {
    const size_t points = table->front ? table->front->point_count : 0;
    for (size_t i = 0; i < table->task_count; i++) {
        hma_table_task_free(&table->tasks[i], points);
    }
    for (size_t i = 0; table->points && i < points; i++) {
        free(table->points[i].recipe);
    }
    free(table->tasks);
    free(table->points);
    free(table->block_start);
    free(table->ratios);
    free(table->layer_ratios);
    free(table->title);
    *table = (hma_table){0};
}

static bool is_measured(const hma_axis *axis, size_t points) {
    bool measured = false;
    for (size_t i = 0; i < points && !measured; i++) {
        measured = isfinite(axis->point[i].value);
    }
    return measured;
}

const hma_axis *hma_table_axis(const hma_table *table, hma_axis_kind kind) {
    const hma_front *front = table->front;
    for (size_t i = 0; i < front->axis_count; i++) {
        if (front->axes[i].kind == kind) {
            return is_measured(&front->axes[i], front->point_count) ? &front->axes[i] : NULL;
        }
    }
    return NULL;
}

const char *hma_axis_short_name(const hma_axis *axis) {
    const char *prefix = axis->kind == HMA_AXIS_TASK ? "task_" : axis->kind == HMA_AXIS_CATEGORY ? "category_" : "";
    const size_t length = strlen(prefix);
    return strncmp(axis->name, prefix, length) == 0 ? axis->name + length : axis->name;
}

const char *hma_table_label(const hma_table *table, size_t point) {
    const hma_point *p = &table->front->points[point];
    return p->label && *p->label ? p->label : hma_text_or_empty(p->id);
}
