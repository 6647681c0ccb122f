/* Writing a merge to a file system that is too small, wherever it becomes full. Needs the right to mount a tmpfs. */
#include "merge_runs.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum { SKIPPED = 77, PAGE = 4096, NEEDED_PAGES = 40 };

static const test_tensor some[] = {{"model.layers.0.mlp.up_proj.weight", "BF16", "[25,1000]", 25000}};

/* A merge takes about 20 pages here: every size below that is tried. */
static void a_full_disk_is_an_ordinary_error_wherever_it_is_met(void **state) {
    const test_folder *folder = *state;
    char *pre = write_model(folder->path, "pre", MODEL_CONFIG, 0, some, 1), *small = path_in(folder->path, "small");
    char *post = write_model(folder->path, "post", MODEL_CONFIG, 0.3, some, 1), *out = path_in(folder->path, "small/out");
    size_t refused = 0, written = 0;
    write_text(post, "tokenizer.json", "{}");
    assert_int_equal(mkdir(small, 0777), 0);
    for (size_t pages = 1; pages <= NEEDED_PAGES; pages++) {
        char options[64];
        (void)snprintf(options, sizeof options, "size=%zu", pages * PAGE);
        assert_int_equal(mount("tmpfs", small, "tmpfs", 0, options), 0);
        const hma_status status = merge_folders(pre, post, out, false);
        if (status == HMA_OK) {
            assert_complete(out);
            written++;
        } else {
            assert_fails(status, HMA_IO, "No space left on device");
            assert_non_null(strstr(hma_error_message(), "free some space"));
            assert_int_equal(entry_count(small), 0);
            assert_int_equal(written, 0);
            refused++;
        }
        assert_int_equal(umount(small), 0);
    }
    assert_true(refused > 5 && written > 5);
    free(pre);
    free(post);
    free(small);
    free(out);
}

int main(void) {
    /* a mount of our own, unseen by anybody else; for users without rights where the kernel grants them in a new namespace */
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
        (void)printf("SKIPPED: no permission to mount a small file system\n");
        return SKIPPED;
    }
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        (void)printf("SKIPPED: no permission to mount a small file system\n");
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk_is_an_ordinary_error_wherever_it_is_met, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
