/* src/checkpoint: what keeps two checkpoints from being averaged, and what does not. */
#include "checkpoint_files.h"

#include "hma/checkpoint.h"

#define EMBEDDING TENSOR("model.embed_tokens.weight", "F32", "[2,2]", 0, 16)
#define TENSORS "{" EMBEDDING "," TENSOR("w", "F32", "[2]", 16, 24) "}"
#define LLAMA_SIZES(hidden, layers, vocabulary) \
    "{\"model_type\":\"llama\",\"hidden_size\":" #hidden ",\"num_attention_heads\":4,\"num_hidden_layers\":" #layers \
    ",\"vocab_size\":" #vocabulary
#define LLAMA(more) LLAMA_SIZES(64, 6, 2) more "}"

typedef struct side {
    const char *config, *header;
    size_t data;
    const char *file, *text; /* one more file, may be NULL */
} side;

/* Problems between two sides, joined by line breaks; the caller frees it. */
static char *problems_of(const char *parent, const side *pre, const side *post) {
    const side *sides[] = {pre, post};
    hma_checkpoint *open[2];
    char *folders[2];
    for (size_t i = 0; i < 2; i++) {
        folders[i] = make_model(parent, i ? "post" : "pre", sides[i]->config, sides[i]->header ? sides[i]->header : TENSORS,
                                sides[i]->header ? sides[i]->data : 24);
        if (sides[i]->file) {
            write_text(folders[i], sides[i]->file, sides[i]->text);
        }
        assert_ok(hma_checkpoint_open(&open[i], folders[i]));
    }
    char **problems;
    size_t count;
    assert_ok(hma_checkpoint_compare(open[0], open[1], &problems, &count));
    hma_buffer all = {0};
    for (size_t i = 0; i < count; i++) {
        hma_buffer_printf(&all, "%s\n", problems[i]);
        assert_null(strchr(problems[i], '\n'));
    }
    assert_null(problems[count]);
    hma_problems_free(problems);
    for (size_t i = 0; i < 2; i++) {
        hma_checkpoint_close(open[i]);
        assert_ok(hma_folder_remove(folders[i]));
        free(folders[i]);
    }
    char *text = hma_buffer_release(&all);
    assert_non_null(text);
    return text;
}

/* The sides have exactly this problem (NULL: none), whichever of them is pre. */
static void check_pair(const char *parent, const char *what, side a, side b, const char *problem) {
    for (int turn = 0; turn < 2; turn++) {
        char *found = turn ? problems_of(parent, &b, &a) : problems_of(parent, &a, &b);
        const char *end = strchr(found, '\n');
        if (problem ? !strstr(found, problem) || !end || end[1] : *found != 0) {
            fail_msg("%s: got \"%s\", expected \"%s\"", what, found, problem ? problem : "nothing");
        }
        free(found);
    }
}

/* ---- tensors ---- */

