/* eval/tasks: request files - what is refused with which words, and what the answers promise. Agreement with references:
 * tests/golden/test_golden_requests.c. */
#include "testing.h"

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/json.h"
#include "hma/hma.h"

#define MODELS HMA_TEST_DATA "/golden/models/"

static char folder[512], requests_path[600], answers_path[600];

/* A model with its tokenizer. */
typedef struct opened {
    hma_context *context;
    hma_checkpoint *checkpoint;
    hma_source *source;
    hma_model *model;
    hma_tokenizer *tokenizer;
} opened;

static opened open_model(const char *path, uint64_t memory) {
    opened o = {0};
    assert_ok(hma_context_new(&o.context, &(hma_context_options){.threads = 2, .memory = memory}));
    assert_ok(hma_checkpoint_open(&o.checkpoint, path));
    assert_ok(hma_source_plain(&o.source, o.checkpoint));
    assert_ok(hma_model_open(&o.model, o.context, o.source, NULL));
    assert_ok(hma_tokenizer_open(&o.tokenizer, path));
    return o;
}

static void close_model(opened *o) {
    hma_tokenizer_free(o->tokenizer);
    hma_model_close(o->model);
    hma_source_free(o->source);
    hma_checkpoint_close(o->checkpoint);
    hma_context_free(o->context);
}

static int begin(void **state) {
    (void)state;
    make_temporary_folder(folder);
    (void)snprintf(requests_path, sizeof requests_path, "%s/requests.jsonl", folder);
    (void)snprintf(answers_path, sizeof answers_path, "%s/answers.jsonl", folder);
    return 0;
}

static int end(void **state) {
    (void)state;
    assert_ok(hma_folder_remove(folder));
    return 0;
}

static hma_status ask(const opened *o, const char *requests) {
    assert_ok(hma_file_store(requests_path, requests, strlen(requests)));
    return hma_requests_answer(o->context, o->model, o->tokenizer, HMA_BOS_AUTO, requests_path, answers_path);
}

/* The answers as a list. */
static cJSON *answers_to(const opened *o, const char *requests) {
    char *text, *rest, *line;
    size_t length;
    cJSON *list = cJSON_CreateArray(), *one;
    assert_ok(ask(o, requests));
    assert_ok(hma_file_load(answers_path, 64 << 20, &text, &length));
    for (rest = text; (line = strsep(&rest, "\n")) != NULL && *line;) {
        assert_ok(hma_json_parse(&one, "answer", line, strlen(line)));
        assert_true(cJSON_AddItemToArray(list, one));
    }
    free(text);
    return list;
}

static const cJSON *field(const cJSON *answers, int index, const char *key) {
    const cJSON *item = hma_json_get(cJSON_GetArrayItem(answers, index), key);
    if (!item) {
        fail_msg("answer %d has no \"%s\"", index, key);
    }
    return item;
}

static bool same(const cJSON *a, const cJSON *b) { return cJSON_Compare(a, b, true); }

/* ---- refusals ---- */

