/* eval/tasks: suite files and data files - what is read, and what is refused with which words. */
#include "scratch.h"

#include "base/file.h"
#include "eval/tasks/suite.h"
#include "hma/eval.h"

static hma_suite *load(const char *text) {
    hma_suite *suite = NULL;
    assert_ok(hma_suite_load(&suite, put("suite.json", text)));
    return suite;
}

static const char choices[] = "{\"query\":\"2+2=\",\"choices\":[\"3\",\"4\"],\"gold\":1}\n"
                              "{\"id\":\"b\",\"query\":\"Q\",\"choices\":[\"x\",\"y\",\"z\"],\"gold\":0}\r\n"
                              "\n"
                              "{\"id\":7,\"query\":\"\",\"choices\":[\"é\",\"y\"],\"gold\":0}";

static void every_part_of_a_suite_is_read(void **state) {
    (void)state;
    put("mc.jsonl", choices);
    put("gen.jsonl", "{\"query\":\"q\",\"answers\":[\"a\",\"\"]}\n");
    put("drop.jsonl", "{\"query\":\"q\",\"answers\":[\"a\",[\"b\",\"c\"]]}\n");
    put("ll.jsonl", "{\"query\":\"q\",\"choices\":[\"a\"],\"gold\":0}\n{\"query\":\"q\",\"target\":\" b\"}\n");
    put("test.jsonl", "{\"prompt\":\"hi\"}\n{\"prompt\":\"ho\",\"id\":\"x\"}\n");
    hma_suite *suite =
        load("{\"name\":\"all\",\"seed\":9,\"bos\":\"no\",\"tasks\":["
             "{\"name\":\"mc\",\"category\":\"qa\",\"type\":\"multiple_choice\",\"file\":\"mc.jsonl\",\"metric\":\"acc_norm\","
             "\"limit\":2},"
             "{\"name\":\"gen\",\"type\":\"generate\",\"file\":\"gen.jsonl\",\"metric\":\"bleu\",\"until\":[\"\\n\",\"Q:\"],"
             "\"max_tokens\":5},"
             "{\"name\":\"drop\",\"type\":\"generate\",\"file\":\"drop.jsonl\",\"metric\":\"drop_f1\"},"
             "{\"name\":\"ll\",\"type\":\"loglikelihood\",\"file\":\"ll.jsonl\",\"metric\":\"perplexity\"}],"
             "\"alignment\":{\"type\":\"reward_model\",\"model\":\"rm\",\"prompts\":{\"test\":\"test.jsonl\"},\"samples\":3,"
             "\"temperature\":0.5,\"max_tokens\":12,\"template\":\"none\",\"reward_text\":\"concat\"}}");
    assert_string_equal(hma_suite_name(suite), "all");
    assert_int_equal(hma_suite_seed(suite), 9);
    assert_int_equal(suite->bos, HMA_BOS_NO);
    assert_int_equal(hma_suite_task_count(suite), 4);
    assert_null(hma_suite_task(suite, 4));

    const hma_task *mc = hma_suite_task(suite, 0);
    assert_string_equal(mc->category, "qa");
    assert_int_equal(mc->type, HMA_TASK_MULTIPLE_CHOICE);
    assert_int_equal(mc->metric, HMA_METRIC_ACC_NORM);
    assert_int_equal(mc->items, 2);
    assert_string_equal(hma_suite_item_id(suite, 0, 0), "0");
    assert_string_equal(hma_suite_item_id(suite, 0, 1), "b");
    assert_null(hma_suite_item_id(suite, 0, 2));
    assert_int_equal(suite->tasks[0].items.item[1].text_count, 3);
    assert_int_equal(suite->tasks[0].items.item[0].gold, 1);

    assert_string_equal(hma_suite_task(suite, 1)->category, "gen");
    assert_int_equal(suite->tasks[1].until.count, 2);
    assert_string_equal(suite->tasks[1].until.text[1], "Q:");
    assert_int_equal(suite->tasks[1].max_tokens, 5);
    const hma_item *drop = &suite->tasks[2].items.item[0];
    assert_int_equal(drop->answer_count, 2);
    assert_int_equal(drop->answers[1].count, 2);
    assert_string_equal(drop->answers[1].text[1], "c");
    assert_string_equal(suite->tasks[3].items.item[1].texts[0], " b");

    assert_string_equal(hma_suite_alignment_type(suite), "reward_model");
    assert_int_equal(suite->prompts[HMA_PROMPTS_TEST].count, 2);
    assert_int_equal(suite->prompts[HMA_PROMPTS_SEARCH].count, 0);
    assert_int_equal(suite->alignment.samples, 3);
    assert_true(!suite->alignment.chat_prompt && !suite->alignment.chat_reward && suite->alignment.temperature == 0.5);
    char *reward = hma_path_join(scratch.folder, "rm");
    assert_string_equal(hma_suite_reward_folder(suite), reward);
    free(reward);
    hma_suite_free(suite);
}

