/* A suite as it is held in memory. Public side: hma/eval.h. */
#ifndef HMA_TASKS_SUITE_H
#define HMA_TASKS_SUITE_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "eval/alignment/spec.h"
#include "eval/tasks/fewshot.h"
#include "eval/tasks/fields.h"
#include "eval/tasks/items.h"
#include "eval/tasks/library/library.h"
#include "hma/eval.h"

typedef struct hma_task_spec {
    hma_task task;
    const hma_builtin *builtin;             /* of the library; NULL: the suite's own items */
    hma_metric measures[HMA_MOST_MEASURES]; /* task.metric, then what costs nothing more */
    size_t measure_count;
    hma_stops until;   /* generate */
    size_t max_tokens; /* generate */
    hma_fewshot fewshot;
    hma_items items;
    hma_items search_items; /* empty unless the task has a file for searching and one for reporting */
} hma_task_spec;

struct hma_suite {
    char *path, *folder, *text;
    char **paths; /* NULL-terminated: what the suite speaks of, beginning with itself */
    size_t path_count, path_capacity;
    char digest[65];
    cJSON *tree; /* owns the names */
    const char *name;
    uint64_t seed;
    hma_bos bos; /* HMA_BOS_AUTO unless the suite says otherwise */
    hma_task_spec *tasks;
    size_t task_count;
    bool has_alignment;
    hma_alignment_spec alignment;
    hma_items prompts[2]; /* by hma_prompt_split; empty when the suite has none */
};

/* Reads one element of "tasks" with its data files: digests in the order of hma_prompt_split, "" for a missing one. On failure
 * what was read is freed by hma_suite_free(). */
hma_status hma_suite_read_task(hma_suite *suite, hma_task_spec *out, const cJSON *object, char digests[2][65]);

/* ---- suite_measures.c ---- */

hma_status hma_suite_read_type(const cJSON *object, const char *where, hma_task_type *type);
/* "metric", and from it what the task reports; `builtin` and `task.type` are known. */
hma_status hma_suite_read_metric(hma_task_spec *out, const cJSON *object, const char *where);

/* ---- suite_alignment.c ---- */

/* Reads "alignment" with its prompt files: digests in the order of hma_prompt_split, "" for a missing one. */
hma_status hma_suite_read_alignment(hma_suite *suite, const cJSON *object, char digests[2][65]);

/* A path of the suite file, relative to its folder; becomes one of the suite's paths, which own it. NULL with the error set. */
const char *hma_suite_resolve(hma_suite *suite, const char *path);

/* The words of hma_bos in its order, NULL-terminated. */
extern const char *const hma_bos_names[];

/* The name of a task type: "multiple_choice", "generate", "loglikelihood", "rolling". */
const char *hma_task_type_name(hma_task_type type);

#endif