static void bad_lines_are_refused_with_file_and_line(void **state) {
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"{", "requests.jsonl:2: column 2"},
        {"[]", "requests.jsonl:2: the line is not an object"},
        {"{\"id\":\"x\"}", "\"type\" is missing"},
        {"{\"id\":\"x\",\"type\":\"logprob\"}", "(expected \"loglikelihood\", \"generate\""},
        {"{\"type\":\"logits\",\"ids\":[1]}", "\"id\" is missing"},
        {"{\"id\":3,\"type\":\"logits\",\"ids\":[1]}", "\"id\" is not usable"},
        {"{\"id\":\"ok\",\"type\":\"logits\",\"ids\":[1]}", "duplicate id \"ok\""},
        {"{\"id\":\"x\",\"type\":\"logits\",\"ids\":[1],\"text\":\"a\"}", "unknown key \"text\""},
        {"{\"id\":\"x\",\"type\":\"logits\",\"ids\":[]}", "\"ids\" is empty"},
        {"{\"id\":\"x\",\"type\":\"logits\",\"ids\":[1.5]}", "\"ids\" is not usable"},
        {"{\"id\":\"x\",\"type\":\"logits\",\"ids\":[-1]}", "\"ids\" is not usable"},
        {"{\"id\":\"x\",\"type\":\"logits\",\"ids\":[\"1\"]}", "\"ids\" is not usable"},
        {"{\"id\":\"x\",\"type\":\"logits\",\"ids\":[3000000000]}", "\"ids\" is not usable"},
        {"{\"id\":\"x\",\"type\":\"logits\",\"ids\":[100000]}", "token id 100000 is not in the model's vocabulary"},
        {"{\"id\":\"x\",\"type\":\"loglikelihood\",\"context\":\"a\"}", "neither of \"continuation\" and \"continuation_ids\""},
        {"{\"id\":\"x\",\"type\":\"loglikelihood\",\"context\":\"a\",\"context_ids\":[1],\"continuation\":\"b\"}",
         "both of \"context\" and \"context_ids\""},
        {"{\"id\":\"x\",\"type\":\"loglikelihood\",\"context\":\"a\",\"continuation_ids\":[1]}", "expected both alike"},
        {"{\"id\":\"x\",\"type\":\"loglikelihood\",\"context\":\"a\",\"continuation\":\"\"}", "the continuation is empty"},
        {"{\"id\":\"x\",\"type\":\"loglikelihood\",\"context_ids\":[1],\"continuation_ids\":[]}", "the continuation is empty"},
        {"{\"id\":\"x\",\"type\":\"loglikelihood\",\"context\":1,\"continuation\":\"b\"}", "\"context\" is not usable"},
        {"{\"id\":\"x\",\"type\":\"loglikelihood\",\"context\":\"a\",\"continuaton\":\"b\"}", "did you mean \"continuation\""},
        {"{\"id\":\"x\",\"type\":\"generate\",\"context\":\"a\"}", "\"max_tokens\" is missing"},
        {"{\"id\":\"x\",\"type\":\"generate\",\"context\":\"a\",\"max_tokens\":0}", "\"max_tokens\" is not usable"},
        {"{\"id\":\"x\",\"type\":\"generate\",\"context\":\"a\",\"max_tokens\":100000}", "less than the model's"},
        {"{\"id\":\"x\",\"type\":\"generate\",\"context\":\"a\",\"max_tokens\":4,\"until\":\"x\"}", "\"until\" is not usable"},
        {"{\"id\":\"x\",\"type\":\"generate\",\"context\":\"a\",\"max_tokens\":4,\"until\":[\"\"]}", "\"until\" is not usable"},
        {"{\"id\":\"x\",\"type\":\"generate\",\"context\":\"a\",\"max_tokens\":4,\"temperature\":-1}",
         "\"temperature\" is not usable"},
        {"{\"id\":\"x\",\"type\":\"generate\",\"context\":\"a\",\"max_tokens\":4,\"top_p\":0}", "\"top_p\" is not usable"},
        {"{\"id\":\"x\",\"type\":\"generate\",\"context\":\"a\",\"max_tokens\":4,\"samples\":0}", "\"samples\" is not usable"},
        {"{\"id\":\"x\",\"type\":\"reward\",\"text\":\"a\"}", "this model has no reward head"},
        {"{\"id\":\"x\",\"type\":\"tokenize\",\"text\":\"a\",\"special\":1}", "\"special\" is not usable"},
        {"{\"id\":\"x\",\"type\":\"detokenize\",\"ids\":[-5]}", "\"ids\" is not usable"},
    };
    opened o = open_model(MODELS "llama-gqa-tied-text", 0);
    assert_ok(hma_file_store(answers_path, "before", 6));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char file[512];
        (void)snprintf(file, sizeof file, "{\"id\":\"ok\",\"type\":\"logits\",\"ids\":[1]}\n%s\n", cases[i].line);
        const hma_status status = ask(&o, file);
        if ((status != HMA_BAD_DATA && status != HMA_INCOMPATIBLE) || !strstr(hma_error_message(), cases[i].message) ||
            !strstr(hma_error_message(), "requests.jsonl:2: ")) {
            fail_msg("%s: %s: %s", cases[i].line, hma_status_name(status), hma_error_message());
        }
        char *kept;
        size_t length;
        assert_ok(hma_file_load(answers_path, 100, &kept, &length));
        assert_string_equal(kept, "before");
        free(kept);
    }
    close_model(&o);
}

