#include "base/atomic_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"

/* PARENT/.BASE.KIND-PID-N: beside the target, hidden, and its owner can be found again. */
static char *name_beside(const char *path, const char *kind) {
    static atomic_uint serial;
    char *parent = hma_path_parent(path);
    hma_buffer name = {0};
    if (parent) {
        size_t n = strlen(path);
        while (n > 1 && path[n - 1] == '/') {
            n--;
        }
        size_t from = n;
        while (from > 0 && path[from - 1] != '/') {
            from--;
        }
        hma_buffer_printf(&name, "%s/.%.*s.%s-%ld-%u", parent, (int)(n - from), path + from, kind, (long)getpid(),
                          atomic_fetch_add(&serial, 1));
    }
    free(parent);
    return parent ? hma_buffer_release(&name) : NULL;
}

static hma_status open_exclusive(hma_output *out, const char *path, const char *shown) {
    out->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return out->fd < 0 ? hma_error_io(shown, "create the file", errno) : HMA_OK;
}

hma_status hma_output_open(hma_output *out, const char *path) {
    hma_output o = {.fd = -1};
    if (hma_path_is_folder(path)) {
        return hma_error_io(path, "write the file", EISDIR);
    }
    o.path = hma_copy_text(path);
    o.temporary = o.path ? name_beside(path, "tmp") : NULL;
    hma_status status = o.temporary ? open_exclusive(&o, o.temporary, path) : HMA_FAILURE;
    if (status != HMA_OK) {
        free(o.path);
        free(o.temporary);
        return status;
    }
    *out = o;
    return HMA_OK;
}

hma_status hma_output_create(hma_output *out, const char *path) {
    hma_output o = {.fd = -1, .path = hma_copy_text(path)};
    hma_status status = o.path ? open_exclusive(&o, path, path) : HMA_FAILURE;
    if (status != HMA_OK) {
        free(o.path);
        return status;
    }
    *out = o;
    return HMA_OK;
}

hma_status hma_output_reserve(hma_output *output, uint64_t bytes) {
    int error_number;
    do {
        error_number = bytes ? posix_fallocate(output->fd, 0, (off_t)bytes) : 0;
    } while (error_number == EINTR);
    /* a file system without the call is no reason to stop: the writes will find out */
    if (error_number && error_number != EOPNOTSUPP && error_number != EINVAL) {
        return hma_error_io(output->path, "reserve space for the file", error_number);
    }
    return HMA_OK;
}

hma_status hma_output_write(hma_output *output, const void *bytes, size_t length) {
    const unsigned char *from = bytes;
    while (length > 0) {
        const ssize_t n = write(output->fd, from, length);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return hma_error_io(output->path, "write", errno);
        }
        from += n;
        length -= (size_t)n;
        output->written += (uint64_t)n;
    }
    return HMA_OK;
}

hma_status hma_output_write_at(const hma_output *output, uint64_t offset, const void *bytes, size_t length) {
    const unsigned char *from = bytes;
    while (length > 0) {
        const ssize_t n = pwrite(output->fd, from, length, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return hma_error_io(output->path, "write", errno);
        }
        from += n;
        offset += (uint64_t)n;
        length -= (size_t)n;
    }
    return HMA_OK;
}

static void forget(hma_output *output) {
    free(output->path);
    free(output->temporary);
    *output = (hma_output){.fd = -1};
}

void hma_output_discard(hma_output *output) {
    if (!output->path) {
        return;
    }
    if (output->fd >= 0) {
        (void)close(output->fd);
    }
    (void)unlink(output->temporary ? output->temporary : output->path);
    forget(output);
}

hma_status hma_folder_sync(const char *path) {
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return hma_error_io(path, "open the folder", errno);
    }
    hma_status status = HMA_OK;
    /* some file systems cannot sync a folder; nothing better can be done there */
    if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP) {
        status = hma_error_io(path, "flush the folder", errno);
    }
    (void)close(fd);
    return status;
}

hma_status hma_output_commit(hma_output *output) {
    /* what needs memory comes before the rename: after it nothing but the device may fail */
    char *parent = output->temporary ? hma_path_parent(output->path) : NULL;
    hma_status status = output->temporary && !parent ? HMA_FAILURE : HMA_OK;
    if (status == HMA_OK && fsync(output->fd) != 0) {
        status = hma_error_io(output->path, "flush", errno);
    }
    if (close(output->fd) != 0 && status == HMA_OK) {
        status = hma_error_io(output->path, "close", errno);
    }
    output->fd = -1;
    if (status == HMA_OK && output->temporary && rename(output->temporary, output->path) != 0) {
        status = hma_error_io(output->path, "put the file in place", errno);
    }
    if (status == HMA_OK) {
        status = parent ? hma_folder_sync(parent) : HMA_OK;
        forget(output);
    } else {
        hma_output_discard(output);
    }
    free(parent);
    return status;
}

static hma_status store(hma_output *output, const void *bytes, size_t length) {
    hma_status status = hma_output_reserve(output, length);
    if (status == HMA_OK) {
        status = hma_output_write(output, bytes, length);
    }
    if (status != HMA_OK) {
        hma_output_discard(output);
        return status;
    }
    return hma_output_commit(output);
}

