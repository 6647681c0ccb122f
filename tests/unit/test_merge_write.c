/* Merged folders: complete, the same bytes whatever the threads, all or nothing. */
#include "merge_models.h"

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>

#include "base/json.h"
#include "checkpoint/folder.h"
#include "merge/config_edit.h"

/* Some MiB, so that there are several chunks and several shards. */
static const test_tensor large[] = {{"model.layers.0.mlp.up_proj.weight", "BF16", "[1500,1000]", 1500000},
                                    {"model.layers.1.mlp.up_proj.weight", "BF16", "[1500,1000]", 1500000}};

static hma_context *context_of(unsigned threads) {
    const hma_context_options options = {.threads = threads};
    hma_context *context;
    assert_ok(hma_context_new(&context, &options));
    return context;
}

/* Writes pair's merge to PARENT/out with two threads. */
static hma_status write_merge(const test_pair *pair, const char *recipe, const char *out, const hma_merge_options *options,
                              hma_merge_report *report) {
    hma_context *context = context_of(2);
    hma_source *source = merge(pair, recipe);
    const hma_status status = hma_merge_write(context, source, out, options, report);
    hma_source_free(source);
    hma_context_free(context);
    return status;
}

static hma_status verify(const char *folder, char **report) {
    hma_context *context = context_of(2);
    const hma_status status = hma_checkpoint_verify(context, folder, report);
    hma_context_free(context);
    return status;
}

/* What lies in a folder, hidden files included, as "a b c". */
static const char *entries(const char *folder, char text[1024]) {
    char **names;
    size_t count, at = 0;
    text[0] = 0;
    assert_ok(hma_folder_list(&names, &count, folder, "*"));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], ".") != 0 && strcmp(names[i], "..") != 0) {
            at += (size_t)snprintf(text + at, 1024 - at, "%s%s", at ? " " : "", names[i]);
            assert_true(at < 1024);
        }
    }
    hma_names_free(names, count);
    return text;
}

static void assert_entries(const char *folder, const char *expected) {
    char text[1024];
    assert_string_equal(entries(folder, text), expected);
}

static void load_text(const char *folder, const char *name, char **text, size_t *length) {
    char *path = path_in(folder, name);
    *text = NULL; /* for compilers that do not know that a failed assertion ends the test */
    assert_ok(hma_file_load(path, 1 << 28, text, length));
    free(path);
}

static void assert_same_file(const char *a, const char *b, const char *name) {
    size_t n, m;
    char *x, *y;
    load_text(a, name, &x, &n);
    load_text(b, name, &y, &m);
    if (n != m || memcmp(x, y, n) != 0) {
        fail_msg("%s differs between %s and %s", name, a, b);
    }
    free(x);
    free(y);
}

static void assert_same_folder(const char *a, const char *b) {
    char **names;
    char text[1024];
    size_t count;
    assert_entries(b, entries(a, text));
    assert_ok(hma_folder_list(&names, &count, a, "[!.]*"));
    for (size_t i = 0; i < count; i++) {
        assert_same_file(a, b, names[i]);
    }
    hma_names_free(names, count);
}

/* ---- a complete folder ---- */

