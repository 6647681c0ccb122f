/*
 * Contexts, continuations and whole texts as ids, against lm-evaluation-harness with the tokenizers of tests/golden: white
 * space at the border, empty contexts, special tokens in texts, windows of whole texts. Data: encoding.jsonl, made by
 * tools/make_encoding.py.
 */
#include "testing.h"

#include "base/file.h"
#include "base/json.h"
#include "eval/tasks/encode.h"
#include "eval/tasks/rolling.h"

enum { FILE_LIMIT = 16 << 20, MOST_TOKENIZERS = 32 };

static struct {
    char *name;
    hma_tokenizer *tokenizer;
} opened[MOST_TOKENIZERS];

static const hma_tokenizer *tokenizer_of(const char *name) {
    char folder[512];
    size_t i = 0;
    for (; opened[i].name; i++) {
        if (strcmp(opened[i].name, name) == 0) {
            return opened[i].tokenizer;
        }
    }
    assert_true(i + 1 < MOST_TOKENIZERS);
    (void)snprintf(folder, sizeof folder, "%s/golden/tokenizers/%s", HMA_TEST_DATA, name);
    assert_ok(hma_tokenizer_open(&opened[i].tokenizer, folder));
    opened[i].name = strdup(name);
    return opened[i].tokenizer;
}

static int close_tokenizers(void **state) {
    (void)state;
    for (size_t i = 0; opened[i].name; i++) {
        hma_tokenizer_free(opened[i].tokenizer);
        free(opened[i].name);
    }
    return 0;
}

static void expect_ids(const cJSON *one, const char *what, const int32_t *ids, size_t count, const cJSON *expected) {
    bool same = (size_t)cJSON_GetArraySize(expected) == count;
    const cJSON *want = expected->child;
    for (size_t i = 0; same && i < count; i++, want = want->next) {
        same = ids[i] == (int32_t)want->valuedouble;
    }
    if (!same) {
        char *line = cJSON_PrintUnformatted(one);
        fail_msg("%s of %s: %zu ids, the first is %ld", what, line, count, count ? (long)ids[0] : -1L);
    }
}

static void compare_pair(const cJSON *one, const hma_tokenizer *tokenizer, hma_bos bos) {
    hma_encoded_pair pair;
    assert_ok(hma_encode_pair(tokenizer, bos, hma_json_get(one, "context")->valuestring,
                              hma_json_get(one, "continuation")->valuestring, &pair));
    expect_ids(one, "context", pair.ids, pair.context_count, hma_json_get(one, "context_ids"));
    expect_ids(one, "continuation", pair.ids + pair.context_count, pair.continuation_count,
               hma_json_get(one, "continuation_ids"));
    hma_ids_free(pair.ids);
}

static void compare_windows(const cJSON *one, const hma_tokenizer *tokenizer, hma_bos bos) {
    hma_questions questions = {0};
    hma_ids ids;
    size_t count = 0;
    const cJSON *windows = hma_json_get(one, "windows"), *window = windows->child;
    assert_ok(hma_rolling_encode(&questions, tokenizer, bos, hma_json_get(one, "text")->valuestring, &ids));
    assert_ok(hma_rolling_add(&questions, ids, (size_t)hma_json_get(one, "max_length")->valuedouble, &count));
    assert_int_equal(count, cJSON_GetArraySize(windows));
    for (size_t i = 0; i < count; i++, window = window->next) {
        const hma_loglikelihood *pair = &questions.pairs[i];
        expect_ids(one, "context of a window", pair->context.ids, pair->context.count, window->child);
        expect_ids(one, "window", pair->continuation.ids, pair->continuation.count, window->child->next);
    }
    hma_questions_free(&questions);
}

static void texts_become_the_harness_ids(void **state) {
    (void)state;
    char path[512], *text;
    size_t length, pairs = 0, texts = 0;
    (void)snprintf(path, sizeof path, "%s/golden/encoding.jsonl", HMA_TEST_DATA);
    assert_ok(hma_file_load(path, FILE_LIMIT, &text, &length));
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line;) {
        cJSON *one;
        hma_bos bos;
        assert_ok(hma_json_parse(&one, path, line, strlen(line)));
        const hma_tokenizer *tokenizer = tokenizer_of(hma_json_get(one, "tokenizer")->valuestring);
        assert_ok(hma_bos_parse(&bos, hma_json_get(one, "bos")->valuestring));
        if (hma_json_get(one, "windows")) {
            compare_windows(one, tokenizer, bos);
            texts++;
        } else {
            compare_pair(one, tokenizer, bos);
            pairs++;
        }
        cJSON_Delete(one);
    }
    assert_true(pairs > 500 && texts > 500);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts_become_the_harness_ids)};
    return cmocka_run_group_tests(tests, NULL, close_tokenizers);
}
