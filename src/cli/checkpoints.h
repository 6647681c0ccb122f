/* Opening model folders, and telling what is odd about them. */
#ifndef HMA_CLI_CHECKPOINTS_H
#define HMA_CLI_CHECKPOINTS_H

#include "hma/checkpoint.h"

/* As hma_checkpoint_open(); its warnings go to stderr. */
hma_status cli_checkpoint_open(hma_checkpoint **out, const char *folder);
/* Both must be closed, also after a failure. */
hma_status cli_pair_open(hma_checkpoint **pre, hma_checkpoint **post, const char *pre_folder, const char *post_folder);

#endif