static void a_merged_folder_is_complete(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, large, 2);
    char *out = path_in(folder->path, "out"), *text;
    const hma_merge_options options = {.command_line = "hma merge pre post --out out", .scores_json = "{\"acc\": 0.5}"};
    hma_merge_report report;
    hma_checkpoint *written;
    hma_source *source, *plain;
    write_text(pair.post_folder, "tokenizer.json", "{ \"post\" : 1 }");
    write_text(pair.post_folder, "chat_template.jinja", "{{ post }}");
    write_text(pair.post_folder, "generation_config.json", "{\"eos_token_id\":1}");
    write_text(pair.pre_folder, "vocab.json", "{}");
    assert_ok(write_merge(&pair, "{\"ratios\":[0.25,0.75]}", out, &options, &report));
    assert_entries(out, "README.md chat_template.jinja config.json generation_config.json hma-recipe.json model.safetensors "
                        "tokenizer.json");
    assert_same_file(out, pair.post_folder, "config.json");
    assert_same_file(out, pair.post_folder, "tokenizer.json");
    assert_same_file(out, pair.post_folder, "chat_template.jinja");
    assert_int_equal(report.tensors, LLAMA_TENSORS + 2);
    assert_int_equal(report.shards, 1);
    assert_int_equal(report.bytes, (32 + 4 + 16 + 4 + 16 + 4 + 3000000) * 2);

    assert_ok(hma_checkpoint_open(&written, out));
    source = merge(&pair, "{\"ratios\":[0.25,0.75]}");
    assert_ok(hma_source_plain(&plain, written));
    assert_int_equal(hma_source_tensor_count(plain), hma_source_tensor_count(source));
    for (size_t i = 0; i < hma_source_tensor_count(source); i++) {
        const hma_tensor *tensor = hma_source_tensor(source, i);
        void *wanted = read_tensor(source, tensor->name), *found = read_tensor(plain, tensor->name);
        assert_memory_equal(wanted, found, tensor->bytes);
        free(wanted);
        free(found);
    }
    assert_ok(verify(out, &text));
    assert_non_null(strstr(text, "all 6 files are as they were written"));
    hma_text_free(text);
    hma_source_free(source);
    hma_source_free(plain);
    hma_checkpoint_close(written);
    close_pair(&pair);
    free(out);
}

static void card_and_manifest_say_what_was_merged(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, NULL, 0);
    char *out = path_in(folder->path, "out"), *manifest_path = path_in(folder->path, "out/hma-recipe.json"), digest[65];
    const hma_merge_options options = {.command_line = "hma merge \"a|b\"", .scores_json = "{\"acc\": 0.5}"};
    hma_context *context = context_of(1);
    hma_recipe *recipe = parse_recipe("{\"ratios\":[0.25,0.75]}"), *again;
    cJSON *manifest;
    size_t length;
    assert_ok(write_merge(&pair, "{\"ratios\":[0.25,0.75]}", out, &options, NULL));
    assert_ok(hma_json_load(&manifest, manifest_path, 1 << 20));
    assert_string_equal(hma_json_get(manifest, "recipe_id")->valuestring, hma_recipe_id(recipe));
    assert_string_equal(hma_json_get(manifest, "ratio_meaning")->valuestring, "weight of post");
    assert_string_equal(hma_json_get(manifest, "command_line")->valuestring, options.command_line);
    assert_true(hma_json_get(hma_json_get(manifest, "scores"), "acc")->valuedouble == 0.5);
    assert_ok(hma_checkpoint_digest(context, pair.pre, digest));
    assert_string_equal(hma_json_get(hma_json_get(manifest, "pre"), "sha256")->valuestring, digest);
    assert_string_equal(hma_json_get(hma_json_get(manifest, "post"), "name")->valuestring, "post");
    assert_int_equal(cJSON_GetArraySize(hma_json_get(manifest, "files")), 3);

    /* the manifest is a recipe, too */
    char *text;
    load_text(out, "hma-recipe.json", &text, &length);
    assert_ok(hma_recipe_parse(&again, text, length, 2, "hma-recipe.json"));
    assert_string_equal(hma_recipe_id(again), hma_recipe_id(recipe));
    free(text);
    load_text(out, "README.md", &text, &length);
    assert_non_null(strstr(text, "| 0 | 0.25 | 0.75 |"));
    assert_non_null(strstr(text, hma_recipe_id(recipe)));
    assert_non_null(strstr(text, digest));
    assert_non_null(strstr(text, "{\"acc\": 0.5}"));
    assert_null(strstr(text, folder->path)); /* a card is published: it does not tell where things lay */
    free(text);
    cJSON_Delete(manifest);
    hma_recipe_free(recipe);
    hma_recipe_free(again);
    hma_context_free(context);
    close_pair(&pair);
    free(manifest_path);
    free(out);
}

