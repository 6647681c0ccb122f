/* src/checkpoint: the digest of a checkpoint. */
#include "checkpoint_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/context.h"
#include "hma/checkpoint.h"

#define CONFIG "{\"model_type\":\"llama\"}"
#define Z TENSOR("z", "F32", "[0,3]", 12, 12)
#define A TENSOR("a", "F32", "[2]", 0, 8)
#define B TENSOR("b", "U8", "[4]", 8, 12)
#define HEADER "{" A "," B "," Z "}"

static hma_status digest_with(unsigned threads, const char *folder, char digest[65]) {
    hma_context *context;
    const hma_context_options options = {.threads = threads};
    hma_checkpoint *c;
    assert_ok(hma_context_new(&context, &options));
    assert_ok(hma_checkpoint_open(&c, folder));
    const hma_status status = hma_checkpoint_digest(context, c, digest);
    hma_checkpoint_close(c);
    hma_context_free(context);
    return status;
}

/* The expected digest was computed from the definition in digest.c by a few lines of Python with hashlib. */
static void a_digest_is_what_its_definition_says(void **state) {
    const test_folder *top = *state;
    char *folder = make_model(top->path, "m", CONFIG, HEADER, 12), digest[65];
    assert_ok(digest_with(2, folder, digest));
    assert_string_equal(digest, "ef1e6b4da9c6fe72acdb7c7ed64d61f4d9c947d43c0b45adca00479916b15fe7");
    free(folder);
    assert_ok(digest_with(3, HMA_TEST_DATA "/../eval/demo/pre", digest));
    assert_string_equal(digest, "80327cdbbdd876421c72235e521cd2dc4fe87e5ebcdec778fdda7f9c0735b632");
}

static void a_digest_does_not_depend_on_threads_or_shards(void **state) {
    const test_folder *top = *state;
    char *whole = make_model(top->path, "whole", CONFIG, HEADER, 12), *parts = make_model(top->path, "parts", CONFIG, NULL, 0);
    char one[65], other[65];
    assert_ok(digest_with(1, whole, one));
    for (unsigned threads = 2; threads < 5; threads++) {
        assert_ok(digest_with(threads, whole, other));
        assert_string_equal(one, other);
    }
    /* the data counts 1, 2, 3, .. in each file, so the bytes of b are put in by hand */
    write_safetensors(parts, "x.safetensors", "{" TENSOR("a", "F32", "[2]", 0, 8) "," TENSOR("z", "F32", "[0,3]", 8, 8) "}", 8);
    static const char b_header[] = "{" TENSOR("b", "U8", "[4]", 0, 4) "}";
    hma_buffer bytes = {0};
    safetensors_bytes(&bytes, sizeof b_header - 1, b_header, sizeof b_header - 1, 0);
    hma_buffer_add(&bytes, "\11\12\13\14", 4);
    write_bytes(parts, "y.safetensors", bytes.data, bytes.length);
    hma_buffer_free(&bytes);
    write_text(parts, "model.safetensors.index.json",
               "{\"weight_map\":{\"a\":\"x.safetensors\",\"b\":\"y.safetensors\",\"z\":\"x.safetensors\"}}");
    assert_ok(digest_with(2, parts, other));
    assert_string_equal(one, other);
    free(whole);
    free(parts);
}

