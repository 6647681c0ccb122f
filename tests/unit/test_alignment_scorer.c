/* eval/alignment: external programs that score replies, and all the ways in which they can fail. */
#include "testing.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "eval/alignment/program.h"
#include "eval/alignment/scorer.h"
#include "hma/context.h"

enum { REPLIES = 3 };

static hma_context *context;
static char logged[4096];

static void note(void *user, hma_log_level level, const char *line) {
    (void)user;
    (void)level;
    (void)strncat(logged, line, sizeof logged - strlen(logged) - 1);
    (void)strncat(logged, "\n", sizeof logged - strlen(logged) - 1);
}

static int begin(void **state) {
    (void)state;
    return hma_context_new(&context, &(hma_context_options){.threads = 1, .log = note}) == HMA_OK ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    hma_context_free(context);
    return 0;
}

static hma_status run(char *const *command, const char *input, size_t limit, hma_buffer *output) {
    const hma_program program = {command, "/", input, strlen(input), limit};
    return hma_program_run(context, &program, output);
}

/* Runs a shell script; the library itself never uses a shell. */
static hma_status shell(const char *script, const char *input, hma_buffer *output) {
    char *const command[] = {(char[]){"sh"}, (char[]){"-c"}, strdup(script), NULL};
    const hma_status status = run(command, input, 1 << 20, output);
    free(command[2]);
    return status;
}

static void a_program_reads_and_writes_more_than_a_pipe_holds(void **state) {
    (void)state;
    const size_t length = 3 << 20;
    char *input = malloc(length + 1);
    assert_non_null(input);
    memset(input, 'x', length);
    input[length] = 0;
    hma_buffer output = {0};
    char *const command[] = {(char[]){"cat"}, NULL};
    assert_ok(run(command, input, length, &output));
    assert_int_equal(output.length, length);
    assert_memory_equal(output.data, input, length);
    hma_buffer_free(&output);
    free(input);
}

static void arguments_are_not_read_by_a_shell(void **state) {
    (void)state;
    hma_buffer output = {0};
    char *const command[] = {(char[]){"printf"}, (char[]){"%s"}, (char[]){"$(touch /tmp/hma-injected); `id`"}, NULL};
    assert_ok(run(command, "", 1000, &output));
    assert_string_equal(output.data, "$(touch /tmp/hma-injected); `id`");
    hma_buffer_free(&output);
}

static void a_program_runs_in_its_folder_and_talks_to_the_log(void **state) {
    (void)state;
    hma_buffer output = {0};
    logged[0] = 0;
    assert_ok(shell("pwd; echo loading >&2; printf 'no newline' >&2", "", &output));
    assert_string_equal(output.data, "/\n");
    assert_string_equal(logged, "sh: loading\nsh: no newline\n");
    hma_buffer_free(&output);
}

static void a_program_need_not_read_its_input(void **state) {
    (void)state;
    char input[1 << 18];
    memset(input, 'x', sizeof input);
    input[sizeof input - 1] = 0;
    hma_buffer output = {0};
    assert_ok(shell("exec 0<&-; echo done", input, &output)); /* SIGPIPE would end this test */
    assert_string_equal(output.data, "done\n");
    hma_buffer_free(&output);
}

static void a_program_that_says_no_more_sees_the_end_of_its_input(void **state) {
    (void)state;
    char input[1 << 18];
    memset(input, 'x', sizeof input);
    input[sizeof input - 1] = 0;
    hma_buffer output = {0};
    assert_ok(shell("echo done; exec 1>&- 2>&-; cat >/dev/null", input, &output)); /* would wait forever for more */
    assert_string_equal(output.data, "done\n");
    hma_buffer_free(&output);
}

static void failures_are_told_apart(void **state) {
    (void)state;
    hma_buffer output = {0};
    char *const missing[] = {(char[]){"hma-no-such-program"}, NULL};
    assert_fails(run(missing, "", 1000, &output), HMA_IO, "hma-no-such-program: cannot start the scorer");
    assert_fails(shell("echo 'no GPU' >&2; exit 3", "", &output), HMA_FAILURE, "exit code 3 (it said: no GPU)");
    assert_fails(shell("kill -9 $$", "", &output), HMA_FAILURE, "signal 9");
    char *const chatty[] = {(char[]){"yes"}, NULL};
    hma_buffer_clear(&output);
    assert_fails(run(chatty, "", 100000, &output), HMA_BAD_DATA, "wrote more than 100000 bytes");
    hma_buffer_free(&output);
}

static void *cancel_soon(void *unused) {
    (void)unused;
    (void)nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    hma_context_cancel(context);
    return NULL;
}

