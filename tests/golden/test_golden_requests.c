/*
 * Request files against transformers and lm-evaluation-harness: every folder of tests/golden/models, of tests/golden/merge (the
 * merged views that have answers) and of tests/golden/tokenizers, one test each, through hma_requests_answer().
 */
#include "found_tests.h"

#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "hma/hma.h"

enum { PATH_ROOM = 1024, FILE_LIMIT = 64 << 20 };

/* ---- comparing ---- */

typedef struct tolerance {
    double logits, reward, logprob_per_token;
} tolerance;

static double number(const cJSON *object, const char *key, double otherwise) {
    const cJSON *item = object ? hma_json_get(object, key) : NULL;
    return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}

static tolerance read_tolerance(const char *folder) {
    char path[PATH_ROOM];
    cJSON *about;
    (void)snprintf(path, sizeof path, "%s/about.json", folder);
    assert_ok(hma_json_load(&about, path, FILE_LIMIT));
    const cJSON *t = hma_json_get(about, "tolerance");
    const tolerance out = {number(t, "logits", 0), number(t, "reward", 0), number(t, "logprob_per_token", 0)};
    cJSON_Delete(about);
    return out;
}

static void expect_near(const char *where, const char *id, const char *key, double actual, double expected, double allowed) {
    if (!(fabs(actual - expected) <= allowed)) {
        fail_msg("%s: %s: %s is %.9g, expected %.9g within %g", where, id, key, actual, expected, allowed);
    }
}

/* Everything that the reference says must be in the answer; the answer may say more. */
static void compare_answer(const char *where, const cJSON *actual, const cJSON *expected, const tolerance *t) {
    const char *id = hma_json_get(expected, "id")->valuestring;
    const cJSON *want;
    cJSON_ArrayForEach(want, expected) {
        const char *key = want->string;
        const cJSON *have = hma_json_get(actual, key);
        if (!have) {
            fail_msg("%s: %s: the answer has no \"%s\"", where, id, key);
        } else if (strcmp(key, "logits") == 0) {
            const cJSON *h = have->child;
            assert_int_equal(cJSON_GetArraySize(have), cJSON_GetArraySize(want));
            for (const cJSON *w = want->child; w; w = w->next, h = h->next) {
                expect_near(where, id, key, h->valuedouble, w->valuedouble, t->logits);
            }
        } else if (strcmp(key, "logprob") == 0) {
            expect_near(where, id, key, have->valuedouble, want->valuedouble,
                        t->logprob_per_token * number(expected, "tokens", 1));
        } else if (strcmp(key, "reward") == 0) {
            expect_near(where, id, key, have->valuedouble, want->valuedouble, t->reward);
        } else if (!cJSON_Compare(have, want, true)) {
            char *h = cJSON_PrintUnformatted(have), *w = cJSON_PrintUnformatted(want);
            fail_msg("%s: %s: \"%s\" is %s, expected %s", where, id, key, h, w);
        }
    }
}

/* The next line of a text, ended by a zero; NULL at the end. U+0000, which a C string cannot hold, is compared as U+FFFD. */
static char *next_line(char **rest) {
    static const char zero[] = "\\u0000", replacement[] = "\\ufffd";
    char *line = strsep(rest, "\n");
    for (char *at = line; at && (at = strstr(at, zero)) != NULL;) {
        memcpy(at, replacement, sizeof replacement - 1);
    }
    return line && *line ? line : NULL;
}

static void compare_files(const char *actual_path, const char *expected_path, const tolerance *t) {
    char *actual, *expected;
    size_t length, compared = 0;
    assert_ok(hma_file_load(actual_path, FILE_LIMIT, &actual, &length));
    assert_ok(hma_file_load(expected_path, FILE_LIMIT, &expected, &length));
    char *a = actual, *e = expected;
    for (char *want; (want = next_line(&e)) != NULL; compared++) {
        char *have = next_line(&a);
        assert_non_null(have);
        cJSON *h, *w;
        assert_ok(hma_json_parse(&h, "answer", have, strlen(have)));
        assert_ok(hma_json_parse(&w, "expected", want, strlen(want)));
        compare_answer(expected_path, h, w, t);
        cJSON_Delete(h);
        cJSON_Delete(w);
    }
    assert_null(next_line(&a));
    assert_true(compared > 0);
    free(actual);
    free(expected);
}

/* ---- asking ---- */

static hma_tokenizer *open_tokenizer(const char *folder) {
    char json[PATH_ROOM], model[PATH_ROOM];
    hma_tokenizer *tokenizer = NULL;
    (void)snprintf(json, sizeof json, "%s/tokenizer.json", folder);
    (void)snprintf(model, sizeof model, "%s/tokenizer.model", folder);
    if (hma_path_exists(json) || hma_path_exists(model)) {
        assert_ok(hma_tokenizer_open(&tokenizer, folder));
    }
    return tokenizer;
}

static void ask(hma_model *model, const hma_tokenizer *tokenizer, hma_bos bos, const char *requests, const char *expected,
                const tolerance *t) {
    char answers[PATH_ROOM];
    (void)snprintf(answers, sizeof answers, "%s/answers.jsonl", scratch.folder);
    assert_ok(hma_requests_answer(scratch.context, model, tokenizer, bos, requests, answers));
    compare_files(answers, expected, t);
}

