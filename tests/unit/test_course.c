/* Share and time left follow from what was expected and from what was measured, phase by phase. */
#include "testing.h"

#include <math.h>

#include "base/course.h"

enum { STEPS = 6 };

/* Seconds that a phase really takes, of a step of which four times 10 were expected. */
typedef double (*truth)(size_t step, size_t phase);

static double as_expected(size_t step, size_t phase) {
    (void)step;
    (void)phase;
    return 10;
}

static double twice_as_long(size_t step, size_t phase) {
    (void)step;
    (void)phase;
    return 20;
}

static double replies_end_early(size_t step, size_t phase) {
    (void)step;
    return phase == HMA_PHASE_REPLIES ? 1 : 10;
}

static double later_steps_know_replies(size_t step, size_t phase) {
    return step < 2 || phase != HMA_PHASE_REPLIES ? 10 : 0.5;
}

static double nothing_to_judge(size_t step, size_t phase) {
    (void)step;
    return phase == HMA_PHASE_JUDGING ? 0 : 10;
}

static double all(truth really) {
    double sum = 0;
    for (size_t step = 0; step < STEPS; step++) {
        for (size_t phase = 0; phase < HMA_PHASES; phase++) {
            sum += really(step, phase);
        }
    }
    return sum;
}

/* Goes the whole way; returns the largest error of the time left from the middle of step `from` on, as a share of the whole. */
static double worst_error(truth really, size_t from) {
    hma_course course;
    double now = 100, worst = 0, last = 0;
    const double end = now + all(really);
    const hma_expectation expected = {{10, 10, 10, 10}};
    assert_ok(hma_course_begin(&course, STEPS, 0, now));
    for (size_t step = 0; step < STEPS; step++) {
        hma_course_expect(&course, step, &expected);
    }
    for (size_t step = 0; step < STEPS; step++) {
        hma_course_step(&course, step, now);
        for (size_t phase = 0; phase < HMA_PHASES; phase++) {
            const double takes = really(step, phase);
            hma_course_phase(&course, (hma_phase)phase, now);
            for (int tenth = 1; tenth <= 10; tenth++) {
                double share, left;
                hma_course_done(&course, tenth / 10.0);
                hma_course_tell(&course, now + takes * tenth / 10, &share, &left);
                assert_true(share >= last && share <= 1);
                last = share;
                if (step > from || (step == from && phase > 1)) {
                    worst = fmax(worst, fabs(left - (end - now - takes * tenth / 10)) / (end - 100));
                }
            }
            now += takes;
        }
    }
    assert_true(last > 0.95);
    hma_course_end(&course);
    return worst;
}

static void what_is_as_expected_is_told_exactly(void **state) {
    (void)state;
    assert_true(worst_error(as_expected, 0) < 1e-9);
}

static void work_that_is_slower_throughout_is_known_from_its_beginning(void **state) {
    (void)state;
    assert_true(worst_error(twice_as_long, 0) < 0.02);
}

static void each_kind_of_work_is_corrected_by_itself(void **state) {
    (void)state;
    assert_true(worst_error(replies_end_early, 0) > 0.02); /* replies have not been seen */
    assert_true(worst_error(replies_end_early, 1) < 0.01);
    assert_true(worst_error(nothing_to_judge, 1) < 0.01);
}

static void recent_steps_count_more_than_old_ones(void **state) {
    (void)state;
    assert_true(worst_error(later_steps_know_replies, 3) < 0.15);
}

static void steps_of_which_less_is_expected_count_less(void **state) {
    (void)state;
    hma_course course;
    double share, left;
    assert_ok(hma_course_begin(&course, 3, 30, 0));
    hma_course_expect(&course, 0, &(hma_expectation){{20}});
    hma_course_expect(&course, 1, &(hma_expectation){{5}});
    hma_course_expect(&course, 2, &(hma_expectation){{5}});
    hma_course_phase(&course, HMA_PHASE_QUESTIONS, 0);
    hma_course_done(&course, 0.5);
    hma_course_tell(&course, 10, &share, &left);
    assert_true(fabs(left - 20) < 1e-9);
    assert_true(fabs(share - 40.0 / 60) < 1e-9); /* with the 30 seconds of before */
    hma_course_done(&course, 0.2); /* it does not go back */
    hma_course_step(&course, 1, 20);
    hma_course_tell(&course, 20, &share, &left);
    assert_true(fabs(left - 10) < 1e-9);
    hma_course_end(&course);
}

static void judging_between_replies_leaves_them_where_they_were(void **state) {
    (void)state;
    hma_course course;
    double share, left;
    assert_ok(hma_course_begin(&course, 1, 0, 0));
    hma_course_expect(&course, 0, &(hma_expectation){{[HMA_PHASE_REPLIES] = 10, [HMA_PHASE_JUDGING] = 10}});
    hma_course_phase(&course, HMA_PHASE_REPLIES, 0);
    hma_course_done(&course, 0.5);
    hma_course_phase(&course, HMA_PHASE_JUDGING, 5);
    hma_course_done(&course, 0.5);
    hma_course_tell(&course, 10, &share, &left);
    assert_true(fabs(left - 10) < 1e-9);
    hma_course_phase(&course, HMA_PHASE_REPLIES, 10);
    hma_course_done(&course, 1);
    hma_course_tell(&course, 15, &share, &left);
    assert_true(fabs(left - 5) < 1e-9);
    hma_course_end(&course);
}

static void nothing_is_told_while_nothing_is_expected(void **state) {
    (void)state;
    hma_course course;
    double share, left;
    assert_ok(hma_course_begin(&course, 2, 0, 0));
    hma_course_tell(&course, 1, &share, &left);
    assert_true(isnan(share) && isnan(left));
    hma_course_end(&course);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_as_expected_is_told_exactly),
        cmocka_unit_test(work_that_is_slower_throughout_is_known_from_its_beginning),
        cmocka_unit_test(each_kind_of_work_is_corrected_by_itself),
        cmocka_unit_test(recent_steps_count_more_than_old_ones),
        cmocka_unit_test(steps_of_which_less_is_expected_count_less),
        cmocka_unit_test(judging_between_replies_leaves_them_where_they_were),
        cmocka_unit_test(nothing_is_told_while_nothing_is_expected),
    };
    return cmocka_run_group_tests_name("how far a long piece of work has come", tests, NULL, NULL);
}
