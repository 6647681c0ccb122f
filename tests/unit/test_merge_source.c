/* Sources: what is merged, what is copied, what is refused. */
#include "merge_models.h"

#include <math.h>

/* Whether a tensor has the same bytes in two sources. */
static bool same_tensor(const hma_source *a, const hma_source *b, const char *name) {
    void *x = read_tensor(a, name), *y = read_tensor(b, name);
    const bool same = hma_source_find(a, name)->bytes == hma_source_find(b, name)->bytes &&
                      memcmp(x, y, hma_source_find(a, name)->bytes) == 0;
    free(x);
    free(y);
    return same;
}

static void ratio_0_is_pre_and_ratio_1_is_post_bit_for_bit(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, NULL, 0);
    hma_source *zero = merge(&pair, "{\"ratio\":0}"), *one = merge(&pair, "{\"ratio\":1}"), *pre, *post;
    assert_ok(hma_source_plain(&pre, pair.pre));
    assert_ok(hma_source_plain(&post, pair.post));
    for (size_t i = 0; i < LLAMA_TENSORS; i++) {
        assert_true(same_tensor(zero, pre, llama_tensors[i].name));
        assert_true(same_tensor(one, post, llama_tensors[i].name));
        assert_false(same_tensor(zero, one, llama_tensors[i].name));
    }
    assert_null(hma_source_recipe(pre));
    assert_non_null(hma_source_recipe(zero));
    assert_ptr_equal(hma_source_described_by(zero), pair.post);
    assert_null(hma_source_find(zero, "no.such.tensor"));
    assert_null(hma_source_tensor(zero, LLAMA_TENSORS));
    hma_source_free(zero);
    hma_source_free(one);
    hma_source_free(pre);
    hma_source_free(post);
    close_pair(&pair);
}

static void a_model_merged_with_itself_is_itself(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, NULL, 0);
    const test_pair twice = {pair.pre_folder, pair.pre_folder, pair.pre, pair.pre};
    hma_source *merged = merge(&twice, "{\"ratios\":[0.3,0.7]}"), *plain;
    assert_ok(hma_source_plain(&plain, pair.pre));
    for (size_t i = 0; i < LLAMA_TENSORS; i++) {
        assert_true(same_tensor(merged, plain, llama_tensors[i].name));
    }
    hma_source_free(merged);
    hma_source_free(plain);
    close_pair(&pair);
}

/* One tensor of several blocks, so that reads cross their borders. */
static const test_tensor large[] = {{"model.layers.0.mlp.up_proj.weight", "F32", "[400,500]", 200000}};

static void the_bytes_do_not_depend_on_how_a_tensor_is_cut(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, large, 1);
    static const char *const recipes[] = {"{\"ratio\":0.3}", "{\"ratio\":0.3,\"dtype\":\"BF16\"}",
                                          "{\"ratio\":0.3,\"dtype\":\"F16\",\"rounding\":\"stochastic\",\"seed\":3}"};
    for (size_t r = 0; r < 3; r++) {
        hma_source *source = merge(&pair, recipes[r]);
        const hma_tensor *tensor = hma_source_find(source, large[0].name);
        const size_t size = hma_dtype_size(tensor->dtype);
        unsigned char *whole = read_tensor(source, large[0].name), *pieces = malloc(tensor->bytes);
        float *widened = malloc(tensor->elements * sizeof *widened);
        float *widened_pieces = malloc(tensor->elements * sizeof *widened);
        assert_true(pieces && widened && widened_pieces);
        assert_ok(hma_source_read_f32(source, tensor, 0, tensor->elements, widened));
        for (uint64_t first = 0, step = 1; first < tensor->elements; first += step, step = step * 5 + 3) {
            const uint64_t n = step < tensor->elements - first ? step : tensor->elements - first;
            assert_ok(hma_source_read(source, tensor, first, n, pieces + first * size));
            assert_ok(hma_source_read_f32(source, tensor, first, n, widened_pieces + first));
        }
        assert_memory_equal(whole, pieces, tensor->bytes);
        assert_memory_equal(widened, widened_pieces, tensor->elements * sizeof *widened);
        for (size_t i = 0; i < tensor->elements; i += 997) {
            uint16_t half;
            float value;
            memcpy(&half, whole + i * size, 2);
            memcpy(&value, whole + i * size, size == 4 ? 4 : 2);
            value = size == 4 ? value : tensor->dtype == HMA_F16 ? hma_f16_widen(half) : hma_bf16_widen(half);
            assert_true(widened[i] == value);
        }
        free(whole);
        free(pieces);
        free(widened);
        free(widened_pieces);
        hma_source_free(source);
    }
    close_pair(&pair);
}

