/*
 * The decoder of tokenizer.json: makes text out of tokens, as a row of steps over the list of tokens.
 * Supported: ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace, Sequence.
 */
#ifndef HMA_TOKENIZER_DECODER_H
#define HMA_TOKENIZER_DECODER_H

#include <cjson/cJSON.h>

#include "eval/tokenizer/pattern.h"
#include "eval/tokenizer/pieces.h"
#include "eval/tokenizer/pretokenizer.h"

typedef struct hma_decode_step {
    hma_status (*run)(const struct hma_decode_step *step, const hma_pieces *tokens, hma_pieces *out);
    hma_pattern *pattern; /* of Replace */
    char *content;        /* of Replace; the character of Strip and Metaspace */
    size_t start, stop;   /* of Strip: most characters that are taken off each end */
    hma_prepend prepend;  /* of Metaspace */
} hma_decode_step;

typedef struct hma_decoder {
    hma_decode_step *steps;
    size_t count, capacity;
    bool present; /* without a decoder tokens are joined by spaces */
} hma_decoder;

/* Reads the component (NULL or null: no decoder). `name` is the document. On failure there is nothing to free. */
hma_status hma_decoder_from_json(hma_decoder *out, const cJSON *json, const char *name);
void hma_decoder_free(hma_decoder *decoder);

/* Adds a token's text to a list; unlike hma_pieces_add() it keeps empty ones, which still count as tokens. */
hma_status hma_tokens_add(hma_pieces *tokens, const char *text, size_t length);

/* Appends the text of the tokens; the list is used up. */
hma_status hma_decoder_run(const hma_decoder *decoder, hma_pieces *tokens, hma_buffer *out);

/* Appends bytes that may be anything as UTF-8: each longest beginning of a character that breaks off becomes one U+FFFD. */
void hma_utf8_repair(hma_buffer *out, const char *bytes, size_t length);

#endif
