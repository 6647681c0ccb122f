/* Request files: from lines to questions, and the questions asked. */
#include "hma/requests.h"

#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/tasks/answers.h"
#include "eval/tasks/rolling.h"

/* ---- what a request needs ---- */

static bool asks_model(const hma_request *r) { return r->type != HMA_REQUEST_TOKENIZE && r->type != HMA_REQUEST_DETOKENIZE; }

static hma_status check_needs(const hma_answering *a, const hma_request *r) {
    const bool needs_tokenizer = r->text || r->type == HMA_REQUEST_DETOKENIZE || r->until.count > 0;
    if (needs_tokenizer && !a->tokenizer) {
        return hma_error(HMA_INCOMPATIBLE,
                         "this needs a tokenizer, and the model has none (expected ids and no stop strings): give ids, "
                         "or add the tokenizer's files to the folder");
    }
    if (!asks_model(r)) {
        return HMA_OK;
    }
    if (!a->model) {
        return hma_error(HMA_USAGE, "there is no model to ask (expected only tokenize and detokenize): open one");
    }
    const bool rewards = hma_model_description(a->model)->reward_head;
    if (rewards != (r->type == HMA_REQUEST_REWARD)) {
        return rewards ? hma_error(HMA_INCOMPATIBLE,
                                   "this is a reward model (expected \"type\": \"reward\"): use a causal language model")
                       : hma_error(HMA_INCOMPATIBLE,
                                   "this model has no reward head (expected a sequence-classification folder with one "
                                   "output): use a reward model");
    }
    return HMA_OK;
}

/* ---- from requests to questions ---- */

/* One token in memory of its own. */
static hma_status one_token(hma_answering *a, int32_t id, hma_ids *out) {
    int32_t *ids = HMA_NEW(int32_t, 1);
    if (!ids) {
        return HMA_FAILURE;
    }
    *ids = id;
    *out = (hma_ids){ids, 1};
    return hma_questions_own(&a->questions, ids);
}

/* What stands before an empty "context_ids": config.json's BOS, else an id that ends generations. */
static hma_status model_prefix(hma_answering *a, hma_ids *context) {
    const int32_t *eos;
    int32_t id = hma_model_bos(a->model);
    if (id < 0 && hma_model_eos(a->model, &eos) > 0) {
        id = eos[0];
    }
    if (id < 0) {
        return hma_error(HMA_BAD_DATA,
                         "the context is empty and config.json has no bos_token_id (expected at least one id): add one");
    }
    return one_token(a, id, context);
}

/* The ids that a request was given or that its text stands for. */
static hma_status encode(hma_answering *a, const hma_request *r, bool special, hma_ids *out) {
    int32_t *ids = NULL;
    size_t count = 0;
    if (!r->text) {
        *out = hma_id_run_view(&r->ids);
        return HMA_OK;
    }
    hma_status status = hma_tokenizer_encode(a->tokenizer, r->text, strlen(r->text), special, &ids, &count);
    if (status == HMA_OK) {
        *out = (hma_ids){ids, count};
        status = hma_questions_own(&a->questions, ids);
    }
    return status;
}

static hma_status add_pair(hma_answering *a, const hma_request *r) {
    hma_ids context = hma_id_run_view(&r->ids);
    if (r->text) {
        return hma_questions_add_text_pair(&a->questions, a->tokenizer, a->bos, r->text, r->continuation);
    }
    const hma_status status = context.count == 0 ? model_prefix(a, &context) : HMA_OK;
    return status == HMA_OK ? hma_questions_add_pair(&a->questions, context, hma_id_run_view(&r->continuation_ids)) : status;
}

static hma_status prepare_loglikelihood(hma_answering *a, hma_request *r) {
    r->slot = a->questions.pair_count;
    const hma_status status = add_pair(a, r);
    if (status != HMA_OK) {
        return status;
    }
    a->cut += hma_pair_is_cut(&a->questions.pairs[r->slot], hma_model_description(a->model));
    return hma_pair_check(&a->questions.pairs[r->slot], hma_model_description(a->model));
}

static hma_status prepare_rolling(hma_answering *a, hma_request *r) {
    const hma_description *model = hma_model_description(a->model);
    hma_ids ids;
    r->slot = a->questions.pair_count;
    hma_status status = hma_rolling_encode(&a->questions, a->tokenizer, a->bos, r->text, &ids);
    status = status == HMA_OK ? hma_ids_check(ids, model) : status;
    return status == HMA_OK ? hma_rolling_add(&a->questions, ids, model->max_length, &r->slots) : status;
}

static hma_status generation_prompt(hma_answering *a, const hma_request *r, hma_ids *prompt) {
    if (r->text) {
        return hma_questions_encode_prompt(&a->questions, a->tokenizer, a->bos, r->text, prompt);
    }
    *prompt = hma_id_run_view(&r->ids);
    return prompt->count > 0 ? HMA_OK : model_prefix(a, prompt);
}

