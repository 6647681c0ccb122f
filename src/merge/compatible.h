/* Two checkpoints that belong together. */
#ifndef HMA_MERGE_COMPATIBLE_H
#define HMA_MERGE_COMPATIBLE_H

#include "hma/checkpoint.h"

/* HMA_INCOMPATIBLE with everything that keeps the two from being averaged, in one line. */
hma_status hma_check_compatible(const hma_checkpoint *pre, const hma_checkpoint *post);

#endif
