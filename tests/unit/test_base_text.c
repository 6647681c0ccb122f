/* src/base: numbers, UTF-8, buffers, JSON scanning and checking, maps of texts. */
#include "testing.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base/json_scan.h"
#include "base/number.h"
#include "base/text_set.h"
#include "base/utf8.h"
#include "hma/text.h"

static void whole_text_must_be_a_number(void **state) {
    (void)state;
    uint64_t u;
    double d;
    assert_true(hma_parse_u64(&u, "18446744073709551615") && u == UINT64_MAX);
    static const char *const not_u64[] = {"", "-1", "+1", " 1", "1 ", "1e3", "1.0", "18446744073709551616", "banana", "0x10"};
    for (size_t i = 0; i < sizeof not_u64 / sizeof *not_u64; i++) {
        assert_false(hma_parse_u64(&u, not_u64[i]));
    }
    assert_true(hma_parse_double(&d, "-2.5e-3") && d == -2.5e-3);
    static const char *const not_double[] = {"", "nan", "inf", "0x1p3", "1,5", "1e400", "1 ", " 1", "--1", "."};
    for (size_t i = 0; i < sizeof not_double / sizeof *not_double; i++) {
        assert_false(hma_parse_double(&d, not_double[i]));
    }
}

static void sizes_take_binary_suffixes(void **state) {
    (void)state;
    uint64_t u;
    assert_true(hma_parse_size(&u, "6G") && u == 6ull << 30);
    assert_true(hma_parse_size(&u, "512KiB") && u == 512 << 10);
    assert_true(hma_parse_size(&u, "12") && u == 12);
    assert_false(hma_parse_size(&u, "5/4"));
    assert_false(hma_parse_size(&u, "G"));
    assert_false(hma_parse_size(&u, "99999999999G"));
    assert_false(hma_parse_size(&u, "1.5G"));
}

static void doubles_print_exactly_and_shortly(void **state) {
    (void)state;
    char text[HMA_DOUBLE_TEXT];
    assert_string_equal(hma_double_text(0.1, text), "0.1");
    assert_string_equal(hma_double_text(1.0 / 3, text), "0.3333333333333333");
    uint64_t bits = 0x3ff0000000000001u;
    for (int i = 0; i < 20000; i++) {
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        double value, back;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            assert_true(hma_parse_double(&back, hma_double_text(value, text)));
            assert_memory_equal(&value, &back, sizeof value);
        }
    }
}

static void utf8_refuses_what_is_not_shortest_form(void **state) {
    (void)state;
    static const char *const bad[] = {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\xAF",
                                      "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\xFF", "a\xFE"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(hma_utf8_is_valid(bad[i], strlen(bad[i])));
    }
    for (uint32_t c = 1; c <= 0x10FFFF; c += c < 0x3000 ? 1 : 37) {
        if (c >= 0xD800 && c < 0xE000) {
            continue;
        }
        char bytes[4];
        uint32_t back = 0;
        const size_t n = hma_utf8_encode(c, bytes);
        assert_int_equal(hma_utf8_decode(bytes, n, &back), n);
        assert_int_equal(back, c);
        assert_int_equal(hma_utf8_decode(bytes, n - 1, &back), 0);
    }
}

static hma_status scan_all(const char *text, size_t length, size_t *events) {
    hma_json_scan scan;
    hma_json_event event;
    hma_json_scan_begin(&scan, "doc", text, length);
    hma_status status;
    *events = 0;
    while ((status = hma_json_next(&scan, &event)) == HMA_OK && event != HMA_JSON_END) {
        ++*events;
    }
    hma_json_scan_free(&scan);
    return status;
}