static void elements_that_do_not_exist_are_refused(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, NULL, 0);
    hma_source *source = merge(&pair, "{\"ratio\":0.5}");
    const hma_tensor *tensor = hma_source_find(source, "model.norm.weight");
    char bytes[64];
    assert_fails(hma_source_read(source, tensor, 3, 2, bytes), HMA_USAGE, "do not exist");
    assert_fails(hma_source_read(source, tensor, UINT64_MAX, 2, bytes), HMA_USAGE, "do not exist");
    assert_fails(hma_source_read(source, tensor, 1, UINT64_MAX, bytes), HMA_USAGE, "do not exist");
    assert_ok(hma_source_read(source, tensor, 4, 0, bytes));
    hma_source_free(source);
    close_pair(&pair);
}

/* ---- values that are not finite ---- */

static void nan_and_infinity_are_refused_in_either_input_at_any_ratio(void **state) {
    const test_folder *folder = *state;
    static const uint16_t bad[] = {0x7fc0, 0x7f80, 0xff80, 0x7f81, 0xffff};
    static const char *const ratios[] = {"{\"ratio\":0}", "{\"ratio\":0.25}", "{\"ratio\":1}"};
    const char *const name = "model.layers.1.self_attn.q_proj.weight";
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        test_pair pair = make_pair(folder->path, NULL, 0);
        const char *broken = i % 2 ? pair.pre_folder : pair.post_folder;
        unsigned char bytes[64];
        poke(broken, name, 11, &bad[i], sizeof bad[i]);
        for (size_t r = 0; r < 3; r++) {
            hma_source *source = merge(&pair, ratios[r]);
            const hma_tensor *tensor = hma_source_find(source, name);
            assert_fails(hma_source_read(source, tensor, 0, 16, bytes), HMA_NON_FINITE, "at index 11 (pre ");
            assert_non_null(strstr(hma_error_message(), name));
            assert_non_null(strstr(hma_error_message(), broken));
            assert_fails(hma_source_read(source, tensor, 9, 4, bytes), HMA_NON_FINITE, "at index 11");
            assert_ok(hma_source_read(source, tensor, 0, 11, bytes));
            hma_source_free(source);
        }
        hma_source *plain;
        assert_ok(hma_source_plain(&plain, i % 2 ? pair.pre : pair.post));
        assert_fails(hma_source_read(plain, hma_source_find(plain, name), 0, 16, bytes), HMA_NON_FINITE, "at index 11");
        hma_source_free(plain);
        close_pair(&pair);
    }
}

static void a_result_beyond_the_output_type_is_refused(void **state) {
    const test_folder *folder = *state;
    static const test_tensor wide[] = {{"model.layers.0.mlp.up_proj.weight", "F32", "[3]", 3}};
    test_pair pair = make_pair(folder->path, wide, 1);
    const float too_large = 70000;
    float values[3];
    poke(pair.pre_folder, wide[0].name, 1, &too_large, 4);
    poke(pair.post_folder, wide[0].name, 1, &too_large, 4);
    hma_source *source = merge(&pair, "{\"ratio\":0.5,\"dtype\":\"F16\"}");
    assert_fails(hma_source_read_f32(source, hma_source_find(source, wide[0].name), 0, 3, values), HMA_NON_FINITE,
                 "beyond the range of F16 at index 1 (pre 70000, post 70000)");
    hma_source_free(source);
    const float huge = 3e38F;
    poke(pair.post_folder, wide[0].name, 2, &huge, 4);
    const char *const types[] = {"F16", "BF16", "F32"};
    const char *const remedies[] = {"a larger range", "a smaller ratio", "a smaller ratio"};
    for (size_t i = 0; i < 3; i++) {
        char json[80];
        (void)snprintf(json, sizeof json, "{\"method\":\"extrapolate\",\"ratio\":1.5,\"dtype\":\"%s\"}", types[i]);
        source = merge(&pair, json);
        assert_fails(hma_source_read_f32(source, hma_source_find(source, wide[0].name), 2, 1, values), HMA_NON_FINITE,
                     remedies[i]);
        hma_source_free(source);
    }
    poke(pair.post_folder, wide[0].name, 2, &(float){1}, 4);
    source = merge(&pair, "{\"ratio\":0.5,\"dtype\":\"BF16\"}");
    assert_ok(hma_source_read_f32(source, hma_source_find(source, wide[0].name), 0, 3, values));
    assert_near((double)values[1], 70000, 300);
    hma_source_free(source);
    close_pair(&pair);
}

