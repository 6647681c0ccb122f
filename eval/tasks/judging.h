/*
 * Replies on their way to the judge. Prompts all of whose replies are final are judged while others are still being answered,
 * as soon as there are enough of them for a batch as fast as a larger one; the rest when all is said.
 */
#ifndef HMA_TASKS_JUDGING_H
#define HMA_TASKS_JUDGING_H

#include <stdbool.h>
#include <stddef.h>

#include "eval/alignment/judge.h"
#include "eval/tasks/questions.h"

typedef struct hma_judging {
    size_t count, samples; /* replies, prompt by prompt; samples of each prompt */
    char **texts;          /* [count] */
    double *scores;        /* [count] */
    bool *final, *judged;  /* [count] */
    size_t waiting;        /* tokens, prompts included, of prompts that could be judged now */
    bool in_parts;         /* whether anything is judged before the end */
} hma_judging;

struct hma_evaluator;

/* For a new model; what was judged before is forgotten. */
hma_status hma_judging_begin(struct hma_evaluator *evaluator);
/* What to tell about the evaluator's generations while they are asked; nothing when all is judged at the end. */
hma_listener hma_judging_listener(struct hma_evaluator *evaluator);
/* Judges what has not been judged. */
hma_status hma_judging_end(struct hma_evaluator *evaluator);
void hma_judging_free(hma_judging *judging);

#endif