static void tensors_must_be_the_same(void **state) {
    const test_folder *top = *state;
    const side plain = {LLAMA(""), NULL, 0, NULL, NULL};
    const struct {
        const char *what, *header;
        size_t data;
        const char *problem;
    } cases[] = {
        {"more tensors", "{" EMBEDDING "," TENSOR("v", "F32", "[1]", 16, 20) "," TENSOR("w", "F32", "[2]", 20, 28) "}", 28,
         "1 tensor is only in "},
        {"shape", "{" EMBEDDING "," TENSOR("w", "F32", "[1,2]", 16, 24) "}", 24, "1 tensor has another shape in post: w ["},
        {"element type", "{" EMBEDDING "," TENSOR("w", "BF16", "[2]", 16, 20) "}", 20,
         "1 tensor has another element type in post: w "},
        {"vocabulary", "{" TENSOR("model.embed_tokens.weight", "F32", "[3,2]", 0, 24) "," TENSOR("w", "F32", "[2]", 24, 32) "}",
         32, "rows in pre and "},
        {"order in the file",
         "{" TENSOR("model.embed_tokens.weight", "F32", "[2,2]", 8, 24) "," TENSOR("w", "F32", "[2]", 0, 8) "}", 24, NULL},
        {"rotary table", "{" EMBEDDING "," TENSOR("w", "F32", "[2]", 16, 24) ","
                         TENSOR("model.layers.0.self_attn.rotary_emb.inv_freq", "F32", "[1]", 24, 28) "}", 28, NULL},
        {"mask", "{" EMBEDDING "," TENSOR("w", "F32", "[2]", 16, 24) ","
                 TENSOR("h.0.attn.bias", "BOOL", "[1,1,2,2]", 24, 28) "}", 28, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_pair(top->path, cases[i].what, plain, (side){LLAMA(""), cases[i].header, cases[i].data, NULL, NULL},
                   cases[i].problem);
    }
}

static void a_vocabulary_that_grew_comes_with_its_remedy(void **state) {
    const test_folder *top = *state;
    const side pre = {LLAMA(""), NULL, 0, NULL, NULL};
    const side post = {LLAMA_SIZES(64, 6, 3) "}",
                       "{" TENSOR("model.embed_tokens.weight", "F32", "[3,2]", 0, 24) "," TENSOR("w", "F32", "[2]", 24, 32) "}",
                       32, NULL, NULL};
    char *found = problems_of(top->path, &pre, &post);
    assert_string_equal(found, "the vocabulary has 2 rows in pre and 3 in post: model.embed_tokens.weight (expected the same "
                               "tokens in both): merge the rows that both have and take the others from the larger one "
                               "(--extra-rows post)\n");
    free(found);
}

static void a_tied_head_may_be_stored_or_not(void **state) {
    const test_folder *top = *state;
    static const char with_head[] =
        "{" EMBEDDING "," TENSOR("lm_head.weight", "F32", "[2,2]", 16, 32) "," TENSOR("w", "F32", "[2]", 32, 40) "}";
    const side tied = {LLAMA(",\"tie_word_embeddings\":true"), NULL, 0, NULL, NULL};
    check_pair(top->path, "copy of a tied head", tied,
               (side){LLAMA(",\"tie_word_embeddings\":true"), with_head, 40, NULL, NULL}, NULL);
    const side untied = {LLAMA(""), with_head, 40, NULL, NULL};
    char *found = problems_of(top->path, &tied, &untied);
    assert_non_null(strstr(found, "tied to the embedding in pre and a tensor of its own in post"));
    assert_non_null(strstr(found, "1 tensor is only in post: lm_head.weight"));
    free(found);
}

static void all_problems_are_found_at_once_and_long_lists_are_counted(void **state) {
    const test_folder *top = *state;
    hma_buffer header = {0};
    hma_buffer_text(&header, "{" EMBEDDING "," TENSOR("w", "F16", "[4]", 16, 24));
    for (int i = 0; i < 9; i++) {
        hma_buffer_printf(&header, ",\"x%d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]}", i, 24 + i, 25 + i);
    }
    hma_buffer_char(&header, '}');
    const side pre = {LLAMA(",\"architectures\":[\"LlamaForCausalLM\"]"), NULL, 0, "tokenizer.model", "a"};
    const side post = {LLAMA_SIZES(32, 7, 2) ",\"rope_theta\":500000,\"architectures\":[\"Other\"],"
                                             "\"quantization_config\":{\"quant_method\":\"gptq\"}}",
                       header.data, 33, "tokenizer.model", "b"};
    char *found = problems_of(top->path, &pre, &post);
    static const char *const expected[] = {
        "architectures: [\"LlamaForCausalLM\"] in pre and [\"Other\"] in post", "hidden_size: 64 in pre and 32 in post",
        "num_hidden_layers: 6 in pre and 7 in post", "head_dim: 16 in pre and 8 in post",
        "rotary embedding: default, theta 10000 in pre and default, theta 500000 in post",
        "the weights of post are quantised (gptq)", "9 tensors are only in post: x0, x1, x2, x3 and 5 more",
        "1 tensor has another shape in post: w [2] and [4]", "1 tensor has another element type in post: w F32 and F16",
        "tokenizer.model differs between pre and post"};
    const char *at = found;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const char *next = strstr(at, expected[i]);
        if (!next) {
            fail_msg("\"%s\" is not in \"%s\"", expected[i], found);
        }
        at = next;
    }
    assert_null(strchr(strchr(at, '\n') + 1, '\n'));
    free(found);
    hma_buffer_free(&header);
}

