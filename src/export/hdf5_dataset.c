/* Datasets and the scales of their dimensions. */
#include <hdf5_hl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "export/hdf5_file.h"
#include "export/text.h"

enum {
    CHUNK_ELEMENTS = 1 << 16, /* at most, in one chunk */
    GZIP_LEVEL = 6,
    MOST_ATTACHED = 2000 /* along one dimension: the time grows with the square, and a scale lists at most 4095 */
};

static void describe(hma_h5 *h5, hid_t dataset, const hma_h5_column *column) {
    if (column->long_name) {
        hma_h5_note_text(h5, dataset, "long_name", column->long_name);
    }
    if (column->units) {
        hma_h5_note_text(h5, dataset, "units", column->units);
    }
    if (column->higher_is_better) {
        hma_h5_note_bool(h5, dataset, "higher_is_better", *column->higher_is_better);
    }
}

/* The elements of a shape; false when their bytes cannot be counted. */
static bool count_elements(const hma_h5_shape *shape, size_t *elements) {
    size_t bytes;
    *elements = 1;
    for (size_t i = 0; i < shape->rank; i++) {
        if (!hma_mul_size(elements, *elements, shape->dimension[i]->length)) {
            return false;
        }
    }
    return hma_mul_size(&bytes, *elements, sizeof(double)) && hma_mul_size(&bytes, *elements, sizeof(char *));
}

/*
 * Chunks are as long as they can be along the last dimension: rows of items stay together. HDF5 allows no checksum on texts of
 * variable length, whose chunks hold references only.
 */
static bool set_chunks(hid_t creation, const hma_h5_shape *shape, bool is_text) {
    hsize_t chunk[HMA_H5_MAX_RANK];
    size_t room = CHUNK_ELEMENTS;
    for (size_t i = shape->rank; i-- > 0;) {
        chunk[i] = hma_max_size(1, hma_min_size(room, shape->dimension[i]->length));
        room = hma_max_size(1, room / (size_t)chunk[i]);
    }
    return H5Pset_chunk(creation, (int)shape->rank, chunk) >= 0 && H5Pset_shuffle(creation) >= 0 &&
           H5Pset_deflate(creation, GZIP_LEVEL) >= 0 && (is_text || H5Pset_fletcher32(creation) >= 0);
}

static hid_t dataset_properties(const hma_h5_shape *shape, size_t elements, hid_t type) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const double missing = NAN;
    if (creation < 0 || H5Pset_obj_track_times(creation, false) < 0 ||
        (shape->rank > 0 && elements > 0 && !set_chunks(creation, shape, H5Tget_class(type) == H5T_STRING)) ||
        (H5Tget_class(type) == H5T_FLOAT && H5Pset_fill_value(creation, H5T_NATIVE_DOUBLE, &missing) < 0)) {
        (void)H5Pclose(creation);
        return H5I_INVALID_HID;
    }
    return creation;
}

static hid_t make_space(const hma_h5_shape *shape) {
    hsize_t lengths[HMA_H5_MAX_RANK];
    for (size_t i = 0; i < shape->rank; i++) {
        lengths[i] = shape->dimension[i]->length;
    }
    return shape->rank ? H5Screate_simple((int)shape->rank, lengths, NULL) : H5Screate(H5S_SCALAR);
}

static void attach_scales(hma_h5 *h5, hid_t dataset, const hma_h5_shape *shape) {
    for (size_t i = 0; i < shape->rank && h5->status == HMA_OK; i++) {
        hma_h5_dimension *dimension = shape->dimension[i];
        if (dimension->attached++ == MOST_ATTACHED) {
            h5->status = hma_error(HMA_FAILURE,
                                   "%s: too many columns along one dimension (expected at most %d): export the run "
                                   "as .csv or .json",
                                   h5->name, MOST_ATTACHED);
        } else {
            (void)hma_h5_check(h5, H5DSattach_scale(dataset, dimension->scale, (unsigned)i), "attach a dimension scale");
        }
    }
}

/* What a dataset must be when it is read back. */
static void remember(hma_h5 *h5, hid_t dataset, size_t elements, const void *content, size_t bytes) {
    const ssize_t length = H5Iget_name(dataset, NULL, 0);
    if (!hma_h5_check(h5, length, "name a dataset")) {
        return;
    }
    hma_h5_record record = {.elements = elements, .path = HMA_NEW(char, (size_t)length + 1)};
    if (!record.path || hma_grow(&h5->records, &h5->record_capacity, h5->record_count + 1, sizeof record)) {
        free(record.path);
        hma_h5_fail_memory(h5);
        return;
    }
    (void)H5Iget_name(dataset, record.path, (size_t)length + 1);
    h5->status = hma_sha256_of(content, bytes, record.digest);
    h5->records[h5->record_count++] = record;
}

/* What goes into a dataset. */
typedef struct values_of {
    hid_t type, memory_type;
    const void *values;
    const void *content; /* [bytes]: what the digest is taken of */
    size_t bytes;
} values_of;

static hid_t store(hma_h5 *h5, hid_t group, const hma_h5_column *column, const hma_h5_shape *shape, const values_of *what) {
    size_t elements;
    if (h5->status != HMA_OK) {
        return H5I_INVALID_HID;
    }
    if (!count_elements(shape, &elements)) {
        hma_h5_fail_memory(h5);
        return H5I_INVALID_HID;
    }
    hid_t creation = dataset_properties(shape, elements, what->type), space = make_space(shape);
    hid_t dataset = creation >= 0 && space >= 0
                        ? H5Dcreate2(group, column->name, what->type, space, H5P_DEFAULT, creation, H5P_DEFAULT)
                        : H5I_INVALID_HID;
    if (hma_h5_check(h5, dataset, "make a dataset") && elements > 0) {
        (void)hma_h5_check(h5, H5Dwrite(dataset, what->memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, what->values),
                           "write a dataset");
    }
    describe(h5, dataset, column);
    if (h5->status == HMA_OK) {
        remember(h5, dataset, elements, what->content, what->bytes);
    }
    hma_h5_close(h5, &space);
    hma_h5_close(h5, &creation);
    return dataset;
}

