/* Building small checkpoint folders, good and bad ones, for the tests of src/checkpoint. */
#ifndef HMA_TESTS_CHECKPOINT_FILES_H
#define HMA_TESTS_CHECKPOINT_FILES_H

#include "testing.h"

#include "base/atomic_file.h"
#include "base/buffer.h"
#include "base/file.h"

/* One member of a header; `offsets` is text, so that it can be wrong, `begin` and `end` are numbers. */
#define ENTRY(name, dtype, shape, offsets) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define TENSOR(name, dtype, shape, begin, end) ENTRY(name, dtype, shape, "[" #begin "," #end "]")

/* A folder under the temporary one that goes away with remove_folder(). */
typedef struct test_folder {
    char path[512];
} test_folder;

static inline int make_folder(void **state) {
    test_folder *folder = calloc(1, sizeof *folder);
    assert_non_null(folder);
    make_temporary_folder(folder->path);
    *state = folder;
    return 0;
}

static inline int remove_folder(void **state) {
    test_folder *folder = *state;
    const int failed = hma_folder_remove(folder->path) != HMA_OK;
    free(folder);
    return failed;
}

/* FOLDER/NAME; the caller frees it. */
static inline char *path_in(const char *folder, const char *name) {
    char *path = hma_path_join(folder, name);
    assert_non_null(path);
    return path;
}

static inline void write_bytes(const char *folder, const char *name, const void *bytes, size_t length) {
    char *path = path_in(folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static inline void write_text(const char *folder, const char *name, const char *text) {
    write_bytes(folder, name, text, strlen(text));
}

/* The 8 bytes with `claimed` as length, then `header`, then `data` bytes that count 1, 2, 3, .. */
static inline void safetensors_bytes(hma_buffer *out, uint64_t claimed, const char *header, size_t header_length, size_t data) {
    hma_buffer_clear(out);
    hma_buffer_add(out, &claimed, sizeof claimed);
    hma_buffer_add(out, header, header_length);
    for (size_t i = 0; i < data; i++) {
        hma_buffer_char(out, (char)(i + 1));
    }
    assert_ok(hma_buffer_ok(out));
}

static inline void write_safetensors(const char *folder, const char *name, const char *header, size_t data) {
    hma_buffer bytes = {0};
    safetensors_bytes(&bytes, strlen(header), header, strlen(header), data);
    write_bytes(folder, name, bytes.data, bytes.length);
    hma_buffer_free(&bytes);
}

/* A folder inside `parent` with the config and, when `header` is given, model.safetensors; the caller frees the path. */
static inline char *make_model(const char *parent, const char *name, const char *config, const char *header, size_t data) {
    char *folder = path_in(parent, name);
    char command[1200];
    (void)snprintf(command, sizeof command, "mkdir -p '%s'", folder);
    assert_int_equal(system(command), 0);
    if (config) {
        write_text(folder, "config.json", config);
    }
    if (header) {
        write_safetensors(folder, "model.safetensors", header, data);
    }
    return folder;
}

#endif
