/* src/base: random numbers, hashes, threads, files. */
#include "testing.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/sha256.h"

/* Known answers of Random123's kat_vectors for philox4x32-10. */
static void philox_gives_the_published_words(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4];
        hma_rng_key key;
        uint32_t out[4];
    } cases[] = {
        {{0, 0, 0, 0}, {{0, 0}}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {{0xffffffff, 0xffffffff}},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {{0xa4093822, 0x299f31d0}},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t out[4];
        hma_philox(out, cases[i].counter, cases[i].key);
        assert_memory_equal(out, cases[i].out, sizeof out);
    }
}

static void uniform_numbers_are_uniform(void **state) {
    (void)state;
    const hma_rng_key key = hma_rng_key_for(1, "test");
    double sum = 0, squares = 0;
    enum { N = 200000 };
    for (uint64_t i = 0; i < N; i++) {
        const double u = hma_rng_double(key, i);
        assert_true(u >= 0 && u < 1);
        sum += u;
        squares += u * u;
    }
    assert_near(sum / N, 0.5, 0.003);
    assert_near(squares / N - 0.25, 1.0 / 12, 0.002);
    const hma_rng_key other = hma_rng_key_for(1, "test2");
    assert_true(hma_rng_u64(key, 0) != hma_rng_u64(other, 0));
    for (uint64_t i = 0; i < 1000; i++) {
        assert_true(hma_rng_below(key, i, 7) < 7);
    }
}

