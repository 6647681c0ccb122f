/* src/checkpoint: what a safetensors header may say, and what is refused. */
#include "checkpoint_files.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "checkpoint/header.h"

#define A_F32 ENTRY("a", "F32", "[2]", "[0,8]")

typedef struct header_case {
    const char *what, *header;
    size_t data;
    const char *message; /* NULL: accepted */
} header_case;

static hma_status parse(const char *header, size_t length, uint64_t data, hma_tensor_list *list) {
    /* from memory of its exact size, so that the address sanitizer sees a byte too many */
    char *exact = malloc(length ? length : 1);
    assert_non_null(exact);
    memcpy(exact, header, length);
    const hma_status status = hma_header_parse(list, "f", exact, length, data, 0);
    free(exact);
    return status;
}

static void check_cases(const header_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        hma_tensor_list list = {0};
        const hma_status status = parse(cases[i].header, strlen(cases[i].header), cases[i].data, &list);
        if (!cases[i].message && status != HMA_OK) {
            fail_msg("%s: refused: %s", cases[i].what, hma_error_message());
        }
        if (cases[i].message && (status != HMA_BAD_DATA || !strstr(hma_error_message(), cases[i].message))) {
            fail_msg("%s: got %s \"%s\", expected \"%s\"", cases[i].what, hma_status_name(status),
                     status ? hma_error_message() : "", cases[i].message);
        }
        hma_tensor_list_free(&list);
    }
}
#define CHECK(cases) check_cases(cases, sizeof(cases) / sizeof *(cases))

static void json_that_is_none_is_refused(void **state) {
    (void)state;
    static const header_case cases[] = {
        {"empty", "", 0, "not JSON"},
        {"open object", "{", 0, "not JSON"},
        {"array", "[]", 0, "not an object"},
        {"number", "1", 0, "not an object"},
        {"trailing bytes", "{}{}", 0, "nothing after the end"},
        {"trailing NUL would be cut by C", "{} \x01", 0, "nothing after the end"},
        {"BOM", "\xEF\xBB\xBF{}", 0, "not JSON"},
        {"not UTF-8", "\xff", 0, "not JSON"},
        {"bad UTF-8 in a name", "{\"\xff\":{}}", 0, "not UTF-8"},
        {"overlong UTF-8", "{\"\xC0\xAF\":{}}", 0, "not UTF-8"},
        {"surrogate in UTF-8", "{\"\xED\xA0\x80\":{}}", 0, "not UTF-8"},
        {"lone escaped surrogate", "{\"\\ud800\":{}}", 0, "surrogate"},
    };
    CHECK(cases);
    hma_tensor_list list = {0};
    assert_fails(parse("{}\0", 3, 0, &list), HMA_BAD_DATA, "nothing after the end");
}

static void white_space_around_the_header_is_accepted(void **state) {
    (void)state;
    static const header_case cases[] = {
        {"padding after", "{}\r \t\n", 0, NULL},
        {"padding before", "\t\n{}", 0, NULL},
        {"padding of a real header", "{" A_F32 "}      ", 8, NULL},
    };
    CHECK(cases);
}

