#include "eval/tasks/encode.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/tasks/python_text.h"
#include "hma/text.h"

int32_t hma_prefix_token(const hma_tokenizer *tokenizer) {
    const int32_t bos = hma_tokenizer_bos(tokenizer);
    return bos >= 0 ? bos : hma_tokenizer_eos(tokenizer);
}

static hma_status begins_with_prefix(const hma_tokenizer *tokenizer, const char *text, bool *begins) {
    const int32_t prefix = hma_prefix_token(tokenizer);
    char *token;
    *begins = false;
    if (prefix < 0) {
        return HMA_OK;
    }
    const hma_status status = hma_tokenizer_decode(tokenizer, &prefix, 1, false, &token, NULL);
    if (status == HMA_OK) {
        *begins = *token && strncmp(text, token, strlen(token)) == 0;
        hma_text_free(token);
    }
    return status;
}

hma_status hma_encode_text(const hma_tokenizer *tokenizer, hma_bos bos, const char *text, int32_t **ids, size_t *count) {
    bool begins = false;
    const hma_status status = bos == HMA_BOS_AUTO ? begins_with_prefix(tokenizer, text, &begins) : HMA_OK;
    return status == HMA_OK ? hma_tokenizer_encode(tokenizer, text, strlen(text), bos != HMA_BOS_NO && !begins, ids, count)
                            : status;
}

/* [prefix] + ids: what stands before an empty context. */
static hma_status put_prefix(const hma_tokenizer *tokenizer, const int32_t *ids, size_t count, hma_encoded_pair *out) {
    const int32_t prefix = hma_prefix_token(tokenizer);
    if (prefix < 0) {
        return hma_error(HMA_BAD_DATA,
                         "the context is empty and the tokenizer has neither a BOS nor an EOS token to put there (expected "
                         "at least one token of context): give a context");
    }
    int32_t *all = HMA_NEW(int32_t, count + 1);
    if (!all) {
        return HMA_FAILURE;
    }
    all[0] = prefix;
    if (count > 0) {
        memcpy(all + 1, ids, count * sizeof *all);
    }
    *out = (hma_encoded_pair){all, 1, count};
    return HMA_OK;
}

hma_status hma_encode_prompt(const hma_tokenizer *tokenizer, hma_bos bos, const char *text, int32_t **ids, size_t *count) {
    hma_encoded_pair alone = {0};
    int32_t *some;
    hma_status status = hma_encode_text(tokenizer, bos, text, &some, count);
    if (status == HMA_OK && *count == 0) {
        hma_ids_free(some);
        status = put_prefix(tokenizer, NULL, 0, &alone);
        if (status == HMA_OK) {
            some = alone.ids;
            *count = 1;
        }
    }
    if (status == HMA_OK) {
        *ids = some;
    }
    return status;
}

/* A continuation that begins with the prefix token brings its own context. */
static hma_status encode_without_context(const hma_tokenizer *tokenizer, const char *continuation, hma_encoded_pair *out) {
    int32_t *ids;
    size_t count;
    hma_status status = hma_tokenizer_encode(tokenizer, continuation, strlen(continuation), false, &ids, &count);
    if (status != HMA_OK) {
        return status;
    }
    if (count > 0 && ids[0] == hma_prefix_token(tokenizer)) {
        *out = (hma_encoded_pair){ids, 1, count - 1};
        return HMA_OK;
    }
    status = put_prefix(tokenizer, ids, count, out);
    hma_ids_free(ids);
    return status;
}

/* `context` has no white space at its end; whatever of `whole` lies past the length of its ids is the continuation. */
static hma_status encode_at_border(const hma_tokenizer *tokenizer, hma_bos bos, const char *context, const char *whole,
                                   hma_encoded_pair *out) {
    int32_t *ids = NULL, *context_ids = NULL;
    size_t count = 0, context_count = 0;
    hma_status status = hma_encode_text(tokenizer, bos, context, &context_ids, &context_count);
    if (status == HMA_OK) {
        status = hma_encode_text(tokenizer, bos, whole, &ids, &count);
    }
    if (status == HMA_OK && context_count == 0) {
        status = put_prefix(tokenizer, ids, count, out);
    } else if (status == HMA_OK && count <= context_count) {
        *out = (hma_encoded_pair){context_ids, context_count, 0};
        context_ids = NULL;
    } else if (status == HMA_OK) {
        /* ids at the border may differ between the two encodings: the context's own stand before the continuation */
        memcpy(ids, context_ids, context_count * sizeof *ids);
        *out = (hma_encoded_pair){ids, context_count, count - context_count};
        ids = NULL;
    }
    hma_ids_free(ids);
    hma_ids_free(context_ids);
    return status;
}

hma_status hma_encode_pair(const hma_tokenizer *tokenizer, hma_bos bos, const char *context, const char *continuation,
                           hma_encoded_pair *out) {
    if (!*context) {
        return encode_without_context(tokenizer, continuation, out);
    }
    hma_buffer whole = {0}, stripped = {0};
    size_t length = strlen(context);
    const char *first = hma_python_strip(context, &length);
    hma_buffer_text(&whole, context);
    hma_buffer_text(&whole, continuation);
    hma_buffer_add(&stripped, context, (size_t)(first - context) + length);
    whole.failed = whole.failed || stripped.failed;
    hma_status status = hma_buffer_ok(&whole);
    if (status == HMA_OK) {
        status = encode_at_border(tokenizer, bos, hma_buffer_cstr(&stripped), hma_buffer_cstr(&whole), out);
    }
    hma_buffer_free(&whole);
    hma_buffer_free(&stripped);
    return status;
}
