/*
 * Writing so that nobody ever sees half of it.
 *
 * A file: hma_output_open() makes ".NAME.tmp-PID-N" beside the target, hma_output_write() fills it, hma_output_commit() does
 * fsync, close, rename, fsync of the folder. hma_output_discard() (or a failed commit) removes it.
 *
 * A folder: hma_stage_open() makes ".NAME.partial-PID-N" beside the target; files are written into it; hma_stage_commit()
 * renames it into place in one step, exchanging it with an existing folder when that may be replaced.
 */
#ifndef HMA_BASE_ATOMIC_FILE_H
#define HMA_BASE_ATOMIC_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"

typedef struct hma_output {
    int fd; /* -1 when closed */
    char *path;
    char *temporary; /* == NULL when writing straight to `path` (inside a stage) */
    uint64_t written;
} hma_output;

/* Opens for writing beside `path`. */
hma_status hma_output_open(hma_output *out, const char *path);
/* Opens `path` itself, which must not exist: for files in a stage, which is atomic as a whole. */
hma_status hma_output_create(hma_output *out, const char *path);
/* Tells the file system how many bytes will come, so that a full disk is found now. */
hma_status hma_output_reserve(hma_output *output, uint64_t bytes);
hma_status hma_output_write(hma_output *output, const void *bytes, size_t length);
/* At an offset; any number of threads at once, for parts that do not overlap. Does not count in `written`. */
hma_status hma_output_write_at(const hma_output *output, uint64_t offset, const void *bytes, size_t length);
/* Flushes to the device, closes and puts in place. The output is closed afterwards in any case. */
hma_status hma_output_commit(hma_output *output);
/* Closes and removes. Does nothing after a commit. */
void hma_output_discard(hma_output *output);

/* All of the above for content that is in memory; the second for files in a stage, as hma_output_create(). */
hma_status hma_file_store(const char *path, const void *bytes, size_t length);
hma_status hma_file_store_new(const char *path, const void *bytes, size_t length);

typedef struct hma_stage {
    char *path;   /* the final folder */
    char *folder; /* where files are written now; NULL when closed */
} hma_stage;

/*
 * `replace`: an existing target is replaced at the commit; otherwise it is HMA_USAGE now.
 * Leftovers of dead processes for the same target are removed.
 */
hma_status hma_stage_open(hma_stage *out, const char *path, bool replace);
hma_status hma_stage_commit(hma_stage *stage, bool replace);
void hma_stage_discard(hma_stage *stage);

/* Removes a folder with everything in it; does not follow symbolic links. */
hma_status hma_folder_remove(const char *path);
/* fsync of a folder, so that renames in it last. */
hma_status hma_folder_sync(const char *path);

#endif
