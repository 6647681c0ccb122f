/*
 * A sentencepiece model: text to pieces and back, as the sentencepiece library does it. Pieces are handed out as texts, because
 * what transformers puts around sentencepiece works on texts.
 */
#ifndef HMA_TOKENIZER_SENTENCEPIECE_H
#define HMA_TOKENIZER_SENTENCEPIECE_H

#include <stdint.h>

#include "base/text_set.h"
#include "eval/tokenizer/charsmap.h"
#include "eval/tokenizer/pieces.h"
#include "eval/tokenizer/sentencepiece_file.h"
#include "eval/tokenizer/trie.h"
#include "eval/tokenizer/unigram.h"

typedef struct hma_sentencepiece {
    hma_spm_file file;
    hma_text_set ordinary; /* normal, user-defined and unused pieces, with their ids */
    hma_text_set reserved; /* unknown, control and byte pieces; looked at first */
    int32_t unknown;
    size_t longest_piece;
    bool has_unused;
    hma_trie *user_defined; /* NULL when there are none */
    hma_charsmap *charsmap; /* NULL when there is none */
    hma_unigram unigram;    /* of a Unigram model */
} hma_sentencepiece;

/* `dummy_prefix` false switches off the space that the file may want in front of a text. On failure there is nothing to free.
 */
hma_status hma_sentencepiece_open(hma_sentencepiece **out, const char *path, bool dummy_prefix);
void hma_sentencepiece_free(hma_sentencepiece *model);

/* Id of a piece by its text; the unknown one's when there is no such piece. */
int32_t hma_sentencepiece_id(const hma_sentencepiece *model, const char *text, size_t length);
/* Not terminated; NULL when there is no such id. */
const char *hma_sentencepiece_text(const hma_sentencepiece *model, int32_t id, size_t *length);

/* Appends the pieces of valid UTF-8 text to a list of tokens: neighbouring unknown characters as one, or as byte pieces. */
hma_status hma_sentencepiece_encode(const hma_sentencepiece *model, const char *text, size_t length, hma_pieces *tokens);
/* Appends the text of the tokens [first, end) of a list. */
hma_status hma_sentencepiece_decode(const hma_sentencepiece *model, const hma_pieces *tokens, size_t first, size_t end,
                                    hma_buffer *out);

/* Internal to the folder: the text in the form in which pieces are looked for, and its cut by a BPE model. */
hma_status hma_sentencepiece_normalize(const hma_sentencepiece *model, const char *text, size_t length, hma_buffer *out);
hma_status hma_sentencepiece_cut_bpe(const hma_sentencepiece *model, const char *text, size_t length, hma_span_list *out);

#endif
