/*
 * Writes a pair of checkpoints of the shape of a 3B Llama (bf16, about 6.9 GB each) with random weights, and a request file of
 * 64 documents with four choices, as token ids: for measuring what happens when a pair is larger than the memory that may be
 * used.
 *
 *     bench_large_pair DIR [LAYERS HIDDEN HEADS INTERMEDIATE VOCABULARY]
 *
 * tests/bench/large_pair.sh makes, scores and deletes one.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "arguments.h"
#include "base/buffer.h"
#include "base/memory.h"

typedef struct shape {
    size_t layers, hidden, heads, intermediate, vocabulary;
} shape;

enum { CHUNK = 1 << 20, DOCUMENTS = 64, CHOICES = 4, CONTEXT = 96, CHOICE = 12 };

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Sign, an exponent around 2^-7, and bits of the fraction; post differs from pre in the last of these, here and there. */
static void fill(uint16_t *values, size_t count, uint64_t *state, bool post) {
    for (size_t i = 0; i < count; i++) {
        const uint64_t r = next(state);
        values[i] = (uint16_t)((r & 0x807f) | (119 + (r >> 8) % 3) << 7);
        values[i] = (uint16_t)(values[i] ^ (post && r >> 40 & 1 ? r >> 41 & 3 : 0));
    }
}

/* ---- a checkpoint ---- */

typedef struct writer {
    hma_buffer header;
    uint64_t offset;
} writer;

static void add_tensor(writer *w, const char *name, size_t rows, size_t columns) {
    const uint64_t bytes = 2 * (uint64_t)rows * (columns ? columns : 1);
    hma_buffer_printf(&w->header, "%s\"%s\":{\"dtype\":\"BF16\",\"shape\":[%zu", w->offset ? "," : "{", name, rows);
    if (columns) {
        hma_buffer_printf(&w->header, ",%zu", columns);
    }
    hma_buffer_printf(&w->header, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)w->offset,
                      (unsigned long long)(w->offset + bytes));
    w->offset += bytes;
}

static void add_layer(writer *w, const shape *s, size_t layer) {
    static const char *const names[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                                        "mlp.gate_proj",    "mlp.up_proj",      "mlp.down_proj"};
    char name[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(name, sizeof name, "model.layers.%zu.%s.weight", layer, names[i]);
        add_tensor(w, name, i == 4 || i == 5 ? s->intermediate : s->hidden, i == 6 ? s->intermediate : s->hidden);
    }
    (void)snprintf(name, sizeof name, "model.layers.%zu.input_layernorm.weight", layer);
    add_tensor(w, name, s->hidden, 0);
    (void)snprintf(name, sizeof name, "model.layers.%zu.post_attention_layernorm.weight", layer);
    add_tensor(w, name, s->hidden, 0);
}

static FILE *create(const char *folder, const char *name) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file) {
        perror(path);
    }
    return file;
}

static bool write_weights(const char *folder, const shape *s, bool post) {
    writer w = {0};
    uint64_t state = 88172645463325252u;
    uint16_t *values = HMA_NEW(uint16_t, CHUNK);
    FILE *file = create(folder, "model.safetensors");
    add_tensor(&w, "model.embed_tokens.weight", s->vocabulary, s->hidden);
    for (size_t l = 0; l < s->layers; l++) {
        add_layer(&w, s, l);
    }
    add_tensor(&w, "model.norm.weight", s->hidden, 0);
    add_tensor(&w, "lm_head.weight", s->vocabulary, s->hidden);
    hma_buffer_text(&w.header, "}");
    const uint64_t length = w.header.length;
    bool ok = values && file && hma_buffer_ok(&w.header) == HMA_OK && fwrite(&length, sizeof length, 1, file) == 1 &&
              fwrite(w.header.data, w.header.length, 1, file) == 1;
    for (uint64_t left = w.offset / 2; ok && left > 0;) {
        const size_t count = left < CHUNK ? (size_t)left : CHUNK;
        fill(values, count, &state, post);
        ok = fwrite(values, sizeof *values, count, file) == count;
        left -= count;
    }
    ok = file && fclose(file) == 0 && ok;
    hma_buffer_free(&w.header);
    free(values);
    return ok;
}

static bool write_config(const char *folder, const shape *s) {
    FILE *file = create(folder, "config.json");
    const bool ok =
        file &&
        fprintf(
            file,
            "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",\"hidden_size\":%zu,\"num_hidden_layers\":%zu,"
            "\"num_attention_heads\":%zu,\"num_key_value_heads\":%zu,\"intermediate_size\":%zu,\"vocab_size\":%zu,"
            "\"max_position_embeddings\":2048,\"rms_norm_eps\":1e-6,\"hidden_act\":\"silu\",\"rope_theta\":10000.0,"
            "\"tie_word_embeddings\":false,\"bos_token_id\":1,\"eos_token_id\":2,\"torch_dtype\":\"bfloat16\"}\n",
            s->hidden, s->layers, s->heads, s->heads, s->intermediate, s->vocabulary) > 0;
    return file && fclose(file) == 0 && ok;
}

/* ---- requests ---- */

static void put_ids(FILE *file, const char *key, size_t count, uint64_t *state, const shape *s) {
    (void)fprintf(file, ",\"%s\":[", key);
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(file, "%s%llu", i ? "," : "", (unsigned long long)(3 + next(state) % (s->vocabulary - 3)));
    }
    (void)fputc(']', file);
}

static bool write_requests(const char *folder, const shape *s) {
    FILE *file = create(folder, "requests.jsonl");
    for (size_t d = 0; file && d < DOCUMENTS; d++) {
        for (size_t c = 0; c < CHOICES; c++) {
            uint64_t document = 1000 + d, choice = 7000 + d * CHOICES + c;
            (void)fprintf(file, "{\"id\":\"%zu-%zu\",\"type\":\"loglikelihood\"", d, c);
            put_ids(file, "context_ids", CONTEXT, &document, s);
            put_ids(file, "continuation_ids", CHOICE, &choice, s);
            (void)fputs("}\n", file);
        }
    }
    return file && fclose(file) == 0;
}

int main(int argc, char **argv) {
    static const char *const names[] = {"pre", "post"};
    shape s = {26, 3200, 32, 8640, 32000};
    char folder[2048];
    if (argc != 2 && argc != 7) {
        (void)fprintf(stderr, "usage: bench_large_pair DIR [LAYERS HIDDEN HEADS INTERMEDIATE VOCABULARY]\n");
        return 2;
    }
    if (argc == 7) {
        s = (shape){bench_count(argc, argv, 2, 0), bench_count(argc, argv, 3, 0), bench_count(argc, argv, 4, 0),
                    bench_count(argc, argv, 5, 0), bench_count(argc, argv, 6, 0)};
    }
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(folder, sizeof folder, "%s/%s", argv[1], names[i]);
        (void)mkdir(folder, 0777);
        if (!write_config(folder, &s) || !write_weights(folder, &s, i == 1)) {
            return 1;
        }
    }
    return write_requests(argv[1], &s) ? 0 : 1;
}
