/* Results in the shape of lm-evaluation-harness's files. Public side: hma_result_write(). */
#ifndef HMA_TASKS_RESULT_WRITE_H
#define HMA_TASKS_RESULT_WRITE_H

#include "base/buffer.h"
#include "eval/tasks/evaluator.h"
#include "hma/eval.h"

/* One line for each item: the document, what was asked, what was answered, scores. */
hma_status hma_samples_print(hma_buffer *out, const hma_evaluator *evaluator, const hma_result *result, size_t task);
hma_status hma_alignment_samples_print(hma_buffer *out, const hma_evaluator *evaluator, const hma_result *result);

/* How lm-evaluation-harness calls a metric, and the filter that replies pass before it; "none" where there is no filter. In a
 * task of the library the names are the harness's for that task. `spec` is NULL for the alignment measure. */
typedef struct hma_reported {
    const char *metric, *filter;
} hma_reported;
hma_reported hma_report_name(hma_metric metric, const hma_task_spec *spec);

/* "until":[..], in results and request files. */
void hma_print_until(hma_buffer *out, const hma_stops *until);
/* How a task generates: {"until":[..],"max_gen_toks":n,"do_sample":false}. */
void hma_print_generation_arguments(hma_buffer *out, const hma_stops *until, size_t max_tokens, double temperature);

#endif