static void a_cancel_ends_the_program_and_what_it_started(void **state) {
    (void)state;
    pthread_t thread;
    hma_buffer output = {0};
    const time_t before = time(NULL);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    const hma_status status = shell("sleep 60 & sleep 60; wait", "", &output);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(status, HMA_INTERRUPTED);
    assert_true(time(NULL) - before < 30);
    hma_context_resume(context);
    hma_buffer_free(&output);
}

/* ---- the protocol ---- */

static hma_status score(const char *script, double scores[REPLIES]) {
    char *command[] = {(char[]){"sh"}, (char[]){"-c"}, strdup(script), NULL};
    const hma_alignment_spec spec = {.type = HMA_ALIGNMENT_SCORES, .folder = "/", .command = command};
    static char text[] = "judge me";
    hma_reply replies[REPLIES];
    char *texts[REPLIES];
    for (size_t i = 0; i < REPLIES; i++) {
        replies[i] = (hma_reply){.prompt_id = "p\"1", .prompt = "hi\n", .shown = "<hi>", .text = "é", .sample = (uint32_t)i};
        texts[i] = text;
    }
    const hma_status status = hma_scorer_run(context, &spec, replies, texts, REPLIES, scores);
    free(command[2]);
    return status;
}

static void scores_come_back_by_id_in_any_order(void **state) {
    (void)state;
    double scores[REPLIES];
    assert_ok(
        score("cat >/dev/null; echo '{\"id\":\"2\",\"score\":0.5,\"why\":\"x\"}'; echo; echo '{\"id\":0,\"score\":-1e3}'; "
              "printf '{\"score\":2,\"id\":\"1\"}'",
              scores));
    assert_true(scores[0] == -1000 && scores[1] == 2 && scores[2] == 0.5);
}

static void a_scorer_sees_everything_about_a_reply(void **state) {
    (void)state;
    double scores[REPLIES];
    assert_ok(score("read -r a; read -r b; read -r c; "
                    "test \"$b\" = '{\"id\":\"1\",\"prompt_id\":\"p\\\"1\",\"sample\":1,\"prompt\":\"hi\\n\",\"reply\":\"é\","
                    "\"text\":\"judge me\"}' || { echo \"$b\" >&2; exit 9; }; "
                    "for i in 0 1 2; do echo \"{\\\"id\\\":\\\"$i\\\",\\\"score\\\":$i}\"; done",
                    scores));
    assert_true(scores[0] == 0 && scores[1] == 1 && scores[2] == 2);
}

static void bad_answers_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *answers, *message;
        hma_status status;
    } cases[] = {
        {"", "gave no score for reply 0", HMA_BAD_DATA},
        {"{\"id\":\"0\",\"score\":1}\n{\"id\":\"2\",\"score\":1}", "gave no score for reply 1", HMA_BAD_DATA},
        {"{\"id\":\"0\",\"score\":1}\n{\"id\":\"0\",\"score\":1}", "output line 2: a second score for reply 0", HMA_BAD_DATA},
        {"{\"id\":\"3\",\"score\":1}", "\"id\" is not one of the replies'", HMA_BAD_DATA},
        {"{\"id\":\"-1\",\"score\":1}", "\"id\" is not one of the replies'", HMA_BAD_DATA},
        {"{\"id\":1e300,\"score\":1}", "\"id\" is not one of the replies'", HMA_BAD_DATA},
        {"{\"score\":1}", "\"id\" is not one of the replies'", HMA_BAD_DATA},
        {"{\"id\":\"0\"}", "reply 0 has no score that is a number", HMA_BAD_DATA},
        {"{\"id\":\"0\",\"score\":\"1\"}", "reply 0 has no score that is a number", HMA_BAD_DATA},
        {"{\"id\":\"0\",\"score\":null}", "reply 0 has no score that is a number", HMA_NON_FINITE},
        {"{\"id\":\"0\",\"score\":NaN}", "output line 1", HMA_BAD_DATA},
        {"Loading model...", "not JSON", HMA_BAD_DATA},
        {"[1]", "is not an object", HMA_BAD_DATA},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char script[512];
        double scores[REPLIES];
        (void)snprintf(script, sizeof script, "printf '%%s' '%s'", cases[i].answers);
        assert_fails(score(script, scores), cases[i].status, cases[i].message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_reads_and_writes_more_than_a_pipe_holds),
        cmocka_unit_test(arguments_are_not_read_by_a_shell),
        cmocka_unit_test(a_program_runs_in_its_folder_and_talks_to_the_log),
        cmocka_unit_test(a_program_need_not_read_its_input),
        cmocka_unit_test(a_program_that_says_no_more_sees_the_end_of_its_input),
        cmocka_unit_test(failures_are_told_apart),
        cmocka_unit_test(a_cancel_ends_the_program_and_what_it_started),
        cmocka_unit_test(scores_come_back_by_id_in_any_order),
        cmocka_unit_test(a_scorer_sees_everything_about_a_reply),
        cmocka_unit_test(bad_answers_are_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
