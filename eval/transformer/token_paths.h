/* Numbers for token sequences and all their prefixes: a trie as a hash table from (prefix, next token) to a number. */
#ifndef HMA_EVAL_TRANSFORMER_TOKEN_PATHS_H
#define HMA_EVAL_TRANSFORMER_TOKEN_PATHS_H

#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"

#define HMA_NO_PATH UINT32_MAX /* the empty sequence, and one that has no number */

typedef struct hma_token_paths {
    struct hma_token_path *slots; /* [slot_count], a power of two */
    size_t slot_count;
    size_t count; /* numbers given: 0 .. count-1 */
} hma_token_paths;

void hma_token_paths_free(hma_token_paths *paths);

/* Number of the path `before` and one token more; a new one, or HMA_NO_PATH when it would be the `most`th. */
hma_status hma_token_paths_extend(hma_token_paths *paths, uint32_t before, int32_t token, size_t most, uint32_t *out);

#endif
