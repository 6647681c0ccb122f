/* Vocabularies of different sizes: which rows are merged, whose the others are, and what is refused. */
#include "merge_models.h"

#include "base/file.h"

#define EMBEDDING "model.embed_tokens.weight"

/* The standard tensors with so many rows of the vocabulary, and an untied head. */
static char *write_rows(const char *parent, const char *name, double spread, size_t rows, const char *tokens) {
    test_tensor tensors[LLAMA_TENSORS + 1];
    char shape[32], config[1024];
    memcpy(tensors, llama_tensors, sizeof llama_tensors);
    (void)snprintf(shape, sizeof shape, "[%zu,4]", rows);
    tensors[0].shape = shape;
    tensors[0].elements = 4 * rows;
    tensors[LLAMA_TENSORS] = (test_tensor){"lm_head.weight", "BF16", shape, 4 * rows};
    (void)snprintf(config, sizeof config,
                   "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",\"hidden_size\":4,"
                   "\"num_hidden_layers\":2,\"num_attention_heads\":2,\"vocab_size\":%zu,\"tie_word_embeddings\":false}",
                   rows);
    char *folder = write_tensors(parent, name, config, spread, tensors, LLAMA_TENSORS + 1, NULL, 0);
    if (tokens) {
        write_bytes(folder, "tokenizer.json", tokens, strlen(tokens));
    }
    return folder;
}

static test_pair pair_of(const char *parent, size_t pre_rows, size_t post_rows, const char *pre_tokens,
                         const char *post_tokens) {
    return open_pair(write_rows(parent, "pre", 0, pre_rows, pre_tokens),
                     write_rows(parent, "post", 0.3, post_rows, post_tokens));
}

static void check_refused(const test_pair *pair, const char *recipe_json, const char *message) {
    hma_recipe *recipe = parse_recipe(recipe_json);
    hma_source *source = NULL;
    assert_fails(hma_source_merged(&source, pair->pre, pair->post, recipe), HMA_INCOMPATIBLE, message);
    assert_null(source);
    hma_recipe_free(recipe);
}

/* Common rows as the merge of the same tensor cut to them, the others bit for bit the donor's. */
static void check_rows(const test_pair *pair, const char *name, const char *recipe_json, const hma_checkpoint *donor) {
    hma_source *source = merge(pair, recipe_json);
    const hma_tensor *tensor = hma_source_find(source, name), *of_donor = hma_checkpoint_find(donor, name);
    const hma_tensor *pre = hma_checkpoint_find(pair->pre, name), *post = hma_checkpoint_find(pair->post, name);
    const size_t common = (size_t)(pre->elements < post->elements ? pre->elements : post->elements);
    uint16_t x[64], y[64], d[64], *merged = read_tensor(source, name);
    assert_int_equal(tensor->elements, of_donor->elements);
    assert_int_equal(tensor->shape[0], of_donor->shape[0]);
    assert_int_equal(tensor->bytes, 2 * tensor->elements);
    assert_ok(hma_checkpoint_read(pair->pre, pre, 0, common, x));
    assert_ok(hma_checkpoint_read(pair->post, post, 0, common, y));
    assert_ok(hma_checkpoint_read(donor, of_donor, 0, of_donor->elements, d));
    for (size_t i = 0; i < common; i++) {
        const double exact = 0.75 * (double)hma_bf16_widen(x[i]) + 0.25 * (double)hma_bf16_widen(y[i]);
        assert_int_equal(merged[i], hma_odd_to_bf16(hma_round_to_odd(exact)));
    }
    for (size_t i = common; i < tensor->elements; i++) {
        assert_int_equal(merged[i], d[i]);
        uint16_t single; /* read by itself, and across the border */
        assert_ok(hma_source_read(source, tensor, i, 1, &single));
        assert_int_equal(single, d[i]);
    }
    uint16_t across[4];
    assert_ok(hma_source_read(source, tensor, common - 2, 4, across));
    assert_memory_equal(across, merged + common - 2, sizeof across);
    assert_ptr_equal(hma_source_described_by(source), donor);
    free(merged);
    hma_source_free(source);
}

static void common_rows_are_merged_and_the_others_are_the_donors(void **state) {
    const test_folder *folder = *state;
    test_pair grown = pair_of(folder->path, 8, 10, NULL, NULL);
    check_rows(&grown, EMBEDDING, "{\"ratio\":0.25,\"extra_rows\":\"post\"}", grown.post);
    check_rows(&grown, "lm_head.weight", "{\"ratio\":0.25,\"extra_rows\":\"post\"}", grown.post);
    close_pair(&grown);
    test_pair cut = pair_of(folder->path, 11, 8, NULL, NULL);
    check_rows(&cut, EMBEDDING, "{\"ratio\":0.25,\"extra_rows\":\"pre\"}", cut.pre);
    check_rows(&cut, "lm_head.weight", "{\"ratio\":0.25,\"extra_rows\":\"pre\"}", cut.pre);
    close_pair(&cut);
}

static void without_a_donor_or_with_the_wrong_one_it_is_refused(void **state) {
    const test_folder *folder = *state;
    test_pair pair = pair_of(folder->path, 8, 10, NULL, NULL);
    check_refused(&pair, "{\"ratio\":0.25}", "--extra-rows post");
    check_refused(&pair, "{\"ratio\":0.25,\"extra_rows\":\"pre\"}", "take them from post");
    close_pair(&pair);
}

