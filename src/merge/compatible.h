/* Two checkpoints that belong together. */
#ifndef HMA_MERGE_COMPATIBLE_H
#define HMA_MERGE_COMPATIBLE_H

#include "hma/checkpoint.h"

/*
 * HMA_INCOMPATIBLE with everything that keeps the two from being averaged, in one line. With `common_rows` vocabularies may
 * differ in size, as long as the tokens that both have are the same.
 */
hma_status hma_check_compatible(const hma_checkpoint *pre, const hma_checkpoint *post, bool common_rows);

/* The same for the model that deltas are taken from. */
hma_status hma_check_base(const hma_checkpoint *pre, const hma_checkpoint *base, bool common_rows);

#endif
