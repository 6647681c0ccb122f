/* The table of model families. Adding one is a row in families.c, its tensor names, and fixtures in tests/golden/models. */
#ifndef HMA_EVAL_TRANSFORMER_FAMILIES_H
#define HMA_EVAL_TRANSFORMER_FAMILIES_H

#include <cjson/cJSON.h>

#include "eval/transformer/architecture.h"

/* What a family's own reader is given: config.json's object for the language model, and its path for messages. */
typedef struct hma_config {
    const cJSON *object;
    const char *path;
} hma_config;

/* Keys of the sizes in config.json, and what transformers assumes where a key is absent (0: it must be there). */
typedef struct hma_size_key {
    const char *key;
    size_t assumed;
} hma_size_key;

typedef struct hma_family {
    const char *model_type;
    const char *const *causal_classes; /* NULL-terminated */
    const char *reward_class;
    const hma_tensor_names *names;
    const char *const *prefixes;       /* NULL-terminated; the first under which the embedding is found */
    hma_size_key hidden, layers, heads, intermediate, max_length, vocabulary;
    const char *epsilon_key;
    double epsilon;
    const char *activation_key;
    const char *activation;
    hma_status (*read)(hma_architecture *a, const hma_config *config); /* everything that is the family's own */
} hma_family;

/* NULL when no family has this model_type. */
const hma_family *hma_family_find(const char *model_type);
/* "llama, mistral, ..": for messages. */
const char *hma_family_list(void);

#endif
