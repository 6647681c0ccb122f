/* Candidates: grids, levels, files, labels, and the blocks in which their ratios are told. */
#include "run_by_hand.h"

typedef struct fixture {
    char folder[512]; /* temporary */
    char run_folder[600];
    hma_context *context;
    hma_run *run;
    hand_scorer scorer;
} fixture;

static void begin(fixture *f, const hma_recipe_spec *recipe) {
    hma_facts facts;
    assert_ok(make_hand_facts(&facts));
    hma_run_close(f->run);
    f->run = NULL;
    assert_ok(begin_by_hand_with(&f->run, f->context, f->run_folder, &facts, recipe, &f->scorer));
    hma_facts_free(&facts);
}

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    open_place(f->folder, &f->context, 1);
    (void)snprintf(f->run_folder, sizeof f->run_folder, "%s/run", f->folder);
    const hma_recipe_spec recipe = hand_recipe("3");
    begin(f, &recipe);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    hma_run_close(f->run);
    close_place(f->folder, f->context);
    free(f);
    return 0;
}

/* The labels of all candidates behind pre and post, with spaces between. */
static const char *labels(const hma_run *run) {
    static char text[4096];
    size_t length = 0;
    text[0] = 0;
    for (size_t i = 2; i < hma_run_candidate_count(run); i++) {
        length +=
            (size_t)snprintf(text + length, sizeof text - length, "%s%s", i > 2 ? " " : "", hma_run_candidate(run, i)->label);
    }
    return text;
}

/* ---- grids ---- */

static void grid_points_are_the_decimals_that_a_user_would_type(void **state) {
    fixture *f = *state;
    assert_ok(hma_run_add_grid(f->run, "0:1:0.1"));
    assert_string_equal(labels(f->run), "0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9"); /* 0 and 1 are pre and post */
    for (size_t i = 2; i < hma_run_candidate_count(f->run); i++) {
        const hma_candidate *candidate = hma_run_candidate(f->run, i);
        const double typed = strtod(candidate->label, NULL);
        hma_recipe *recipe;
        hma_recipe_spec spec = hand_recipe(NULL);
        spec.ratios = &typed;
        spec.ratio_count = 1;
        assert_ok(hma_recipe_new(&recipe, &spec));
        assert_string_equal(candidate->id, hma_recipe_id(recipe));
        assert_int_equal(candidate->origin, HMA_ORIGIN_GRID);
        hma_recipe_free(recipe);
    }
}

static void grids_include_their_end_where_steps_reach_it(void **state) {
    fixture *f = *state;
    assert_ok(hma_run_add_grid(f->run, "0.25:0.75:.25"));
    assert_ok(hma_run_add_grid(f->run, "0.1:0.95:0.4"));
    assert_ok(hma_run_add_grid(f->run, "0.3:0.3:1"));
    assert_ok(hma_run_add_grid(f->run, "0:1:1"));
    assert_ok(hma_run_add_grid(f->run, "0.001:0.002:0.001"));
    assert_string_equal(labels(f->run), "0.25 0.5 0.75 0.1 0.9 0.3 0.001 0.002");
}

static void grids_that_make_no_sense_are_refused(void **state) {
    fixture *f = *state;
    static const char *const bad[] = {
        "",      "0:1",      "0:1:0",    "1:0:0.1", "0:1.1:0.1", "-0.1:1:0.1", "0:1:0.1:2", "0:1:x",
        "a:b:c", "0:1:1e-1", "0:1: 0.1", "0::0.1",  ".:1:0.1",   "0..1:1:0.1", "0:1:-1",    "0:1:0.00000000000000001"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_fails(hma_run_add_grid(f->run, bad[i]), HMA_USAGE, "expected FROM:TO:STEP");
    }
    assert_fails(hma_run_add_grid(f->run, "0:1:0.000001"), HMA_USAGE, "has more than 100000 points");
    assert_int_equal(hma_run_candidate_count(f->run), 2); /* all or none */
    assert_ok(hma_run_add_grid(f->run, "0:1:0.5"));
    assert_string_equal(labels(f->run), "0.5");
}

/* ---- levels ---- */

