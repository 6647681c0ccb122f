/* The finished file: its bytes, and the proof that they say what was meant. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "export/hdf5_file.h"

hma_status hma_h5_image(hma_h5 *h5, void **image, size_t *length) {
    if (h5->status == HMA_OK) {
        (void)hma_h5_check(h5, H5Fflush(h5->file, H5F_SCOPE_GLOBAL), "flush the file in memory");
    }
    const ssize_t size = h5->status == HMA_OK ? H5Fget_file_image(h5->file, NULL, 0) : 0;
    if (!hma_h5_check(h5, size, "measure the file")) {
        return h5->status;
    }
    void *bytes = HMA_NEW(char, (size_t)size);
    if (!bytes) {
        hma_h5_fail_memory(h5);
    } else if (hma_h5_check(h5, H5Fget_file_image(h5->file, bytes, (size_t)size), "copy the file")) {
        *image = bytes;
        *length = (size_t)size;
        return HMA_OK;
    }
    free(bytes);
    return h5->status;
}

/* ---- reading back ---- */

static hma_status texts_digest(hma_h5 *h5, hid_t dataset, size_t elements, char digest[65]) {
    char **texts = HMA_NEW(char *, elements);
    hma_buffer bytes = {0};
    if (!texts) {
        return HMA_FAILURE;
    }
    if (hma_h5_check(h5, H5Dread(dataset, h5->text_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts), "read texts back")) {
        for (size_t i = 0; i < elements; i++) {
            hma_buffer_add(&bytes, texts[i] ? texts[i] : "", texts[i] ? strlen(texts[i]) + 1 : 1);
        }
        hid_t space = H5Dget_space(dataset);
        (void)hma_h5_check(h5, H5Dvlen_reclaim(h5->text_type, space, H5P_DEFAULT, texts), "free texts");
        hma_h5_close(h5, &space);
    }
    if (h5->status == HMA_OK) {
        h5->status = hma_buffer_ok(&bytes);
    }
    if (h5->status == HMA_OK) {
        h5->status = hma_sha256_of(hma_buffer_cstr(&bytes), bytes.length, digest);
    }
    hma_buffer_free(&bytes);
    free(texts);
    return h5->status;
}

static hma_status values_digest(hma_h5 *h5, hid_t dataset, hid_t memory_type, size_t elements, char digest[65]) {
    const size_t bytes = elements * H5Tget_size(memory_type);
    void *values = HMA_NEW(char, bytes);
    if (!values) {
        return HMA_FAILURE;
    }
    if (hma_h5_check(h5, H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), "read values back")) {
        h5->status = hma_sha256_of(values, bytes, digest);
    }
    free(values);
    return h5->status;
}

static hma_status content_digest(hma_h5 *h5, hid_t dataset, size_t elements, char digest[65]) {
    hid_t type = H5Dget_type(dataset);
    const H5T_class_t class = type >= 0 ? H5Tget_class(type) : H5T_NO_CLASS;
    hma_h5_close(h5, &type);
    switch (class) {
    case H5T_STRING: return texts_digest(h5, dataset, elements, digest);
    case H5T_FLOAT: return values_digest(h5, dataset, H5T_NATIVE_DOUBLE, elements, digest);
    case H5T_INTEGER: return values_digest(h5, dataset, H5T_NATIVE_INT64, elements, digest);
    case H5T_ENUM: return values_digest(h5, dataset, h5->bool_type, elements, digest);
    default: hma_h5_check(h5, -1, "tell what a dataset holds"); return h5->status;
    }
}

static bool holds_elements(hid_t dataset, size_t elements) {
    const hid_t space = H5Dget_space(dataset);
    const hssize_t found = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
    (void)H5Sclose(space);
    return found >= 0 && (size_t)found == elements;
}

static void verify_record(hma_h5 *h5, hid_t file, const hma_h5_record *record) {
    char digest[65] = "";
    hid_t dataset = H5Dopen2(file, record->path, H5P_DEFAULT);
    if (hma_h5_check(h5, dataset, "open a dataset again") && holds_elements(dataset, record->elements)) {
        h5->status = content_digest(h5, dataset, record->elements, digest);
    }
    if (h5->status == HMA_OK && strcmp(digest, record->digest) != 0) {
        h5->status = hma_error(HMA_FAILURE,
                               "%s: %s reads back differently from what was written (expected the same values): "
                               "nothing was saved; try again, and report this",
                               h5->name, record->path);
    }
    hma_h5_close(h5, &dataset);
}

hma_status hma_h5_verify(hma_h5 *h5, const void *image, size_t length) {
    if (h5->status != HMA_OK) {
        return h5->status;
    }
    hid_t file = hma_h5_open_image(image, length);
    (void)hma_h5_check(h5, file, "open the finished file");
    for (size_t i = 0; i < h5->record_count && h5->status == HMA_OK; i++) {
        verify_record(h5, file, &h5->records[i]);
    }
    hma_h5_close(h5, &file);
    return h5->status;
}
