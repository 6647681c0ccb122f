/* eval/tasks/library: files that are missing, incomplete or of another data set, layouts of files, worked examples, settings.
 * Agreement with the harness: tests/golden/test_golden_library.c. */
#include "scratch.h"

#include "base/file.h"
#include "base/json.h"
#include "eval/tasks/library/records.h"
#include "eval/tasks/suite.h"
#include "hma/eval.h"

enum { FILE_LIMIT = 1 << 20 };

/* A suite of one task; `settings` begins after its name. */
static hma_status load(hma_suite **out, const char *settings) {
    char text[2048];
    (void)snprintf(text, sizeof text, "{\"tasks\":[{\"name\":\"t\",%s}]}", settings);
    return hma_suite_load(out, put("suite.json", text));
}

static hma_suite *loaded(const char *settings) {
    hma_suite *suite = NULL;
    assert_ok(load(&suite, settings));
    return suite;
}

static void every_ready_suite_says_where_its_data_are_found(void **state) {
    (void)state;
    static const char *const suites[] = {"alignment-tax", "alignment-tax-short", "commonsense", "broad"};
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
        char path[1024];
        cJSON *tree;
        const cJSON *task;
        (void)snprintf(path, sizeof path, "%s/../eval/tasks/library/suites/%s.json", HMA_TEST_DATA, suites[i]);
        assert_ok(hma_json_load(&tree, path, FILE_LIMIT));
        cJSON_ArrayForEach(task, hma_json_get(tree, "tasks")) {
            char *one = cJSON_PrintUnformatted(task), text[2048];
            hma_suite *suite = NULL;
            (void)snprintf(text, sizeof text, "{\"tasks\":[%s]}", one);
            assert_fails(hma_suite_load(&suite, put("suite.json", text)), HMA_IO, "put it there; hma downloads nothing");
            assert_non_null(strstr(hma_error_message(), hma_json_get(task, "file")->valuestring));
            free(one);
        }
        cJSON_Delete(tree);
    }
}

static void every_task_has_what_it_needs(void **state) {
    (void)state;
    size_t count = 0;
    for (const hma_builtin *b; (b = hma_builtin_at(count)) != NULL; count++) {
        assert_ptr_equal(hma_builtin_find(b->name), b);
        assert_true(b->make && b->category && b->delimiter && b->version && b->data);
        assert_true(b->metric_count > 0 && b->metric_count <= HMA_MOST_MEASURES);
        assert_true(b->type != HMA_TASK_GENERATE || b->until[0]);
    }
    assert_true(count >= 20);
    assert_null(hma_builtin_find("arc"));
}

static void settings_that_make_no_sense_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *settings, *message;
    } cases[] = {
        {"\"task\":\"arc_esay\",\"file\":\"x\"", "did you mean \"arc_easy\""},
        {"\"task\":\"zzz\",\"file\":\"x\"", "expected a task of the library"},
        {"\"task\":\"piqa\",\"type\":\"generate\",\"file\":\"x\"", "unknown key \"type\""},
        {"\"task\":\"piqa\",\"file\":\"x\",\"until\":[\"a\"]", "unknown key \"until\""},
        {"\"task\":\"piqa\",\"file\":\"x\",\"metric\":\"bleu\"", "(expected \"acc\" or \"acc_norm\")"},
        {"\"task\":\"piqa\"", "\"file\" is missing"},
        {"\"task\":\"arc_easy\",\"file\":\"x\",\"answers_file\":\"y\"", "the data of arc_easy are one file"},
        {"\"task\":\"truthfulqa_mc1\",\"file\":\"x\",\"num_fewshot\":1", "has its own examples"},
        {"\"task\":\"piqa\",\"file\":\"x\",\"fewshot_file\":\"y\"", "no worked examples are asked for"},
        {"\"task\":\"piqa\",\"file\":\"x\",\"num_fewshot\":-1", "\"num_fewshot\" is not usable"},
        {"\"task\":\"piqa\",\"file\":{\"search\":\"x\",\"test\":\"y\"},\"answers_file\":\"z\"", "given for two files"},
        {"\"type\":\"rolling\",\"metric\":\"bits_per_byte\",\"file\":\"x\",\"num_fewshot\":1", "unknown key \"num_fewshot\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hma_suite *suite = NULL;
        assert_fails(load(&suite, cases[i].settings), HMA_BAD_DATA, cases[i].message);
        assert_null(suite);
    }
}

