/* Writing a merge while the system fails: out of memory, file size limit, kill -9. */
#include "merge_runs.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "failing_malloc.h"

static const test_tensor large[] = {{"model.layers.0.mlp.up_proj.weight", "BF16", "[3000,1000]", 3000000}};

static void fail_every_allocation(const test_folder *folder, const char *recipe) {
    char *pre = write_model(folder->path, "pre", MODEL_CONFIG, 0, NULL, 0), *out = path_in(folder->path, "out");
    char *post = write_model(folder->path, "post", MODEL_CONFIG, 0.3, NULL, 0);
    size_t number = 1;
    for (;; number++) {
        fail_allocation(number);
        const hma_status status = merge_folders_by(recipe, pre, post, out, false);
        const bool failed = allocation_has_failed();
        fail_allocation(0);
        if (status == HMA_OK) {
            /* a thread fewer or a listing that is left out are no failures */
            assert_complete(out);
            assert_ok(hma_folder_remove(out));
            if (!failed) {
                break;
            }
        } else {
            assert_true(failed);
            assert_int_equal(status, HMA_FAILURE);
            assert_non_null(strstr(hma_error_message(), "memory"));
        }
        assert_int_equal(entry_count(folder->path), 2);
    }
    assert_true(number > 50);
    free(pre);
    free(post);
    free(out);
}

static void every_allocation_may_fail(void **state) {
    fail_every_allocation(*state, "{\"ratios\":[0.25,0.75],\"tensors\":{\"model.norm.weight\":0}}");
}

/* Borders and angles are looked for while other threads wait for them; the third model is pre once more. */
static void every_allocation_of_other_methods_may_fail(void **state) {
    fail_every_allocation(*state, "{\"method\":\"ties\",\"ratio\":0.5,\"base\":\"model\"}");
}

static void a_file_size_limit_is_an_ordinary_error(void **state) {
    const test_folder *folder = *state;
    char *pre = write_model(folder->path, "pre", MODEL_CONFIG, 0, large, 1), *out = path_in(folder->path, "out");
    char *post = write_model(folder->path, "post", MODEL_CONFIG, 0.3, large, 1);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = {1 << 20, before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN); /* as the program does */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const hma_status status = merge_folders(pre, post, out, false);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_fails(status, HMA_IO, "model.safetensors");
    assert_non_null(strstr(hma_error_message(), "ulimit -f"));
    assert_int_equal(entry_count(folder->path), 2);
    free(pre);
    free(post);
    free(out);
}

/* Starts another process that replaces the folder again and again, and kills it at some moment. */
static void kill_a_writer(const char *pre, const char *post, const char *out, useconds_t after) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        while (merge_folders(pre, post, out, true) == HMA_OK) {
        }
        _exit(1);
    }
    int how;
    (void)usleep(after);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how)); /* it had not failed by itself */
}

static void a_killed_writer_never_leaves_half_a_folder(void **state) {
    const test_folder *folder = *state;
    char *pre = write_model(folder->path, "pre", MODEL_CONFIG, 0, large, 1), *out = path_in(folder->path, "out");
    char *post = write_model(folder->path, "post", MODEL_CONFIG, 0.3, large, 1);
    for (useconds_t after = 1000; after < 150000; after += after / 2) {
        kill_a_writer(pre, post, out, after);
        if (hma_path_exists(out)) {
            assert_complete(out);
        }
    }
    /* what the dead left is cleared away by the next one */
    assert_ok(merge_folders(pre, post, out, true));
    assert_complete(out);
    assert_int_equal(entry_count(folder->path), 3);
    free(pre);
    free(post);
    free(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_allocation_may_fail, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(every_allocation_of_other_methods_may_fail, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_file_size_limit_is_an_ordinary_error, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_killed_writer_never_leaves_half_a_folder, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