static void scanner_accepts_json_and_nothing_else(void **state) {
    (void)state;
    static const char *const good[] = {"{}",
                                       "[]",
                                       " \t\r\n{ } \n",
                                       "0",
                                       "-0.5e+10",
                                       "\"\\u00e9\\ud83d\\ude00\"",
                                       "[1,[2,{\"a\":null}],true]",
                                       "{\"a\":{\"b\":[]},\"A\":false}"};
    static const char *const bad[] = {"",
                                      " ",
                                      "{",
                                      "[",
                                      "]",
                                      "{]",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "{\"a\"}",
                                      "{\"a\" 1}",
                                      "{1:2}",
                                      "[1 2]",
                                      "01",
                                      "1.",
                                      ".5",
                                      "+1",
                                      "1e",
                                      "nul",
                                      "tru",
                                      "truee",
                                      "\"",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"\\u0000\"",
                                      "\"\t\"",
                                      "\"\xff\"",
                                      "\xEF\xBB\xBF{}",
                                      "{}{}",
                                      "{} x",
                                      "[,1]",
                                      "{,}",
                                      "{\"a\":}",
                                      "/**/{}",
                                      "NaN",
                                      "'a'"};
    size_t events;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_ok(scan_all(good[i], strlen(good[i]), &events));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (scan_all(bad[i], strlen(bad[i]), &events) != HMA_BAD_DATA) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
    assert_int_equal(scan_all("[\"a\0b\"]", 7, &events), HMA_BAD_DATA);
}

static void scanner_reports_events_in_order(void **state) {
    (void)state;
    static const char text[] = "{\"k\\n\": [1.50, \"\\u20ac\", {}], \"z\": null}";
    static const hma_json_event expected[] = {HMA_JSON_OBJECT, HMA_JSON_KEY,    HMA_JSON_ARRAY,      HMA_JSON_NUMBER,
                                              HMA_JSON_STRING, HMA_JSON_OBJECT, HMA_JSON_OBJECT_END, HMA_JSON_ARRAY_END,
                                              HMA_JSON_KEY,    HMA_JSON_NULL,   HMA_JSON_OBJECT_END, HMA_JSON_END};
    static const char *const texts[] = {NULL, "k\n", NULL, "1.50", "\xE2\x82\xAC", NULL, NULL, NULL, "z", NULL, NULL, NULL};
    hma_json_scan scan;
    hma_json_scan_begin(&scan, "doc", text, sizeof text - 1);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        hma_json_event event;
        assert_ok(hma_json_next(&scan, &event));
        assert_int_equal(event, expected[i]);
        if (texts[i]) {
            assert_string_equal(hma_buffer_cstr(&scan.text), texts[i]);
        }
    }
    hma_json_scan_free(&scan);
}

static void nesting_is_bounded(void **state) {
    (void)state;
    char deep[2000];
    memset(deep, '[', 1000);
    memset(deep + 1000, ']', 1000);
    size_t events;
    assert_fails(scan_all(deep, sizeof deep, &events), HMA_BAD_DATA, "nested too deeply");
    assert_ok(scan_all(deep + 1000 - HMA_JSON_MAX_DEPTH, 2 * HMA_JSON_MAX_DEPTH, &events));
}

static void faults_name_line_and_column(void **state) {
    (void)state;
    size_t events;
    assert_fails(scan_all("{\n \"a\": x}", 10, &events), HMA_BAD_DATA, "doc: line 2, column 7");
}

static void duplicate_keys_are_found_at_any_depth(void **state) {
    (void)state;
    static const char good[] = "{\"a\":{\"b\":1},\"b\":{\"b\":2},\"A\":3}", bad[] = "{\"x\":[{\"a\":1,\"\\u0061\":2}]}";
    assert_ok(hma_json_check("doc", good, sizeof good - 1));
    assert_fails(hma_json_check("doc", bad, sizeof bad - 1), HMA_BAD_DATA, "duplicate key \"a\"");
}

