/* Recipes: from specifications, from JSON, to JSON, and their ids. */
#include "testing.h"

#include "hma/recipe.h"

static hma_recipe *make(size_t layers, const char *blocks, const double *ratios, size_t count) {
    hma_recipe_spec spec = hma_recipe_spec_default();
    spec.layers = layers;
    spec.blocks = blocks;
    spec.ratios = ratios;
    spec.ratio_count = count;
    hma_recipe *recipe;
    assert_ok(hma_recipe_new(&recipe, &spec));
    return recipe;
}

static hma_recipe *parse(const char *json, size_t layers) {
    hma_recipe *recipe;
    assert_ok(hma_recipe_parse(&recipe, json, strlen(json), layers, "test.json"));
    return recipe;
}

/* First layers of the blocks as text, "0 9 18". */
static const char *starts(const hma_recipe *recipe, char text[256]) {
    size_t at = 0;
    text[0] = 0;
    for (size_t k = 0; k < hma_recipe_blocks(recipe) && at < 240; k++) {
        at += (size_t)snprintf(text + at, 256 - at, "%s%zu", k ? " " : "", hma_recipe_block_start(recipe, k));
    }
    return text;
}

static void blocks_are_cut_as_specified(void **state) {
    (void)state;
    static const struct {
        size_t layers;
        const char *blocks, *starts;
    } cases[] = {
        {26, "3", "0 9 18"},        {26, "9", "0 3 6 9 12 15 18 21 24"}, {4, "3", "0 2 3"},     {5, "3", "0 2 4"},
        {4, "layers", "0 1 2 3"},   {26, "hma", "0 8 16"},               {30, "hma", "0 8 16"}, {31, "hma", "0 11 21"},
        {32, "hma", "0 11 21"},     {26, "8,17", "0 8 17"},              {26, "0,8,17", "0 8 17"}, {12, "0,5", "0 5"},
        {12, "5,", "0 5"},
        {26, NULL, "0"},            {7, "1", "0"},
    };
    const double ratio = 0.5;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        hma_recipe *recipe = make(cases[i].layers, cases[i].blocks, &ratio, 1);
        assert_string_equal(starts(recipe, text), cases[i].starts);
        hma_recipe_free(recipe);
    }
}

static void every_layer_takes_the_ratio_of_its_block(void **state) {
    (void)state;
    const double ratios[] = {0.1, 0.5, 0.9};
    hma_recipe *recipe = make(5, "3", ratios, 3);
    static const double expected[] = {0.1, 0.1, 0.5, 0.5, 0.9};
    for (size_t layer = 0; layer < 5; layer++) {
        assert_true(hma_recipe_layer_ratio(recipe, layer) == expected[layer]);
    }
    assert_true(hma_recipe_mean_ratio(recipe) == 0.5);
    hma_recipe_free(recipe);
    /* without a specification there are as many blocks as ratios */
    recipe = make(5, NULL, ratios, 3);
    assert_int_equal(hma_recipe_blocks(recipe), 3);
    hma_recipe_free(recipe);
}

static void the_mean_of_equal_ratios_is_that_ratio(void **state) {
    (void)state;
    const double ratios[] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1};
    for (size_t count = 1; count <= 10; count++) {
        hma_recipe *recipe = make(10, NULL, ratios, count);
        assert_true(hma_recipe_mean_ratio(recipe) == 0.1);
        hma_recipe_free(recipe);
    }
    const double mixed[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1};
    hma_recipe *recipe = make(10, NULL, mixed, 10);
    assert_true(hma_recipe_mean_ratio(recipe) == 0.55);
    hma_recipe_free(recipe);
}

