/* The tokenizer classes of transformers that make a difference: defaults, and what they change after loading. */
#ifndef HMA_TOKENIZER_TOKENIZER_CLASS_H
#define HMA_TOKENIZER_TOKENIZER_CLASS_H

#include <stdbool.h>

typedef struct hma_tokenizer_class {
    const char *name;                  /* without "Fast" */
    const char *bos, *eos, *unk, *pad; /* tokens unless the folder says otherwise; NULL: none */
    bool rebuilds;                     /* makes a post-processor of its own from add_bos_token and add_eos_token */
    bool add_bos;                      /* default of add_bos_token where it rebuilds */
    bool prefix_space_by_config;       /* add_prefix_space (default false) goes for a lone ByteLevel pre-tokenizer */
    bool firm_specials;                /* special tokens given as plain texts get flags of their own */
    bool slow;                         /* its form on top of sentencepiece is supported */
} hma_tokenizer_class;

/* With or without "Fast" at the end; NULL when it is not known. */
const hma_tokenizer_class *hma_tokenizer_class_find(const char *name);
/* The class that transformers picks by config.json's model_type (NULL or unknown: its base class). */
const hma_tokenizer_class *hma_tokenizer_class_of_model(const char *model_type);

#endif
