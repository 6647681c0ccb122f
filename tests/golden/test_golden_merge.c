/*
 * Merges and differences of the pairs in tests/golden/merge: every tensor of every case against the reference's file.
 *
 * about.json allows a last place here and there, for arithmetic in fp32; hma's definition is the reference's own (fp64,
 * rounded once), so the test demands the same bits.
 */
#include "testing.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/json.h"
#include "hma/hma.h"

#define DATA HMA_TEST_DATA "/golden/merge"

static cJSON *load(const char *folder, const char *name) {
    char path[1024];
    cJSON *tree;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(hma_json_load(&tree, path, (size_t)1 << 24));
    return tree;
}

static hma_checkpoint *open_side(const char *folder, const char *side) {
    char path[1024];
    hma_checkpoint *checkpoint;
    (void)snprintf(path, sizeof path, "%s/%s", folder, side);
    assert_ok(hma_checkpoint_open(&checkpoint, path));
    return checkpoint;
}

/* A single expected file as a checkpoint: links to it and to pre's config in a folder of their own. */
static hma_checkpoint *open_expected(const char *folder, const char *file, const char *temporary) {
    char from[1024], to[1024];
    hma_checkpoint *checkpoint;
    (void)snprintf(from, sizeof from, "%s/%s", folder, file);
    (void)snprintf(to, sizeof to, "%s/model.safetensors", temporary);
    (void)unlink(to);
    assert_int_equal(symlink(from, to), 0);
    (void)snprintf(from, sizeof from, "%s/pre/config.json", folder);
    (void)snprintf(to, sizeof to, "%s/config.json", temporary);
    (void)unlink(to);
    assert_int_equal(symlink(from, to), 0);
    assert_ok(hma_checkpoint_open(&checkpoint, temporary));
    return checkpoint;
}

static hma_recipe *recipe_of(const cJSON *about, const cJSON *one) {
    double ratios[16];
    char blocks[16];
    hma_recipe_spec spec = hma_recipe_spec_default();
    hma_dtype dtype;
    hma_recipe *recipe;
    const cJSON *list = hma_json_get(one, "ratios"), *name = hma_json_get(one, "dtype");
    assert_ok(hma_json_get_size(about, "about.json", "layers", true, 1, 1000, &spec.layers));
    spec.ratio_count = (size_t)cJSON_GetArraySize(list);
    assert_true(spec.ratio_count >= 1 && spec.ratio_count <= 16);
    for (size_t k = 0; k < spec.ratio_count; k++) {
        ratios[k] = cJSON_GetArrayItem(list, (int)k)->valuedouble;
    }
    (void)snprintf(blocks, sizeof blocks, "%zu", (size_t)hma_json_get(one, "blocks")->valuedouble);
    assert_ok(hma_dtype_parse(&dtype, strcmp(name->valuestring, "fp32") == 0 ? "F32" : "BF16"));
    spec.ratios = ratios;
    spec.blocks = blocks;
    spec.dtype = (int)dtype;
    assert_ok(hma_recipe_new(&recipe, &spec));
    return recipe;
}

static void compare_tensors(const hma_source *merged, const hma_checkpoint *expected, const char *label) {
    assert_int_equal(hma_source_tensor_count(merged), hma_checkpoint_tensor_count(expected));
    for (size_t i = 0; i < hma_source_tensor_count(merged); i++) {
        const hma_tensor *tensor = hma_source_tensor(merged, i), *wanted = hma_checkpoint_find(expected, tensor->name);
        assert_non_null(wanted);
        assert_true(wanted->dtype == tensor->dtype && wanted->bytes == tensor->bytes);
        void *ours = malloc(tensor->bytes + 1), *theirs = malloc(tensor->bytes + 1);
        assert_true(ours && theirs);
        assert_ok(hma_source_read(merged, tensor, 0, tensor->elements, ours));
        assert_ok(hma_checkpoint_read(expected, wanted, 0, wanted->elements, theirs));
        if (memcmp(ours, theirs, tensor->bytes) != 0) {
            fail_msg("%s: %s differs", label, tensor->name);
        }
        free(ours);
        free(theirs);
    }
}

static void check_case(const char *folder, const cJSON *about, const cJSON *one, const char *temporary) {
    hma_checkpoint *pre = open_side(folder, "pre"), *post = open_side(folder, "post"), *expected;
    const cJSON *same = hma_json_get(one, "bit_identical_to"), *file = hma_json_get(one, "file");
    hma_recipe *recipe = recipe_of(about, one);
    hma_source *merged;
    expected = same ? open_side(folder, same->valuestring) : open_expected(folder, file->valuestring, temporary);
    assert_ok(hma_source_merged(&merged, pre, post, recipe));
    compare_tensors(merged, expected, one->string);
    hma_source_free(merged);
    hma_recipe_free(recipe);
    hma_checkpoint_close(expected);
    hma_checkpoint_close(pre);
    hma_checkpoint_close(post);
}