static void contradictions_are_refused(void **state) {
    (void)state;
    static const double half[] = {0.5, 0.5, 0.5};
    static const struct {
        size_t layers;
        const char *blocks;
        size_t count;
        const char *text;
    } cases[] = {
        {26, "0", 1, "blocks: 0 blocks"},     {26, "27", 1, "blocks: 27 blocks"}, {26, "8,8", 1, "blocks: boundary 8"},
        {26, "17,8", 1, "blocks: boundary 8"}, {26, "8,26", 1, "blocks: boundary 26"}, {26, "8,17,", 1, "malformed"},
        {26, ",8", 1, "malformed"},           {26, ",", 1, "malformed"},        {26, "26,", 1, "blocks: boundary 26"},
        {26, "three", 1, "malformed"},      {26, "-3", 1, "malformed"},
        {26, "", 1, "malformed"},             {26, "3.5", 1, "malformed"},        {16, "hma", 1, "more than 16"},
        {26, "2", 3, "ratios: 3 given for 2"}, {26, "3", 0, "ratios: there are none"}, {0, "1", 1, "layers: 0"},
        {100000, "1", 1, "layers: 100000"},   {26, "99999999999999999999", 1, "malformed"},
        {26, "8,99999999999999999999", 1, "malformed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hma_recipe_spec spec = hma_recipe_spec_default();
        hma_recipe *recipe = NULL;
        spec.layers = cases[i].layers;
        spec.blocks = cases[i].blocks;
        spec.ratios = half;
        spec.ratio_count = cases[i].count;
        assert_fails(hma_recipe_new(&recipe, &spec), HMA_USAGE, cases[i].text);
        assert_null(recipe);
    }
}

static void ratios_outside_zero_to_one_are_refused(void **state) {
    (void)state;
    const double bad[] = {-0.001, 1.0000001, NAN, INFINITY, -INFINITY, 1e308};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const double ratios[] = {0.5, bad[i]};
        hma_recipe_spec spec = hma_recipe_spec_default();
        hma_recipe *recipe;
        spec.layers = 4;
        spec.ratios = ratios;
        spec.ratio_count = 2;
        assert_fails(hma_recipe_new(&recipe, &spec), HMA_USAGE, "ratio 2: ");
    }
}

static void other_choices_are_refused_by_name(void **state) {
    (void)state;
    hma_method method;
    hma_policy policy;
    hma_rounding rounding;
    assert_fails(hma_method_parse(&method, "karcher"), HMA_USAGE, "\"karcher\" does not exist");
    assert_fails(hma_method_parse(&method, "task_arithmetic"), HMA_USAGE, "did you mean \"task-arithmetic\"");
    for (size_t i = 0; i < HMA_METHODS; i++) {
        assert_ok(hma_method_parse(&method, hma_method_name((hma_method)i)));
        assert_int_equal(method, i);
    }
    assert_null(hma_method_name(HMA_METHODS));
    assert_fails(hma_method_parse(&method, "lineer"), HMA_USAGE, "did you mean \"linear\"");
    assert_fails(hma_policy_parse(&policy, "linear_only"), HMA_USAGE, "did you mean \"linear-only\"");
    assert_fails(hma_policy_parse(&policy, "x"), HMA_USAGE, "does not exist");
    assert_fails(hma_rounding_parse(&rounding, "stochastik"), HMA_USAGE, "did you mean \"stochastic\"");
    assert_ok(hma_policy_parse(&policy, "uniform-outside"));
    assert_int_equal(policy, HMA_POLICY_UNIFORM_OUTSIDE);
    assert_null(hma_policy_name((hma_policy)3));
    hma_recipe_spec spec = hma_recipe_spec_default();
    hma_recipe *recipe;
    const double half = 0.5;
    spec.layers = 4;
    spec.ratios = &half;
    spec.ratio_count = 1;
    spec.dtype = HMA_I64;
    assert_fails(hma_recipe_new(&recipe, &spec), HMA_USAGE, "dtype: ");
    spec.dtype = HMA_DTYPE_STORED;
    spec.seed = UINT64_MAX;
    assert_fails(hma_recipe_new(&recipe, &spec), HMA_USAGE, "seed: ");
}

