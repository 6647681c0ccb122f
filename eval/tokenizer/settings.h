/*
 * What transformers makes of a folder beside tokenizer.json or tokenizer.model: tokenizer_config.json, special_tokens_map.json,
 * added_tokens.json and the class that it picks by name or by the model's type. Nothing of the tokenizer itself is read here.
 */
#ifndef HMA_TOKENIZER_SETTINGS_H
#define HMA_TOKENIZER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eval/tokenizer/added_tokens.h"
#include "eval/tokenizer/tokenizer_class.h"
#include "hma/error.h"

/* A special token as the settings name it. */
typedef struct hma_special_token {
    hma_added_token token; /* id: -1 */
    bool has_flags;        /* given with flags, not as a plain text */
    bool by_class; /* the class has it; no file names it */
} hma_special_token;

enum {
    HMA_SPECIAL_BOS,
    HMA_SPECIAL_EOS,
    HMA_SPECIAL_UNK,
    HMA_SPECIAL_SEP,
    HMA_SPECIAL_PAD,
    HMA_SPECIAL_CLS,
    HMA_SPECIAL_MASK,
    HMA_SPECIAL_ROLES
};

/* A setting that three things can be said of, or nothing. */
typedef enum hma_said { HMA_SAID_NOTHING, HMA_SAID_NULL, HMA_SAID_FALSE, HMA_SAID_TRUE } hma_said;

typedef struct hma_tokenizer_settings {
    const hma_tokenizer_class *class;
    hma_special_token roles[HMA_SPECIAL_ROLES]; /* text NULL: none */
    hma_special_token *additional;              /* additional_special_tokens and extra_special_tokens, in order */
    size_t additional_count, additional_capacity;
    hma_added_token *added; /* added_tokens_decoder by id, or added_tokens.json */
    size_t added_count, added_capacity;
    bool legacy_files; /* there is no added_tokens_decoder: the tokens of tokenizer.json take its place */
    bool add_bos, add_eos;
    bool clean_up_spaces;
    bool legacy; /* of a slow LlamaTokenizer */
    hma_said add_prefix_space;
    char *chat_template; /* the default one; NULL: none */
} hma_tokenizer_settings;

/* Reads the folder. All files are optional. On failure there is nothing to free. */
hma_status hma_tokenizer_settings_read(hma_tokenizer_settings *out, const char *folder);
void hma_tokenizer_settings_free(hma_tokenizer_settings *settings);

/* Whether the text is bos_token, .., one of additional_special_tokens or of extra_special_tokens. */
bool hma_tokenizer_settings_is_special(const hma_tokenizer_settings *settings, const char *text);
/* The token of added_tokens_decoder (or added_tokens.json) with that text, NULL when there is none. */
const hma_added_token *hma_tokenizer_settings_added(const hma_tokenizer_settings *settings, const char *text);

/*
 * Special tokens in transformers' order, each text once: calls `visit` for every one. Used for the tokens that are added after
 * loading and for what counts as special in slow tokenizers.
 */
typedef hma_status (*hma_special_fn)(void *user, const hma_special_token *special);
hma_status hma_tokenizer_settings_specials(const hma_tokenizer_settings *settings, hma_special_fn visit, void *user);

#endif
