/* Text to ids by lm-evaluation-harness's rules: special tokens, the border between a context and its continuation. */
#ifndef HMA_TASKS_ENCODE_H
#define HMA_TASKS_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"
#include "hma/requests.h"
#include "hma/tokenizer.h"

/* The token that stands before an empty context: the tokenizer's BOS, else its EOS; -1 when it has neither. */
int32_t hma_prefix_token(const hma_tokenizer *tokenizer);

/* Ids of a text. *ids is freed with hma_ids_free(). */
hma_status hma_encode_text(const hma_tokenizer *tokenizer, hma_bos bos, const char *text, int32_t **ids, size_t *count);

/* The same of what a model is to go on from; an empty text becomes the prefix token. */
hma_status hma_encode_prompt(const hma_tokenizer *tokenizer, hma_bos bos, const char *text, int32_t **ids, size_t *count);

typedef struct hma_encoded_pair {
    int32_t *ids; /* context, then continuation; freed with hma_ids_free() */
    size_t context_count, continuation_count;
} hma_encoded_pair;

hma_status hma_encode_pair(const hma_tokenizer *tokenizer, hma_bos bos, const char *context, const char *continuation,
                           hma_encoded_pair *out);

#endif
