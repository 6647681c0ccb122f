/*
 * The precompiled character map of sentencepiece: a double-array trie from UTF-8 sequences to replacements, as it lies in
 * tokenizer.model (normalizer_spec.precompiled_charsmap) and, in base64, in tokenizer.json (Precompiled).
 * Layout: size of the trie in bytes (32 bits, little-endian), the trie's units (32 bits each), replacements ending in zeros.
 */
#ifndef HMA_TOKENIZER_CHARSMAP_H
#define HMA_TOKENIZER_CHARSMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "hma/error.h"

typedef struct hma_charsmap hma_charsmap;

/* Copies the map. `name` is the document (for messages). */
hma_status hma_charsmap_new(hma_charsmap **out, const void *bytes, size_t length, const char *name);
/* The same from base64. */
hma_status hma_charsmap_from_base64(hma_charsmap **out, const char *base64, const char *name);
void hma_charsmap_free(hma_charsmap *map);

/*
 * Looks up the beginnings of a text: the longest one that has a replacement, or the shortest. Returns its length, 0 when there
 * is none; *replacement points into the map and is terminated.
 */
size_t hma_charsmap_longest(const hma_charsmap *map, const char *text, size_t length, const char **replacement);
size_t hma_charsmap_shortest(const hma_charsmap *map, const char *text, size_t length, const char **replacement);

/*
 * Rewrites a text as the Precompiled normalizer of the tokenizers library does: grapheme cluster by grapheme cluster where
 * these are short and mapped, else character by character; always by the shortest match.
 */
hma_status hma_charsmap_write(const hma_charsmap *map, const char *text, size_t length, hma_buffer *out);

#endif
