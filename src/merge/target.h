/* Whether a merged folder may take the place of what has its name. */
#ifndef HMA_MERGE_TARGET_H
#define HMA_MERGE_TARGET_H

#include "hma/error.h"

/*
 * A folder may be replaced, with all that lies in it, when it is empty or holds a model, and never when it holds a run. What can
 * be told of the name is told as well, before the work and not after it. HMA_USAGE names what is in the way. A name that nothing
 * has is fine.
 */
hma_status hma_check_target(const char *folder);

#endif
