#include "eval/tokenizer/merge_queue.h"

#include <stdlib.h>

#include "base/memory.h"

hma_status hma_merge_queue_push(hma_merge_queue *queue, hma_merge merge) {
    if (hma_grow(&queue->items, &queue->capacity, queue->count + 1, sizeof *queue->items)) {
        return HMA_FAILURE;
    }
    hma_merge *items = queue->items;
    size_t at = queue->count++;
    for (; at > 0 && items[(at - 1) / 2].key > merge.key; at = (at - 1) / 2) {
        items[at] = items[(at - 1) / 2];
    }
    items[at] = merge;
    return HMA_OK;
}

bool hma_merge_queue_pop(hma_merge_queue *queue, hma_merge *merge) {
    if (queue->count == 0) {
        return false;
    }
    hma_merge *items = queue->items;
    *merge = items[0];
    const hma_merge last = items[--queue->count];
    size_t at = 0;
    for (size_t child = 1; child < queue->count; child = 2 * at + 1) {
        if (child + 1 < queue->count && items[child + 1].key < items[child].key) {
            child++;
        }
        if (items[child].key >= last.key) {
            break;
        }
        items[at] = items[child];
        at = child;
    }
    items[at] = last;
    return true;
}

void hma_merge_queue_free(hma_merge_queue *queue) {
    free(queue->items);
    *queue = (hma_merge_queue){0};
}
