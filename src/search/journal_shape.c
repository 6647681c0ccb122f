/* Reading what all results of a run have in common. */
#include <stdlib.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "search/journal.h"

void hma_journal_shape_free(hma_journal_shape *shape) {
    for (size_t i = 0; i < shape->task_count; i++) {
        free(shape->tasks[i].name);
        free(shape->tasks[i].category);
        free(shape->tasks[i].metrics);
    }
    free(shape->tasks);
    *shape = (hma_journal_shape){0};
}

static hma_status read_metrics(const hma_sql *sql, const hma_shape_query *query, int64_t number, hma_journal_task *task) {
    sqlite3_stmt *statement = NULL;
    size_t capacity = 0;
    bool row = true;
    hma_status status = hma_sql_prepare(sql, &statement, query->metrics);
    if (status == HMA_OK) {
        status = hma_sql_bind(sql, statement, query->sheet ? "it" : "i", number, query->sheet);
    }
    while (status == HMA_OK && (status = hma_sql_step(sql, statement, &row)) == HMA_OK && row) {
        hma_metric metric;
        if (hma_grow(&task->metrics, &capacity, task->measure_count + 1, sizeof *task->metrics) != 0) {
            status = HMA_FAILURE;
        } else if (hma_metric_parse(&metric, hma_sql_text(statement, 0)) != HMA_OK) {
            status = hma_sql_damaged(sql, hma_error_message());
        } else {
            task->metrics[task->measure_count++] = metric;
        }
    }
    (void)sqlite3_finalize(statement);
    return status == HMA_OK && task->measure_count == 0 ? hma_sql_damaged(sql, "a task has no measure") : status;
}

static hma_status read_task(const hma_sql *sql, const hma_shape_query *query, sqlite3_stmt *statement, hma_journal_shape *shape,
                            size_t *capacity) {
    const size_t number = shape->task_count;
    if (hma_grow(&shape->tasks, capacity, number + 1, sizeof *shape->tasks) != 0) {
        return HMA_FAILURE;
    }
    if (sqlite3_column_int64(statement, 0) != (int64_t)number) {
        return hma_sql_damaged(sql, "tasks are missing");
    }
    hma_journal_task *task = &shape->tasks[shape->task_count++];
    *task = (hma_journal_task){.name = hma_copy_text(hma_sql_text(statement, 1)),
                               .category = hma_copy_text(hma_sql_text(statement, 2)),
                               .alignment = sqlite3_column_int64(statement, 3) != 0,
                               .items = (size_t)sqlite3_column_int64(statement, 4)}; /* rows that are really there */
    return task->name && task->category ? read_metrics(sql, query, (int64_t)number, task) : HMA_FAILURE;
}

hma_status hma_shape_read(const hma_sql *sql, const hma_shape_query *query, hma_journal_shape *out) {
    size_t capacity = 0;
    sqlite3_stmt *statement = NULL;
    bool row = true;
    *out = (hma_journal_shape){0};
    hma_status status = hma_sql_prepare(sql, &statement, query->tasks);
    if (status == HMA_OK) {
        status = hma_sql_bind(sql, statement, query->sheet ? "t" : "", query->sheet);
    }
    while (status == HMA_OK && (status = hma_sql_step(sql, statement, &row)) == HMA_OK && row) {
        status = read_task(sql, query, statement, out, &capacity);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

hma_status hma_journal_read_shape(const hma_journal *journal, hma_journal_shape *out) {
    static const hma_shape_query query = {.tasks = "SELECT number, name, category, alignment, "
                                                   "(SELECT count(*) FROM item WHERE item.task = task.number) "
                                                   "FROM task ORDER BY number",
                                          .metrics = "SELECT metric FROM measure WHERE task = ?1 ORDER BY number"};
    hma_journal_shape shape;
    hma_status status = hma_shape_read(&journal->sql, &query, &shape);
    for (size_t i = 0; i + 1 < shape.task_count && status == HMA_OK; i++) {
        if (shape.tasks[i].alignment) {
            status = hma_sql_damaged(&journal->sql, "the alignment's prompts are not the last task");
        }
    }
    if (status != HMA_OK) {
        hma_journal_shape_free(&shape);
        return status;
    }
    *out = shape;
    return HMA_OK;
}