hma_status hma_file_store(const char *path, const void *bytes, size_t length) {
    hma_output output;
    const hma_status status = hma_output_open(&output, path);
    return status == HMA_OK ? store(&output, bytes, length) : status;
}

hma_status hma_file_store_new(const char *path, const void *bytes, size_t length) {
    hma_output output;
    const hma_status status = hma_output_create(&output, path);
    return status == HMA_OK ? store(&output, bytes, length) : status;
}

/* ---- folders ---- */

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *ftw) {
    (void)s;
    (void)kind;
    (void)ftw;
    return remove(path);
}

hma_status hma_folder_remove(const char *path) {
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT) {
        return hma_error_io(path, "remove the folder", errno);
    }
    return HMA_OK;
}

/* ".BASE.partial-PID-N" of a process that is gone. Failures are left alone: they only cost space. */
static void remove_leftovers(const char *path) {
    char *parent = hma_path_parent(path), *mine = name_beside(path, "partial");
    DIR *folder = parent ? opendir(parent) : NULL;
    if (folder && mine) {
        const char *base = hma_path_base(mine);
        const char *dash = strstr(base, ".partial-");
        const size_t stem = dash ? (size_t)(dash - base) + strlen(".partial-") : 0;
        for (struct dirent *e; stem && (e = readdir(folder));) {
            char number[24];
            uint64_t pid;
            if (strncmp(e->d_name, base, stem) != 0) {
                continue;
            }
            (void)snprintf(number, sizeof number, "%.*s", (int)strcspn(e->d_name + stem, "-"), e->d_name + stem);
            if (hma_parse_u64(&pid, number) && pid <= INT32_MAX && kill((pid_t)pid, 0) != 0 && errno == ESRCH) {
                char *old = hma_path_join(parent, e->d_name);
                if (old) {
                    (void)hma_folder_remove(old);
                }
                free(old);
            }
        }
    }
    if (folder) {
        (void)closedir(folder);
    }
    free(parent);
    free(mine);
}

hma_status hma_stage_open(hma_stage *out, const char *path, bool replace) {
    if (!replace && hma_path_exists(path)) {
        return hma_error(HMA_USAGE, "%s: exists already (expected a new folder): choose another name or add --force", path);
    }
    if (replace && hma_path_exists(path) && !hma_path_is_folder(path)) {
        return hma_error(HMA_USAGE, "%s: is not a folder (expected a folder to replace): choose another name", path);
    }
    remove_leftovers(path);
    hma_stage stage = {hma_copy_text(path), name_beside(path, "partial")};
    hma_status status = stage.path && stage.folder ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK && mkdir(stage.folder, 0777) != 0) {
        status = hma_error_io(path, "create the folder", errno);
    }
    if (status != HMA_OK) {
        free(stage.path);
        free(stage.folder);
        return status;
    }
    *out = stage;
    return HMA_OK;
}

hma_status hma_stage_commit(hma_stage *stage, bool replace) {
    char *parent = hma_path_parent(stage->path); /* before the rename, as in hma_output_commit() */
    hma_status status = parent ? hma_folder_sync(stage->folder) : HMA_FAILURE;
    bool exchanged = false;
    if (status == HMA_OK) {
        if (replace && hma_path_exists(stage->path)) {
            /* both names stay valid at every moment; the old content then goes away under the hidden name */
            exchanged = renameat2(AT_FDCWD, stage->folder, AT_FDCWD, stage->path, RENAME_EXCHANGE) == 0;
            status = exchanged ? HMA_OK : hma_error_io(stage->path, "replace the folder", errno);
        } else if (renameat2(AT_FDCWD, stage->folder, AT_FDCWD, stage->path, RENAME_NOREPLACE) != 0) {
            status = hma_error_io(stage->path, "put the folder in place", errno);
        }
    }
    if (status != HMA_OK) {
        hma_stage_discard(stage);
        free(parent);
        return status;
    }
    if (exchanged) {
        (void)hma_folder_remove(stage->folder);
    }
    status = hma_folder_sync(parent);
    free(parent);
    free(stage->path);
    free(stage->folder);
    *stage = (hma_stage){0};
    return status;
}

static void put_renamed(hma_buffer *out, const char *text, const char *from, const char *to) {
    for (const char *at; (at = strstr(text, from)); text = at + strlen(from)) {
        hma_buffer_add(out, text, (size_t)(at - text));
        hma_buffer_text(out, to);
    }
    hma_buffer_text(out, text);
}

void hma_stage_discard(hma_stage *stage) {
    if (stage->folder) {
        /* keep the message of the failure that led here, but of the hidden name nobody knows */
        const hma_status status = hma_error_status();
        hma_buffer kept = {0};
        put_renamed(&kept, hma_error_message(), stage->folder, stage->path);
        (void)hma_folder_remove(stage->folder);
        if (hma_buffer_ok(&kept) == HMA_OK) {
            (void)hma_error(status, "%s", hma_buffer_cstr(&kept));
        }
        hma_buffer_free(&kept);
    }
    free(stage->path);
    free(stage->folder);
    *stage = (hma_stage){0};
}
