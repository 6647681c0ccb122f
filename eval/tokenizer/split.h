/* Cutting at the occurrences of a pattern. */
#ifndef HMA_TOKENIZER_SPLIT_H
#define HMA_TOKENIZER_SPLIT_H

#include <cjson/cJSON.h>

#include "eval/tokenizer/pattern.h"
#include "eval/tokenizer/pieces.h"

/* What becomes of an occurrence, for "the-final--countdown" and "-". */
typedef enum hma_split_behavior {
    HMA_SPLIT_REMOVED,              /* the final countdown */
    HMA_SPLIT_ISOLATED,             /* the - final - - countdown */
    HMA_SPLIT_MERGED_WITH_PREVIOUS, /* the- final- - countdown */
    HMA_SPLIT_MERGED_WITH_NEXT,     /* the -final - -countdown */
    HMA_SPLIT_CONTIGUOUS            /* the - final -- countdown */
} hma_split_behavior;

typedef struct hma_split {
    hma_pattern *pattern;
    hma_split_behavior behavior;
    bool invert; /* what lies between the occurrences counts as occurrence */
} hma_split;

/* "behavior" of a component in tokenizer.json; left alone when absent and not required. `name` is the document. */
hma_status hma_split_behavior_from_json(hma_split_behavior *out, const cJSON *object, const char *name, bool required);

/* An hma_cut_fn; the step is an hma_split. */
hma_status hma_split_cut(const void *step, const hma_pieces *from, const hma_piece *piece, hma_pieces *out);

#endif
