/* The digest of a tokenizer: by what it does, not by how its files are written. */
#ifndef HMA_TOKENIZER_DIGEST_H
#define HMA_TOKENIZER_DIGEST_H

#include "eval/tokenizer/tokenizer.h"

/* Fills tokenizer->digest; everything else must be there. */
hma_status hma_tokenizer_make_digest(hma_tokenizer *tokenizer);

#endif
