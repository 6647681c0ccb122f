/* What is known of a run apart from its scores: keys and values, some of which must be the same whenever it is resumed. */
#ifndef HMA_SEARCH_FACTS_H
#define HMA_SEARCH_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/error.h"

typedef enum hma_fact_kind {
    HMA_FACT_FIXED = 0, /* decides about scores: must not differ on resume */
    HMA_FACT_PLACE,     /* where things are now: the latest is kept */
    HMA_FACT_HISTORY    /* how the run began: the first is kept; "command_line" gets a line for each that adds candidates */
} hma_fact_kind;

typedef struct hma_fact {
    char *key, *value;
    hma_fact_kind kind; /* not recorded; facts that were read are HMA_FACT_HISTORY */
} hma_fact;

typedef struct hma_facts {
    hma_fact *list;
    size_t count, capacity;
} hma_facts;

/* How keys of digests of files begin; a name follows. */
#define HMA_RUN_FILE "file_sha256 "

void hma_facts_free(hma_facts *facts);

/* Adds or replaces. The key is copied, the value is formatted. */
hma_status hma_facts_set(hma_facts *facts, hma_fact_kind kind, const char *key, const char *format, ...) HMA_PRINTF(4, 5);

/* NULL when there is none. */
const char *hma_facts_get(const hma_facts *facts, const char *key);

/* HMA_INCOMPATIBLE naming every fixed fact of `now` that is recorded otherwise, or not at all. `folder` is the run's. */
hma_status hma_facts_compare(const hma_facts *recorded, const hma_facts *now, const char *folder);

#endif