/* ---- config.json ---- */

typedef struct config_case {
    const char *what, *a, *b, *problem;
} config_case;

static void check_configs(const char *parent, const config_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        check_pair(parent, cases[i].what, (side){cases[i].a, NULL, 0, NULL, NULL}, (side){cases[i].b, NULL, 0, NULL, NULL},
                   cases[i].problem);
    }
}
#define CHECK_CONFIGS(cases) check_configs(((const test_folder *)*state)->path, cases, sizeof(cases) / sizeof *(cases))

static void values_that_change_the_meaning_are_compared(void **state) {
    static const config_case cases[] = {
        {"activation", LLAMA(""), LLAMA(",\"hidden_act\":\"gelu\""), "hidden_act: "},
        {"norm", LLAMA(""), LLAMA(",\"rms_norm_eps\":1e-5"), "rms_norm_eps: "},
        {"bias", LLAMA(""), LLAMA(",\"attention_bias\":true"), "attention_bias: "},
        {"soft cap", LLAMA(""), LLAMA(",\"final_logit_softcapping\":30"), "final_logit_softcapping: "},
        {"k/v heads", LLAMA(""), LLAMA(",\"num_key_value_heads\":2"), "num_key_value_heads: "},
        {"head_dim", LLAMA(""), LLAMA(",\"head_dim\":32"), "head_dim: "},
        {"class", LLAMA(""), "{\"model_type\":\"mistral\",\"hidden_size\":64,\"num_attention_heads\":4}", "model_type: "},
        {"explicit null beats the default", "{\"model_type\":\"gemma2\"}",
         "{\"model_type\":\"gemma2\",\"attn_logit_softcapping\":null}", "attn_logit_softcapping: "},
        {"parallel residual", "{\"model_type\":\"gpt_neox\"}", "{\"model_type\":\"gpt_neox\",\"use_parallel_residual\":false}",
         "use_parallel_residual: "},
        {"vocab_size against equal tensors", LLAMA(""),
         "{\"model_type\":\"llama\",\"hidden_size\":64,\"num_attention_heads\":4,\"num_hidden_layers\":6,\"vocab_size\":9}",
         "vocab_size: "},
        {"nested config", "{\"model_type\":\"x\",\"text_config\":{\"model_type\":\"llama\",\"rms_norm_eps\":1}}",
         "{\"model_type\":\"x\",\"text_config\":{\"model_type\":\"llama\",\"rms_norm_eps\":2}}", "rms_norm_eps: "},
        {"unknown class", "{\"model_type\":\"new\",\"rms_norm_eps\":1}", "{\"model_type\":\"new\"}", "rms_norm_eps: "},
    };
    CHECK_CONFIGS(cases);
}

