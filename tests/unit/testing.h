/* What every unit test includes: cmocka and a few helpers it lacks. */
#ifndef HMA_TESTS_TESTING_H
#define HMA_TESTS_TESTING_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hma/error.h"

/* The call must succeed; prints its message otherwise. */
#define assert_ok(call)                                                                                                       \
    do {                                                                                                                      \
        const hma_status status_ = (call);                                                                                    \
        if (status_ != HMA_OK) {                                                                                              \
            fail_msg("%s: %s: %s", #call, hma_status_name(status_), hma_error_message());                                     \
        }                                                                                                                     \
    } while (0)

/* The call must fail with this status, and its message must contain the text. */
#define assert_fails(call, expected, text)                                                                                    \
    do {                                                                                                                      \
        const hma_status status_ = (call);                                                                                    \
        if (status_ != (expected) || !strstr(hma_error_message(), (text))) {                                                  \
            fail_msg("%s: got %s \"%s\", expected %s with \"%s\"", #call, hma_status_name(status_),                           \
                     status_ ? hma_error_message() : "", hma_status_name(expected), (text));                                  \
        }                                                                                                                     \
    } while (0)

#define assert_near(actual, expected, tolerance)                                                                              \
    do {                                                                                                                      \
        const double actual_ = (actual), expected_ = (expected);                                                              \
        if (!(fabs(actual_ - expected_) <= (tolerance))) {                                                                    \
            fail_msg("%s = %.17g, expected %.17g within %g", #actual, actual_, expected_, (double)(tolerance));               \
        }                                                                                                                     \
    } while (0)

/* Under the sanitizers, which take ten times as long, what only repeats with other numbers is left out. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { HMA_SANITIZED = 1 };
#else
enum { HMA_SANITIZED = 0 };
#endif

/* A new empty folder under $TMPDIR; the path is static memory of the caller. */
static inline const char *make_temporary_folder(char path[512]) {
    const char *base = getenv("TMPDIR");
    (void)snprintf(path, 512, "%s/hma-test-XXXXXX", base && *base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}

#endif
