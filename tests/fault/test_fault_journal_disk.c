/* Runs on file systems that are full or cannot be written. Needs the right to mount a tmpfs. */
#include "journal_runs.h"

#include <sched.h>
#include <sys/mount.h>

enum { SKIPPED = 77 };

static void mount_small(const char *folder, const char *options) {
    assert_int_equal(mount("tmpfs", folder, "tmpfs", 0, options), 0);
}

static void unmount(const char *folder) {
    assert_int_equal(umount2(folder, MNT_DETACH), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void a_full_disk_loses_nothing(void **state) {
    (void)state;
    char folder[512], whole_base[512], run[600], whole[600];
    (void)make_temporary_folder(folder);
    mount_small(folder, "size=192k");
    (void)snprintf(run, sizeof run, "%s/run", folder);
    assert_fails(sweep(run, 0), HMA_IO, "(the disk is full): what was finished is saved; free some space");
    const size_t scored = count_scored(run);
    assert_in_range(scored, 1, CANDIDATES - 1);
    assert_fails(sweep(run, 0), HMA_IO, "the disk is full");
    assert_int_equal(count_scored(run), scored);
    assert_int_equal(mount(NULL, folder, NULL, MS_REMOUNT, "size=10m"), 0);
    assert_ok(sweep(run, 0));
    assert_nothing_was_scored_twice(run);
    (void)make_temporary_folder(whole_base);
    (void)snprintf(whole, sizeof whole, "%s/run", whole_base);
    assert_ok(sweep(whole, 0));
    assert_same_front(whole, run);
    unmount(folder);
    assert_ok(hma_folder_remove(whole_base));
}

static void a_disk_that_is_full_from_the_start_leaves_nothing(void **state) {
    (void)state;
    char folder[512], run[600];
    (void)make_temporary_folder(folder);
    mount_small(folder, "size=16k");
    (void)snprintf(run, sizeof run, "%s/run", folder);
    assert_fails(sweep(run, 0), HMA_IO, "full");
    assert_false(hma_path_exists(run));
    unmount(folder);
}

static void a_read_only_file_system_can_be_read_and_not_written(void **state) {
    (void)state;
    char folder[512], run[600], *report;
    (void)make_temporary_folder(folder);
    mount_small(folder, "size=10m");
    (void)snprintf(run, sizeof run, "%s/run", folder);
    assert_ok(sweep(run, 0));
    assert_int_equal(mount(NULL, folder, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    assert_fails(sweep(run, 0), HMA_IO, "lock: cannot open the lock (Read-only file system)");
    assert_int_equal(count_scored(run), CANDIDATES);
    assert_ok(hma_run_verify(run, &report));
    hma_text_free(report);
    unmount(folder);
}

int main(void) {
    /* a mount of our own, unseen by anybody else */
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        (void)printf("SKIPPED: no permission to mount a small file system\n");
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_loses_nothing),
        cmocka_unit_test(a_disk_that_is_full_from_the_start_leaves_nothing),
        cmocka_unit_test(a_read_only_file_system_can_be_read_and_not_written),
    };
    return cmocka_run_group_tests_name("runs and full disks", tests, NULL, NULL);
}
