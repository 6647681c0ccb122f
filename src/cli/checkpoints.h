/* Opening model folders, and telling what is odd about them. */
#ifndef HMA_CLI_CHECKPOINTS_H
#define HMA_CLI_CHECKPOINTS_H

#include <stdbool.h>

#include "hma/checkpoint.h"
#include "hma/tokenizer.h"

/* As hma_checkpoint_open(); its warnings go to stderr. */
hma_status cli_checkpoint_open(hma_checkpoint **out, const char *folder);
/* Both must be closed, also after a failure. */
hma_status cli_pair_open(hma_checkpoint **pre, hma_checkpoint **post, const char *pre_folder, const char *post_folder);

/*
 * The tokenizer of a folder; NULL where there is none, and where there is one that cannot be read: `problem` says which, and is
 * "" otherwise. `broken` is true for the latter. Free with hma_tokenizer_free().
 */
enum { CLI_PROBLEM = 512 };
hma_tokenizer *cli_tokenizer_find(const char *folder, char problem[CLI_PROBLEM], bool *broken);

/* Warns when hma could not score what stands in a folder that was just written. */
void cli_warn_unless_scorable(const char *folder);

#endif
