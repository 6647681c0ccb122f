/* Answers, one JSON object a line: numbers read back to the same fp32 or fp64 value. */
#include "eval/tasks/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/buffer.h"
#include "base/checked.h"
#include "base/context.h"
#include "base/memory.h"
#include "eval/tasks/reply.h"
#include "eval/tasks/rolling.h"
#include "hma/text.h"

enum { FLUSH_AT = 1 << 20, LOGITS_SHARE_OF_MEMORY = 16 };

/* Logits are asked for in groups that fit in memory, not all at once. */
typedef struct logits {
    float *values; /* [count, vocabulary] */
    size_t count;
    size_t given; /* answers of the group written so far */
} logits;

typedef struct writer {
    hma_answering *a;
    hma_output output;
    hma_buffer text;
    logits logits;
} writer;

static void add_ids(hma_buffer *out, const int32_t *ids, size_t count) {
    hma_buffer_text(out, "\"ids\":[");
    for (size_t i = 0; i < count; i++) {
        hma_buffer_printf(out, i ? ",%ld" : "%ld", (long)ids[i]);
    }
    hma_buffer_char(out, ']');
}

static void add_text(hma_buffer *out, const char *text, size_t length) {
    hma_buffer_text(out, "\"text\":");
    hma_buffer_json_text(out, text, length);
}

/* ---- by type ---- */

static void add_loglikelihood(writer *w, const hma_request *r) {
    const hma_loglikelihood *pair = &w->a->questions.pairs[r->slot];
    hma_buffer_text(&w->text, "\"logprob\":");
    hma_buffer_json_double(&w->text, pair->logprob);
    hma_buffer_printf(&w->text, ",\"greedy\":%s,\"tokens\":%zu", pair->greedy ? "true" : "false", pair->continuation.count);
}

/* The sum over the windows, and how many tokens they score. */
static void add_rolling(writer *w, const hma_request *r) {
    const hma_loglikelihood *pairs = w->a->questions.pairs ? &w->a->questions.pairs[r->slot] : NULL;
    size_t tokens = 0;
    for (size_t i = 0; i < r->slots; i++) {
        tokens += pairs[i].continuation.count;
    }
    hma_buffer_text(&w->text, "\"logprob\":");
    hma_buffer_json_double(&w->text, hma_rolling_sum(pairs, r->slots));
    hma_buffer_printf(&w->text, ",\"tokens\":%zu", tokens);
}

/* Ids, and text when there is a tokenizer. */
static hma_status add_reply(writer *w, const hma_request *r, size_t sample) {
    const hma_generation *g = &w->a->questions.generations[r->slot + sample];
    add_ids(&w->text, g->ids, g->count);
    if (!w->a->tokenizer) {
        return HMA_OK;
    }
    char *text;
    size_t length;
    const hma_status status = hma_reply_text(w->a->tokenizer, g->ids, g->count, &r->until, &text, &length);
    if (status == HMA_OK) {
        hma_buffer_char(&w->text, ',');
        add_text(&w->text, text, length);
        hma_text_free(text);
    }
    return status;
}

static hma_status add_replies(writer *w, const hma_request *r) {
    hma_status status = add_reply(w, r, 0);
    if (r->samples == 1) {
        return status;
    }
    hma_buffer_text(&w->text, ",\"samples\":[");
    for (size_t sample = 0; sample < r->samples && status == HMA_OK; sample++) {
        hma_buffer_text(&w->text, sample ? ",{" : "{");
        status = add_reply(w, r, sample);
        hma_buffer_char(&w->text, '}');
    }
    hma_buffer_char(&w->text, ']');
    return status;
}

/* ---- logits ---- */

