/* src/export: round numbers beside axes, free places for labels. */
#include "testing.h"

#include "export/plot_labels.h"
#include "export/plot_scale.h"

static const char *labels_of(const hma_scale *scale, hma_buffer *out) {
    hma_buffer_clear(out);
    for (long long tick = scale->first_tick; tick <= scale->last_tick; tick++) {
        hma_buffer_text(out, tick == scale->first_tick ? "" : " ");
        hma_scale_tick_label(out, scale, tick);
    }
    return hma_buffer_cstr(out);
}

#define MINUS "\xE2\x88\x92"

static void ticks_are_round_numbers(void **state) {
    (void)state;
    static const struct {
        double low, high;
        const char *labels;
    } cases[] = {
        {0, 1, "0 0.2 0.4 0.6 0.8 1.0"},
        {-0.35, 3.2, MINUS "0.5 0 0.5 1.0 1.5 2.0 2.5 3.0"},
        {97.25, 97.35, "97.26 97.28 97.30 97.32 97.34"},
        {-40, 1000, "0 200 400 600 800 1000"},
        {1e9, 6e9, "1e9 2e9 3e9 4e9 5e9 6e9"},
        {-2.5e-8, 1e-8, MINUS "2.5e-8 " MINUS "2e-8 " MINUS "1.5e-8 " MINUS "1e-8 " MINUS "5e-9 0 5e-9 1e-8"},
    };
    hma_buffer out = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const hma_scale scale = hma_scale_make(cases[i].low, cases[i].high, 8, 0, 100);
        assert_string_equal(labels_of(&scale, &out), cases[i].labels);
    }
    hma_buffer_free(&out);
}

static void all_values_lie_inside_the_axis(void **state) {
    (void)state;
    static const double pairs[][2] = {{0, 0}, {0.7, 0.7}, {-3, -3}, {1, 1 + 1e-15}, {1e-310, 2e-310}, {-1e308, 1e308}, {3, 4}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const hma_scale scale = hma_scale_make(pairs[i][0], pairs[i][1], 8, 100, 500);
        for (size_t end = 0; end < 2; end++) {
            const double pixel = hma_scale_pixel(&scale, pairs[i][end]);
            assert_true(pixel > 100 && pixel < 500);
        }
        assert_true(scale.last_tick >= scale.first_tick && scale.last_tick - scale.first_tick < 20);
    }
}

static void ticks_lie_where_their_values_do(void **state) {
    (void)state;
    const hma_scale scale = hma_scale_make(0, 10, 8, 0, 1120);
    assert_near(hma_scale_tick_value(&scale, scale.first_tick), 0, 0);
    assert_near(hma_scale_pixel(&scale, 5), 560, 1e-9);
    assert_near(hma_scale_pixel(&scale, 0), 60, 1e-9);
}

static const hma_box area = {0, 0, 400, 300};

static bool overlaps(hma_box a, hma_box b) {
    return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

static void labels_avoid_what_is_there(void **state) {
    (void)state;
    hma_obstacles obstacles = {0};
    hma_box place;
    assert_true(hma_label_place(&obstacles, area, 200, 150, 5, 60, 12, &place));
    assert_true(place.left > 200); /* the right side is the first choice */
    const hma_box first = place;
    assert_ok(hma_obstacles_add(&obstacles, first, 1));
    assert_true(hma_label_place(&obstacles, area, 200, 150, 5, 60, 12, &place));
    assert_false(overlaps(first, place));
    assert_ok(hma_obstacles_add_line(&obstacles, 0, 150, 400, 150, 1));
    assert_true(hma_label_place(&obstacles, area, 200, 150, 5, 60, 12, &place));
    assert_true(place.bottom <= 147 || place.top >= 153);
    hma_obstacles_free(&obstacles);
}

static void labels_stay_inside_the_area(void **state) {
    (void)state;
    hma_obstacles obstacles = {0};
    hma_box place;
    assert_true(hma_label_place(&obstacles, area, 398, 2, 5, 60, 12, &place));
    assert_true(place.right <= 400 && place.top >= 0);
    hma_obstacles_free(&obstacles);
}

static void a_crowded_place_is_reported(void **state) {
    (void)state;
    hma_obstacles obstacles = {0};
    hma_box place;
    assert_ok(hma_obstacles_add(&obstacles, area, 1));
    assert_false(hma_label_place(&obstacles, area, 200, 150, 5, 60, 12, &place));
    assert_true(place.right - place.left == 60 && overlaps(place, area));
    hma_obstacles_free(&obstacles);
}

static void wider_texts_are_wider(void **state) {
    (void)state;
    assert_true(hma_text_width("MMM", 12) > hma_text_width("iii", 12));
    assert_near(hma_text_width("0.25", 20), 2 * hma_text_width("0.25", 10), 1e-9);
    assert_true(hma_text_width("\xE4\xB8\x80", 10) > hma_text_width("a", 10));
    assert_true(hma_text_width("\xFF", 10) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_round_numbers),         cmocka_unit_test(all_values_lie_inside_the_axis),
        cmocka_unit_test(ticks_lie_where_their_values_do), cmocka_unit_test(labels_avoid_what_is_there),
        cmocka_unit_test(labels_stay_inside_the_area),     cmocka_unit_test(a_crowded_place_is_reported),
        cmocka_unit_test(wider_texts_are_wider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
