#include "eval/tokenizer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "eval/tokenizer/clean_up.h"
#include "eval/tokenizer/digest.h"

/* ---- opening ---- */

static hma_status find_file(hma_tokenizer *t, const char *folder) {
    static const char *const files[] = {"tokenizer.json", "tokenizer.model"};
    for (size_t i = 0; i < 2; i++) {
        free(t->path);
        t->path = hma_path_join(folder, files[i]);
        if (!t->path) {
            return HMA_FAILURE;
        }
        if (hma_path_exists(t->path)) {
            return HMA_OK;
        }
    }
    return hma_error(HMA_IO, "%s: no tokenizer (expected tokenizer.json or tokenizer.model): copy it from the model's source",
                     folder);
}

static int32_t role_id(const hma_tokenizer *t, int role) {
    const char *text = t->settings.roles[role].token.text;
    return text ? hma_tokenizer_token_id(t, text) : -1;
}

static hma_status open_file(hma_tokenizer *t) {
    hma_status status;
    if (strcmp(hma_path_base(t->path), "tokenizer.json") == 0) {
        if ((status = hma_pipeline_open(&t->pipeline, t->path, &t->settings)) == HMA_OK) {
            t->size = hma_pipeline_size(t->pipeline);
            t->clean_up_spaces = t->settings.clean_up_spaces;
        }
    } else if ((status = hma_slow_open(&t->slow, t->path, &t->settings)) == HMA_OK) {
        t->size = hma_slow_size(t->slow);
        t->clean_up_spaces = t->slow->clean_up_spaces;
    }
    return status;
}

static hma_status open_in(hma_tokenizer *t, const char *folder) {
    hma_status status = find_file(t, folder);
    if (status != HMA_OK || (status = hma_tokenizer_settings_read(&t->settings, folder)) != HMA_OK ||
        (status = open_file(t)) != HMA_OK || (status = hma_chat_open(&t->chat, t->settings.chat_template)) != HMA_OK) {
        return status;
    }
    t->bos = role_id(t, HMA_SPECIAL_BOS);
    t->eos = role_id(t, HMA_SPECIAL_EOS);
    t->pad = role_id(t, HMA_SPECIAL_PAD);
    return hma_tokenizer_make_digest(t);
}

hma_status hma_tokenizer_open(hma_tokenizer **out, const char *folder) {
    hma_tokenizer *t = HMA_NEW(hma_tokenizer, 1);
    const hma_status status = t ? open_in(t, folder) : HMA_FAILURE;
    if (status != HMA_OK) {
        hma_tokenizer_free(t);
        return status;
    }
    *out = t;
    return HMA_OK;
}

void hma_tokenizer_free(hma_tokenizer *tokenizer) {
    if (tokenizer) {
        free(tokenizer->path);
        hma_chat_free(&tokenizer->chat);
        hma_tokenizer_settings_free(&tokenizer->settings);
        hma_pipeline_free(tokenizer->pipeline);
        hma_slow_free(tokenizer->slow);
        free(tokenizer);
    }
}

/* ---- facts ---- */

const char *hma_tokenizer_kind(const hma_tokenizer *tokenizer) {
    if (tokenizer->slow) {
        return tokenizer->slow->model->file.kind == HMA_SPM_BPE ? "sentencepiece-bpe" : "sentencepiece-unigram";
    }
    return tokenizer->pipeline->model.is_unigram ? "unigram" : "bpe";
}

size_t hma_tokenizer_size(const hma_tokenizer *tokenizer) { return tokenizer->size; }
int32_t hma_tokenizer_bos(const hma_tokenizer *tokenizer) { return tokenizer->bos; }
int32_t hma_tokenizer_eos(const hma_tokenizer *tokenizer) { return tokenizer->eos; }
int32_t hma_tokenizer_pad(const hma_tokenizer *tokenizer) { return tokenizer->pad; }
const char *hma_tokenizer_digest(const hma_tokenizer *tokenizer) { return tokenizer->digest; }

int32_t hma_tokenizer_token_id(const hma_tokenizer *tokenizer, const char *token) {
    const size_t length = strlen(token);
    return tokenizer->slow ? hma_slow_id(tokenizer->slow, token, length) : hma_pipeline_id(tokenizer->pipeline, token, length);
}

/* ---- work ---- */

hma_status hma_tokenizer_encode(const hma_tokenizer *tokenizer, const char *text, size_t length, bool special, int32_t **ids,
                                size_t *count) {
    const size_t valid = hma_utf8_valid_prefix(text, length);
    if (valid != length) {
        return hma_error(HMA_BAD_DATA, "a text is not UTF-8 at byte %zu (expected valid UTF-8): correct its encoding", valid);
    }
    hma_id_list list = {0};
    const hma_status status = tokenizer->slow ? hma_slow_encode(tokenizer->slow, text, length, special, &list)
                                              : hma_pipeline_encode(tokenizer->pipeline, text, length, special, &list);
    if (status != HMA_OK) {
        hma_id_list_free(&list);
        return status;
    }
    *ids = list.ids;
    *count = list.count;
    return HMA_OK;
}

hma_status hma_tokenizer_decode(const hma_tokenizer *tokenizer, const int32_t *ids, size_t count, bool skip_special,
                                char **text, size_t *length) {
    for (size_t i = 0; i < count; i++) {
        if (ids[i] < 0) {
            return hma_error(HMA_BAD_DATA, "%d is not a token id (expected 0 or more): correct the list of ids", ids[i]);
        }
    }
    hma_buffer out = {0};
    hma_buffer_add(&out, "", 0); /* so that there is a text to hand over */
    hma_status status = tokenizer->slow ? hma_slow_decode(tokenizer->slow, ids, count, skip_special, &out)
                                        : hma_pipeline_decode(tokenizer->pipeline, ids, count, skip_special, &out);
    if (status == HMA_OK && (status = hma_buffer_ok(&out)) == HMA_OK) {
        if (tokenizer->clean_up_spaces) {
            hma_clean_up_spaces(&out);
        }
        if (length) {
            *length = out.length;
        }
        *text = hma_buffer_release(&out);
    }
    hma_buffer_free(&out);
    return status;
}