static void what_a_model_cannot_do_is_incompatible(void **state) {
    (void)state;
    opened causal = open_model(MODELS "llama-gqa-tied-text", 0), reward = open_model(MODELS "reward-llama-text", 0);
    assert_fails(ask(&causal, "{\"id\":\"x\",\"type\":\"reward\",\"ids\":[1]}"), HMA_INCOMPATIBLE, "no reward head");
    assert_fails(ask(&reward, "{\"id\":\"x\",\"type\":\"logits\",\"ids\":[1]}"), HMA_INCOMPATIBLE, "this is a reward model");
    opened no_tokenizer = causal, no_model = causal;
    no_tokenizer.tokenizer = NULL;
    no_model.model = NULL;
    assert_fails(ask(&no_tokenizer, "{\"id\":\"x\",\"type\":\"tokenize\",\"text\":\"a\"}"), HMA_INCOMPATIBLE,
                 "needs a tokenizer");
    assert_fails(
        ask(&no_tokenizer, "{\"id\":\"x\",\"type\":\"generate\",\"context_ids\":[1],\"max_tokens\":2,\"until\":[\"x\"]}"),
        HMA_INCOMPATIBLE, "needs a tokenizer");
    assert_fails(ask(&no_model, "{\"id\":\"x\",\"type\":\"logits\",\"ids\":[1]}"), HMA_USAGE, "no model to ask");
    assert_fails(hma_requests_answer(causal.context, causal.model, NULL, HMA_BOS_AUTO, "/nonexistent/r.jsonl", answers_path),
                 HMA_IO, "/nonexistent/r.jsonl");
    close_model(&causal);
    close_model(&reward);
}

/* ---- answers ---- */

static void answers_come_in_order_and_need_no_more_than_they_use(void **state) {
    (void)state;
    opened o = open_model(MODELS "llama-gqa-tied-text", 0);
    opened ids_only = o, texts_only = o;
    ids_only.tokenizer = NULL;
    texts_only.model = NULL;
    cJSON *a = answers_to(&ids_only, "{\"id\":\"g\",\"type\":\"generate\",\"context_ids\":[5],\"max_tokens\":3}\r\n\r\n"
                                     "{\"id\":\"l\",\"type\":\"logits\",\"ids\":[5,6]}\n"
                                     "{\"id\":\"s\",\"type\":\"loglikelihood\",\"context_ids\":[],\"continuation_ids\":[7,8]}");
    assert_int_equal(cJSON_GetArraySize(a), 3);
    assert_string_equal(field(a, 0, "id")->valuestring, "g");
    assert_string_equal(field(a, 1, "id")->valuestring, "l");
    assert_true(field(a, 2, "tokens")->valuedouble == 2 && field(a, 2, "logprob")->valuedouble < 0);
    assert_null(hma_json_get(cJSON_GetArrayItem(a, 0), "text"));
    cJSON_Delete(a);
    a = answers_to(&texts_only, "{\"id\":\"t\",\"type\":\"tokenize\",\"text\":\"The river\",\"special\":false}\n"
                                "{\"id\":\"e\",\"type\":\"detokenize\",\"ids\":[]}\n");
    const cJSON *ids = field(a, 0, "ids");
    assert_true(cJSON_GetArraySize(ids) > 0);
    assert_string_equal(field(a, 1, "text")->valuestring, "");
    char again[512];
    char *list = cJSON_PrintUnformatted(ids);
    (void)snprintf(again, sizeof again, "{\"id\":\"d\",\"type\":\"detokenize\",\"ids\":%s}\n", list);
    free(list);
    cJSON_Delete(a);
    a = answers_to(&texts_only, again);
    assert_string_equal(field(a, 0, "text")->valuestring, "The river");
    cJSON_Delete(a);
    a = answers_to(&texts_only, "");
    assert_int_equal(cJSON_GetArraySize(a), 0);
    cJSON_Delete(a);
    close_model(&o);
}

