/* The reward of a reward model: the one output of a sequence-classification folder on a text. */
#ifndef HMA_ALIGNMENT_REWARD_H
#define HMA_ALIGNMENT_REWARD_H

#include <stddef.h>

#include "hma/context.h"
#include "hma/error.h"
#include "hma/model.h"
#include "hma/tokenizer.h"

typedef struct hma_reward_model hma_reward_model;

/* Opens a folder with its own tokenizer. @return HMA_INCOMPATIBLE for a model that has no reward head. */
hma_status hma_reward_open(hma_reward_model **out, hma_context *context, const char *folder, const hma_model_options *options);
void hma_reward_close(hma_reward_model *reward);
const hma_model *hma_reward_model_of(const hma_reward_model *reward);
const hma_tokenizer *hma_reward_tokenizer(const hma_reward_model *reward);

/* Rewards of texts, encoded with special tokens; texts that are too long lose their beginning, with a warning. */
hma_status hma_reward_score(hma_reward_model *reward, char *const *texts, size_t count, double *scores);

#endif
