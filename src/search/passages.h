/* Texts as passages of token ids: what an objective or a sensitivity is computed on. */
#ifndef HMA_SEARCH_PASSAGES_H
#define HMA_SEARCH_PASSAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "eval/transformer/gradient.h"
#include "hma/requests.h"
#include "hma/tokenizer.h"

typedef struct hma_passages {
    hma_passage *list; /* ids and counts are the passages' own */
    size_t count, capacity;
} hma_passages;

void hma_passages_free(hma_passages *passages);

typedef struct hma_text_pair {
    const char *context, *continuation;
    bool context_counts; /* apart from its first token, before which nothing stands */
    int32_t end;         /* id that follows the continuation and counts; -1: none */
} hma_text_pair;

/* Appends a pair of texts, encoded as lm-evaluation-harness does; what is longer than `most` tokens loses its beginning. */
hma_status hma_passages_add(hma_passages *passages, const hma_tokenizer *tokenizer, hma_bos bos, const hma_text_pair *pair,
                            size_t most);

/* Appends all lines of a text as in search/distillation.h, `name` in messages; after an ended response comes `end`. */
typedef struct hma_passages_reading {
    const hma_tokenizer *tokenizer;
    bool context_counts;
    int32_t end;
    size_t most; /* tokens a passage may have */
} hma_passages_reading;
hma_status hma_passages_read(hma_passages *passages, const char *text, const char *name, const hma_passages_reading *how);

/* Drops passages of a single token, which ask nothing. */
void hma_passages_drop_single(hma_passages *passages);

/* Joins all passages in order and cuts them into blocks of `length` tokens; a shorter rest is dropped. */
hma_status hma_passages_cut(hma_passages *passages, size_t length);

/* Tokens that count, and tokens that go through the layers. */
size_t hma_passages_tokens(const hma_passages *passages);
size_t hma_passages_rows(const hma_passages *passages);

#endif
