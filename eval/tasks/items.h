/* The items of a task or the prompts of an alignment measure: one JSON object a line, checked field by field. */
#ifndef HMA_TASKS_ITEMS_H
#define HMA_TASKS_ITEMS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "eval/tasks/metrics.h"
#include "hma/error.h"
#include "hma/eval.h"

typedef struct hma_item {
    cJSON *document;    /* the line; owns the texts below */
    char *id;           /* its "id", else its 0-based number */
    char *cluster;      /* its "cluster", "passage" or "group": what it shares with other items; NULL when there is none */
    const char *query;  /* what is shown; of a prompt: the prompt */
    const char **texts; /* choices, answers or the one target; of DROP the spans of all answers */
    size_t text_count;
    size_t gold;        /* multiple choice: the right one of `texts` */
    bool is_target;     /* texts[0] is a "target", not a choice */
    hma_spans *answers; /* DROP: where each answer is in `texts`; NULL otherwise */
    size_t answer_count;
} hma_item;

typedef struct hma_items {
    hma_item *item;
    size_t count, capacity;
} hma_items;

typedef enum hma_item_kind {
    HMA_ITEM_CHOICES = 0, /* {"query","choices","gold"} */
    HMA_ITEM_ANSWERS,     /* {"query","answers":["..", ..]} */
    HMA_ITEM_SPANS,       /* the same; an answer may also be a list of spans */
    HMA_ITEM_TARGET,      /* {"query","target"} or {"query","choices":[one]} */
    HMA_ITEM_PROMPT       /* {"prompt"} */
} hma_item_kind;

/*
 * Reads a file, checks every line and keeps the first `limit` items. `digest` gets the SHA-256 of the file.
 * @return HMA_IO, HMA_BAD_DATA naming file and line.
 */
hma_status hma_items_load(hma_items *out, const char *path, hma_item_kind kind, size_t limit, char digest[65]);
void hma_items_free(hma_items *items);

#endif
