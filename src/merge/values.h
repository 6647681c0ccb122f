/* Single elements of tensors: where the ones that are not finite stand, and how that is said. */
#ifndef HMA_MERGE_VALUES_H
#define HMA_MERGE_VALUES_H

#include <stddef.h>

#include "hma/checkpoint.h"

/* An element of a weight type, widened. */
float hma_value_at(hma_dtype dtype, const void *values, size_t index);

/* Index of the first of `count` elements of a weight type that is NaN or infinite; `count` when there is none. */
size_t hma_first_not_finite(hma_dtype dtype, const void *values, size_t count);

/* HMA_NON_FINITE naming tensor, index (counted from `first`) and value. */
hma_status hma_check_finite(const hma_checkpoint *where, const hma_tensor *tensor, uint64_t first, size_t count,
                            const void *values);

/* The same for the elements of two checkpoints side by side; names both values. */
hma_status hma_check_both_finite(const hma_checkpoint *pre, const hma_checkpoint *post, const hma_tensor *tensor,
                                 uint64_t first, size_t count, const void *pre_values, const void *post_values);

#endif
