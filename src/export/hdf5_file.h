/*
 * An HDF5 file that is made in memory, one dataset at a time.
 *
 * A writer calls these one after the other and looks at `status` once at the end: after the first failure the calls do
 * nothing, so that the description of a layout is not buried in checks. What every dataset holds is remembered as a digest, and
 * hma_h5_verify() demands the same of a finished image.
 *
 * Why in memory: HDF5 1.10 crashes at the end of the process after a write that failed on a full disk. Why the earliest format:
 * it is the only one that images come out of unharmed, and every reader knows it.
 */
#ifndef HMA_EXPORT_HDF5_FILE_H
#define HMA_EXPORT_HDF5_FILE_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"

enum { HMA_H5_MAX_RANK = 3 };

/* What is remembered of a dataset. */
typedef struct hma_h5_record {
    char *path;
    size_t elements;
    char digest[65];
} hma_h5_record;

typedef struct hma_h5 {
    hma_status status; /* of the first failure */
    const char *name;  /* what messages call the file */
    hid_t file, text_type, bool_type;
    hma_h5_record *records;
    size_t record_count, record_capacity;
    bool is_quiet;           /* HDF5 does not print its errors */
    H5E_auto2_t old_handler; /* the host program's way of printing them, put back at the end */
    void *old_handler_data;
} hma_h5;

/* A dimension: its length and the dataset that is its scale. */
typedef struct hma_h5_dimension {
    size_t length;
    hid_t scale;
    size_t attached; /* datasets along it */
} hma_h5_dimension;

/* The dimensions of a dataset, slowest first; rank 0 is one value. */
typedef struct hma_h5_shape {
    size_t rank;
    hma_h5_dimension *dimension[HMA_H5_MAX_RANK];
} hma_h5_shape;

/* What a dataset is called and says of itself; what is NULL is left out. */
typedef struct hma_h5_column {
    const char *name;
    const char *long_name;
    const char *units;
    const bool *higher_is_better;
} hma_h5_column;

/* Begin and end always come as a pair; hma_h5_end() closes and frees everything. */
void hma_h5_begin(hma_h5 *h5, const char *name);
void hma_h5_end(hma_h5 *h5);

/* Groups and dimensions are closed by the caller, with hma_h5_close(). */
hid_t hma_h5_group(hma_h5 *h5, hid_t parent, const char *name);
hma_h5_dimension hma_h5_numbered(hma_h5 *h5, hid_t group, hma_h5_column column, size_t first, size_t length);
hma_h5_dimension hma_h5_named(hma_h5 *h5, hid_t group, hma_h5_column column, const char *const *names, size_t length);
void hma_h5_close(hma_h5 *h5, hid_t *object);

/* Attributes of a group. NULL texts are written as "". */
void hma_h5_note_text(hma_h5 *h5, hid_t object, const char *name, const char *value);
void hma_h5_note_integer(hma_h5 *h5, hid_t object, const char *name, uint64_t value);
void hma_h5_note_bool(hma_h5 *h5, hid_t object, const char *name, bool value);

/* Datasets, values in row-major order. What is not UTF-8 in a text becomes U+FFFD, a NULL text "". */
void hma_h5_doubles(hma_h5 *h5, hid_t group, hma_h5_column column, hma_h5_shape shape, const double *values);
void hma_h5_sizes(hma_h5 *h5, hid_t group, hma_h5_column column, hma_h5_shape shape, const size_t *values);
void hma_h5_bools(hma_h5 *h5, hid_t group, hma_h5_column column, hma_h5_shape shape, const bool *values);
void hma_h5_texts(hma_h5 *h5, hid_t group, hma_h5_column column, hma_h5_shape shape, const char *const *values);

/* ---- between the hdf5_*.c files ---- */

/* True when the work may go on; `result` is what an HDF5 call returned, `what` is what it was to do. */
bool hma_h5_check(hma_h5 *h5, long long result, const char *what);
void hma_h5_fail_memory(hma_h5 *h5);
void hma_h5_note(hma_h5 *h5, hid_t object, const char *name, hid_t file_type, hid_t memory_type, const void *value);
/* Opens the bytes of a file for reading; negative on failure. */
hid_t hma_h5_open_image(const void *image, size_t length);

/* ---- the end ---- */

/* The finished file. *image is freed with free(). */
hma_status hma_h5_image(hma_h5 *h5, void **image, size_t *length);
/* Opens an image from memory and reads back everything that was written. */
hma_status hma_h5_verify(hma_h5 *h5, const void *image, size_t length);

#endif
