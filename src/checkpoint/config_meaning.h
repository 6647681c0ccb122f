/*
 * What config.json means, whichever version of transformers wrote it: a key that is absent stands for its class's default, and
 * rotary settings and attention windows have an older and a newer spelling. Texts made here are for comparing and for showing.
 */
#ifndef HMA_CHECKPOINT_CONFIG_MEANING_H
#define HMA_CHECKPOINT_CONFIG_MEANING_H

#include <cjson/cJSON.h>

#include "base/buffer.h"
#include "hma/checkpoint.h"

typedef struct hma_meaning {
    const cJSON *config;    /* of the language model, borrowed */
    cJSON *defaults;        /* of its class; NULL for a class that is not known here */
    const char *model_type; /* "" when there is none */
} hma_meaning;

hma_status hma_meaning_of(hma_meaning *out, const hma_checkpoint *checkpoint);
void hma_meaning_free(hma_meaning *meaning);

/* The value of a key, its class's default when it is absent; NULL when there is neither, and for null. */
const cJSON *hma_meaning_get(const hma_meaning *meaning, const char *key);
/* The same as a number; `otherwise` when there is none. */
double hma_meaning_number(const hma_meaning *meaning, const char *key, double otherwise);

/* Appends a value as JSON: numbers exactly, 1 and 1.0 alike; "none" for NULL. */
void hma_meaning_print(hma_buffer *out, const cJSON *value);

/* Appends rotary base, type, factors, .. of every kind of layer. */
void hma_meaning_rope(hma_buffer *out, const hma_meaning *meaning);
/* Appends how far back each layer sees, where that is limited. */
void hma_meaning_windows(hma_buffer *out, const hma_meaning *meaning);

#endif
