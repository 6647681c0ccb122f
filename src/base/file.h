/* Reading files that may be anything: regular files only, sizes from fstat, short reads and EINTR handled. */
#ifndef HMA_BASE_FILE_H
#define HMA_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"

/* An open input. `size`, `device`, `inode` and `modified` are from fstat at opening. */
typedef struct hma_input {
    int fd; /* -1 when closed */
    uint64_t size;
    uint64_t device, inode;
    int64_t modified_seconds, modified_nanoseconds;
} hma_input;

/* Opens a regular file read-only; follows symbolic links. HMA_BAD_DATA for folders, FIFOs, sockets, devices and links without a
 * target, HMA_IO when the system refuses. `path` is used in messages. */
hma_status hma_input_open(hma_input *out, const char *path);
void hma_input_close(hma_input *input);

/* Reads exactly `length` bytes at `offset`; HMA_IO when the file ends before. Any number of threads at once. */
hma_status hma_input_read(const hma_input *input, const char *path, uint64_t offset, void *destination, size_t length);

/* HMA_IO when the file is no longer what it was at opening (size or modification time). Cheap: may follow every read. */
hma_status hma_input_unchanged(const hma_input *input, const char *path);

/* HMA_IO when `path` leads to another file by now, or nowhere: what is read from the open one is of the old file then. */
hma_status hma_input_in_place(const hma_input *input, const char *path);

/* A whole file of at most `limit` bytes, with a terminating zero that does not count; *data is freed with free(). */
hma_status hma_file_load(const char *path, size_t limit, char **data, size_t *length);

bool hma_path_exists(const char *path);
bool hma_path_is_folder(const char *path);

/* folder + "/" + name, in memory to be freed; NULL with the error set. */
char *hma_path_join(const char *folder, const char *name);
/* Part of the path before the last '/', "." when there is none. */
char *hma_path_parent(const char *path);
/* Part after the last '/'; points into `path`. */
const char *hma_path_base(const char *path);

/* Both exist and are the same file or folder (device and inode), whatever their names. */
bool hma_path_same(const char *a, const char *b);

#endif
