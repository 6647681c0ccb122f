/*
 * Comparison with stored files: tests/export/expected/NAME. HMA_UPDATE_EXPECTED=1 in the environment writes the files anew, for
 * looking at what changed with git diff.
 */
#ifndef HMA_TESTS_EXPECTED_H
#define HMA_TESTS_EXPECTED_H

#include "testing.h"

#include "base/atomic_file.h"
#include "base/file.h"

static inline void assert_expected(const char *name, const char *content, size_t length) {
    char path[512];
    char *stored;
    size_t stored_length;
    (void)snprintf(path, sizeof path, "%s/export/expected/%s", HMA_TEST_DATA, name);
    if (getenv("HMA_UPDATE_EXPECTED")) {
        assert_ok(hma_file_store(path, content, length));
    }
    assert_ok(hma_file_load(path, 16 << 20, &stored, &stored_length));
    size_t same = 0;
    while (same < length && same < stored_length && content[same] == stored[same]) {
        same++;
    }
    if (same < length || same < stored_length) {
        fail_msg("%s differs from byte %zu on: expected \"%.60s\", got \"%.60s\"", path, same, stored + same, content + same);
    }
    free(stored);
}

#endif