static void sha256_gives_the_nist_digest(void **state) {
    (void)state;
    char digest[65];
    assert_ok(hma_sha256_of("abc", 3, digest));
    assert_string_equal(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* Longer than what is read at a time, and empty. */
static void a_file_has_the_digest_of_its_bytes(void **state) {
    (void)state;
    enum { BYTES = (2 << 20) + 5 };
    char folder[512], path[600], expected[65], digest[65];
    char *bytes = malloc(BYTES);
    assert_non_null(bytes);
    (void)make_temporary_folder(folder);
    (void)snprintf(path, sizeof path, "%s/file", folder);
    for (size_t i = 0; i < BYTES; i++) {
        bytes[i] = (char)(i * 7 + i / 4096);
    }
    for (int round = 0; round < 2; round++) {
        const size_t length = round ? BYTES : 0;
        assert_ok(hma_file_store(path, bytes, length));
        assert_ok(hma_sha256_of(bytes, length, expected));
        assert_ok(hma_sha256_of_file(path, digest));
        assert_string_equal(digest, expected);
    }
    assert_fails(hma_sha256_of_file(folder, digest), HMA_BAD_DATA, "is a folder");
    assert_ok(hma_folder_remove(folder));
    free(bytes);
}

static hma_status square(void *argument, size_t index, size_t worker) {
    (void)worker;
    ((size_t *)argument)[index] += index * index;
    return HMA_OK;
}

static hma_status fail_at_tens(void *argument, size_t index, size_t worker) {
    (void)argument;
    (void)worker;
    return index % 10 == 9 ? hma_error(HMA_NON_FINITE, "index %zu: broken", index) : HMA_OK;
}

static void pool_runs_every_index_once(void **state) {
    (void)state;
    enum { N = 1000 };
    for (size_t threads = 1; threads <= 5; threads++) {
        hma_pool *pool;
        assert_ok(hma_pool_new(&pool, threads));
        for (size_t count = 0; count < 50; count += 7) {
            size_t out[N] = {0};
            assert_ok(hma_pool_run(pool, count, square, out));
            assert_ok(hma_pool_run(pool, N, square, out));
            for (size_t i = 0; i < N; i++) {
                assert_int_equal(out[i], i * i * (i < count ? 2 : 1));
            }
        }
        assert_fails(hma_pool_run(pool, 100, fail_at_tens, NULL), HMA_NON_FINITE, "index");
        hma_pool_free(pool);
    }
}

static void pool_reports_the_first_failure_of_one_thread(void **state) {
    (void)state;
    hma_pool *pool;
    assert_ok(hma_pool_new(&pool, 1));
    assert_fails(hma_pool_run(pool, 100, fail_at_tens, NULL), HMA_NON_FINITE, "index 9: broken");
    hma_pool_free(pool);
}

static void cancel_interrupts(void **state) {
    (void)state;
    hma_context *context;
    assert_ok(hma_context_new(&context, NULL));
    assert_true(hma_context_threads(context) >= 1);
    assert_ok(hma_context_check(context));
    hma_context_cancel(context);
    assert_fails(hma_context_check(context), HMA_INTERRUPTED, "interrupted");
    hma_context_free(context);
}

static void messages_stay_one_line(void **state) {
    (void)state;
    (void)hma_error(HMA_BAD_DATA, "%s: is bad", "evil\nname\x1b[31m");
    assert_string_equal(hma_error_message(), "evil name?[31m: is bad");
}

static void only_regular_files_are_read(void **state) {
    (void)state;
    char folder[512], path[600];
    hma_input input;
    char *data;
    size_t length;
    (void)make_temporary_folder(folder);
    assert_fails(hma_input_open(&input, folder), HMA_BAD_DATA, "is a folder");
    (void)snprintf(path, sizeof path, "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_fails(hma_input_open(&input, path), HMA_BAD_DATA, "named pipe");
    assert_fails(hma_input_open(&input, "/dev/null"), HMA_BAD_DATA, "a device");
    (void)snprintf(path, sizeof path, "%s/none", folder);
    assert_fails(hma_file_load(path, 100, &data, &length), HMA_IO, "cannot open the file");
    assert_ok(hma_folder_remove(folder));
}

static void stored_files_replace_and_leave_nothing_behind(void **state) {
    (void)state;
    char folder[512], path[600];
    char *data;
    size_t length;
    (void)make_temporary_folder(folder);
    (void)snprintf(path, sizeof path, "%s/file", folder);
    assert_ok(hma_file_store(path, "one", 3));
    assert_ok(hma_file_store(path, "second", 6));
    assert_ok(hma_file_load(path, 100, &data, &length));
    assert_int_equal(length, 6);
    assert_string_equal(data, "second");
    free(data);
    assert_fails(hma_file_load(path, 5, &data, &length), HMA_BAD_DATA, "expected at most 5");
    hma_output output;
    assert_ok(hma_output_open(&output, path));
    assert_ok(hma_output_write(&output, "x", 1));
    hma_output_discard(&output);
    hma_output_discard(&output);
    assert_ok(hma_file_load(path, 100, &data, &length));
    assert_string_equal(data, "second");
    free(data);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* empty: no temporary left */
}

static void staged_folders_appear_at_once(void **state) {
    (void)state;
    char folder[512], target[600], inside[700];
    hma_stage stage;
    hma_output output;
    (void)make_temporary_folder(folder);
    (void)snprintf(target, sizeof target, "%s/model", folder);
    for (int round = 0; round < 2; round++) {
        assert_ok(hma_stage_open(&stage, target, round == 1));
        (void)snprintf(inside, sizeof inside, "%s/file%d", stage.folder, round);
        assert_ok(hma_output_create(&output, inside));
        assert_ok(hma_output_write(&output, "x", 1));
        assert_ok(hma_output_commit(&output));
        assert_int_equal(hma_path_is_folder(target), round == 1);
        assert_ok(hma_stage_commit(&stage, round == 1));
    }
    (void)snprintf(inside, sizeof inside, "%s/file0", target);
    assert_false(hma_path_exists(inside));
    (void)snprintf(inside, sizeof inside, "%s/file1", target);
    assert_true(hma_path_exists(inside));
    assert_fails(hma_stage_open(&stage, target, false), HMA_USAGE, "--force");
    assert_ok(hma_stage_open(&stage, target, true));
    hma_stage_discard(&stage);
    assert_true(hma_path_exists(inside));
    assert_ok(hma_folder_remove(target));
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_words),
        cmocka_unit_test(uniform_numbers_are_uniform),
        cmocka_unit_test(sha256_gives_the_nist_digest),
        cmocka_unit_test(a_file_has_the_digest_of_its_bytes),
        cmocka_unit_test(pool_runs_every_index_once),
        cmocka_unit_test(pool_reports_the_first_failure_of_one_thread),
        cmocka_unit_test(cancel_interrupts),
        cmocka_unit_test(messages_stay_one_line),
        cmocka_unit_test(only_regular_files_are_read),
        cmocka_unit_test(stored_files_replace_and_leave_nothing_behind),
        cmocka_unit_test(staged_folders_appear_at_once),
    };
    return cmocka_run_group_tests_name("base: system", tests, NULL, NULL);
}