static void a_default_that_is_written_down_changes_nothing(void **state) {
    static const config_case cases[] = {
        {"llama",
         LLAMA(""),
         LLAMA(",\"hidden_act\":\"silu\",\"rms_norm_eps\":1e-06,\"rope_theta\":10000.0,\"rope_scaling\":null,"
               "\"attention_bias\":false,"
               "\"mlp_bias\":false,\"num_key_value_heads\":4,\"head_dim\":16,\"tie_word_embeddings\":false"),
         NULL},
        {"what does not matter",
         LLAMA(",\"torch_dtype\":\"float32\",\"use_cache\":true,\"max_position_embeddings\":2048,\"eos_token_id\":2"),
         LLAMA(",\"dtype\":\"float32\",\"use_cache\":false,\"max_position_embeddings\":4096,\"eos_token_id\":[2,3],"
               "\"_name_or_path\":\"x\",\"transformers_version\":\"5.0.0\",\"pretraining_tp\":1"),
         NULL},
        {"1 and 1.0", LLAMA(",\"rope_theta\":500000"), LLAMA(",\"rope_theta\":500000.0"), NULL},
        {"gemma2", "{\"model_type\":\"gemma2\",\"num_hidden_layers\":3}",
         "{\"model_type\":\"gemma2\",\"num_hidden_layers\":3,\"attn_logit_softcapping\":50.0,\"final_logit_softcapping\":30.0,"
         "\"query_pre_attn_scalar\":256,\"hidden_activation\":\"gelu_pytorch_tanh\",\"sliding_window\":4096,"
         "\"layer_types\":[\"sliding_attention\",\"full_attention\",\"sliding_attention\"],\"head_dim\":256,"
         "\"num_key_value_heads\":4}",
         NULL},
        {"one architecture is not given", LLAMA(""), LLAMA(",\"architectures\":[\"LlamaForCausalLM\"]"), NULL},
    };
    CHECK_CONFIGS(cases);
}

static void rotary_settings_are_compared_in_both_spellings(void **state) {
#define LLAMA3 "\"factor\":8.0,\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,\"original_max_position_embeddings\":8192"
    static const config_case cases[] = {
        {"theta", LLAMA(",\"rope_theta\":500000"),
         LLAMA(",\"rope_parameters\":{\"rope_theta\":500000,\"rope_type\":\"default\"}"), NULL},
        {"other theta", LLAMA(""), LLAMA(",\"rope_parameters\":{\"rope_theta\":500000,\"rope_type\":\"default\"}"),
         "rotary embedding: "},
        {"type and rope_type", LLAMA(",\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}"),
         LLAMA(",\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":2.0}"), NULL},
        {"factor", LLAMA(",\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}"),
         LLAMA(",\"rope_scaling\":{\"type\":\"linear\",\"factor\":4}"), "rotary embedding: "},
        {"llama3", LLAMA(",\"rope_theta\":500000.0,\"rope_scaling\":{\"rope_type\":\"llama3\"," LLAMA3 "}"),
         LLAMA(",\"rope_parameters\":{" LLAMA3 ",\"rope_type\":\"llama3\",\"rope_theta\":500000}"), NULL},
        {"scaled and not", LLAMA(",\"rope_scaling\":{\"rope_type\":\"llama3\"," LLAMA3 "}"), LLAMA(""), "rotary embedding: "},
        {"su is longrope", LLAMA(",\"rope_scaling\":{\"type\":\"su\",\"short_factor\":[1,2],\"long_factor\":[3,4]}"),
         LLAMA(",\"rope_scaling\":{\"type\":\"longrope\",\"short_factor\":[1.0,2.0],\"long_factor\":[3,4]}"), NULL},
        {"length of longrope", LLAMA(",\"max_position_embeddings\":8,\"rope_scaling\":{\"type\":\"longrope\"}"),
         LLAMA(",\"max_position_embeddings\":16,\"rope_scaling\":{\"type\":\"longrope\"}"), "rotary embedding: "},
        {"gpt_neox", "{\"model_type\":\"gpt_neox\",\"rotary_emb_base\":1000,\"rotary_pct\":0.5}",
         "{\"model_type\":\"gpt_neox\","
         "\"rope_parameters\":{\"rope_theta\":1000,\"rope_type\":\"default\",\"partial_rotary_factor\":0.5}}",
         NULL},
        {"gpt_neox, defaults", "{\"model_type\":\"gpt_neox\",\"rotary_emb_base\":10000,\"rotary_pct\":0.25}",
         "{\"model_type\":\"gpt_neox\"}", NULL},
        {"rotated part", "{\"model_type\":\"phi\"}", "{\"model_type\":\"phi\",\"partial_rotary_factor\":0.4}",
         "rotary embedding: "},
        {"gemma3",
         "{\"model_type\":\"gemma3_text\",\"rope_theta\":1000000.0,\"rope_local_base_freq\":10000.0,"
         "\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":8}}",
         "{\"model_type\":\"gemma3_text\",\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"linear\",\"factor\":8.0,"
         "\"rope_theta\":1000000},\"sliding_attention\":{\"rope_type\":\"default\",\"rope_theta\":10000}}}",
         NULL},
        {"gemma3, local base", "{\"model_type\":\"gemma3_text\"}",
         "{\"model_type\":\"gemma3_text\",\"rope_local_base_freq\":1000}", "rotary embedding: "},
    };
    CHECK_CONFIGS(cases);
}

