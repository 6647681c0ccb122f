/* What a model's evaluation costs, from the questions themselves. */
#include "eval/tasks/estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/context.h"
#include "base/json.h"
#include "base/memory.h"
#include "eval/tasks/evaluator.h"
#include "eval/transformer/model_parts.h"
#include "eval/transformer/screen.h"

/* Of the rate in large products, this share is left when everything else is counted: attention, norms, sampling, small
 * products. */
static const double passes_share = 0.7, steps_share = 0.4;

/* ---- how long replies are ---- */

hma_status hma_reply_lengths_new(hma_reply_lengths *lengths, size_t tasks) {
    lengths->tokens = HMA_NEW(double, tasks + 1);
    lengths->replies = HMA_NEW(double, tasks + 1);
    return lengths->tokens && lengths->replies ? HMA_OK : HMA_FAILURE;
}

void hma_reply_lengths_free(hma_reply_lengths *lengths) {
    free(lengths->tokens);
    free(lengths->replies);
    *lengths = (hma_reply_lengths){0};
}

static void learn(hma_evaluator *e, size_t kind, double tokens, size_t most) {
    e->lengths.tokens[kind] += fmin(tokens, (double)most);
    e->lengths.replies[kind]++;
}

static double expected_tokens(const hma_evaluator *e, size_t kind, size_t most) {
    const double replies = e->lengths.replies[kind];
    return replies > 0 ? fmin(e->lengths.tokens[kind] / replies, (double)most) : (double)most;
}

/* Calls `visit` for every generation with its kind: the number of its task, or the number of tasks for replies to prompts. */
static void for_each_generation(hma_evaluator *e, void (*visit)(void *user, hma_evaluator *e, size_t kind, hma_generation *g),
                                void *user) {
    for (size_t task = 0; task < e->suite->task_count; task++) {
        const bool generates = e->suite->tasks[task].task.type == HMA_TASK_GENERATE;
        for (size_t i = 0; generates && i < e->picks[task].count; i++) {
            visit(user, e, task, &e->questions.generations[e->first[task] + i]);
        }
    }
    for (size_t i = e->first_reply; i < e->questions.generation_count; i++) {
        visit(user, e, e->suite->task_count, &e->questions.generations[i]);
    }
}

/* The token that ends a reply is computed like the others, though it is not always kept. */
static void learn_one(void *user, hma_evaluator *e, size_t kind, hma_generation *g) {
    (void)user;
    learn(e, kind, (double)(g->count + g->ended), g->max_tokens);
}

void hma_evaluator_learn_lengths(hma_evaluator *e) { for_each_generation(e, learn_one, NULL); }

static hma_status learn_text(hma_evaluator *e, size_t kind, size_t most, const cJSON *text) {
    int32_t *ids;
    size_t count;
    if (!cJSON_IsString(text)) {
        return HMA_OK; /* an item that was not scored */
    }
    const hma_status status =
        hma_tokenizer_encode(e->tokenizer, text->valuestring, strlen(text->valuestring), false, &ids, &count);
    if (status == HMA_OK) {
        learn(e, kind, (double)count + 1, most);
        hma_ids_free(ids);
    }
    return status;
}

static hma_status learn_detail(hma_evaluator *e, size_t kind, size_t most, const char *detail) {
    cJSON *object;
    hma_status status = hma_json_parse(&object, "detail", detail, strlen(detail));
    if (status != HMA_OK) {
        return status;
    }
    const cJSON *replies = hma_json_get(object, "replies");
    for (const cJSON *reply = cJSON_IsArray(replies) ? replies->child : NULL; reply && status == HMA_OK; reply = reply->next) {
        status = learn_text(e, kind, most, reply);
    }
    if (!replies) {
        status = learn_text(e, kind, most, hma_json_get(object, "text"));
    }
    cJSON_Delete(object);
    return status;
}

static hma_status learn_task(hma_evaluator *e, size_t kind, size_t most, const hma_task_result *task) {
    hma_status status = HMA_OK;
    for (size_t i = 0; i < task->items && status == HMA_OK; i++) {
        status = learn_detail(e, kind, most, task->detail[i]);
    }
    return status;
}

