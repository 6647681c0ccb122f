/* src/checkpoint: writing safetensors in the canonical form, in shards, from chunks. */
#include "checkpoint_files.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/context.h"
#include "checkpoint/chunks.h"
#include "checkpoint/folder.h"
#include "checkpoint/header.h"
#include "checkpoint/header_write.h"
#include "checkpoint/shards.h"

static hma_context *context_with(unsigned threads) {
    hma_context *context;
    const hma_context_options options = {.threads = threads};
    assert_ok(hma_context_new(&context, &options));
    return context;
}

/* Data that depends on the element's place only. */
static hma_status count_up(void *user, const hma_tensor *tensor, uint64_t first, uint64_t count, void *destination) {
    (void)user;
    const size_t size = hma_dtype_size(tensor->dtype);
    for (uint64_t i = 0; i < count * size; i++) {
        ((unsigned char *)destination)[i] = (unsigned char)((first * size + i) * 31 + (unsigned char)tensor->name[0]);
    }
    return HMA_OK;
}

static hma_status copy_from(void *user, const hma_tensor *tensor, uint64_t first, uint64_t count, void *destination) {
    return hma_checkpoint_read(user, tensor, first, count, destination);
}

static hma_tensor tensor_of(const char *name, hma_dtype dtype, uint64_t rows, uint64_t columns) {
    return (hma_tensor){.name = name,
                        .dtype = dtype,
                        .rank = 2,
                        .shape = {rows, columns},
                        .elements = rows * columns,
                        .bytes = rows * columns * hma_dtype_size(dtype)};
}

static void assert_same_file(const char *folder, const char *name, const char *other_folder, const char *other_name) {
    char *a = path_in(folder, name), *b = path_in(other_folder, other_name), *x, *y;
    size_t n, m;
    assert_ok(hma_file_load(a, 1 << 28, &x, &n));
    assert_ok(hma_file_load(b, 1 << 28, &y, &m));
    if (n != m || memcmp(x, y, n) != 0) {
        fail_msg("%s and %s differ", a, b);
    }
    free(a);
    free(b);
    free(x);
    free(y);
}

static const hma_tensor **tensors_of(const hma_checkpoint *c) {
    const size_t count = hma_checkpoint_tensor_count(c);
    const hma_tensor **tensors = calloc(count, sizeof *tensors);
    assert_non_null(tensors);
    for (size_t i = 0; i < count; i++) {
        tensors[i] = hma_checkpoint_tensor(c, i);
    }
    return tensors;
}

/* The golden models in one file were written by the reference writer. */
static void a_copy_has_the_bytes_of_the_reference_writer(void **state) {
    const test_folder *top = *state;
    hma_context *context = context_with(2);
    char **names;
    size_t count, copied = 0;
    assert_ok(hma_folder_list(&names, &count, HMA_TEST_DATA "/golden/models", "[a-z]*"));
    for (size_t i = 0; i < count; i++) {
        char *folder = path_in(HMA_TEST_DATA "/golden/models", names[i]), *weights = path_in(folder, "model.safetensors");
        hma_checkpoint *c;
        assert_ok(hma_checkpoint_open(&c, folder));
        if (hma_path_exists(weights)) {
            char *out = make_model(top->path, names[i], NULL, NULL, 0);
            const hma_tensor **tensors = tensors_of(c);
            hma_shard_report report;
            assert_ok(hma_shards_write(context, out, tensors, hma_checkpoint_tensor_count(c), &(hma_shard_options){0},
                                       copy_from, c, &report));
            assert_int_equal(report.shards, 1);
            assert_same_file(out, "model.safetensors", folder, "model.safetensors");
            copied++;
            free(tensors);
            free(out);
        }
        hma_checkpoint_close(c);
        free(folder);
        free(weights);
    }
    assert_true(copied > 20);
    hma_names_free(names, count);
    hma_context_free(context);
}