static const char plain[] =
    "{\"tasks\":[{\"name\":\"mc\",\"type\":\"multiple_choice\",\"file\":\"mc.jsonl\",\"metric\":\"acc\"}]}";

static void the_digest_covers_suite_and_data(void **state) {
    (void)state;
    char before[65];
    put("mc.jsonl", choices);
    hma_suite *suite = load(plain);
    assert_int_equal(snprintf(before, sizeof before, "%s", hma_suite_digest(suite)), 64);
    assert_int_equal(suite->bos, HMA_BOS_AUTO);
    hma_suite_free(suite);
    suite = load(plain);
    assert_string_equal(hma_suite_digest(suite), before);
    hma_suite_free(suite);
    put("mc.jsonl", "{\"query\":\"2+2=\",\"choices\":[\"3\",\"5\"],\"gold\":1}\n");
    suite = load(plain);
    assert_string_not_equal(hma_suite_digest(suite), before);
    hma_suite_free(suite);
}

static void bad_suites_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "not JSON"},
        {"[]", "is not a suite"},
        {"{\"name\":\"x\"}", "measures nothing"},
        {"{\"tasks\":[]}", "measures nothing"},
        {"{\"tasks\":{}}", "\"tasks\" is not a list"},
        {"{\"tasks\":[3]}", "task 1: is not an object"},
        {"{\"taks\":[]}", "did you mean \"tasks\""},
        {"{\"name\":3,\"tasks\":[]}", "\"name\" is not usable"},
        {"{\"seed\":-1,\"tasks\":[]}", "\"seed\" is not usable"},
        {"{\"seed\":1152921504606846976,\"tasks\":[]}", "(expected a whole number from 0 to 9007199254740992)"},
        {"{\"bos\":\"maybe\",\"tasks\":[]}", "(expected \"auto\", \"yes\" or \"no\")"},
        {"{\"name\":\"a\",\"name\":\"b\"}", "duplicate key \"name\""},
        {"{\"tasks\":[{\"type\":\"generate\"}]}", "task 1: \"name\" is missing"},
        {"{\"tasks\":[{\"name\":\"a/b\"}]}", "choose another"},
        {"{\"tasks\":[{\"name\":\"alignment\"}]}", "choose another"},
        {"{\"tasks\":[{\"name\":\"t\",\"type\":\"multiple_chioce\"}]}", "did you mean \"multiple_choice\""},
        {"{\"tasks\":[{\"name\":\"t\",\"type\":\"generate\",\"metric\":\"acc\",\"file\":\"x\"}]}", "\"bleu\""},
        {"{\"tasks\":[{\"name\":\"t\",\"type\":\"loglikelihood\",\"metric\":\"acc\",\"file\":\"x\",\"until\":[]}]}",
         "unknown key \"until\""},
        {"{\"tasks\":[{\"name\":\"t\",\"type\":\"generate\",\"metric\":\"f1\",\"file\":\"x\",\"until\":[\"\"]}]}",
         "non-empty strings"},
        {"{\"tasks\":[{\"name\":\"t\",\"type\":\"generate\",\"metric\":\"f1\",\"file\":\"x\",\"max_tokens\":0}]}",
         "\"max_tokens\" is not usable"},
        {"{\"tasks\":[{\"name\":\"t\",\"type\":\"generate\",\"metric\":\"f1\",\"file\":\"x\",\"limit\":1.5}]}",
         "\"limit\" is not usable"},
        {"{\"alignment\":[]}", "alignment: is not an object"},
        {"{\"alignment\":{\"type\":\"reward\"}}", "\"reward_model\""},
        {"{\"alignment\":{\"type\":\"reward_model\"}}", "\"model\" is missing"},
        {"{\"alignment\":{\"type\":\"implicit\",\"model\":\"x\"}}", "unknown key \"model\""},
        {"{\"alignment\":{\"type\":\"implicit\"}}", "\"prompts\" is not usable"},
        {"{\"alignment\":{\"type\":\"implicit\",\"prompts\":{\"tests\":\"x\"}}}", "did you mean \"test\""},
        {"{\"alignment\":{\"type\":\"scores\",\"command\":\"rm -rf\"}}", "\"command\" is not usable"},
        {"{\"alignment\":{\"type\":\"scores\",\"command\":[\"\"]}}", "\"command\" is not usable"},
        {"{\"alignment\":{\"type\":\"implicit\",\"temperature\":-1}}", "\"temperature\" is not usable"},
        {"{\"alignment\":{\"type\":\"implicit\",\"template\":\"raw\"}}", "\"none\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hma_suite *suite = NULL;
        assert_fails(hma_suite_load(&suite, put("suite.json", cases[i].text)), HMA_BAD_DATA, cases[i].message);
        assert_null(suite);
        assert_non_null(strstr(hma_error_message(), "suite.json"));
    }
}

