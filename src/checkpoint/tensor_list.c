#include "checkpoint/tensor_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"

enum { SLAB_BYTES = 1 << 16 };

struct hma_name_slab {
    struct hma_name_slab *next;
    size_t used, size;
    char bytes[];
};

void hma_tensor_list_free(hma_tensor_list *list) {
    for (struct hma_name_slab *slab = list->names; slab;) {
        struct hma_name_slab *next = slab->next;
        free(slab);
        slab = next;
    }
    free(list->items);
    *list = (hma_tensor_list){0};
}

static const char *keep_name(hma_tensor_list *list, const char *name, size_t length) {
    struct hma_name_slab *slab = list->names;
    if (!slab || slab->size - slab->used <= length) {
        const size_t size = hma_max_size(SLAB_BYTES, length + 1);
        slab = hma_new_array(sizeof *slab + size, 1);
        if (!slab) {
            return NULL;
        }
        slab->size = size;
        slab->next = list->names;
        list->names = slab;
    }
    char *copy = slab->bytes + slab->used;
    memcpy(copy, name, length);
    copy[length] = 0;
    slab->used += length + 1;
    return copy;
}

hma_status hma_tensor_list_add(hma_tensor_list *list, const char *name, size_t length, hma_tensor **out) {
    if (hma_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items)) {
        return HMA_FAILURE;
    }
    const char *kept = keep_name(list, name, length);
    if (!kept) {
        return HMA_FAILURE;
    }
    *out = &list->items[list->count++];
    **out = (hma_tensor){.name = kept};
    return HMA_OK;
}

static int by_name(const void *a, const void *b) {
    const hma_tensor *x = a, *y = b;
    return strcmp(x->name, y->name);
}

void hma_tensor_list_sort(hma_tensor_list *list, size_t from) {
    if (list->count > from) {
        qsort(list->items + from, list->count - from, sizeof *list->items, by_name);
    }
}

hma_status hma_tensor_list_sort_unique(hma_tensor_list *list, size_t from, const char *path) {
    hma_tensor_list_sort(list, from);
    for (size_t i = from + 1; i < list->count; i++) {
        if (strcmp(list->items[i - 1].name, list->items[i].name) == 0) {
            return hma_error(HMA_BAD_DATA, "%s: tensor \"%.200s\" occurs twice (expected each name once): the file is damaged; "
                             "download or save it again", path, list->items[i].name);
        }
    }
    return HMA_OK;
}

const hma_tensor *hma_tensor_list_find(const hma_tensor_list *list, const char *name) {
    const hma_tensor key = {.name = name};
    return list->count ? bsearch(&key, list->items, list->count, sizeof *list->items, by_name) : NULL;
}
