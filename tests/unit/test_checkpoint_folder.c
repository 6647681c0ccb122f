/* src/checkpoint: opening folders, whole and broken ones. */
#include "checkpoint_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint/buffers.h"
#include "checkpoint/config.h"
#include "checkpoint/folder.h"

#define CONFIG "{\"model_type\":\"llama\",\"architectures\":[\"LlamaForCausalLM\"]}"
#define ONE(name, begin, end) "\"" name "\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[" #begin "," #end "]}"
#define SINGLE "{" ONE("a", 0, 4) "," ONE("b", 4, 8) "}"
#define INDEX(total, map) "{\"metadata\":{\"total_size\":" total "},\"weight_map\":{" map "}}"
#define S1 "model-00001-of-00002.safetensors"
#define S2 "model-00002-of-00002.safetensors"
#define AB "\"a\":\"" S1 "\",\"b\":\"" S2 "\""

/* Opens and closes; fills `warning` with the first warning when it is given. */
static hma_status try_open(const char *folder, char warning[1024]) {
    hma_checkpoint *checkpoint;
    const hma_status status = hma_checkpoint_open(&checkpoint, folder);
    if (status == HMA_OK) {
        if (warning) {
            const char *first = hma_checkpoint_warning(checkpoint, 0);
            (void)snprintf(warning, 1024, "%s", first ? first : "");
            assert_true(!first == (hma_checkpoint_warning_count(checkpoint) == 0));
        }
        hma_checkpoint_close(checkpoint);
    }
    return status;
}

static char *make_sharded(const char *parent, const char *index) {
    char *folder = make_model(parent, "sharded", CONFIG, NULL, 0);
    write_safetensors(folder, S1, "{" ONE("a", 0, 4) "}", 4);
    write_safetensors(folder, S2, "{" ONE("b", 0, 4) "}", 4);
    write_text(folder, "model.safetensors.index.json", index);
    return folder;
}

static void one_file_is_read_in_place(void **state) {
    const test_folder *top = *state;
    char *folder = make_model(top->path, "m", CONFIG, SINGLE, 8);
    hma_checkpoint *c;
    assert_ok(hma_checkpoint_open(&c, folder));
    assert_string_equal(hma_checkpoint_folder(c), folder);
    assert_int_equal(hma_checkpoint_tensor_count(c), 2);
    assert_string_equal(hma_checkpoint_tensor(c, 0)->name, "a");
    assert_null(hma_checkpoint_tensor(c, 2));
    const hma_tensor *b = hma_checkpoint_find(c, "b");
    unsigned char bytes[4];
    assert_ok(hma_checkpoint_read(c, b, 0, 4, bytes));
    assert_memory_equal(bytes, "\5\6\7\10", 4);
    assert_ok(hma_checkpoint_read(c, b, 3, 1, bytes));
    assert_int_equal(bytes[0], 8);
    assert_ok(hma_checkpoint_read(c, b, 4, 0, bytes));
    assert_fails(hma_checkpoint_read(c, b, 4, 1, bytes), HMA_USAGE, "do not exist");
    assert_fails(hma_checkpoint_read(c, b, 1, UINT64_MAX, bytes), HMA_USAGE, "do not exist");
    assert_null(hma_checkpoint_find(c, "c"));
    hma_checkpoint_close(c);
    hma_checkpoint_close(NULL);
    free(folder);
}

static void shards_are_joined_by_the_index(void **state) {
    const test_folder *top = *state;
    char *folder = make_sharded(top->path, INDEX("8", AB));
    hma_checkpoint *c;
    assert_ok(hma_checkpoint_open(&c, folder));
    assert_int_equal(hma_checkpoint_tensor_count(c), 2);
    assert_int_equal(hma_checkpoint_warning_count(c), 0);
    assert_int_not_equal(hma_checkpoint_find(c, "a")->shard, hma_checkpoint_find(c, "b")->shard);
    unsigned char byte;
    assert_ok(hma_checkpoint_read(c, hma_checkpoint_find(c, "b"), 3, 1, &byte));
    assert_int_equal(byte, 4);
    hma_checkpoint_close(c);
    free(folder);
}