static void two_tasks_cannot_share_a_name(void **state) {
    (void)state;
    hma_suite *suite = NULL;
    put("mc.jsonl", choices);
    const char *path =
        put("suite.json", "{\"tasks\":[{\"name\":\"a\",\"type\":\"multiple_choice\",\"file\":\"mc.jsonl\",\"metric\":\"acc\"},"
                          "{\"name\":\"a\",\"type\":\"multiple_choice\",\"file\":\"mc.jsonl\",\"metric\":\"acc\"}]}");
    assert_fails(hma_suite_load(&suite, path), HMA_BAD_DATA, "two tasks are called \"a\"");
}

static void files_that_are_not_there_are_io_errors(void **state) {
    (void)state;
    hma_suite *suite = NULL;
    assert_fails(hma_suite_load(&suite, "/nonexistent/suite.json"), HMA_IO, "suite.json");
    const char *path =
        put("suite.json", "{\"tasks\":[{\"name\":\"a\",\"type\":\"generate\",\"file\":\"none.jsonl\",\"metric\":\"f1\"}]}");
    assert_fails(hma_suite_load(&suite, path), HMA_IO, "none.jsonl");
}

/* Each file as the data of a multiple-choice task. */
static void bad_lines_are_refused_with_file_and_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "there is no item"},
        {"\n \n", "there is no item"},
        {"\xEF\xBB\xBF{\"query\":\"q\"}", "mc.jsonl:1: the file begins with a byte order mark"},
        {"{\"query\":\"q\",\"choices\":[\"a\",\"b\"],\"gold\":0}\n[1]", "mc.jsonl:2: the line is not an object"},
        {"{\"query\":\"q\",\"choices\":[\"a\",\"b\"],\"gold\":0}{}", "mc.jsonl:1"},
        {"{\"query\":\"\xFF\",\"choices\":[\"a\",\"b\"],\"gold\":0}", "UTF-8"},
        {"{\"query\":\"q\",\"choices\":[\"a\",\"b\"],\"gold\":2}",
         "\"gold\" is not usable (expected a whole number from 0 to 1)"},
        {"{\"query\":\"q\",\"choices\":[\"a\",\"b\"],\"gold\":-1}", "\"gold\" is not usable"},
        {"{\"query\":\"q\",\"choices\":[\"a\",\"b\"],\"gold\":\"0\"}", "\"gold\" is not usable"},
        {"{\"query\":\"q\",\"choices\":[\"a\",\"b\"]}", "\"gold\" is missing"},
        {"{\"query\":\"q\",\"choices\":[\"a\"],\"gold\":0}", "at least two"},
        {"{\"query\":\"q\",\"choices\":[\"a\",\"\"],\"gold\":0}", "non-empty"},
        {"{\"query\":\"q\",\"choices\":[\"a\",3],\"gold\":0}", "\"choices\" holds something"},
        {"{\"query\":\"q\",\"gold\":0}", "\"choices\" is not usable"},
        {"{\"choices\":[\"a\",\"b\"],\"gold\":0}", "\"query\" is missing"},
        {"{\"query\":\"q\",\"choises\":[\"a\",\"b\"],\"gold\":0}", "did you mean \"choices\""},
        {"{\"id\":1.5,\"query\":\"q\",\"choices\":[\"a\",\"b\"],\"gold\":0}", "\"id\" is not usable"},
        {"{\"id\":\"1\",\"query\":\"q\",\"choices\":[\"a\",\"b\"],\"gold\":0}\n{\"query\":\"q\",\"choices\":[\"a\",\"b\"],"
         "\"gold\":0}",
         "mc.jsonl:2: duplicate id \"1\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hma_suite *suite = NULL;
        put("mc.jsonl", cases[i].text);
        assert_fails(hma_suite_load(&suite, put("suite.json", plain)), HMA_BAD_DATA, cases[i].message);
    }
}

