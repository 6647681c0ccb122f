/* The Nth allocation fails. Calls from the program and the static library count, not those inside shared libraries. */
#ifndef HMA_TESTS_FAILING_MALLOC_H
#define HMA_TESTS_FAILING_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* From now on the `number`th allocation (from 1) and none after it fails; 0: none. */
void fail_allocation(size_t number);

/* Whether it has come to that. */
bool allocation_has_failed(void);

#endif
