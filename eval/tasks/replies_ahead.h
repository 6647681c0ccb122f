/*
 * Replies of several candidates, given in step before each of them is asked the rest. Where weights are streamed, a step of
 * generation takes as long as reading all layers, whoever reads them: in step they are read once for all.
 */
#ifndef HMA_TASKS_REPLIES_AHEAD_H
#define HMA_TASKS_REPLIES_AHEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/model.h"

/* What one model said. */
typedef struct hma_replies_of_model {
    char *identity;
    hma_generation *generations; /* [count] */
    size_t count;
    hma_model_counters cost;
    double seconds;
} hma_replies_of_model;

/* Until they are taken. */
typedef struct hma_replies_ahead {
    hma_replies_of_model *models; /* [count] */
    size_t count;
} hma_replies_ahead;

/* No more than are lost when a run is interrupted. */
enum { HMA_MOST_TOGETHER = 8 };

struct hma_evaluator;

/* False: weights stay in memory, as far as is known, so that there is nothing to find out. */
bool hma_replies_may_help(const struct hma_evaluator *evaluator);

/*
 * How many models like the one in hand may give their replies in step, within the memory that is left; 1: none do, because
 * weights stay in memory or nothing is to be generated.
 */
size_t hma_replies_together(const struct hma_evaluator *evaluator);

/* Whether the replies of the model in hand are there, until they are taken or other items are selected. */
bool hma_replies_are_there(const struct hma_evaluator *evaluator);

/*
 * Has the models of these sources reply; the evaluator's own is bound to the first. What was there before is forgotten. Models
 * that cannot go together, or one of which overflows, leave nothing: each replies on its own then.
 */
hma_status hma_replies_give(struct hma_evaluator *evaluator, const hma_source *const *sources, size_t count);

/* Puts the replies of the model in hand, if they are there, into the evaluator's questions; what they have cost is added. */
void hma_replies_take(struct hma_evaluator *evaluator, hma_model_counters *cost, double *seconds);

void hma_replies_ahead_free(hma_replies_ahead *ahead);

#endif