static void levels_are_combined_over_the_blocks_the_first_slowest(void **state) {
    fixture *f = *state;
    assert_ok(hma_run_add_levels(f->run, "0,1"));
    assert_string_equal(labels(f->run), "0/0/1 0/1/0 0/1/1 1/0/0 1/0/1 1/1/0");
    const hma_recipe *recipe = hma_run_candidate(f->run, 2)->recipe;
    assert_int_equal(hma_recipe_blocks(recipe), 3);
    assert_near(hma_recipe_layer_ratio(recipe, 3), 0, 0);
    assert_near(hma_recipe_layer_ratio(recipe, 4), 1, 0);
    assert_ok(hma_run_add_levels(f->run, "0.40,0.4,0.70"));
    assert_int_equal(hma_run_candidate_count(f->run), 8 + 8); /* 0.40 and 0.4 are one level */
}

static void levels_that_make_no_sense_are_refused(void **state) {
    fixture *f = *state;
    static const char *const bad[] = {"",
                                      ",",
                                      "0,",
                                      "0,,1",
                                      "0,1.5",
                                      "-0.1",
                                      "0;1",
                                      "nan",
                                      "0,0x1",
                                      "0,1e999",
                                      "0.00000000000000000000000000000000000000001"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_fails(hma_run_add_levels(f->run, bad[i]), HMA_USAGE, "expected ratios from 0 to 1");
    }
    char many[600] = "0";
    for (size_t i = 1; i < 60; i++) {
        (void)snprintf(many + strlen(many), sizeof many - strlen(many), ",0.%02zu", i);
    }
    assert_fails(hma_run_add_levels(f->run, many), HMA_USAGE, "more than 100000 combinations over 3 blocks");
    assert_int_equal(hma_run_candidate_count(f->run), 2);
}

/* ---- files ---- */

static hma_status add_text(fixture *f, const char *text) {
    const char *path = in_folder(f->folder, "candidates.jsonl");
    assert_ok(hma_file_store(path, text, strlen(text)));
    return hma_run_add_file(f->run, path);
}

static void lines_take_from_the_run_what_they_leave_out(void **state) {
    fixture *f = *state;
    const char *overrides[] = {"*.k_proj.weight=0.25"};
    hma_recipe_spec recipe = hand_recipe("2,3");
    recipe.policy = HMA_POLICY_UNIFORM_OUTSIDE;
    recipe.rounding = HMA_ROUND_STOCHASTIC;
    recipe.dtype = HMA_F32;
    recipe.seed = 9007199254740991u;
    recipe.overrides = overrides;
    recipe.override_count = 1;
    begin(f, &recipe);
    assert_ok(add_text(f,
                       "{\"ratios\":[0.1,0.2,0.30000000000000004],\"label\":\"mine\"}\n"
                       "\r\n"
                       "  {\"ratio\": 0.5, \"policy\":\"linear-only\", \"tensors\":{}, \"dtype\":\"BF16\", \"blocks\":null}\r\n"
                       "{\"ratios\":[1,0],\"blocks\":[5],\"label\":\"ends \\u00e9\"}"));
    assert_string_equal(labels(f->run), "mine 0.5 ends \xC3\xA9");
    const hma_recipe *mine = hma_run_candidate(f->run, 2)->recipe, *half = hma_run_candidate(f->run, 3)->recipe;
    assert_int_equal(hma_recipe_block_start(mine, 1), 2);
    assert_int_equal(hma_recipe_block_start(mine, 2), 3);
    assert_near(hma_recipe_block_ratio(mine, 2), 0.30000000000000004, 0);
    assert_int_equal(hma_recipe_policy(mine), HMA_POLICY_UNIFORM_OUTSIDE);
    assert_int_equal(hma_recipe_rounding(mine), HMA_ROUND_STOCHASTIC);
    assert_int_equal(hma_recipe_dtype(mine), HMA_F32);
    assert_true(hma_recipe_seed(mine) == 9007199254740991u);
    const hma_tensor key = {.name = "model.layers.0.self_attn.k_proj.weight", .dtype = HMA_F32, .rank = 2};
    assert_near(hma_recipe_tensor_ratio(mine, &key, false), 0.25, 0);
    assert_near(hma_recipe_tensor_ratio(half, &key, false), 0.5, 0);
    assert_int_equal(hma_recipe_policy(half), HMA_POLICY_LINEAR_ONLY);
    assert_int_equal(hma_recipe_dtype(half), HMA_BF16);
    assert_int_equal(hma_recipe_blocks(half), 3);
    assert_int_equal(hma_recipe_blocks(hma_run_candidate(f->run, 4)->recipe), 2);
    assert_int_equal(hma_run_candidate(f->run, 4)->origin, HMA_ORIGIN_EXTRA);
}