/* ---- what is not merged ---- */

static void integers_must_be_equal_and_are_copied(void **state) {
    const test_folder *folder = *state;
    static const test_tensor counts[] = {{"model.layers.0.steps", "I64", "[3]", 3}};
    test_pair pair = make_pair(folder->path, counts, 1);
    hma_source *source = merge(&pair, "{\"ratio\":0.5,\"dtype\":\"F32\"}");
    int64_t *values = read_tensor(source, counts[0].name);
    const int64_t other = 7;
    float widened[3];
    assert_true(values[0] == 1 && values[1] == 1 && values[2] == 1);
    free(values);
    assert_fails(hma_source_read_f32(source, hma_source_find(source, counts[0].name), 0, 3, widened), HMA_BAD_DATA,
                 "has type I64");
    poke(pair.post_folder, counts[0].name, 2, &other, sizeof other);
    int64_t again[3];
    assert_fails(hma_source_read(source, hma_source_find(source, counts[0].name), 0, 3, again), HMA_INCOMPATIBLE, "I64");
    hma_source_free(source);
    close_pair(&pair);
}

static void buffers_come_from_post_or_not_at_all(void **state) {
    const test_folder *folder = *state;
    /* in fp16 files -1e9 of the old mask became minus infinity: of no meaning, and no reason to refuse */
    static const test_tensor both[] = {{"model.layers.0.attn.masked_bias", "F16", "[1]", 1}};
    static const test_tensor only_pre[] = {{"model.layers.0.attn.masked_bias", "F16", "[1]", 1},
                                           {"model.layers.0.self_attn.rotary_emb.inv_freq", "F32", "[2]", 2}};
    const uint16_t minus_infinity = 0xfc00;
    test_pair pair = open_pair(write_model(folder->path, "pre", MODEL_CONFIG, 0, only_pre, 2),
                               write_model(folder->path, "post", MODEL_CONFIG, 0.3, both, 1));
    poke(pair.post_folder, both[0].name, 0, &minus_infinity, 2);
    hma_source *source = merge(&pair, "{\"ratio\":0,\"dtype\":\"F32\"}"), *plain;
    assert_int_equal(hma_source_tensor_count(source), LLAMA_TENSORS + 1);
    assert_null(hma_source_find(source, only_pre[1].name));
    assert_int_equal(hma_source_find(source, both[0].name)->dtype, HMA_F16);
    uint16_t *value = read_tensor(source, both[0].name);
    assert_int_equal(*value, minus_infinity);
    free(value);
    assert_ok(hma_source_plain(&plain, pair.post));
    value = read_tensor(plain, both[0].name);
    assert_int_equal(*value, minus_infinity);
    free(value);
    hma_source_free(plain);
    hma_source_free(source);
    close_pair(&pair);
}

static void a_stored_tied_head_follows_the_embedding(void **state) {
    const test_folder *folder = *state;
    static const test_tensor head[] = {{"lm_head.weight", "BF16", "[8,4]", 32}};
    test_pair pair = open_pair(write_model(folder->path, "pre", TIED_CONFIG, 0, head, 1),
                               write_model(folder->path, "post", TIED_CONFIG, 0.3, head, 1));
    hma_source *source = merge(&pair, "{\"ratios\":[0,1]}"), *pre;
    assert_ok(hma_source_plain(&pre, pair.pre));
    assert_true(same_tensor(source, pre, "lm_head.weight"));
    hma_source_free(source);
    hma_source_free(pre);
    close_pair(&pair);

    pair = open_pair(write_model(folder->path, "pre", TIED_CONFIG, 0, NULL, 0),
                     write_model(folder->path, "post", TIED_CONFIG, 0.3, head, 1));
    source = merge(&pair, "{\"ratio\":0.5}");
    assert_null(hma_source_find(source, "lm_head.weight"));
    hma_source_free(source);
    close_pair(&pair);
}