hma_status hma_evaluator_learn_result(hma_evaluator *e, const hma_result *result) {
    hma_status status = HMA_OK;
    for (size_t t = 0; t < result->task_count && t < e->suite->task_count && status == HMA_OK; t++) {
        const hma_task_spec *spec = &e->suite->tasks[t];
        if (spec->task.type == HMA_TASK_GENERATE) {
            status = learn_task(e, t, spec->max_tokens, &result->tasks[t]);
        }
    }
    if (status == HMA_OK && result->has_alignment && e->suite->has_alignment) {
        status = learn_task(e, e->suite->task_count, e->suite->alignment.max_tokens, &result->alignment);
    }
    return status;
}

/* ---- what they and everything else cost ---- */

/* Counts what does not change from model to model; the model in hand tells the shape. */
static hma_status count_outlay(hma_evaluator *e) {
    const hma_questions *q = &e->questions;
    hma_outlay *o = &e->outlay;
    if (o->known) {
        return HMA_OK;
    }
    o->pairs = o->prompts = (hma_work){0};
    hma_status status = hma_model_add_pairs(e->model, q->pairs, q->pair_count, &o->pairs);
    if (status == HMA_OK) {
        status = hma_model_add_prompts(e->model, q->generations, q->generation_count, &o->prompts);
    }
    if (status == HMA_OK && o->rate == 0) {
        status = hma_model_rate(e->model, &o->rate);
    }
    o->known = status == HMA_OK;
    return status;
}

hma_status hma_evaluator_time_reading(hma_evaluator *e) {
    return e->outlay.reading == 0 ? hma_model_reading_seconds(e->model, &e->outlay.reading) : HMA_OK;
}

typedef struct replies_work {
    hma_work steps;
    double longest; /* tokens of one reply */
    double judged;  /* tokens of prompts and replies that are judged */
    size_t judged_count;
    bool screened;      /* any of them */
    bool prompts_known; /* to the judge: their keys and values are kept once they have come twice */
} replies_work;

static void add_reply(void *user, hma_evaluator *e, size_t kind, hma_generation *g) {
    replies_work *w = user;
    const double tokens = expected_tokens(e, kind, g->max_tokens);
    hma_model_add_reply(e->model, g, tokens, &w->steps);
    w->screened = w->screened || hma_screen_serves(g);
    w->longest = fmax(w->longest, tokens < (double)g->max_tokens ? (tokens + (double)g->max_tokens) / 2 : tokens);
    if (kind == e->suite->task_count) {
        w->judged += tokens + (w->prompts_known ? 0 : (double)g->prompt.count);
        w->judged_count++;
    }
}

/* A pass of the reward model over prompts and replies, or one of each of the two that give implicit rewards. */
static hma_work judging_work(const hma_evaluator *e, const replies_work *replies) {
    const hma_model *judge = e->judge ? hma_judge_model(e->judge) : NULL;
    hma_work work = {0};
    if (judge && replies->judged_count) {
        const double each = replies->judged / (double)replies->judged_count;
        hma_model_add_sequences(judge, replies->judged_count * hma_judge_models(e->judge), each, &work);
    }
    return work;
}

static double pass_seconds(const hma_evaluator *e, double flops) { return flops / passes_share / e->outlay.rate; }

/* Only one judge keeps what it knows: a reward model. */
static bool judge_knows_prompts(const hma_evaluator *e) {
    const hma_model *judge = e->judge ? hma_judge_model(e->judge) : NULL;
    return judge && hma_judge_models(e->judge) == 1 && hma_model_invariant(judge) && e->replies.models_seen > 1;
}

