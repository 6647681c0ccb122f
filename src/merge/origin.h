/* What merged values follow from, so that what was made of them can be kept. */
#ifndef HMA_MERGE_ORIGIN_H
#define HMA_MERGE_ORIGIN_H

#include <stdint.h>

#include "hma/merge.h"

/*
 * What the values of a tensor follow from. Tensors of the same name, of whatever sources, whose origins are equal word for word
 * have equal bytes: what was made of one serves for the other.
 */
typedef struct hma_origin_of_values {
    uint64_t word[9];
} hma_origin_of_values;
hma_origin_of_values hma_source_origin(const hma_source *source, const hma_tensor *tensor);

#endif