/* Asks for the logits of this request and of those that follow, as many as fit. */
static hma_status ask_logits(writer *w, size_t index) {
    const hma_request_list *list = &w->a->list;
    const size_t row = hma_model_description(w->a->model)->vocabulary * sizeof(float);
    const size_t most = hma_max_size(1, (size_t)(hma_context_memory(w->a->context) / LOGITS_SHARE_OF_MEMORY / row));
    hma_ids *sequences = HMA_NEW(hma_ids, hma_min_size(most, list->count - index));
    size_t count = 0, next = index;
    for (; sequences && next < list->count && count < most; next++) {
        const hma_request *r = &list->items[next];
        if (r->type == HMA_REQUEST_LOGITS) {
            sequences[count++] = hma_id_run_view(&r->ids);
        }
    }
    free(w->logits.values);
    w->logits = (logits){.values = hma_new_aligned(count, row), .count = count};
    const bool ready = sequences && w->logits.values;
    const hma_status status = ready ? hma_model_logits(w->a->model, sequences, count, w->logits.values) : HMA_FAILURE;
    free(sequences);
    return status;
}

static hma_status add_logits(writer *w, size_t index) {
    const size_t vocabulary = hma_model_description(w->a->model)->vocabulary;
    hma_status status = w->logits.given == w->logits.count ? ask_logits(w, index) : HMA_OK;
    if (status != HMA_OK) {
        return status;
    }
    const float *row = w->logits.values + w->logits.given++ * vocabulary;
    hma_buffer_text(&w->text, "\"logits\":[");
    for (size_t i = 0; i < vocabulary; i++) {
        char number[32];
        (void)snprintf(number, sizeof number, "%.9g",
                       (double)row[i]);    /* nine digits tell every fp32 value from its neighbours */
        char *point = strchr(number, ','); /* a host's locale */
        if (point) {
            *point = '.';
        }
        hma_buffer_text(&w->text, i ? "," : "");
        hma_buffer_text(&w->text, number);
    }
    hma_buffer_char(&w->text, ']');
    return HMA_OK;
}

/* ---- the file ---- */

static hma_status add_answer(writer *w, size_t index) {
    const hma_request *r = &w->a->list.items[index];
    hma_status status = HMA_OK;
    hma_buffer_text(&w->text, "{\"id\":");
    hma_buffer_json_text(&w->text, r->id, strlen(r->id));
    hma_buffer_char(&w->text, ',');
    switch (r->type) {
    case HMA_REQUEST_LOGLIKELIHOOD: add_loglikelihood(w, r); break;
    case HMA_REQUEST_ROLLING: add_rolling(w, r); break;
    case HMA_REQUEST_GENERATE: status = add_replies(w, r); break;
    case HMA_REQUEST_REWARD:
        hma_buffer_text(&w->text, "\"reward\":");
        hma_buffer_json_double(&w->text, w->a->rewards[r->slot]);
        break;
    case HMA_REQUEST_LOGITS: status = add_logits(w, index); break;
    case HMA_REQUEST_TOKENIZE: add_ids(&w->text, r->tokens.ids, r->tokens.count); break;
    default: add_text(&w->text, r->detokenized, r->detokenized_length); break;
    }
    hma_buffer_text(&w->text, "}\n");
    return status == HMA_OK ? hma_buffer_ok(&w->text) : status;
}

static hma_status flush(writer *w, size_t least) {
    if (w->text.length < least) {
        return HMA_OK;
    }
    const hma_status status = hma_output_write(&w->output, w->text.data, w->text.length);
    hma_buffer_clear(&w->text);
    return status == HMA_OK ? hma_context_check(w->a->context) : status;
}

hma_status hma_answers_write(hma_answering *answering, const char *path) {
    writer w = {.a = answering};
    hma_status status = hma_output_open(&w.output, path);
    if (status != HMA_OK) {
        return status;
    }
    for (size_t i = 0; i < answering->list.count && status == HMA_OK; i++) {
        status = add_answer(&w, i);
        if (status == HMA_OK) {
            status = flush(&w, FLUSH_AT);
        }
    }
    if (status == HMA_OK) {
        status = flush(&w, 1);
    }
    if (status == HMA_OK) {
        status = hma_output_commit(&w.output);
    }
    hma_output_discard(&w.output);
    hma_buffer_free(&w.text);
    free(w.logits.values);
    return status;
}