static void another_output_type_changes_one_word_of_the_config(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, NULL, 0);
    char *out = path_in(folder->path, "out");
    hma_checkpoint *written;
    size_t length;
    assert_ok(write_merge(&pair, "{\"ratio\":0.5,\"dtype\":\"F32\"}", out, NULL, NULL));
    char *text;
    load_text(out, "config.json", &text, &length);
    const char *place = strstr(text, "\"float32\"");
    assert_non_null(place);
    /* the same text but for that word */
    assert_int_equal(length, strlen(MODEL_CONFIG) - strlen("bfloat16") + strlen("float32"));
    assert_memory_equal(text, MODEL_CONFIG, (size_t)(place - text));
    assert_string_equal(place + strlen("\"float32\""), strstr(MODEL_CONFIG, "bfloat16\"") + strlen("bfloat16\""));
    assert_ok(hma_checkpoint_open(&written, out));
    for (size_t i = 0; i < hma_checkpoint_tensor_count(written); i++) {
        assert_int_equal(hma_checkpoint_tensor(written, i)->dtype, HMA_F32);
    }
    hma_checkpoint_close(written);
    free(text);
    free(out);
    close_pair(&pair);
}

static void config_text_is_kept_byte_for_byte(void **state) {
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"{\"a\":1.0,\"torch_dtype\":\"float32\"}", "{\"a\":1.0,\"torch_dtype\":\"bfloat16\"}"},
        {" {\n\t\"dtype\" : \"float16\" , \"b\" : [ ] }\n", " {\n\t\"dtype\" : \"bfloat16\" , \"b\" : [ ] }\n"},
        {"{\"torch_dtype\":\"bfloat16\"}", "{\"torch_dtype\":\"bfloat16\"}"},
        {"{\"torch_dtype\":null}", "{\"torch_dtype\":null}"},
        {"{}", "{}"},
        {"{\"text_config\":{\"dtype\":\"float32\"},\"dtype\":\"float32\"}",
         "{\"text_config\":{\"dtype\":\"bfloat16\"},\"dtype\":\"bfloat16\"}"},
        {"{\"other\":{\"dtype\":\"float32\"},\"x\":\"dtype\",\"y\":\"float32\"}",
         "{\"other\":{\"dtype\":\"float32\"},\"x\":\"dtype\",\"y\":\"float32\"}"},
        {"{\"text_config\":{\"a\":{\"dtype\":\"float32\"}}}", "{\"text_config\":{\"a\":{\"dtype\":\"float32\"}}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hma_buffer out = {0};
        assert_ok(hma_config_with_dtype(&out, "config.json", cases[i].text, strlen(cases[i].text), HMA_BF16));
        assert_string_equal(hma_buffer_cstr(&out), cases[i].expected);
        hma_buffer_free(&out);
    }
    hma_buffer out = {0};
    assert_fails(hma_config_with_dtype(&out, "config.json", "{\"dtype\":", 9, HMA_BF16), HMA_BAD_DATA, "config.json");
    hma_buffer_free(&out);
}

static void tokenizer_and_config_come_from_the_named_donor(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, NULL, 0);
    char *out = path_in(folder->path, "out");
    hma_merge_options options = {.donor = "pre"};
    write_text(pair.post_folder, "special_tokens_map.json", "{\"post\":1}");
    write_text(pair.pre_folder, "special_tokens_map.json", "{\"pre\":1}");
    write_text(pair.pre_folder, "vocab.json", "{}");
    assert_ok(write_merge(&pair, "{\"ratio\":0.5}", out, &options, NULL));
    assert_entries(out, "README.md config.json hma-recipe.json model.safetensors special_tokens_map.json vocab.json");
    assert_same_file(out, pair.pre_folder, "special_tokens_map.json");
    options = (hma_merge_options){.donor = "base", .force = true};
    assert_fails(write_merge(&pair, "{\"ratio\":0.5}", out, &options, NULL), HMA_USAGE, "donor: \"base\" does not exist");
    free(out);
    close_pair(&pair);
}

