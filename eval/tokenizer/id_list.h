/* A growable list of token ids. */
#ifndef HMA_TOKENIZER_ID_LIST_H
#define HMA_TOKENIZER_ID_LIST_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "hma/error.h"

typedef struct hma_id_list {
    int32_t *ids;
    size_t count, capacity;
} hma_id_list;

static inline hma_status hma_id_list_add(hma_id_list *list, int32_t id) {
    if (hma_grow(&list->ids, &list->capacity, list->count + 1, sizeof *list->ids)) {
        return HMA_FAILURE;
    }
    list->ids[list->count++] = id;
    return HMA_OK;
}

static inline void hma_id_list_free(hma_id_list *list) {
    free(list->ids);
    *list = (hma_id_list){0};
}

#endif
