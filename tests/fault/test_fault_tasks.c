/* Suites, metrics, scorers and request files while memory runs out: an error that says so, or the same answer as ever. */
#include "testing.h"

#include "base/atomic_file.h"
#include "base/file.h"
#include "eval/alignment/scorer.h"
#include "eval/tasks/metrics.h"
#include "failing_malloc.h"
#include "hma/hma.h"

#define MODEL HMA_TEST_DATA "/golden/models/llama-gqa-tied-text"

static char folder[512];

static int begin(void **state) {
    (void)state;
    make_temporary_folder(folder);
    return 0;
}

static int end(void **state) {
    (void)state;
    assert_ok(hma_folder_remove(folder));
    return 0;
}

static char *in_folder(const char *name) {
    char *path = hma_path_join(folder, name);
    assert_non_null(path);
    return path;
}

static void put(const char *name, const char *text) {
    char *path = in_folder(name);
    assert_ok(hma_file_store(path, text, strlen(text)));
    free(path);
}

/* Something to do, and its answer as text, made without an allocation of the test's own. */
enum { ANSWER_ROOM = 1 << 16 };
typedef hma_status (*do_fn)(void *subject, char answer[ANSWER_ROOM]);

/* Lets every allocation fail in turn; returns how many there are. */
static size_t fail_each_allocation(do_fn act, void *subject) {
    static char expected[ANSWER_ROOM], answer[ANSWER_ROOM];
    size_t number = 1;
    assert_ok(act(subject, expected));
    for (bool failed = true; failed; number++) {
        fail_allocation(number);
        const hma_status status = act(subject, answer);
        failed = allocation_has_failed();
        fail_allocation(0);
        if (status == HMA_OK) {
            assert_string_equal(answer, expected);
        } else if (!failed || status != HMA_FAILURE || !strstr(hma_error_message(), "memory")) {
            fail_msg("allocation %zu: %s: %s", number, hma_status_name(status), hma_error_message());
        }
    }
    return number;
}

/* ---- suites ---- */

static hma_status load_suite(void *subject, char answer[ANSWER_ROOM]) {
    hma_suite *suite;
    const hma_status status = hma_suite_load(&suite, subject);
    if (status == HMA_OK) {
        (void)snprintf(answer, ANSWER_ROOM, "%s", hma_suite_digest(suite));
        hma_suite_free(suite);
    }
    return status;
}

static void a_suite_is_loaded_whole_or_not_at_all(void **state) {
    (void)state;
    put("choices.jsonl",
        "{\"query\":\"q\",\"choices\":[\"a\",\"b\"],\"gold\":1}\n{\"id\":\"x\",\"query\":\"q\",\"choices\":[\"a\",\"b\"],"
        "\"gold\":1}\n");
    put("spans.jsonl", "{\"query\":\"q\",\"answers\":[\"a\",[\"b\",\"c\"]]}\n");
    put("prompts.jsonl", "{\"prompt\":\"p\"}\n");
    put("suite.json",
        "{\"tasks\":[{\"name\":\"a\",\"type\":\"multiple_choice\",\"file\":\"choices.jsonl\",\"metric\":\"acc\"},"
        "{\"name\":\"b\",\"type\":\"generate\",\"file\":\"spans.jsonl\",\"metric\":\"drop_f1\",\"until\":[\"x\"]}],"
        "\"alignment\":{\"type\":\"scores\",\"command\":[\"x\"],\"prompts\":{\"test\":\"prompts.jsonl\"}}}");
    char *path = in_folder("suite.json");
    assert_true(fail_each_allocation(load_suite, path) > 50);
    free(path);
}

/* ---- metrics ---- */

static hma_status score_texts(void *subject, char answer[ANSWER_ROOM]) {
    static const char *const answers[] = {"1,000 the Cats", "a cat, 1000"};
    const char *reply = subject;
    const hma_spans said = {&reply, 1}, gold = {answers, 2};
    double em, f1, drop_em, drop_f1, bleu[HMA_BLEU_WIDTH];
    hma_status status = hma_squad_score(reply, answers, 2, &em, &f1);
    if (status == HMA_OK) {
        status = hma_drop_score(&said, &gold, 1, &drop_em, &drop_f1);
    }
    if (status == HMA_OK) {
        status = hma_bleu_statistics(reply, answers, 2, bleu);
    }
    if (status == HMA_OK) {
        (void)snprintf(answer, ANSWER_ROOM, "%g %g %g %g %g %g", em, f1, drop_em, drop_f1, bleu[0], bleu[9]);
    }
    return status;
}