static void canonical_json_reads_back_to_itself(void **state) {
    (void)state;
#define TAIL "],\"policy\":\"full\",\"dtype\":\"stored\",\"rounding\":\"nearest\",\"seed\":0}"
    static const char *const texts[][2] = {
        {"{\"ratio\":0.4}", "{\"method\":\"linear\",\"blocks\":1,\"ratios\":[0.4" TAIL},
        {" { \"blocks\" : \"hma\", \"ratios\" : [0.30000000000000004, 1, -0.0], \"dtype\" : \"bfloat16\", \"seed\" : 7,\n"
         "\"rounding\":\"stochastic\",\"policy\":\"linear-only\","
         "\"tensors\":{\"*.norm.weight\":0,\"lm_head.\\\"weight\":0.25}}",
         "{\"method\":\"linear\",\"blocks\":[8,16],\"ratios\":[0.30000000000000004,1,0],\"policy\":\"linear-only\","
         "\"dtype\":\"BF16\",\"rounding\":\"stochastic\",\"seed\":7,"
         "\"tensors\":{\"*.norm.weight\":0,\"lm_head.\\\"weight\":0.25}}"},
        {"{\"blocks\":[20],\"ratios\":[0.1,0.2]}", "{\"method\":\"linear\",\"blocks\":[20],\"ratios\":[0.1,0.2" TAIL},
        {"{\"ratio\":1.5,\"method\":\"extrapolate\",\"extra_rows\":\"pre\"}",
         "{\"method\":\"extrapolate\",\"blocks\":1,\"ratios\":[1.5],\"policy\":\"full\",\"dtype\":\"stored\","
         "\"rounding\":\"nearest\",\"seed\":0,\"extra_rows\":\"pre\"}"},
        {"{\"ratio\":0.5,\"method\":\"ties\",\"base\":\"model\",\"lambda\":1.25,\"tensors\":{\"a\":1}}",
         "{\"method\":\"ties\",\"blocks\":1,\"ratios\":[0.5],\"policy\":\"full\",\"dtype\":\"stored\",\"rounding\":\"nearest\","
         "\"seed\":0,\"density\":0.2,\"lambda\":1.25,\"base\":\"model\",\"tensors\":{\"a\":1}}"},
        {"{\"ratio\":0.5,\"method\":\"dare\",\"density\":0.25,\"base\":\"pre\",\"extra_rows\":\"none\"}",
         "{\"method\":\"dare\",\"blocks\":1,\"ratios\":[0.5],\"policy\":\"full\",\"dtype\":\"stored\",\"rounding\":\"nearest\","
         "\"seed\":0,\"density\":0.25}"},
        {"{\"blocks\":[0,9,18],\"ratios\":[0.1,0.2,0.3],\"dtype\":\"stored\"}",
         "{\"method\":\"linear\",\"blocks\":3,\"ratios\":[0.1,0.2,0.3" TAIL},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *json, *again;
        hma_recipe *recipe = parse(texts[i][0], 26);
        assert_ok(hma_recipe_json(recipe, &json));
        assert_string_equal(json, texts[i][1]);
        hma_recipe *second = parse(json, 26);
        assert_ok(hma_recipe_json(second, &again));
        assert_string_equal(json, again);
        assert_string_equal(hma_recipe_id(recipe), hma_recipe_id(second));
        hma_text_free(json);
        hma_text_free(again);
        hma_recipe_free(recipe);
        hma_recipe_free(second);
    }
}

static void a_merged_folders_manifest_is_accepted_as_a_recipe(void **state) {
    (void)state;
    hma_recipe *recipe = parse("{\"schema\":\"hma-merge\",\"layers\":26,\"recipe\":{\"ratio\":0.25},\"files\":[]}", 26);
    assert_true(hma_recipe_mean_ratio(recipe) == 0.25);
    hma_recipe_free(recipe);
}

