/*
 * Replies while memory runs out, drawn through the 8-bit head and by candidates in step: an error that says so, or the same
 * replies as ever; and whoever gave them can be asked again.
 */
#include "testing.h"

#include "base/atomic_file.h"
#include "base/context.h"
#include "base/file.h"
#include "eval/tasks/evaluator.h"
#include "eval/tasks/replies_ahead.h"
#include "failing_malloc.h"
#include "hma/hma.h"

#define MODEL HMA_TEST_DATA "/golden/models/llama-gqa-tied-text"

enum { ANSWER_ROOM = 1 << 14 };
typedef hma_status (*do_fn)(void *subject, char answer[ANSWER_ROOM]);

/* Lets every allocation fail in turn; returns how many there are. */
static size_t fail_each_allocation(do_fn act, void *subject) {
    static char expected[ANSWER_ROOM], answer[ANSWER_ROOM];
    size_t number = 1;
    assert_ok(act(subject, expected));
    assert_true(strlen(expected) > 20);
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

typedef struct world {
    hma_context *context;
    hma_checkpoint *checkpoint;
    hma_source *source[2];
    hma_suite *suite;
    hma_evaluator *evaluator;
} world;

static world open_world(void) {
    world w = {0};
    assert_ok(hma_context_new(&w.context, &(hma_context_options){.threads = 2, .memory = (uint64_t)64 << 20}));
    assert_ok(hma_checkpoint_open(&w.checkpoint, MODEL));
    for (size_t i = 0; i < 2; i++) {
        assert_ok(hma_source_plain(&w.source[i], w.checkpoint));
    }
    return w;
}

static void close_world(world *w) {
    hma_source_free(w->source[0]);
    hma_source_free(w->source[1]);
    hma_checkpoint_close(w->checkpoint);
    hma_context_free(w->context);
}

/* A model that is opened, replies through a screen of its head, and is closed. */
static hma_status open_and_reply(void *subject, char answer[ANSWER_ROOM]) {
    enum { REPLIES = 12, MOST = 16 };
    static const int32_t prompt[] = {5, 70, 80, 6};
    const world *w = subject;
    hma_generation g[REPLIES];
    hma_model *model;
    hma_status status = hma_model_open(&model, w->context, w->source[0], NULL);
    if (status != HMA_OK) {
        return status;
    }
    for (size_t i = 0; i < REPLIES; i++) {
        g[i] = (hma_generation){.prompt = {prompt, 1 + i % 4},
                                .max_tokens = MOST,
                                .temperature = i % 2 ? 1 : 0,
                                .top_p = 1,
                                .seed = 1,
                                .stream = i};
    }
    status = hma_model_generate(model, g, REPLIES, NULL, NULL);
    size_t length = 0;
    answer[0] = '\0';
    for (size_t i = 0; status == HMA_OK && i < REPLIES; i++) {
        for (size_t t = 0; t < g[i].count; t++) {
            length += (size_t)snprintf(answer + length, ANSWER_ROOM - length, "%d ", g[i].ids[t]);
        }
    }
    if (status == HMA_OK) {
        hma_generation_clear(g, REPLIES);
    }
    hma_model_close(model);
    return status;
}

static void replies_of_a_model_are_right_or_missing(void **state) {
    (void)state;
    world w = open_world();
    assert_true(fail_each_allocation(open_and_reply, &w) > 100);
    close_world(&w);
}

/* Two candidates whose weights are streamed reply in step, and then each is scored. */
static hma_status reply_in_step(void *subject, char answer[ANSWER_ROOM]) {
    const world *w = subject;
    hma_status status = hma_evaluator_bind(w->evaluator, w->source[0]);
    if (status == HMA_OK) {
        status = hma_replies_give(w->evaluator, (const hma_source *const *)w->source, 2);
    }
    answer[0] = '\0';
    size_t length = 0;
    for (size_t i = 0; status == HMA_OK && i < 2; i++) {
        hma_result *result;
        status = hma_evaluator_run(w->evaluator, w->source[i], &result);
        if (status == HMA_OK) {
            for (size_t item = 0; item < result->tasks[0].items; item++) {
                length += (size_t)snprintf(answer + length, ANSWER_ROOM - length, "%s\n", result->tasks[0].detail[item]);
            }
            hma_result_free(result);
        }
    }
    return status;
}

static void candidates_in_step_are_scored_rightly_or_not_at_all(void **state) {
    (void)state;
    static const char suite[] = "{\"tasks\":[{\"name\":\"a\",\"type\":\"generate\",\"file\":\"docs.jsonl\","
                                "\"metric\":\"exact_match\",\"until\":[\"\\n\"],\"max_tokens\":5}]}",
                      docs[] = "{\"query\":\"The river\",\"answers\":[\"is\"]}\n{\"query\":\"A\",\"answers\":[\"b\"]}\n";
    char folder[512];
    make_temporary_folder(folder);
    char *suite_path = hma_path_join(folder, "suite.json"), *docs_path = hma_path_join(folder, "docs.jsonl");
    world w = open_world();
    assert_ok(hma_file_store(suite_path, suite, sizeof suite - 1));
    assert_ok(hma_file_store(docs_path, docs, sizeof docs - 1));
    assert_ok(hma_suite_load(&w.suite, suite_path));
    assert_ok(hma_evaluator_new(&w.evaluator, w.context, w.suite, MODEL, &(hma_eval_options){0}));
    /* what is claimed while the model is opened is not there for weights, but for keys and values */
    const uint64_t claimed = hma_context_left(w.context) - ((uint64_t)300 << 10);
    hma_context_claim(w.context, claimed);
    assert_ok(hma_evaluator_bind(w.evaluator, w.source[0]));
    hma_context_release(w.context, claimed);
    assert_true(hma_replies_together(w.evaluator) > 1);
    assert_true(fail_each_allocation(reply_in_step, &w) > 200);
    hma_evaluator_free(w.evaluator);
    hma_suite_free(w.suite);
    close_world(&w);
    assert_ok(hma_folder_remove(folder));
    free(suite_path);
    free(docs_path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(replies_of_a_model_are_right_or_missing),
                                       cmocka_unit_test(candidates_in_step_are_scored_rightly_or_not_at_all)};
    return cmocka_run_group_tests_name("replies without memory", tests, NULL, NULL);
}