static void whatever_determines_the_model_changes_the_digest(void **state) {
    const test_folder *top = *state;
    static const struct {
        const char *config, *header;
        size_t data;
    } variants[] = {
        {CONFIG, HEADER, 12},
        {CONFIG " ", HEADER, 12},
        {CONFIG, "{" TENSOR("A", "F32", "[2]", 0, 8) "," B "," Z "}", 12},
        {CONFIG, "{" TENSOR("a", "I32", "[2]", 0, 8) "," B "," Z "}", 12},
        {CONFIG, "{" TENSOR("a", "F32", "[1,2]", 0, 8) "," B "," Z "}", 12},
        {CONFIG, "{" TENSOR("b", "U8", "[4]", 0, 4) "," TENSOR("a", "F32", "[2]", 4, 12) "," Z "}", 12},
        {CONFIG, "{" A "," B "}", 12},
        {CONFIG, "{" A "," B "," TENSOR("z", "F32", "[4,0]", 12, 12) "}", 12},
    };
    enum { COUNT = sizeof variants / sizeof *variants };
    char digests[COUNT][65];
    for (size_t i = 0; i < COUNT; i++) {
        char *folder = make_model(top->path, "m", variants[i].config, variants[i].header, variants[i].data);
        assert_ok(digest_with(2, folder, digests[i]));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(digests[i], digests[j]);
        }
        free(folder);
    }
}

static void a_second_call_costs_nothing(void **state) {
    const test_folder *top = *state;
    char *folder = make_model(top->path, "m", CONFIG, HEADER, 12), *path = path_in(folder, "model.safetensors");
    hma_context *context;
    hma_checkpoint *c;
    char first[65], second[65];
    assert_ok(hma_context_new(&context, NULL));
    assert_ok(hma_checkpoint_open(&c, folder));
    assert_ok(hma_checkpoint_digest(context, c, first));
    hma_context_cancel(context); /* would stop any work */
    assert_ok(hma_checkpoint_digest(context, c, second));
    assert_string_equal(first, second);
    hma_checkpoint_close(c);
    hma_context_free(context);
    free(folder);
    free(path);
}

static void a_changed_input_and_a_cancelled_context_end_it(void **state) {
    const test_folder *top = *state;
    char *folder = make_model(top->path, "m", CONFIG, HEADER, 12), *path = path_in(folder, "model.safetensors");
    hma_context *context;
    hma_checkpoint *c;
    char digest[65];
    assert_ok(hma_context_new(&context, NULL));
    assert_ok(hma_checkpoint_open(&c, folder));
    hma_context_cancel(context);
    assert_fails(hma_checkpoint_digest(context, c, digest), HMA_INTERRUPTED, "interrupted");
    hma_context_resume(context);
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_fails(hma_checkpoint_digest(context, c, digest), HMA_IO, "changed while it was read");
    hma_checkpoint_close(c);
    hma_context_free(context);
    free(folder);
    free(path);
}

static void keep_warnings(void *user, hma_log_level level, const char *line) {
    if (level == HMA_LOG_WARNING) {
        (void)snprintf(user, 1024, "%s", line);
    }
}

static void keep_progress(void *user, const hma_progress *progress) {
    (void)user;
    assert_string_equal(progress->unit, "bytes");
    assert_true(progress->done <= progress->total && progress->total == 12);
}

static void warnings_of_opening_are_told(void **state) {
    const test_folder *top = *state;
    char *folder = make_model(top->path, "m", CONFIG, HEADER, 12), line[1024] = "", digest[65];
    write_text(folder, "old.safetensors", "x");
    hma_context *context;
    hma_checkpoint *c;
    const hma_context_options options = {.log = keep_warnings, .progress = keep_progress, .user = line};
    assert_ok(hma_context_new(&context, &options));
    assert_ok(hma_checkpoint_open(&c, folder));
    assert_ok(hma_checkpoint_digest(context, c, digest));
    assert_non_null(strstr(line, "old.safetensors is not part of the model"));
    hma_checkpoint_close(c);
    hma_context_free(context);
    free(folder);
}

int main(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_digest_is_what_its_definition_says),
        IN_FOLDER(a_digest_does_not_depend_on_threads_or_shards),
        IN_FOLDER(whatever_determines_the_model_changes_the_digest),
        IN_FOLDER(a_second_call_costs_nothing),
        IN_FOLDER(a_changed_input_and_a_cancelled_context_end_it),
        IN_FOLDER(warnings_of_opening_are_told),
    };
    return cmocka_run_group_tests_name("checkpoint_digest", tests, NULL, NULL);
}