static void shards_are_cut_and_indexed(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, large, 2);
    char *out = path_in(folder->path, "out"), *text;
    hma_merge_options options = {.shard_size = 3000000, .dry_run = true};
    hma_merge_report rehearsed, report;
    assert_ok(write_merge(&pair, "{\"ratio\":0.5}", out, &options, &rehearsed));
    options.dry_run = false;
    assert_ok(write_merge(&pair, "{\"ratio\":0.5}", out, &options, &report));
    assert_true(report.shards > 1);
    assert_int_equal(report.shards, rehearsed.shards);
    assert_ok(verify(out, &text));
    hma_text_free(text);
    free(out);
    close_pair(&pair);
}

static void the_same_bytes_whatever_the_number_of_threads(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, large, 2);
    static const char *const parents[] = {"one", "two", "three"};
    char *out[3];
    for (unsigned threads = 1; threads <= 3; threads++) {
        /* the folder's own name stands in its card, so it must be the same, too */
        char *parent = make_model(folder->path, parents[threads - 1], NULL, NULL, 0);
        hma_context *context = context_of(threads);
        hma_source *source = merge(&pair, "{\"ratios\":[0.3,0.8],\"rounding\":\"stochastic\",\"seed\":5}");
        const hma_merge_options options = {.shard_size = 3000000};
        out[threads - 1] = path_in(parent, "out");
        assert_ok(hma_merge_write(context, source, out[threads - 1], &options, NULL));
        hma_source_free(source);
        hma_context_free(context);
        free(parent);
    }
    assert_same_folder(out[0], out[1]);
    assert_same_folder(out[0], out[2]);
    for (size_t i = 0; i < 3; i++) {
        free(out[i]);
    }
    close_pair(&pair);
}

/* ---- rounding loss ---- */

typedef struct heard {
    char text[1024];
} heard;

static void listen(void *user, hma_log_level level, const char *line) {
    heard *h = user;
    assert_int_equal(level, HMA_LOG_WARNING);
    (void)snprintf(h->text, sizeof h->text, "%s", line);
}

/* post is pre with every third weight one unit in the last place further: what a small learning rate does to bf16. */
static test_pair make_close_pair(const char *parent) {
    char *pre = write_model(parent, "pre", MODEL_CONFIG, 0, large, 1);
    char *post = write_model(parent, "post", MODEL_CONFIG, 0, large, 1);
    uint16_t *values = malloc(1500000 * sizeof *values);
    hma_checkpoint *checkpoint;
    assert_non_null(values);
    assert_ok(hma_checkpoint_open(&checkpoint, pre));
    assert_ok(hma_checkpoint_read(checkpoint, hma_checkpoint_find(checkpoint, large[0].name), 0, 1500000, values));
    hma_checkpoint_close(checkpoint);
    for (size_t i = 0; i < 1500000; i += 3) {
        values[i]++;
    }
    poke(post, large[0].name, 0, values, 1500000 * sizeof *values);
    free(values);
    return open_pair(pre, post);
}

static hma_merge_report rehearse(const test_pair *pair, const char *recipe, heard *h) {
    const hma_context_options options = {.threads = 2, .log = listen, .user = h};
    const hma_merge_options dry = {.dry_run = true};
    hma_context *context;
    hma_merge_report report;
    hma_source *source = merge(pair, recipe);
    assert_ok(hma_context_new(&context, &options));
    assert_ok(hma_merge_write(context, source, "never-written", &dry, &report));
    hma_source_free(source);
    hma_context_free(context);
    assert_false(hma_path_exists("never-written"));
    return report;
}