static void bad_items_of_other_types_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *type, *metric, *text, *message;
    } cases[] = {
        {"generate", "f1", "{\"query\":\"q\",\"answers\":[]}", "\"answers\" is not usable"},
        {"generate", "f1", "{\"query\":\"q\",\"answers\":\"a\"}", "\"answers\" is not usable"},
        {"generate", "f1", "{\"query\":\"q\",\"answers\":[[\"a\"]]}", "\"answers\" holds something"},
        {"generate", "drop_f1", "{\"query\":\"q\",\"answers\":[[]]}", "lists of strings"},
        {"generate", "drop_em", "{\"query\":\"q\",\"answers\":[[\"a\",1]]}", "\"answers\" holds something"},
        {"loglikelihood", "acc", "{\"query\":\"q\"}", "\"target\" is missing"},
        {"loglikelihood", "acc", "{\"query\":\"q\",\"target\":\"\"}", "\"target\" is empty"},
        {"loglikelihood", "acc", "{\"query\":\"\",\"target\":\"\"}", "\"target\" is empty"},
        {"loglikelihood", "acc", "{\"query\":\"q\",}", "t.jsonl:1: column 14: not JSON"},
        {"loglikelihood", "acc", "{\"query\":\"q\",\"target\":\"a\",\"choices\":[\"a\"]}", "remove one"},
        {"loglikelihood", "acc", "{\"query\":\"q\",\"choices\":[\"a\",\"b\"]}", "a list of one string"},
        {"generate", "f1", "{\"query\":\"q\",\"answers\":[\"a\"],\"cluster\":\"\"}", "\"cluster\" is not usable"},
        {"generate", "f1", "{\"query\":\"q\",\"answers\":[\"a\"],\"passage\":1.5}", "\"passage\" is not usable"},
        {"generate", "f1", "{\"query\":\"q\",\"answers\":[\"a\"],\"cluster\":1,\"group\":1}", "\"group\" is a second name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hma_suite *suite = NULL;
        char text[512];
        put("t.jsonl", cases[i].text);
        (void)snprintf(text, sizeof text,
                       "{\"tasks\":[{\"name\":\"t\",\"type\":\"%s\",\"metric\":\"%s\",\"file\":\"t.jsonl\"}]}", cases[i].type,
                       cases[i].metric);
        assert_fails(hma_suite_load(&suite, put("suite.json", text)), HMA_BAD_DATA, cases[i].message);
    }
}

static void a_line_without_end_is_not_swallowed(void **state) {
    (void)state;
    hma_suite *suite = NULL;
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/mc.jsonl", scratch.folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    char block[1 << 16];
    memset(block, ' ', sizeof block);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(fwrite(block, 1, sizeof block, file), sizeof block);
    }
    assert_int_equal(fclose(file), 0);
    assert_fails(hma_suite_load(&suite, put("suite.json", plain)), HMA_BAD_DATA, "mc.jsonl:1: the line is longer than");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_a_suite_is_read),
        cmocka_unit_test(the_digest_covers_suite_and_data),
        cmocka_unit_test(bad_suites_are_refused),
        cmocka_unit_test(two_tasks_cannot_share_a_name),
        cmocka_unit_test(files_that_are_not_there_are_io_errors),
        cmocka_unit_test(bad_lines_are_refused_with_file_and_line),
        cmocka_unit_test(bad_items_of_other_types_are_refused),
        cmocka_unit_test(a_line_without_end_is_not_swallowed),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
