/*
 * What a tokenizer.json means, section by section, so that two files can be compared whichever version of the tokenizers
 * library wrote them. Formatting, the order of keys and "version", "truncation" and "padding" do not matter; a merge may be
 * "a b" or ["a", "b"]; settings that newer versions write out equal their absence.
 */
#ifndef HMA_CHECKPOINT_TOKENIZER_MEANING_H
#define HMA_CHECKPOINT_TOKENIZER_MEANING_H

#include <stddef.h>

#include "hma/error.h"

typedef struct hma_section {
    char *name;      /* "added_tokens", "model.vocab", .. */
    char digest[65]; /* of the canonical text of its value */
} hma_section;

typedef struct hma_sections {
    hma_section *items; /* sorted by name */
    size_t count, capacity;
} hma_sections;

/* `text` is a tokenizer.json; `path` is used in messages. */
hma_status hma_sections_of(hma_sections *out, const char *path, const char *text, size_t length);
void hma_sections_free(hma_sections *sections);

#endif