hma_status hma_evaluator_expect(hma_evaluator *e, double shared, size_t models, hma_expectation *out) {
    replies_work replies = {.prompts_known = judge_knows_prompts(e)};
    const hma_status status = count_outlay(e);
    if (status != HMA_OK) {
        return status;
    }
    for_each_generation(e, add_reply, &replies);
    const hma_outlay *o = &e->outlay;
    const hma_work judging = judging_work(e, &replies);
    const double own = 1 - shared, prompts = o->prompts.layer_flops, checked = prompts + replies.steps.layer_flops,
                 heads = replies.steps.head_flops;
    *out = (hma_expectation){{0}};
    out->seconds[HMA_PHASE_QUESTIONS] = pass_seconds(e, o->pairs.layer_flops * own + o->pairs.head_flops);
    const bool guesses = e->replies.models_seen > 0 && hma_model_invariant(e->model);
    if (guesses) {
        out->seconds[HMA_PHASE_GUESSES] = pass_seconds(e, checked * own + heads);
    }
    out->seconds[HMA_PHASE_REPLIES] = (replies.steps.layer_flops + heads) / steps_share / o->rate;
    if (!guesses || !e->depths) { /* else keys and values of the prompts are there already */
        out->seconds[HMA_PHASE_REPLIES] += pass_seconds(e, prompts);
    }
    out->seconds[HMA_PHASE_JUDGING] = pass_seconds(e, judging.layer_flops + judging.head_flops);
    if (o->reading > 0) { /* while a layer is computed the next one is read: what takes longer counts */
        const double passes = hma_model_passes(e->model, o->pairs.tokens),
                     steps = replies.longest / (double)(e->depths ? hma_replies_together(e) : 1),
                     loads = replies.longest > 0 ? steps + hma_model_passes(e->model, o->prompts.tokens) : 0;
        out->seconds[HMA_PHASE_QUESTIONS] = fmax(out->seconds[HMA_PHASE_QUESTIONS], passes * own * o->reading);
        out->seconds[HMA_PHASE_REPLIES] = fmax(out->seconds[HMA_PHASE_REPLIES], loads * o->reading);
    }
    for (size_t p = 0; p < HMA_PHASE_JUDGING; p++) {
        out->seconds[p] *= (double)models;
    }
    return HMA_OK;
}

/* Weights, and then what is largest: a pass over questions, or replies of which some are judged while others are given; of the
 * other one's memory an eighth of what is left may lie by (base/context.h). What is kept for other models comes on top. */
static uint64_t estimate_memory(const hma_evaluator *e, const hma_work *own, const replies_work *replies,
                                const hma_work *judging) {
    const hma_outlay *o = &e->outlay;
    const hma_model *judge = e->judge ? hma_judge_model(e->judge) : NULL;
    uint64_t giving = hma_model_reply_bytes(e->model, o->prompts.tokens, replies->steps.tokens, replies->screened), kept = 0;
    if (judge) {
        giving += hma_model_work_bytes(judge, judging);
    }
    if (e->depths) {
        kept = hma_model_kept_bytes(e->model, o->pairs.tokens, o->prompts.tokens + replies->steps.tokens);
        kept += judge && hma_judge_models(e->judge) == 1 ? hma_model_kept_bytes(judge, 0, judging->tokens) : 0;
    }
    const uint64_t asking = hma_model_work_bytes(e->model, own), by = hma_min_u64(asking, giving);
    return hma_context_claimed(e->context) + hma_max_u64(asking, giving) + hma_min_u64(by, hma_context_left(e->context) / 8) +
           kept;
}

hma_status hma_evaluator_estimate(hma_evaluator *e, const hma_source *source, hma_cost *out) {
    hma_expectation expected;
    hma_status status = hma_evaluator_bind(e, source);
    if (status == HMA_OK) {
        status = hma_evaluator_time_reading(e);
    }
    if (status == HMA_OK) {
        status = hma_evaluator_expect(e, 0, 1, &expected);
    }
    if (status != HMA_OK) {
        return status;
    }
    replies_work replies = {0};
    for_each_generation(e, add_reply, &replies);
    const hma_outlay *o = &e->outlay;
    const hma_work judging = judging_work(e, &replies),
                   own = {.tokens = o->pairs.tokens + o->prompts.tokens + replies.steps.tokens,
                          .new_tokens = replies.steps.new_tokens,
                          .layer_flops = o->pairs.layer_flops + o->prompts.layer_flops + replies.steps.layer_flops,
                          .head_flops = o->pairs.head_flops + replies.steps.head_flops,
                          .answers = o->pairs.answers + replies.steps.answers};
    *out = (hma_cost){.tokens = (uint64_t)llround(own.tokens),
                      .new_tokens = (uint64_t)llround(own.new_tokens),
                      .judged_tokens = (uint64_t)llround(judging.tokens),
                      .flops = own.layer_flops + own.head_flops + judging.layer_flops + judging.head_flops,
                      .rate = o->rate,
                      .memory = estimate_memory(e, &own, &replies, &judging),
                      .resident = hma_model_resident(e->model)};
    for (size_t p = 0; p < HMA_PHASES; p++) {
        out->seconds += expected.seconds[p];
    }
    for (size_t kind = 0; kind <= e->suite->task_count; kind++) {
        out->replies_known |= e->lengths.replies[kind] > 0;
    }
    return HMA_OK;
}
