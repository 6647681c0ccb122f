/* Which items of a task, or which prompts, are asked: halves for searching and reporting, and parts in a random order. */
#ifndef HMA_TASKS_SELECTION_H
#define HMA_TASKS_SELECTION_H

#include <stddef.h>

#include "eval/tasks/suite.h"
#include "hma/eval.h"

typedef struct hma_pick {
    const hma_items *from;
    size_t *index; /* [count]: places in `from` */
    size_t count;
} hma_pick;

/*
 * Picks for a task by its number, or for the prompts with SIZE_MAX. `limit` counts the first items in the order of the file;
 * 0 means all. Empty where the suite has none. Free with hma_pick_free() in any case.
 * @return HMA_USAGE when there is nothing to search or to report on.
 */
hma_status hma_pick_make(hma_pick *out, const hma_suite *suite, size_t task, const hma_selection *selection, size_t limit);
void hma_pick_free(hma_pick *pick);

#endif