static void attention_windows_are_compared_layer_by_layer(void **state) {
#define QWEN2(more) "{\"model_type\":\"qwen2\",\"num_hidden_layers\":4" more "}"
#define GEMMA3(more) "{\"model_type\":\"gemma3_text\",\"num_hidden_layers\":3" more "}"
    static const config_case cases[] = {
        {"default window", "{\"model_type\":\"mistral\",\"num_hidden_layers\":2}",
         "{\"model_type\":\"mistral\",\"num_hidden_layers\":2,\"sliding_window\":4096}", NULL},
        {"window and none", "{\"model_type\":\"mistral\",\"num_hidden_layers\":2}",
         "{\"model_type\":\"mistral\",\"num_hidden_layers\":2,\"sliding_window\":null}", "attention window: "},
        {"a window that is switched off", QWEN2(""), QWEN2(",\"sliding_window\":131072,\"use_sliding_window\":false"), NULL},
        {"switched on", QWEN2(""), QWEN2(",\"sliding_window\":8,\"use_sliding_window\":true,\"max_window_layers\":2"),
         "attention window: "},
        {"by number and by list", QWEN2(",\"sliding_window\":8,\"use_sliding_window\":true,\"max_window_layers\":2"),
         QWEN2(",\"sliding_window\":8,\"use_sliding_window\":true,\"max_window_layers\":2,\"layer_types\":[\"full_attention\","
               "\"full_attention\",\"sliding_attention\",\"sliding_attention\"]"), NULL},
        {"other layers", QWEN2(",\"sliding_window\":8,\"use_sliding_window\":true,\"max_window_layers\":2"),
         QWEN2(",\"sliding_window\":8,\"use_sliding_window\":true,\"max_window_layers\":3"), "8 in layers 2-3"},
        {"pattern and list", GEMMA3(",\"sliding_window\":6,\"sliding_window_pattern\":2"),
         GEMMA3(",\"sliding_window\":6,\"layer_types\":[\"sliding_attention\",\"full_attention\",\"sliding_attention\"]"),
         NULL},
        {"hostile numbers", "{\"model_type\":\"gemma3_text\",\"num_hidden_layers\":1e300,\"sliding_window_pattern\":1e300}",
         "{\"model_type\":\"gemma3_text\",\"num_hidden_layers\":1e300,\"sliding_window_pattern\":-5}", "attention window: "},
    };
    CHECK_CONFIGS(cases);
}

/* ---- tokenizers ---- */

#define TOKENIZER(head, vocab, merges, more)                                                                                   \
    "{" head "\"added_tokens\":[{\"id\":0,\"content\":\"<s>\"}],\"model\":{\"type\":\"BPE\",\"vocab\":" vocab \
    ",\"merges\":" merges more "}}"
#define PLAIN TOKENIZER("\"version\":\"1.0\",\"truncation\":null,", "{\"<s>\":0,\"a\":1,\"b\":2,\"ab\":3}", "[\"a b\"]", "")

