/*
 * The order in which byte-pair merges are done: a binary heap of candidates, smallest key first. It is what keeps a word of a
 * million characters from taking quadratic time.
 */
#ifndef HMA_TOKENIZER_MERGE_QUEUE_H
#define HMA_TOKENIZER_MERGE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"

/* A pair of neighbours that may become one symbol. Its place in the word breaks ties: `priority` << 32 | left. */
typedef struct hma_merge {
    uint64_t key;
    uint32_t right; /* its second symbol */
    uint32_t check; /* for the caller to see whether the pair is still what it was */
} hma_merge;

typedef struct hma_merge_queue {
    hma_merge *items;
    size_t count, capacity;
} hma_merge_queue;

static inline uint64_t hma_merge_key(uint32_t priority, uint32_t left) { return (uint64_t)priority << 32 | left; }
static inline uint32_t hma_merge_left(const hma_merge *merge) { return (uint32_t)merge->key; }

hma_status hma_merge_queue_push(hma_merge_queue *queue, hma_merge merge);
/* Takes the first; false when there is none. */
bool hma_merge_queue_pop(hma_merge_queue *queue, hma_merge *merge);
void hma_merge_queue_free(hma_merge_queue *queue);

#endif
