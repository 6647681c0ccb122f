/*
 * Regexes that are not among the published families, by PCRE2. The reference uses Oniguruma, whose expressions mostly mean the
 * same; those that do not are translated, or refused by name. PCRE2's own tables say what \p{L} is (Unicode 14 with PCRE2
 * 10.42, 16 in the reference): characters added since then are searched as older ones of their category.
 */
#ifndef HMA_TOKENIZER_SPLIT_PCRE_H
#define HMA_TOKENIZER_SPLIT_PCRE_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/error.h"

typedef struct hma_pcre hma_pcre;

/* `name` is the document (for messages). */
hma_status hma_pcre_new(hma_pcre **out, const char *regex, const char *name);
void hma_pcre_free(hma_pcre *pcre);

/* Scratch memory for searching one text; a compiled expression may be used by many searches at once. */
void *hma_pcre_scratch_new(const hma_pcre *pcre, const char *text, size_t length);
void hma_pcre_scratch_free(void *scratch);

/*
 * The first match that begins at `from` or later in the text of the scratch memory. HMA_BAD_DATA when the expression takes more
 * steps or memory than a sane one needs (it backtracks catastrophically).
 */
hma_status hma_pcre_find(const hma_pcre *pcre, void *scratch, size_t from, size_t *start, size_t *end, bool *found);

#endif
