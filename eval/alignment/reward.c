#include "eval/alignment/reward.h"

#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/alignment/known.h"
#include "eval/tasks/encode.h"
#include "eval/transformer/model_parts.h"

struct hma_reward_model {
    hma_context *context;
    char *folder;
    hma_checkpoint *checkpoint;
    hma_source *source;
    hma_model *model;
    hma_tokenizer *tokenizer;
    hma_known_scores known;
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
    if (status == HMA_OK) { /* the prompts are the same for all whose replies it judges */
        status = hma_model_keep(r->model, &hma_model_description(r->model)->layers, 1);
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
        hma_known_scores_free(&reward->known);
        free(reward->folder);
        free(reward);
    }
}

const hma_model *hma_reward_model_of(const hma_reward_model *reward) { return reward->model; }

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

/* Scores of texts that have none yet. */
static hma_status score_new(hma_reward_model *reward, char *const *texts, size_t count, double *scores) {
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

/* The texts that have not been scored before; where each came from is in place[]. */
static size_t find_new(const hma_reward_model *reward, char *const *texts, size_t count, double *scores, char **fresh,
                       size_t *place) {
    const bool repeats = hma_model_invariant(reward->model); /* else a score depends on what is scored with it */
    size_t fresh_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!repeats || !hma_known_scores_find(&reward->known, texts[i], strlen(texts[i]), &scores[i])) {
            place[fresh_count] = i;
            fresh[fresh_count++] = texts[i];
        }
    }
    return fresh_count;
}

hma_status hma_reward_score(hma_reward_model *reward, char *const *texts, size_t count, double *scores) {
    char **fresh = HMA_NEW(char *, count);
    size_t *place = HMA_NEW(size_t, count), fresh_count = 0;
    double *given = HMA_NEW(double, count);
    hma_status status = fresh && place && given ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK) {
        fresh_count = find_new(reward, texts, count, scores, fresh, place);
        status = fresh_count ? score_new(reward, fresh, fresh_count, given) : HMA_OK;
    }
    for (size_t i = 0; status == HMA_OK && i < fresh_count; i++) {
        scores[place[i]] = given[i];
        status = hma_known_scores_put(&reward->known, fresh[i], strlen(fresh[i]), given[i]);
    }
    free(fresh);
    free(place);
    free(given);
    return status;
}