static void logits_read_back_to_the_same_bits_however_little_memory_there_is(void **state) {
    (void)state;
    static const char file[] =
        "{\"id\":\"1\",\"type\":\"logits\",\"ids\":[5,6,7]}\n{\"id\":\"2\",\"type\":\"logits\",\"ids\":[9]}\n"
        "{\"id\":\"3\",\"type\":\"tokenize\",\"text\":\"a\"}\n{\"id\":\"4\",\"type\":\"logits\",\"ids\":[5,6]}\n";
    opened o = open_model(MODELS "llama-gqa-tied-text", 0);
    const size_t width = hma_model_description(o.model)->vocabulary;
    float *expected = calloc(3 * width, sizeof *expected);
    assert_non_null(expected);
    static const int32_t ids[] = {5, 6, 7, 9};
    const hma_ids sequences[] = {{ids, 3}, {ids + 3, 1}, {ids, 2}};
    assert_ok(hma_model_logits(o.model, sequences, 3, expected));
    for (int round = 0; round < 2; round++) {
        opened small = round ? open_model(MODELS "llama-gqa-tied-text", 1 << 20) : o;
        if (round) { /* room for one row of logits at a time */
            assert_true(hma_context_memory(small.context) / 16 / (width * sizeof(float)) >= 1);
        }
        cJSON *a = answers_to(&small, file);
        static const int places[] = {0, 1, 3};
        for (size_t k = 0; k < 3; k++) {
            const cJSON *logit = field(a, places[k], "logits")->child;
            for (size_t i = 0; i < width; i++, logit = logit->next) {
                const float read = (float)logit->valuedouble;
                assert_memory_equal(&read, &expected[k * width + i], sizeof read);
            }
            assert_null(logit);
        }
        cJSON_Delete(a);
        if (round) {
            close_model(&small);
        }
    }
    free(expected);
    close_model(&o);
}

static void samples_depend_on_seed_and_id_alone(void **state) {
    (void)state;
    opened o = open_model(MODELS "llama-gqa-tied-text", 0);
#define DRAW "\"type\":\"generate\",\"context\":\"The river\",\"max_tokens\":8,\"temperature\":1"
    cJSON *a = answers_to(&o, "{\"id\":\"a\"," DRAW ",\"samples\":3,\"seed\":5}\n{\"id\":\"b\"," DRAW ",\"seed\":5}\n");
    cJSON *b = answers_to(&o, "{\"id\":\"b\"," DRAW ",\"seed\":5}\n{\"id\":\"c\"," DRAW ",\"seed\":6}\n"
                              "{\"id\":\"a\"," DRAW ",\"seed\":5,\"samples\":2}\n{\"id\":\"g\"," DRAW ",\"top_k\":1}\n"
                              "{\"id\":\"h\",\"type\":\"generate\",\"context\":\"The river\",\"max_tokens\":8}\n");
#undef DRAW
    const cJSON *samples = field(a, 0, "samples"), *fewer = field(b, 2, "samples");
    assert_int_equal(cJSON_GetArraySize(samples), 3);
    assert_true(same(hma_json_get(samples->child, "ids"), field(a, 0, "ids")));
    assert_true(same(hma_json_get(samples->child, "text"), field(a, 0, "text")));
    assert_false(same(samples->child, samples->child->next));
    assert_true(same(samples->child, fewer->child) && same(samples->child->next, fewer->child->next));
    assert_true(same(field(a, 1, "ids"), field(b, 0, "ids")));
    assert_false(same(field(a, 0, "ids"), field(a, 1, "ids")));
    assert_false(same(field(b, 0, "ids"), field(b, 1, "ids")));
    assert_true(same(field(b, 3, "ids"), field(b, 4, "ids")));
    assert_null(hma_json_get(cJSON_GetArrayItem(a, 1), "samples"));
    cJSON_Delete(a);
    cJSON_Delete(b);
    close_model(&o);
}

