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

/* A whole regular file of at most `limit` bytes; *text is freed with free(). */
hma_status cli_load_text(char **text, size_t *length, const char *path, size_t limit);

#endif
