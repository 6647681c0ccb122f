/*
 * Added tokens: tokens that are cut out of a text before the model sees it, wherever they occur. Those that are "normalized"
 * are looked for after the normalizer has run (in the normal form of their text), the others before.
 */
#ifndef HMA_TOKENIZER_ADDED_TOKENS_H
#define HMA_TOKENIZER_ADDED_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eval/tokenizer/normalizer.h"
#include "eval/tokenizer/pieces.h"
#include "eval/tokenizer/trie.h"
#include "eval/tokenizer/vocabulary.h"

typedef struct hma_added_token {
    char *text;
    int32_t id;
    bool single_word; /* only where no word character touches it */
    bool lstrip;      /* takes the white space before it along */
    bool rstrip;      /* and the one behind it */
    bool normalized;
    bool special; /* leaves no trace when special tokens are skipped; once special, always special */
} hma_added_token;

typedef struct hma_added_tokens {
    hma_added_token *items; /* in the order of addition; a text occurs once, with its latest flags */
    size_t count, capacity;
    hma_text_set by_text;               /* with places in `items` as values */
    struct hma_added_pattern *patterns; /* what is looked for: every way in which a token was added */
    size_t pattern_count, pattern_capacity;
    int32_t next_id; /* of a token that is new to the model, too */
    /* built by hma_added_tokens_prepare() */
    hma_trie *raw, *normal; /* with places in `items` as values */
    uint32_t *by_id;        /* [id_count] place in `items` + 1 */
    size_t id_count;
} hma_added_tokens;

void hma_added_tokens_free(hma_added_tokens *added);

/*
 * Adds a token, or changes the flags of one that is there. Its id is that of the vocabulary, else the next of the batch;
 * `token->id` is not looked at. Copies the text. `name` is the document.
 * New ids count from the number of tokens of the model on, or behind the largest id that had been added when the batch began.
 */
void hma_added_tokens_begin_batch(hma_added_tokens *added, const hma_vocabulary *vocabulary);
hma_status hma_added_tokens_add(hma_added_tokens *added, const hma_added_token *token, const hma_vocabulary *vocabulary,
                                const char *name);

/* Adds a token with the id that it says, or replaces the one that has its text. */
hma_status hma_added_tokens_put(hma_added_tokens *added, const hma_added_token *token, const char *name);

/* To be called once when all tokens are there. */
hma_status hma_added_tokens_prepare(hma_added_tokens *added, const hma_normalizer *normalizer, const char *name);

/* NULL when there is none. */
const hma_added_token *hma_added_tokens_find(const hma_added_tokens *added, const char *text, size_t length);
const hma_added_token *hma_added_tokens_by_id(const hma_added_tokens *added, int32_t id);

/* Cuts the tokens that are looked for before (normal false) or after (true) the normalizer out of the pieces of text. */
hma_status hma_added_tokens_cut(const hma_added_tokens *added, bool normal, hma_pieces *pieces);

#endif
