/*
 * A place of their own for tests: an empty temporary folder and a context.
 *
 * Either one for all tests of a program (make_scratch() and remove_scratch() as its group's set-up and tear-down), or one for
 * each test, as part of a fixture (open_place(), close_place()).
 */
#ifndef HMA_TESTS_SCRATCH_H
#define HMA_TESTS_SCRATCH_H

#include "testing.h"

#include "base/atomic_file.h"
#include "hma/context.h"

static inline void open_place(char folder[512], hma_context **context, unsigned threads) {
    (void)make_temporary_folder(folder);
    assert_ok(hma_context_new(context, &(hma_context_options){.threads = threads}));
}

static inline void close_place(const char *folder, hma_context *context) {
    hma_context_free(context);
    assert_ok(hma_folder_remove(folder));
}

static struct {
    char folder[512];
    hma_context *context;
} scratch;

static inline int make_scratch(void **state) {
    (void)state;
    open_place(scratch.folder, &scratch.context, 2);
    return 0;
}

static inline int remove_scratch(void **state) {
    (void)state;
    close_place(scratch.folder, scratch.context);
    return 0;
}

/* Writes a file of the scratch folder; its path, until the next call. */
static inline const char *put(const char *name, const char *text) {
    static char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", scratch.folder, name);
    FILE *file = fopen(path, "wb"); /* not hma_file_store(): nothing here has to survive a power failure */
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    return path;
}

#endif
