#include "eval/tasks/judging.h"

#include <stdlib.h>

#include "base/context.h"
#include "base/memory.h"
#include "eval/tasks/evaluator.h"
#include "eval/tasks/reply.h"
#include "hma/text.h"

/* A pass over so many tokens is as fast, for each of them, as a longer one. */
enum { ENOUGH_TOKENS = 4096 };

void hma_judging_free(hma_judging *j) {
    for (size_t i = 0; j->texts && i < j->count; i++) {
        hma_text_free(j->texts[i]);
    }
    free(j->texts);
    free(j->scores);
    free(j->final);
    free(j->judged);
    *j = (hma_judging){0};
}

hma_status hma_judging_begin(hma_evaluator *e) {
    hma_judging *j = &e->judging;
    hma_judging_free(j);
    if (!e->judge) {
        return HMA_OK;
    }
    j->samples = e->suite->alignment.samples;
    j->count = e->prompts.count * j->samples;
    j->texts = HMA_NEW(char *, j->count);
    j->scores = HMA_NEW(double, j->count);
    j->final = HMA_NEW(bool, j->count);
    j->judged = HMA_NEW(bool, j->count);
    j->in_parts = hma_judge_takes_parts(e->judge);
    return j->texts && j->scores && j->final && j->judged ? HMA_OK : HMA_FAILURE;
}

static hma_status read_reply(const hma_evaluator *e, size_t number, hma_reply *out) {
    static const hma_stops no_stops;
    const hma_judging *j = &e->judging;
    const hma_generation *g = &e->questions.generations[e->first_reply + number];
    const hma_item *prompt = hma_evaluator_prompt(e, number / j->samples);
    hma_text_free(j->texts[number]);
    j->texts[number] = NULL;
    const hma_status status = hma_reply_plain_text(e->tokenizer, g->ids, g->count, &no_stops, &j->texts[number]);
    *out = (hma_reply){.prompt_id = prompt->id,
                       .prompt = prompt->query,
                       .shown = e->shown[number / j->samples],
                       .text = j->texts[number],
                       .sample = g->sample,
                       .shown_ids = g->prompt,
                       .text_ids = {g->ids, g->count}};
    return status;
}

static bool is_ready(const hma_judging *j, size_t prompt) {
    bool ready = true;
    for (size_t i = prompt * j->samples; ready && i < (prompt + 1) * j->samples; i++) {
        ready = j->final[i] && !j->judged[i];
    }
    return ready;
}

/* Replies to the prompts that are ready, or all that are not judged yet. */
static hma_status judge(hma_evaluator *e, bool all) {
    hma_judging *j = &e->judging;
    hma_reply *replies = HMA_NEW(hma_reply, j->count);
    double *scores = HMA_NEW(double, j->count);
    size_t *number = HMA_NEW(size_t, j->count), count = 0;
    hma_status status = replies && scores && number ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < j->count; i++) {
        if (all ? !j->judged[i] : is_ready(j, i / j->samples)) {
            number[count] = i;
            status = read_reply(e, i, &replies[count++]);
        }
    }
    if (status == HMA_OK && count) {
        status = hma_judge_score(e->judge, replies, count, scores);
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        j->scores[number[i]] = scores[i];
        j->judged[number[i]] = true;
    }
    free(replies);
    free(scores);
    free(number);
    return status;
}

/* hma_listener.finished. Samples of a prompt go together: they share its tokens. */
static hma_status take(void *user, const size_t *numbers, size_t count) {
    hma_evaluator *e = user;
    hma_judging *j = &e->judging;
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] < e->first_reply || j->final[numbers[i] - e->first_reply]) {
            continue;
        }
        const size_t reply = numbers[i] - e->first_reply, prompt = reply / j->samples;
        j->final[reply] = true;
        for (size_t s = 0; is_ready(j, prompt) && s < j->samples; s++) {
            const hma_generation *g = &e->questions.generations[e->first_reply + prompt * j->samples + s];
            j->waiting += g->count + (s ? 0 : g->prompt.count);
        }
    }
    if (j->waiting < ENOUGH_TOKENS) {
        return HMA_OK;
    }
    j->waiting = 0;
    const hma_phase before = hma_report_phase(e->context, HMA_PHASE_JUDGING);
    const hma_status status = judge(e, false);
    (void)hma_report_phase(e->context, before);
    return status;
}

hma_listener hma_judging_listener(hma_evaluator *e) {
    return e->judge && e->judging.in_parts ? (hma_listener){take, e} : (hma_listener){0};
}

hma_status hma_judging_end(hma_evaluator *e) { return judge(e, true); }