static void a_hub_cache_of_symbolic_links_works(void **state) {
    const test_folder *top = *state;
    char *blobs = make_model(top->path, "blobs", CONFIG, SINGLE, 8), *folder = make_model(top->path, "snapshot", NULL, NULL, 0);
    char *weights = path_in(folder, "model.safetensors"), *config = path_in(folder, "config.json");
    assert_int_equal(symlink("../blobs/model.safetensors", weights), 0);
    assert_int_equal(symlink("../blobs/config.json", config), 0);
    hma_checkpoint *c;
    assert_ok(hma_checkpoint_open(&c, folder));
    assert_true(hma_checkpoint_reads_from(c, folder));
    assert_true(hma_checkpoint_reads_from(c, blobs));
    hma_checkpoint_close(c);
    free(blobs);
    free(folder);
    free(weights);
    free(config);
}

static void a_folder_that_is_no_model_says_what_it_is(void **state) {
    const test_folder *top = *state;
    static const struct {
        const char *file, *message;
    } cases[] = {
        {"nothing.txt", "has no model.safetensors (expected a Hugging Face model folder)"},
        {"pytorch_model.bin",
         "but pytorch_model.bin, pickled weights (expected a Hugging Face model folder): load the model with "
                              "transformers"},
        {"pytorch_model-00001-of-00002.bin", "pickled weights"},
        {"adapter_model.safetensors", "an adapter, not a model"},
        {S1, "download model.safetensors.index.json as well"},
        {"model.Q4_K_M.gguf", "a GGUF file"},
        {"consolidated.00.pth", "original layout"},
        {"tf_model.h5", "TensorFlow"},
        {"other.safetensors", "rename it to model.safetensors"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "m%zu", i);
        char *folder = make_model(top->path, name, CONFIG, NULL, 0);
        write_text(folder, cases[i].file, "x");
        assert_fails(try_open(folder, NULL), HMA_BAD_DATA, cases[i].message);
        free(folder);
    }
    char *folder = make_model(top->path, "noconfig", NULL, SINGLE, 8);
    assert_fails(try_open(folder, NULL), HMA_BAD_DATA, "has no config.json (expected a Hugging Face model folder): download");
    free(folder);
    folder = make_model(top->path, "models--x--y/snapshots", NULL, NULL, 0);
    char *cache = path_in(top->path, "models--x--y");
    assert_fails(try_open(cache, NULL), HMA_BAD_DATA, "name the folder inside snapshots/");
    assert_fails(try_open("/no/such/folder", NULL), HMA_IO, "/no/such/folder: cannot open the folder");
    char *file = path_in(top->path, "noconfig/model.safetensors");
    assert_fails(try_open(file, NULL), HMA_BAD_DATA, "is not a folder");
    free(folder);
    free(cache);
    free(file);
}

static void file_and_index_together_are_refused(void **state) {
    const test_folder *top = *state;
    char *folder = make_sharded(top->path, INDEX("8", AB));
    write_safetensors(folder, "model.safetensors", SINGLE, 8);
    assert_fails(try_open(folder, NULL), HMA_BAD_DATA, "has both model.safetensors and model.safetensors.index.json");
    free(folder);
    folder = make_model(top->path, "one", CONFIG, SINGLE, 8);
    write_text(folder, "model.safetensors.index.json", INDEX("8", "\"a\":\"model.safetensors\",\"b\":\"model.safetensors\""));
    assert_ok(try_open(folder, NULL));
    free(folder);
}