static void names_occur_once_and_are_printable(void **state) {
    (void)state;
    static const header_case cases[] = {
        {"duplicate name, same range", "{" A_F32 "," A_F32 "}", 8, "tensor \"a\" occurs twice"},
        {"duplicate name, other range", "{" A_F32 "," ENTRY("a", "F32", "[1]", "[8,12]") "}", 12, "tensor \"a\" occurs twice"},
        {"duplicate through an escape", "{" A_F32 "," ENTRY("\\u0061", "F32", "[1]", "[8,12]") "}", 12,
         "tensor \"a\" occurs twice"},
        {"names that differ in case", "{" A_F32 "," ENTRY("A", "F32", "[1]", "[8,12]") "}", 12, NULL},
        {"duplicate dtype", "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
         "\"dtype\" twice"},
        {"duplicate shape", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
         "\"shape\" twice"},
        {"duplicate offsets", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8],\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
         "\"data_offsets\" twice"},
        {"NUL by escape", "{" ENTRY("a\\u0000b", "F32", "[2]", "[0,8]") "}", 8, "U+0000"},
        {"control character by escape", "{" ENTRY("a\\u001bb", "F32", "[2]", "[0,8]") "}", 8, "control character U+001B"},
        {"newline by escape", "{" ENTRY("a\\nb", "F32", "[2]", "[0,8]") "}", 8, "control character U+000A"},
        {"delete", "{" ENTRY("a\x7f", "F32", "[2]", "[0,8]") "}", 8, "control character U+007F"},
        {"C1 control", "{" ENTRY("a\\u0085", "F32", "[2]", "[0,8]") "}", 8, "control character U+0085"},
        {"raw control character", "{" ENTRY("a\x01", "F32", "[2]", "[0,8]") "}", 8, "control character"},
        {"empty name", "{" ENTRY("", "F32", "[2]", "[0,8]") "}", 8, "0 bytes long"},
        {"slashes are only a name", "{" ENTRY("../../etc/passwd", "F32", "[2]", "[0,8]") "}", 8, NULL},
        {"beyond ASCII", "{" ENTRY("\xC3\xA9\\ud83d\\ude00", "F32", "[2]", "[0,8]") "}", 8, NULL},
    };
    CHECK(cases);
    hma_tensor_list list = {0};
    static const char raw_nul[] = "{\"a\0\":{}}";
    assert_fails(parse(raw_nul, sizeof raw_nul - 1, 0, &list), HMA_BAD_DATA, "control characters");
}

static void a_name_of_a_megabyte_is_refused(void **state) {
    (void)state;
    hma_buffer header = {0};
    hma_buffer_text(&header, "{\"");
    for (size_t i = 0; i < 1 << 20; i++) {
        hma_buffer_char(&header, 'n');
    }
    hma_buffer_text(&header, "\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}");
    hma_tensor_list list = {0};
    assert_fails(parse(header.data, header.length, 8, &list), HMA_BAD_DATA, "1048576 bytes long (expected 1 to 1024)");
    assert_true(strlen(hma_error_message()) < 300);
    hma_tensor_list_free(&list);
    hma_buffer_free(&header);
}

