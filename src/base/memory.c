#include "base/memory.h"

#include <string.h>
#include <sys/mman.h>

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

/* Blocks from this size on are asked for in huge pages: weights are read front to back, and every 4 KB page would cost a fault
 * and a translation. */
enum { HUGE_PAGE = 1 << 21, HUGE_BLOCK = 2 * HUGE_PAGE };

void *hma_new_aligned(size_t count, size_t size) {
    size_t bytes;
    if (!hma_mul_size(&bytes, count ? count : 1, size) || !hma_add_size(&bytes, bytes, HUGE_PAGE)) {
        (void)hma_error_memory("allocation");
        return NULL;
    }
    bytes -= HUGE_PAGE;
    const size_t unit = bytes >= HUGE_BLOCK ? HUGE_PAGE : 64;
    bytes = (bytes + unit - 1) / unit * unit;
    void *p = aligned_alloc(unit, bytes);
    if (!p) {
        (void)hma_error_memory("allocation");
    } else if (unit == HUGE_PAGE) {
        (void)madvise(p, bytes, MADV_HUGEPAGE); /* a wish; ordinary pages work as well */
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
