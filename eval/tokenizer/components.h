/* What the normalizer, pre-tokenizer, post-processor and decoder of tokenizer.json share: how their Sequences are written. */
#ifndef HMA_TOKENIZER_COMPONENTS_H
#define HMA_TOKENIZER_COMPONENTS_H

#include <cjson/cJSON.h>

#include "hma/error.h"

/* Reads one component of document `name` into what `user` is. */
typedef hma_status (*hma_component_fn)(void *user, const cJSON *json, const char *name);

/* Reads the members of a Sequence, which stand under `key`, in order. */
hma_status hma_sequence_from_json(const cJSON *json, const char *key, const char *name, hma_component_fn read, void *user);

#endif
