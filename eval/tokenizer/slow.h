/*
 * Folders with tokenizer.model only: sentencepiece inside what transformers' slow LlamaTokenizer and GemmaTokenizer put around
 * it. Texts of added tokens are cut out first, with Python's rules about the white space beside them.
 */
#ifndef HMA_TOKENIZER_SLOW_H
#define HMA_TOKENIZER_SLOW_H

#include "eval/tokenizer/id_list.h"
#include "eval/tokenizer/sentencepiece.h"
#include "eval/tokenizer/settings.h"

typedef struct hma_slow {
    hma_sentencepiece *model;
    hma_added_tokens added; /* "special": among the special tokens of the settings */
    bool *stands_apart;     /* [added.count] joined to its neighbours by spaces when decoding */
    bool gemma;             /* GemmaTokenizer; else LlamaTokenizer */
    bool legacy;            /* of LlamaTokenizer: leaves the space in front to sentencepiece */
    bool prefix_space;      /* of LlamaTokenizer: add_prefix_space */
    bool clean_up_spaces;   /* wanted after decoding; GemmaTokenizer does not ask */
    int32_t before, behind; /* what encoding with special tokens adds, -1 for nothing */
    char *unknown_text;     /* of the unknown token, "" when there is none .. */
    size_t unknown_pieces;  /* .. and how many pieces that is as a text */
} hma_slow;

/* Reads tokenizer.model at `path` under the settings of its folder. On failure there is nothing to free. */
hma_status hma_slow_open(hma_slow **out, const char *path, const hma_tokenizer_settings *settings);
void hma_slow_free(hma_slow *slow);

/* One more than the largest id. */
size_t hma_slow_size(const hma_slow *slow);
/* Id of an added token or of a piece, -1 when there is none. */
int32_t hma_slow_id(const hma_slow *slow, const char *text, size_t length);

/* Appends the ids of valid UTF-8 text. */
hma_status hma_slow_encode(const hma_slow *slow, const char *text, size_t length, bool special, hma_id_list *ids);
/* Appends the text of ids; ids without a token leave no trace. */
hma_status hma_slow_decode(const hma_slow *slow, const int32_t *ids, size_t count, bool skip_special, hma_buffer *out);

#endif