static void without_blocks_of_the_run_the_ratios_say_how_many(void **state) {
    fixture *f = *state;
    const hma_recipe_spec recipe = hand_recipe(NULL);
    hma_run_close(f->run);
    f->run = NULL;
    assert_ok(hma_folder_remove(f->run_folder));
    begin(f, &recipe);
    assert_ok(add_text(f, "{\"ratios\":[0.1,0.2]}\n{\"ratios\":[0.1,0.2,0.3]}\n{\"ratio\":0.6}\n"));
    assert_string_equal(labels(f->run), "0.1/0.2 0.1/0.2/0.3 0.6");
}

static void broken_lines_are_named_and_nothing_is_added(void **state) {
    fixture *f = *state;
    static const struct {
        const char *line, *message;
    } bad[] = {
        {"{\"ratios\":[0.1,0.2]}", "line 2"},
        {"{\"ratios\":[0.1,0.2,1.5]}", "line 2"},
        {"{\"ratios\":[0.1,0.2,NaN]}", "line 2"},
        {"{\"rations\":[0.1,0.2,0.3]}", "line 2"},
        {"{\"ratio\":0.1,\"ratio\":0.2}", "line 2"},
        {"{\"ratio\":0.1} {}", "line 2"},
        {"{\"ratio\":0.1", "line 2"},
        {"[0.1]", "is not an object"},
        {"{\"ratio\":0.1,\"label\":3}", "label"},
        {"{\"ratio\":0.1,\"label\":\"\"}", "1 to 200 bytes"},
        {"{\"ratio\":0.1,\"label\":\"a\\u001bb\"}", "1 to 200 bytes"},
        {"{\"ratio\":0.1,\"label\":\"post\"}", "belongs to another candidate"},
        {"{\"ratio\":0.1,\"method\":\"linaer\"}", "linear"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "{\"ratio\":0.3}\n%s\n", bad[i].line);
        assert_fails(add_text(f, text), HMA_BAD_DATA, bad[i].message);
        assert_non_null(strstr(hma_error_message(), "candidates.jsonl: line 2"));
        assert_int_equal(hma_run_candidate_count(f->run), 2);
    }
    assert_fails(hma_run_add_file(f->run, in_folder(f->folder, "none")), HMA_IO, "none");
    assert_int_equal(query_journal(f->run_folder, "SELECT count(*) FROM candidate"), 2);
    assert_ok(add_text(f, "{\"ratio\":0.3}\n"));
    assert_string_equal(labels(f->run), "0.3");
}

/* ---- labels ---- */

static void recipes_with_the_same_ratios_get_different_labels(void **state) {
    fixture *f = *state;
    assert_ok(add_text(f, "{\"ratio\":0.3}\n{\"ratio\":0.3,\"policy\":\"linear-only\"}\n{\"ratios\":[0.3,0.3,0.3]}\n"));
    assert_int_equal(hma_run_candidate_count(f->run), 4); /* three equal ratios are one */
    const hma_candidate *second = hma_run_candidate(f->run, 3);
    char expected[64];
    (void)snprintf(expected, sizeof expected, "0.3 (%s)", second->id);
    assert_string_equal(second->label, expected);
}

