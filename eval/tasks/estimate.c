/* What a model's evaluation costs, from the questions themselves. */
#include "eval/transformer/estimate.h"

#include "base/context.h"
#include "eval/tasks/evaluator.h"
#include "eval/transformer/model_parts.h"

/* Of the rate in large products, this share is left when everything else is counted: attention, norms, sampling, small
 * products. */
static const double passes_share = 0.7, steps_share = 0.4;

/* What judging costs: a pass of the reward model over prompts and replies, or two of the model itself. */
static void add_judging(const hma_evaluator *e, hma_work *work) {
    const hma_model *judge = e->judge ? hma_judge_model(e->judge) : NULL;
    const size_t replies = e->questions.generation_count - e->first_reply;
    double tokens = 0;
    for (size_t i = 0; i < replies; i++) {
        const hma_generation *g = &e->questions.generations[e->first_reply + i];
        tokens += (double)(g->prompt.count + g->max_tokens);
    }
    if (judge && replies) {
        hma_model_add_sequences(judge, replies * hma_judge_models(e->judge), tokens / (double)replies, work);
    }
}

hma_status hma_evaluator_estimate(hma_evaluator *e, const hma_source *source, hma_cost *out) {
    hma_work own = {0}, steps = {0}, judging = {0};
    double rate = 0;
    hma_status status = hma_evaluator_bind(e, source);
    if (status == HMA_OK) {
        status = hma_model_add_work(e->model, e->questions.pairs, e->questions.pair_count, e->questions.generations,
                                    e->questions.generation_count, &own);
    }
    if (status == HMA_OK) {
        status = hma_model_rate(e->model, &rate);
    }
    if (status != HMA_OK) {
        return status;
    }
    add_judging(e, &judging);
    steps.layer_flops = own.tokens ? (own.layer_flops + own.head_flops) * (double)own.new_tokens / (double)own.tokens : 0;
    const double passes = own.layer_flops + own.head_flops - steps.layer_flops + judging.layer_flops + judging.head_flops;
    *out = (hma_cost){.tokens = own.tokens,
                      .new_tokens = own.new_tokens,
                      .judged_tokens = judging.tokens,
                      .flops = own.layer_flops + own.head_flops + judging.layer_flops + judging.head_flops,
                      .rate = rate,
                      .seconds = (passes / passes_share + steps.layer_flops / steps_share) / rate,
                      .memory = hma_context_claimed(e->context) + hma_model_work_bytes(e->model, &own),
                      .resident = hma_model_resident(e->model)};
    return HMA_OK;
}
