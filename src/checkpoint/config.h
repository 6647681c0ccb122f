/* config.json and generation_config.json of an opened checkpoint, as checked cJSON trees. */
#ifndef HMA_CHECKPOINT_CONFIG_H
#define HMA_CHECKPOINT_CONFIG_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "hma/checkpoint.h"

/* config.json's root object; lives as long as the checkpoint. */
const cJSON *hma_checkpoint_config(const hma_checkpoint *checkpoint);

/* The object that describes the language model: the nested "text_config" of multimodal checkpoints, else the root. */
const cJSON *hma_checkpoint_text_config(const hma_checkpoint *checkpoint);

/* generation_config.json's root object, NULL when the folder has none. */
const cJSON *hma_checkpoint_generation_config(const hma_checkpoint *checkpoint);

/* Paths for messages: "FOLDER/config.json". */
const char *hma_checkpoint_config_path(const hma_checkpoint *checkpoint);
const char *hma_checkpoint_generation_config_path(const hma_checkpoint *checkpoint);

/*
 * Whether the output head is the embedding: "tie_word_embeddings", whose default depends on model_type (true for gpt2, gemma*,
 * opt; false for llama, mistral, qwen2, gpt_neox, ..; the reference is each configuration class of transformers).
 */
bool hma_checkpoint_tied_head(const hma_checkpoint *checkpoint);

#endif