static void metadata_holds_texts_only(void **state) {
    (void)state;
    static const header_case cases[] = {
        {"only metadata", "{\"__metadata__\":{\"format\":\"pt\"}}", 0, NULL},
        {"empty metadata", "{\"__metadata__\":{}," A_F32 "}", 8, NULL},
        {"metadata last", "{" A_F32 ",\"__metadata__\":{\"a\":\"1\"}}", 8, NULL},
        {"metadata not an object", "{\"__metadata__\":\"pt\"}", 0, "\"__metadata__\" is not an object"},
        {"value not a string", "{\"__metadata__\":{\"a\":1}}", 0, "not a string"},
        {"value an object", "{\"__metadata__\":{\"a\":{}}}", 0, "not a string"},
        {"value null", "{\"__metadata__\":{\"a\":null}}", 0, "not a string"},
        {"duplicate key", "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "\"a\" twice"},
        {"metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "occurs twice"},
    };
    CHECK(cases);
}

static void element_types_are_known_and_supported(void **state) {
    (void)state;
    static const header_case cases[] = {
        {"unknown", "{" ENTRY("a", "X32", "[2]", "[0,8]") "}", 8, "tensor \"a\" has the element type \"X32\""},
        {"lower case", "{" ENTRY("a", "f32", "[2]", "[0,8]") "}", 8, "element type \"f32\""},
        {"torch's name", "{" ENTRY("a", "float32", "[2]", "[0,8]") "}", 8, "element type \"float32\""},
        {"F8", "{" ENTRY("w", "F8_E4M3", "[8]", "[0,8]") "}", 8, "tensor \"w\" is stored as F8_E4M3, which is not supported"},
        {"F8", "{" ENTRY("w", "F8_E5M2", "[8]", "[0,8]") "}", 8, "F8_E5M2, which is not supported"},
        {"F8", "{" ENTRY("w", "F8_E8M0", "[8]", "[0,8]") "}", 8, "F8_E8M0, which is not supported"},
        {"F6", "{" ENTRY("w", "F6_E2M3", "[4]", "[0,3]") "}", 3, "F6_E2M3, which is not supported"},
        {"F4", "{" ENTRY("w", "F4", "[16]", "[0,8]") "}", 8, "F4, which is not supported"},
        {"F4, half a byte", "{" ENTRY("w", "F4", "[1]", "[0,1]") "}", 1, "F4, which is not supported"},
        {"complex", "{" ENTRY("w", "C64", "[1]", "[0,8]") "}", 8, "C64, which is not supported"},
        {"missing", "{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "tensor \"a\" has no dtype"},
        {"number", "{\"a\":{\"dtype\":1,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "dtype of tensor \"a\" is not a string"},
    };
    CHECK(cases);
    for (hma_dtype d = 0; d < HMA_DTYPE_COUNT; d++) {
        char header[128];
        (void)snprintf(header, sizeof header, "{\"a\":{\"dtype\":\"%s\",\"shape\":[3],\"data_offsets\":[0,%zu]}}",
                       hma_dtype_name(d), 3 * hma_dtype_size(d));
        hma_tensor_list list = {0};
        assert_ok(parse(header, strlen(header), 3 * hma_dtype_size(d), &list));
        assert_int_equal(list.items[0].dtype, d);
        hma_tensor_list_free(&list);
    }
}

static void shapes_are_short_lists_of_plain_numbers(void **state) {
    (void)state;
    static const header_case cases[] = {
        {"missing", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, "tensor \"a\" has no shape"},
        {"not a list", "{" ENTRY("a", "F32", "2", "[0,8]") "}", 8, "shape of tensor \"a\" is not a list"},
        {"nested", "{" ENTRY("a", "F32", "[[2]]", "[0,8]") "}", 8, "shape of tensor \"a\" holds something else"},
        {"negative", "{" ENTRY("a", "F32", "[-2]", "[0,8]") "}", 8, "shape of tensor \"a\" holds something else"},
        {"float", "{" ENTRY("a", "F32", "[2.0]", "[0,8]") "}", 8, "shape of tensor \"a\" holds something else"},
        {"exponent", "{" ENTRY("a", "F32", "[1e3]", "[0,4000]") "}", 4000, "shape of tensor \"a\" holds something else"},
        {"string", "{" ENTRY("a", "F32", "[\"2\"]", "[0,8]") "}", 8, "shape of tensor \"a\" holds something else"},
        {"leading zero", "{" ENTRY("a", "F32", "[02]", "[0,8]") "}", 8, "not JSON"},
        {"2^53+1 with nothing in it", "{" ENTRY("a", "F32", "[0,9007199254740993]", "[0,0]") "}", 0, "up to 281474976710655"},
        {"2^64", "{" ENTRY("a", "F32", "[18446744073709551616]", "[0,8]") "}", 8, "shape of tensor \"a\" holds something else"},
        {"rank 8", "{" ENTRY("a", "U8", "[1,1,1,1,1,1,1,2]", "[0,2]") "}", 2, NULL},
        {"rank 9", "{" ENTRY("a", "U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, "too many numbers (expected at most 8)"},
        {"product overflows", "{" ENTRY("a", "U8", "[281474976710655,281474976710655]", "[0,1]") "}", 1, "overflows"},
        {"bytes overflow", "{" ENTRY("a", "F64", "[281474976710655,65535]", "[0,1]") "}", 1, "overflows"},
        {"scalar", "{" ENTRY("a", "F32", "[]", "[0,4]") "}", 4, NULL},
        {"no elements", "{" ENTRY("a", "F32", "[2,0]", "[0,0]") "}", 0, NULL},
        {"no elements between others", "{" ENTRY("a", "F32", "[1]", "[0,4]") "," ENTRY("z", "F32", "[0]", "[4,4]") ","
                                       ENTRY("b", "F32", "[1]", "[4,8]") "}", 8, NULL},
        {"no tensors", "{}", 0, NULL},
        {"2^64-2", "{" ENTRY("a", "F32", "[2,18446744073709551614]", "[0,16]") "}", 16,
         "shape of tensor \"a\" holds something else"},
        {"2^63-1", "{" ENTRY("a", "F32", "[2,9223372036854775807]", "[0,16]") "}", 16,
         "shape of tensor \"a\" holds something else"},
    };
    CHECK(cases);
}

static void ranges_cover_the_data_exactly(void **state) {
    (void)state;
    static const header_case cases[] = {
        {"missing", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "tensor \"a\" has no data_offsets"},
        {"one number", "{" ENTRY("a", "F32", "[2]", "[0]") "}", 8, "are not a range"},
        {"three numbers", "{" ENTRY("a", "F32", "[2]", "[0,8,8]") "}", 8, "too many numbers (expected at most 2)"},
        {"begin after end", "{" ENTRY("a", "F32", "[2]", "[8,0]") "}", 8, "are not a range"},
        {"negative", "{" ENTRY("a", "F32", "[2]", "[-8,0]") "}", 8, "data_offsets of tensor \"a\" holds something else"},
        {"huge", "{" ENTRY("a", "F32", "[2]", "[18446744073709551607,18446744073709551615]") "}", 8, "holds something else"},
        {"size too small", "{" ENTRY("a", "F32", "[2,2]", "[0,4]") "}", 4,
         "tensor \"a\" has 4 bytes (expected 16 from its shape and F32)"},
        {"size too large", "{" ENTRY("a", "F32", "[2]", "[0,16]") "}", 16, "tensor \"a\" has 16 bytes (expected 8"},
        {"outside the file", "{" ENTRY("a", "F32", "[2]", "[0,8]") "," ENTRY("b", "F32", "[2]", "[8,16]") "}", 8,
         "the last 8 bytes are missing"},
        {"far outside", "{" ENTRY("a", "U8", "[2]", "[9000000000000000000,9000000000000000002]") "}", 8, "belong to no tensor"},
        {"overlap", "{" A_F32 "," ENTRY("b", "F32", "[2]", "[4,12]") "}", 12, "\"a\" and \"b\" overlap"},
        {"one inside the other", "{" ENTRY("a", "F32", "[4]", "[0,16]") "," ENTRY("b", "F32", "[1]", "[4,8]") "}", 16,
         "overlap"},
        {"hole", "{" A_F32 "," ENTRY("b", "F32", "[2]", "[12,20]") "}", 20, "4 bytes before tensor \"b\" belong to no tensor"},
        {"not starting at 0", "{" ENTRY("a", "F32", "[2]", "[4,12]") "}", 12, "4 bytes before tensor \"a\""},
        {"two bytes missing", "{" A_F32 "}", 6, "the last 2 bytes are missing"},
        {"polyglot", "{" A_F32 "}", 8 + 34, "34 bytes follow the last tensor"},
        {"data without tensors", "{}", 5, "5 bytes follow"},
        {"entry not an object", "{\"a\":[]}", 0, "not described by an object"},
        {"unknown key", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", 8, "has the key \"x\""},
        {"order in the file need not be that of the header",
         "{" ENTRY("a", "F32", "[2]", "[8,16]") "," ENTRY("b", "F32", "[2]", "[0,8]") "}", 16, NULL},
    };
    CHECK(cases);
}

static void ten_tensors_on_one_range_overlap(void **state) {
    (void)state;
    hma_buffer header = {0};
    for (int i = 0; i < 10; i++) {
        hma_buffer_printf(&header, "%c\"weight_%d\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}",
                          i ? ',' : '{', i);
    }
    hma_buffer_char(&header, '}');
    hma_tensor_list list = {0};
    assert_fails(parse(header.data, header.length, 16, &list), HMA_BAD_DATA, "overlap");
    hma_tensor_list_free(&list);
    hma_buffer_free(&header);
}

static void accepted_tensors_say_what_the_header_says(void **state) {
    (void)state;
    static const char header[] = "{" ENTRY("b", "BF16", "[2,3]", "[4,16]") "," ENTRY("a", "F32", "[]", "[0,4]") "}";
    hma_tensor_list list = {0};
    assert_ok(hma_header_parse(&list, "f", header, sizeof header - 1, 16, 7));
    assert_int_equal(list.count, 2);
    const hma_tensor *a = hma_tensor_list_find(&list, "a"), *b = hma_tensor_list_find(&list, "b");
    assert_ptr_equal(a, &list.items[0]);
    assert_true(a->rank == 0 && a->elements == 1 && a->bytes == 4 && a->dtype == HMA_F32 && a->shard == 7);
    assert_true(b->rank == 2 && b->shape[0] == 2 && b->shape[1] == 3);
    assert_true(b->elements == 6 && b->bytes == 12 && b->dtype == HMA_BF16);
    assert_int_equal(a->offset, 8 + sizeof header - 1);
    assert_int_equal(b->offset, 8 + sizeof header - 1 + 4);
    assert_null(hma_tensor_list_find(&list, "c"));
    hma_tensor_list_free(&list);
}

/* ---- the file around the header ---- */

typedef struct file_case {
    const char *what, *bytes;
    size_t length;
    const char *message; /* NULL: accepted */
} file_case;
#define BYTES(text) text, sizeof(text) - 1

static hma_status load(const char *folder, const char *name, hma_tensor_list *list) {
    char *path = path_in(folder, name);
    hma_input input;
    hma_status status = hma_input_open(&input, path);
    if (status == HMA_OK) {
        status = hma_header_load(list, &input, path, 0);
        hma_input_close(&input);
    }
    free(path);
    return status;
}

static void check_files(const char *folder, const file_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const file_case *c = &cases[i];
        write_bytes(folder, "x.safetensors", c->bytes, c->length);
        hma_tensor_list list = {0};
        const hma_status status = load(folder, "x.safetensors", &list);
        hma_tensor_list_free(&list);
        const char *said = status == HMA_OK ? "" : hma_error_message();
        const bool right = c->message ? status == HMA_BAD_DATA && strstr(said, c->message) && strstr(said, "x.safetensors: ")
                                      : status == HMA_OK;
        if (!right) {
            fail_msg("%s: got %s \"%s\"", c->what, hma_status_name(status), said);
        }
    }
}

static void lengths_are_held_against_the_file(void **state) {
    const test_folder *folder = *state;
    static const file_case cases[] = {
        {"empty file", BYTES(""), "is 0 bytes long"},
        {"seven bytes", BYTES("\2\0\0\0\0\0\0"), "is 7 bytes long"},
        {"no header", BYTES("<\0\0\0\0\0\0\0"), "as 60 bytes (expected at most 0, the rest of the file)"},
        {"header longer than the file", BYTES("<\0\0\0\0\0\0\0{}"), "(expected at most 2, the rest of the file)"},
        {"too large", BYTES("<\0\0\0\0\xff\xff\xff{}"), "(expected at most 100000000)"},
        {"2^64-1", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff{}"), "18446744073709551615 bytes (expected at most 100000000)"},
        {"2^64-8: 8 + N wraps to 0", BYTES("\xf8\xff\xff\xff\xff\xff\xff\xff{}"), "(expected at most 100000000)"},
        {"100,000,001", BYTES("\x01\xe1\xf5\x05\0\0\0\0{}"),
         "gives its header as 100000001 bytes (expected at most 100000000)"},
        {"100,000,000 in a short file", BYTES("\0\xe1\xf5\x05\0\0\0\0{}"), "the rest of the file"},
        {"length 0", BYTES("\0\0\0\0\0\0\0\0"), "not JSON"},
        {"not UTF-8", BYTES("\x01\0\0\0\0\0\0\0\xff"), "not JSON"},
        {"not JSON", BYTES("\x01\0\0\0\0\0\0\0{"), "not JSON"},
        {"smallest file", BYTES("\x02\0\0\0\0\0\0\0{}"), NULL},
        {"padding", BYTES("\x06\0\0\0\0\0\0\0{}\x0d \x09\x0a"), NULL},
        {"scalar", BYTES("\x37\0\0\0\0\0\0\0{\"t\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}  \1\2\3\4"), NULL},
    };
    check_files(folder->path, cases, sizeof cases / sizeof *cases);
}

static void other_formats_are_recognised(void **state) {
    const test_folder *folder = *state;
    static const file_case cases[] = {
        {"LFS", BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"), "is a Git LFS pointer"},
        {"zip", BYTES("PK\x03\x04\0\0\x08\x08\0\0archive/data.pkl"), "is a zip archive"},
        {"pickle", BYTES("\x80\x02}q\0X\x06\0\0\0weight"), "is a Python pickle"},
        {"GGUF", BYTES("GGUF\x03\0\0\0\1\0\0\0"), "is a GGUF file"},
        {"HTML", BYTES("\n <!DOCTYPE html><html><body>404"), "is an HTML page"},
        {"html", BYTES("<html><body>404</body></html>"), "is an HTML page"},
        {"JSON", BYTES("{\"error\":\"Repository not found\"}"), "is a JSON text"},
        {"HDF5", BYTES("\x89HDF\r\n\x1a\n\0\0\0\0"), "is an HDF5 file"},
    };
    check_files(folder->path, cases, sizeof cases / sizeof *cases);
}

static void what_is_no_file_is_refused(void **state) {
    const test_folder *folder = *state;
    hma_tensor_list list = {0};
    char *pipe = path_in(folder->path, "pipe"), *loop = path_in(folder->path, "loop");
    char *dangling = path_in(folder->path, "dangling");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder->path);
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(close(listener), 0);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(symlink("loop", loop), 0);
    assert_int_equal(symlink("nowhere", dangling), 0);
    assert_fails(load(folder->path, ".", &list), HMA_BAD_DATA, "is a folder (expected a regular file)");
    assert_fails(load(folder->path, "pipe", &list), HMA_BAD_DATA, "is a named pipe");
    assert_fails(load(folder->path, "socket", &list), HMA_BAD_DATA, "is a socket");
    assert_fails(load("/dev", "null", &list), HMA_BAD_DATA, "is a device");
    assert_fails(load(folder->path, "loop", &list), HMA_BAD_DATA, "leads nowhere");
    assert_fails(load(folder->path, "dangling", &list), HMA_BAD_DATA, "leads nowhere");
    assert_fails(load(folder->path, "missing", &list), HMA_IO, "No such file");
    assert_fails(load(folder->path, "new\nline", &list), HMA_IO, "new line: cannot open");
    free(pipe);
    free(loop);
    free(dangling);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_that_is_none_is_refused),
        cmocka_unit_test(white_space_around_the_header_is_accepted),
        cmocka_unit_test(names_occur_once_and_are_printable),
        cmocka_unit_test(a_name_of_a_megabyte_is_refused),
        cmocka_unit_test(metadata_holds_texts_only),
        cmocka_unit_test(element_types_are_known_and_supported),
        cmocka_unit_test(shapes_are_short_lists_of_plain_numbers),
        cmocka_unit_test(ranges_cover_the_data_exactly),
        cmocka_unit_test(ten_tensors_on_one_range_overlap),
        cmocka_unit_test(accepted_tensors_say_what_the_header_says),
        cmocka_unit_test_setup_teardown(lengths_are_held_against_the_file, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(other_formats_are_recognised, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_refused, make_folder, remove_folder),
    };
    return cmocka_run_group_tests_name("checkpoint_header", tests, NULL, NULL);
}
