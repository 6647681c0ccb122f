/*
 * The pre-tokenizer of tokenizer.json: cuts the text into words before the model sees it, as a row of simple steps.
 * Supported: ByteLevel, Split, Digits, Metaspace, Punctuation, Whitespace, WhitespaceSplit, CharDelimiterSplit, Sequence.
 */
#ifndef HMA_TOKENIZER_PRETOKENIZER_H
#define HMA_TOKENIZER_PRETOKENIZER_H

#include <cjson/cJSON.h>

#include "eval/tokenizer/pieces.h"
#include "eval/tokenizer/split.h"

typedef enum hma_prestep_kind {
    HMA_PRESTEP_SPACE, /* puts a space before a piece that does not begin with one */
    HMA_PRESTEP_SPLIT,
    HMA_PRESTEP_BYTES,    /* writes bytes in the byte alphabet */
    HMA_PRESTEP_METASPACE /* writes spaces as a mark and puts one in front */
} hma_prestep_kind;

typedef enum hma_prepend { HMA_PREPEND_ALWAYS, HMA_PREPEND_FIRST, HMA_PREPEND_NEVER } hma_prepend;

typedef struct hma_prestep {
    hma_prestep_kind kind;
    hma_split split;
    char mark[5]; /* Metaspace's replacement, UTF-8 */
    hma_prepend prepend;
} hma_prestep;

typedef struct hma_pretokenizer {
    hma_prestep *steps;
    size_t count, capacity;
} hma_pretokenizer;

/* Reads the component (NULL or null: no steps). `name` is the document. On failure there is nothing to free. */
hma_status hma_pretokenizer_from_json(hma_pretokenizer *out, const cJSON *json, const char *name);
void hma_pretokenizer_free(hma_pretokenizer *pretokenizer);

hma_status hma_pretokenizer_run(const hma_pretokenizer *pretokenizer, hma_pieces *pieces);

/* Metaspace's "replacement" and "prepend_scheme" (also the older "add_prefix_space"), which its decoder shares. */
hma_status hma_metaspace_from_json(char mark[5], hma_prepend *prepend, const cJSON *json, const char *name);

#endif
