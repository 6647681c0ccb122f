/* A run whose process is killed, whose files must not grow, or whose memory runs out: what was committed stays, and it goes on.
 */
#include "journal_runs.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "failing_malloc.h"

/* ---- kill -9 ---- */

/* Sweeps in a process of its own that is killed after a while. True when it came to its end before. */
static bool sweep_until_killed(const char *folder, unsigned microseconds) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(sweep(folder, 4000) == HMA_OK ? 0 : 1); /* all together longer than the longest life */
    }
    int outcome;
    (void)usleep(microseconds);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_true(WIFSIGNALED(outcome) || WEXITSTATUS(outcome) == 0);
    return WIFEXITED(outcome);
}

static void a_run_killed_at_random_ends_with_the_same_front(void **state) {
    (void)state;
    enum { ROUNDS = 3, MOST_KILLS = 300 };
    const hma_rng_key key = hma_rng_key_for(1, "kill");
    char folder[512], whole[600], killed[600];
    (void)make_temporary_folder(folder);
    (void)snprintf(whole, sizeof whole, "%s/whole", folder);
    assert_ok(sweep(whole, 0));
    for (uint64_t round = 0; round < ROUNDS; round++) {
        (void)snprintf(killed, sizeof killed, "%s/killed%d", folder, (int)round);
        size_t kills = 0, scored = 0;
        while (!sweep_until_killed(killed, (unsigned)hma_rng_below(hma_rng_key_with(key, round), kills, 60000)) &&
               kills < MOST_KILLS) {
            const size_t now = count_scored(killed);
            assert_true(now >= scored); /* whatever was committed is there */
            scored = now;
            kills++;
        }
        assert_in_range(kills, 1, MOST_KILLS - 1);
        assert_ok(sweep(killed, 0));
        assert_nothing_was_scored_twice(killed);
        assert_same_front(whole, killed);
    }
    assert_ok(hma_folder_remove(folder));
}

/* ---- limits ---- */

/* Files cannot grow beyond a limit: as a full disk, without root. */
static void a_file_size_limit_loses_nothing(void **state) {
    (void)state;
    char folder[512], run[600];
    (void)make_temporary_folder(folder);
    (void)snprintf(run, sizeof run, "%s/run", folder);
    struct rlimit before;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = {.rlim_cur = 120 * 1024, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const hma_status status = sweep(run, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, HMA_IO);
    const size_t scored = count_scored(run);
    assert_in_range(scored, 1, CANDIDATES - 1);
    assert_ok(sweep(run, 0));
    assert_nothing_was_scored_twice(run);
    assert_ok(hma_folder_remove(folder));
}

/* ---- memory ---- */

/* Everything that a run does, from its beginning to its front. */
static hma_status run_and_judge(const char *folder) {
    hma_context *context = NULL;
    hma_run *run = NULL;
    hma_front *front = NULL;
    hma_result *result = NULL;
    char *report = NULL;
    hma_status status = sweep_by_hand(folder, "0:1:0.5", 0);
    if (status == HMA_OK) {
        status = hma_context_new(&context, &(hma_context_options){.threads = 1});
    }
    if (status == HMA_OK) {
        status = hma_run_open(&run, folder);
    }
    if (status == HMA_OK) {
        status = hma_front_compute(&front, context, run, &(hma_front_options){.resamples = 10});
    }
    if (status == HMA_OK) {
        status = hma_run_result(run, 2, &result);
    }
    if (status == HMA_OK) {
        status = hma_run_verify(folder, &report);
    }
    hma_text_free(report);
    hma_result_free(result);
    hma_front_free(front);
    hma_run_close(run);
    hma_context_free(context);
    return status;
}

/* Each of the first hundred allocations, and ever fewer of the others: those are the same few places for other items. */
static void allocations_may_fail_anywhere(void **state) {
    (void)state;
    char folder[512], run[600];
    size_t number = 1;
    (void)make_temporary_folder(folder);
    (void)snprintf(run, sizeof run, "%s/run", folder);
    for (bool failed = true; failed; number += 1 + number / 100) {
        fail_allocation(number);
        const hma_status status = run_and_judge(run);
        failed = allocation_has_failed();
        fail_allocation(0);
        if (status != HMA_OK) {
            assert_true(failed);
            assert_int_equal(status, HMA_FAILURE);
            assert_non_null(strstr(hma_error_message(), "memory"));
        }
        assert_ok(sweep_by_hand(run, "0:1:0.5", 0)); /* whatever there is goes on and ends well */
        assert_int_equal(query_journal(run, "SELECT count(*) FROM event WHERE kind = 'scored'"), 3);
        assert_ok(hma_folder_remove(run));
    }
    assert_true(number > 1000);
    assert_ok(hma_folder_remove(folder));
}

int main(void) {
    /* thousands of commits wait for the device; what a killed process has written, memory keeps as well as a disk */
    if (access("/dev/shm", W_OK) == 0) {
        (void)setenv("TMPDIR", "/dev/shm", 0);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_killed_at_random_ends_with_the_same_front),
        cmocka_unit_test(a_file_size_limit_loses_nothing),
        cmocka_unit_test(allocations_may_fail_anywhere),
    };
    return cmocka_run_group_tests_name("faults of a run", tests, NULL, NULL);
}
