/* Tests that are found while a program runs: one for each fixture in a folder. All share the scratch folder and its context. */
#ifndef HMA_TESTS_FOUND_TESTS_H
#define HMA_TESTS_FOUND_TESTS_H

#include "scratch.h"

#include <dirent.h>

enum { MOST_FOUND_TESTS = 200 };

static struct {
    struct CMUnitTest tests[MOST_FOUND_TESTS];
    size_t count;
} found_tests;

/* Outside of a test asserting is not possible. */
static inline void found_or_abort(bool good) {
    if (!good) {
        abort();
    }
}

/* A test whose state is the path FOLDER/ENTRY of the test data; without a name it is called ENTRY. */
static inline void add_found_test(const char *name, const char *folder, const char *entry, CMUnitTestFunction function) {
    char *path = NULL;
    found_or_abort(found_tests.count < MOST_FOUND_TESTS && asprintf(&path, "%s/%s/%s", HMA_TEST_DATA, folder, entry) > 0);
    found_tests.tests[found_tests.count++] =
        (struct CMUnitTest){name ? name : strrchr(path, '/') + 1, function, NULL, NULL, path};
}

static inline int by_entry_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }
static inline int is_visible_entry(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* A test for each entry that is wanted, of which there must be `least`. */
static inline void add_found_tests(const char *folder, int (*wanted)(const struct dirent *), int least,
                                   CMUnitTestFunction function) {
    char path[1024];
    struct dirent **entries;
    (void)snprintf(path, sizeof path, "%s/%s", HMA_TEST_DATA, folder);
    const int count = scandir(path, &entries, wanted, by_entry_name);
    found_or_abort(count >= least);
    for (int i = 0; i < count; i++) {
        add_found_test(NULL, folder, entries[i]->d_name, function);
        free(entries[i]);
    }
    free(entries);
}

/* With an argument: only the tests of that name. */
static inline int run_found_tests(const char *group, int argc, char **argv) {
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    const int failed = _cmocka_run_group_tests(group, found_tests.tests, found_tests.count, make_scratch, remove_scratch);
    for (size_t i = 0; i < found_tests.count; i++) {
        free(found_tests.tests[i].initial_state);
    }
    return failed;
}

#endif
