/*
 * The published split regexes: families of expressions that cut a text completely into words, numbers, punctuation and white
 * space. Known by their exact text; matched by hand because they are what every byte-level tokenizer runs on all its text.
 */
#ifndef HMA_TOKENIZER_SPLIT_FAMILY_H
#define HMA_TOKENIZER_SPLIT_FAMILY_H

#include <stddef.h>

typedef struct hma_split_family hma_split_family;

/* GPT-2's, which the ByteLevel pre-tokenizer has built in. */
extern const char hma_split_gpt2[];

/* NULL when the expression is none of the published ones. */
const hma_split_family *hma_split_family_find(const char *regex);

/* End of the piece that begins at `from` (below `length`); every byte belongs to a piece. */
size_t hma_split_family_end(const hma_split_family *family, const char *text, size_t length, size_t from);

#endif
