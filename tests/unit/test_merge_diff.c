/* Differences of two checkpoints. Numbers against a reference: tests/golden/test_golden_merge.c. */
#include "merge_models.h"

#include <math.h>

static const test_tensor large[] = {{"model.layers.1.mlp.up_proj.weight", "F32", "[700,1000]", 700000}};

static hma_status compute(const test_pair *pair, const char *blocks, unsigned threads, hma_diff **diff) {
    const hma_context_options options = {.threads = threads};
    hma_context *context;
    assert_ok(hma_context_new(&context, &options));
    const hma_status status = hma_diff_compute(context, diff, pair->pre, pair->post, blocks);
    hma_context_free(context);
    return status;
}

static double squares(const hma_delta *deltas, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += deltas[i].l2 * deltas[i].l2;
    }
    return sum;
}

static void parts_add_up_to_the_total(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, large, 1);
    hma_diff *diff;
    assert_ok(compute(&pair, "layers", 2, &diff));
    assert_int_equal(diff->tensor_count, LLAMA_TENSORS + 1);
    assert_int_equal(diff->layer_count, 2);
    assert_int_equal(diff->block_count, 2);
    assert_int_equal(diff->block_start[1], 1);
    const double total = diff->total.l2 * diff->total.l2;
    assert_near(squares(diff->tensor, diff->tensor_count) / total, 1, 1e-12);
    assert_near(squares(diff->kind, HMA_KIND_COUNT) / total, 1, 1e-12);
    assert_near(squares(diff->layer, 2) / squares(diff->block, 2), 1, 1e-15);
    assert_int_equal(diff->total.elements, 32 + 4 + 16 + 4 + 16 + 4 + 700000);
    assert_int_equal(diff->kind[HMA_KIND_NORM].elements, 12);
    assert_int_equal(diff->kind[HMA_KIND_EMBEDDING].elements, 32);
    assert_int_equal(diff->layer[0].elements + diff->layer[1].elements, 40 + 700000);
    assert_true(diff->total.changed > 0.9 && diff->total.cosine > 0.9 && diff->total.cosine < 1);
    hma_diff_free(diff);
    close_pair(&pair);
}

static void sums_do_not_depend_on_the_number_of_threads(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, large, 1);
    hma_diff *one, *other;
    assert_ok(compute(&pair, NULL, 1, &one));
    assert_int_equal(one->block_count, 1);
    for (unsigned threads = 2; threads <= 3; threads++) {
        assert_ok(compute(&pair, NULL, threads, &other));
        assert_memory_equal(one->tensor, other->tensor, one->tensor_count * sizeof *one->tensor);
        assert_memory_equal(&one->total, &other->total, sizeof one->total);
        hma_diff_free(other);
    }
    hma_diff_free(one);
    close_pair(&pair);
}

static void a_model_does_not_differ_from_itself(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, NULL, 0);
    const float zeros[2] = {0, 0};
    poke(pair.pre_folder, "model.norm.weight", 0, zeros, sizeof zeros); /* four halves: a tensor of zeros */
    const test_pair twice = {pair.pre_folder, pair.pre_folder, pair.pre, pair.pre};
    hma_diff *diff;
    assert_ok(compute(&twice, "2", 2, &diff));
    assert_true(diff->total.l2 == 0 && diff->total.relative == 0 && diff->total.max_abs == 0 && diff->total.changed == 0);
    assert_near(diff->total.cosine, 1, 1e-15);
    for (size_t i = 0; i < diff->tensor_count; i++) {
        const bool zero = strcmp(diff->tensors[i]->name, "model.norm.weight") == 0;
        assert_true(zero ? isnan(diff->tensor[i].relative) && isnan(diff->tensor[i].cosine) : diff->tensor[i].relative == 0);
    }
    hma_diff_free(diff);
    close_pair(&pair);
}

static void what_cannot_be_compared_is_refused(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, large, 1);
    hma_diff *diff = NULL;
    const uint32_t infinity = 0xff800000;
    assert_fails(compute(&pair, "3", 2, &diff), HMA_USAGE, "blocks: 3 blocks");
    assert_fails(compute(&pair, "x", 2, &diff), HMA_USAGE, "malformed");
    poke(pair.post_folder, large[0].name, 650000, &infinity, 4);
    assert_fails(compute(&pair, NULL, 2, &diff), HMA_NON_FINITE, "at index 650000 (pre ");
    assert_non_null(strstr(hma_error_message(), "post -inf"));
    close_pair(&pair);
    pair = open_pair(write_model(folder->path, "pre", MODEL_CONFIG, 0, NULL, 0),
                     write_model(folder->path, "post", MODEL_CONFIG, 0.3, large, 1));
    assert_fails(compute(&pair, NULL, 2, &diff), HMA_INCOMPATIBLE, "cannot be averaged");
    assert_null(diff);
    close_pair(&pair);
}

static void buffers_and_integers_are_left_out(void **state) {
    const test_folder *folder = *state;
    static const test_tensor more[] = {{"model.layers.0.attn.masked_bias", "F32", "[1]", 1},
                                       {"model.layers.0.steps", "I64", "[3]", 3}};
    const float minus_infinity = -INFINITY;
    test_pair pair = make_pair(folder->path, more, 2);
    hma_diff *diff;
    poke(pair.post_folder, more[0].name, 0, &minus_infinity, 4);
    assert_ok(compute(&pair, NULL, 1, &diff));
    assert_int_equal(diff->tensor_count, LLAMA_TENSORS);
    hma_diff_free(diff);
    close_pair(&pair);
}

static void kinds_have_names(void **state) {
    (void)state;
    for (int kind = 0; kind < HMA_KIND_COUNT; kind++) {
        assert_non_null(hma_tensor_kind_name((hma_tensor_kind)kind));
    }
    assert_string_equal(hma_tensor_kind_name(HMA_KIND_HEAD), "head");
    assert_null(hma_tensor_kind_name(HMA_KIND_COUNT));
    hma_diff_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(parts_add_up_to_the_total, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(sums_do_not_depend_on_the_number_of_threads, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_model_does_not_differ_from_itself, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_cannot_be_compared_is_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(buffers_and_integers_are_left_out, make_folder, remove_folder),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