static void only_matrices_in_layers_move_under_linear_only(void **state) {
    const test_folder *folder = *state;
    static const test_tensor more[] = {{"lm_head.weight", "BF16", "[8,4]", 32},
                                       {"model.layers.0.self_attn.q_proj.bias", "BF16", "[4]", 4}};
    test_pair pair = make_pair(folder->path, more, 2);
    hma_source *source = merge(&pair, "{\"ratio\":1,\"policy\":\"linear-only\"}"), *pre, *post;
    assert_ok(hma_source_plain(&pre, pair.pre));
    assert_ok(hma_source_plain(&post, pair.post));
    assert_true(same_tensor(source, post, "model.layers.0.self_attn.q_proj.weight"));
    assert_true(same_tensor(source, post, "lm_head.weight"));
    assert_true(same_tensor(source, pre, "model.layers.0.self_attn.q_proj.bias"));
    assert_true(same_tensor(source, pre, "model.layers.1.input_layernorm.weight"));
    assert_true(same_tensor(source, pre, "model.embed_tokens.weight"));
    assert_true(same_tensor(source, pre, "model.norm.weight"));
    hma_source_free(source);
    hma_source_free(pre);
    hma_source_free(post);
    close_pair(&pair);
}

/* ---- stochastic rounding ---- */

static void stochastic_rounding_is_keyed_by_seed_and_tensor_name(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, large, 1);
    hma_source *a = merge(&pair, "{\"ratio\":0.3,\"dtype\":\"BF16\",\"rounding\":\"stochastic\",\"seed\":1}");
    hma_source *again = merge(&pair, "{\"ratio\":0.3,\"dtype\":\"BF16\",\"rounding\":\"stochastic\",\"seed\":1}");
    hma_source *other = merge(&pair, "{\"ratio\":0.3,\"dtype\":\"BF16\",\"rounding\":\"stochastic\",\"seed\":2}");
    assert_true(same_tensor(a, again, large[0].name));
    assert_false(same_tensor(a, other, large[0].name));
    hma_source_free(a);
    hma_source_free(again);
    hma_source_free(other);
    close_pair(&pair);

    static const test_tensor twins[] = {{"model.layers.0.mlp.up_proj.weight", "F32", "[1000]", 1000},
                                        {"model.layers.1.mlp.up_proj.weight", "F32", "[1000]", 1000}};
    pair = make_pair(folder->path, twins, 2);
    float values[1000];
    for (size_t i = 0; i < 1000; i++) {
        values[i] = 1.0f + (float)i * 0x1p-17f;
    }
    for (size_t i = 0; i < 4; i++) {
        poke(i % 2 ? pair.pre_folder : pair.post_folder, twins[i / 2].name, 0, values, sizeof values);
    }
    a = merge(&pair, "{\"ratio\":0.3,\"dtype\":\"BF16\",\"rounding\":\"stochastic\"}");
    uint16_t *x = read_tensor(a, twins[0].name), *y = read_tensor(a, twins[1].name);
    assert_memory_not_equal(x, y, 2000);
    free(x);
    free(y);
    hma_source_free(a);
    close_pair(&pair);
}

/* ---- what does not fit together ---- */

static hma_status try_merge(const test_pair *pair, const char *recipe_json, size_t layers) {
    hma_recipe *recipe;
    hma_source *source = NULL;
    assert_ok(hma_recipe_parse(&recipe, recipe_json, strlen(recipe_json), layers, "recipe"));
    const hma_status status = hma_source_merged(&source, pair->pre, pair->post, recipe);
    if (status != HMA_OK) {
        assert_null(source);
    }
    hma_source_free(source);
    hma_recipe_free(recipe);
    return status;
}

