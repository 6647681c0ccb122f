#include "merge/target.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"
#include "checkpoint/folder.h"

/* The path without slashes at its end, in memory to be freed. */
static char *without_slashes(const char *path) {
    char *copy = hma_copy_text(path);
    for (size_t n = copy ? strlen(copy) : 0; n > 1 && copy[n - 1] == '/'; n--) {
        copy[n - 1] = 0;
    }
    return copy;
}

/* The folder is put in place by renaming, for which the place needs a name of its own. */
static hma_status check_name(const char *folder) {
    struct stat about;
    char *path = without_slashes(folder);
    const char *name = path ? hma_path_base(path) : NULL;
    hma_status status = path ? HMA_OK : HMA_FAILURE;
    if (path && (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)) {
        status = hma_error(HMA_USAGE,
                           "%s: says where the folder is and not what it is called (expected a name, because a new "
                           "folder takes its place): name it, as in ../NAME",
                           folder);
    } else if (path && lstat(path, &about) == 0 && S_ISLNK(about.st_mode)) {
        status = hma_error(HMA_USAGE,
                           "%s: is a symbolic link (expected a folder to replace, or a new name): name the folder that "
                           "it leads to",
                           folder);
    }
    free(path);
    return status;
}

/* The journal of a sweep or search: hours of work, of which a merge is a by-product. */
#define JOURNAL "journal.sqlite"

static hma_status check_content(const char *folder) {
    char **names;
    size_t count;
    bool is_model = false, is_empty = true, is_run = false;
    hma_status status = hma_folder_list(&names, &count, folder, "*");
    if (status != HMA_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], ".") == 0 || strcmp(names[i], "..") == 0) {
            continue;
        }
        is_empty = false;
        is_model = is_model || strcmp(names[i], HMA_CONFIG_FILE) == 0;
        is_run = is_run || strcmp(names[i], JOURNAL) == 0;
    }
    if (is_run) {
        status = hma_error(HMA_USAGE,
                           "%s: holds " JOURNAL ", the scores of a run (expected nothing but a model in what is to be "
                           "replaced): choose another name",
                           folder);
    } else if (!is_empty && !is_model) {
        status = hma_error(HMA_USAGE,
                           "%s: is not a model folder (expected " HMA_CONFIG_FILE " in what is to be replaced): choose "
                           "another name",
                           folder);
    }
    hma_names_free(names, count);
    return status;
}

hma_status hma_check_target(const char *folder) {
    const hma_status status = check_name(folder);
    return status == HMA_OK && hma_path_is_folder(folder) ? check_content(folder) : status;
}
