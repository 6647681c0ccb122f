/* src/search/sensitivity: the demo's pair, few items. */
#include "demo_pair.h"

static hma_sensitivity *at(double ratio) {
    const hma_sensitivity_options options = {.limit = 8, .best = 4, .drawn = 3};
    hma_recipe_spec spec = hma_recipe_spec_default();
    hma_recipe *recipe;
    hma_sensitivity *out;
    spec.layers = 6;
    spec.ratios = &ratio;
    spec.ratio_count = 1;
    assert_ok(hma_recipe_new(&recipe, &spec));
    assert_ok(hma_sensitivity_compute(&out, demo.context, demo.pre, demo.post, demo.suite, recipe, &options));
    hma_recipe_free(recipe);
    return out;
}

static const hma_sensitivity_row *all_of(const hma_sensitivity *s) { return &s->rows[s->row_count - 1]; }

/* The derivative along all tensors at once is that of the value along a uniform ratio. */
static void slopes_are_those_of_the_likelihoods(void **state) {
    (void)state;
    const double h = 0.01;
    hma_sensitivity *middle = at(0.5), *side[4] = {at(0.5 - 2 * h), at(0.5 - h), at(0.5 + h), at(0.5 + 2 * h)};
    for (size_t i = 0; i < middle->measure_count; i++) {
        const double expected = (8 * (side[2]->measures[i].likelihood.value - side[1]->measures[i].likelihood.value) -
                                 (side[3]->measures[i].likelihood.value - side[0]->measures[i].likelihood.value)) /
                                (12 * h);
        assert_near(all_of(middle)->measures[i].value, expected, 2e-3 * fabs(expected) + 2e-5);
    }
    assert_near(
        all_of(middle)->retention.value,
        (8 * (side[2]->retention.value - side[1]->retention.value) - (side[3]->retention.value - side[0]->retention.value)) /
            (12 * h),
        1e-3);
    for (size_t i = 0; i < 4; i++) {
        hma_sensitivity_free(side[i]);
    }
    hma_sensitivity_free(middle);
}

static void rows_add_up(void **state) {
    (void)state;
    hma_sensitivity *s = at(0.3);
    hma_description model;
    double sum[HMA_SCOPE_ALL + 1] = {0}, retention[HMA_SCOPE_ALL + 1] = {0};
    uint64_t elements[HMA_SCOPE_ALL + 1] = {0};
    for (size_t r = 0; r < s->row_count; r++) {
        sum[s->rows[r].scope] += s->rows[r].replies.value;
        retention[s->rows[r].scope] += s->rows[r].retention.value;
        elements[s->rows[r].scope] += s->rows[r].elements;
        assert_true(s->rows[r].replies.error >= 0 && s->rows[r].retention.error >= 0);
    }
    for (int scope = HMA_SCOPE_PART; scope < HMA_SCOPE_ALL; scope++) {
        assert_near(sum[scope], sum[HMA_SCOPE_ALL], 1e-12);
        assert_near(retention[scope], retention[HMA_SCOPE_ALL], 1e-12);
        assert_int_equal(elements[scope], elements[HMA_SCOPE_ALL]);
    }
    assert_ok(hma_model_describe(&model, demo.post));
    assert_int_equal(elements[HMA_SCOPE_ALL], model.parameters);
    hma_sensitivity_free(s);
}

/* Mean over the categories; here every category has one task. */
static void retention_is_put_together_as_in_results(void **state) {
    (void)state;
    hma_sensitivity *s = at(0.7);
    assert_int_equal(s->measure_count, 4);
    double value = 0, square = 0;
    for (size_t i = 1; i < 4; i++) {
        value += s->measures[i].likelihood.value / 3;
        square += s->measures[i].likelihood.error * s->measures[i].likelihood.error / 9;
        assert_string_equal(s->measures[i].name, hma_suite_task(demo.suite, i - 1)->name);
        assert_true(s->measures[i].likelihood.value < 0);
    }
    assert_near(s->retention.value, value, 1e-12);
    assert_near(s->retention.error, sqrt(square), 1e-12);
    hma_sensitivity_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(slopes_are_those_of_the_likelihoods), cmocka_unit_test(rows_add_up),
                                       cmocka_unit_test(retention_is_put_together_as_in_results)};
    return cmocka_run_group_tests_name("sensitivity", tests, make_demo, remove_demo);
}
