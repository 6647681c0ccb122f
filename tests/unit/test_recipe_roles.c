/* Which tensor is what, by name, and which ratio it takes under the three policies and under overrides. */
#include "testing.h"

#include "merge/glob.h"
#include "merge/overrides.h"
#include "merge/roles.h"

#include "hma/recipe.h"

static void roles_follow_from_the_names_of_many_architectures(void **state) {
    (void)state;
    enum { NONE = 999 };
    static const struct {
        const char *name;
        size_t rank;
        hma_place place;
        size_t layer;
        bool matrix;
        hma_tensor_kind kind;
    } cases[] = {
        /* Llama and its kin */
        {"model.embed_tokens.weight", 2, HMA_PLACE_EMBEDDING, NONE, false, HMA_KIND_EMBEDDING},
        {"model.layers.0.self_attn.q_proj.weight", 2, HMA_PLACE_LAYER, 0, true, HMA_KIND_ATTENTION},
        {"model.layers.31.self_attn.q_proj.bias", 1, HMA_PLACE_LAYER, 31, false, HMA_KIND_ATTENTION},
        {"model.layers.7.self_attn.q_norm.weight", 1, HMA_PLACE_LAYER, 7, false, HMA_KIND_NORM},
        {"model.layers.12.mlp.down_proj.weight", 2, HMA_PLACE_LAYER, 12, true, HMA_KIND_MLP},
        {"model.layers.3.mlp.experts.7.gate_proj.weight", 2, HMA_PLACE_LAYER, 3, true, HMA_KIND_MLP},
        {"model.layers.3.input_layernorm.weight", 1, HMA_PLACE_LAYER, 3, false, HMA_KIND_NORM},
        {"model.layers.3.post_attention_layernorm.weight", 1, HMA_PLACE_LAYER, 3, false, HMA_KIND_NORM},
        {"model.norm.weight", 1, HMA_PLACE_FINAL_NORM, NONE, false, HMA_KIND_NORM},
        {"lm_head.weight", 2, HMA_PLACE_HEAD, NONE, false, HMA_KIND_HEAD},
        {"score.weight", 2, HMA_PLACE_SCORE, NONE, false, HMA_KIND_HEAD},
        {"layers.3.mlp.up_proj.weight", 2, HMA_PLACE_LAYER, 3, true, HMA_KIND_MLP},
        /* GPT-2, with and without its prefix; its matrices are [in, out] */
        {"transformer.wte.weight", 2, HMA_PLACE_EMBEDDING, NONE, false, HMA_KIND_EMBEDDING},
        {"wpe.weight", 2, HMA_PLACE_EMBEDDING, NONE, false, HMA_KIND_EMBEDDING},
        {"transformer.h.3.attn.c_attn.weight", 2, HMA_PLACE_LAYER, 3, true, HMA_KIND_ATTENTION},
        {"h.3.attn.c_proj.bias", 1, HMA_PLACE_LAYER, 3, false, HMA_KIND_ATTENTION},
        {"h.11.ln_1.bias", 1, HMA_PLACE_LAYER, 11, false, HMA_KIND_NORM},
        {"h.11.mlp.c_fc.weight", 2, HMA_PLACE_LAYER, 11, true, HMA_KIND_MLP},
        {"transformer.ln_f.weight", 1, HMA_PLACE_FINAL_NORM, NONE, false, HMA_KIND_NORM},
        /* GPT-NeoX */
        {"gpt_neox.embed_in.weight", 2, HMA_PLACE_EMBEDDING, NONE, false, HMA_KIND_EMBEDDING},
        {"gpt_neox.layers.2.attention.query_key_value.weight", 2, HMA_PLACE_LAYER, 2, true, HMA_KIND_ATTENTION},
        {"gpt_neox.layers.2.mlp.dense_h_to_4h.bias", 1, HMA_PLACE_LAYER, 2, false, HMA_KIND_MLP},
        {"gpt_neox.final_layer_norm.bias", 1, HMA_PLACE_FINAL_NORM, NONE, false, HMA_KIND_NORM},
        {"embed_out.weight", 2, HMA_PLACE_HEAD, NONE, false, HMA_KIND_HEAD},
        /* OPT: a norm of the same name inside and outside the layers */
        {"model.decoder.embed_positions.weight", 2, HMA_PLACE_EMBEDDING, NONE, false, HMA_KIND_EMBEDDING},
        {"model.decoder.layers.1.final_layer_norm.weight", 1, HMA_PLACE_LAYER, 1, false, HMA_KIND_NORM},
        {"model.decoder.final_layer_norm.weight", 1, HMA_PLACE_FINAL_NORM, NONE, false, HMA_KIND_NORM},
        {"model.decoder.layers.1.fc1.weight", 2, HMA_PLACE_LAYER, 1, true, HMA_KIND_MLP},
        {"model.decoder.project_in.weight", 2, HMA_PLACE_OTHER, NONE, false, HMA_KIND_OTHER},
        /* multimodal: the layers of the tower are not the language model's */
        {"language_model.model.layers.5.self_attn.o_proj.weight", 2, HMA_PLACE_LAYER, 5, true, HMA_KIND_ATTENTION},
        {"model.language_model.embed_tokens.weight", 2, HMA_PLACE_EMBEDDING, NONE, false, HMA_KIND_EMBEDDING},
        {"vision_tower.encoder.layers.5.mlp.fc1.weight", 2, HMA_PLACE_OTHER, NONE, false, HMA_KIND_OTHER},
        /* numbers that are no layers */
        {"0.weight", 2, HMA_PLACE_OTHER, NONE, false, HMA_KIND_OTHER},
        {"model.layers.9", 2, HMA_PLACE_OTHER, NONE, false, HMA_KIND_OTHER},
        {"model.layers.12345678.mlp.up_proj.weight", 2, HMA_PLACE_OTHER, NONE, false, HMA_KIND_OTHER},
        {"", 1, HMA_PLACE_OTHER, NONE, false, HMA_KIND_OTHER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const hma_role role = hma_role_of(cases[i].name, cases[i].rank);
        const size_t layer = role.place == HMA_PLACE_LAYER ? role.layer : NONE;
        const bool same_place = role.place == cases[i].place && layer == cases[i].layer;
        if (!same_place || role.matrix != cases[i].matrix || role.kind != cases[i].kind) {
            fail_msg("%s: place %d, layer %zu, matrix %d, kind %d", cases[i].name, (int)role.place, layer, role.matrix,
                     (int)role.kind);
        }
    }
}

static hma_recipe *recipe_with(hma_policy policy, const char *const *overrides, size_t override_count) {
    static const double ratios[] = {0.1, 0.5, 0.9};
    hma_recipe_spec spec = hma_recipe_spec_default();
    hma_recipe *recipe;
    spec.policy = policy;
    spec.layers = 3;
    spec.blocks = "layers";
    spec.ratios = ratios;
    spec.ratio_count = 3;
    spec.overrides = overrides;
    spec.override_count = override_count;
    assert_ok(hma_recipe_new(&recipe, &spec));
    return recipe;
}

static double ratio_of(const hma_recipe *recipe, const char *name, size_t rank, bool tied) {
    const hma_tensor tensor = {.name = name, .dtype = HMA_BF16, .rank = rank};
    return hma_recipe_tensor_ratio(recipe, &tensor, tied);
}

static void policies_decide_about_everything_but_the_matrices(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t rank;
        bool tied;
        double full, linear_only, uniform_outside;
    } cases[] = {
        {"model.embed_tokens.weight", 2, false, 0.1, 0, 0.5},
        {"model.layers.0.self_attn.q_proj.weight", 2, false, 0.1, 0.1, 0.1},
        {"model.layers.1.self_attn.q_proj.bias", 1, false, 0.5, 0, 0.5},
        {"model.layers.2.input_layernorm.weight", 1, false, 0.9, 0, 0.9},
        {"model.layers.2.mlp.up_proj.weight", 2, false, 0.9, 0.9, 0.9},
        {"model.norm.weight", 1, false, 0.5, 0, 0.5},
        {"lm_head.weight", 2, false, 0.5, 0.5, 0.5},
        {"lm_head.weight", 2, true, 0.1, 0, 0.5},
        {"score.weight", 2, true, 0.5, 0.5, 0.5},
        {"model.projector.weight", 2, false, 0.5, 0, 0.5},
    };
    hma_recipe *full = recipe_with(HMA_POLICY_FULL, NULL, 0), *linear_only = recipe_with(HMA_POLICY_LINEAR_ONLY, NULL, 0);
    hma_recipe *uniform_outside = recipe_with(HMA_POLICY_UNIFORM_OUTSIDE, NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(ratio_of(full, cases[i].name, cases[i].rank, cases[i].tied) == cases[i].full);
        assert_true(ratio_of(linear_only, cases[i].name, cases[i].rank, cases[i].tied) == cases[i].linear_only);
        assert_true(ratio_of(uniform_outside, cases[i].name, cases[i].rank, cases[i].tied) == cases[i].uniform_outside);
    }
    hma_recipe_free(full);
    hma_recipe_free(linear_only);
    hma_recipe_free(uniform_outside);
}

