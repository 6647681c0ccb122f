#include "export/hdf5_file.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "export/text.h"

enum { IMAGE_STEP = 1 << 20 /* bytes by which the file in memory grows */ };

/* One export at a time: libhdf5 need not have been built for threads. */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t library_once = PTHREAD_ONCE_INIT;

/*
 * The library's own handler crashes at exit after a failed write; nothing here needs it. Fails when a host program used HDF5
 * before.
 */
static void leave_exit_alone(void) { (void)H5dont_atexit(); }

/* ---- failures ---- */

static herr_t take_description(unsigned depth, const H5E_error2_t *error, void *text) {
    (void)depth;
    char **description = text;
    if (!*description && error->desc && *error->desc) {
        *description = strdup(error->desc);
    }
    return 0;
}

static void fail(hma_h5 *h5, const char *what) {
    if (h5->status != HMA_OK) {
        return;
    }
    char *description = NULL; /* of the innermost failure, which is the cause */
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_description, &description);
    h5->status = hma_error(HMA_FAILURE, "%s: HDF5 cannot %s (%s): report this with the run", h5->name, what,
                           description ? description : "no reason given");
    free(description);
}

void hma_h5_fail_memory(hma_h5 *h5) {
    if (h5->status == HMA_OK) {
        h5->status = hma_error_memory(h5->name);
    }
}

bool hma_h5_check(hma_h5 *h5, long long result, const char *what) {
    if (h5->status == HMA_OK && result < 0) {
        fail(h5, what);
    }
    return h5->status == HMA_OK;
}

/* ---- begin, end ---- */

/* HDF5 itself would end the process on the first call that depends on its version. */
static bool library_fits(hma_h5 *h5) {
    unsigned major = 0, minor = 0, release = 0;
    (void)H5get_libversion(&major, &minor, &release);
    if (major != H5_VERS_MAJOR || minor != H5_VERS_MINOR || release != H5_VERS_RELEASE) {
        h5->status = hma_error(HMA_FAILURE,
                               "libhdf5: version %u.%u.%u is loaded (expected %d.%d.%d, with which hma was built): "
                               "install that version or rebuild hma",
                               major, minor, release, H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
        return false;
    }
    return true;
}

/* HDF5 knows files in memory by name; two must not meet. */
static void invent_name(char name[64]) {
    static atomic_uint serial;
    (void)snprintf(name, 64, "hma-export-%u", atomic_fetch_add(&serial, 1));
}

/* Access properties of a file in memory, holding `image` when there is one. Closing such a file closes what is in it. */
static hid_t in_memory(const void *image, size_t length) {
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0 || H5Pset_fapl_core(access, IMAGE_STEP, 0) < 0 || H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0 ||
        (image && H5Pset_file_image(access, (void *)(uintptr_t)image, length) < 0)) {
        return H5I_INVALID_HID;
    }
    return access;
}

static void create_file(hma_h5 *h5) {
    char name[64];
    invent_name(name);
    hid_t access = in_memory(NULL, 0), creation = H5Pcreate(H5P_FILE_CREATE);
    if (access >= 0 && creation >= 0 &&
        H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0 &&
        H5Pset_obj_track_times(creation, false) >= 0) {
        h5->file = H5Fcreate(name, H5F_ACC_TRUNC, creation, access);
    }
    (void)hma_h5_check(h5, h5->file, "make a file in memory");
    hma_h5_close(h5, &access);
    hma_h5_close(h5, &creation);
}

hid_t hma_h5_open_image(const void *image, size_t length) {
    char name[64];
    invent_name(name);
    const hid_t access = in_memory(image, length);
    const hid_t file = access >= 0 ? H5Fopen(name, H5F_ACC_RDONLY, access) : H5I_INVALID_HID;
    if (file >= 0) { /* after a failure the reason would be lost */
        (void)H5Pclose(access);
    }
    return file;
}

static hid_t make_text_type(void) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    return type >= 0 && H5Tset_size(type, H5T_VARIABLE) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0 ? type : H5I_INVALID_HID;
}

/* As h5py writes numpy's bool. */
static hid_t make_bool_type(void) {
    const hid_t type = H5Tenum_create(H5T_STD_I8LE);
    const int8_t no = 0, yes = 1;
    return type >= 0 && H5Tenum_insert(type, "FALSE", &no) >= 0 && H5Tenum_insert(type, "TRUE", &yes) >= 0 ? type
                                                                                                           : H5I_INVALID_HID;
}

