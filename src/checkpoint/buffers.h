/* What the name of a tensor says about its place: tensors that carry nothing learned, tensors with a row for every token. */
#ifndef HMA_CHECKPOINT_BUFFERS_H
#define HMA_CHECKPOINT_BUFFERS_H

#include <stdbool.h>

#include "hma/checkpoint.h"

/*
 * Attention masks and rotary frequencies as old versions of transformers wrote them: NAME.rotary_emb.inv_freq, attn.bias,
 * attn.masked_bias, attention.bias, attention.masked_bias. They follow from config.json, so it does not matter when only one
 * of two checkpoints has them.
 */
bool hma_tensor_is_buffer(const char *name);

/* The output head of a checkpoint whose head is tied: a copy of the embedding that some writers store and others leave out. */
bool hma_tensor_is_tied_copy(const hma_checkpoint *checkpoint, const char *name);

/* Embedding and output head: the tensors with a row for every token. */
bool hma_tensor_has_vocabulary_rows(const char *name);

#endif
