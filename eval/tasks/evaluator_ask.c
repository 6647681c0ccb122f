/* From the items of a suite to questions for a model. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "eval/tasks/evaluator.h"
#include "eval/tasks/python_text.h"
#include "eval/tasks/rolling.h"

static hma_status locate_item(const hma_evaluator *e, size_t task, size_t item) {
    const hma_task_spec *spec = &e->suite->tasks[task];
    return hma_error_prefix("%s: task \"%s\", item \"%.100s\": ", e->suite->path, spec->task.name,
                            hma_evaluator_item(e, task, item)->id);
}

static hma_status locate_prompt(const hma_evaluator *e, size_t prompt) {
    return hma_error_prefix("%s: prompt \"%.100s\": ", e->suite->path, hma_evaluator_prompt(e, prompt)->id);
}

/* ---- tasks ---- */

/* Whether nothing is missing at the border of two texts: it has white space, or there is no text before it. */
static bool is_spaced(const char *before, const char *after) {
    uint32_t first = 0;
    return !*before || hma_python_ends_in_space(before) ||
           (hma_utf8_decode(after, strlen(after), &first) > 0 && hma_utf8_is_python_space(first));
}

void hma_continuation_text(hma_buffer *out, const hma_item *item, size_t which) {
    const bool as_it_is = item->is_target && is_spaced(item->query, item->texts[which]);
    hma_buffer_text(out, as_it_is ? "" : " ");
    hma_buffer_text(out, item->texts[which]);
}

static hma_status add_continuation(hma_evaluator *e, const hma_item *item, size_t which) {
    hma_buffer continuation = {0};
    hma_continuation_text(&continuation, item, which);
    hma_status status = hma_buffer_ok(&continuation);
    if (status == HMA_OK) {
        status = hma_questions_add_text_pair(&e->questions, e->tokenizer, e->bos, hma_item_query(item, which),
                                             hma_buffer_cstr(&continuation));
    }
    hma_buffer_free(&continuation);
    return status;
}

static hma_status add_generation(hma_evaluator *e, const hma_task_spec *spec, const hma_item *item) {
    hma_generation generation = {.max_tokens = spec->max_tokens, .top_p = 1};
    const hma_status status = hma_questions_encode_prompt(&e->questions, e->tokenizer, e->bos, item->query, &generation.prompt);
    return status == HMA_OK ? hma_questions_add_generation(&e->questions, generation, &spec->until) : status;
}

/* The ids only: how they are cut depends on the model. */
static hma_status add_whole_text(hma_evaluator *e, const hma_item *item) {
    if (hma_grow(&e->texts, &e->text_capacity, e->text_count + 1, sizeof *e->texts)) {
        return HMA_FAILURE;
    }
    const hma_status status = hma_rolling_encode(&e->questions, e->tokenizer, e->bos, item->texts[0], &e->texts[e->text_count]);
    e->text_count += status == HMA_OK;
    return status;
}

static hma_status add_item(hma_evaluator *e, const hma_task_spec *spec, const hma_item *item) {
    hma_status status = HMA_OK;
    switch (spec->task.type) {
    case HMA_TASK_GENERATE: return add_generation(e, spec, item);
    case HMA_TASK_ROLLING: return add_whole_text(e, item);
    default:
        for (size_t k = 0; k < item->text_count && status == HMA_OK; k++) {
            status = add_continuation(e, item, k);
        }
        return status;
    }
}

static hma_status add_task(hma_evaluator *e, size_t task) {
    const hma_task_spec *spec = &e->suite->tasks[task];
    switch (spec->task.type) {
    case HMA_TASK_GENERATE: e->first[task] = e->questions.generation_count; break;
    case HMA_TASK_ROLLING: e->first[task] = e->text_count; break;
    default: e->first[task] = e->questions.pair_count; break;
    }
    for (size_t i = 0; i < e->picks[task].count; i++) {
        const hma_status status = add_item(e, spec, hma_evaluator_item(e, task, i));
        if (status != HMA_OK) {
            return locate_item(e, task, i);
        }
    }
    return HMA_OK;
}

/* ---- prompts ---- */

static hma_status show_prompt(const hma_evaluator *e, const char *prompt, char **shown) {
    if (e->suite->alignment.chat_prompt) {
        const hma_chat_message message = {"user", prompt};
        return hma_chat_render(e->tokenizer, &message, 1, true, shown);
    }
    *shown = hma_copy_text(prompt);
    return *shown ? HMA_OK : HMA_FAILURE;
}

/* The noise belongs to seed, prompt and sample, so that every model draws with the same. */
static hma_status add_prompt(hma_evaluator *e, size_t prompt) {
    static const hma_stops no_stops;
    const hma_alignment_spec *spec = &e->suite->alignment;
    hma_generation g = {
        .max_tokens = spec->max_tokens, .temperature = spec->temperature, .top_k = spec->top_k, .top_p = spec->top_p};
    g.seed = e->suite->seed;
    hma_status status = hma_request_stream(&g.stream, "alignment", hma_evaluator_prompt(e, prompt)->id);
    if (status == HMA_OK) {
        status = show_prompt(e, hma_evaluator_prompt(e, prompt)->query, &e->shown[prompt]);
    }
    if (status == HMA_OK) {
        status = hma_questions_encode_prompt(&e->questions, e->tokenizer, e->bos, e->shown[prompt], &g.prompt);
    }
    for (size_t sample = 0; sample < spec->samples && status == HMA_OK; sample++) {
        g.sample = (uint32_t)sample;
        status = hma_questions_add_generation(&e->questions, g, &no_stops);
    }
    return status == HMA_OK ? HMA_OK : locate_prompt(e, prompt);
}

