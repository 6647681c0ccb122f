/* Small model folders for the tests of src/merge: two layers, values as wanted. */
#ifndef HMA_TESTS_MERGE_MODELS_H
#define HMA_TESTS_MERGE_MODELS_H

#include "checkpoint_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "hma/hma.h"
#include "merge/float_formats.h"

#define MODEL_CONFIG                                                                                                          \
    "{\n  \"architectures\": [\"LlamaForCausalLM\"],\n  \"model_type\": \"llama\",\n  \"hidden_size\": 4,\n"                   \
    "  \"num_hidden_layers\": 2,\n  \"num_attention_heads\": 2,\n  \"vocab_size\": 8,\n  \"odd key\": 1.50,\n"                 \
    "  \"tie_word_embeddings\": false,\n  \"torch_dtype\": \"bfloat16\"\n}\n"
#define TIED_CONFIG                                                                                                           \
    "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",\"hidden_size\":4,"                                   \
    "\"num_hidden_layers\":2,\"num_attention_heads\":2,\"vocab_size\":8,\"tie_word_embeddings\":true}"

typedef struct test_tensor {
    const char *name;
    const char *dtype; /* as safetensors calls it */
    const char *shape; /* as JSON */
    size_t elements;
} test_tensor;

/* Every tensor that the models below have; a test may add its own. */
static const test_tensor llama_tensors[] = {
    {"model.embed_tokens.weight", "BF16", "[8,4]", 32},
    {"model.layers.0.input_layernorm.weight", "BF16", "[4]", 4},
    {"model.layers.0.self_attn.q_proj.weight", "BF16", "[4,4]", 16},
    {"model.layers.1.input_layernorm.weight", "BF16", "[4]", 4},
    {"model.layers.1.self_attn.q_proj.weight", "BF16", "[4,4]", 16},
    {"model.norm.weight", "BF16", "[4]", 4},
};
enum { LLAMA_TENSORS = 6 };

static inline size_t size_of_name(const char *dtype) {
    hma_dtype parsed;
    assert_ok(hma_dtype_parse(&parsed, dtype));
    return hma_dtype_size(parsed);
}

/* A number near `value` in the tensor's type; integers hold 1. */
static inline void add_value(hma_buffer *data, const char *dtype, double value) {
    const float f32 = (float)value;
    const uint16_t bf16 = hma_odd_to_bf16(hma_round_to_odd(value)), f16 = hma_odd_to_f16(hma_round_to_odd(value));
    const uint64_t one = 1;
    if (strcmp(dtype, "F32") == 0) {
        hma_buffer_add(data, &f32, sizeof f32);
    } else if (strcmp(dtype, "BF16") == 0) {
        hma_buffer_add(data, &bf16, sizeof bf16);
    } else if (strcmp(dtype, "F16") == 0) {
        hma_buffer_add(data, &f16, sizeof f16);
    } else {
        hma_buffer_add(data, &one, size_of_name(dtype));
    }
}

/* A folder with the tensors of two lists, as write_model() makes them. */
static inline char *write_tensors(const char *parent, const char *name, const char *config, double spread,
                                  const test_tensor *first, size_t first_count, const test_tensor *more, size_t more_count) {
    hma_buffer header = {0}, data = {0}, file = {0};
    char *folder = make_model(parent, name, config, NULL, 0);
    hma_buffer_text(&header, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < first_count + more_count; i++) {
        const test_tensor *t = i < first_count ? &first[i] : &more[i - first_count];
        const hma_rng_key key = hma_rng_key_for(1, t->name);
        const size_t begin = data.length;
        for (size_t k = 0; k < t->elements; k++) {
            add_value(&data, t->dtype, hma_rng_double(key, 2 * k) - 0.5 + spread * (hma_rng_double(key, 2 * k + 1) - 0.5));
        }
        hma_buffer_printf(&header, ",\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}", t->name, t->dtype,
                          t->shape,
                          begin, data.length);
    }
    hma_buffer_char(&header, '}');
    const uint64_t length = header.length;
    hma_buffer_add(&file, &length, sizeof length);
    hma_buffer_add(&file, header.data, header.length);
    hma_buffer_add(&file, data.data, data.length);
    assert_ok(hma_buffer_ok(&file));
    write_bytes(folder, "model.safetensors", file.data, file.length);
    hma_buffer_free(&header);
    hma_buffer_free(&data);
    hma_buffer_free(&file);
    return folder;
}

