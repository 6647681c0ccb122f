/*
 * Worked examples before a query, drawn as lm-evaluation-harness draws them: one Mersenne Twister for a task, seeded once, goes
 * through the documents in order. What an item shows therefore depends on its number, and not on how many are asked.
 */
#ifndef HMA_TASKS_FEWSHOT_H
#define HMA_TASKS_FEWSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eval/tasks/items.h"
#include "hma/error.h"

enum { HMA_FEWSHOT_SEED = 1234 };

typedef struct hma_fewshot {
    size_t count;            /* worked examples before each query */
    const char *description; /* stands before them; NULL: nothing does */
    uint64_t seed;
    const char *delimiter; /* between a query and its answer */
    bool without_own;      /* one more is drawn, and the document that is asked is left out */
} hma_fewshot;

/* Puts description and examples out of `pool` before the queries of all items. @return HMA_BAD_DATA when the pool is too small.
 */
hma_status hma_fewshot_apply(hma_items *items, const hma_items *pool, const hma_fewshot *fewshot, const char *where);

/* What a worked example shows after its query and the delimiter. */
const char *hma_item_example(const hma_item *item);

#endif
