/* eval/tasks: text rules, assignment, metric names, summaries and retention. Agreement with references: tests/golden. */
#include "testing.h"

#include "base/buffer.h"
#include "base/rng.h"
#include "eval/tasks/assignment.h"
#include "eval/tasks/metrics.h"
#include "eval/tasks/python_number.h"
#include "eval/tasks/python_text.h"
#include "hma/eval.h"

static void expect_lower(const char *text, const char *expected) {
    hma_buffer out = {0};
    hma_python_lower(&out, text);
    assert_ok(hma_buffer_ok(&out));
    assert_string_equal(hma_buffer_cstr(&out), expected);
    hma_buffer_free(&out);
}

static void lower_case_follows_the_final_sigma_rule(void **state) {
    (void)state;
    expect_lower("ΟΔΟΣ ΟΔΟΣ.", "οδος οδος.");
    expect_lower("ΣΑΣ Σ", "σας σ");
    expect_lower("ΑΣ.Β ΑΣ'", "ασ.β ας'");
    expect_lower("İI ÀÉ Straße", "i̇i àé straße");
    expect_lower("", "");
}

static void articles_go_only_as_whole_words(void **state) {
    (void)state;
    hma_buffer out = {0};
    hma_python_drop_articles(&out, "the theory a_b an-a éa a\xCC\x81 the");
    assert_string_equal(hma_buffer_cstr(&out), "  theory a_b  -  éa  \xCC\x81  ");
    hma_buffer_free(&out);
}

static void strip_takes_unicode_spaces_from_both_ends(void **state) {
    (void)state;
    const char *text = "\xC2\xA0\n a b\xE3\x80\x80 ";
    size_t length = strlen(text);
    const char *first = hma_python_strip(text, &length);
    assert_int_equal(length, 3);
    assert_memory_equal(first, "a b", 3);
    length = 2;
    (void)hma_python_strip(" \t", &length);
    assert_int_equal(length, 0);
}

