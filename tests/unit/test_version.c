/* What the library says about itself, and the text helpers that programs around it use. */
#include "testing.h"

#include "hma/text.h"
#include "hma/version.h"

static void version_is_the_headers_version(void **state) {
    (void)state;
    char expected[32];
    (void)snprintf(expected, sizeof expected, "%d.%d.%d", HMA_VERSION_MAJOR, HMA_VERSION_MINOR, HMA_VERSION_PATCH);
    assert_string_equal(hma_version(), expected);
    assert_string_equal(HMA_VERSION, expected);
}

static void build_info_names_what_can_change_a_result(void **state) {
    (void)state;
    static const char *const expected[] = {"compiler: ", "\nbuild: ",  "\nlibraries: cJSON ", ", HDF5 1.",
                                           ", SQLite 3", "\nblas: OpenBLAS ", ", core ", "\nprocessor:"};
    const char *at = hma_build_info();
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        at = strstr(at, expected[i]);
        assert_non_null(at);
    }
    assert_ptr_equal(hma_build_info(), hma_build_info());
    assert_int_equal(hma_build_info()[strlen(hma_build_info()) - 1], '\n');
}

static void quoted_text_is_json_whatever_the_bytes(void **state) {
    (void)state;
    char *quoted = hma_json_quote("a\"\\\n\x01\xff\xc3\xa9");
    assert_string_equal(quoted, "\"a\\\"\\\\\\n\\u0001\xEF\xBF\xBD\xc3\xa9\"");
    hma_text_free(quoted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_is_the_headers_version),
        cmocka_unit_test(build_info_names_what_can_change_a_result),
        cmocka_unit_test(quoted_text_is_json_whatever_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
