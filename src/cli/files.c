#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "talk.h"

bool cli_is_same_file(const char *a, const char *b) {
    struct stat of_a, of_b;
    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

bool cli_has_file(const char *folder, const char *name) {
    const int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat about;
    const bool there = fd >= 0 && fstatat(fd, name, &about, 0) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return there;
}

static hma_status read_all(int fd, const char *path, size_t size, char **text, size_t *length) {
    char *data = malloc(size + 1);
    if (!data) {
        return cli_error_memory();
    }
    size_t done = 0;
    while (done < size) {
        const ssize_t n = read(fd, data + done, size - done);
        if (n < 0 && errno != EINTR) {
            const int cause = errno;
            free(data);
            return cli_error_io(path, "read", cause);
        }
        if (n == 0) {
            break;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    *text = data;
    *length = done;
    return HMA_OK;
}

hma_status cli_load_text(char **text, size_t *length, const char *path, size_t limit) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not make us wait */
    struct stat about;
    if (fd < 0) {
        return cli_error_io(path, "open", errno);
    }
    hma_status status;
    if (fstat(fd, &about) != 0) {
        status = cli_error_io(path, "examine", errno);
    } else if (!S_ISREG(about.st_mode)) {
        status = cli_error(HMA_BAD_DATA, "%s: is %s (expected a regular file): name a file", path,
                           S_ISDIR(about.st_mode) ? "a folder" : "no regular file");
    } else if ((uint64_t)about.st_size > limit) {
        status = cli_error(HMA_BAD_DATA, "%s: is %" PRIu64 " bytes long (expected at most %zu): name another file", path,
                           (uint64_t)about.st_size, limit);
    } else {
        status = read_all(fd, path, (size_t)about.st_size, text, length);
    }
    (void)close(fd);
    return status;
}
