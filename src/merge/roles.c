#include "merge/roles.h"

#include <stdint.h>
#include <string.h>

/* One dot-separated part of a tensor's name. */
typedef struct part {
    const char *text;
    size_t length;
} part;

static bool next_part(const char **name, part *out) {
    if (!*name) {
        return false;
    }
    const size_t length = strcspn(*name, ".");
    *out = (part){*name, length};
    *name = (*name)[length] ? *name + length + 1 : NULL;
    return true;
}

static bool is_one_of(part p, const char *const *words) {
    for (; *words; words++) {
        if (strlen(*words) == p.length && memcmp(*words, p.text, p.length) == 0) {
            return true;
        }
    }
    return false;
}

static bool contains(const char *name, const char *const *words) {
    for (; *words; words++) {
        if (strstr(name, *words)) {
            return true;
        }
    }
    return false;
}

/* Names of whole parts outside the layers. */
static const char *const embeddings[] = {"embed_tokens",    "embed_in",       "embed_positions",     "wte",        "wpe",
                                         "word_embeddings", "tok_embeddings", "position_embeddings", "embeddings", "embedding",
                                         "shared",          NULL};
static const char *const heads[] = {"lm_head", "embed_out", "output", "ff_out", NULL};
static const char *const scores[] = {"score", "classifier", "v_head", NULL};
/* Their layers are numbered too, but they are not the language model's. */
static const char *const towers[] = {"vision_tower", "vision_model",          "visual", "vision_encoder", "audio_tower",
                                     "audio_model",  "multi_modal_projector", NULL};

/* Words in names of parts inside the layers. */
static const char *const norm_words[] = {"norm", "ln_", "ln1", "ln2", NULL};
static const char *const attention_words[] = {"attn", "attention", "q_proj", "k_proj", "v_proj", "o_proj", NULL};
static const char *const mlp_words[] = {"mlp",       "ffn",     "feed_forward", "fc1",           "fc2",
                                        "fc_in",     "fc_out",  "expert",       "moe",           "dense_h_to_4h",
                                        "gate_proj", "up_proj", "down_proj",    "dense_4h_to_h", NULL};

static bool ends_with(const char *name, const char *end) {
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/* A part that is a plain number, of at most six digits. */
static bool layer_number(part p, size_t *out) {
    size_t value = 0;
    if (p.length == 0 || p.length > 6) {
        return false;
    }
    for (size_t i = 0; i < p.length; i++) {
        if (p.text[i] < '0' || p.text[i] > '9') {
            return false;
        }
        value = value * 10 + (size_t)(p.text[i] - '0');
    }
    *out = value;
    return true;
}

static hma_role in_layer(size_t layer, const char *rest, size_t rank) {
    const bool norm = contains(rest, norm_words);
    const hma_tensor_kind kind = norm                              ? HMA_KIND_NORM
                                 : contains(rest, attention_words) ? HMA_KIND_ATTENTION
                                 : contains(rest, mlp_words)       ? HMA_KIND_MLP
                                                                   : HMA_KIND_OTHER;
    return (hma_role){HMA_PLACE_LAYER, layer, rank >= 2 && !norm && !ends_with(rest, "bias"), kind};
}

static hma_role outside(hma_place place, hma_tensor_kind kind) { return (hma_role){.place = place, .kind = kind}; }

hma_role hma_role_of(const char *name, size_t rank) {
    const char *rest = name;
    size_t layer;
    for (part p; next_part(&rest, &p);) {
        if (is_one_of(p, embeddings)) {
            return outside(HMA_PLACE_EMBEDDING, HMA_KIND_EMBEDDING);
        }
        if (is_one_of(p, heads)) {
            return outside(HMA_PLACE_HEAD, HMA_KIND_HEAD);
        }
        if (is_one_of(p, scores)) {
            return outside(HMA_PLACE_SCORE, HMA_KIND_HEAD);
        }
        if (is_one_of(p, towers)) {
            return outside(HMA_PLACE_OTHER, HMA_KIND_OTHER);
        }
        if (rest && p.text != name && layer_number(p, &layer)) {
            return in_layer(layer, rest, rank);
        }
    }
    return contains(name, norm_words) ? outside(HMA_PLACE_FINAL_NORM, HMA_KIND_NORM) : outside(HMA_PLACE_OTHER, HMA_KIND_OTHER);
}