void hma_h5_begin(hma_h5 *h5, const char *name) {
    *h5 = (hma_h5){.name = name, .file = H5I_INVALID_HID, .text_type = H5I_INVALID_HID, .bool_type = H5I_INVALID_HID};
    (void)pthread_mutex_lock(&library_lock);
    (void)pthread_once(&library_once, leave_exit_alone);
    if (!library_fits(h5)) {
        return;
    }
    (void)H5Eget_auto2(H5E_DEFAULT, &h5->old_handler, &h5->old_handler_data);
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    h5->is_quiet = true;
    h5->text_type = make_text_type();
    (void)hma_h5_check(h5, h5->text_type, "make a type for texts");
    h5->bool_type = make_bool_type();
    (void)hma_h5_check(h5, h5->bool_type, "make a type for truth values");
    create_file(h5);
}

void hma_h5_end(hma_h5 *h5) {
    hma_h5_close(h5, &h5->text_type);
    hma_h5_close(h5, &h5->bool_type);
    hma_h5_close(h5, &h5->file);
    if (h5->is_quiet) {
        (void)H5Eset_auto2(H5E_DEFAULT, h5->old_handler, h5->old_handler_data);
    }
    for (size_t i = 0; i < h5->record_count; i++) {
        free(h5->records[i].path);
    }
    free(h5->records);
    h5->records = NULL;
    h5->record_count = 0;
    (void)pthread_mutex_unlock(&library_lock);
}

void hma_h5_close(hma_h5 *h5, hid_t *object) {
    herr_t result = 0;
    switch (*object >= 0 ? H5Iget_type(*object) : H5I_BADID) {
    case H5I_FILE: result = H5Fclose(*object); break;
    case H5I_GROUP: result = H5Gclose(*object); break;
    case H5I_DATASET: result = H5Dclose(*object); break;
    case H5I_DATATYPE: result = H5Tclose(*object); break;
    case H5I_DATASPACE: result = H5Sclose(*object); break;
    case H5I_ATTR: result = H5Aclose(*object); break;
    case H5I_GENPROP_LST: result = H5Pclose(*object); break;
    default: break;
    }
    *object = H5I_INVALID_HID;
    (void)hma_h5_check(h5, result, "close an object");
}

hid_t hma_h5_group(hma_h5 *h5, hid_t parent, const char *name) {
    if (h5->status != HMA_OK) {
        return H5I_INVALID_HID;
    }
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE), group = H5I_INVALID_HID;
    if (creation >= 0 && H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0 &&
        H5Pset_obj_track_times(creation, false) >= 0) {
        group = H5Gcreate2(parent, name, H5P_DEFAULT, creation, H5P_DEFAULT);
    }
    (void)hma_h5_check(h5, group, "make a group");
    hma_h5_close(h5, &creation);
    return group;
}

/* ---- attributes ---- */

void hma_h5_note(hma_h5 *h5, hid_t object, const char *name, hid_t file_type, hid_t memory_type, const void *value) {
    if (h5->status != HMA_OK) {
        return;
    }
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    (void)hma_h5_check(h5, attribute < 0 ? -1 : H5Awrite(attribute, memory_type, value), "write an attribute");
    hma_h5_close(h5, &attribute);
    hma_h5_close(h5, &space);
}

void hma_h5_note_text(hma_h5 *h5, hid_t object, const char *name, const char *value) {
    hma_buffer text = {0};
    hma_put_text(&text, value);
    if (text.failed) {
        hma_h5_fail_memory(h5);
    }
    const char *content = hma_buffer_cstr(&text);
    hma_h5_note(h5, object, name, h5->text_type, h5->text_type, &content);
    hma_buffer_free(&text);
}

void hma_h5_note_integer(hma_h5 *h5, hid_t object, const char *name, uint64_t value) {
    hma_h5_note(h5, object, name, H5T_STD_U64LE, H5T_NATIVE_UINT64, &value);
}

void hma_h5_note_bool(hma_h5 *h5, hid_t object, const char *name, bool value) {
    const int8_t byte = value;
    hma_h5_note(h5, object, name, h5->bool_type, h5->bool_type, &byte);
}
