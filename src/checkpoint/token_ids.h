/* Which tokens the first rows of a vocabulary stand for, from a tokenizer's files. */
#ifndef HMA_CHECKPOINT_TOKEN_IDS_H
#define HMA_CHECKPOINT_TOKEN_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"

/*
 * SHA-256 of all tokens with ids below `below`, in the order of their ids: equal when the two files agree on these rows,
 * whichever of their lists names them. `text` is a tokenizer.json, or with `flat` an object of tokens and ids (vocab.json,
 * added_tokens.json). `path` is used in messages.
 */
hma_status hma_token_ids_digest(const char *path, const char *text, size_t length, bool flat, uint64_t below, char digest[65]);

#endif