static void the_last_override_that_matches_wins(void **state) {
    (void)state;
    static const char *const overrides[] = {"*.weight=0.2", "model.layers.[01].*=0.3", "*.weight=0.25", "*mlp*=1"};
    hma_recipe *recipe = recipe_with(HMA_POLICY_FULL, overrides, 4);
    assert_true(ratio_of(recipe, "model.norm.weight", 1, false) == 0.25);
    assert_true(ratio_of(recipe, "model.layers.0.self_attn.q_proj.weight", 2, false) == 0.25);
    assert_true(ratio_of(recipe, "model.layers.1.self_attn.q_proj.bias", 1, false) == 0.3);
    assert_true(ratio_of(recipe, "model.layers.2.self_attn.q_proj.bias", 1, false) == 0.9);
    assert_true(ratio_of(recipe, "model.layers.1.mlp.up_proj.weight", 2, false) == 1);
    hma_recipe_free(recipe);
}

static void malformed_overrides_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"", "=", "=0.5", "a", "a=", "a=x", "a=1.5", "a=nan", "a=-1", "[=0.5", "a[]=0.5",
                                      "a[z-a]=0.5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hma_overrides overrides = {0};
        assert_int_equal(hma_overrides_add_text(&overrides, bad[i], 1), HMA_USAGE);
        assert_int_equal(overrides.count, 0);
        hma_overrides_free(&overrides);
    }
}

