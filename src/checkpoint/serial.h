/* Which opening of a folder a checkpoint is: what was read of one may be used again only while it is that one. */
#ifndef HMA_CHECKPOINT_SERIAL_H
#define HMA_CHECKPOINT_SERIAL_H

#include <stdint.h>

#include "hma/checkpoint.h"

/* No two checkpoints of a process have the same, also not one after the other at the same address. Never 0. */
uint64_t hma_checkpoint_serial(const hma_checkpoint *checkpoint);

#endif