static void nearest_rounding_of_neighbours_loses_everything_and_says_so(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_close_pair(folder->path);
    heard h = {""};
    hma_merge_report report = rehearse(&pair, "{\"ratio\":0.3}", &h);
    const hma_rounding_loss *mlp = &report.kind[HMA_KIND_MLP];
    assert_int_equal(mlp->elements, 1500000);
    assert_int_equal(mlp->differing, 500000);
    assert_int_equal(mlp->lost, 500000);
    assert_near(mlp->error_norm / mlp->delta_norm, 0.3, 1e-9); /* every merged weight is pre's */
    assert_int_equal(report.kind[HMA_KIND_ATTENTION].differing, 0);
    assert_int_equal(report.total.lost, 500000);
    assert_non_null(strstr(h.text, "100 % of the interpolated elements"));

    h.text[0] = 0;
    report = rehearse(&pair, "{\"ratio\":0.3,\"dtype\":\"F32\"}", &h);
    assert_int_equal(report.total.lost, 0);
    assert_true(report.total.error_norm < 1e-4 * report.total.delta_norm);
    report = rehearse(&pair, "{\"ratio\":0.3,\"rounding\":\"stochastic\"}", &h);
    assert_int_equal(report.total.lost, 0);
    /* up with probability 0.3: the error has a standard deviation of sqrt(0.3 * 0.7) units */
    assert_near(report.total.error_norm / report.total.delta_norm, sqrt(0.21), 0.005);
    report = rehearse(&pair, "{\"ratio\":1}", &h);
    assert_int_equal(report.total.differing, 0);
    assert_true(report.total.error_norm == 0 && report.total.delta_norm > 0);
    assert_string_equal(h.text, "");
    close_pair(&pair);
}

static void a_rehearsal_reports_what_the_writing_would(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, large, 2);
    char *out = path_in(folder->path, "out"), text[1024];
    hma_merge_options options = {.dry_run = true};
    hma_merge_report rehearsed, written;
    assert_ok(write_merge(&pair, "{\"ratios\":[0.3,0.6]}", out, &options, &rehearsed));
    assert_string_equal(entries(folder->path, text), "post pre");
    options.dry_run = false;
    assert_ok(write_merge(&pair, "{\"ratios\":[0.3,0.6]}", out, &options, &written));
    assert_memory_equal(&rehearsed, &written, sizeof written);
    free(out);
    close_pair(&pair);
}

/* ---- all or nothing ---- */

static void a_folder_that_exists_is_replaced_only_by_force_and_only_if_it_is_a_model(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, NULL, 0);
    char *out = path_in(folder->path, "out");
    const hma_merge_options force = {.force = true};
    assert_ok(write_merge(&pair, "{\"ratio\":0.5}", out, NULL, NULL));
    write_text(out, "note.txt", "old");
    assert_fails(write_merge(&pair, "{\"ratio\":0.5}", out, NULL, NULL), HMA_USAGE, "exists already");
    const hma_merge_options dry = {.dry_run = true};
    assert_fails(write_merge(&pair, "{\"ratio\":0.5}", out, &dry, NULL), HMA_USAGE, "exists already");
    assert_entries(out, "README.md config.json hma-recipe.json model.safetensors note.txt");
    assert_ok(write_merge(&pair, "{\"ratio\":0.25}", out, &force, NULL));
    assert_entries(out, "README.md config.json hma-recipe.json model.safetensors");

    char *home = make_model(folder->path, "home", NULL, NULL, 0);
    write_text(home, "thesis.txt", "mine");
    assert_fails(write_merge(&pair, "{\"ratio\":0.5}", home, &force, NULL), HMA_USAGE, "is not a model folder");
    assert_entries(home, "thesis.txt");
    char *empty = make_model(folder->path, "empty", NULL, NULL, 0), *slash = path_in(folder->path, "empty//");
    assert_ok(write_merge(&pair, "{\"ratio\":0.5}", slash, &force, NULL));
    free(slash);
    assert_entries(folder->path, "empty home out post pre");
    free(empty);
    free(home);
    free(out);
    close_pair(&pair);
}

static void an_input_is_never_overwritten(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, NULL, 0);
    char *inside = path_in(folder->path, "pre/merged"), *deep = path_in(folder->path, "post/a/b/c");
    char *link = path_in(folder->path, "link"), *through = path_in(folder->path, "link/merged");
    assert_int_equal(symlink("pre", link), 0);
    const char *const bad[] = {pair.pre_folder, pair.post_folder, inside, deep, folder->path, link, through};
    const hma_merge_options force = {.force = true};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_fails(write_merge(&pair, "{\"ratio\":0.5}", bad[i], &force, NULL), HMA_USAGE, "would overwrite");
    }
    assert_entries(folder->path, "link post pre");
    assert_entries(pair.pre_folder, "config.json model.safetensors");
    free(inside);
    free(deep);
    free(link);
    free(through);
    close_pair(&pair);
}

