/*
 * What pre-tokenizers, normalizers and decoders look for in a text: a literal, a class of characters, or a regular expression.
 * The published split regexes are recognised by their text and matched by hand-written code (split_family.h); any other
 * one is matched by PCRE2 (split_pcre.h).
 */
#ifndef HMA_TOKENIZER_PATTERN_H
#define HMA_TOKENIZER_PATTERN_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "hma/error.h"

typedef struct hma_pattern hma_pattern;

/* An occurrence: bytes [start, end) of the text. */
typedef struct hma_match {
    size_t start, end;
} hma_match;

/* `text` must not be empty. */
hma_status hma_pattern_new_text(hma_pattern **out, const char *text);
/* `name` is the document (for messages). HMA_BAD_DATA for an expression that is broken or means something else in PCRE2. */
hma_status hma_pattern_new_regex(hma_pattern **out, const char *regex, const char *name);
/* Each single character that has one of the flags of unicode_table.h. */
hma_status hma_pattern_new_class(hma_pattern **out, unsigned flags);
/* \w+|[^\w\s]+ */
hma_status hma_pattern_new_words(hma_pattern **out);
/* {"String": ".."} or {"Regex": ".."}, as tokenizer.json has it under "pattern". */
hma_status hma_pattern_from_json(hma_pattern **out, const cJSON *object, const char *name);
void hma_pattern_free(hma_pattern *pattern);

/* A walk over all occurrences in one text, from left to right, not overlapping. */
typedef struct hma_search {
    const hma_pattern *pattern;
    const char *text;
    size_t length;
    size_t at;       /* where the next occurrence may begin */
    size_t last_end; /* end of the last one; SIZE_MAX before the first */
    void *scratch;   /* of PCRE2 */
} hma_search;

/* Neither pattern nor text is copied. hma_search_end() is needed after every hma_search_begin(). */
void hma_search_begin(hma_search *search, const hma_pattern *pattern, const char *text, size_t length);
/* An empty occurrence is possible, but not directly after another occurrence. */
hma_status hma_search_next(hma_search *search, hma_match *match, bool *found);
void hma_search_end(hma_search *search);

#endif
