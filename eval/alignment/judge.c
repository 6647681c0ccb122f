#include "eval/alignment/judge.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/alignment/implicit.h"
#include "eval/alignment/reward.h"
#include "eval/alignment/scorer.h"
#include "eval/transformer/model_parts.h"

struct hma_judge {
    hma_context *context;
    const hma_alignment_spec *spec;
    const hma_tokenizer *chat; /* whose template finishes the exchange */
    hma_reward_model *reward;
    hma_implicit *implicit;
};

/* The reward model's own template is part of what it was trained on; a folder without one gets the model's. */
static hma_status choose_template(hma_judge *judge, const hma_tokenizer *tokenizer) {
    const hma_tokenizer *own = judge->reward ? hma_reward_tokenizer(judge->reward) : NULL;
    judge->chat = own && hma_tokenizer_chat_template(own) ? own : tokenizer;
    return !judge->spec->chat_reward || hma_tokenizer_chat_template(judge->chat)
               ? HMA_OK
               : hma_error(HMA_INCOMPATIBLE,
                           "alignment: \"reward_text\" is \"chat\" but neither folder has a chat template that is known "
                           "(expected one): set it to \"concat\"");
}

static hma_status open_kind(hma_judge *judge, const hma_eval_options *options) {
    switch (judge->spec->type) {
    case HMA_ALIGNMENT_REWARD_MODEL:
        return hma_reward_open(&judge->reward, judge->context, judge->spec->model, &options->model);
    case HMA_ALIGNMENT_IMPLICIT:
        return hma_implicit_open(&judge->implicit, judge->context, options->pre, options->post, &options->model);
    default: return HMA_OK;
    }
}

hma_status hma_judge_open(hma_judge **out, hma_context *context, const hma_alignment_spec *spec, const hma_tokenizer *tokenizer,
                          const hma_eval_options *options) {
    hma_judge *judge = HMA_NEW(hma_judge, 1);
    if (!judge) {
        return HMA_FAILURE;
    }
    judge->context = context;
    judge->spec = spec;
    hma_status status = open_kind(judge, options);
    if (status == HMA_OK) {
        status = choose_template(judge, tokenizer);
    }
    if (status != HMA_OK) {
        hma_judge_close(judge);
        return status;
    }
    *out = judge;
    return HMA_OK;
}

void hma_judge_close(hma_judge *judge) {
    if (judge) {
        hma_reward_close(judge->reward);
        hma_implicit_close(judge->implicit);
        free(judge);
    }
}

const hma_model *hma_judge_model(const hma_judge *judge) {
    return judge->reward ? hma_reward_model_of(judge->reward) : judge->implicit ? hma_implicit_model(judge->implicit) : NULL;
}

size_t hma_judge_models(const hma_judge *judge) { return judge->implicit ? 2 : judge->reward ? 1 : 0; }

double hma_judge_flops(const hma_judge *judge) {
    return judge->reward     ? hma_model_count(hma_reward_model_of(judge->reward)).flops
           : judge->implicit ? hma_implicit_flops(judge->implicit)
                             : 0;
}

bool hma_judge_takes_parts(const hma_judge *judge) {
    const hma_model *model = hma_judge_model(judge);
    return model && hma_model_resident(model) && hma_model_invariant(model);
}

/* What is judged: the template of the finished exchange, or what the model saw followed by what it said. */
static hma_status judged_text(const hma_judge *judge, const hma_reply *reply, char **text) {
    if (judge->spec->chat_reward) {
        const hma_chat_message messages[] = {{"user", reply->prompt}, {"assistant", reply->text}};
        return hma_chat_render(judge->chat, messages, 2, false, text);
    }
    hma_buffer both = {0};
    hma_buffer_text(&both, reply->shown);
    hma_buffer_text(&both, reply->text);
    *text = hma_buffer_release(&both);
    return *text ? HMA_OK : HMA_FAILURE;
}

static hma_status score_texts(hma_judge *judge, const hma_reply *replies, size_t count, double *scores) {
    char **texts = HMA_NEW(char *, count);
    hma_status status = texts ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; i < count && status == HMA_OK; i++) {
        status = judged_text(judge, &replies[i], &texts[i]);
    }
    if (status == HMA_OK) {
        status = judge->reward ? hma_reward_score(judge->reward, texts, count, scores)
                               : hma_scorer_run(judge->context, judge->spec, replies, texts, count, scores);
    }
    for (size_t i = 0; texts && i < count; i++) {
        hma_text_free(texts[i]);
    }
    free(texts);
    return status;
}

hma_status hma_judge_score(hma_judge *judge, const hma_reply *replies, size_t count, double *scores) {
    return judge->implicit ? hma_implicit_score(judge->implicit, replies, count, scores)
                           : score_texts(judge, replies, count, scores);
}