static void equal_vocabularies_are_merged_as_without(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, NULL, 0);
    hma_source *with = merge(&pair, "{\"ratio\":0.25,\"extra_rows\":\"post\"}"), *without = merge(&pair, "{\"ratio\":0.25}");
    for (size_t i = 0; i < LLAMA_TENSORS; i++) {
        void *a = read_tensor(with, llama_tensors[i].name), *b = read_tensor(without, llama_tensors[i].name);
        assert_memory_equal(a, b, hma_source_find(with, llama_tensors[i].name)->bytes);
        free(a);
        free(b);
    }
    hma_source_free(with);
    hma_source_free(without);
    close_pair(&pair);
}

#define TOKENS(vocabulary, added, more)                                                                                        \
    "{\"version\":\"1.0\",\"added_tokens\":[" added "]," more "\"model\":{\"type\":\"BPE\","                                   \
    "\"vocab\":{" vocabulary "},\"merges\":[]}}"
#define EIGHT "\"a\":0,\"b\":1,\"c\":2,\"d\":3,\"e\":4,\"f\":5,\"g\":6,\"h\":7"
#define PAD "{\"id\":8,\"content\":\"<pad>\",\"special\":true}"

static void tokens_of_the_common_rows_must_be_the_same(void **state) {
    const test_folder *folder = *state;
    static const struct {
        const char *pre, *post, *problem;
    } cases[] = {
        {TOKENS(EIGHT, "", ""), TOKENS(EIGHT, PAD, ""), NULL},
        {TOKENS(EIGHT, "", ""), TOKENS(EIGHT ",\"i\":8,\"j\":9", "", ""), NULL},
        /* a token that stands in another list is the same token */
        {TOKENS(EIGHT, "", ""), TOKENS(EIGHT, PAD ",{\"id\":7,\"content\":\"h\"}", ""), NULL},
        {TOKENS(EIGHT, "", ""), TOKENS("\"a\":0,\"b\":1,\"c\":2,\"d\":3,\"e\":4,\"f\":5,\"h\":6,\"g\":7", PAD, ""),
         "model.vocab"},
        {TOKENS(EIGHT, "", ""), TOKENS(EIGHT, PAD ",{\"id\":0,\"content\":\"<s>\"}", ""), "added_tokens"},
        {TOKENS(EIGHT, "", ""), TOKENS(EIGHT, PAD, "\"normalizer\":{\"type\":\"NFC\"},"), "in normalizer"},
        {TOKENS(EIGHT, "", ""), "{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"x\",0]]}}", "model.vocab"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_pair pair = pair_of(folder->path, 8, 10, cases[i].pre, cases[i].post);
        if (cases[i].problem) {
            check_refused(&pair, "{\"ratio\":0.5,\"extra_rows\":\"post\"}", cases[i].problem);
        } else {
            hma_source_free(merge(&pair, "{\"ratio\":0.5,\"extra_rows\":\"post\"}"));
        }
        close_pair(&pair);
    }
}

static void broken_tokenizers_are_refused(void **state) {
    const test_folder *folder = *state;
    static const char *const broken[] = {
        "[]",
        "{\"model\":{\"vocab\":{\"a\":-1}}}",
        "{\"model\":{\"vocab\":[[1,2]]}}",
        "{\"added_tokens\":[{\"id\":\"x\"}]}",
        "{\"model\":{\"vocab\":{\"a\":1}",
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        test_pair pair = pair_of(folder->path, 8, 10, TOKENS(EIGHT, "", ""), broken[i]);
        hma_recipe *recipe = parse_recipe("{\"ratio\":0.5,\"extra_rows\":\"post\"}");
        hma_source *source = NULL;
        assert_fails(hma_source_merged(&source, pair.pre, pair.post, recipe), HMA_BAD_DATA, "tokenizer.json");
        hma_recipe_free(recipe);
        close_pair(&pair);
    }
}

static void a_folder_with_extra_rows_has_config_and_tokenizer_of_their_donor(void **state) {
    const test_folder *folder = *state;
    test_pair pair = pair_of(folder->path, 10, 8, TOKENS(EIGHT, PAD, ""), TOKENS(EIGHT, "", ""));
    hma_source *source = merge(&pair, "{\"ratio\":0.5,\"extra_rows\":\"pre\"}");
    hma_context *context;
    hma_checkpoint *written;
    char *out = path_in(folder->path, "merged"), *path = path_in(out, "tokenizer.json"), *text;
    size_t length;
    assert_ok(hma_context_new(&context, NULL));
    assert_fails(hma_merge_write(context, source, out, &(hma_merge_options){.donor = "post"}, NULL), HMA_USAGE,
                 "does not go with extra rows of pre");
    assert_ok(hma_merge_write(context, source, out, NULL, NULL));
    assert_ok(hma_checkpoint_open(&written, out));
    assert_int_equal(hma_checkpoint_find(written, EMBEDDING)->shape[0], 10);
    assert_ok(hma_file_load(path, 1 << 20, &text, &length));
    assert_non_null(strstr(text, "<pad>"));
    free(text);
    free(path);
    path = path_in(out, "config.json");
    assert_ok(hma_file_load(path, 1 << 20, &text, &length));
    assert_non_null(strstr(text, "\"vocab_size\":10"));
    free(text);
    free(path);
    free(out);
    hma_checkpoint_close(written);
    hma_context_free(context);
    hma_source_free(source);
    close_pair(&pair);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(common_rows_are_merged_and_the_others_are_the_donors),
        TEST(without_a_donor_or_with_the_wrong_one_it_is_refused),
        TEST(equal_vocabularies_are_merged_as_without),
        TEST(tokens_of_the_common_rows_must_be_the_same),
        TEST(broken_tokenizers_are_refused),
        TEST(a_folder_with_extra_rows_has_config_and_tokenizer_of_their_donor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