static void a_failure_leaves_nothing_behind_and_the_old_folder_as_it_was(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, large, 2);
    char *out = path_in(folder->path, "out"), *old = path_in(folder->path, "old"), *nowhere = path_in(folder->path, "no/where");
    const hma_merge_options force = {.force = true};
    const uint16_t nan = 0x7fc0;
    assert_ok(write_merge(&pair, "{\"ratio\":0.5}", old, NULL, NULL));
    poke(pair.post_folder, large[1].name, 1499999, &nan, 2);
    assert_fails(write_merge(&pair, "{\"ratio\":0.5}", out, NULL, NULL), HMA_NON_FINITE, "at index 1499999");
    assert_fails(write_merge(&pair, "{\"ratio\":0.5}", old, &force, NULL), HMA_NON_FINITE, "at index 1499999");
    assert_fails(write_merge(&pair, "{\"ratio\":0.5}", nowhere, NULL, NULL), HMA_IO, "no/where");
    assert_entries(folder->path, "old post pre");
    char *text;
    assert_ok(verify(old, &text));
    hma_text_free(text);
    free(out);
    free(old);
    free(nowhere);
    close_pair(&pair);
}

static void an_input_that_changes_meanwhile_is_noticed(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, NULL, 0);
    char *out = path_in(folder->path, "out");
    char *weights = path_in(pair.pre_folder, "model.safetensors"), *moved = path_in(folder->path, "moved");
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, weights, times, 0), 0); /* after it was opened */
    assert_fails(write_merge(&pair, "{\"ratio\":0.5}", out, NULL, NULL), HMA_IO, "changed while it was read");
    assert_entries(folder->path, "post pre");
    hma_checkpoint_close(pair.pre);
    assert_ok(hma_checkpoint_open(&pair.pre, pair.pre_folder));
    assert_int_equal(rename(weights, moved), 0); /* what is open can still be read, but what lies beside it may be new */
    assert_fails(write_merge(&pair, "{\"ratio\":0.5}", out, NULL, NULL), HMA_IO, "was replaced while it was read");
    assert_entries(folder->path, "moved post pre");
    free(weights);
    free(moved);
    free(out);
    close_pair(&pair);
}

typedef struct canceller {
    hma_context *context;
    const char *at; /* which step to stop */
    bool reached;
} canceller;

static void cancel_at(void *user, const hma_progress *progress) {
    canceller *c = user;
    if (strcmp(progress->what, c->at) == 0) {
        c->reached = true;
        hma_context_cancel(c->context);
    }
}

static void an_interrupted_merge_leaves_nothing_behind(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, large, 2);
    char *out = path_in(folder->path, "out"), digest[65];
    static const char *const steps[] = {"hashing", "writing", "verifying"};
    for (size_t i = 0; i < 3; i++) {
        canceller c = {.at = steps[i]};
        /* one thread: with more, another one may do the part that would have been reported */
        const hma_context_options options = {.threads = 1, .progress = cancel_at, .user = &c};
        hma_source *source = merge(&pair, "{\"ratio\":0.5}");
        assert_ok(hma_context_new(&c.context, &options));
        assert_fails(hma_merge_write(c.context, source, out, NULL, NULL), HMA_INTERRUPTED, "interrupted");
        assert_true(c.reached);
        assert_entries(folder->path, "post pre");
        hma_source_free(source);
        hma_context_free(c.context);
        /* known digests make "writing" the first thing to be reported */
        hma_context *other = context_of(1);
        assert_ok(hma_checkpoint_digest(other, pair.pre, digest));
        assert_ok(hma_checkpoint_digest(other, pair.post, digest));
        hma_context_free(other);
    }
    free(out);
    close_pair(&pair);
}