static void hostile_json_is_refused(void **state) {
    (void)state;
    static const char *const texts[][2] = {
        {"", "test.json"},
        {"[]", "is not a recipe"},
        {"{}", "\"ratios\" is missing"},
        {"{\"ratio\":0.5,\"ratios\":[0.5]}", "both given"},
        {"{\"ratios\":[]}", "\"ratios\" is not usable"},
        {"{\"ratios\":0.5}", "\"ratios\" is not usable"},
        {"{\"ratios\":[\"0.5\"]}", "\"ratios\" is not usable"},
        {"{\"ratios\":[0.5,1.5]}", "ratio 2"},
        {"{\"ratio\":1.5}", "\"ratio\" is not usable"},
        {"{\"ratio\":1e400}", "test.json"},
        {"{\"ratio\":-1}", "\"ratio\" is not usable"},
        {"{\"ratio\":true}", "\"ratio\" is not usable"},
        {"{\"ratio\":0.5,\"block\":3}", "did you mean \"blocks\""},
        {"{\"ratio\":0.5,\"ratio\":0.6}", "duplicate key"},
        {"{\"ratio\":0.5}x", "test.json"},
        {"{\"ratio\":0.5,\"blocks\":0}", "blocks: 0"},
        {"{\"ratio\":0.5,\"blocks\":2.5}", "\"blocks\" is not usable"},
        {"{\"ratio\":0.5,\"blocks\":-1}", "\"blocks\" is not usable"},
        {"{\"ratio\":0.5,\"blocks\":true}", "\"blocks\" is not usable"},
        {"{\"ratio\":0.5,\"blocks\":[4,\"x\"]}", "\"blocks\" is not usable"},
        {"{\"ratio\":0.5,\"blocks\":[9,4]}", "boundary 4"},
        {"{\"ratio\":0.5,\"blocks\":\"banana\"}", "malformed"},
        {"{\"ratio\":0.5,\"method\":\"tie\"}", "did you mean \"ties\""},
        {"{\"ratio\":0.5,\"density\":0.5}", "density: does not belong to method linear"},
        {"{\"ratio\":0.5,\"method\":\"slerp\",\"lambda\":2}", "lambda: does not belong to method slerp"},
        {"{\"ratio\":0.5,\"method\":\"extrapolate\",\"base\":\"model\"}", "base: does not belong to method extrapolate"},
        {"{\"ratio\":0.5,\"method\":\"ties\",\"density\":1.01}", "density: 1.01 is not usable"},
        {"{\"ratio\":0.5,\"method\":\"ties\",\"density\":0}", "\"density\" is not usable"},
        {"{\"ratio\":0.5,\"method\":\"ties\",\"lambda\":-1}", "\"lambda\" is not usable"},
        {"{\"ratio\":0.5,\"method\":\"ties\",\"lambda\":4.5}", "lambda: 4.5 is not usable"},
        {"{\"ratio\":0.5,\"method\":\"ties\",\"lambda\":\"1\"}", "\"lambda\" is not usable"},
        {"{\"ratio\":0.5,\"method\":\"ties\",\"base\":\"post\"}", "base: \"post\" does not exist"},
        {"{\"ratio\":0.5,\"extra_rows\":\"both\"}", "extra_rows: \"both\" does not exist"},
        {"{\"ratio\":2.5,\"method\":\"extrapolate\"}", "\"ratio\" is not usable"},
        {"{\"ratio\":-0.5,\"method\":\"extrapolate\"}", "\"ratio\" is not usable"},
        {"{\"ratio\":1.5,\"method\":\"extrapolate\",\"tensors\":{\"a\":3}}", "a: 3 is not a ratio"},
        {"{\"ratio\":0.5,\"method\":1}", "\"method\" is not usable"},
        {"{\"ratio\":0.5,\"dtype\":\"I64\"}", "dtype"},
        {"{\"ratio\":0.5,\"dtype\":\"banana\"}", "banana"},
        {"{\"ratio\":0.5,\"seed\":-1}", "\"seed\" is not usable"},
        {"{\"ratio\":0.5,\"seed\":1e300}", "\"seed\" is not usable"},
        {"{\"ratio\":0.5,\"tensors\":[]}", "\"tensors\" is not usable"},
        {"{\"ratio\":0.5,\"tensors\":{\"a\":\"b\"}}", "\"tensors\" is not usable"},
        {"{\"ratio\":0.5,\"tensors\":{\"a\":2}}", "a: 2 is not a ratio"},
        {"{\"ratio\":0.5,\"tensors\":{\"\":0}}", "not a pattern"},
        {"{\"ratio\":0.5,\"tensors\":{\"[a\":0}}", "not a pattern"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        hma_recipe *recipe = NULL;
        assert_fails(hma_recipe_parse(&recipe, texts[i][0], strlen(texts[i][0]), 26, "test.json"), HMA_BAD_DATA, texts[i][1]);
        assert_non_null(strstr(hma_error_message(), "test.json"));
        assert_null(recipe);
    }
}

static void check_same_id(const char *a, const char *b, bool same) {
    hma_recipe *x = parse(a, 6), *y = parse(b, 6);
    if ((strcmp(hma_recipe_id(x), hma_recipe_id(y)) == 0) != same) {
        fail_msg("%s and %s: ids %s and %s", a, b, hma_recipe_id(x), hma_recipe_id(y));
    }
    assert_int_equal(strlen(hma_recipe_id(x)), 16);
    assert_int_equal(strspn(hma_recipe_id(x), "0123456789abcdef"), 16);
    hma_recipe_free(x);
    hma_recipe_free(y);
}

static void the_id_follows_what_a_recipe_does(void **state) {
    (void)state;
    check_same_id("{\"ratio\":0.1}", "{\"blocks\":3,\"ratios\":[0.1,0.1,0.1]}", true);
    check_same_id("{\"ratio\":0}", "{\"ratio\":0,\"policy\":\"linear-only\"}", true);
    /* methods that come to the same are the same candidate */
    check_same_id("{\"ratio\":0.5}", "{\"ratio\":0.5,\"method\":\"extrapolate\"}", true);
    check_same_id("{\"ratio\":0.5}", "{\"ratio\":0.5,\"method\":\"task-arithmetic\"}", true);
    check_same_id("{\"ratio\":0.5}", "{\"ratio\":0.5,\"method\":\"task-arithmetic\",\"lambda\":1.5}", false);
    check_same_id("{\"ratio\":0.5}", "{\"ratio\":0.5,\"method\":\"slerp\"}", false);
    check_same_id("{\"ratio\":1}", "{\"ratio\":1,\"method\":\"slerp\"}", true);
    check_same_id("{\"ratio\":0}", "{\"ratio\":0,\"method\":\"ties\"}", true);
    check_same_id("{\"ratio\":1}", "{\"ratio\":1,\"method\":\"ties\"}", false);
    check_same_id("{\"ratio\":0.5}", "{\"ratio\":0.5,\"method\":\"ties\",\"density\":1}", true);
    check_same_id("{\"ratio\":0.5,\"method\":\"ties\"}", "{\"ratio\":0.5,\"method\":\"ties\",\"density\":0.2}", true);
    check_same_id("{\"ratio\":0.5,\"method\":\"ties\"}", "{\"ratio\":0.5,\"method\":\"ties\",\"density\":0.3}", false);
    check_same_id("{\"ratio\":0.5,\"method\":\"ties\"}", "{\"ratio\":0.5,\"method\":\"ties\",\"base\":\"model\"}", false);
    check_same_id("{\"ratio\":0.5,\"method\":\"dare\"}", "{\"ratio\":0.5,\"method\":\"dare\",\"seed\":1}", false);
    check_same_id("{\"ratio\":0.5,\"seed\":1}", "{\"ratio\":0.5,\"seed\":2}", true);
    check_same_id("{\"ratio\":0.5}", "{\"ratio\":0.5,\"extra_rows\":\"post\"}", false);
    check_same_id("{\"ratio\":0.5}", "{\"ratio\":0.5,\"policy\":\"uniform-outside\"}", true);
    check_same_id("{\"ratio\":0.5,\"seed\":1}", "{\"ratio\":0.5,\"seed\":2}", true);
    check_same_id("{\"blocks\":2,\"ratios\":[0.1,0.2]}", "{\"blocks\":[3],\"ratios\":[0.1,0.2]}", true);
    check_same_id("{\"blocks\":2,\"ratios\":[0,1]}", "{\"blocks\":\"layers\",\"ratios\":[0,0,0,1,1,1]}", true);
    check_same_id("{\"ratio\":0.5,\"tensors\":{\"a\":1}}", "{\"ratio\":0.5,\"tensors\":{\"a\":1.0}}", true);

    check_same_id("{\"ratio\":0.1}", "{\"ratio\":0.10000000000000002}", false);
    check_same_id("{\"ratio\":1}", "{\"ratio\":1,\"policy\":\"linear-only\"}", false);
    check_same_id("{\"blocks\":2,\"ratios\":[0.1,0.2]}", "{\"blocks\":2,\"ratios\":[0.2,0.1]}", false);
    check_same_id("{\"blocks\":2,\"ratios\":[0.1,0.2]}", "{\"blocks\":2,\"ratios\":[0.1,0.2],\"policy\":\"uniform-outside\"}",
                  false);
    check_same_id("{\"ratio\":0.5}", "{\"ratio\":0.5,\"dtype\":\"F32\"}", false);
    check_same_id("{\"ratio\":0.5}", "{\"ratio\":0.5,\"rounding\":\"stochastic\"}", false);
    check_same_id("{\"ratio\":0.5,\"rounding\":\"stochastic\",\"seed\":1}",
                  "{\"ratio\":0.5,\"rounding\":\"stochastic\",\"seed\":2}", false);
    check_same_id("{\"ratio\":0.5}", "{\"ratio\":0.5,\"tensors\":{\"a\":0.5}}", false);
    check_same_id("{\"ratio\":0.5,\"tensors\":{\"a\":0,\"b*\":1}}", "{\"ratio\":0.5,\"tensors\":{\"b*\":1,\"a\":0}}", false);
}

/* Journals store ids: a change of the hashed text must not go unnoticed. The number is sha256sum of that text. */
static void the_id_stays_the_same_between_versions(void **state) {
    (void)state;
    hma_recipe *recipe = parse("{\"blocks\":3,\"ratios\":[0.4,0.7,1],\"tensors\":{\"lm_head.weight\":0.5}}", 6);
    assert_string_equal(hma_recipe_id(recipe), "beb2e889b4d94eee");
    hma_recipe_free(recipe);
}

static void a_copy_is_equal_and_independent(void **state) {
    (void)state;
    hma_recipe *recipe = parse("{\"blocks\":[2],\"ratios\":[0.25,0.75],\"tensors\":{\"a*\":1}}", 6), *copy;
    char *before, *after;
    assert_ok(hma_recipe_json(recipe, &before));
    assert_ok(hma_recipe_copy(&copy, recipe));
    hma_recipe_free(recipe);
    assert_ok(hma_recipe_json(copy, &after));
    assert_string_equal(before, after);
    hma_text_free(before);
    hma_text_free(after);
    hma_recipe_free(copy);
    hma_recipe_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_cut_as_specified),
        cmocka_unit_test(every_layer_takes_the_ratio_of_its_block),
        cmocka_unit_test(the_mean_of_equal_ratios_is_that_ratio),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(ratios_outside_zero_to_one_are_refused),
        cmocka_unit_test(other_choices_are_refused_by_name),
        cmocka_unit_test(canonical_json_reads_back_to_itself),
        cmocka_unit_test(a_merged_folders_manifest_is_accepted_as_a_recipe),
        cmocka_unit_test(hostile_json_is_refused),
        cmocka_unit_test(the_id_follows_what_a_recipe_does),
        cmocka_unit_test(the_id_stays_the_same_between_versions),
        cmocka_unit_test(a_copy_is_equal_and_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