static void patterns_are_limited_in_number(void **state) {
    (void)state;
    hma_overrides overrides = {0};
    char text[32];
    for (size_t i = 0; i < HMA_MAX_OVERRIDES; i++) {
        (void)snprintf(text, sizeof text, "tensor.%zu=0.5", i);
        assert_ok(hma_overrides_add_text(&overrides, text, 1));
    }
    assert_fails(hma_overrides_add_text(&overrides, "one.more=0.5", 1), HMA_USAGE, "too many patterns");
    hma_overrides_free(&overrides);
}

static void globs_match_whole_names(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        {"a", "a", true},         {"a", "ab", false},           {"*", "", true},          {"*", "a.b/c", true},
        {"?", "", false},         {"?", "\xc3\xa9", true},      {"??", "\xc3\xa9", false}, {"a*c", "abcbc", true},
        {"a*c", "abcb", false},   {"**a", "bca", true},         {"[abc]", "b", true},     {"[!abc]", "b", false},
        {"[!abc]", "d", true},    {"l.[0-3].w", "l.2.w", true}, {"l.[0-3].w", "l.4.w", false}, {"[]]", "]", true},
        {"[a-]", "-", true},      {"\\*", "\\abc", true},       {"\\*", "*", false},      {"*.weight", ".weight", true},
        {"*ab", "aab", true},     {"A", "a", false},            {"*?", "", false},        {"*?", "x", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(hma_glob_is_valid(cases[i].pattern));
        if (hma_glob_matches(cases[i].pattern, cases[i].name) != cases[i].matches) {
            fail_msg("\"%s\" and \"%s\": expected %d", cases[i].pattern, cases[i].name, cases[i].matches);
        }
    }
    static const char *const invalid[] = {"", "[", "[a", "[]", "[!]", "a[b-", "[b-a]", "\xff"};
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) {
        assert_false(hma_glob_is_valid(invalid[i]));
    }
}

/* A matcher that tries every split at every '*' would not end. */
static void many_stars_take_no_time(void **state) {
    (void)state;
    char pattern[201], name[2001];
    for (size_t i = 0; i < 200; i += 2) {
        memcpy(pattern + i, "*a", 2);
    }
    pattern[200] = 0;
    memset(name, 'a', 2000);
    name[2000] = 0;
    assert_true(hma_glob_matches(pattern, name));
    name[1999] = 'b';
    assert_false(hma_glob_matches(pattern, name));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_follow_from_the_names_of_many_architectures),
        cmocka_unit_test(policies_decide_about_everything_but_the_matrices),
        cmocka_unit_test(the_last_override_that_matches_wins),
        cmocka_unit_test(malformed_overrides_are_refused),
        cmocka_unit_test(patterns_are_limited_in_number),
        cmocka_unit_test(globs_match_whole_names),
        cmocka_unit_test(many_stars_take_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
