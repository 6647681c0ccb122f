#include "eval/alignment/implicit.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/alignment/known.h"
#include "eval/transformer/model_parts.h"

enum { PRE = 0, POST = 1 };

struct hma_implicit {
    hma_source *source[2];
    hma_model *model[2];
    hma_known_scores known;
};

hma_status hma_implicit_open(hma_implicit **out, hma_context *context, const hma_checkpoint *pre, const hma_checkpoint *post,
                             const hma_model_options *options) {
    const hma_checkpoint *checkpoint[2] = {[PRE] = pre, [POST] = post};
    if (!pre || !post) {
        return hma_error(HMA_USAGE,
                         "alignment of type \"implicit\": pre and post are needed (expected both models): name the model "
                         "before RLHF and the one after it");
    }
    hma_implicit *implicit = HMA_NEW(hma_implicit, 1);
    hma_status status = implicit ? HMA_OK : HMA_FAILURE;
    for (int i = PRE; i <= POST && status == HMA_OK; i++) {
        status = hma_source_plain(&implicit->source[i], checkpoint[i]);
        if (status == HMA_OK) {
            status = hma_model_open(&implicit->model[i], context, implicit->source[i], options);
        }
    }
    if (status != HMA_OK) {
        hma_implicit_close(implicit);
        return status;
    }
    *out = implicit;
    return HMA_OK;
}

void hma_implicit_close(hma_implicit *implicit) {
    for (int i = PRE; i <= POST && implicit; i++) {
        hma_model_close(implicit->model[i]);
        hma_source_free(implicit->source[i]);
    }
    if (implicit) {
        hma_known_scores_free(&implicit->known);
    }
    free(implicit);
}

const hma_model *hma_implicit_model(const hma_implicit *implicit) { return implicit->model[PRE]; }

double hma_implicit_flops(const hma_implicit *implicit) {
    return hma_model_count(implicit->model[PRE]).flops + hma_model_count(implicit->model[POST]).flops;
}

/* What decides about the score of a reply: the ids before it and its own. */
static void write_key(hma_buffer *key, const hma_reply *reply) {
    hma_buffer_clear(key);
    hma_buffer_add(key, &reply->shown_ids.count, sizeof reply->shown_ids.count);
    hma_buffer_add(key, reply->shown_ids.ids, reply->shown_ids.count * sizeof *reply->shown_ids.ids);
    hma_buffer_add(key, reply->text_ids.ids, reply->text_ids.count * sizeof *reply->text_ids.ids);
}

/* The replies that have to be asked about; the others get their scores here. */
static hma_status find_new(const hma_implicit *implicit, const hma_reply *replies, size_t count, double *scores,
                           hma_loglikelihood *pairs, size_t *reply_of, size_t *asked) {
    const bool repeats = hma_model_invariant(implicit->model[PRE]);
    hma_buffer key = {0};
    for (size_t i = 0; i < count; i++) {
        scores[i] = 0;
        write_key(&key, &replies[i]);
        if (replies[i].text_ids.count == 0 ||
            (repeats && !key.failed && hma_known_scores_find(&implicit->known, key.data, key.length, &scores[i]))) {
            continue;
        }
        pairs[*asked] = (hma_loglikelihood){.context = replies[i].shown_ids, .continuation = replies[i].text_ids};
        reply_of[(*asked)++] = i;
    }
    const hma_status status = hma_buffer_ok(&key);
    hma_buffer_free(&key);
    return status;
}

static hma_status remember(hma_implicit *implicit, const hma_reply *replies, const size_t *reply_of, size_t asked,
                           const double *scores) {
    hma_buffer key = {0};
    hma_status status = HMA_OK;
    for (size_t i = 0; i < asked && status == HMA_OK; i++) {
        write_key(&key, &replies[reply_of[i]]);
        status = hma_buffer_ok(&key);
        if (status == HMA_OK) {
            status = hma_known_scores_put(&implicit->known, key.data, key.length, scores[reply_of[i]]);
        }
    }
    hma_buffer_free(&key);
    return status;
}

hma_status hma_implicit_score(hma_implicit *implicit, const hma_reply *replies, size_t count, double *scores) {
    static const double sign[2] = {[PRE] = -1, [POST] = 1};
    hma_loglikelihood *pairs = HMA_NEW(hma_loglikelihood, count);
    size_t *reply_of = HMA_NEW(size_t, count), asked = 0;
    hma_status status = pairs && reply_of ? find_new(implicit, replies, count, scores, pairs, reply_of, &asked) : HMA_FAILURE;
    for (int which = PRE; which <= POST && status == HMA_OK && asked > 0; which++) {
        status = hma_model_loglikelihood(implicit->model[which], pairs, asked);
        for (size_t i = 0; i < asked && status == HMA_OK; i++) {
            scores[reply_of[i]] += sign[which] * pairs[i].logprob;
        }
    }
    if (status == HMA_OK) {
        status = remember(implicit, replies, reply_of, asked, scores);
    }
    free(pairs);
    free(reply_of);
    return status;
}