static void labels_have_every_digit_and_come_once_for_a_recipe(void **state) {
    fixture *f = *state;
    hma_recipe *recipe;
    double ratios[HAND_LAYERS];
    for (size_t i = 0; i < HAND_LAYERS; i++) {
        ratios[i] = 1 / (3 + (double)i);
    }
    hma_recipe_spec spec = hand_recipe("layers");
    spec.ratios = ratios;
    spec.ratio_count = HAND_LAYERS;
    assert_ok(hma_recipe_new(&recipe, &spec));
    assert_ok(hma_run_add(f->run, recipe, HMA_ORIGIN_SEARCH, NULL));
    assert_string_equal(hma_run_candidate(f->run, 2)->label,
                        "0.3333333333333333/0.25/0.2/0.16666666666666666/0.14285714285714285/0.125");
    assert_ok(hma_run_add(f->run, recipe, HMA_ORIGIN_SEARCH, "x")); /* the same recipe again is no error, whatever its label */
    assert_int_equal(hma_run_candidate_count(f->run), 3);
    hma_recipe_free(recipe);
}

static void recipes_for_another_depth_are_refused(void **state) {
    fixture *f = *state;
    hma_recipe *recipe;
    const double ratio = 0.5;
    hma_recipe_spec spec = hand_recipe(NULL);
    spec.layers = HAND_LAYERS + 1;
    spec.ratios = &ratio;
    spec.ratio_count = 1;
    assert_ok(hma_recipe_new(&recipe, &spec));
    assert_fails(hma_run_add(f->run, recipe, HMA_ORIGIN_SEARCH, NULL), HMA_USAGE, "is for 7 layers (expected 6");
    hma_recipe_free(recipe);
}

/* ---- blocks ---- */

static void all_ratios_can_be_written_in_the_blocks_of_the_run(void **state) {
    fixture *f = *state;
    assert_ok(hma_run_add_grid(f->run, "0.5:0.5:1"));
    assert_int_equal(hma_run_blocks(f->run), 3);
    assert_int_equal(hma_run_block_start(f->run, 2), 4);
    assert_ok(add_text(f, "{\"ratios\":[0.2],\"blocks\":1}\n"));
    assert_int_equal(hma_run_blocks(f->run), 3); /* one block fits into any structure */
    assert_near(hma_run_ratio(f->run, 3, 1), 0.2, 0);
    assert_ok(add_text(f, "{\"ratios\":[0.1,0.9],\"blocks\":[3]}\n"));
    assert_int_equal(hma_run_blocks(f->run),
                     HAND_LAYERS); /* layers 0-1, 2-3, 4-5 and 0-2, 3-5 have no other structure in common */
    for (size_t block = 0; block < HAND_LAYERS; block++) {
        assert_int_equal(hma_run_block_start(f->run, block), block);
        assert_near(hma_run_ratio(f->run, 4, block), block < 3 ? 0.1 : 0.9, 0);
        assert_near(hma_run_ratio(f->run, 2, block), 0.5, 0);
    }
}

static void a_resumed_run_has_the_same_blocks_and_labels(void **state) {
    fixture *f = *state;
    const hma_recipe_spec recipe = hand_recipe("3");
    assert_ok(hma_run_add_levels(f->run, "0,1"));
    begin(f, &recipe);
    assert_string_equal(labels(f->run), "0/0/1 0/1/0 0/1/1 1/0/0 1/0/1 1/1/0");
    assert_int_equal(hma_run_blocks(f->run), 3);
    assert_ok(hma_run_add_levels(f->run, "0,1"));
    assert_int_equal(hma_run_candidate_count(f->run), 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(grid_points_are_the_decimals_that_a_user_would_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(grids_include_their_end_where_steps_reach_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(grids_that_make_no_sense_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(levels_are_combined_over_the_blocks_the_first_slowest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(levels_that_make_no_sense_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_take_from_the_run_what_they_leave_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_blocks_of_the_run_the_ratios_say_how_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_lines_are_named_and_nothing_is_added, set_up, tear_down),
        cmocka_unit_test_setup_teardown(recipes_with_the_same_ratios_get_different_labels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(labels_have_every_digit_and_come_once_for_a_recipe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(recipes_for_another_depth_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_ratios_can_be_written_in_the_blocks_of_the_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_resumed_run_has_the_same_blocks_and_labels, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("search: candidates", tests, NULL, NULL);
}
