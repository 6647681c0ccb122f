#include "eval/alignment/implicit.h"

#include <stdlib.h>

#include "base/error_set.h"
#include "base/memory.h"

enum { PRE = 0, POST = 1 };

struct hma_implicit {
    hma_source *source[2];
    hma_model *model[2];
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
    free(implicit);
}

hma_status hma_implicit_score(hma_implicit *implicit, const hma_reply *replies, size_t count, double *scores) {
    static const double sign[2] = {[PRE] = -1, [POST] = 1};
    hma_loglikelihood *pairs = HMA_NEW(hma_loglikelihood, count);
    size_t *reply_of = HMA_NEW(size_t, count), asked = 0;
    hma_status status = pairs && reply_of ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; i < count && status == HMA_OK; i++) {
        scores[i] = 0;
        if (replies[i].text_ids.count > 0) {
            pairs[asked] = (hma_loglikelihood){.context = replies[i].shown_ids, .continuation = replies[i].text_ids};
            reply_of[asked++] = i;
        }
    }
    for (int which = PRE; which <= POST && status == HMA_OK && asked > 0; which++) {
        status = hma_model_loglikelihood(implicit->model[which], pairs, asked);
        for (size_t i = 0; i < asked && status == HMA_OK; i++) {
            scores[reply_of[i]] += sign[which] * pairs[i].logprob;
        }
    }
    free(pairs);
    free(reply_of);
    return status;
}