static void a_score_is_right_or_missing(void **state) {
    (void)state;
    char reply[] = "The Cats: 1_000 &amp; more, it's 3.5";
    assert_true(fail_each_allocation(score_texts, reply) > 50);
}

/* ---- scorers ---- */

static hma_status run_scorer(void *subject, char answer[ANSWER_ROOM]) {
    char *command[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"cat >/dev/null; echo '{\"id\":\"0\",\"score\":2}'"}, NULL};
    const hma_alignment_spec spec = {.type = HMA_ALIGNMENT_SCORES, .folder = "/", .command = command};
    const hma_reply reply = {.prompt_id = "p", .prompt = "p", .shown = "p", .text = "t"};
    char *text = (char[]){"text"};
    double score = 0;
    const hma_status status = hma_scorer_run(subject, &spec, &reply, &text, 1, &score);
    if (status == HMA_OK) {
        (void)snprintf(answer, ANSWER_ROOM, "%g", score);
    }
    return status;
}

static void a_scorer_answers_or_fails(void **state) {
    (void)state;
    hma_context *context;
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = 1}));
    assert_true(fail_each_allocation(run_scorer, context) > 5);
    hma_context_free(context);
}

/* ---- requests ---- */

typedef struct asked {
    hma_context *context;
    hma_model *model;
    hma_tokenizer *tokenizer;
    char *requests, *answers;
} asked;

static hma_status answer_requests(void *subject, char answer[ANSWER_ROOM]) {
    const asked *a = subject;
    const hma_status status = hma_requests_answer(a->context, a->model, a->tokenizer, HMA_BOS_AUTO, a->requests, a->answers);
    if (status == HMA_OK) {
        FILE *file = fopen(a->answers, "rb");
        assert_non_null(file);
        answer[fread(answer, 1, ANSWER_ROOM - 1, file)] = 0;
        assert_int_equal(fclose(file), 0);
    }
    return status;
}

static void requests_are_answered_rightly_or_not_at_all(void **state) {
    (void)state;
    hma_checkpoint *checkpoint;
    hma_source *source;
    asked a = {.requests = in_folder("requests.jsonl"), .answers = in_folder("answers.jsonl")};
    put("requests.jsonl",
        "{\"id\":\"1\",\"type\":\"loglikelihood\",\"context\":\"The river \",\"continuation\":\"is\"}\n"
        "{\"id\":\"2\",\"type\":\"generate\",\"context\":\"The\",\"max_tokens\":4,\"until\":[\"q\"],\"temperature\":1,"
        "\"samples\":2}\n"
        "{\"id\":\"3\",\"type\":\"logits\",\"ids\":[5]}\n{\"id\":\"4\",\"type\":\"tokenize\",\"text\":\"a b\"}\n"
        "{\"id\":\"5\",\"type\":\"detokenize\",\"ids\":[70,80]}\n");
    assert_ok(hma_context_new(&a.context, &(hma_context_options){.threads = 1}));
    assert_ok(hma_checkpoint_open(&checkpoint, MODEL));
    assert_ok(hma_source_plain(&source, checkpoint));
    assert_ok(hma_model_open(&a.model, a.context, source, NULL));
    assert_ok(hma_tokenizer_open(&a.tokenizer, MODEL));
    assert_true(fail_each_allocation(answer_requests, &a) > 100);
    hma_tokenizer_free(a.tokenizer);
    hma_model_close(a.model);
    hma_source_free(source);
    hma_checkpoint_close(checkpoint);
    hma_context_free(a.context);
    free(a.requests);
    free(a.answers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_suite_is_loaded_whole_or_not_at_all),
        cmocka_unit_test(a_score_is_right_or_missing),
        cmocka_unit_test(a_scorer_answers_or_fails),
        cmocka_unit_test(requests_are_answered_rightly_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