/*
 * A folder NAME in `parent` with the standard tensors and `more`. Values depend on tensor, element and `spread`: pre and post
 * are models of different spread, further apart the more these differ. The caller frees the path.
 */
static inline char *write_model(const char *parent, const char *name, const char *config, double spread,
                                const test_tensor *more, size_t more_count) {
    return write_tensors(parent, name, config, spread, llama_tensors, LLAMA_TENSORS, more, more_count);
}

/* Overwrites bytes of one element on the disk. The file's time stays: a checkpoint that has it open takes it for unchanged. */
static inline void poke(const char *folder, const char *tensor, size_t element, const void *bytes, size_t size) {
    hma_checkpoint *checkpoint;
    char *path = path_in(folder, "model.safetensors");
    assert_ok(hma_checkpoint_open(&checkpoint, folder));
    const hma_tensor *found = hma_checkpoint_find(checkpoint, tensor);
    assert_non_null(found);
    const int fd = open(path, O_WRONLY);
    struct stat before;
    assert_int_equal(fstat(fd, &before), 0);
    assert_int_equal(pwrite(fd, bytes, size, (off_t)(found->offset + element * hma_dtype_size(found->dtype))), (ssize_t)size);
    const struct timespec times[2] = {before.st_atim, before.st_mtim};
    assert_int_equal(futimens(fd, times), 0);
    assert_int_equal(close(fd), 0);
    hma_checkpoint_close(checkpoint);
    free(path);
}

/* Two models and what is made of them. */
typedef struct test_pair {
    char *pre_folder, *post_folder;
    hma_checkpoint *pre, *post;
} test_pair;

static inline test_pair open_pair(char *pre_folder, char *post_folder) {
    test_pair pair = {pre_folder, post_folder, NULL, NULL};
    assert_ok(hma_checkpoint_open(&pair.pre, pre_folder));
    assert_ok(hma_checkpoint_open(&pair.post, post_folder));
    return pair;
}

static inline test_pair make_pair(const char *parent, const test_tensor *more, size_t more_count) {
    return open_pair(write_model(parent, "pre", MODEL_CONFIG, 0, more, more_count),
                     write_model(parent, "post", MODEL_CONFIG, 0.3, more, more_count));
}

static inline void close_pair(test_pair *pair) {
    hma_checkpoint_close(pair->pre);
    hma_checkpoint_close(pair->post);
    free(pair->pre_folder);
    free(pair->post_folder);
}

static inline hma_recipe *parse_recipe(const char *json) {
    hma_recipe *recipe;
    assert_ok(hma_recipe_parse(&recipe, json, strlen(json), 2, "recipe"));
    return recipe;
}

static inline hma_source *merge(const test_pair *pair, const char *recipe_json) {
    hma_recipe *recipe = parse_recipe(recipe_json);
    hma_source *source;
    assert_ok(hma_source_merged(&source, pair->pre, pair->post, recipe));
    hma_recipe_free(recipe);
    return source;
}

/* The whole of one tensor as it would be stored; the caller frees it. */
static inline void *read_tensor(const hma_source *source, const char *name) {
    const hma_tensor *tensor = hma_source_find(source, name);
    assert_non_null(tensor);
    void *bytes = malloc(tensor->bytes + 1);
    assert_non_null(bytes);
    assert_ok(hma_source_read(source, tensor, 0, tensor->elements, bytes));
    return bytes;
}

#endif
