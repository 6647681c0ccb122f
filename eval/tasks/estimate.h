/*
 * What an evaluation costs before it is done. Questions are counted; how long replies are is learnt from those that are known
 * already, and until then they are taken to be as long as they may be.
 */
#ifndef HMA_TASKS_ESTIMATE_H
#define HMA_TASKS_ESTIMATE_H

#include <stdbool.h>

#include "base/course.h"
#include "eval/transformer/estimate.h"
#include "hma/eval.h"

/* Tokens that replies had so far: task by task, and last those to prompts. */
typedef struct hma_reply_lengths {
    double *tokens, *replies; /* [tasks + 1] */
} hma_reply_lengths;

/* What does not depend on the replies' length, counted once for each selection of items. */
typedef struct hma_outlay {
    bool known;
    hma_work pairs, prompts;
    /* measured once, and kept when other items are selected */
    double rate;    /* operations per second; 0: not yet */
    double reading; /* seconds in which all layers are read once; 0: they stay in memory, or not yet */
} hma_outlay;

hma_status hma_reply_lengths_new(hma_reply_lengths *lengths, size_t tasks);
void hma_reply_lengths_free(hma_reply_lengths *lengths);

/* Learns from the replies that the evaluator holds, those of the model that it asked last. */
void hma_evaluator_learn_lengths(hma_evaluator *evaluator);
/* Learns from an earlier result on the same suite, from a journal. */
hma_status hma_evaluator_learn_result(hma_evaluator *evaluator, const hma_result *result);

/* Measures what can only be measured while the source of the model in hand is there. */
hma_status hma_evaluator_time_reading(hma_evaluator *evaluator);

/*
 * Seconds, phase by phase, that a model like the one in hand will take of whose layers a share has not to be computed, and of
 * which there are `models` side by side (a mixture).
 */
hma_status hma_evaluator_expect(hma_evaluator *evaluator, double shared, size_t models, hma_expectation *out);

#endif
