/* A growing list of tensors that owns their names. */
#ifndef HMA_CHECKPOINT_TENSOR_LIST_H
#define HMA_CHECKPOINT_TENSOR_LIST_H

#include "hma/checkpoint.h"

typedef struct hma_tensor_list {
    hma_tensor *items;
    size_t count, capacity;
    struct hma_name_slab *names; /* slabs do not move, so that names stay valid while the list grows */
} hma_tensor_list;

void hma_tensor_list_free(hma_tensor_list *list);

/* Appends a zeroed tensor with a copy of the name. The pointer is valid until the next one is added. */
hma_status hma_tensor_list_add(hma_tensor_list *list, const char *name, size_t length, hma_tensor **out);

/* Sorts the tensors from index `from` on by the bytes of their names. */
void hma_tensor_list_sort(hma_tensor_list *list, size_t from);
/* The same, and HMA_BAD_DATA naming `path` when a name occurs twice among them. */
hma_status hma_tensor_list_sort_unique(hma_tensor_list *list, size_t from, const char *path);

/* In a sorted list; NULL when there is none of the name. */
const hma_tensor *hma_tensor_list_find(const hma_tensor_list *list, const char *name);

#endif
