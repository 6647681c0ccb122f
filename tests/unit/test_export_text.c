/* src/export: names, escaping, numbers, tables of text. */
#include "testing.h"

#include "export/grid.h"
#include "export/markup.h"
#include "export/names.h"
#include "export/text.h"

static void names_are_plain_and_never_equal(void **state) {
    (void)state;
    static const struct {
        const char *text, *name;
    } cases[] = {
        {"commonsense", "commonsense"},
        {"Commonsense", "Commonsense_2"},
        {"commonsense", "commonsense_3"},
        {"a b/c", "a_b_c"},
        {"a\"b<c>&\nd", "a_b_c_d"},
        {"\xC3\xA4rger", "x_rger"},
        {"", "x_"},
        {"7shot", "x_7shot"},
        {"_x", "x__x"},
        {"]]>", "x__2"},
    };
    hma_name_set names = {0};
    char name[HMA_NAME_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(hma_name_set_make(&names, cases[i].text, name));
        assert_string_equal(name, cases[i].name);
    }
    hma_name_set_free(&names);
}

static void long_names_are_cut_and_stay_apart(void **state) {
    (void)state;
    char text[2000], first[HMA_NAME_SIZE], second[HMA_NAME_SIZE];
    memset(text, 'n', sizeof text - 1);
    text[sizeof text - 1] = 0;
    hma_name_set names = {0};
    assert_ok(hma_name_set_make(&names, text, first));
    text[1998] = 'm';
    assert_ok(hma_name_set_make(&names, text, second));
    assert_string_not_equal(first, second);
    hma_name_set_free(&names);
}

static void assert_markup(const char *text, const char *expected) {
    hma_buffer out = {0};
    hma_markup_text(&out, text);
    assert_string_equal(hma_buffer_cstr(&out), expected);
    hma_buffer_free(&out);
}

static void markup_cannot_be_left(void **state) {
    (void)state;
    assert_markup("a<b>&\"c'", "a&lt;b&gt;&amp;&quot;c&#39;");
    assert_markup("</script>]]>", "&lt;/script&gt;]]&gt;");
    assert_markup("\x01z\x7F", "\xEF\xBF\xBDz\xEF\xBF\xBD");
    assert_markup("\xFF\xC3", "\xEF\xBF\xBD\xEF\xBF\xBD");
    assert_markup("\xEF\xBF\xBF", "\xEF\xBF\xBD"); /* U+FFFF is no XML character */
    assert_markup("\xC3\xA4\n\t", "\xC3\xA4\n\t");
    assert_markup("\r", "&#13;");
}

static void assert_line(const char *text, size_t columns, const char *expected) {
    hma_buffer out = {0};
    hma_put_line(&out, text, columns);
    assert_string_equal(hma_buffer_cstr(&out), expected);
    hma_buffer_free(&out);
}

static void lines_are_cut_by_characters_and_have_no_breaks(void **state) {
    (void)state;
    assert_line("abcd", 4, "abcd");
    assert_line("abcde", 4, "abc\xE2\x80\xA6");
    assert_line("\xC3\xA4\xC3\xB6\xC3\xBC", 2, "\xC3\xA4\xE2\x80\xA6");
    assert_line("a\nb\x1B[31m\xC2\x85"
                "c\xE2\x80\xA8\xFF",
                SIZE_MAX,
                "a\xE2\x8F\x8E"
                "b [31m c \xEF\xBF\xBD");
    assert_line(NULL, 4, "");
}

static void assert_fixed(double value, int decimals, const char *plain, const char *with_sign) {
    hma_buffer out = {0};
    hma_markup_fixed(&out, value, decimals);
    assert_string_equal(hma_buffer_cstr(&out), plain);
    hma_buffer_clear(&out);
    hma_markup_signed(&out, value, decimals);
    assert_string_equal(hma_buffer_cstr(&out), with_sign);
    hma_buffer_free(&out);
}

static void fixed_numbers(void **state) {
    (void)state;
    assert_fixed(0.0625, 3, "0.063", "+0.063");
    assert_fixed(-1.5, 0, "-2", "-2");
    assert_fixed(-0.0004, 3, "0.000", "+0.000");
    assert_fixed(12, 2, "12.00", "+12.00");
    assert_fixed(1e300, 3, "1e+300", "+1e+300");
    assert_fixed(NAN, 3, "\xE2\x80\x93", "\xE2\x80\x93");
    assert_fixed(-INFINITY, 3, "\xE2\x80\x93", "\xE2\x80\x93");
}

static void bytes_that_are_not_utf8_are_replaced(void **state) {
    (void)state;
    hma_buffer out = {0};
    hma_put_text(&out, "a\xFF\xC3\xA4\xE2\x82");
    assert_string_equal(hma_buffer_cstr(&out), "a\xEF\xBF\xBD\xC3\xA4\xEF\xBF\xBD\xEF\xBF\xBD");
    hma_put_text(&out, NULL);
    hma_buffer_free(&out);
}

static void grids_show_rows_in_both_forms(void **state) {
    (void)state;
    hma_grid grid = {0};
    hma_buffer out = {0};
    hma_grid_column(&grid, "point", false);
    hma_grid_column(&grid, "value", true);
    hma_grid_row(&grid, false);
    hma_grid_text(&grid, "a\nb\x1B[31m<\xE2\x80\xA8", 40);
    hma_grid_fixed(&grid, 1.25, 1);
    hma_grid_row(&grid, true);
    hma_grid_text(&grid, "\xC3\xA4", 40);
    hma_grid_p(&grid, 0.0001);
    hma_buffer_text(&grid.note, "a & b");
    hma_grid_plain(&out, &grid);
    assert_string_equal(hma_buffer_cstr(&out), "  point         value\n"
                                               "  a\xE2\x8F\x8E"
                                               "b [31m<       1.3\n"
                                               "* \xC3\xA4           < 0.001\n"
                                               "a & b");
    hma_buffer_clear(&out);
    hma_grid_html(&out, &grid);
    assert_non_null(strstr(hma_buffer_cstr(&out), "[31m&lt; </td><td style=\"text-align:right\">1.3</td></tr>"));
    assert_non_null(strstr(hma_buffer_cstr(&out), "<p>a &amp; b</p>"));
    hma_grid_free(&grid);
    hma_buffer_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_plain_and_never_equal),
        cmocka_unit_test(long_names_are_cut_and_stay_apart),
        cmocka_unit_test(markup_cannot_be_left),
        cmocka_unit_test(lines_are_cut_by_characters_and_have_no_breaks),
        cmocka_unit_test(fixed_numbers),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
        cmocka_unit_test(grids_show_rows_in_both_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
