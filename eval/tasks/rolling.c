#include "eval/tasks/rolling.h"

#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/tasks/encode.h"

hma_status hma_rolling_encode(hma_questions *questions, const hma_tokenizer *tokenizer, hma_bos bos, const char *text,
                              hma_ids *ids) {
    const int32_t prefix = hma_prefix_token(tokenizer);
    int32_t *tokens;
    size_t count;
    if (prefix < 0) {
        return hma_error(HMA_BAD_DATA, "the tokenizer has neither a BOS nor an EOS token to put before a text (expected one of "
                                       "them): use another tokenizer");
    }
    hma_status status = hma_encode_text(tokenizer, bos, text, &tokens, &count);
    if (status != HMA_OK) {
        return status;
    }
    int32_t *all = HMA_NEW(int32_t, count + 1);
    if (all) {
        all[0] = prefix;
    }
    if (all && count > 0) {
        memcpy(all + 1, tokens, count * sizeof *all);
    }
    hma_ids_free(tokens);
    if (!all) {
        return HMA_FAILURE;
    }
    *ids = (hma_ids){all, count + 1};
    return hma_questions_own(questions, all);
}

hma_status hma_rolling_add(hma_questions *questions, hma_ids ids, size_t max_length, size_t *count) {
    hma_status status = HMA_OK;
    size_t windows = 0;
    for (size_t done = 1; done < ids.count && status == HMA_OK; windows++) {
        const size_t end = done + hma_min_size(max_length, ids.count - done);
        /* context and scored tokens, but for the last one, fill the window */
        const size_t room = max_length - (end - done - 1);
        const size_t from = done - hma_min_size(room, done > 1 ? done - 1 : 1);
        status =
            hma_questions_add_pair(questions, (hma_ids){ids.ids + from, done - from}, (hma_ids){ids.ids + done, end - done});
        done = end;
    }
    if (status == HMA_OK) {
        *count = windows;
    }
    return status;
}

double hma_rolling_sum(const hma_loglikelihood *pairs, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += pairs[i].logprob;
    }
    return sum;
}
