/* Single elements of tensors, for messages. */
#ifndef HMA_MERGE_VALUES_H
#define HMA_MERGE_VALUES_H

#include <stddef.h>

#include "hma/checkpoint.h"

/* An element of a weight type, widened. */
float hma_value_at(hma_dtype dtype, const void *values, size_t index);

/* Index of the first of `count` elements of a weight type that is NaN or infinite; `count` when there is none. */
size_t hma_first_not_finite(hma_dtype dtype, const void *values, size_t count);

#endif
