/* One process at a time writes to a run: an exclusive flock(2) on RUN/lock, which names its holder. Dies with the process. */
#ifndef HMA_SEARCH_RUN_LOCK_H
#define HMA_SEARCH_RUN_LOCK_H

#include "hma/error.h"

/* HMA_FAILURE naming the process and host that hold the lock. *fd is given back with hma_run_unlock(). */
hma_status hma_run_lock(int *fd, const char *folder);
/* Gives the lock back; the file stays. -1 is allowed. */
void hma_run_unlock(int fd);
/* The same, and removes the file if it was locked: for a folder that is to vanish. */
void hma_run_unlock_and_remove(int fd, const char *folder);

#endif
