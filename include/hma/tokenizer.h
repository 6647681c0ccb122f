/*
 * Tokenizers: text to ids and back, bit for bit as the tokenizers library (tokenizer.json) and sentencepiece
 * (tokenizer.model) do it, and chat templates as transformers renders them.
 *
 * Reference: Hugging Face tokenizers (pipeline: added tokens, normalizer, pre-tokenizer, model, post-processor), as
 * loaded by transformers 4.57; sentencepiece for folders with tokenizer.model only. A component of another kind
 * than those is refused by name when the tokenizer is opened, never approximated.
 *
 * Thread rule: an opened tokenizer does not change; share it freely.
 */
#ifndef HMA_TOKENIZER_H
#define HMA_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hma_tokenizer hma_tokenizer;

/*
 * Opens the tokenizer of a model folder: tokenizer.json, else tokenizer.model; tokenizer_config.json and
 * special_tokens_map.json where present.
 * @return HMA_IO (no tokenizer in the folder), HMA_BAD_DATA (broken, hostile or of a kind that is not supported).
 */
HMA_API HMA_MUST_CHECK hma_status hma_tokenizer_open(hma_tokenizer **out, const char *folder);
HMA_API void hma_tokenizer_free(hma_tokenizer *tokenizer);

/* "bpe" and "unigram" (tokenizer.json), "sentencepiece-bpe" and "sentencepiece-unigram" (tokenizer.model). */
HMA_API const char *hma_tokenizer_kind(const hma_tokenizer *tokenizer);
/* One more than the largest id. */
HMA_API size_t hma_tokenizer_size(const hma_tokenizer *tokenizer);

/*
 * Ids of a UTF-8 text; with `special`, also the tokens that the post-processor adds (BOS, EOS). Added tokens are
 * recognised inside the text in both cases. What the vocabulary cannot express becomes what the reference makes of it:
 * the unknown token where there is one, else nothing. *ids (possibly NULL when *count is 0) is freed with hma_ids_free().
 * @return HMA_BAD_DATA for text that is not UTF-8.
 */
HMA_API HMA_MUST_CHECK hma_status hma_tokenizer_encode(const hma_tokenizer *tokenizer, const char *text, size_t length,
                                                       bool special, int32_t **ids, size_t *count);
HMA_API void hma_ids_free(int32_t *ids);

/*
 * Text of ids. With `skip_special`, special tokens leave no trace. Bytes that do not form UTF-8 become U+FFFD as in the
 * reference; ids beyond the vocabulary (models often have more rows than tokens) leave no trace. *text is terminated, *length
 * (may be NULL) is its length, for a text can hold U+0000; freed with hma_text_free().
 * @return HMA_BAD_DATA for negative ids.
 */
HMA_API HMA_MUST_CHECK hma_status hma_tokenizer_decode(const hma_tokenizer *tokenizer, const int32_t *ids, size_t count,
                                                       bool skip_special, char **text, size_t *length);

/* Ids of the special tokens that tokenizer_config.json or special_tokens_map.json name; -1 when there is none. */
HMA_API int32_t hma_tokenizer_bos(const hma_tokenizer *tokenizer);
HMA_API int32_t hma_tokenizer_eos(const hma_tokenizer *tokenizer);
HMA_API int32_t hma_tokenizer_pad(const hma_tokenizer *tokenizer);
/* Id of a token by its text (vocabulary or added token), -1 when there is none. */
HMA_API int32_t hma_tokenizer_token_id(const hma_tokenizer *tokenizer, const char *token);

/*
 * SHA-256 (64 hex digits) over what the tokenizer does, taken from its files; the same for two tokenizer.json files that
 * differ in formatting only. Points into the tokenizer.
 */
HMA_API const char *hma_tokenizer_digest(const hma_tokenizer *tokenizer);

typedef struct hma_chat_message {
    const char *role;    /* "system", "user", "assistant", or what else the template knows */
    const char *content; /* UTF-8, terminated */
} hma_chat_message;

/*
 * Family of the folder's chat template as far as its text tells ("chatml", "llama3", .., "other"), NULL when the folder has
 * none or it uses parts of Jinja that are not supported.
 */
HMA_API const char *hma_tokenizer_chat_template(const hma_tokenizer *tokenizer);

/*
 * Renders messages with the folder's chat template, as transformers' apply_chat_template(tokenize=False) would; with
 * `generation_prompt`, followed by the start of an assistant turn. A BOS text that the template itself writes is part
 * of the result. Today's date is not known to templates (strftime_now is undefined): the same messages give the same text.
 * *text is freed with hma_text_free().
 * @return HMA_BAD_DATA when there is no template that can be used, or it refuses the messages; HMA_USAGE without messages.
 */
HMA_API HMA_MUST_CHECK hma_status hma_chat_render(const hma_tokenizer *tokenizer, const hma_chat_message *messages,
                                                  size_t count, bool generation_prompt, char **text);

/*
 * As hma_chat_render(), with a template named by the caller instead of the folder's: chatml, llama2, llama3, mistral-v1,
 * mistral-v3, gemma, zephyr, vicuna, phi3, human-assistant ("###Human: ..\n###Assistant: ..") or hh ("\n\nHuman: ..").
 * @return HMA_USAGE for another name.
 */
HMA_API HMA_MUST_CHECK hma_status hma_chat_render_named(const hma_tokenizer *tokenizer, const char *template_name,
                                                        const hma_chat_message *messages, size_t count,
                                                        bool generation_prompt, char **text);

#ifdef __cplusplus
}
#endif
#endif
