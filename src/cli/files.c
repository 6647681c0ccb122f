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

/* The folder that a path's last name stands in; freed with free(). */
static char *parent_of(const char *path) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    while (end > 0 && path[end - 1] != '/') {
        end--;
    }
    return end ? strndup(path, end) : strdup(".");
}

/* Whether a real path leads through the folder. */
static bool leads_through(char *path, const char *folder) {
    for (;;) {
        if (cli_is_same_file(path, folder)) {
            return true;
        }
        char *slash = strrchr(path, '/');
        if (!slash || slash[1] == 0) {
            return false;
        }
        slash[slash == path] = 0;
    }
}

hma_status cli_check_output(const char *path, const char *const *inputs) {
    char *parent = parent_of(path);
    char *real = parent ? realpath(parent, NULL) : NULL;
    hma_status status = HMA_OK;
    if (!parent) {
        status = cli_error_memory();
    } else if (!real || access(real, W_OK | X_OK) != 0) {
        status = cli_error_io(path, "write", errno);
    }
    for (size_t i = 0; status == HMA_OK && inputs[i]; i++) {
        char *copy = strdup(real);
        if (!copy) {
            status = cli_error_memory();
        } else if (cli_is_same_file(path, inputs[i]) || leads_through(copy, inputs[i])) {
            status =
                cli_error(HMA_USAGE, "%s: is or belongs to %s, which is read (expected an output apart from it): name another",
                          path, inputs[i]);
        }
        free(copy);
    }
    free(parent);
    free(real);
    return status;
}

hma_status cli_check_output_folder(const char *path, const char *const *inputs) {
    struct stat about;
    const hma_status status = cli_check_output(path, inputs);
    if (status == HMA_OK && stat(path, &about) == 0 && !S_ISDIR(about.st_mode)) {
        return cli_error(HMA_USAGE, "%s: is a file (expected a folder to write into, or none): name another", path);
    }
    return status;
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