static void requests_that_make_no_sense_are_refused(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, NULL, 0);
    char *out = path_in(folder->path, "out");
    hma_merge_options options = {.scores_json = "{\"acc\": }"};
    hma_context *context = context_of(1);
    hma_source *plain;
    assert_fails(write_merge(&pair, "{\"ratio\":0.5}", out, &options, NULL), HMA_BAD_DATA, "scores");
    options.scores_json = "[0.5]";
    assert_fails(write_merge(&pair, "{\"ratio\":0.5}", out, &options, NULL), HMA_BAD_DATA, "not a JSON object");
    assert_fails(write_merge(&pair, "{\"ratio\":0.5}", "", NULL, NULL), HMA_USAGE, "has no name");
    assert_ok(hma_source_plain(&plain, pair.pre));
    assert_fails(hma_merge_write(context, plain, out, NULL, NULL), HMA_USAGE, "is a single checkpoint");
    hma_source_free(plain);
    hma_context_free(context);
    assert_entries(folder->path, "post pre");
    free(out);
    close_pair(&pair);
}

/* ---- checking a folder ---- */

static void verification_finds_what_has_changed(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, NULL, 0);
    char *out = path_in(folder->path, "out"), *text = NULL, *path = path_in(folder->path, "out/README.md");
    const hma_merge_options force = {.force = true};
    const uint16_t one = 0x3f80, nan = 0x7fc0;
    assert_ok(write_merge(&pair, "{\"ratio\":0.5}", out, NULL, NULL));
    poke(out, "model.norm.weight", 2, &one, 2);
    assert_fails(verify(out, &text), HMA_BAD_DATA, "out/model.safetensors: has changed since it was written");
    assert_ok(write_merge(&pair, "{\"ratio\":0.5}", out, &force, NULL));
    assert_int_equal(unlink(path), 0);
    assert_fails(verify(out, &text), HMA_IO, "README.md");
    write_text(out, "hma-recipe.json", "{\"schema\":\"hma-merge\"}");
    assert_fails(verify(out, &text), HMA_BAD_DATA, "\"files\" is missing");
    write_text(out, "hma-recipe.json", "{\"files\":[{\"name\":\"../pre/config.json\",\"sha256\":\"\"}]}");
    assert_fails(verify(out, &text), HMA_BAD_DATA, "file name \"../pre/config.json\" is not usable");
    write_text(out, "hma-recipe.json", "{\"files\":[{\"name\":\"config.json\"},{\"name\":\"config.json\"}]}");
    assert_fails(verify(out, &text), HMA_BAD_DATA, "each once");
    write_text(out, "hma-recipe.json", "{\"files\":[{\"name\":\"config.json\"}]}");
    assert_fails(verify(out, &text), HMA_BAD_DATA, "\"sha256\" is missing");
    assert_null(text);

    assert_ok(verify(pair.pre_folder, &text));
    assert_non_null(strstr(text, "has no hma-recipe.json"));
    hma_text_free(text);
    poke(pair.pre_folder, "model.norm.weight", 3, &nan, 2);
    assert_fails(verify(pair.pre_folder, &text), HMA_NON_FINITE, "at index 3");
    free(path);
    free(out);
    close_pair(&pair);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_merged_folder_is_complete, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(card_and_manifest_say_what_was_merged, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(another_output_type_changes_one_word_of_the_config, make_folder, remove_folder),
        cmocka_unit_test(config_text_is_kept_byte_for_byte),
        cmocka_unit_test_setup_teardown(tokenizer_and_config_come_from_the_named_donor, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(shards_are_cut_and_indexed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(the_same_bytes_whatever_the_number_of_threads, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(nearest_rounding_of_neighbours_loses_everything_and_says_so, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_rehearsal_reports_what_the_writing_would, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_folder_that_exists_is_replaced_only_by_force_and_only_if_it_is_a_model, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(an_input_is_never_overwritten, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_failure_leaves_nothing_behind_and_the_old_folder_as_it_was, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(an_input_that_changes_meanwhile_is_noticed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(an_interrupted_merge_leaves_nothing_behind, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(requests_that_make_no_sense_are_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(verification_finds_what_has_changed, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