/* The expected text is what the safetensors package (0.8.0) wrote for tensors of these names, types and shapes. */
static void element_types_are_in_the_reference_order(void **state) {
    (void)state;
    static const char expected[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        TENSOR("a00", "U64", "[3,1]", 0, 24) "," TENSOR("b00", "U64", "[3,1]", 24, 48) ","
        TENSOR("a01", "I64", "[3,1]", 48, 72) "," TENSOR("a02", "F64", "[3,1]", 72, 96) ","
        TENSOR("a03", "F32", "[3,1]", 96, 108) "," TENSOR("zero", "F32", "[0,4]", 108, 108) ","
        TENSOR("\xC3\xA9\\\"\\\\x", "F32", "[1,1]", 108, 112) "," TENSOR("a04", "U32", "[3,1]", 112, 124) ","
        TENSOR("a05", "I32", "[3,1]", 124, 136) "," TENSOR("a06", "BF16", "[3,1]", 136, 142) ","
        TENSOR("a07", "F16", "[3,1]", 142, 148) "," TENSOR("a08", "U16", "[3,1]", 148, 154) ","
        TENSOR("a09", "I16", "[3,1]", 154, 160) "," TENSOR("a10", "I8", "[3,1]", 160, 163) ","
        TENSOR("a11", "U8", "[3,1]", 163, 166) "," TENSOR("a12", "BOOL", "[3,1]", 166, 169) "}";
    const hma_tensor given[] = {
        tensor_of("a12", HMA_BOOL, 3, 1), tensor_of("a11", HMA_U8, 3, 1),   tensor_of("a10", HMA_I8, 3, 1),
        tensor_of("a09", HMA_I16, 3, 1),  tensor_of("a08", HMA_U16, 3, 1),  tensor_of("a07", HMA_F16, 3, 1),
        tensor_of("a06", HMA_BF16, 3, 1), tensor_of("a05", HMA_I32, 3, 1),  tensor_of("a04", HMA_U32, 3, 1),
        tensor_of("zero", HMA_F32, 0, 4), tensor_of("a03", HMA_F32, 3, 1),  tensor_of("\xC3\xA9\"\\x", HMA_F32, 1, 1),
        tensor_of("a02", HMA_F64, 3, 1),  tensor_of("a01", HMA_I64, 3, 1),  tensor_of("b00", HMA_U64, 3, 1),
        tensor_of("a00", HMA_U64, 3, 1)};
    enum { COUNT = sizeof given / sizeof *given };
    const hma_tensor *tensors[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        tensors[i] = &given[i];
    }
    hma_header_order(tensors, COUNT);
    hma_buffer header = {0};
    assert_ok(hma_header_write(&header, tensors, COUNT, NULL));
    uint64_t length;
    memcpy(&length, header.data, sizeof length);
    assert_int_equal(length % 8, 0);
    assert_int_equal(length, header.length - 8);
    assert_true(length >= sizeof expected - 1 && length < sizeof expected - 1 + 8);
    assert_memory_equal(header.data + 8, expected, sizeof expected - 1);
    hma_buffer_free(&header);
}

static void metadata_follows_the_format(void **state) {
    (void)state;
    static const char *const metadata[] = {"hma_recipe", "{\"ratios\":[0.5]}", "note", "a\nb", NULL};
    hma_buffer header = {0};
    assert_ok(hma_header_write(&header, NULL, 0, metadata));
    assert_string_equal(header.data + 8,
                        "{\"__metadata__\":{\"format\":\"pt\",\"hma_recipe\":\"{\\\"ratios\\\":[0.5]}\",\"note\":\"a\\nb\"}}");
    hma_tensor_list list = {0};
    assert_ok(hma_header_parse(&list, "f", header.data + 8, header.length - 8, 0, 0));
    hma_buffer_free(&header);
}

/* ---- shards ---- */

static hma_status write_four(hma_context *context, const char *folder, uint64_t shard_size, hma_produce_fn produce, void *user,
                             hma_shard_report *report) {
    const hma_tensor a = tensor_of("a", HMA_F32, 3, 4), b = tensor_of("b", HMA_F32, 700, 1000);
    const hma_tensor c = tensor_of("c", HMA_F32, 1, 4), d = tensor_of("d", HMA_BF16, 5, 3);
    const hma_tensor *tensors[] = {&d, &c, &b, &a};
    const hma_shard_options options = {.shard_size = shard_size};
    return hma_shards_write(context, folder, tensors, 4, &options, produce, user, report);
}

static void tensors_are_spread_over_shards(void **state) {
    const test_folder *top = *state;
    char *folder = make_model(top->path, "m", "{}", NULL, 0);
    hma_context *context = context_with(3);
    hma_shard_report report;
    /* a: 48 bytes; b: 2.8 MB, more than a shard; c and d: 16 + 30 bytes */
    assert_ok(write_four(context, folder, 64, count_up, NULL, &report));
    assert_int_equal(report.shards, 3);
    assert_int_equal(report.bytes, 48 + 2800000 + 16 + 30);
    char *path = path_in(folder, "model.safetensors.index.json"), *text;
    size_t length;
    assert_ok(hma_file_load(path, 10000, &text, &length));
    assert_string_equal(text, "{\n  \"metadata\": {\n    \"total_size\": 2800094\n  },\n  \"weight_map\": {\n"
                              "    \"a\": \"model-00001-of-00003.safetensors\",\n"
                              "    \"b\": \"model-00002-of-00003.safetensors\",\n"
                              "    \"c\": \"model-00003-of-00003.safetensors\",\n"
                              "    \"d\": \"model-00003-of-00003.safetensors\"\n  }\n}\n");
    hma_checkpoint *c;
    assert_ok(hma_checkpoint_open(&c, folder));
    assert_int_equal(hma_checkpoint_warning_count(c), 0);
    for (size_t i = 0; i < hma_checkpoint_tensor_count(c); i++) {
        const hma_tensor *t = hma_checkpoint_tensor(c, i);
        void *read = malloc(t->bytes), *meant = malloc(t->bytes);
        assert_ok(hma_checkpoint_read(c, t, 0, t->elements, read));
        assert_ok(count_up(NULL, t, 0, t->elements, meant));
        assert_memory_equal(read, meant, t->bytes);
        free(read);
        free(meant);
    }
    hma_checkpoint_close(c);
    hma_context_free(context);
    free(text);
    free(path);
    free(folder);
}

static void bytes_do_not_depend_on_the_number_of_threads(void **state) {
    const test_folder *top = *state;
    hma_shard_report report;
    char *first = make_model(top->path, "t1", NULL, NULL, 0);
    hma_context *one = context_with(1);
    assert_ok(write_four(one, first, 0, count_up, NULL, &report));
    hma_context_free(one);
    for (unsigned threads = 2; threads < 6; threads++) {
        char name[8];
        (void)snprintf(name, sizeof name, "t%u", threads);
        char *folder = make_model(top->path, name, NULL, NULL, 0);
        hma_context *context = context_with(threads);
        assert_ok(write_four(context, folder, 0, count_up, NULL, &report));
        assert_same_file(folder, "model.safetensors", first, "model.safetensors");
        hma_context_free(context);
        free(folder);
    }
    free(first);
}

static void chunks_cover_every_element_once(void **state) {
    (void)state;
    const hma_tensor given[] = {tensor_of("z", HMA_F32, 0, 9), tensor_of("a", HMA_BF16, 1, HMA_CHUNK_BYTES / 2),
                                tensor_of("b", HMA_F64, HMA_CHUNK_BYTES / 8, 2), tensor_of("y", HMA_U8, 0, 1),
                                tensor_of("c", HMA_U8, 1, HMA_CHUNK_BYTES + 1), tensor_of("d", HMA_U8, 1, 1),
                                tensor_of("x", HMA_U8, 1, 0)};
    enum { COUNT = sizeof given / sizeof *given };
    const hma_tensor *tensors[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        tensors[i] = &given[i];
    }
    hma_chunks chunks;
    assert_ok(hma_chunks_cut(&chunks, tensors, COUNT));
    assert_int_equal(hma_chunks_count(&chunks), 1 + 2 + 2 + 1);
    uint64_t covered[COUNT] = {0};
    for (size_t i = 0; i < hma_chunks_count(&chunks); i++) {
        const hma_chunk chunk = hma_chunks_at(&chunks, tensors, i);
        assert_true(chunk.count > 0 && chunk.count * hma_dtype_size(given[chunk.tensor].dtype) <= HMA_CHUNK_BYTES);
        assert_int_equal(chunk.first, covered[chunk.tensor]);
        covered[chunk.tensor] += chunk.count;
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(covered[i], given[i].elements);
    }
    hma_chunks_free(&chunks);
}

/* ---- failures ---- */

static hma_status fail_late(void *user, const hma_tensor *tensor, uint64_t first, uint64_t count, void *destination) {
    if (strcmp(tensor->name, "b") == 0 && first > 0) {
        return user ? (hma_context_cancel(user), HMA_OK) : HMA_NON_FINITE;
    }
    return count_up(NULL, tensor, first, count, destination);
}

static void a_failed_shard_is_removed(void **state) {
    const test_folder *top = *state;
    char *folder = make_model(top->path, "m", NULL, NULL, 0), *weights = path_in(folder, "model.safetensors");
    hma_context *context = context_with(2);
    hma_shard_report report = {77, 77};
    assert_int_equal(write_four(context, folder, 0, fail_late, NULL, &report), HMA_NON_FINITE);
    assert_false(hma_path_exists(weights));
    assert_int_equal(write_four(context, folder, 0, fail_late, context, &report), HMA_INTERRUPTED);
    assert_false(hma_path_exists(weights));
    assert_int_equal(report.shards, 77);
    hma_context_resume(context);
    write_text(folder, "model.safetensors", "mine");
    assert_fails(write_four(context, folder, 0, count_up, NULL, &report), HMA_IO, "model.safetensors: cannot create the file");
    assert_fails(write_four(context, "/no/such/folder", 0, count_up, NULL, &report), HMA_IO, "cannot create the file");
    hma_context_free(context);
    free(weights);
    free(folder);
}

static void a_full_disk_is_found_before_anything_is_produced(void **state) {
    const test_folder *top = *state;
    char *folder = make_model(top->path, "m", NULL, NULL, 0), *weights = path_in(folder, "model.safetensors");
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        /* a limit on file sizes stands in for the disk */
        const struct rlimit limit = {1 << 20, 1 << 20};
        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        hma_context *context;
        const hma_context_options options = {.threads = 1};
        hma_shard_report report;
        hma_status status = hma_context_new(&context, &options);
        status = status == HMA_OK ? write_four(context, folder, 0, fail_late, NULL, &report) : status;
        _exit(status == HMA_IO && strstr(hma_error_message(), "reserve space") ? 0 : 1);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
    assert_false(hma_path_exists(weights));
    free(weights);
    free(folder);
}

int main(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_copy_has_the_bytes_of_the_reference_writer),
        cmocka_unit_test(element_types_are_in_the_reference_order),
        cmocka_unit_test(metadata_follows_the_format),
        IN_FOLDER(tensors_are_spread_over_shards),
        IN_FOLDER(bytes_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(chunks_cover_every_element_once),
        IN_FOLDER(a_failed_shard_is_removed),
        IN_FOLDER(a_full_disk_is_found_before_anything_is_produced),
    };
    return cmocka_run_group_tests_name("checkpoint_write", tests, NULL, NULL);
}
