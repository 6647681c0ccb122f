/* src/export: recipes as mergekit configurations. */
#include "expected.h"
#include "export_fixture.h"

#include "export/writers.h"
#include "hma/recipe.h"

/* The configuration of one recipe, as a point of the small table. */
static hma_status write_recipe(hma_buffer *out, const hma_recipe_spec *spec, const char *stored, const char *post) {
    hma_recipe *recipe;
    assert_ok(hma_recipe_new(&recipe, spec));
    export_fixture *f = fixture_small();
    f->front.points[3].recipe = recipe;
    f->table.post = post;
    *out = (hma_buffer){0};
    const hma_status status = hma_write_mergekit(out, &f->table, 3, stored);
    fixture_free(f);
    hma_recipe_free(recipe);
    return status;
}

static void assert_configuration(const char *name, const hma_recipe_spec *spec, const char *stored) {
    hma_buffer out;
    assert_ok(write_recipe(&out, spec, stored, "models/dpo"));
    assert_expected(name, hma_buffer_cstr(&out), out.length);
    hma_buffer_free(&out);
}

static hma_recipe_spec three_blocks(void) {
    static const double ratios[] = {0.4, 0.7, 1};
    hma_recipe_spec spec = hma_recipe_spec_default();
    spec.layers = 6;
    spec.blocks = "3";
    spec.ratios = ratios;
    spec.ratio_count = 3;
    return spec;
}

static void every_policy_is_written_as_stored(void **state) {
    (void)state;
    hma_recipe_spec spec = three_blocks();
    assert_configuration("full.yml", &spec, "BF16");
    spec.policy = HMA_POLICY_LINEAR_ONLY;
    spec.dtype = HMA_F16;
    assert_configuration("linear-only.yml", &spec, "BF16");
    spec.policy = HMA_POLICY_UNIFORM_OUTSIDE;
    spec.dtype = HMA_F32;
    assert_configuration("uniform-outside.yml", &spec, NULL);
}

static void every_method_is_written_as_stored(void **state) {
    (void)state;
    hma_recipe_spec spec = three_blocks();
    spec.method = HMA_SLERP;
    assert_configuration("slerp.yml", &spec, "BF16");
    spec.method = HMA_TASK_ARITHMETIC;
    spec.lambda = 1.25;
    assert_configuration("task-arithmetic.yml", &spec, "BF16");
    spec.method = HMA_TIES;
    spec.density = 0.3;
    assert_configuration("ties.yml", &spec, "BF16");
    spec.base = HMA_BASE_MODEL;
    assert_configuration("ties-base.yml", &spec, "BF16");
}

static void methods_that_come_to_linear_are_written_so(void **state) {
    (void)state;
    hma_recipe_spec spec = three_blocks();
    hma_buffer linear, same;
    assert_ok(write_recipe(&linear, &spec, "BF16", "models/dpo"));
    spec.method = HMA_TASK_ARITHMETIC; /* lambda is 1 */
    assert_ok(write_recipe(&same, &spec, "BF16", "models/dpo"));
    assert_string_equal(hma_buffer_cstr(&linear), hma_buffer_cstr(&same));
    hma_buffer_free(&linear);
    hma_buffer_free(&same);
    static const double beyond[] = {1, 1.5, 2};
    spec.method = HMA_EXTRAPOLATE;
    spec.ratios = beyond;
    assert_ok(write_recipe(&same, &spec, "BF16", "models/dpo"));
    assert_non_null(strstr(hma_buffer_cstr(&same), "merge_method: linear\n"));
    assert_non_null(strstr(hma_buffer_cstr(&same), "weight: -0.5\n"));
    hma_buffer_free(&same);
}