hma_status hma_evaluator_prepare(hma_evaluator *e) {
    hma_status status = HMA_OK;
    for (size_t task = 0; task < e->suite->task_count && status == HMA_OK; task++) {
        status = add_task(e, task);
    }
    e->first_reply = e->questions.generation_count;
    e->first_text_pair = e->questions.pair_count;
    if (status == HMA_OK) {
        e->text_pair = HMA_NEW(size_t, e->text_count + 1);
        status = e->text_pair ? HMA_OK : HMA_FAILURE;
    }
    for (size_t prompt = 0; prompt < e->prompts.count && status == HMA_OK; prompt++) {
        status = add_prompt(e, prompt);
    }
    return status;
}

hma_status hma_evaluator_cut_texts(hma_evaluator *e, size_t max_length) {
    hma_status status = HMA_OK;
    e->questions.pair_count = e->first_text_pair;
    for (size_t i = 0; i < e->text_count && status == HMA_OK; i++) {
        size_t windows;
        e->text_pair[i] = e->questions.pair_count;
        status = hma_rolling_add(&e->questions, e->texts[i], max_length, &windows);
    }
    e->text_pair[e->text_count] = e->questions.pair_count;
    return status;
}

/* ---- whether a model can take them ---- */

static hma_status check_task(const hma_evaluator *e, size_t task, const hma_description *model) {
    const hma_task_spec *spec = &e->suite->tasks[task];
    size_t question = e->first[task];
    for (size_t i = 0; i < e->picks[task].count; i++) {
        hma_status status = HMA_OK;
        if (spec->task.type == HMA_TASK_GENERATE) {
            status = hma_generation_check(&e->questions.generations[question++], model);
        } else if (spec->task.type == HMA_TASK_ROLLING) {
            status = hma_ids_check(e->texts[question++], model);
        } else {
            for (size_t k = 0; k < hma_evaluator_item(e, task, i)->text_count && status == HMA_OK; k++) {
                status = hma_pair_check(&e->questions.pairs[question++], model);
            }
        }
        if (status != HMA_OK) {
            return locate_item(e, task, i);
        }
    }
    return HMA_OK;
}

hma_status hma_evaluator_check(const hma_evaluator *e, const hma_description *model) {
    hma_status status = HMA_OK;
    if (model->reward_head) {
        return hma_error(HMA_INCOMPATIBLE,
                         "%s: the model is a reward model (expected a causal language model): name the model that was "
                         "aligned with it",
                         e->suite->path);
    }
    for (size_t task = 0; task < e->suite->task_count && status == HMA_OK; task++) {
        status = check_task(e, task, model);
    }
    for (size_t prompt = 0; prompt < e->prompts.count && status == HMA_OK; prompt++) {
        const size_t question = e->first_reply + prompt * e->suite->alignment.samples;
        if (hma_generation_check(&e->questions.generations[question], model) != HMA_OK) {
            status = locate_prompt(e, prompt);
        }
    }
    return status;
}

/* ---- what a model does not see of them ---- */

static bool is_cut(const hma_evaluator *e, size_t task, size_t first, size_t count, const hma_description *model) {
    bool cut = false;
    for (size_t i = first; i < first + count && !cut; i++) {
        cut = e->suite->tasks[task].task.type == HMA_TASK_GENERATE ? hma_generation_is_cut(&e->questions.generations[i], model)
                                                                   : hma_pair_is_cut(&e->questions.pairs[i], model);
    }
    return cut;
}

static size_t count_cut_items(const hma_evaluator *e, size_t task, const hma_description *model) {
    size_t cut = 0, question = e->first[task];
    for (size_t i = 0; i < e->picks[task].count; i++) {
        const bool one = e->suite->tasks[task].task.type == HMA_TASK_GENERATE;
        const size_t count = one ? 1 : hma_evaluator_item(e, task, i)->text_count;
        cut += is_cut(e, task, question, count, model);
        question += count;
    }
    return cut;
}

/* Of `count` items of a task, or of the prompts. */
static void warn(hma_evaluator *e, size_t task, size_t cut, size_t count, const hma_description *model) {
    const bool prompts = task == e->suite->task_count;
    if (cut == 0 || e->cut_told[task]) {
        return;
    }
    e->cut_told[task] = true;
    hma_log(e->context, HMA_LOG_WARNING,
            "%s: %s%s%s: %zu of %zu %s are longer than the %zu tokens that the model reads; their beginnings were cut off",
            e->suite->path, prompts ? "alignment" : "task \"", prompts ? "" : e->suite->tasks[task].task.name,
            prompts ? "" : "\"", cut, count, prompts ? "prompts" : "items", model->max_length);
}

void hma_evaluator_warn_of_cuts(hma_evaluator *e, const hma_description *model) {
    size_t cut_prompts = 0;
    for (size_t task = 0; task < e->suite->task_count; task++) {
        if (e->suite->tasks[task].task.type != HMA_TASK_ROLLING) { /* whole texts are divided, not cut */
            warn(e, task, count_cut_items(e, task, model), e->picks[task].count, model);
        }
    }
    for (size_t prompt = 0; prompt < e->prompts.count; prompt++) {
        const size_t question = e->first_reply + prompt * e->suite->alignment.samples;
        cut_prompts += hma_generation_is_cut(&e->questions.generations[question], model);
    }
    warn(e, e->suite->task_count, cut_prompts, e->prompts.count, model);
}
