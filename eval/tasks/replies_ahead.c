#include "eval/tasks/replies_ahead.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/tasks/evaluator.h"
#include "eval/tasks/reply.h"
#include "eval/transformer/model_parts.h"

void hma_replies_ahead_free(hma_replies_ahead *ahead) {
    for (size_t i = 0; i < ahead->count; i++) {
        hma_generation_clear(ahead->models[i].generations, ahead->models[i].count);
        free(ahead->models[i].generations);
        free(ahead->models[i].identity);
    }
    free(ahead->models);
    *ahead = (hma_replies_ahead){0};
}

/* Of keys and values, which may take half of what is left, as those of one model alone may. */
size_t hma_replies_together(const hma_evaluator *e) {
    const hma_questions *q = &e->questions;
    if (hma_model_resident(e->model) || !hma_model_invariant(e->model) || q->generation_count == 0) {
        return 1;
    }
    const uint64_t each = hma_generation_bytes(e->model, q->generations, q->generation_count),
                   most = hma_context_left(e->context) / 2 / each;
    return (size_t)hma_max_u64(1, hma_min_u64(most, HMA_MOST_TOGETHER));
}

static hma_replies_of_model *find(const hma_evaluator *e) {
    char identity[HMA_MODEL_IDENTITY];
    hma_model_identity(e->model, identity);
    for (size_t i = 0; i < e->ahead.count; i++) {
        if (e->ahead.models[i].count == e->questions.generation_count && strcmp(e->ahead.models[i].identity, identity) == 0) {
            return &e->ahead.models[i];
        }
    }
    return NULL;
}

bool hma_replies_may_help(const hma_evaluator *e) { return !e->model || !hma_model_resident(e->model); }

bool hma_replies_are_there(const hma_evaluator *e) { return find(e) != NULL; }

/* ---- giving ---- */

/* Different tokens that a model may be given while it replies. */
static size_t most_tokens(const hma_questions *q) {
    size_t tokens = 0;
    for (size_t i = 0; i < q->generation_count; i++) {
        tokens += q->generations[i].prompt.count + q->generations[i].max_tokens;
    }
    return tokens;
}

static hma_status copy_requests(const hma_questions *q, hma_replies_of_model *out) {
    out->generations = HMA_NEW(hma_generation, q->generation_count);
    if (!out->generations) {
        return HMA_FAILURE;
    }
    out->count = q->generation_count;
    for (size_t i = 0; i < q->generation_count; i++) {
        out->generations[i] = q->generations[i];
        out->generations[i].guess_count = 0;
        out->generations[i].ids = NULL;
        out->generations[i].count = 0;
    }
    return HMA_OK;
}

static hma_status reply(hma_evaluator *e, hma_model **models, size_t count) {
    hma_companion *companions = HMA_NEW(hma_companion, count);
    hma_model_counters *before = HMA_NEW(hma_model_counters, count);
    hma_reply_watch watch = {.tokenizer = e->tokenizer, .stops = e->questions.stops};
    const double start = hma_seconds();
    hma_status status = companions && before ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        hma_replies_of_model *m = &e->ahead.models[i];
        char identity[HMA_MODEL_IDENTITY];
        hma_model_identity(models[i], identity);
        before[i] = hma_model_count(models[i]);
        m->identity = hma_copy_text(identity);
        status = m->identity ? copy_requests(&e->questions, m) : HMA_FAILURE;
        companions[i] = (hma_companion){models[i], m->generations, m->count, hma_reply_stops, &watch};
    }
    if (status == HMA_OK) {
        (void)hma_report_phase(e->context, HMA_PHASE_REPLIES);
        status = hma_generate_together(companions, count);
    }
    if (status == HMA_OK && atomic_load(&watch.failed)) {
        status = hma_error_memory("stop strings");
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        const hma_model_counters after = hma_model_count(models[i]);
        e->ahead.models[i].cost = hma_counters_between(&before[i], &after);
        e->ahead.models[i].seconds = (hma_seconds() - start) / (double)count;
    }
    free(companions);
    free(before);
    return status;
}

hma_status hma_replies_give(hma_evaluator *e, const hma_source *const *sources, size_t count) {
    hma_model **models = HMA_NEW(hma_model *, count);
    hma_replies_ahead_free(&e->ahead);
    e->ahead.models = HMA_NEW(hma_replies_of_model, count);
    hma_status status = models && e->ahead.models ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK) {
        e->ahead.count = count;
        models[0] = e->model;
    }
    for (size_t i = 1; status == HMA_OK && i < count; i++) {
        status = hma_model_open_beside(&models[i], e->model, sources[i], most_tokens(&e->questions));
        if (status == HMA_OK) {
            status = hma_evaluator_end(e, models[i]);
        }
    }
    if (status == HMA_OK) {
        status = reply(e, models, count);
    }
    for (size_t i = 1; models && i < count; i++) {
        hma_model_close(models[i]);
    }
    free(models);
    if (status != HMA_OK) {
        hma_replies_ahead_free(&e->ahead);
    }
    return status == HMA_INCOMPATIBLE || status == HMA_NON_FINITE ? HMA_OK : status;
}

/* ---- taking ---- */

void hma_replies_take(hma_evaluator *e, hma_model_counters *cost, double *seconds) {
    hma_replies_of_model *m = find(e);
    for (size_t i = 0; m && i < m->count; i++) {
        hma_generation *to = &e->questions.generations[i];
        to->ids = m->generations[i].ids;
        to->count = m->generations[i].count;
        to->ended = m->generations[i].ended;
        m->generations[i].ids = NULL;
    }
    if (m) {
        m->count = 0;
        hma_counters_add(cost, &m->cost);
        *seconds += m->seconds;
    }
}
