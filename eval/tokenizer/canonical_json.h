/* JSON that says the same has the same text: no white space, keys in byte order. */
#ifndef HMA_TOKENIZER_CANONICAL_JSON_H
#define HMA_TOKENIZER_CANONICAL_JSON_H

#include <cjson/cJSON.h>

#include "base/buffer.h"

/* Appends the value; NULL is written as null. */
void hma_canonical_json(hma_buffer *out, const cJSON *json);

#endif