static void numbers_are_what_python_calls_a_float(void **state) {
    (void)state;
    static const struct {
        const char *text, *number; /* NULL: not a number */
    } cases[] = {{"5", "5.0"},
                 {" 1_000 ", "1000.0"},
                 {"1__0", NULL},
                 {"_1", NULL},
                 {"1_", NULL},
                 {"٣.٥", "3.5"},
                 {"1e400", "inf"},
                 {"-inf", "-inf"},
                 {"Infinity", "inf"},
                 {"nan", "nan"},
                 {".", NULL},
                 {".5", "0.5"},
                 {"5.", "5.0"},
                 {"1e", NULL},
                 {"0x10", NULL},
                 {"1e16", "1e+16"},
                 {"123456789012345678", "1.2345678901234568e+17"},
                 {"0.0001", "0.0001"},
                 {"0.00001", "1e-05"},
                 {"-0", "-0.0"},
                 {"", NULL},
                 {"1 2", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool is_number;
        double value;
        char text[HMA_PYTHON_NUMBER_TEXT];
        assert_ok(hma_python_float(cases[i].text, &is_number, &value));
        if (is_number != (cases[i].number != NULL)) {
            fail_msg("\"%s\" is %sa number", cases[i].text, is_number ? "" : "not ");
        }
        if (is_number) {
            assert_string_equal(hma_python_number_text(value, text), cases[i].number);
        }
    }
}

/* The best sum over all one-to-one pairings, by trying them all; rows <= columns. */
static double best_by_trying(const double *score, size_t rows, size_t columns, size_t row, unsigned taken) {
    double best = row == rows ? 0 : -INFINITY;
    for (size_t j = 0; row < rows && j < columns; j++) {
        if (!(taken >> j & 1)) {
            best = fmax(best, score[row * columns + j] + best_by_trying(score, rows, columns, row + 1, taken | 1u << j));
        }
    }
    return best;
}

static void assignment_is_the_best_of_all(void **state) {
    (void)state;
    const hma_rng_key key = hma_rng_key_for(1, "test assignment");
    for (uint64_t round = 0; round < 200; round++) {
        const hma_rng_key draw = hma_rng_key_with(key, round);
        const size_t rows = 1 + hma_rng_below(draw, 100, 5), columns = rows + hma_rng_below(draw, 101, 3);
        double score[64], transposed[64], sum = 0, transposed_sum = 0;
        size_t column[8], row[8];
        for (size_t i = 0; i < rows * columns; i++) {
            score[i] = (double)hma_rng_below(draw, i, 6) / 5;
            transposed[i % columns * rows + i / columns] = score[i];
        }
        assert_ok(hma_assignment_best(score, rows, columns, column));
        assert_ok(hma_assignment_best(transposed, columns, rows, row));
        unsigned taken = 0;
        for (size_t i = 0; i < rows; i++) {
            assert_true(column[i] < columns && !(taken >> column[i] & 1));
            taken |= 1u << column[i];
            sum += score[i * columns + column[i]];
        }
        for (size_t j = 0; j < columns; j++) {
            transposed_sum += row[j] == SIZE_MAX ? 0 : transposed[j * rows + row[j]];
        }
        const double best = best_by_trying(score, rows, columns, 0, 0);
        assert_near(sum, best, 1e-12);
        assert_near(transposed_sum, best, 1e-12);
    }
}

static void metrics_are_found_by_name(void **state) {
    (void)state;
    for (int m = 0; m < HMA_METRIC_COUNT; m++) {
        const hma_metric_info *info = hma_metric_describe((hma_metric)m);
        hma_metric back;
        assert_ok(hma_metric_parse(&back, info->name));
        assert_int_equal(back, m);
        assert_true(info->width >= 1 && info->width <= HMA_METRIC_MAX_WIDTH && (!info->is_mean || info->width == 1));
    }
    hma_metric metric = HMA_METRIC_BLEU;
    assert_null(hma_metric_describe(HMA_METRIC_COUNT));
    assert_fails(hma_metric_parse(&metric, "bleau"), HMA_USAGE, "bleu");
    assert_int_equal(metric, HMA_METRIC_BLEU);
}

/* ---- results ---- */

typedef struct one_task {
    hma_task_result task;
    hma_measure measure;
    double stats[40];
} one_task;

static hma_task_result make_task(one_task *t, const char *category, hma_metric metric, size_t items) {
    t->measure = (hma_measure){.metric = metric, .items = items, .stats = t->stats};
    t->task = (hma_task_result){.name = (char[]){"t"}, .items = items, .measure_count = 1, .measures = &t->measure};
    t->task.category = strdup(category);
    return t->task;
}

static void retention_is_the_mean_of_category_means(void **state) {
    (void)state;
    one_task t[4] = {{.stats = {1, 0, 1, 0}}, {.stats = {1, 1, 1, 0}}, {.stats = {0.25, 0.75}}, {.stats = {-1, -3}}};
    hma_task_result tasks[4] = {make_task(&t[0], "qa", HMA_METRIC_ACC, 4), make_task(&t[1], "reading", HMA_METRIC_F1, 4),
                                make_task(&t[2], "qa", HMA_METRIC_EM, 2), make_task(&t[3], "lm", HMA_METRIC_PERPLEXITY, 2)};
    hma_result result = {.task_count = 4, .tasks = tasks};
    assert_ok(hma_result_summarize(&result, 7));
    assert_near(result.retention, ((0.5 + 0.5) / 2 + 0.75) / 2, 1e-15);
    assert_near(t[3].measure.value, exp(2), 1e-12);
    const double e0 = sqrt(1.0 / 3) / 2, e1 = 0.25, e2 = 0.25;
    assert_near(result.retention_error, sqrt((e0 * e0 + e2 * e2) / 4 + e1 * e1) / 2, 1e-15);
    assert_near(tasks[0].score[0], 1, 0);
    assert_near(tasks[3].score[1], exp(3), 1e-12);

    /* a value that is not a number goes with its task, a category without values goes too */
    assert_near(hma_result_retention(&result, (double[]){NAN, 0.75, 0.5, 9}), (0.5 + 0.75) / 2, 1e-15);
    assert_near(hma_result_retention(&result, (double[]){NAN, 0.75, NAN, 9}), 0.75, 1e-15);
    assert_true(isnan(hma_result_retention(&result, (double[]){NAN, NAN, NAN, 9})));
    for (size_t i = 0; i < 4; i++) {
        free(tasks[i].score);
        free(tasks[i].category);
    }
}

static void bootstrap_error_of_a_corpus_metric_is_near_the_truth(void **state) {
    (void)state;
    enum { ITEMS = 40 };
    one_task t = {.stats = {0}};
    double mean = 0, squares = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        t.stats[i] = -1 - (double)(i * 7 % 10) / 20;
        mean += t.stats[i] / ITEMS;
    }
    for (size_t i = 0; i < ITEMS; i++) {
        squares += (t.stats[i] - mean) * (t.stats[i] - mean);
    }
    hma_task_result task = make_task(&t, "lm", HMA_METRIC_PERPLEXITY, ITEMS);
    hma_result result = {.task_count = 1, .tasks = &task};
    assert_ok(hma_result_summarize(&result, 3));
    const double first = t.measure.standard_error;
    /* delta method: perplexity times the error of the mean log-likelihood */
    assert_near(first, exp(-mean) * sqrt(squares / ITEMS / ITEMS), 0.05 * first);
    assert_ok(hma_result_summarize(&result, 3));
    assert_true(t.measure.standard_error == first);
    assert_true(isnan(result.retention));
    t.measure.items = task.items = 1;
    assert_ok(hma_result_summarize(&result, 3));
    assert_true(isnan(t.measure.standard_error) && !isnan(t.measure.value));
    free(task.score);
    free(task.category);
}

static void no_items_have_no_value(void **state) {
    (void)state;
    const double sums[HMA_METRIC_MAX_WIDTH] = {0};
    for (int m = 0; m < HMA_METRIC_COUNT; m++) {
        assert_true(isnan(hma_metric_value((hma_metric)m, sums, 0)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lower_case_follows_the_final_sigma_rule),
        cmocka_unit_test(articles_go_only_as_whole_words),
        cmocka_unit_test(strip_takes_unicode_spaces_from_both_ends),
        cmocka_unit_test(numbers_are_what_python_calls_a_float),
        cmocka_unit_test(assignment_is_the_best_of_all),
        cmocka_unit_test(metrics_are_found_by_name),
        cmocka_unit_test(retention_is_the_mean_of_category_means),
        cmocka_unit_test(bootstrap_error_of_a_corpus_metric_is_near_the_truth),
        cmocka_unit_test(no_items_have_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
