/*
 * The log-likelihood of a whole text: it is cut into windows of the model's length that together score every token once, by
 * lm-evaluation-harness's rule. The first window stands after the prefix token; a later one after the token before it, and the
 * last one after as much as fits.
 */
#ifndef HMA_TASKS_ROLLING_H
#define HMA_TASKS_ROLLING_H

#include <stddef.h>

#include "eval/tasks/questions.h"
#include "hma/error.h"
#include "hma/requests.h"
#include "hma/tokenizer.h"

/* The prefix token and the tokens of a text, owned by the questions. */
hma_status hma_rolling_encode(hma_questions *questions, const hma_tokenizer *tokenizer, hma_bos bos, const char *text,
                              hma_ids *ids);

/* Adds the questions of a text for a model of `max_length` positions; *count says how many. None for a text without tokens. */
hma_status hma_rolling_add(hma_questions *questions, hma_ids ids, size_t max_length, size_t *count);

/* Sum over the answers of `count` questions. */
double hma_rolling_sum(const hma_loglikelihood *pairs, size_t count);

#endif
