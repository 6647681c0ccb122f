/* src/checkpoint: headers and indexes of the largest legal size, made to exhaust memory or patience. */
#include "checkpoint_files.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpoint/header.h"
#include "checkpoint/index.h"

/* A tree parser takes 64 bytes for each of the 50 million values that a header may have; this is what we allow it. */
enum { MEMORY = 768 << 20 };

typedef struct text_case {
    const char *before, *repeated, *after;
    size_t length;       /* repeated until the text has about this many bytes */
    const char *message; /* NULL: accepted */
} text_case;

static hma_status parse_header(const char *text, size_t length) {
    hma_tensor_list list = {0};
    const hma_status status = hma_header_parse(&list, "FILE", text, length, 0, 0);
    hma_tensor_list_free(&list);
    return status;
}

static hma_status parse_index(const char *text, size_t length) {
    hma_index index;
    const hma_status status = hma_index_parse(&index, "FILE", text, length);
    if (status == HMA_OK) {
        hma_index_free(&index);
    }
    return status;
}

/* Bytes that a text may be longer than its case says: half for the last repetition, half for what stands around them. */
enum { MARGIN = 4096 };

/* A '%' in `repeated` stands for a number that counts up; otherwise what is there is doubled until it is long enough. */
static char *repeat(const text_case *c, char *to) {
    const char *const from = to, *const end = to + c->length, *number = strchr(c->repeated, '%');
    const size_t unit = strlen(c->repeated);
    for (size_t i = 0; number && to < end; i++) {
        const int written = snprintf(to, MARGIN / 2, "%.*s%07zu%s", (int)(number - c->repeated), c->repeated, i, number + 1);
        assert_in_range(written, 1, MARGIN / 2 - 1);
        to += written;
    }
    while (to < end) {
        const size_t done = (size_t)(to - from), left = (size_t)(end - to) / unit * unit + unit;
        to = done == 0 ? stpcpy(to, c->repeated) : mempcpy(to, from, done < left ? done : left);
    }
    return to;
}

static char *make_text(const text_case *c, size_t *length) {
    char *text = malloc(c->length + MARGIN);
    assert_non_null(text);
    assert_true(strlen(c->before) + strlen(c->after) < MARGIN / 2);
    char *end = stpcpy(repeat(c, stpcpy(text, c->before)), c->after);
    *length = (size_t)(end - text);
    return text;
}

static void run_case(const text_case *c, hma_status (*parse)(const char *, size_t)) {
    size_t length;
    char *text = make_text(c, &length);
    const hma_status status = parse(text, length);
    const bool as_expected = c->message ? status == HMA_BAD_DATA && strstr(hma_error_message(), c->message) : status == HMA_OK;
    if (!as_expected) {
        (void)fprintf(stderr, "%s%s..: got %s \"%s\"\n", c->before, c->repeated, hma_status_name(status),
                      status ? hma_error_message() : "");
    }
    free(text);
    _exit(as_expected ? 0 : 1);
}

/* Each in a process of its own, with little memory; sanitizers map too much for that and only look at what happens. */
static void check_cases(const text_case *cases, size_t count, hma_status (*parse)(const char *, size_t)) {
    for (size_t i = 0; i < count; i++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
            const struct rlimit limit = {MEMORY, MEMORY};
            (void)setrlimit(RLIMIT_AS, &limit);
#endif
            run_case(&cases[i], parse);
        }
        int result;
        assert_int_equal(waitpid(child, &result, 0), child);
        if (!WIFEXITED(result) || WEXITSTATUS(result) != 0) {
            fail_msg("case %zu, \"%s%s\", ended with %d", i, cases[i].before, cases[i].repeated, result);
        }
    }
}

static void large_headers_cost_little(void **state) {
    (void)state;
    static const text_case cases[] = {
        {"", "1,", "1", HMA_HEADER_MAX - 100, "not an object"},
        {"[", "1,", "1]", HMA_HEADER_MAX - 100, "not an object"},
        {"{\"a\":[", "1,", "1]}", HMA_HEADER_MAX - 100, "not described by an object"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[", "1,", "1]}}", HMA_HEADER_MAX - 100, "too many numbers"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[], \"x\":[", "1,", "1]}}", HMA_HEADER_MAX - 100, "has the key \"x\""},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[", "1", "]}}", HMA_HEADER_MAX - 100, "something else than a whole number"},
        {"", "[", "", 1000000, "not an object"},
        {"{\"a\":", "{\"b\":", "", 1000000, "has the key \"b\""},
        {"{\"__metadata__\":{\"x\":\"\"", ",\"%\":\"\"", "}}", 4000000, "has more than 65536 keys"},
        {"{\"__metadata__\":{\"a\":\"", "text ", "\"}}", 20000000, NULL},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
         ",\"%\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", "}", 57000000, NULL}, /* 1,000,000 tensors */
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
         ",\"%\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", "}", 64000000, "more than 1048576 tensors"},
        {"", " ", "{}", HMA_HEADER_MAX - 100, NULL},
    };
    check_cases(cases, sizeof cases / sizeof *cases, parse_header);
}

static void large_indexes_cost_little(void **state) {
    (void)state;
    static const text_case cases[] = {
        {"{\"weight_map\":{\"x\":\"a.safetensors\"", ",\"%\":\"a.safetensors\"", "}}", 26000000, NULL},
        {"{\"weight_map\":{\"x\":\"a.safetensors\"", ",\"%\":\"a.safetensors\"", "}}", 40000000, "more than 1048576 tensors"},
        {"{\"metadata\":{\"x\":[", "1,", "1]},\"weight_map\":{\"x\":\"a.safetensors\"}}", 10000000, NULL},
        {"{\"x\":", "[", "", 1000000, "nested too deeply"},
    };
    check_cases(cases, sizeof cases / sizeof *cases, parse_index);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_headers_cost_little),
        cmocka_unit_test(large_indexes_cost_little),
    };
    return cmocka_run_group_tests_name("checkpoint_limits", tests, NULL, NULL);
}