static void a_stop_string_ends_ids_with_its_last_token_and_text_before_it(void **state) {
    (void)state;
    opened o = open_model(MODELS "llama-gqa-tied-text", 0);
    cJSON *a = answers_to(&o, "{\"id\":\"a\",\"type\":\"generate\",\"context\":\"The river\",\"max_tokens\":20}\n");
    const char *whole = field(a, 0, "text")->valuestring;
    const int all = cJSON_GetArraySize(field(a, 0, "ids"));
    assert_true(strlen(whole) > 8);
    char stop[8], file[512];
    size_t at = strlen(whole) / 2; /* two bytes of ASCII from the middle */
    while (at + 2 < strlen(whole) &&
           ((whole[at] & 0x80) || (whole[at + 1] & 0x80) || strchr("\"\\", whole[at]) || strchr("\"\\", whole[at + 1]))) {
        at++;
    }
    (void)snprintf(stop, sizeof stop, "%.2s", whole + at);
    (void)snprintf(file, sizeof file,
                   "{\"id\":\"a\",\"type\":\"generate\",\"context\":\"The river\",\"max_tokens\":20,\"until\":[\"%s\"]}\n",
                   stop);
    cJSON *b = answers_to(&o, file);
    const char *cut = field(b, 0, "text")->valuestring;
    const int made = cJSON_GetArraySize(field(b, 0, "ids"));
    assert_true(strncmp(whole, cut, strlen(cut)) == 0 && !strstr(cut, stop));
    assert_true(strncmp(whole + strlen(cut), stop, strlen(stop)) == 0);
    assert_true(made > 0 && made <= all);
    int32_t ids[20];
    for (int i = 0; i < made; i++) {
        ids[i] = (int32_t)cJSON_GetArrayItem(field(b, 0, "ids"), i)->valuedouble;
        assert_int_equal(ids[i], (int32_t)cJSON_GetArrayItem(field(a, 0, "ids"), i)->valuedouble);
    }
    char *with, *without;
    assert_ok(hma_tokenizer_decode(o.tokenizer, ids, (size_t)made, true, &with, NULL));
    assert_ok(hma_tokenizer_decode(o.tokenizer, ids, (size_t)made - 1, true, &without, NULL));
    assert_true(strstr(with, stop) && !strstr(without, stop));
    hma_text_free(with);
    hma_text_free(without);
    cJSON_Delete(a);
    cJSON_Delete(b);
    close_model(&o);
}

static void a_cancel_leaves_no_answers(void **state) {
    (void)state;
    opened o = open_model(MODELS "llama-gqa-tied-text", 0);
    (void)remove(answers_path);
    hma_context_cancel(o.context);
    assert_int_equal(ask(&o, "{\"id\":\"a\",\"type\":\"generate\",\"context\":\"The river\",\"max_tokens\":20}\n"),
                     HMA_INTERRUPTED);
    assert_false(hma_path_exists(answers_path));
    close_model(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_lines_are_refused_with_file_and_line),
        cmocka_unit_test(what_a_model_cannot_do_is_incompatible),
        cmocka_unit_test(answers_come_in_order_and_need_no_more_than_they_use),
        cmocka_unit_test(logits_read_back_to_the_same_bits_however_little_memory_there_is),
        cmocka_unit_test(samples_depend_on_seed_and_id_alone),
        cmocka_unit_test(a_stop_string_ends_ids_with_its_last_token_and_text_before_it),
        cmocka_unit_test(a_cancel_leaves_no_answers),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
