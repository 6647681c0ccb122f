#include "eval/alignment/reward.h"

#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/tasks/encode.h"

struct hma_reward_model {
    hma_context *context;
    char *folder;
    hma_checkpoint *checkpoint;
    hma_source *source;
    hma_model *model;
    hma_tokenizer *tokenizer;
};

static hma_status open_parts(hma_reward_model *r, const hma_model_options *options) {
    if (!r->folder) {
        return HMA_FAILURE;
    }
    hma_status status = hma_checkpoint_open(&r->checkpoint, r->folder);
    if (status == HMA_OK) {
        status = hma_tokenizer_open(&r->tokenizer, r->folder);
    }
    if (status == HMA_OK) {
        status = hma_source_plain(&r->source, r->checkpoint);
    }
    if (status == HMA_OK) {
        status = hma_model_open(&r->model, r->context, r->source, options);
    }
    if (status == HMA_OK && !hma_model_description(r->model)->reward_head) {
        status = hma_error(HMA_INCOMPATIBLE,
                           "%s: is %s, not a reward model (expected a sequence-classification folder with one "
                           "output): name another folder in the suite",
                           r->folder, hma_model_description(r->model)->architecture);
    }
    return status;
}

hma_status hma_reward_open(hma_reward_model **out, hma_context *context, const char *folder, const hma_model_options *options) {
    hma_reward_model *r = HMA_NEW(hma_reward_model, 1);
    if (!r) {
        return HMA_FAILURE;
    }
    r->context = context;
    r->folder = hma_copy_text(folder);
    const hma_status status = open_parts(r, options);
    if (status != HMA_OK) {
        hma_reward_close(r);
        return status;
    }
    *out = r;
    return HMA_OK;
}

void hma_reward_close(hma_reward_model *reward) {
    if (reward) {
        hma_model_close(reward->model);
        hma_source_free(reward->source);
        hma_checkpoint_close(reward->checkpoint);
        hma_tokenizer_free(reward->tokenizer);
        free(reward->folder);
        free(reward);
    }
}

const hma_tokenizer *hma_reward_tokenizer(const hma_reward_model *reward) { return reward->tokenizer; }

/* Ids of one text, the last max_length of them; *owned is what to free. */
static hma_status encode(const hma_reward_model *r, const char *text, int32_t **owned, hma_ids *ids, size_t *cut) {
    const size_t most = hma_model_description(r->model)->max_length;
    size_t count = 0;
    const hma_status status = hma_encode_text(r->tokenizer, HMA_BOS_AUTO, text, owned, &count);
    if (status != HMA_OK) {
        return status;
    }
    if (count == 0) {
        return hma_error(HMA_BAD_DATA,
                         "%s: there is nothing to judge in a reply without any token (expected text): use a template",
                         r->folder);
    }
    const size_t start = count > most ? count - most : 0;
    *cut += start > 0;
    *ids = (hma_ids){*owned + start, count - start};
    return HMA_OK;
}

hma_status hma_reward_score(hma_reward_model *reward, char *const *texts, size_t count, double *scores) {
    int32_t **owned = HMA_NEW(int32_t *, count);
    hma_ids *ids = HMA_NEW(hma_ids, count);
    size_t cut = 0;
    hma_status status = owned && ids ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; i < count && status == HMA_OK; i++) {
        status = encode(reward, texts[i], &owned[i], &ids[i], &cut);
    }
    if (cut > 0 && status == HMA_OK) {
        hma_log(reward->context, HMA_LOG_WARNING,
                "%s: %zu of %zu texts are longer than the %zu tokens that the reward model reads; "
                "their beginnings were cut off",
                reward->folder, cut, count, hma_model_description(reward->model)->max_length);
    }
    if (status == HMA_OK) {
        status = hma_model_reward(reward->model, ids, count, scores);
    }
    for (size_t i = 0; owned && i < count; i++) {
        hma_ids_free(owned[i]);
    }
    free(owned);
    free(ids);
    return status;
}