static void what_mergekit_computes_otherwise_is_refused(void **state) {
    (void)state;
    hma_recipe_spec spec = three_blocks();
    hma_buffer out;
    spec.method = HMA_DARE;
    assert_fails(write_recipe(&out, &spec, "BF16", "models/dpo"), HMA_USAGE, "--mergekit: the method dare cannot be written");
    spec.method = HMA_TIES;
    spec.base = HMA_BASE_MODEL;
    spec.policy = HMA_POLICY_LINEAR_ONLY;
    assert_fails(write_recipe(&out, &spec, "BF16", "models/dpo"), HMA_USAGE, "--mergekit: policy linear-only from a third");
    spec = three_blocks();
    spec.extra_rows = HMA_EXTRA_ROWS_POST;
    assert_fails(write_recipe(&out, &spec, "BF16", "models/dpo"), HMA_USAGE, "--mergekit: a merge with extra rows");
}

static void equal_blocks_are_one_slice_without_filters(void **state) {
    (void)state;
    static const double ratios[] = {0.3, 0.3, 0.3};
    hma_recipe_spec spec = three_blocks();
    spec.ratios = ratios;
    hma_buffer out;
    assert_ok(write_recipe(&out, &spec, NULL, "models/dpo"));
    assert_non_null(strstr(hma_buffer_cstr(&out), "layer_range: [0, 6]\n        parameters:\n          weight: 0.7\n"));
    assert_non_null(strstr(hma_buffer_cstr(&out), "layer_range: [0, 6]\n        parameters:\n          weight: 0.3\n"));
    assert_null(strstr(hma_buffer_cstr(&out), "- filter"));
    assert_null(strstr(hma_buffer_cstr(&out), "\nout_dtype"));
    hma_buffer_free(&out);
}

static void overrides_come_first_and_the_last_one_before_the_others(void **state) {
    (void)state;
    static const char *const overrides[] = {"*.mlp.*=0.1", "lm_head.weight=0"};
    hma_recipe_spec spec = three_blocks();
    spec.overrides = overrides;
    spec.override_count = 2;
    hma_buffer out;
    assert_ok(write_recipe(&out, &spec, "BF16", "models/dpo"));
    assert_non_null(strstr(hma_buffer_cstr(&out), "weight:\n"
                                                  "            - filter: \"lm_head.weight\"\n"
                                                  "              value: 1\n"
                                                  "            - filter: \".mlp.\"\n"
                                                  "              value: 0.9\n"));
    hma_buffer_free(&out);
}

static void patterns_that_mergekit_does_not_have_are_refused(void **state) {
    (void)state;
    static const char *const globs[] = {"model.layers.*.mlp.*=0.1", "model.?orm.weight=0", "*[ab]*=0", "*=0.5"};
    for (size_t i = 0; i < sizeof globs / sizeof *globs; i++) {
        hma_recipe_spec spec = three_blocks();
        hma_buffer out;
        spec.overrides = &globs[i];
        spec.override_count = 1;
        assert_fails(write_recipe(&out, &spec, "BF16", "models/dpo"), HMA_USAGE, "--mergekit: the override");
        hma_buffer_free(&out);
    }
}

static void paths_are_quoted_safely(void **state) {
    (void)state;
    hma_recipe_spec spec = three_blocks();
    hma_buffer out;
    assert_ok(write_recipe(&out, &spec, "BF16", "a: \"b\"\\ #\n{x}\x7F\xC2\x85\xC3\xA9\xFF"));
    assert_non_null(
        strstr(hma_buffer_cstr(&out), "base_model: \"a: \\\"b\\\"\\\\ #\\u000a{x}\\u007f\\u0085\xC3\xA9\xEF\xBF\xBD\"\n"));
    hma_buffer_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_is_written_as_stored),
        cmocka_unit_test(every_method_is_written_as_stored),
        cmocka_unit_test(methods_that_come_to_linear_are_written_so),
        cmocka_unit_test(what_mergekit_computes_otherwise_is_refused),
        cmocka_unit_test(equal_blocks_are_one_slice_without_filters),
        cmocka_unit_test(overrides_come_first_and_the_last_one_before_the_others),
        cmocka_unit_test(patterns_that_mergekit_does_not_have_are_refused),
        cmocka_unit_test(paths_are_quoted_safely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
