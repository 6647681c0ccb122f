/* From a model's replies to its alignment, prompt by prompt. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/context.h"
#include "base/memory.h"
#include "eval/tasks/evaluator.h"
#include "eval/tasks/json_write.h"
#include "eval/tasks/reply.h"
#include "hma/text.h"

/* All replies of a model, [prompt_count * samples], and what they are worth. */
typedef struct judged {
    hma_reply *replies;
    char **texts;
    double *scores;
    size_t count, samples;
} judged;

static void free_judged(judged *j) {
    for (size_t i = 0; j->texts && i < j->count; i++) {
        hma_text_free(j->texts[i]);
    }
    free(j->texts);
    free(j->replies);
    free(j->scores);
}

static hma_status read_replies(const hma_evaluator *e, judged *j) {
    static const hma_stops no_stops;
    hma_status status = HMA_OK;
    for (size_t i = 0; i < j->count && status == HMA_OK; i++) {
        const hma_generation *g = &e->questions.generations[e->first_reply + i];
        const hma_item *prompt = hma_evaluator_prompt(e, i / j->samples);
        status = hma_reply_plain_text(e->tokenizer, g->ids, g->count, &no_stops, &j->texts[i]);
        j->replies[i] = (hma_reply){.prompt_id = prompt->id,
                                    .prompt = prompt->query,
                                    .shown = e->shown[i / j->samples],
                                    .text = j->texts[i],
                                    .sample = g->sample,
                                    .shown_ids = g->prompt,
                                    .text_ids = {g->ids, g->count}};
    }
    return status;
}

static hma_status judge_replies(const hma_evaluator *e, judged *j) {
    j->samples = e->suite->alignment.samples;
    j->count = e->prompts.count * j->samples;
    j->replies = HMA_NEW(hma_reply, j->count);
    j->texts = HMA_NEW(char *, j->count);
    j->scores = HMA_NEW(double, j->count);
    hma_status status = j->replies && j->texts && j->scores ? read_replies(e, j) : HMA_FAILURE;
    return status == HMA_OK ? hma_judge_score(e->judge, j->replies, j->count, j->scores) : status;
}

static char *describe(const judged *j, size_t prompt) {
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
static hma_status fill(const hma_evaluator *e, const judged *j, hma_task_result *out) {
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

hma_status hma_alignment_result_make(const hma_evaluator *e, hma_task_result *out) {
    static const hma_metric metric = HMA_METRIC_REWARD;
    judged j = {0};
    hma_status status = hma_task_result_begin(out, "alignment", "alignment", &metric, 1, e->prompts.count);
    if (status == HMA_OK) {
        hma_report_phase(e->context, HMA_PHASE_JUDGING);
        status = judge_replies(e, &j);
    }
    if (status == HMA_OK) {
        status = fill(e, &j, out);
    }
    free_judged(&j);
    return status;
}
