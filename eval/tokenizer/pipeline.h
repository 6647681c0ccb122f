/*
 * The pipeline of tokenizer.json: added tokens, normalizer, pre-tokenizer, model, post-processor; and the decoder for the way
 * back. Loaded as transformers does it: the class of the folder and its settings have a say after the file is read.
 */
#ifndef HMA_TOKENIZER_PIPELINE_H
#define HMA_TOKENIZER_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eval/tokenizer/added_tokens.h"
#include "eval/tokenizer/decoder.h"
#include "eval/tokenizer/json_model.h"
#include "eval/tokenizer/normalizer.h"
#include "eval/tokenizer/postprocessor.h"
#include "eval/tokenizer/pretokenizer.h"
#include "eval/tokenizer/settings.h"

typedef struct hma_pipeline {
    hma_added_tokens added;
    hma_normalizer normalizer;
    hma_pretokenizer pretokenizer;
    hma_json_model model;
    hma_postprocessor postprocessor;
    hma_decoder decoder;
    char *components; /* normalizer, pre-tokenizer and decoder as canonical JSON: for the digest */
} hma_pipeline;

/* Reads tokenizer.json at `path` under the settings of its folder. On failure there is nothing to free. */
hma_status hma_pipeline_open(hma_pipeline **out, const char *path, const hma_tokenizer_settings *settings);
void hma_pipeline_free(hma_pipeline *pipeline);

/* One more than the largest id. */
size_t hma_pipeline_size(const hma_pipeline *pipeline);
/* Id of an added token or of the vocabulary, -1 when there is none. */
int32_t hma_pipeline_id(const hma_pipeline *pipeline, const char *text, size_t length);

/* Appends the ids of valid UTF-8 text. */
hma_status hma_pipeline_encode(const hma_pipeline *pipeline, const char *text, size_t length, bool special, hma_id_list *ids);
/* Appends the text of ids; ids without a token leave no trace. */
hma_status hma_pipeline_decode(const hma_pipeline *pipeline, const int32_t *ids, size_t count, bool skip_special,
                               hma_buffer *out);

#endif
