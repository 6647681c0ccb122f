/*
 * Every folder under tests/golden/tokenizers against the ids and texts of transformers and sentencepiece. How they were made:
 * tests/golden/README.md.
 */
#include "testing.h"

#include <cjson/cJSON.h>
#include <dirent.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "hma/recipe.h"
#include "hma/tokenizer.h"

/* A fixture's lines, requests and expected answers side by side. */
typedef struct lines {
    FILE *requests, *expected;
    char *request, *answer;
    size_t request_capacity, answer_capacity;
} lines;

static FILE *open_file(const char *folder, const char *name) {
    char *path = hma_path_join(folder, name);
    FILE *file = fopen(path, "r");
    if (!file) {
        fail_msg("%s is missing", path);
    }
    free(path);
    return file;
}

/*
 * Ids of random bytes can give U+0000, which no document of hma's may hold: here it is written as U+FFFF, in the expected
 * line (an escape, so the length stays) and in the answer.
 */
static void rewrite_nul_escapes(char *line) {
    for (char *at = strchr(line, '\\'); at; at = strchr(at + 2, '\\')) {
        if (strncmp(at + 1, "u0000", 5) == 0) {
            memcpy(at + 1, "uffff", 5);
        }
    }
}

static char *rewrite_nuls(const char *text, size_t length) {
    hma_buffer out = {0};
    for (size_t i = 0; i < length; i++) {
        hma_buffer_add(&out, text[i] ? &text[i] : "\xEF\xBF\xBF", text[i] ? 1 : 3);
    }
    hma_buffer_add(&out, "", 0);
    return hma_buffer_release(&out);
}

static cJSON *next_line(FILE *file, char **line, size_t *capacity) {
    cJSON *json = NULL;
    const ssize_t n = getline(line, capacity, file);
    if (n > 0) {
        rewrite_nul_escapes(*line);
        assert_ok(hma_json_parse(&json, "fixture", *line, (size_t)n));
    }
    return json;
}

static const char *text_of(const cJSON *object, const char *key) {
    const cJSON *value = hma_json_get(object, key);
    assert_true(cJSON_IsString(value));
    return value->valuestring;
}

/* Ids of a JSON list; *count of them, to be freed. */
static int32_t *ids_of(const cJSON *object, size_t *count) {
    const cJSON *list = hma_json_get(object, "ids"), *item;
    assert_true(cJSON_IsArray(list));
    int32_t *ids = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *ids);
    assert_non_null(ids);
    *count = 0;
    cJSON_ArrayForEach(item, list) {
        ids[(*count)++] = (int32_t)item->valuedouble;
    }
    return ids;
}

static void check_tokenize(const hma_tokenizer *tokenizer, const cJSON *request, const cJSON *answer, const char *where) {
    const char *text = text_of(request, "text");
    size_t count = 0, wanted_count;
    int32_t *ids = NULL, *wanted = ids_of(answer, &wanted_count);
    assert_ok(
        hma_tokenizer_encode(tokenizer, text, strlen(text), cJSON_IsTrue(hma_json_get(request, "special")), &ids, &count));
    size_t same = 0;
    while (same < count && same < wanted_count && ids[same] == wanted[same]) {
        same++;
    }
    if (same < wanted_count || count != wanted_count) {
        fail_msg("%s, %s: \"%s\": %zu ids, expected %zu; the first %zu agree", where, text_of(request, "id"), text, count,
                 wanted_count, same);
    }
    hma_ids_free(ids);
    free(wanted);
}

static void check_detokenize(const hma_tokenizer *tokenizer, const cJSON *request, const cJSON *answer, const char *where) {
    size_t count, length;
    int32_t *ids = ids_of(request, &count);
    char *text = NULL;
    const char *wanted = text_of(answer, "text");
    assert_ok(hma_tokenizer_decode(tokenizer, ids, count, true, &text, &length));
    char *comparable = rewrite_nuls(text, length);
    if (strcmp(comparable, wanted) != 0) {
        fail_msg("%s, %s: \"%s\", expected \"%s\"", where, text_of(request, "id"), comparable, wanted);
    }
    free(comparable);
    hma_text_free(text);
    free(ids);
}

/* Number of requests that the folder has. */
static size_t check_folder(const char *folder) {
    lines l = {.requests = open_file(folder, "requests.jsonl"), .expected = open_file(folder, "expected.jsonl")};
    hma_tokenizer *tokenizer = NULL;
    size_t count = 0;
    assert_ok(hma_tokenizer_open(&tokenizer, folder));
    for (cJSON *request; (request = next_line(l.requests, &l.request, &l.request_capacity)) != NULL; count++) {
        cJSON *answer = next_line(l.expected, &l.answer, &l.answer_capacity);
        assert_non_null(answer);
        assert_string_equal(text_of(request, "id"), text_of(answer, "id"));
        if (strcmp(text_of(request, "type"), "tokenize") == 0) {
            check_tokenize(tokenizer, request, answer, hma_path_base(folder));
        } else {
            check_detokenize(tokenizer, request, answer, hma_path_base(folder));
        }
        cJSON_Delete(request);
        cJSON_Delete(answer);
    }
    hma_tokenizer_free(tokenizer);
    fclose(l.requests);
    fclose(l.expected);
    free(l.request);
    free(l.answer);
    return count;
}

static void answers_are_those_of_the_reference(void **state) {
    (void)state;
    const char *root = HMA_TEST_DATA "/golden/tokenizers";
    DIR *dir = opendir(root);
    size_t folders = 0;
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char *folder = hma_path_join(root, entry->d_name);
        assert_true(check_folder(folder) > 0);
        free(folder);
        folders++;
    }
    closedir(dir);
    assert_true(folders >= 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_are_those_of_the_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