static void ask_of_source(const hma_source *source, const hma_tokenizer *tokenizer, hma_bos bos, const char *requests,
                          const char *expected, const tolerance *t) {
    hma_model *model;
    assert_ok(hma_model_open(&model, scratch.context, source, NULL));
    ask(model, tokenizer, bos, requests, expected, t);
    hma_model_close(model);
}

static void a_model_answers_like_the_reference(void **state) {
    const char *folder = *state;
    static const struct {
        const char *requests, *expected;
        hma_bos bos;
    } files[] = {{"requests.jsonl", "expected.jsonl", HMA_BOS_AUTO},
                 {"requests.bos-no.jsonl", "expected.bos-no.jsonl", HMA_BOS_NO}};
    const tolerance t = read_tolerance(folder);
    hma_checkpoint *checkpoint;
    hma_source *source;
    assert_ok(hma_checkpoint_open(&checkpoint, folder));
    assert_ok(hma_source_plain(&source, checkpoint));
    hma_tokenizer *tokenizer = open_tokenizer(folder);
    for (size_t i = 0; i < 2; i++) {
        char requests[PATH_ROOM], expected[PATH_ROOM];
        (void)snprintf(requests, sizeof requests, "%s/%s", folder, files[i].requests);
        (void)snprintf(expected, sizeof expected, "%s/%s", folder, files[i].expected);
        if (i == 0 || hma_path_exists(requests)) {
            ask_of_source(source, tokenizer, files[i].bos, requests, expected, &t);
        }
    }
    hma_tokenizer_free(tokenizer);
    hma_source_free(source);
    hma_checkpoint_close(checkpoint);
}

static void a_tokenizer_answers_like_the_reference(void **state) {
    const char *folder = *state;
    char requests[PATH_ROOM], expected[PATH_ROOM];
    (void)snprintf(requests, sizeof requests, "%s/requests.jsonl", folder);
    (void)snprintf(expected, sizeof expected, "%s/expected.jsonl", folder);
    hma_tokenizer *tokenizer = open_tokenizer(folder);
    ask(NULL, tokenizer, HMA_BOS_AUTO, requests, expected, &(tolerance){0});
    hma_tokenizer_free(tokenizer);
}

/* ---- merged views ---- */

static hma_recipe *recipe_of(const cJSON *one, size_t layers) {
    const cJSON *ratios = hma_json_get(one, "ratios");
    double ratio[16];
    char blocks[16];
    hma_recipe_spec spec = hma_recipe_spec_default();
    assert_true(cJSON_GetArraySize(ratios) <= 16);
    for (const cJSON *r = ratios->child; r; r = r->next) {
        ratio[spec.ratio_count++] = r->valuedouble;
    }
    (void)snprintf(blocks, sizeof blocks, "%.0f", number(one, "blocks", 1));
    spec.ratios = ratio;
    spec.blocks = blocks;
    spec.layers = layers;
    spec.dtype = strcmp(hma_json_get(one, "dtype")->valuestring, "fp32") == 0 ? HMA_F32 : HMA_BF16;
    hma_recipe *recipe;
    assert_ok(hma_recipe_new(&recipe, &spec));
    return recipe;
}

static void a_merge_answers_like_the_reference(void **state) {
    const char *folder = *state;
    const tolerance t = read_tolerance(folder);
    char path[PATH_ROOM], requests[PATH_ROOM];
    hma_checkpoint *pre, *post;
    cJSON *about;
    const cJSON *one;
    size_t layers, asked = 0;
    (void)snprintf(path, sizeof path, "%s/pre", folder);
    assert_ok(hma_checkpoint_open(&pre, path));
    (void)snprintf(path, sizeof path, "%s/post", folder);
    assert_ok(hma_checkpoint_open(&post, path));
    assert_ok(hma_checkpoint_layers(pre, &layers));
    (void)snprintf(path, sizeof path, "%s/about.json", folder);
    assert_ok(hma_json_load(&about, path, FILE_LIMIT));
    (void)snprintf(requests, sizeof requests, "%s/requests.jsonl", folder);
    cJSON_ArrayForEach(one, hma_json_get(about, "cases")) {
        const cJSON *answers = hma_json_get(one, "answers");
        if (!answers) {
            continue;
        }
        hma_recipe *recipe = recipe_of(one, layers);
        hma_source *source;
        assert_ok(hma_source_merged(&source, pre, post, recipe));
        (void)snprintf(path, sizeof path, "%s/%s", folder, answers->valuestring);
        ask_of_source(source, NULL, HMA_BOS_AUTO, requests, path, &t);
        hma_source_free(source);
        hma_recipe_free(recipe);
        asked++;
    }
    assert_true(asked > 0);
    cJSON_Delete(about);
    hma_checkpoint_close(pre);
    hma_checkpoint_close(post);
}

/* With an argument: only the fixtures of that name. */
int main(int argc, char **argv) {
    add_found_tests("golden/models", is_visible_entry, 40, a_model_answers_like_the_reference);
    add_found_tests("golden/merge", is_visible_entry, 3, a_merge_answers_like_the_reference);
    add_found_tests("golden/tokenizers", is_visible_entry, 10, a_tokenizer_answers_like_the_reference);
    return run_found_tests("golden requests", argc, argv);
}
