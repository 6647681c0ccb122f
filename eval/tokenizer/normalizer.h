/*
 * The normalizer of tokenizer.json: rewrites the text between added tokens, as a row of simple steps.
 * Supported: NFC, NFD, NFKC, NFKD, Replace, Prepend, Lowercase, Strip, StripAccents, Nmt, Precompiled, ByteLevel, Sequence.
 */
#ifndef HMA_TOKENIZER_NORMALIZER_H
#define HMA_TOKENIZER_NORMALIZER_H

#include <cjson/cJSON.h>

#include "eval/tokenizer/charsmap.h"
#include "eval/tokenizer/pattern.h"
#include "eval/tokenizer/pieces.h"

typedef struct hma_normstep {
    hma_rewrite_fn rewrite;
    int form;             /* hma_form, of NFC .. NFKD */
    hma_pattern *pattern; /* of Replace */
    char *text;           /* what Replace writes and Prepend puts in front */
    bool left, right;     /* of Strip */
    hma_charsmap *charsmap;
} hma_normstep;

typedef struct hma_normalizer {
    hma_normstep *steps;
    size_t count, capacity;
} hma_normalizer;

/* Reads the component (NULL or null: no steps). `name` is the document. On failure there is nothing to free. */
hma_status hma_normalizer_from_json(hma_normalizer *out, const cJSON *json, const char *name);
void hma_normalizer_free(hma_normalizer *normalizer);

hma_status hma_normalizer_run(const hma_normalizer *normalizer, hma_pieces *pieces);
/* The normal form of one text on its own; *normal is freed with free(). */
hma_status hma_normalizer_text(const hma_normalizer *normalizer, const char *text, char **normal);

/* Replaces every occurrence of a pattern; *at_start (may be NULL) is cleared when what began the text is replaced away. */
hma_status hma_replace_write(const hma_pattern *pattern, const char *content, const char *text, size_t length, hma_buffer *out,
                             bool *at_start);

#endif
