/* Files that the program itself looks at. */
#ifndef HMA_CLI_FILES_H
#define HMA_CLI_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/error.h"

/* Both exist and are one file or folder, whatever their names. */
bool cli_is_same_file(const char *a, const char *b);

/* Whether there is something of that name in the folder. */
bool cli_has_file(const char *folder, const char *name);

/*
 * What can be said of an output before hours of work: HMA_USAGE when it is one of `inputs` (NULL-terminated; files, or folders
 * together with all in them), HMA_IO when nothing can be written where it belongs. `path` may exist.
 */
hma_status cli_check_output(const char *path, const char *const *inputs);
/* The same of a folder: it may exist, but not as a file. */
hma_status cli_check_output_folder(const char *path, const char *const *inputs);

/* A whole regular file of at most `limit` bytes; *text is freed with free(). */
hma_status cli_load_text(char **text, size_t *length, const char *path, size_t limit);

#endif