static void an_index_is_strict(void **state) {
    const test_folder *top = *state;
    static const struct {
        const char *index, *message;
    } cases[] = {
        {"[]", "not an object"},
        {"{}", "\"weight_map\" is missing"},
        {"{\"weight_map\":{}}", "\"weight_map\" is missing or empty"},
        {"{\"weight_map\":[]}", "\"weight_map\" is not an object"},
        {"{\"weight_map\":{" AB "},\"weight_map\":{" AB "}}", "\"weight_map\" occurs twice"},
        {INDEX("8", AB "} x {"), "not JSON"},
        {INDEX("8", "\"a\":1"), "the shard of tensor \"a\" is not a string"},
        {INDEX("8", "\"a\":\"" S1 "\",\"a\":\"" S1 "\""), "tensor \"a\" occurs twice"},
        {INDEX("8", "\"a\":\"../x.safetensors\""), "\"../x.safetensors\" is no shard"},
        {INDEX("8", "\"a\":\"/etc/x.safetensors\""), "\"/etc/x.safetensors\" is no shard"},
        {INDEX("8", "\"a\":\"sub/x.safetensors\""), "\"sub/x.safetensors\" is no shard"},
        {INDEX("8", "\"a\":\"..\""), "is no shard"},
        {INDEX("8", "\"a\":\"\""), "is no shard"},
        {INDEX("8", "\"a\":\"x\\n.safetensors\""), "is no shard"},
        {INDEX("8", "\"a\":\"pytorch_model-00001-of-00002.bin\""), "is no shard (expected the name of a .safetensors file"},
        {INDEX("8", "\"a\":\"" S1 "\",\"b\":\"model-00003-of-00003.safetensors\""),
         "model-00003-of-00003.safetensors: is not there"},
        {INDEX("8", AB ",\"c\":\"" S2 "\""), "names tensor \"c\", which no shard has (expected it in " S2 ")"},
        {INDEX("8", "\"a\":\"" S1 "\",\"aa\":\"" S2 "\",\"b\":\"" S2 "\""), "names tensor \"aa\", which no shard has"},
        {INDEX("8", "\"0\":\"" S2 "\",\"a\":\"" S1 "\""), "names tensor \"0\", which no shard has"},
        {INDEX("8", "\"a\":\"" S1 "\",\"c\":\"" S2 "\""), "has tensor \"b\", which the index does not name"},
        {INDEX("8", "\"a\":\"" S2 "\",\"b\":\"" S1 "\""), "has tensor \"a\" (expected it in " S2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folder = make_sharded(top->path, cases[i].index);
        assert_fails(try_open(folder, NULL), HMA_BAD_DATA, cases[i].message);
        free(folder);
    }
}

static void a_tensor_in_two_shards_is_refused(void **state) {
    const test_folder *top = *state;
    char *folder = make_sharded(top->path, INDEX("12", AB));
    write_safetensors(folder, S2, "{" ONE("a", 0, 4) "," ONE("b", 4, 8) "}", 8);
    assert_fails(try_open(folder, NULL), HMA_BAD_DATA, "has tensor \"a\", which ");
    free(folder);
}

static void old_buffers_may_be_in_only_one_of_index_and_shard(void **state) {
    const test_folder *top = *state;
    char *folder = make_sharded(top->path, INDEX("8", AB ",\"model.layers.0.self_attn.rotary_emb.inv_freq\":\"" S1 "\""));
    assert_ok(try_open(folder, NULL));
    write_text(folder, "model.safetensors.index.json", INDEX("12", AB));
    write_safetensors(folder, S2, "{" ONE("b", 0, 4) "," ONE("h.0.attn.bias", 4, 8) "}", 8);
    assert_ok(try_open(folder, NULL));
    free(folder);
}

static void a_broken_shard_is_named(void **state) {
    const test_folder *top = *state;
    char *folder = make_sharded(top->path, INDEX("8", AB));
    write_safetensors(folder, S2, "{" ONE("b", 0, 4) "}", 3);
    assert_fails(try_open(folder, NULL), HMA_BAD_DATA, "sharded/" S2 ": the last 1 bytes are missing");
    write_text(folder, S2, "version https://git-lfs.github.com/spec/v1\n");
    assert_fails(try_open(folder, NULL), HMA_BAD_DATA, "sharded/" S2 ": is a Git LFS pointer");
    free(folder);
}

static void what_is_merely_odd_becomes_a_warning(void **state) {
    const test_folder *top = *state;
    char warning[1024];
    char *folder = make_sharded(top->path, INDEX("9", AB));
    assert_ok(try_open(folder, warning));
    assert_non_null(strstr(warning, "total_size is 9 (the tensors have 8 bytes)"));
    write_text(folder, "model.safetensors.index.json", INDEX("8.0", AB));
    assert_ok(try_open(folder, warning));
    assert_string_equal(warning, "");
    write_text(folder, "model.safetensors.index.json", "{\"weight_map\":{" AB "},\"note\":[{}]}");
    assert_ok(try_open(folder, warning));
    assert_string_equal(warning, "");
    write_safetensors(folder, "model-00003-of-00003.safetensors", "{" ONE("c", 0, 4) "}", 4);
    assert_ok(try_open(folder, warning));
    assert_non_null(strstr(warning, "model-00003-of-00003.safetensors is not part of the model"));
    free(folder);
}

static void a_config_is_strict_json(void **state) {
    const test_folder *top = *state;
    static const struct {
        const char *config, *message;
    } cases[] = {
        {"", "config.json: line 1, column 1: not JSON"},
        {"[]", "config.json: not an object"},
        {"{\"a\":1}x", "nothing after the end"},
        {"{\"a\":1,\"a\":2}", "duplicate key \"a\""},
        {"{\"a\":NaN}", "not JSON"},
        {"{\"text_config\":3}", "\"text_config\" is not an object"},
        {"{\"tie_word_embeddings\":\"yes\"}", "\"tie_word_embeddings\" is not usable"},
        {"{\"text_config\":{\"tie_word_embeddings\":1}}", "\"tie_word_embeddings\" is not usable"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folder = make_model(top->path, "m", cases[i].config, SINGLE, 8);
        assert_fails(try_open(folder, NULL), HMA_BAD_DATA, cases[i].message);
        free(folder);
    }
    char *folder = make_model(top->path, "m", CONFIG, SINGLE, 8);
    write_text(folder, "generation_config.json", "{");
    assert_fails(try_open(folder, NULL), HMA_BAD_DATA, "generation_config.json: line 1");
    write_text(folder, "generation_config.json", "{\"eos_token_id\":[1,2]}");
    hma_checkpoint *c;
    assert_ok(hma_checkpoint_open(&c, folder));
    assert_non_null(cJSON_GetObjectItemCaseSensitive(hma_checkpoint_generation_config(c), "eos_token_id"));
    assert_non_null(strstr(hma_checkpoint_generation_config_path(c), "m/generation_config.json"));
    assert_ptr_equal(hma_checkpoint_text_config(c), hma_checkpoint_config(c));
    hma_checkpoint_close(c);
    char *big = malloc((5 << 20) + 1);
    assert_non_null(big);
    memset(big, ' ', 5 << 20);
    big[5 << 20] = 0;
    write_text(folder, "config.json", big);
    assert_fails(try_open(folder, NULL), HMA_BAD_DATA, "config.json: is 5242880 bytes (expected at most 4194304)");
    free(big);
    free(folder);
}

static void the_head_is_tied_as_the_model_type_says(void **state) {
    const test_folder *top = *state;
    static const struct {
        const char *config;
        bool tied;
    } cases[] = {
        {"{\"model_type\":\"llama\"}", false},
        {"{\"model_type\":\"mistral\"}", false},
        {"{\"model_type\":\"qwen2\"}", false},
        {"{\"model_type\":\"qwen3\"}", false},
        {"{\"model_type\":\"gpt_neox\"}", false},
        {"{\"model_type\":\"phi\"}", false},
        {"{\"model_type\":\"phi3\"}", false},
        {"{\"model_type\":\"olmo2\"}", false},
        {"{\"model_type\":\"stablelm\"}", false},
        {"{\"model_type\":\"gpt2\"}", true},
        {"{\"model_type\":\"opt\"}", true},
        {"{\"model_type\":\"gemma\"}", true},
        {"{\"model_type\":\"gemma2\"}", true},
        {"{\"model_type\":\"gemma3_text\"}", true},
        {"{\"model_type\":\"gemma3\",\"text_config\":{\"model_type\":\"gemma3_text\"}}", true},
        {"{\"model_type\":\"gemma3\",\"text_config\":{\"model_type\":\"gemma3_text\"},\"tie_word_embeddings\":false}", false},
        {"{\"model_type\":\"mistral3\",\"text_config\":{\"model_type\":\"mistral\"}}", false},
        {"{\"model_type\":\"llama\",\"tie_word_embeddings\":true}", true},
        {"{\"model_type\":\"gpt2\",\"tie_word_embeddings\":false}", false},
        {"{\"model_type\":\"gpt2\",\"tie_word_embeddings\":null}", false},
        {"{}", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folder = make_model(top->path, "m", cases[i].config, SINGLE, 8);
        hma_checkpoint *c;
        assert_ok(hma_checkpoint_open(&c, folder));
        if (hma_checkpoint_tied_head(c) != cases[i].tied) {
            fail_msg("%s: tied is not %d", cases[i].config, cases[i].tied);
        }
        hma_checkpoint_close(c);
        free(folder);
    }
}

static void a_file_that_is_cut_off_while_it_is_read_is_an_error(void **state) {
    const test_folder *top = *state;
    char *folder = make_model(top->path, "m", CONFIG, SINGLE, 8), *path = path_in(folder, "model.safetensors");
    hma_checkpoint *c;
    assert_ok(hma_checkpoint_open(&c, folder));
    assert_ok(hma_checkpoint_unchanged(c));
    assert_int_equal(truncate(path, 20), 0);
    unsigned char bytes[4];
    assert_fails(hma_checkpoint_read(c, hma_checkpoint_find(c, "b"), 0, 4, bytes), HMA_IO, "cut off while it was read");
    assert_fails(hma_checkpoint_unchanged(c), HMA_IO, "changed while it was read");
    hma_checkpoint_close(c);
    free(folder);
    free(path);
}

static void paths_inside_a_folder_are_found_through_links(void **state) {
    const test_folder *top = *state;
    char *a = make_model(top->path, "a", CONFIG, SINGLE, 8), *b = make_model(top->path, "b", NULL, NULL, 0);
    char *link = path_in(b, "link"), *through = path_in(link, "new/deep");
    char *beside = path_in(top->path, "aa"), *inside = path_in(a, "new");
    assert_int_equal(symlink("../a", link), 0);
    assert_true(hma_folder_contains(a, a));
    assert_true(hma_folder_contains(a, inside));
    assert_true(hma_folder_contains(a, through));
    assert_true(hma_folder_contains(top->path, through));
    assert_false(hma_folder_contains(b, through));
    assert_false(hma_folder_contains(a, beside));
    assert_false(hma_folder_contains(a, top->path));
    assert_false(hma_folder_contains(a, "not/there/yet"));
    assert_true(hma_folder_contains("/", a));
    assert_false(hma_folder_contains("/no/such/folder", a));
    hma_checkpoint *c;
    assert_ok(hma_checkpoint_open(&c, a));
    assert_true(hma_checkpoint_reads_from(c, a));
    assert_true(hma_checkpoint_reads_from(c, inside));
    assert_true(hma_checkpoint_reads_from(c, top->path));
    assert_false(hma_checkpoint_reads_from(c, b));
    assert_false(hma_checkpoint_reads_from(c, beside));
    hma_checkpoint_close(c);
    free(a);
    free(b);
    free(link);
    free(through);
    free(beside);
    free(inside);
}

static void old_buffers_are_known_by_name(void **state) {
    (void)state;
    static const char *const buffers[] = {"model.layers.0.self_attn.rotary_emb.inv_freq", "model.rotary_emb.inv_freq",
                                          "h.0.attn.bias", "transformer.h.0.attn.masked_bias",
                                          "gpt_neox.layers.3.attention.bias", "gpt_neox.layers.3.attention.masked_bias",
                                          "gpt_neox.layers.3.attention.rotary_emb.inv_freq"};
    static const char *const weights[] = {"h.0.attn.c_attn.bias", "model.layers.0.self_attn.q_proj.bias", "lm_head.bias",
                                          "self_attn.bias", "gpt_neox.layers.3.attention.dense.bias", "bias", ""};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        assert_true(hma_tensor_is_buffer(buffers[i]));
    }
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        assert_false(hma_tensor_is_buffer(weights[i]));
    }
}

static void element_types_have_names_and_sizes(void **state) {
    (void)state;
    hma_dtype d;
    assert_ok(hma_dtype_parse(&d, "bf16"));
    assert_int_equal(d, HMA_BF16);
    assert_ok(hma_dtype_parse(&d, "float16"));
    assert_int_equal(d, HMA_F16);
    assert_fails(hma_dtype_parse(&d, "banana"), HMA_USAGE, "\"banana\" is not an element type");
    assert_int_equal(hma_dtype_size(HMA_F64), 8);
    assert_null(hma_dtype_name(HMA_DTYPE_COUNT));
    assert_int_equal(hma_dtype_size((hma_dtype)-1), 0);
    assert_true(hma_dtype_is_weight(HMA_BF16) && !hma_dtype_is_weight(HMA_F64));
}

static void every_golden_model_opens(void **state) {
    (void)state;
    char **names;
    size_t count;
    assert_ok(hma_folder_list(&names, &count, HMA_TEST_DATA "/golden/models", "[a-z]*"));
    assert_true(count > 20);
    for (size_t i = 0; i < count; i++) {
        char *folder = path_in(HMA_TEST_DATA "/golden/models", names[i]);
        hma_checkpoint *c;
        assert_ok(hma_checkpoint_open(&c, folder));
        assert_int_equal(hma_checkpoint_warning_count(c), 0);
        assert_true(hma_checkpoint_tensor_count(c) > 10);
        hma_checkpoint_close(c);
        free(folder);
    }
    hma_names_free(names, count);
}

int main(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(one_file_is_read_in_place),
        IN_FOLDER(shards_are_joined_by_the_index),
        IN_FOLDER(a_hub_cache_of_symbolic_links_works),
        IN_FOLDER(a_folder_that_is_no_model_says_what_it_is),
        IN_FOLDER(file_and_index_together_are_refused),
        IN_FOLDER(an_index_is_strict),
        IN_FOLDER(a_tensor_in_two_shards_is_refused),
        IN_FOLDER(old_buffers_may_be_in_only_one_of_index_and_shard),
        IN_FOLDER(a_broken_shard_is_named),
        IN_FOLDER(what_is_merely_odd_becomes_a_warning),
        IN_FOLDER(a_config_is_strict_json),
        IN_FOLDER(the_head_is_tied_as_the_model_type_says),
        IN_FOLDER(a_file_that_is_cut_off_while_it_is_read_is_an_error),
        IN_FOLDER(paths_inside_a_folder_are_found_through_links),
        cmocka_unit_test(old_buffers_are_known_by_name),
        cmocka_unit_test(element_types_have_names_and_sizes),
        cmocka_unit_test(every_golden_model_opens),
    };
    return cmocka_run_group_tests_name("checkpoint_folder", tests, NULL, NULL);
}
