#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/utf8.h"

_Noreturn void fuzz_fail(const char *file, int line, const char *what) {
    (void)fprintf(stderr, "%s:%d: broken promise: %s (last message: %s)\n", file, line, what, hma_error_message());
    abort();
}

static bool is_one_printable_line(const char *text) {
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return false;
        }
    }
    return *text != 0;
}

size_t fuzz_accepted, fuzz_refused;

bool fuzz_succeeded(hma_status status) {
    if (status == HMA_OK) {
        fuzz_accepted++;
        return true;
    }
    fuzz_refused++;
    fuzz_check(status == HMA_BAD_DATA, "fails as bad data");
    fuzz_check(is_one_printable_line(hma_error_message()), "the message is one printable line");
    return false;
}

static char folder[64];

static void remove_folder(void) { (void)hma_folder_remove(folder); }

const char *fuzz_folder(void) {
    if (!*folder) {
        (void)snprintf(folder, sizeof folder, "/tmp/hma-fuzz-XXXXXX");
        if (!mkdtemp(folder) || atexit(remove_folder) != 0) {
            fuzz_fail(__FILE__, __LINE__, "a temporary folder can be made");
        }
    }
    return folder;
}

void fuzz_write(const char *name, const void *bytes, size_t length) {
    char *path = hma_path_join(fuzz_folder(), name);
    FILE *file = path ? fopen(path, "wb") : NULL;
    const bool ok = file && fwrite(bytes, 1, length, file) == length;
    if (!file || fclose(file) != 0 || !ok) {
        fuzz_fail(__FILE__, __LINE__, "temporary files can be written");
    }
    free(path);
}

void fuzz_remove(const char *name) {
    char *path = hma_path_join(fuzz_folder(), name);
    if (path) {
        (void)unlink(path);
    }
    free(path);
}