static void finish(hma_h5 *h5, hid_t dataset, const hma_h5_shape *shape) {
    attach_scales(h5, dataset, shape);
    hma_h5_close(h5, &dataset);
}

void hma_h5_doubles(hma_h5 *h5, hid_t group, hma_h5_column column, hma_h5_shape shape, const double *values) {
    size_t elements;
    if (!count_elements(&shape, &elements)) {
        hma_h5_fail_memory(h5);
        return;
    }
    const values_of what = {H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values, values, elements * sizeof *values};
    hid_t dataset = store(h5, group, &column, &shape, &what);
    const double missing = NAN;
    hma_h5_note(h5, dataset, "_FillValue", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &missing);
    finish(h5, dataset, &shape);
}

static hid_t store_sizes(hma_h5 *h5, hid_t group, const hma_h5_column *column, const hma_h5_shape *shape,
                         const size_t *values) {
    size_t elements;
    int64_t *numbers = count_elements(shape, &elements) ? HMA_NEW(int64_t, elements) : NULL;
    if (!numbers) {
        hma_h5_fail_memory(h5);
        return H5I_INVALID_HID;
    }
    for (size_t i = 0; i < elements; i++) {
        numbers[i] = (int64_t)values[i];
    }
    const values_of what = {H5T_STD_I64LE, H5T_NATIVE_INT64, numbers, numbers, elements * sizeof *numbers};
    const hid_t dataset = store(h5, group, column, shape, &what);
    free(numbers);
    return dataset;
}

void hma_h5_sizes(hma_h5 *h5, hid_t group, hma_h5_column column, hma_h5_shape shape, const size_t *values) {
    finish(h5, store_sizes(h5, group, &column, &shape, values), &shape);
}

void hma_h5_bools(hma_h5 *h5, hid_t group, hma_h5_column column, hma_h5_shape shape, const bool *values) {
    size_t elements;
    int8_t *bytes = count_elements(&shape, &elements) ? HMA_NEW(int8_t, elements) : NULL;
    if (!bytes) {
        hma_h5_fail_memory(h5);
        return;
    }
    for (size_t i = 0; i < elements; i++) {
        bytes[i] = values[i];
    }
    const values_of what = {h5->bool_type, h5->bool_type, bytes, bytes, elements};
    finish(h5, store(h5, group, &column, &shape, &what), &shape);
    free(bytes);
}

/* Clean copies of texts, one after the other with their terminators, and pointers to them. */
static const char **clean_texts(hma_buffer *bytes, const char *const *values, size_t count) {
    const char **clean = HMA_NEW(const char *, count);
    for (size_t i = 0; clean && i < count; i++) {
        hma_put_text(bytes, values[i]);
        hma_buffer_char(bytes, 0);
    }
    if (clean && bytes->failed) {
        free(clean);
        return NULL;
    }
    const char *at = bytes->data;
    for (size_t i = 0; clean && i < count; i++) {
        clean[i] = at;
        at += strlen(at) + 1;
    }
    return clean;
}

static hid_t store_texts(hma_h5 *h5, hid_t group, const hma_h5_column *column, const hma_h5_shape *shape,
                         const char *const *values) {
    size_t elements;
    hma_buffer bytes = {0};
    const char **clean = count_elements(shape, &elements) ? clean_texts(&bytes, values, elements) : NULL;
    hid_t dataset = H5I_INVALID_HID;
    if (!clean) {
        hma_h5_fail_memory(h5);
    } else {
        const values_of what = {h5->text_type, h5->text_type, clean, hma_buffer_cstr(&bytes), bytes.length};
        dataset = store(h5, group, column, shape, &what);
    }
    free(clean);
    hma_buffer_free(&bytes);
    return dataset;
}

void hma_h5_texts(hma_h5 *h5, hid_t group, hma_h5_column column, hma_h5_shape shape, const char *const *values) {
    finish(h5, store_texts(h5, group, &column, &shape, values), &shape);
}

/* ---- dimensions ---- */

static hma_h5_dimension make_scale(hma_h5 *h5, const hma_h5_column *column, hid_t dataset, size_t length) {
    if (h5->status == HMA_OK) {
        (void)hma_h5_check(h5, H5DSset_scale(dataset, column->name), "make a dimension scale");
    }
    return (hma_h5_dimension){length, dataset, 0};
}

hma_h5_dimension hma_h5_numbered(hma_h5 *h5, hid_t group, hma_h5_column column, size_t first, size_t length) {
    hma_h5_dimension own = {length, H5I_INVALID_HID, 0};
    size_t *numbers = HMA_NEW(size_t, length);
    if (!numbers) {
        hma_h5_fail_memory(h5);
        return own;
    }
    for (size_t i = 0; i < length; i++) {
        numbers[i] = first + i;
    }
    const hid_t dataset = store_sizes(h5, group, &column, &(hma_h5_shape){1, {&own}}, numbers);
    free(numbers);
    return make_scale(h5, &column, dataset, length);
}

hma_h5_dimension hma_h5_named(hma_h5 *h5, hid_t group, hma_h5_column column, const char *const *names, size_t length) {
    hma_h5_dimension own = {length, H5I_INVALID_HID, 0};
    return make_scale(h5, &column, store_texts(h5, group, &column, &(hma_h5_shape){1, {&own}}, names), length);
}