static void check_tokenizers(const char *parent, const char *file, const config_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const side a = {LLAMA(""), NULL, 0, file, cases[i].a}, b = {LLAMA(""), NULL, 0, file, cases[i].b};
        check_pair(parent, cases[i].what, a, b, cases[i].problem);
    }
}

static void tokenizers_are_compared_by_meaning(void **state) {
    const test_folder *top = *state;
    static const config_case cases[] = {
        {"merges as pairs", PLAIN, TOKENIZER("", "{\"<s>\":0,\"a\":1,\"b\":2,\"ab\":3}", "[[\"a\",\"b\"]]", ""), NULL},
        {"formatting and order", PLAIN,
         TOKENIZER("\n ", "{ \"ab\" : 3, \"\\u0061\": 1, \"b\":2.0,\"<s>\":0}", "[ \"a b\" ]", ""), NULL},
        {"version, truncation, padding", PLAIN,
         TOKENIZER("\"version\":\"2.0\",\"truncation\":{\"max_length\":512},\"padding\":{\"pad_id\":0},",
                   "{\"<s>\":0,\"a\":1,\"b\":2,\"ab\":3}", "[\"a b\"]", ""), NULL},
        {"defaults spelled out", PLAIN,
         TOKENIZER("\"normalizer\":null,", "{\"<s>\":0,\"a\":1,\"b\":2,\"ab\":3}", "[\"a b\"]",
                   ",\"byte_fallback\":false,\"ignore_merges\":false,\"dropout\":null,\"continuing_subword_prefix\":\"\""),
                   NULL},
        {"Metaspace, old and new",
         "{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\",\"add_prefix_space\":true}}",
         "{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"always\",\"split\":true}}",
         NULL},
        {"Metaspace, both",
         "{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"add_prefix_space\":true,\"prepend_scheme\":\"first\"}}",
         "{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"prepend_scheme\":\"first\"}}", NULL},
        {"Metaspace, other scheme", "{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"add_prefix_space\":false}}",
         "{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"prepend_scheme\":\"always\"}}",
         "tokenizer.json differs between pre and post in "
                                                                                      "pre_tokenizer"},
        {"ids swapped", PLAIN, TOKENIZER("", "{\"<s>\":0,\"a\":2,\"b\":1,\"ab\":3}", "[\"a b\"]", ""),
         "tokenizer.json differs between pre and post in model.vocab (expected"},
        {"one token more", PLAIN, TOKENIZER("", "{\"<s>\":0,\"a\":1,\"b\":2,\"ab\":3,\"c\":4}", "[\"a b\"]", ""),
         "in model.vocab (expected"},
        {"other merges", PLAIN, TOKENIZER("", "{\"<s>\":0,\"a\":1,\"b\":2,\"ab\":3}", "[\"b a\"]", ""),
         "in model.merges (expected"},
        {"order of merges", TOKENIZER("", "{}", "[\"a b\",\"b a\"]", ""), TOKENIZER("", "{}", "[\"b a\",\"a b\"]", ""),
         "in model.merges (expected"},
        {"byte fallback", PLAIN,
         TOKENIZER("", "{\"<s>\":0,\"a\":1,\"b\":2,\"ab\":3}", "[\"a b\"]", ",\"byte_fallback\":true"),
         "in model.byte_fallback (expected"},
        {"normalizer", "{\"normalizer\":{\"type\":\"NFC\"}}", "{}", "in normalizer (expected"},
        {"case of keys", "{\"A\":1}", "{\"a\":1}", "in A, a (expected"},
    };
    check_tokenizers(top->path, "tokenizer.json", cases, sizeof cases / sizeof *cases);
}

