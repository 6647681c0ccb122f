#include "search/run_folder.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error_set.h"
#include "base/file.h"
#include "checkpoint/folder.h"

/* Standard files, logs and locks are opened early. */
enum { MOST_DESCRIPTORS = 256 };

/* Of a start that was killed, or of a run whose journal somebody deleted; known by the lock beside them. */
static const char *const own_files[] = {"lock",
                                        "suite.json",
                                        "requests.jsonl",
                                        "texts-*.jsonl",
                                        "journal.sqlite-journal",
                                        "journal.sqlite.new",
                                        "journal.sqlite.new-journal",
                                        ".suite.json.tmp-*",
                                        ".requests.jsonl.tmp-*"};

static bool is_own(const char *name) {
    bool found = false;
    for (size_t i = 0; i < sizeof own_files / sizeof *own_files; i++) {
        found = found || fnmatch(own_files[i], name, 0) == 0;
    }
    return found;
}

/* Whether the folder's lock is one that a run has written (run_lock.c). */
static bool is_locked_by_runs(const char *folder) {
    static const char start[] = "process ";
    char *path = hma_path_join(folder, "lock"), text[sizeof start] = "";
    hma_input input;
    bool is_lock = false;
    if (path && hma_path_exists(path) && hma_input_open(&input, path) == HMA_OK) {
        const size_t length = input.size < sizeof start - 1 ? (size_t)input.size : sizeof start - 1;
        is_lock = hma_input_read(&input, path, 0, text, length) == HMA_OK && strncmp(text, start, length) == 0;
        hma_input_close(&input);
    }
    free(path);
    return is_lock;
}

static bool is_written_here(const struct stat *about) {
    struct stat opened;
    for (int fd = 0; fd < MOST_DESCRIPTORS; fd++) {
        const int flags = fcntl(fd, F_GETFL);
        if (flags != -1 && (flags & O_ACCMODE) != O_RDONLY && fstat(fd, &opened) == 0 && opened.st_dev == about->st_dev &&
            opened.st_ino == about->st_ino) {
            return true;
        }
    }
    return false;
}

/* Nothing that anybody could miss. */
static bool is_of_no_weight(const char *folder, const char *name) {
    char *path = hma_path_join(folder, name);
    struct stat about;
    const bool is_file = path && lstat(path, &about) == 0 && S_ISREG(about.st_mode);
    free(path);
    return is_file && (about.st_size == 0 || is_written_here(&about));
}

hma_status hma_run_check_empty(const char *folder) {
    char **names;
    size_t count;
    hma_status status = hma_folder_list(&names, &count, folder, "*");
    if (status != HMA_OK) {
        return status;
    }
    const bool began = is_locked_by_runs(folder);
    for (size_t i = 0; i < count && status == HMA_OK; i++) {
        const bool itself = strcmp(names[i], ".") == 0 || strcmp(names[i], "..") == 0;
        if (!itself && !(began && is_own(names[i])) && !is_of_no_weight(folder, names[i])) {
            status = hma_error(HMA_USAGE,
                               "%s: holds %s and no journal (expected a run, or a folder that is new or empty): name "
                               "another",
                               folder, names[i]);
        }
    }
    hma_names_free(names, count);
    return status;
}
