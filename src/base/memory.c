#include "base/memory.h"

#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "hma/text.h"
#include "hma/tokenizer.h"

void *hma_new_array(size_t count, size_t size) {
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p) {
        (void)hma_error_memory("allocation");
    }
    return p;
}

void *hma_new_aligned(size_t count, size_t size) {
    size_t bytes;
    if (!hma_mul_size(&bytes, count ? count : 1, size) || !hma_add_size(&bytes, bytes, 63)) {
        (void)hma_error_memory("allocation");
        return NULL;
    }
    void *p = aligned_alloc(64, bytes & ~(size_t)63);
    if (!p) {
        (void)hma_error_memory("allocation");
    }
    return p;
}

int hma_grow(void *array_address, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity) {
        return 0;
    }
    size_t want = *capacity < 8 ? 8 : *capacity;
    while (want < needed) {
        if (!hma_mul_size(&want, want, 2)) {
            return (int)hma_error_memory("allocation");
        }
    }
    size_t bytes;
    if (!hma_mul_size(&bytes, want, size)) {
        return (int)hma_error_memory("allocation");
    }
    void *old;
    memcpy(&old, array_address, sizeof old);
    void *grown = realloc(old, bytes);
    if (!grown) {
        return (int)hma_error_memory("allocation");
    }
    memcpy(array_address, &grown, sizeof grown);
    *capacity = want;
    return 0;
}

char *hma_copy_bytes(const char *bytes, size_t length) {
    size_t size;
    char *copy = hma_add_size(&size, length, 1) ? malloc(size) : NULL;
    if (!copy) {
        (void)hma_error_memory("text");
        return NULL;
    }
    if (length) {
        memcpy(copy, bytes, length);
    }
    copy[length] = 0;
    return copy;
}

char *hma_copy_text(const char *text) { return hma_copy_bytes(text, strlen(text)); }

/* Public names for freeing what the library returns: a caller may use another allocator than we do. */
void hma_text_free(char *text) { free(text); }
void hma_ids_free(int32_t *ids) { free(ids); }