static void other_tokenizer_files_are_compared_as_well(void **state) {
    const test_folder *top = *state;
    static const config_case vocabularies[] = {
        {"order", "{\"model\":1,\"version\":2}", "{\"version\":2, \"model\":1}", NULL},
        {"id", "{\"model\":1,\"version\":2}", "{\"model\":1,\"version\":3}",
         "vocab.json differs between pre and post (expected"},
    };
    check_tokenizers(top->path, "vocab.json", vocabularies, 2);
    static const config_case merges[] = {{"same", "a b\n", "a b\n", NULL}, {"other", "a b\n", "b a\n", "merges.txt differs"}};
    check_tokenizers(top->path, "merges.txt", merges, 2);
    check_pair(top->path, "only one has a tokenizer", (side){LLAMA(""), NULL, 0, "tokenizer.json", "{}"},
               (side){LLAMA(""), NULL, 0, NULL, NULL}, NULL);
}

static void a_broken_tokenizer_is_a_failure_and_not_a_difference(void **state) {
    const test_folder *top = *state;
    char *pre = make_model(top->path, "a", LLAMA(""), TENSORS, 24), *post = make_model(top->path, "b", LLAMA(""), TENSORS, 24);
    static const char *const broken[] = {"", "[]", "{\"model\":3}", "{\"model\":{\"vocab\":{\"a\":}}}", "{} {}",
                                         "{\"model\":{\"vocab\":{\"a\":1,\"\\u0061\":2}}}"};
    hma_checkpoint *a, *b;
    assert_ok(hma_checkpoint_open(&a, pre));
    assert_ok(hma_checkpoint_open(&b, post));
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        write_text(post, "tokenizer.json", broken[i]);
        char **problems;
        size_t count;
        assert_fails(hma_checkpoint_compare(a, b, &problems, &count), HMA_BAD_DATA, "b/tokenizer.json: line 1");
    }
    hma_checkpoint_close(a);
    hma_checkpoint_close(b);
    free(pre);
    free(post);
}

static void the_golden_pairs_and_the_demo_are_compatible(void **state) {
    (void)state;
    static const char *const pairs[] = {"golden/merge/gpt2-sharded", "golden/merge/llama-gqa-tied", "golden/merge/neox-fp16",
                                        "golden/merge/qwen2-bf16", "../eval/demo"};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char *parent = path_in(HMA_TEST_DATA, pairs[i]), *pre = path_in(parent, "pre"), *post = path_in(parent, "post");
        hma_checkpoint *a, *b;
        char **problems;
        size_t count;
        assert_ok(hma_checkpoint_open(&a, pre));
        assert_ok(hma_checkpoint_open(&b, post));
        assert_ok(hma_checkpoint_compare(a, b, &problems, &count));
        if (count) {
            fail_msg("%s: %s", pairs[i], problems[0]);
        }
        hma_problems_free(problems);
        hma_checkpoint_close(a);
        hma_checkpoint_close(b);
        free(parent);
        free(pre);
        free(post);
    }
}

int main(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(tensors_must_be_the_same),
        IN_FOLDER(a_vocabulary_that_grew_comes_with_its_remedy),
        IN_FOLDER(a_tied_head_may_be_stored_or_not),
        IN_FOLDER(all_problems_are_found_at_once_and_long_lists_are_counted),
        IN_FOLDER(values_that_change_the_meaning_are_compared),
        IN_FOLDER(a_default_that_is_written_down_changes_nothing),
        IN_FOLDER(rotary_settings_are_compared_in_both_spellings),
        IN_FOLDER(attention_windows_are_compared_layer_by_layer),
        IN_FOLDER(tokenizers_are_compared_by_meaning),
        IN_FOLDER(other_tokenizer_files_are_compared_as_well),
        IN_FOLDER(a_broken_tokenizer_is_a_failure_and_not_a_difference),
        cmocka_unit_test(the_golden_pairs_and_the_demo_are_compatible),
    };
    return cmocka_run_group_tests_name("checkpoint_compare", tests, NULL, NULL);
}
