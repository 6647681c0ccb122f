/*
 * The task library against lm-evaluation-harness: documents in the layouts in which data sets are published become the same
 * requests, byte by byte, worked examples included. Data: tests/golden/library, made by tools/make_library.py.
 */
#include "testing.h"

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/json.h"
#include "eval/tasks/python_random.h"
#include "eval/tasks/suite.h"
#include "hma/eval.h"

enum { FILE_LIMIT = 16 << 20 };

static const char library[] = HMA_TEST_DATA "/golden/library";
static const char tokenizer[] = HMA_TEST_DATA "/golden/tokenizers/bpe-gpt2";

static char *next_line(char **rest) {
    char *line = strsep(rest, "\n");
    return line && *line ? line : NULL;
}

static cJSON *parse(const char *line) {
    cJSON *tree;
    assert_ok(hma_json_parse(&tree, "line", line, strlen(line)));
    return tree;
}

static void published_documents_become_the_harness_requests(void **state) {
    (void)state;
    char folder[512], path[1024];
    char *actual, *expected;
    size_t length, compared = 0;
    hma_context *context;
    hma_suite *suite;
    hma_evaluator *evaluator;
    make_temporary_folder(folder);
    assert_ok(hma_context_new(&context, NULL));
    (void)snprintf(path, sizeof path, "%s/suite.json", library);
    assert_ok(hma_suite_load(&suite, path));
    assert_ok(hma_evaluator_new(&evaluator, context, suite, tokenizer, NULL));
    (void)snprintf(path, sizeof path, "%s/requests.jsonl", folder);
    assert_ok(hma_evaluator_write_requests(evaluator, path));
    assert_ok(hma_file_load(path, FILE_LIMIT, &actual, &length));
    (void)snprintf(path, sizeof path, "%s/expected.jsonl", library);
    assert_ok(hma_file_load(path, FILE_LIMIT, &expected, &length));
    char *a = actual, *e = expected;
    for (char *want; (want = next_line(&e)) != NULL; compared++) {
        char *have = next_line(&a);
        assert_non_null(have);
        cJSON *h = parse(have), *w = parse(want);
        if (!cJSON_Compare(h, w, true)) {
            fail_msg("request %zu\n  is       %s\n  expected %s", compared + 1, have, want);
        }
        cJSON_Delete(h);
        cJSON_Delete(w);
    }
    assert_null(next_line(&a));
    assert_true(compared > 500);
    free(actual);
    free(expected);
    hma_evaluator_free(evaluator);
    hma_suite_free(suite);
    hma_context_free(context);
    assert_ok(hma_folder_remove(folder));
}

/* random.Random(seed).sample(range(population), count), drawn one after the other: tools/make_random.py. */
static void samples_are_those_of_python(void **state) {
    (void)state;
    char path[512];
    cJSON *tree;
    const cJSON *one, *draw, *drawn;
    (void)snprintf(path, sizeof path, "%s/random.json", library);
    assert_ok(hma_json_load(&tree, path, FILE_LIMIT));
    size_t compared = 0;
    cJSON_ArrayForEach(one, tree) {
        hma_python_random random;
        hma_python_random_seed(&random, strtoull(hma_json_get(one, "seed")->valuestring, NULL, 10));
        cJSON_ArrayForEach(draw, hma_json_get(one, "draws")) {
            const size_t population = (size_t)hma_json_get(draw, "population")->valuedouble;
            const cJSON *sample = hma_json_get(draw, "sample");
            size_t chosen[1024], place = 0;
            const size_t count = (size_t)cJSON_GetArraySize(sample);
            assert_true(count <= 1024);
            assert_ok(hma_python_random_sample(&random, population, count, chosen));
            cJSON_ArrayForEach(drawn, sample) { assert_int_equal(chosen[place++], (size_t)drawn->valuedouble); }
            compared++;
        }
    }
    assert_true(compared > 20);
    cJSON_Delete(tree);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_documents_become_the_harness_requests),
        cmocka_unit_test(samples_are_those_of_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
