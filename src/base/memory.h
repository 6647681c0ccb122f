/*
 * Allocation. All of libhma allocates through these, so that products are checked in one place and tests can make the Nth
 * allocation fail (they wrap malloc, calloc, realloc and aligned_alloc at link time).
 */
#ifndef HMA_BASE_MEMORY_H
#define HMA_BASE_MEMORY_H

#include <stddef.h>
#include <stdlib.h>

/* count * size bytes, zeroed; NULL with the error set. count or size 0 gives a pointer that can be freed. */
void *hma_new_array(size_t count, size_t size);

/* count * size bytes, not zeroed, aligned to a cache line; freed with free(). */
void *hma_new_aligned(size_t count, size_t size);

/* Grows *array (elements of `size` bytes, *capacity of them) to hold at least `needed`, at least doubling. */
int hma_grow(void *array_address, size_t *capacity, size_t needed, size_t size);

/* Copies; NULL with the error set. */
char *hma_copy_text(const char *text);
char *hma_copy_bytes(const char *bytes, size_t length); /* adds a terminator */

/* For elements of type T: T *a = HMA_NEW(T, n). */
#define HMA_NEW(type, count) ((type *)hma_new_array((count), sizeof(type)))

#endif