static void recipes_that_do_not_fit_are_refused(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, NULL, 0);
    assert_fails(try_merge(&pair, "{\"ratio\":0.5}", 3), HMA_USAGE, "recipe: is for 3 layers (expected 2");
    assert_fails(try_merge(&pair, "{\"ratio\":0.5,\"tensors\":{\"*.norm.wieght\":0}}", 2), HMA_USAGE, "\"*.norm.wieght\" "
                 "matches no tensor");
    assert_ok(try_merge(&pair, "{\"ratio\":0.5,\"tensors\":{\"*.norm.weight\":0}}", 2));
    close_pair(&pair);
}

static void checkpoints_that_do_not_fit_are_refused(void **state) {
    const test_folder *folder = *state;
    static const test_tensor more[] = {{"model.layers.0.extra.weight", "BF16", "[4]", 4},
                                       {"model.layers.1.extra.weight", "BF16", "[4]", 4}};
    test_pair pair = open_pair(write_model(folder->path, "pre", MODEL_CONFIG, 0, NULL, 0),
                               write_model(folder->path, "post", MODEL_CONFIG, 0.3, more, 2));
    assert_fails(try_merge(&pair, "{\"ratio\":0.5}", 2), HMA_INCOMPATIBLE, "cannot be averaged");
    close_pair(&pair);
    static const test_tensor doubles[] = {{"model.layers.0.extra.weight", "F64", "[1]", 1}};
    pair = make_pair(folder->path, doubles, 1);
    assert_fails(try_merge(&pair, "{\"ratio\":0.5}", 2), HMA_BAD_DATA, "is F64");
    close_pair(&pair);
}

static void the_number_of_layers_must_agree_with_the_names(void **state) {
    const test_folder *folder = *state;
    static const struct {
        const char *config;
        const char *text;
    } cases[] = {
        {"{\"model_type\":\"llama\",\"num_hidden_layers\":1}", "but 1 layers by its config.json"},
        {"{\"model_type\":\"llama\",\"num_hidden_layers\":3}", "has no tensor of layer 2"},
        {"{\"model_type\":\"llama\"}", "\"num_hidden_layers\" is missing"},
        {"{\"model_type\":\"llama\",\"num_hidden_layers\":0}", "num_hidden_layers"},
        {"{\"model_type\":\"llama\",\"num_hidden_layers\":1000000000}", "num_hidden_layers"},
        {"{\"model_type\":\"llama\",\"num_hidden_layers\":\"2\"}", "num_hidden_layers"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = write_model(folder->path, "model", cases[i].config, 0, NULL, 0);
        hma_checkpoint *checkpoint;
        size_t layers = 77;
        assert_ok(hma_checkpoint_open(&checkpoint, path));
        assert_fails(hma_checkpoint_layers(checkpoint, &layers), HMA_BAD_DATA, cases[i].text);
        assert_int_equal(layers, 77);
        hma_checkpoint_close(checkpoint);
        free(path);
    }
    char *path = write_model(folder->path, "model", "{\"model_type\":\"gpt2\",\"n_layer\":2}", 0, NULL, 0);
    hma_checkpoint *checkpoint;
    size_t layers = 0;
    assert_ok(hma_checkpoint_open(&checkpoint, path));
    assert_ok(hma_checkpoint_layers(checkpoint, &layers));
    assert_int_equal(layers, 2);
    hma_checkpoint_close(checkpoint);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ratio_0_is_pre_and_ratio_1_is_post_bit_for_bit, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_model_merged_with_itself_is_itself, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(the_bytes_do_not_depend_on_how_a_tensor_is_cut, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(elements_that_do_not_exist_are_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(nan_and_infinity_are_refused_in_either_input_at_any_ratio, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_result_beyond_the_output_type_is_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(integers_must_be_equal_and_are_copied, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(buffers_come_from_post_or_not_at_all, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_stored_tied_head_follows_the_embedding, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(only_matrices_in_layers_move_under_linear_only, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(stochastic_rounding_is_keyed_by_seed_and_tensor_name, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(recipes_that_do_not_fit_are_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(checkpoints_that_do_not_fit_are_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(the_number_of_layers_must_agree_with_the_names, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
