/* From a model's replies to its alignment, prompt by prompt. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/context.h"
#include "base/memory.h"
#include "eval/tasks/evaluator.h"
#include "eval/tasks/json_write.h"
#include "hma/text.h"

static char *describe(const hma_judging *j, size_t prompt) {
    hma_buffer detail = {0};
    const size_t first = prompt * j->samples;
    hma_json_open(&detail, '{');
    hma_json_key(&detail, "replies");
    hma_json_open(&detail, '[');
    for (size_t i = first; i < first + j->samples; i++) {
        hma_json_add_text(&detail, j->texts[i]);
    }
    hma_json_close(&detail, ']');
    hma_json_key(&detail, "rewards");
    hma_json_open(&detail, '[');
    for (size_t i = first; i < first + j->samples; i++) {
        hma_json_add_number(&detail, j->scores[i]);
    }
    hma_json_close(&detail, ']');
    hma_json_close(&detail, '}');
    return hma_buffer_release(&detail);
}

/* One statistic a prompt: the mean over its samples. */
static hma_status fill(const hma_evaluator *e, const hma_judging *j, hma_task_result *out) {
    for (size_t prompt = 0; prompt < e->prompts.count; prompt++) {
        double sum = 0;
        for (size_t sample = 0; sample < j->samples; sample++) {
            sum += j->scores[prompt * j->samples + sample];
        }
        out->measures[0].stats[prompt] = sum / (double)j->samples;
        out->item_id[prompt] = hma_copy_text(hma_evaluator_prompt(e, prompt)->id);
        out->detail[prompt] = describe(j, prompt);
        if (!out->item_id[prompt] || !out->detail[prompt] ||
            hma_task_result_cluster(out, prompt, hma_evaluator_prompt(e, prompt)->cluster) != HMA_OK) {
            return HMA_FAILURE;
        }
    }
    return HMA_OK;
}

hma_status hma_alignment_result_make(hma_evaluator *e, hma_task_result *out) {
    static const hma_metric metric = HMA_METRIC_REWARD;
    hma_status status = hma_task_result_begin(out, "alignment", "alignment", &metric, 1, e->prompts.count);
    if (status == HMA_OK) {
        (void)hma_report_phase(e->context, HMA_PHASE_JUDGING);
        status = hma_judging_end(e);
    }
    return status == HMA_OK ? fill(e, &e->judging, out) : status;
}
