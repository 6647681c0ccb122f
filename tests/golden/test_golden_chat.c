/*
 * Chat templates against transformers' apply_chat_template: tests/golden/chat. The templates beside it are written for this
 * test; those called by name are compared with what the published ones of the families make of the same conversations.
 */
#include "testing.h"

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/json.h"
#include "hma/tokenizer.h"

enum { PATH_ROOM = 1024, FILE_LIMIT = 4 << 20, MOST_MESSAGES = 16 };

static cJSON *fixture;
static char scratch[512];

static void copy_file(const char *from, const char *to) {
    char *text;
    size_t length;
    assert_ok(hma_file_load(from, FILE_LIMIT, &text, &length));
    FILE *file = fopen(to, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    free(text);
}

/* A folder with a small tokenizer and this template (NULL: none). */
static hma_tokenizer *tokenizer_with(const char *template) {
    char from[PATH_ROOM], to[PATH_ROOM];
    (void)snprintf(from, sizeof from, "%s/golden/tokenizers/bpe-gpt2/tokenizer.json", HMA_TEST_DATA);
    (void)snprintf(to, sizeof to, "%s/tokenizer.json", scratch);
    copy_file(from, to);
    (void)snprintf(to, sizeof to, "%s/tokenizer_config.json", scratch);
    FILE *file = fopen(to, "w");
    assert_non_null(file);
    (void)fprintf(file, "{\"tokenizer_class\":\"PreTrainedTokenizerFast\",\"bos_token\":\"<s>\",\"eos_token\":\"</s>\"}");
    assert_int_equal(fclose(file), 0);
    (void)snprintf(to, sizeof to, "%s/chat_template.jinja", scratch);
    (void)remove(to);
    if (template) {
        (void)snprintf(from, sizeof from, "%s/golden/chat/%s.jinja", HMA_TEST_DATA, template);
        copy_file(from, to);
    }
    hma_tokenizer *tokenizer;
    assert_ok(hma_tokenizer_open(&tokenizer, scratch));
    return tokenizer;
}

static size_t messages_of(hma_chat_message *out, const cJSON *conversation) {
    size_t count = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, conversation) {
        assert_true(count < MOST_MESSAGES);
        out[count++] = (hma_chat_message){hma_json_get(one, "role")->valuestring, hma_json_get(one, "content")->valuestring};
    }
    return count;
}

/* Compares all cases that have `key` ("template" or "named"); returns how many. */
static size_t compare(const char *key) {
    size_t compared = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, hma_json_get(fixture, "cases")) {
        const cJSON *name = hma_json_get(one, key);
        if (!name) {
            continue;
        }
        const bool own = strcmp(key, "template") == 0;
        const int conversation = (int)hma_json_get(one, "conversation")->valuedouble;
        const bool prompt = cJSON_IsTrue(hma_json_get(one, "generation_prompt"));
        const cJSON *text = hma_json_get(one, "text");
        hma_chat_message messages[MOST_MESSAGES];
        const size_t count = messages_of(messages, cJSON_GetArrayItem(hma_json_get(fixture, "conversations"), conversation));
        hma_tokenizer *tokenizer = tokenizer_with(own ? name->valuestring : NULL);
        char *got = NULL;
        const hma_status status = own ? hma_chat_render(tokenizer, messages, count, prompt, &got)
                                      : hma_chat_render_named(tokenizer, name->valuestring, messages, count, prompt, &got);
        if (!text) {
            assert_int_equal(status, HMA_BAD_DATA);
        } else if (status != HMA_OK || strcmp(got, text->valuestring) != 0) {
            fail_msg("%s, conversation %d, prompt %d: \"%s\", expected \"%s\"", name->valuestring, conversation, prompt,
                     status == HMA_OK ? got : hma_error_message(), text->valuestring);
        }
        hma_text_free(got);
        hma_tokenizer_free(tokenizer);
        compared++;
    }
    return compared;
}

static void a_template_renders_like_the_reference(void **state) {
    (void)state;
    assert_true(compare("template") > 200);
}

static void named_templates_have_the_published_form(void **state) {
    (void)state;
    assert_true(compare("named") > 50);
}

static int begin(void **state) {
    (void)state;
    char path[PATH_ROOM];
    make_temporary_folder(scratch);
    (void)snprintf(path, sizeof path, "%s/golden/chat/expected.json", HMA_TEST_DATA);
    assert_ok(hma_json_load(&fixture, path, FILE_LIMIT));
    return 0;
}

static int end(void **state) {
    (void)state;
    cJSON_Delete(fixture);
    assert_ok(hma_folder_remove(scratch));
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_renders_like_the_reference),
        cmocka_unit_test(named_templates_have_the_published_form),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
