#include "search/run_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error_set.h"
#include "base/file.h"

enum { HOLDER = 256 };

/* "process 123 on host": from the lock file of somebody else, which may say anything. */
static void read_holder(int fd, char holder[HOLDER]) {
    const ssize_t n = pread(fd, holder, HOLDER - 1, 0);
    holder[n > 0 ? n : 0] = 0;
    holder[strcspn(holder, "\n")] = 0;
    if (!*holder) {
        (void)snprintf(holder, HOLDER, "another process");
    }
}

/* For messages only: a full disk is found out by whoever writes something that matters. */
static void write_holder(int fd) {
    char host[HOST_NAME_MAX + 1] = "", holder[HOLDER];
    (void)gethostname(host, sizeof host - 1);
    const int length = snprintf(holder, sizeof holder, "process %ld on %s\n", (long)getpid(), host);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, holder, (size_t)length, 0) != length) {
        errno = 0;
    }
}

static hma_status take(int fd, const char *path, const char *folder) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        write_holder(fd);
        return HMA_OK;
    }
    if (errno != EWOULDBLOCK) {
        return hma_error_io(path, "lock", errno);
    }
    char holder[HOLDER];
    read_holder(fd, holder);
    return hma_error(HMA_FAILURE,
                     "%s: is being written by %s (one process at a time): wait for it to end, or name another run folder",
                     folder, holder);
}

/* False when the file that was locked has been removed meanwhile by the process that held it. */
static bool is_still_there(int fd, const char *path) {
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static hma_status open_and_take(int *fd, const char *path, const char *folder) {
    for (;;) {
        const int opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (opened < 0) {
            return hma_error_io(path, "open the lock", errno);
        }
        const hma_status status = take(opened, path, folder);
        if (status == HMA_OK && is_still_there(opened, path)) {
            *fd = opened;
            return HMA_OK;
        }
        hma_run_unlock(opened);
        if (status != HMA_OK) {
            return status;
        }
    }
}

hma_status hma_run_lock(int *fd, const char *folder) {
    char *path = hma_path_join(folder, "lock");
    const hma_status status = path ? open_and_take(fd, path, folder) : HMA_FAILURE;
    free(path);
    return status;
}

void hma_run_unlock(int fd) {
    if (fd >= 0) {
        (void)close(fd);
    }
}

void hma_run_unlock_and_remove(int fd, const char *folder) {
    char *path = fd >= 0 ? hma_path_join(folder, "lock") : NULL;
    if (path) {
        (void)unlink(path);
    }
    free(path);
    hma_run_unlock(fd);
}
