/* Questions about positions of token sequences, answered in as few passes over the layers as memory allows. For score.c and
 * guesses.c. */
#ifndef HMA_EVAL_TRANSFORMER_SCORE_PARTS_H
#define HMA_EVAL_TRANSFORMER_SCORE_PARTS_H

#include "eval/transformer/model_parts.h"

/* The positions of a sequence that are asked for: `count` of them, the last one at its end. */
typedef struct hma_question {
    hma_ids sequence;
    size_t count;
    size_t original; /* number in the caller's list */
    size_t answer;   /* number of its first position among all that are asked for, where that is wanted */
} hma_question;

/* Called with final hidden states of the positions of some questions, one after the other. */
typedef hma_status (*hma_answer_fn)(void *user, hma_model *model, const float *hidden, const hma_question *questions,
                                    size_t count);

/*
 * Sorts the questions, so that shared prefixes meet, and answers them pass by pass. `what` is for progress reports; `use` is
 * HMA_PASS_COMPLETE or HMA_PASS_CONTINUED.
 */
hma_status hma_ask(hma_model *model, hma_question *questions, size_t count, hma_pass_use use, const char *what,
                   hma_answer_fn answer, void *user);

#endif
