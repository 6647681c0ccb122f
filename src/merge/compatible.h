/* Two checkpoints that belong together. */
#ifndef HMA_MERGE_COMPATIBLE_H
#define HMA_MERGE_COMPATIBLE_H

#include "hma/checkpoint.h"

/* HMA_INCOMPATIBLE with the first reason why the two cannot be averaged, and the number of reasons. */
hma_status hma_check_compatible(const hma_checkpoint *pre, const hma_checkpoint *post);

#endif
