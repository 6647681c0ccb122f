/* How far two results of one model lie apart: what `hma eval --precision bf16` tells. */
#include "testing.h"

#include "hma/eval.h"

static char *ids[] = {(char[]){"a"}, (char[]){"b"}, (char[]){"c"}};
static char mc_name[] = "mc", gen_name[] = "gen";

static hma_result two_tasks(hma_task_result tasks[2], char **choices, double *picked, char **texts, double *f1, size_t items) {
    tasks[0] = (hma_task_result){.name = mc_name, .items = items, .item_id = ids, .detail = choices, .score = picked};
    tasks[1] = (hma_task_result){.name = gen_name, .items = items, .item_id = ids, .detail = texts, .score = f1};
    return (hma_result){.task_count = 2, .tasks = tasks};
}

static void only_items_that_both_have_are_compared(void **state) {
    (void)state;
    char *choices[] = {(char[]){"{\"ll\":[-1,-2.5],\"greedy\":[true,false]}"},
                       (char[]){"{\"ll\":[-3,-4],\"greedy\":[true,false]}"},
                       (char[]){"{\"ll\":[-9,-9],\"greedy\":[true,false]}"}};
    char *reference_choices[] = {(char[]){"{\"ll\":[-1.25,-2.5],\"greedy\":[true,false]}"},
                                 (char[]){"{\"ll\":[-3.5,-3.25],\"greedy\":[false,false]}"}};
    char *texts[] = {(char[]){"{\"text\":\"one\"}"}, (char[]){"{\"text\":\"two\"}"}, (char[]){"{\"text\":\"three\"}"}};
    char *reference_texts[] = {(char[]){"{\"text\":\"one\"}"}, (char[]){"{\"text\":\"zwei\"}"}};
    double picked[] = {1, 0, 1}, f1[] = {1, 0.5, 0}, reference_picked[] = {1, 1}, reference_f1[] = {1, 0.5};
    hma_task_result tasks[2], reference_tasks[2];
    const hma_result result = two_tasks(tasks, choices, picked, texts, f1, 3);
    const hma_result reference =
        two_tasks(reference_tasks, reference_choices, reference_picked, reference_texts, reference_f1, 2);
    hma_deviation d;
    assert_ok(hma_result_deviation(&d, &result, &reference));
    assert_int_equal(d.items, 4);
    assert_int_equal(d.scores_changed, 1);
    assert_int_equal(d.logprobs, 4);
    assert_true(d.largest == 0.75);
    assert_true(d.mean == (0.25 + 0 + 0.5 + 0.75) / 4);
    assert_int_equal(d.replies, 2);
    assert_int_equal(d.replies_changed, 1);
}

static void a_detail_that_is_no_json_is_bad_data(void **state) {
    (void)state;
    char *good[] = {(char[]){"{\"ll\":[-1]}"}}, *bad[] = {(char[]){"{\"ll\":"}};
    double score[] = {1};
    hma_task_result task = {.name = mc_name, .items = 1, .item_id = ids, .detail = good, .score = score}, other = task;
    other.detail = bad;
    const hma_result result = {.task_count = 1, .tasks = &task}, reference = {.task_count = 1, .tasks = &other};
    hma_deviation d;
    assert_int_equal(hma_result_deviation(&d, &result, &reference), HMA_BAD_DATA);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_items_that_both_have_are_compared),
        cmocka_unit_test(a_detail_that_is_no_json_is_bad_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
