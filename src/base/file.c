#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"

static hma_status not_regular(const char *path, mode_t mode) {
    const char *what = S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a named pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
    return hma_error(HMA_BAD_DATA, "%s: is %s (expected a regular file): name a file", path, what);
}

/* A link without a target is a fault of the data (a download that was interrupted), not of the system. */
static hma_status cannot_open(const char *path, int error_number) {
    struct stat s;
    if (error_number == ENXIO && stat(path, &s) == 0) { /* a socket, or a device without hardware */
        return not_regular(path, s.st_mode);
    }
    if ((error_number == ENOENT || error_number == ELOOP) && lstat(path, &s) == 0 && S_ISLNK(s.st_mode)) {
        return hma_error(HMA_BAD_DATA,
                         "%s: is a symbolic link that leads nowhere (expected a file behind it): download or link it again",
                         path);
    }
    return hma_error_io(path, "open the file", error_number);
}

hma_status hma_input_open(hma_input *out, const char *path) {
    /* O_NONBLOCK so that opening a FIFO returns at once; regular files ignore it */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return cannot_open(path, errno);
    }
    struct stat s;
    if (fstat(fd, &s) != 0) {
        const hma_status status = hma_error_io(path, "examine the file", errno);
        (void)close(fd);
        return status;
    }
    if (!S_ISREG(s.st_mode)) {
        (void)close(fd);
        return not_regular(path, s.st_mode);
    }
    *out = (hma_input){fd,       (uint64_t)s.st_size, (uint64_t)s.st_dev, (uint64_t)s.st_ino, (int64_t)s.st_mtim.tv_sec,
                       (int64_t)s.st_mtim.tv_nsec};
    return HMA_OK;
}

void hma_input_close(hma_input *input) {
    if (input->fd >= 0) {
        (void)close(input->fd); /* nothing was written */
    }
    input->fd = -1;
}

hma_status hma_input_read(const hma_input *input, const char *path, uint64_t offset, void *destination, size_t length) {
    unsigned char *to = destination;
    while (length > 0) {
        const ssize_t n = pread(input->fd, to, length, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return hma_error_io(path, "read", errno);
        }
        if (n == 0) {
            return hma_error(HMA_IO,
                             "%s: ends before byte %llu (expected %llu bytes more): the file was cut off while it was read; "
                             "restore it",
                             path, (unsigned long long)offset, (unsigned long long)length);
        }
        to += n;
        offset += (uint64_t)n;
        length -= (size_t)n;
    }
    return HMA_OK;
}

hma_status hma_input_unchanged(const hma_input *input, const char *path) {
    struct stat s;
    if (fstat(input->fd, &s) != 0) {
        return hma_error_io(path, "examine the file", errno);
    }
    if ((uint64_t)s.st_size != input->size || (int64_t)s.st_mtim.tv_sec != input->modified_seconds ||
        (int64_t)s.st_mtim.tv_nsec != input->modified_nanoseconds) {
        return hma_error(
            HMA_IO, "%s: changed while it was read (expected it to stay as it is): let the writer finish and run again", path);
    }
    return HMA_OK;
}

hma_status hma_input_in_place(const hma_input *input, const char *path) {
    struct stat s;
    if (stat(path, &s) == 0 && (uint64_t)s.st_dev == input->device && (uint64_t)s.st_ino == input->inode) {
        return HMA_OK;
    }
    return hma_error(HMA_IO, "%s: was replaced while it was read (expected it to stay as it is): run again", path);
}

hma_status hma_file_load(const char *path, size_t limit, char **data, size_t *length) {
    hma_input input = {.fd = -1};
    hma_status status = hma_input_open(&input, path);
    if (status != HMA_OK) {
        return status;
    }
    char *text = NULL;
    if (input.size > limit) {
        status = hma_error(HMA_BAD_DATA, "%s: is %llu bytes (expected at most %zu): this is not the right file", path,
                           (unsigned long long)input.size, limit);
        goto out;
    }
    text = hma_new_array((size_t)input.size + 1, 1);
    if (!text) {
        status = HMA_FAILURE;
        goto out;
    }
    status = hma_input_read(&input, path, 0, text, (size_t)input.size);
    if (status == HMA_OK) {
        status = hma_input_unchanged(&input, path);
    }
    if (status == HMA_OK) {
        *data = text;
        *length = (size_t)input.size;
        text = NULL;
    }
out:
    free(text);
    hma_input_close(&input);
    return status;
}

bool hma_path_exists(const char *path) {
    struct stat s;
    return lstat(path, &s) == 0;
}

bool hma_path_is_folder(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

char *hma_path_join(const char *folder, const char *name) {
    const size_t n = strlen(folder), m = strlen(name);
    size_t size;
    if (!hma_add_size(&size, n, m) || !hma_add_size(&size, size, 2)) {
        (void)hma_error_memory("path");
        return NULL;
    }
    char *path = hma_new_array(size, 1);
    if (path) {
        memcpy(path, folder, n);
        size_t at = n;
        if (n > 0 && folder[n - 1] != '/') {
            path[at++] = '/';
        }
        memcpy(path + at, name, m);
    }
    return path;
}

/* Length of `path` without trailing slashes (but "/" stays). */
static size_t trimmed(const char *path) {
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') {
        n--;
    }
    return n;
}

char *hma_path_parent(const char *path) {
    size_t n = trimmed(path);
    while (n > 0 && path[n - 1] != '/') {
        n--;
    }
    if (n == 0) {
        return hma_copy_text(".");
    }
    return hma_copy_bytes(path, n > 1 ? n - 1 : 1);
}

const char *hma_path_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

bool hma_path_same(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}
