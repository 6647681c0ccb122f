/* Pairs of models for tests of gradients: a fixture of tests/golden/models as pre, and the same moved by random numbers as
 * post. */
#ifndef HMA_TESTS_GRADIENT_MODELS_H
#define HMA_TESTS_GRADIENT_MODELS_H

#include "checkpoint_files.h"

#include "base/json.h"
#include "base/rng.h"
#include "eval/transformer/gradient.h"
#include "hma/hma.h"

typedef struct gradient_pair {
    char *pre_folder, *post_folder;
    hma_checkpoint *pre, *post;
    size_t layers;
} gradient_pair;

/* Roughly normal, of variance 1: enough to move weights in every direction. */
static inline double bell(hma_rng_key key, uint64_t index) {
    double sum = -6;
    for (uint64_t i = 0; i < 12; i++) {
        sum += hma_rng_double(key, 12 * index + i);
    }
    return sum;
}

/* config.json of a fixture, its vocabulary replaced unless 0; *old gets the one it had. Freed with free(). */
static inline char *config_of(const char *folder, size_t vocabulary, size_t *old) {
    char *path = path_in(folder, "config.json"), *text;
    cJSON *config;
    assert_ok(hma_json_load(&config, path, 1 << 20));
    cJSON *size = cJSON_GetObjectItemCaseSensitive(config, "vocab_size");
    assert_true(cJSON_IsNumber(size));
    *old = (size_t)size->valuedouble;
    if (vocabulary) {
        cJSON_SetNumberValue(size, (double)vocabulary);
    }
    text = cJSON_PrintUnformatted(config);
    assert_non_null(text);
    cJSON_Delete(config);
    free(path);
    return text;
}

/* A tensor's values in F32, with `more` random ones behind them, all moved by `spread` times their root mean square. */
static inline float *moved_values(const hma_source *source, const hma_tensor *t, size_t more, double spread) {
    const hma_rng_key key = hma_rng_key_for(7, t->name), other = hma_rng_key_for(8, t->name);
    const size_t count = t->elements + more;
    float *values = malloc(count * sizeof *values + 1);
    double squares = 0;
    assert_non_null(values);
    assert_ok(hma_source_read_f32(source, t, 0, t->elements, values));
    for (size_t k = 0; k < t->elements; k++) {
        squares += (double)values[k] * (double)values[k];
    }
    const double scale = fmax(sqrt(squares / (double)t->elements), 0.05);
    for (size_t k = 0; k < count; k++) {
        const double at = k < t->elements ? (double)values[k] : scale * bell(other, k);
        values[k] = (float)(at + spread * scale * bell(key, k));
    }
    return values;
}

/*
 * FOLDER's weights in F32, moved by `spread`, as a folder NAME in `parent`. F32, so that nothing is lost to rounding when
 * ratios move by little. With `vocabulary` not 0, embedding and head get so many rows.
 */
static inline char *write_moved(const char *parent, const char *name, const char *folder, double spread, size_t vocabulary) {
    hma_checkpoint *from;
    hma_source *source;
    hma_buffer header = {0}, data = {0}, file = {0};
    size_t old;
    char *config = config_of(folder, vocabulary, &old);
    assert_ok(hma_checkpoint_open(&from, folder));
    assert_ok(hma_source_plain(&source, from));
    hma_buffer_text(&header, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < hma_source_tensor_count(source); i++) {
        const hma_tensor *t = hma_source_tensor(source, i);
        if (!hma_dtype_is_weight(t->dtype)) {
            continue; /* buffers are computed, not read */
        }
        const bool grows = vocabulary && t->rank > 0 && t->shape[0] == old;
        const size_t more = grows ? (vocabulary - old) * (t->elements / old) : 0, bytes = (t->elements + more) * sizeof(float);
        float *values = moved_values(source, t, more, spread);
        hma_buffer_printf(&header, ",\"%s\":{\"dtype\":\"F32\",\"shape\":[", t->name);
        for (size_t d = 0; d < t->rank; d++) {
            hma_buffer_printf(&header, "%s%llu", d ? "," : "",
                              (unsigned long long)(grows && d == 0 ? vocabulary : t->shape[d]));
        }
        hma_buffer_printf(&header, "],\"data_offsets\":[%zu,%zu]}", data.length, data.length + bytes);
        hma_buffer_add(&data, values, bytes);
        free(values);
    }
    hma_buffer_char(&header, '}');
    const uint64_t header_length = header.length;
    hma_buffer_add(&file, &header_length, sizeof header_length);
    hma_buffer_add(&file, header.data, header.length);
    hma_buffer_add(&file, data.data, data.length);
    assert_ok(hma_buffer_ok(&file));
    char *out = make_model(parent, name, config, NULL, 0);
    write_bytes(out, "model.safetensors", file.data, file.length);
    hma_buffer_free(&header);
    hma_buffer_free(&data);
    hma_buffer_free(&file);
    hma_source_free(source);
    hma_checkpoint_close(from);
    free(config);
    return out;
}

static inline gradient_pair make_gradient_pair(const char *parent, const char *fixture, double spread, size_t vocabulary) {
    gradient_pair pair = {write_moved(parent, "pre", fixture, 0, vocabulary),
                          write_moved(parent, "post", fixture, spread, vocabulary), NULL, NULL, 0};
    assert_ok(hma_checkpoint_open(&pair.pre, pair.pre_folder));
    assert_ok(hma_checkpoint_open(&pair.post, pair.post_folder));
    assert_ok(hma_checkpoint_layers(pair.post, &pair.layers));
    return pair;
}

static inline void close_gradient_pair(gradient_pair *pair) {
    hma_checkpoint_close(pair->pre);
    hma_checkpoint_close(pair->post);
    assert_ok(hma_folder_remove(pair->pre_folder));
    assert_ok(hma_folder_remove(pair->post_folder));
    free(pair->pre_folder);
    free(pair->post_folder);
}

#endif
