/* The items of a task or the prompts of an alignment measure: one JSON object a line, checked field by field. */
#ifndef HMA_TASKS_ITEMS_H
#define HMA_TASKS_ITEMS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/text_set.h"
#include "eval/tasks/metrics.h"
#include "hma/error.h"
#include "hma/eval.h"

typedef struct hma_item {
    cJSON *document;      /* the line, or what the library made of a published document; owns the texts below */
    cJSON *published;     /* that document; NULL for a line of the suite's own format */
    char *id;             /* its "id", else its 0-based number */
    char *cluster;        /* its "cluster", "passage" or "group": what it shares with other items; NULL when there is none */
    const char *query;    /* what is shown; of a prompt: the prompt; "" for a text that is scored as a whole */
    const char **queries; /* [text_count]: each choice has a query of its own and `texts` are alike; NULL otherwise */
    const char **texts;   /* choices, answers, the one target or text; of DROP the spans of all answers */
    size_t text_count;
    size_t gold;         /* multiple choice: the (first) right one of `texts` */
    bool *right;         /* multiple choice: [text_count], which of them are right */
    bool is_target;      /* texts[0] is a "target", not a choice */
    const char *example; /* generate: what follows the query when the item is shown as a worked example */
    double words, bytes; /* text: what it counts as */
    hma_spans *answers;  /* DROP: where each answer is in `texts`; NULL otherwise */
    size_t answer_count;
    char **shown; /* [shown_count]: queries with worked examples before them, which query and queries point to then */
    size_t shown_count;
} hma_item;

/* What a choice is asked after. */
static inline const char *hma_item_query(const hma_item *item, size_t choice) {
    return item->queries ? item->queries[choice] : item->query;
}

typedef struct hma_items {
    hma_item *item;
    size_t count, capacity;
} hma_items;

typedef enum hma_item_kind {
    HMA_ITEM_CHOICES = 0, /* {"query","choices","gold"} or {"queries","target","gold"}; gold may be a list */
    HMA_ITEM_ANSWERS,     /* {"query","answers":["..", ..]} */
    HMA_ITEM_SPANS,       /* the same; an answer may also be a list of spans */
    HMA_ITEM_TARGET,      /* {"query","target"} or {"query","choices":[one]} */
    HMA_ITEM_TEXT,        /* {"text"} */
    HMA_ITEM_PROMPT       /* {"prompt"} */
} hma_item_kind;

/* The ids of a file's items, while it is read. */
typedef struct hma_item_reader {
    hma_items *items;
    hma_item_kind kind;
    hma_text_set ids;
    size_t read; /* items so far, kept or not */
} hma_item_reader;

/*
 * Checks one item and keeps it while there are fewer than `limit`. Takes over `document` and `published` (NULL: a line of the
 * suite's own format), whatever happens.
 */
hma_status hma_items_add(hma_item_reader *reader, cJSON *document, cJSON *published, const char *where, size_t limit);

/*
 * Reads a file, checks every line and keeps the first `limit` items. `digest` gets the SHA-256 of the file.
 * @return HMA_IO, HMA_BAD_DATA naming file and line.
 */
hma_status hma_items_load(hma_items *out, const char *path, hma_item_kind kind, size_t limit, char digest[65]);
void hma_items_free(hma_items *items);

#endif