static void getters_name_the_key(void **state) {
    (void)state;
    static const char text[] = "{\"n\":3,\"x\":1.5,\"t\":\"s\",\"b\":true,\"big\":1e300,\"null\":null}";
    cJSON *tree = NULL;
    assert_ok(hma_json_parse(&tree, "doc", text, sizeof text - 1));
    size_t n = 7;
    assert_ok(hma_json_get_size(tree, "doc", "n", true, 1, 10, &n));
    assert_int_equal(n, 3);
    assert_ok(hma_json_get_size(tree, "doc", "null", false, 1, 10, &n));
    assert_int_equal(n, 3);
    assert_fails(hma_json_get_size(tree, "doc", "null", true, 1, 10, &n), HMA_BAD_DATA, "\"null\" is missing");
    assert_fails(hma_json_get_size(tree, "doc", "x", true, 0, 10, &n), HMA_BAD_DATA, "\"x\"");
    assert_fails(hma_json_get_size(tree, "doc", "big", true, 0, SIZE_MAX, &n), HMA_BAD_DATA, "\"big\"");
    assert_fails(hma_json_get_size(tree, "doc", "n", true, 4, 10, &n), HMA_BAD_DATA, "from 4 to 10");
    const char *s;
    assert_fails(hma_json_get_text(tree, "doc", "n", true, &s), HMA_BAD_DATA, "expected a string");
    static const char *const known[] = {"n", "x", "t", "b", "bug", "null", NULL};
    assert_fails(hma_json_known_keys(tree, "doc", known), HMA_BAD_DATA, "did you mean \"bug\"");
    cJSON_Delete(tree);
}

static void buffers_write_json_text(void **state) {
    (void)state;
    hma_buffer b = {0};
    hma_buffer_json_text(&b, "a\"\\\n\x01\xC3\xA9\xFF", 8);
    assert_string_equal(hma_buffer_cstr(&b), "\"a\\\"\\\\\\n\\u0001\xC3\xA9\xEF\xBF\xBD\"");
    hma_buffer_clear(&b);
    hma_buffer_json_double(&b, NAN);
    assert_string_equal(hma_buffer_cstr(&b), "null");
    hma_buffer_free(&b);
}

static void text_set_finds_what_was_put(void **state) {
    (void)state;
    hma_text_set set = {0};
    bool added;
    uint64_t value;
    assert_false(hma_text_set_find(&set, "x", 1, &value));
    for (uint64_t i = 0; i < 5000; i++) {
        char key[32];
        const int n = snprintf(key, sizeof key, "key-%llu", (unsigned long long)(i * 7919));
        assert_ok(hma_text_set_put(&set, key, (size_t)n, i, &added));
        assert_true(added);
    }
    assert_ok(hma_text_set_put(&set, "key-7919", 8, 99, &added));
    assert_false(added);
    assert_true(hma_text_set_find(&set, "key-7919", 8, &value) && value == 1);
    assert_false(hma_text_set_find(&set, "key-791", 7, &value));
    hma_text_set_free(&set);
}

static void texts_of_others_become_one_harmless_line(void **state) {
    (void)state;
    char text[] = "a\nb\x1b[31mc\x7f\xc2\x9b" "d\xc3\xa9\xc2\xa0\xc2";
    hma_text_one_line(text);
    assert_string_equal(text, "a b?[31mc???d\xc3\xa9\xc2\xa0\xc2");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_text_must_be_a_number),
        cmocka_unit_test(sizes_take_binary_suffixes),
        cmocka_unit_test(doubles_print_exactly_and_shortly),
        cmocka_unit_test(utf8_refuses_what_is_not_shortest_form),
        cmocka_unit_test(scanner_accepts_json_and_nothing_else),
        cmocka_unit_test(scanner_reports_events_in_order),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(faults_name_line_and_column),
        cmocka_unit_test(duplicate_keys_are_found_at_any_depth),
        cmocka_unit_test(getters_name_the_key),
        cmocka_unit_test(buffers_write_json_text),
        cmocka_unit_test(text_set_finds_what_was_put),
        cmocka_unit_test(texts_of_others_become_one_harmless_line),
    };
    return cmocka_run_group_tests_name("base: text", tests, NULL, NULL);
}