/* All samples of a request share its prompt; the noise belongs to the request's id, wherever in a file it stands. */
static hma_status prepare_generate(hma_answering *a, hma_request *r) {
    hma_generation g = {.max_tokens = r->max_tokens, .temperature = r->temperature, .top_k = r->top_k, .top_p = r->top_p};
    g.seed = r->seed;
    hma_status status = hma_request_stream(&g.stream, NULL, r->id);
    if (status == HMA_OK) {
        status = generation_prompt(a, r, &g.prompt);
    }
    if (status == HMA_OK) {
        status = hma_generation_check(&g, hma_model_description(a->model));
    }
    a->cut += status == HMA_OK && hma_generation_is_cut(&g, hma_model_description(a->model));
    r->slot = a->questions.generation_count;
    for (size_t sample = 0; sample < r->samples && status == HMA_OK; sample++) {
        g.sample = (uint32_t)sample;
        status = hma_questions_add_generation(&a->questions, g, &r->until);
    }
    return status;
}

static hma_status prepare_reward(hma_answering *a, hma_request *r) {
    const size_t most = hma_model_description(a->model)->max_length;
    hma_ids ids;
    hma_status status = encode(a, r, a->bos != HMA_BOS_NO, &ids);
    if (status == HMA_OK && (ids.count == 0 || ids.count > most)) {
        status = hma_error(HMA_BAD_DATA, "there are %zu tokens to judge (expected 1 to the model's %zu positions): correct it",
                           ids.count, most);
    }
    if (status == HMA_OK) {
        status = hma_ids_check(ids, hma_model_description(a->model));
    }
    if (status == HMA_OK && hma_grow(&a->judged, &a->judged_capacity, a->judged_count + 1, sizeof *a->judged)) {
        status = HMA_FAILURE;
    }
    if (status == HMA_OK) {
        r->slot = a->judged_count;
        a->judged[a->judged_count++] = ids;
    }
    return status;
}

/* What the tokenizer alone can answer is answered here, so that a mistake is found before the model is asked. */
static hma_status prepare(hma_answering *a, hma_request *r) {
    const hma_status status = check_needs(a, r);
    if (status != HMA_OK) {
        return status;
    }
    switch (r->type) {
    case HMA_REQUEST_LOGLIKELIHOOD: return prepare_loglikelihood(a, r);
    case HMA_REQUEST_GENERATE: return prepare_generate(a, r);
    case HMA_REQUEST_REWARD: return prepare_reward(a, r);
    case HMA_REQUEST_LOGITS:
        a->cut += r->ids.count > hma_model_description(a->model)->max_length;
        return hma_ids_check(hma_id_run_view(&r->ids), hma_model_description(a->model));
    case HMA_REQUEST_ROLLING: return prepare_rolling(a, r);
    case HMA_REQUEST_TOKENIZE: return encode(a, r, r->special, &r->tokens);
    default: return hma_tokenizer_decode(a->tokenizer, r->ids.ids, r->ids.count, true, &r->detokenized, &r->detokenized_length);
    }
}

/* ---- the call ---- */

static hma_status answer(hma_answering *a, const char *answers_path) {
    hma_status status = HMA_OK;
    for (size_t i = 0; i < a->list.count && status == HMA_OK; i++) {
        status = prepare(a, &a->list.items[i]);
        if (status != HMA_OK) {
            return hma_request_locate(&a->list, &a->list.items[i]);
        }
    }
    if (a->cut > 0) {
        hma_log(a->context, HMA_LOG_WARNING,
                "%s: %zu of %zu requests are longer than the %zu tokens that the model reads; their beginnings were cut off",
                hma_request_list_name(&a->list), a->cut, a->list.count, hma_model_description(a->model)->max_length);
    }
    if (a->model) {
        status = hma_questions_ask(&a->questions, a->model, a->tokenizer, NULL);
    }
    a->rewards = HMA_NEW(double, a->judged_count);
    if (status == HMA_OK && !a->rewards) {
        status = HMA_FAILURE;
    }
    if (status == HMA_OK && a->judged_count > 0) {
        status = hma_model_reward(a->model, a->judged, a->judged_count, a->rewards);
    }
    return status == HMA_OK ? hma_answers_write(a, answers_path) : status;
}

hma_status hma_requests_answer(hma_context *context, hma_model *model, const hma_tokenizer *tokenizer, hma_bos bos,
                               const char *requests_path, const char *answers_path) {
    hma_answering a = {.context = context, .model = model, .tokenizer = tokenizer, .bos = bos};
    hma_status status = hma_request_list_read(&a.list, context, requests_path);
    if (status == HMA_OK) {
        status = answer(&a, answers_path);
    }
    hma_questions_free(&a.questions);
    hma_request_list_free(&a.list);
    free(a.judged);
    free(a.rewards);
    return status;
}