/* Blocks and the ratio of every tensor, for the ratios 0.1, 0.5, 0.9. */
static void check_ratios(const char *folder, const cJSON *about) {
    hma_checkpoint *pre = open_side(folder, "pre");
    const cJSON *wanted = hma_json_get(about, "ratio_of_tensor"), *sizes = hma_json_get(about, "blocks_of_3"), *item;
    hma_recipe *recipe = recipe_of(about, hma_json_get(hma_json_get(about, "cases"), "blocks-0.1-0.5-0.9.fp32"));
    size_t layers, start = 0, block = 0, tensors = 0;
    bool tied = true;
    assert_ok(hma_checkpoint_layers(pre, &layers));
    assert_int_equal(layers, hma_recipe_layers(recipe));
    cJSON_ArrayForEach(item, sizes) {
        assert_int_equal(hma_recipe_block_start(recipe, block++), start);
        start += (size_t)item->valuedouble;
    }
    for (size_t i = 0; i < hma_checkpoint_tensor_count(pre); i++) {
        const char *name = hma_checkpoint_tensor(pre, i)->name;
        tied = tied && strcmp(name, "lm_head.weight") != 0 && strcmp(name, "embed_out.weight") != 0;
    }
    cJSON_ArrayForEach(item, wanted) {
        const hma_tensor *tensor = hma_checkpoint_find(pre, item->string);
        assert_non_null(tensor);
        assert_true(hma_recipe_tensor_ratio(recipe, tensor, tied) == item->valuedouble);
        tensors++;
    }
    assert_int_equal(tensors, hma_checkpoint_tensor_count(pre));
    hma_recipe_free(recipe);
    hma_checkpoint_close(pre);
}

static void check_number(const cJSON *wanted, const char *key, double value, const char *tensor) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(wanted, key);
    assert_non_null(item);
    const bool same = cJSON_IsNull(item) ? isnan(value) : fabs(value - item->valuedouble) <= 1e-9 * fabs(item->valuedouble);
    if (!same) {
        fail_msg("%s: %s is %.17g, expected %.17g", tensor, key, value, item->valuedouble);
    }
}

static void check_diff(const char *folder) {
    hma_checkpoint *pre = open_side(folder, "pre"), *post = open_side(folder, "post");
    cJSON *wanted = load(folder, "expected/diff.json");
    hma_context *context;
    hma_diff *diff;
    assert_ok(hma_context_new(&context, NULL));
    assert_ok(hma_diff_compute(context, &diff, pre, post, "3"));
    assert_int_equal(diff->tensor_count, cJSON_GetArraySize(wanted));
    for (size_t i = 0; i < diff->tensor_count; i++) {
        const char *name = diff->tensors[i]->name;
        const cJSON *one = hma_json_get(wanted, name);
        assert_non_null(one);
        check_number(one, "l2", diff->tensor[i].l2, name);
        check_number(one, "relative", diff->tensor[i].relative, name);
        check_number(one, "max_abs", diff->tensor[i].max_abs, name);
        check_number(one, "cosine", diff->tensor[i].cosine, name);
        check_number(one, "changed", diff->tensor[i].changed, name);
    }
    hma_diff_free(diff);
    hma_context_free(context);
    cJSON_Delete(wanted);
    hma_checkpoint_close(pre);
    hma_checkpoint_close(post);
}

/* Calls `check` for every fixture; there must be some. */
static void for_each_fixture(void (*check)(const char *folder)) {
    DIR *listing = opendir(DATA);
    size_t count = 0;
    assert_non_null(listing);
    for (struct dirent *e; (e = readdir(listing));) {
        char folder[1024];
        if (e->d_name[0] != '.') {
            (void)snprintf(folder, sizeof folder, "%s/%s", DATA, e->d_name);
            check(folder);
            count++;
        }
    }
    (void)closedir(listing);
    assert_true(count >= 4);
}

static void check_cases(const char *folder) {
    char temporary[512];
    cJSON *about = load(folder, "about.json");
    const cJSON *cases = hma_json_get(about, "cases"), *one;
    size_t count = 0;
    make_temporary_folder(temporary);
    cJSON_ArrayForEach(one, cases) {
        check_case(folder, about, one, temporary);
        count++;
    }
    assert_true(count >= 8);
    assert_ok(hma_folder_remove(temporary));
    cJSON_Delete(about);
}

static void check_ratios_of(const char *folder) {
    cJSON *about = load(folder, "about.json");
    check_ratios(folder, about);
    cJSON_Delete(about);
}

static void every_case_has_the_bits_of_the_reference(void **state) {
    (void)state;
    for_each_fixture(check_cases);
}

static void blocks_and_ratios_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_fixture(check_ratios_of);
}

static void differences_agree_with_the_reference(void **state) {
    (void)state;
    for_each_fixture(check_diff);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_has_the_bits_of_the_reference),
        cmocka_unit_test(blocks_and_ratios_are_those_of_the_reference),
        cmocka_unit_test(differences_agree_with_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
