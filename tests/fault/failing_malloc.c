#include "failing_malloc.h"

#include <stdatomic.h>
#include <stdlib.h>

static atomic_size_t countdown; /* 0: no failure to come */
static atomic_bool failed;

void fail_allocation(size_t number) {
    atomic_store(&failed, false);
    atomic_store(&countdown, number);
}

bool allocation_has_failed(void) { return atomic_load(&failed); }

static bool fails_now(void) {
    size_t left = atomic_load(&countdown);
    while (left > 0 && !atomic_compare_exchange_weak(&countdown, &left, left - 1)) {
    }
    if (left == 1) {
        atomic_store(&failed, true);
    }
    return left == 1;
}

/* the linker's names for the allocator and for what calls reach instead of it (--wrap) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size) { return fails_now() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { return fails_now() ? NULL : __real_calloc(count, size); }
void *__wrap_realloc(void *memory, size_t size) { return fails_now() ? NULL : __real_realloc(memory, size); }
void *__wrap_aligned_alloc(size_t alignment, size_t size) { return fails_now() ? NULL : __real_aligned_alloc(alignment, size); }
