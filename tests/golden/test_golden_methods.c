/* Merges by slerp, task arithmetic and ties against mergekit's own functions: tests/golden/methods, made by
 * tools/make_methods.py. */
#include "testing.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/json.h"
#include "hma/hma.h"

#define METHODS HMA_TEST_DATA "/golden/methods"
#define PAIR HMA_TEST_DATA "/golden/merge/llama-gqa-tied"

typedef struct models {
    hma_checkpoint *pre, *post, *base;
} models;

static hma_recipe *recipe_of(const cJSON *one) {
    hma_recipe *recipe;
    char *text = cJSON_PrintUnformatted(hma_json_get(one, "recipe"));
    assert_non_null(text);
    assert_ok(hma_recipe_parse(&recipe, text, strlen(text), 5, "about.json"));
    cJSON_free(text);
    return recipe;
}

static hma_checkpoint *open_expected(const char *file, const char *temporary) {
    char from[1024], to[1024];
    hma_checkpoint *checkpoint;
    (void)snprintf(from, sizeof from, METHODS "/%s", file);
    (void)snprintf(to, sizeof to, "%s/model.safetensors", temporary);
    (void)unlink(to);
    assert_int_equal(symlink(from, to), 0);
    (void)snprintf(to, sizeof to, "%s/config.json", temporary);
    (void)unlink(to);
    assert_int_equal(symlink(PAIR "/pre/config.json", to), 0);
    assert_ok(hma_checkpoint_open(&checkpoint, temporary));
    return checkpoint;
}

/* The largest difference of one tensor, relative to its largest element. */
static double difference(const hma_source *merged, const hma_checkpoint *expected, const hma_tensor *wanted) {
    const hma_tensor *tensor = hma_source_find(merged, wanted->name);
    double most = 0, largest = 0;
    assert_non_null(tensor);
    assert_true(tensor->dtype == HMA_F32 && tensor->elements == wanted->elements);
    float *ours = malloc(tensor->bytes), *theirs = malloc(tensor->bytes);
    assert_true(ours && theirs);
    assert_ok(hma_source_read(merged, tensor, 0, tensor->elements, ours));
    assert_ok(hma_checkpoint_read(expected, wanted, 0, wanted->elements, theirs));
    for (uint64_t i = 0; i < tensor->elements; i++) {
        most = fmax(most, fabs((double)ours[i] - (double)theirs[i]));
        largest = fmax(largest, fabs((double)theirs[i]));
    }
    free(ours);
    free(theirs);
    return most / largest;
}

static void check_case(const models *m, const cJSON *one, double tolerance, const char *temporary) {
    const bool parallel = strcmp(hma_json_get(one, "post")->valuestring, "base") == 0;
    hma_recipe *recipe = recipe_of(one);
    hma_checkpoint *expected = open_expected(hma_json_get(one, "file")->valuestring, temporary);
    hma_source *merged;
    assert_ok(hma_source_merged_from(&merged, m->pre, parallel ? m->base : m->post, m->base, recipe));
    assert_int_equal(hma_checkpoint_tensor_count(expected), hma_json_get(one, "tensors")->valuedouble);
    for (size_t i = 0; i < hma_checkpoint_tensor_count(expected); i++) {
        const hma_tensor *wanted = hma_checkpoint_tensor(expected, i);
        const double off = difference(merged, expected, wanted);
        if (!(off <= tolerance)) {
            fail_msg("%s: %s differs by %g of its largest element", hma_json_get(one, "name")->valuestring, wanted->name, off);
        }
    }
    hma_source_free(merged);
    hma_recipe_free(recipe);
    hma_checkpoint_close(expected);
}

static void methods_agree_with_mergekit(void **state) {
    (void)state;
    char temporary[] = "/tmp/hma-methods-XXXXXX", path[1024];
    cJSON *about;
    models m;
    assert_non_null(mkdtemp(temporary));
    assert_ok(hma_json_load(&about, METHODS "/about.json", (size_t)1 << 20));
    assert_ok(hma_checkpoint_open(&m.pre, PAIR "/pre"));
    assert_ok(hma_checkpoint_open(&m.post, PAIR "/post"));
    assert_ok(hma_checkpoint_open(&m.base, METHODS "/base"));
    const double tolerance = hma_json_get(hma_json_get(about, "tolerance"), "of_largest")->valuedouble;
    const cJSON *one;
    size_t cases = 0;
    cJSON_ArrayForEach(one, hma_json_get(about, "cases")) {
        check_case(&m, one, tolerance, temporary);
        cases++;
    }
    assert_int_equal(cases, 7);
    hma_checkpoint_close(m.pre);
    hma_checkpoint_close(m.post);
    hma_checkpoint_close(m.base);
    cJSON_Delete(about);
    (void)snprintf(path, sizeof path, "%s/model.safetensors", temporary);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/config.json", temporary);
    (void)unlink(path);
    (void)rmdir(temporary);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(methods_agree_with_mergekit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