static void documents_of_another_kind_are_refused_by_number(void **state) {
    (void)state;
    static const struct {
        const char *task, *name, *text, *message;
    } cases[] = {
        {"arc_easy", "a.jsonl", "", "not JSON"},
        {"arc_easy", "a.json", "[]", "there is no document in the file"},
        {"arc_easy", "a.jsonl", "[1]", "document 1: it is not an object"},
        {"arc_easy", "a.txt", "plain", "it is a text file"},
        {"arc_easy", "a.jsonl", "{\"question\":\"q\",\"choices\":{\"text\":[\"a\",\"b\"],\"label\":[\"A\",\"B\"]}}",
         "document 1: \"answerKey\" is not usable (expected one of the labels)"},
        {"arc_easy", "a.jsonl",
         "{\"question\":\"q\",\"choices\":{\"text\":[\"a\",\"b\"],\"label\":[\"A\",\"B\"]},\"answerKey\":\"C\"}",
         "\"answerKey\" is not usable"},
        {"arc_easy", "a.jsonl",
         "{\"question\":\"q\",\"choices\":{\"text\":[\"a\"],\"label\":[\"A\",\"B\"]},\"answerKey\":\"B\"}",
         "\"choices\" is not usable"},
        {"arc_easy", "a.jsonl", "{\"question\":{\"stem\":\"q\",\"choices\":3},\"answerKey\":\"A\"}",
         "\"choices\" is not usable"},
        {"piqa", "a.jsonl", "{\"goal\":\"g\",\"sol1\":\"a\",\"sol2\":\"b\"}",
         "\"label\" is not usable (expected a number from 0 to 1)"},
        {"piqa", "a.jsonl", "{\"goal\":\"g\",\"sol1\":\"a\",\"label\":-1}", "use a split that is published with its answers"},
        {"piqa", "a.csv", "goal,sol1\ng", "row 2: the number of fields is not the header's"},
        {"piqa", "a.csv", "goal,goal\na,b", "two columns have the same name"},
        {"piqa", "a.csv", "goal\n\"g", "a quoted field has no end"},
        {"piqa", "a.csv", "goal\n\"g\"x", "text follows a quoted field"},
        {"winogrande", "a.jsonl", "{\"sentence\":\"no blank\",\"option1\":\"a\",\"option2\":\"b\",\"answer\":\"1\"}",
         "has no blank"},
        {"winogrande", "a.jsonl", "{\"sentence\":\"a _\",\"option1\":\"a\",\"option2\":\"b\",\"answer\":\"\"}",
         "\"answer\" is not usable"},
        {"hellaswag", "a.jsonl",
         "{\"activity_label\":\"a\",\"ctx_a\":\"b\",\"ctx_b\":\"c\",\"endings\":[\"x\",\"y\"],\"label\":\"\"}",
         "\"label\" is not usable"},
        {"race", "a.jsonl", "{\"article\":\"a\",\"problems\":\"[{'question': 'q'\"}", "there is no Python literal"},
        {"race", "a.jsonl", "{\"article\":\"a\",\"problems\":\"[]\"}", "there is no question about the article"},
        {"race", "a.jsonl", "{\"article\":\"a\",\"questions\":[\"q\"],\"answers\":[],\"options\":[]}", "not of one length"},
        {"race", "a.jsonl", "{\"article\":\"a\",\"question\":\"q\",\"answer\":\"E\",\"options\":[\"1\",\"2\",\"3\",\"4\"]}",
         "\"answer\" is not usable (expected A to D"},
        {"squadv2", "a.json", "{\"data\":[{\"title\":\"t\"}]}", "record 1: \"paragraphs\" is not usable (expected a list)"},
        {"squadv2", "a.jsonl", "{\"title\":\"t\",\"context\":\"c\",\"question\":\"q\"}", "\"answers\" is not usable"},
        {"drop", "a.json", "{\"nfl\":{\"passage\":\"p\"}}", "\"qa_pairs\" is not usable"},
        {"truthfulqa_mc2", "a.jsonl", "{\"question\":\"q\",\"mc1_targets\":{},\"mc2_targets\":{\"a\":0,\"b\":0}}",
         "at least one that is 1"},
        {"lambada_openai", "a.jsonl", "{\"txt\":\"a\"}", "document 1: \"text\" is missing"},
        {"gsm8k", "a.jsonl", "{\"question\":\"q\"}", "\"answer\" is missing"},
        {"wmt14-fr-en", "a.jsonl", "{\"translation\":{\"fr\":\"x\"}}", "\"en\" is missing"},
        {"wmt14-fr-en", "a.fr", "\xff", "is not UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char settings[256];
        hma_suite *suite = NULL;
        put(cases[i].name, cases[i].text);
        (void)snprintf(settings, sizeof settings, "\"task\":\"%s\",\"file\":\"%s\"%s", cases[i].task, cases[i].name,
                       strcmp(cases[i].task, "gsm8k") == 0 ? ",\"num_fewshot\":0" : "");
        assert_fails(load(&suite, settings), HMA_BAD_DATA, cases[i].message);
        assert_null(suite);
    }
}

static void answers_come_from_a_second_file_of_as_many_lines(void **state) {
    (void)state;
    static const char settings[] = "\"task\":\"piqa\",\"file\":\"p.jsonl\",\"answers_file\":\"p.lst\"";
    hma_suite *suite = NULL;
    put("p.jsonl", "{\"goal\":\"g\",\"sol1\":\"a\",\"sol2\":\"b\"}\n{\"goal\":\"g\",\"sol1\":\"a\",\"sol2\":\"b\"}\n");
    put("p.lst", "1\n");
    assert_fails(load(&suite, settings), HMA_BAD_DATA, "there are 1 lines for the 2 records");
    put("p.lst", "1\r\n0\r\n");
    suite = loaded(settings);
    assert_int_equal(suite->tasks[0].items.item[0].gold, 1);
    assert_int_equal(suite->tasks[0].items.item[1].gold, 0);
    char digest[65];
    (void)snprintf(digest, sizeof digest, "%s", hma_suite_digest(suite));
    hma_suite_free(suite);
    put("p.lst", "1\n1\n");
    suite = loaded(settings);
    assert_string_not_equal(hma_suite_digest(suite), digest);
    hma_suite_free(suite);
}

static void worked_examples_are_for_items_of_any_kind(void **state) {
    (void)state;
    put("mc.jsonl", "{\"query\":\"A\",\"choices\":[\"x\",\"y\"],\"gold\":1}\n");
    put("more.jsonl", "{\"query\":\"B\",\"choices\":[\"x\",\"y\"],\"gold\":[0,1]}\n");
    hma_suite *suite = loaded("\"type\":\"multiple_choice\",\"metric\":\"acc\",\"file\":\"mc.jsonl\",\"num_fewshot\":1,"
                              "\"fewshot_file\":\"more.jsonl\",\"description\":\"Do:\\n\"");
    assert_string_equal(suite->tasks[0].items.item[0].query, "Do:\nB x\n\nA");
    hma_suite_free(suite);
    put("gen.jsonl", "{\"query\":\"A\",\"answers\":[\"x\"]}\n{\"query\":\"B\",\"answers\":[\"y\"],\"target\":\" z\"}\n");
    suite = loaded("\"type\":\"generate\",\"metric\":\"em\",\"file\":\"gen.jsonl\",\"num_fewshot\":1,\"limit\":1");
    assert_string_equal(suite->tasks[0].items.item[0].query, "B  z\n\nA"); /* never the one that is asked */
    hma_suite_free(suite);
    suite = NULL;
    assert_fails(load(&suite, "\"type\":\"generate\",\"metric\":\"em\",\"file\":\"gen.jsonl\",\"num_fewshot\":2"), HMA_BAD_DATA,
                 "there are 2 documents to draw worked examples from (expected at least 3)");
}

static void choices_may_be_what_is_shown(void **state) {
    (void)state;
    static const char settings[] = "\"type\":\"multiple_choice\",\"metric\":\"acc\",\"file\":\"mc.jsonl\"";
    hma_suite *suite = NULL;
    put("mc.jsonl", "{\"queries\":[\"He\",\"She\"],\"target\":\"ran.\",\"gold\":1}\n");
    suite = loaded(settings);
    const hma_item *item = &suite->tasks[0].items.item[0];
    assert_string_equal(hma_item_query(item, 1), "She");
    assert_string_equal(item->texts[0], "ran.");
    assert_true(item->right[1] && !item->right[0]);
    hma_suite_free(suite);
    suite = NULL;
    put("mc.jsonl", "{\"queries\":[\"He\"],\"target\":\"ran.\",\"gold\":0}\n");
    assert_fails(load(&suite, settings), HMA_BAD_DATA, "\"queries\" is not usable");
    put("mc.jsonl", "{\"query\":\"He\",\"target\":\"ran.\",\"choices\":[\"a\",\"b\"],\"gold\":0}\n");
    assert_fails(load(&suite, settings), HMA_BAD_DATA, "\"target\" is given without \"queries\"");
    put("mc.jsonl", "{\"query\":\"He\",\"choices\":[\"a\",\"b\"],\"gold\":[]}\n");
    assert_fails(load(&suite, settings), HMA_BAD_DATA, "\"gold\" is not usable");
}

static void whole_texts_count_words_and_bytes(void **state) {
    (void)state;
    put("t.jsonl", "{\"text\":\"é a\\n\\nb \"}\n{\"text\":\"x\",\"words\":7,\"bytes\":9}\n");
    hma_suite *suite = loaded("\"type\":\"rolling\",\"metric\":\"byte_perplexity\",\"file\":\"t.jsonl\"");
    const hma_task_spec *spec = &suite->tasks[0];
    assert_int_equal(spec->measure_count, 3);
    assert_true(spec->items.item[0].words == 4 && spec->items.item[0].bytes == 8);
    assert_true(spec->items.item[1].words == 7 && spec->items.item[1].bytes == 9);
    hma_suite_free(suite);
}

static void python_literals_are_read_as_python_writes_them(void **state) {
    (void)state;
    static const struct {
        const char *text, *json; /* NULL: refused */
    } cases[] = {
        {"[]", "[]"},
        {"{'a': \"it's\", 'b': ['x', 1, -2.5, True, None, ()], }", "{\"a\":\"it's\",\"b\":[\"x\",1,-2.5,true,null,[]]}"},
        {"'\\n\\'\\\\\\x41\\u00e9\\U0001f642'", "\"\\n'\\\\Aé🙂\""},
        {" ( 'a' , ) ", "[\"a\"]"},
        {"", NULL},
        {"[", NULL},
        {"['a' 'b']", NULL},
        {"{'a'}", NULL},
        {"{'a': 1, 'a': 2}", NULL},
        {"'a", NULL},
        {"'\\q'", NULL},
        {"'\\x4'", NULL},
        {"'\\u0000'", NULL},
        {"'\\ud800'", NULL},
        {"1e999", NULL},
        {"[1] 2", NULL},
        {"[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", NULL},
        {"array([1])", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *tree = NULL;
        if (!cases[i].json) {
            assert_fails(hma_python_literal_parse(&tree, "here", cases[i].text), HMA_BAD_DATA, "here: at byte");
            continue;
        }
        assert_ok(hma_python_literal_parse(&tree, "here", cases[i].text));
        char *json = cJSON_PrintUnformatted(tree);
        assert_string_equal(json, cases[i].json);
        free(json);
        cJSON_Delete(tree);
    }
}

static void files_of_every_layout_give_the_same_records(void **state) {
    (void)state;
    static const struct {
        const char *name, *text;
    } files[] = {{"r.json", "[{\"a\":\"1\"},\n {\"a\":\"x,\\\"\\n\"}]"},
                 {"r.jsonl", "{\"a\":\"1\"}\n\n{\"a\":\"x,\\\"\\n\"}"},
                 {"lines.json", "{\"a\":\"1\"}\r\n{\"a\":\"x,\\\"\\n\"}\r\n"},
                 {"r.csv", "\xEF\xBB\xBF"
                           "a\r\n1\r\n\"x,\"\"\n\"\r\n"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char digest[65];
        cJSON *list;
        assert_ok(hma_records_load(&list, put(files[i].name, files[i].text), digest));
        char *json = cJSON_PrintUnformatted(list);
        assert_string_equal(json, "[{\"a\":\"1\"},{\"a\":\"x,\\\"\\n\"}]");
        free(json);
        cJSON_Delete(list);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_ready_suite_says_where_its_data_are_found),
        cmocka_unit_test(every_task_has_what_it_needs),
        cmocka_unit_test(settings_that_make_no_sense_are_refused),
        cmocka_unit_test(documents_of_another_kind_are_refused_by_number),
        cmocka_unit_test(answers_come_from_a_second_file_of_as_many_lines),
        cmocka_unit_test(worked_examples_are_for_items_of_any_kind),
        cmocka_unit_test(choices_may_be_what_is_shown),
        cmocka_unit_test(whole_texts_count_words_and_bytes),
        cmocka_unit_test(python_literals_are_read_as_python_writes_them),
        cmocka_unit_test(files_of_every_layout_give_the_same_records),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
