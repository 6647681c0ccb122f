#include "eval/tasks/questions.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "base/rng.h"
#include "eval/tasks/encode.h"
#include "eval/tasks/reply.h"
#include "eval/transformer/model_parts.h"

void hma_questions_free(hma_questions *questions) {
    hma_generation_clear(questions->generations, questions->generation_count);
    for (size_t i = 0; i < questions->owned_count; i++) {
        hma_ids_free(questions->owned[i]);
    }
    free(questions->owned);
    free(questions->pairs);
    free(questions->generations);
    free(questions->stops);
    *questions = (hma_questions){0};
}

hma_status hma_questions_own(hma_questions *questions, int32_t *ids) {
    if (hma_grow(&questions->owned, &questions->owned_capacity, questions->owned_count + 1, sizeof *questions->owned)) {
        hma_ids_free(ids);
        return HMA_FAILURE;
    }
    questions->owned[questions->owned_count++] = ids;
    return HMA_OK;
}

hma_status hma_questions_add_pair(hma_questions *questions, hma_ids context, hma_ids continuation) {
    if (hma_grow(&questions->pairs, &questions->pair_capacity, questions->pair_count + 1, sizeof *questions->pairs)) {
        return HMA_FAILURE;
    }
    questions->pairs[questions->pair_count++] = (hma_loglikelihood){.context = context, .continuation = continuation};
    return HMA_OK;
}

hma_status hma_questions_add_text_pair(hma_questions *questions, const hma_tokenizer *tokenizer, hma_bos bos,
                                       const char *context, const char *continuation) {
    hma_encoded_pair pair;
    hma_status status = hma_encode_pair(tokenizer, bos, context, continuation, &pair);
    if (status == HMA_OK) {
        status = hma_questions_own(questions, pair.ids);
    }
    if (status == HMA_OK) {
        status = hma_questions_add_pair(questions, (hma_ids){pair.ids, pair.context_count},
                                        (hma_ids){pair.ids + pair.context_count, pair.continuation_count});
    }
    return status;
}

hma_status hma_questions_encode_prompt(hma_questions *questions, const hma_tokenizer *tokenizer, hma_bos bos, const char *text,
                                       hma_ids *prompt) {
    int32_t *ids;
    size_t count;
    const hma_status status = hma_encode_prompt(tokenizer, bos, text, &ids, &count);
    if (status != HMA_OK) {
        return status;
    }
    *prompt = (hma_ids){ids, count};
    return hma_questions_own(questions, ids);
}

hma_status hma_questions_add_generation(hma_questions *questions, hma_generation generation, const hma_stops *stops) {
    const size_t count = questions->generation_count + 1;
    if (hma_grow(&questions->generations, &questions->generation_capacity, count, sizeof *questions->generations) ||
        hma_grow(&questions->stops, &questions->stop_capacity, count, sizeof *questions->stops)) {
        return HMA_FAILURE;
    }
    generation.ids = NULL;
    generation.count = 0;
    questions->generations[questions->generation_count] = generation;
    questions->stops[questions->generation_count++] = stops;
    return HMA_OK;
}

hma_status hma_ids_check(hma_ids ids, const hma_description *model) {
    for (size_t i = 0; i < ids.count; i++) {
        if (ids.ids[i] < 0 || (size_t)ids.ids[i] >= model->vocabulary) {
            return hma_error(HMA_BAD_DATA,
                             "token id %ld is not in the model's vocabulary (expected 0 to %zu): is this the right "
                             "tokenizer?",
                             (long)ids.ids[i], model->vocabulary - 1);
        }
    }
    return HMA_OK;
}

hma_status hma_pair_check(const hma_loglikelihood *pair, const hma_description *model) {
    if (pair->continuation.count == 0) {
        return hma_error(HMA_BAD_DATA, "no token is left to score (expected at least one beyond the context's): lengthen the "
                                       "continuation");
    }
    if (pair->continuation.count > model->max_length) {
        return hma_error(HMA_BAD_DATA,
                         "the continuation has %zu tokens (expected at most the model's %zu positions): shorten it",
                         pair->continuation.count, model->max_length);
    }
    const hma_status status = hma_ids_check(pair->context, model);
    return status == HMA_OK ? hma_ids_check(pair->continuation, model) : status;
}

hma_status hma_generation_check(const hma_generation *generation, const hma_description *model) {
    if (generation->max_tokens >= model->max_length) {
        return hma_error(HMA_BAD_DATA, "\"max_tokens\" is %zu (expected less than the model's %zu positions): lower it",
                         generation->max_tokens, model->max_length);
    }
    return hma_ids_check(generation->prompt, model);
}

/* The last token is only scored and needs no position. */
bool hma_pair_is_cut(const hma_loglikelihood *pair, const hma_description *model) {
    return pair->context.count + pair->continuation.count > model->max_length + 1;
}

bool hma_generation_is_cut(const hma_generation *generation, const hma_description *model) {
    return generation->prompt.count > model->max_length - generation->max_tokens;
}

/* Forgets what was replied before. Of a model, or of a mixture where `model` is NULL. */
static hma_status ask_pairs(hma_questions *q, hma_context *context, hma_model *model, const hma_mixture *mixture) {
    hma_generation_clear(q->generations, q->generation_count);
    if (q->pair_count == 0) {
        return HMA_OK;
    }
    (void)hma_report_phase(context, HMA_PHASE_QUESTIONS);
    return model ? hma_model_loglikelihood(model, q->pairs, q->pair_count)
                 : hma_mixture_loglikelihood(mixture, q->pairs, q->pair_count);
}

hma_status hma_questions_ask_pairs(hma_questions *questions, hma_model *model) {
    return ask_pairs(questions, model->context, model, NULL);
}

static hma_status ask(hma_questions *q, hma_model *model, const hma_mixture *mixture, const hma_tokenizer *tokenizer,
                      const hma_listener *listener) {
    hma_context *context = model ? model->context : mixture->post->context;
    hma_status status = ask_pairs(q, context, model, mixture);
    if (status == HMA_OK && q->generation_count > 0) {
        hma_reply_watch watch = {.tokenizer = tokenizer, .stops = q->stops};
        const hma_onlooker onlooker = {hma_reply_stops, &watch, listener ? listener->finished : NULL,
                                       listener ? listener->user : NULL};
        (void)hma_report_phase(context, HMA_PHASE_REPLIES);
        status = model ? hma_generate_watched(model, q->generations, q->generation_count, &onlooker)
                       : hma_mixture_generate(mixture, q->generations, q->generation_count, hma_reply_stops, &watch);
        if (status == HMA_OK && atomic_load(&watch.failed)) {
            status = hma_error_memory("stop strings");
        }
    }
    return status;
}

hma_status hma_questions_ask(hma_questions *questions, hma_model *model, const hma_tokenizer *tokenizer,
                             const hma_listener *listener) {
    return ask(questions, model, NULL, tokenizer, listener);
}

hma_status hma_questions_ask_mixture(hma_questions *questions, const hma_mixture *mixture, const hma_tokenizer *tokenizer) {
    return ask(questions, NULL, mixture, tokenizer, NULL);
}

hma_status hma_request_stream(uint64_t *stream, const char *folder, const char *id) {
    hma_buffer name = {0};
    hma_buffer_printf(&name, "%s%s%s", folder ? folder : "", folder ? "/" : "", id);
    const hma_status status = hma_buffer_ok(&name);
    if (status == HMA_OK) {
        *stream = hma_rng_u64(hma_rng_key_for(0, hma_buffer_cstr(&name)), 0);
    }
    hma_buffer_free(&name);
    return status;
}
