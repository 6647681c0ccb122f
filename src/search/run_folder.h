/* What a folder may hold before a run begins in it. */
#ifndef HMA_SEARCH_RUN_FOLDER_H
#define HMA_SEARCH_RUN_FOLDER_H

#include "hma/error.h"

/*
 * A run begins in an empty folder: its files would take the place of others, and whoever finds a journal in a folder takes it
 * for a run. What an earlier start left is no hindrance, nor are empty files and those that this process writes itself (its
 * log, its standard output). HMA_USAGE names what else there is.
 */
hma_status hma_run_check_empty(const char *folder);

#endif
