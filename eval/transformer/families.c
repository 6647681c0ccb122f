#include "eval/transformer/families.h"

#include <math.h>
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "eval/transformer/rope.h"

/* ---- reading values ---- */

static hma_status size_or(const hma_config *c, const char *key, size_t assumed, size_t *out) {
    *out = assumed;
    return hma_json_get_size(c->object, c->path, key, false, 1, (size_t)1 << 31, out);
}

static hma_status flag(const hma_config *c, const char *key, bool assumed, bool *out) {
    *out = assumed;
    return hma_json_get_bool(c->object, c->path, key, false, out);
}

static hma_status number(const hma_config *c, const char *key, double assumed, float *out) {
    double value = assumed;
    const hma_status status = hma_json_get_double(c->object, c->path, key, false, -1e30, 1e30, &value);
    *out = (float)value;
    return status;
}

/* A switch of the configuration class; with `refused`, the computation is another one than ours, and the model is refused. */
static hma_status refuse_if(const hma_config *c, const char *key, bool refused) {
    bool value;
    hma_status status = flag(c, key, !refused, &value);
    if (status == HMA_OK && value == refused) {
        status = hma_error(HMA_BAD_DATA, "%s: \"%s\": %s is not supported (expected %s): this model cannot be scored", c->path,
                           key, refused ? "true" : "false", refused ? "false" : "true");
    }
    return status;
}

/* kv heads and head size. Without the key there are `assumed_kv` kv heads (0: as many as heads), with null as many as heads. */
static hma_status grouped_heads(hma_architecture *a, const hma_config *c, size_t assumed_kv, size_t assumed_head_dim) {
    const bool absent = !cJSON_GetObjectItemCaseSensitive(c->object, "num_key_value_heads");
    hma_status status = size_or(c, "num_key_value_heads", absent && assumed_kv ? assumed_kv : a->heads, &a->kv_heads);
    return status == HMA_OK ? size_or(c, "head_dim", assumed_head_dim, &a->head_dim) : status;
}

static void own_heads(hma_architecture *a) {
    a->kv_heads = a->heads;
    a->head_dim = a->hidden / a->heads;
}

static void scale_by_head_dim(hma_architecture *a) { a->attention_scale = 1.0f / sqrtf((float)a->head_dim); }

static hma_status rope_all(hma_architecture *a, const hma_config *c, double theta, const char *partial_key, double partial) {
    const hma_rope_request request = {.config = c->object,
                                      .path = c->path,
                                      .theta_key = "rope_theta",
                                      .default_theta = theta,
                                      .partial_key = partial_key,
                                      .default_partial = partial,
                                      .scaled = true,
                                      .head_dim = a->head_dim,
                                      .max_length = a->max_length};
    return hma_rope_read(&a->rope[0], &request);
}

/* A size that null switches off: 0 then. */
static hma_status size_or_null(const hma_config *c, const char *key, size_t assumed, size_t *out) {
    const bool absent = !cJSON_GetObjectItemCaseSensitive(c->object, key);
    return size_or(c, key, absent ? assumed : 0, out);
}

static hma_status number_or_null(const hma_config *c, const char *key, double assumed, float *out) {
    const bool absent = !cJSON_GetObjectItemCaseSensitive(c->object, key);
    return number(c, key, absent ? assumed : 0, out);
}

/* Which layers have a window where config.json does not list them. */
typedef bool (*slides_fn)(size_t layer, size_t parameter);
static bool from_layer(size_t layer, size_t first) { return layer >= first; }
static bool but_every(size_t layer, size_t pattern) { return (layer + 1) % pattern != 0; }

/* Gives a window to the layers that "layer_types" calls sliding; without that key, to those for which `slides` says so. */
static hma_status give_windows(hma_architecture *a, const hma_config *c, size_t window, slides_fn slides, size_t parameter) {
    const cJSON *types = hma_json_get(c->object, "layer_types"), *type;
    if (!types) {
        for (size_t l = 0; l < a->layers; l++) {
            a->layer_window[l] = slides(l, parameter) ? window : 0;
        }
        return HMA_OK;
    }
    size_t layer = 0;
    cJSON_ArrayForEach(type, types) {
        const char *text = cJSON_IsString(type) ? type->valuestring : "";
        const bool sliding = strcmp(text, "sliding_attention") == 0;
        if (layer >= a->layers || (!sliding && strcmp(text, "full_attention") != 0)) {
            layer = SIZE_MAX;
            break;
        }
        a->layer_window[layer++] = sliding ? window : 0;
    }
    return layer == a->layers ? HMA_OK
                              : hma_error(HMA_BAD_DATA,
                                          "%s: \"layer_types\" is not usable (expected %zu of \"full_attention\" and "
                                          "\"sliding_attention\"): correct it",
                                          c->path, a->layers);
}

/* ---- Llama and its relatives ---- */

static hma_status read_llama(hma_architecture *a, const hma_config *c) {
    a->gated = true;
    hma_status status = grouped_heads(a, c, 0, a->hidden / a->heads);
    if (status == HMA_OK) {
        status = flag(c, "attention_bias", false, &a->q_bias);
        a->o_bias = a->q_bias;
    }
    if (status == HMA_OK) {
        status = flag(c, "mlp_bias", false, &a->mlp_bias);
    }
    scale_by_head_dim(a);
    return status == HMA_OK ? rope_all(a, c, 10000, NULL, 1) : status;
}

static hma_status read_mistral(hma_architecture *a, const hma_config *c) {
    a->gated = true;
    size_t window = 0;
    hma_status status = grouped_heads(a, c, 8, a->hidden / a->heads);
    if (status == HMA_OK) {
        status = size_or_null(c, "sliding_window", 4096, &window);
    }
    for (size_t l = 0; l < a->layers; l++) {
        a->layer_window[l] = window;
    }
    scale_by_head_dim(a);
    return status == HMA_OK ? rope_all(a, c, 10000, NULL, 1) : status;
}

/* Qwen2 and Qwen3: windows only when use_sliding_window says so, and then from max_window_layers on. */
static hma_status qwen_windows(hma_architecture *a, const hma_config *c) {
    bool use;
    size_t window, first = 28;
    hma_status status = flag(c, "use_sliding_window", false, &use);
    if (status != HMA_OK || !use) {
        return status;
    }
    status = size_or_null(c, "sliding_window", 4096, &window);
    if (status == HMA_OK) {
        status = hma_json_get_size(c->object, c->path, "max_window_layers", false, 0, (size_t)1 << 31, &first);
    }
    return status == HMA_OK ? give_windows(a, c, window, from_layer, first) : status;
}

static hma_status read_qwen2(hma_architecture *a, const hma_config *c) {
    a->gated = true;
    a->q_bias = true;
    hma_status status = grouped_heads(a, c, 32, a->hidden / a->heads);
    if (status == HMA_OK) {
        status = qwen_windows(a, c);
    }
    scale_by_head_dim(a);
    return status == HMA_OK ? rope_all(a, c, 10000, NULL, 1) : status;
}

static hma_status read_qwen3(hma_architecture *a, const hma_config *c) {
    a->gated = true;
    a->query_norm = HMA_QUERY_NORM_HEAD;
    hma_status status = grouped_heads(a, c, 32, 128);
    if (status == HMA_OK) {
        status = flag(c, "attention_bias", false, &a->q_bias);
        a->o_bias = a->q_bias;
    }
    if (status == HMA_OK) {
        status = qwen_windows(a, c);
    }
    scale_by_head_dim(a);
    return status == HMA_OK ? rope_all(a, c, 10000, NULL, 1) : status;
}

static hma_status read_olmo2(hma_architecture *a, const hma_config *c) {
    a->gated = true;
    a->query_norm = HMA_QUERY_NORM_WHOLE;
    hma_status status = grouped_heads(a, c, 0, a->hidden / a->heads);
    if (status == HMA_OK) {
        status = flag(c, "attention_bias", false, &a->q_bias);
        a->o_bias = a->q_bias;
    }
    scale_by_head_dim(a);
    return status == HMA_OK ? rope_all(a, c, 10000, NULL, 1) : status;
}

static hma_status read_stablelm(hma_architecture *a, const hma_config *c) {
    a->norm = HMA_NORM_LAYER;
    a->gated = true;
    hma_status status = grouped_heads(a, c, 32, a->hidden / a->heads);
    if (status == HMA_OK) {
        status = flag(c, "use_qkv_bias", false, &a->q_bias);
    }
    if (status == HMA_OK) {
        status = flag(c, "use_parallel_residual", false, &a->parallel);
        a->shared_norm = a->parallel;
    }
    if (status == HMA_OK) {
        status = refuse_if(c, "qk_layernorm", true);
    }
    scale_by_head_dim(a);
    return status == HMA_OK ? rope_all(a, c, 10000, "partial_rotary_factor", 0.25) : status;
}

/* ---- Gemma ---- */

static hma_status gemma_common(hma_architecture *a, const hma_config *c, size_t assumed_kv) {
    a->gated = true;
    a->norm_plus_one = true;
    a->embed_scale = sqrtf((float)a->hidden);
    hma_status status = grouped_heads(a, c, assumed_kv, 256);
    if (status == HMA_OK) {
        status = flag(c, "attention_bias", false, &a->q_bias);
        a->o_bias = a->q_bias;
    }
    scale_by_head_dim(a);
    return status;
}

static hma_status read_gemma(hma_architecture *a, const hma_config *c) {
    const hma_status status = gemma_common(a, c, 16);
    return status == HMA_OK ? rope_all(a, c, 10000, NULL, 1) : status;
}

static hma_status query_scale(hma_architecture *a, const hma_config *c) {
    float scalar;
    hma_status status = number(c, "query_pre_attn_scalar", 256, &scalar);
    if (status == HMA_OK && !(scalar > 0)) {
        status = hma_error(HMA_BAD_DATA, "%s: \"query_pre_attn_scalar\" is not usable (expected a number above 0): correct it",
                           c->path);
    }
    a->attention_scale = 1.0f / sqrtf(scalar);
    return status;
}

/* Windows of Gemma 2 and 3: "layer_types", else all but every `pattern`th layer. */
static hma_status gemma_windows(hma_architecture *a, const hma_config *c, size_t pattern) {
    size_t window;
    const hma_status status = size_or(c, "sliding_window", 4096, &window);
    return status == HMA_OK ? give_windows(a, c, window, but_every, pattern) : status;
}

static hma_status read_gemma2(hma_architecture *a, const hma_config *c) {
    hma_status status = gemma_common(a, c, 4);
    if (status == HMA_OK) {
        status = query_scale(a, c);
    }
    if (status == HMA_OK) {
        status = gemma_windows(a, c, 2);
    }
    if (status == HMA_OK) {
        status = number_or_null(c, "attn_logit_softcapping", 50, &a->attention_softcap);
    }
    if (status == HMA_OK) {
        status = number_or_null(c, "final_logit_softcapping", 30, &a->final_softcap);
    }
    return status == HMA_OK ? rope_all(a, c, 10000, NULL, 1) : status;
}

/* Layers that see everything turn by rope[0], those with a window by rope[1]. */
static hma_status read_gemma3(hma_architecture *a, const hma_config *c) {
    a->query_norm = HMA_QUERY_NORM_HEAD;
    size_t pattern;
    hma_status status = gemma_common(a, c, 4);
    if (status == HMA_OK) {
        status = query_scale(a, c);
    }
    if (status == HMA_OK) {
        status = size_or(c, "sliding_window_pattern", 6, &pattern);
    }
    if (status == HMA_OK) {
        status = gemma_windows(a, c, pattern);
    }
    for (size_t l = 0; status == HMA_OK && l < a->layers; l++) {
        a->layer_rope[l] = a->layer_window[l] != 0;
    }
    if (status == HMA_OK) {
        status = refuse_if(c, "use_bidirectional_attention", true);
    }
    if (status == HMA_OK) {
        status = number(c, "final_logit_softcapping", 0, &a->final_softcap); /* attn_logit_softcapping never acts */
    }
    hma_rope_request request = {.config = c->object,
                                .path = c->path,
                                .layer_type = "full_attention",
                                .theta_key = "rope_theta",
                                .default_theta = 1000000,
                                .default_partial = 1,
                                .scaled = true,
                                .head_dim = a->head_dim,
                                .max_length = a->max_length};
    if (status == HMA_OK) {
        status = hma_rope_read(&a->rope[0], &request);
    }
    request.layer_type = "sliding_attention";
    request.theta_key = "rope_local_base_freq";
    request.default_theta = 10000;
    request.scaled = false;
    return status == HMA_OK ? hma_rope_read(&a->rope[1], &request) : status;
}

/* ---- families with LayerNorm and plain MLPs ---- */

static hma_status read_neox(hma_architecture *a, const hma_config *c) {
    a->norm = HMA_NORM_LAYER;
    a->qkv = HMA_QKV_BY_HEAD;
    a->mlp_bias = true;
    own_heads(a);
    hma_status status = flag(c, "attention_bias", true, &a->q_bias);
    a->o_bias = a->q_bias;
    if (status == HMA_OK) {
        status = flag(c, "use_parallel_residual", true, &a->parallel);
    }
    scale_by_head_dim(a);
    const hma_rope_request request = {.config = c->object,
                                      .path = c->path,
                                      .theta_key = hma_json_get(c->object, "rope_theta") ? "rope_theta" : "rotary_emb_base",
                                      .default_theta = 10000,
                                      .partial_key = hma_json_get(c->object, "partial_rotary_factor") ? "partial_rotary_factor"
                                                                                                      : "rotary_pct",
                                      .default_partial = 0.25,
                                      .scaled = true,
                                      .head_dim = a->head_dim,
                                      .max_length = a->max_length};
    return status == HMA_OK ? hma_rope_read(&a->rope[0], &request) : status;
}

static hma_status read_gpt2(hma_architecture *a, const hma_config *c) {
    bool scaled;
    a->norm = HMA_NORM_LAYER;
    a->qkv = HMA_QKV_BY_BLOCK;
    a->transposed = true;
    a->q_bias = a->o_bias = a->mlp_bias = true;
    a->position_rows = a->max_length;
    own_heads(a);
    hma_status status = flag(c, "scale_attn_weights", true, &scaled);
    if (status == HMA_OK) {
        status = flag(c, "scale_attn_by_inverse_layer_idx", false, &a->scale_by_layer);
    }
    if (status == HMA_OK) {
        status = refuse_if(c, "add_cross_attention", true);
    }
    a->attention_scale = scaled ? 1.0f / sqrtf((float)a->head_dim) : 1;
    return status;
}

static hma_status read_opt(hma_architecture *a, const hma_config *c) {
    size_t projection;
    a->norm = HMA_NORM_LAYER;
    a->position_offset = 2;
    a->position_rows = a->max_length + 2;
    own_heads(a);
    hma_status status = flag(c, "enable_bias", true, &a->q_bias);
    a->o_bias = a->mlp_bias = a->q_bias;
    if (status == HMA_OK) {
        status = refuse_if(c, "do_layer_norm_before", false);
    }
    if (status == HMA_OK) {
        status = refuse_if(c, "_remove_final_layer_norm", true);
    }
    if (status == HMA_OK) {
        status = refuse_if(c, "layer_norm_elementwise_affine", false);
    }
    if (status == HMA_OK) {
        status = size_or(c, "word_embed_proj_dim", a->hidden, &projection);
    }
    if (status == HMA_OK && projection != a->hidden) {
        status = hma_error(HMA_BAD_DATA,
                           "%s: \"word_embed_proj_dim\" %zu is not supported (expected hidden_size, %zu): this model cannot "
                           "be scored",
                           c->path, projection, a->hidden);
    }
    scale_by_head_dim(a);
    return status;
}

static hma_status read_phi(hma_architecture *a, const hma_config *c) {
    a->norm = HMA_NORM_LAYER;
    a->parallel = a->shared_norm = true;
    a->q_bias = a->o_bias = a->mlp_bias = true;
    a->head_bias = !a->reward_head;
    hma_status status = size_or(c, "num_key_value_heads", a->heads, &a->kv_heads);
    a->head_dim = a->hidden / a->heads;
    if (status == HMA_OK) {
        status = refuse_if(c, "qk_layernorm", true);
    }
    scale_by_head_dim(a);
    return status == HMA_OK ? rope_all(a, c, 10000, "partial_rotary_factor", 0.5) : status;
}

/* ---- tensor names ---- */

#define LLAMA_ATTENTION                                                                                                       \
    .q = "layers.%zu.self_attn.q_proj.weight", .k = "layers.%zu.self_attn.k_proj.weight",                                     \
    .v = "layers.%zu.self_attn.v_proj.weight", .o = "layers.%zu.self_attn.o_proj.weight"
#define LLAMA_MLP                                                                                                             \
    .gate = "layers.%zu.mlp.gate_proj.weight", .up = "layers.%zu.mlp.up_proj.weight", .down = "layers.%zu.mlp.down_proj.weight"
#define LLAMA_OUTSIDE                                                                                                         \
    .embedding = "embed_tokens.weight", .final_norm = "norm.weight", .head = "lm_head.weight", .score = "score.weight"
#define QUERY_NORMS .q_norm = "layers.%zu.self_attn.q_norm.weight", .k_norm = "layers.%zu.self_attn.k_norm.weight"

static const hma_tensor_names llama_names = {LLAMA_OUTSIDE, LLAMA_ATTENTION, LLAMA_MLP,
                                             .attn_norm = "layers.%zu.input_layernorm.weight",
                                             .mlp_norm = "layers.%zu.post_attention_layernorm.weight"};
static const hma_tensor_names qwen3_names = {LLAMA_OUTSIDE, LLAMA_ATTENTION, LLAMA_MLP, QUERY_NORMS,
                                             .attn_norm = "layers.%zu.input_layernorm.weight",
                                             .mlp_norm = "layers.%zu.post_attention_layernorm.weight"};
static const hma_tensor_names olmo2_names = {LLAMA_OUTSIDE, LLAMA_ATTENTION, LLAMA_MLP, QUERY_NORMS,
                                             .post_attn_norm = "layers.%zu.post_attention_layernorm.weight",
                                             .post_mlp_norm = "layers.%zu.post_feedforward_layernorm.weight"};
static const hma_tensor_names gemma2_names = {LLAMA_OUTSIDE, LLAMA_ATTENTION, LLAMA_MLP,
                                              .attn_norm = "layers.%zu.input_layernorm.weight",
                                              .post_attn_norm = "layers.%zu.post_attention_layernorm.weight",
                                              .mlp_norm = "layers.%zu.pre_feedforward_layernorm.weight",
                                              .post_mlp_norm = "layers.%zu.post_feedforward_layernorm.weight"};
static const hma_tensor_names gemma3_names = {LLAMA_OUTSIDE, LLAMA_ATTENTION, LLAMA_MLP, QUERY_NORMS,
                                              .attn_norm = "layers.%zu.input_layernorm.weight",
                                              .post_attn_norm = "layers.%zu.post_attention_layernorm.weight",
                                              .mlp_norm = "layers.%zu.pre_feedforward_layernorm.weight",
                                              .post_mlp_norm = "layers.%zu.post_feedforward_layernorm.weight"};
static const hma_tensor_names phi_names = {.embedding = "embed_tokens.weight", .final_norm = "final_layernorm.weight",
                                           .head = "lm_head.weight", .score = "score.weight",
                                           .q = "layers.%zu.self_attn.q_proj.weight", .k = "layers.%zu.self_attn.k_proj.weight",
                                           .v = "layers.%zu.self_attn.v_proj.weight", .o = "layers.%zu.self_attn.dense.weight",
                                           .attn_norm = "layers.%zu.input_layernorm.weight", .up = "layers.%zu.mlp.fc1.weight",
                                           .down = "layers.%zu.mlp.fc2.weight"};
static const hma_tensor_names neox_names = {.embedding = "embed_in.weight",
                                            .final_norm = "final_layer_norm.weight",
                                            .head = "embed_out.weight",
                                            .score = "score.weight",
                                            .attn_norm = "layers.%zu.input_layernorm.weight",
                                            .qkv = "layers.%zu.attention.query_key_value.weight",
                                            .o = "layers.%zu.attention.dense.weight",
                                            .mlp_norm = "layers.%zu.post_attention_layernorm.weight",
                                            .up = "layers.%zu.mlp.dense_h_to_4h.weight",
                                            .down = "layers.%zu.mlp.dense_4h_to_h.weight"};
static const hma_tensor_names gpt2_names = {.embedding = "wte.weight", .positions = "wpe.weight", .final_norm = "ln_f.weight",
                                            .head = "lm_head.weight", .score = "score.weight", .attn_norm = "h.%zu.ln_1.weight",
                                            .qkv = "h.%zu.attn.c_attn.weight", .o = "h.%zu.attn.c_proj.weight",
                                            .mlp_norm = "h.%zu.ln_2.weight", .up = "h.%zu.mlp.c_fc.weight",
                                            .down = "h.%zu.mlp.c_proj.weight"};
static const hma_tensor_names opt_names = {.embedding = "embed_tokens.weight",
                                           .positions = "embed_positions.weight",
                                           .final_norm = "final_layer_norm.weight",
                                           .head = "lm_head.weight",
                                           .score = "score.weight",
                                           .attn_norm = "layers.%zu.self_attn_layer_norm.weight",
                                           .q = "layers.%zu.self_attn.q_proj.weight",
                                           .k = "layers.%zu.self_attn.k_proj.weight",
                                           .v = "layers.%zu.self_attn.v_proj.weight",
                                           .o = "layers.%zu.self_attn.out_proj.weight",
                                           .mlp_norm = "layers.%zu.final_layer_norm.weight",
                                           .up = "layers.%zu.fc1.weight",
                                           .down = "layers.%zu.fc2.weight"};

/* ---- the table ---- */

#define CLASSES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define USUAL_SIZES                                                                                                           \
    .hidden = {"hidden_size", 0}, .layers = {"num_hidden_layers", 0}, .heads = {"num_attention_heads", 0},                    \
    .intermediate = {"intermediate_size", 0}, .vocabulary = {"vocab_size", 0}
#define RMS_EPSILON .epsilon_key = "rms_norm_eps", .epsilon = 1e-6
#define LAYER_EPSILON .epsilon_key = "layer_norm_eps", .epsilon = 1e-5
#define SILU .activation_key = "hidden_act", .activation = "silu"
#define MODEL_PREFIX .prefixes = CLASSES("model.")

static const hma_family families[] = {
    {"llama", CLASSES("LlamaForCausalLM"), "LlamaForSequenceClassification", &llama_names, MODEL_PREFIX, USUAL_SIZES,
     .max_length = {"max_position_embeddings", 2048}, RMS_EPSILON, SILU, .read = read_llama},
    {"mistral", CLASSES("MistralForCausalLM"), "MistralForSequenceClassification", &llama_names, MODEL_PREFIX, USUAL_SIZES,
     .max_length = {"max_position_embeddings", 131072}, RMS_EPSILON, SILU, .read = read_mistral},
    {"qwen2", CLASSES("Qwen2ForCausalLM"), "Qwen2ForSequenceClassification", &llama_names, MODEL_PREFIX, USUAL_SIZES,
     .max_length = {"max_position_embeddings", 32768}, RMS_EPSILON, SILU, .read = read_qwen2},
    {"qwen3", CLASSES("Qwen3ForCausalLM"), "Qwen3ForSequenceClassification", &qwen3_names, MODEL_PREFIX, USUAL_SIZES,
     .max_length = {"max_position_embeddings", 32768}, RMS_EPSILON, SILU, .read = read_qwen3},
    {"olmo2", CLASSES("Olmo2ForCausalLM"), "Olmo2ForSequenceClassification", &olmo2_names, MODEL_PREFIX, USUAL_SIZES,
     .max_length = {"max_position_embeddings", 2048}, .epsilon_key = "rms_norm_eps", .epsilon = 1e-5, SILU, .read = read_olmo2},
    {"stablelm", CLASSES("StableLmForCausalLM"), "StableLmForSequenceClassification", &llama_names, MODEL_PREFIX, USUAL_SIZES,
     .max_length = {"max_position_embeddings", 4096}, LAYER_EPSILON, SILU, .read = read_stablelm},
    {"gemma", CLASSES("GemmaForCausalLM"), "GemmaForSequenceClassification", &llama_names, MODEL_PREFIX, USUAL_SIZES,
     .max_length = {"max_position_embeddings", 8192}, RMS_EPSILON, .activation_key = "hidden_act",
     .activation = "gelu_pytorch_tanh", .read = read_gemma},
    {"gemma2", CLASSES("Gemma2ForCausalLM"), "Gemma2ForSequenceClassification", &gemma2_names, MODEL_PREFIX, USUAL_SIZES,
     .max_length = {"max_position_embeddings", 8192}, RMS_EPSILON, .activation_key = "hidden_activation",
     .activation = "gelu_pytorch_tanh", .read = read_gemma2},
    {"gemma3_text", CLASSES("Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"), "Gemma3TextForSequenceClassification",
     &gemma3_names, .prefixes = CLASSES("model.", "language_model.model.", "model.language_model."),
     .hidden = {"hidden_size", 2304}, .layers = {"num_hidden_layers", 26}, .heads = {"num_attention_heads", 8},
     .intermediate = {"intermediate_size", 9216}, .vocabulary = {"vocab_size", 262208},
     .max_length = {"max_position_embeddings", 131072}, RMS_EPSILON, .activation_key = "hidden_activation",
     .activation = "gelu_pytorch_tanh", .read = read_gemma3},
    {"gpt_neox", CLASSES("GPTNeoXForCausalLM"), "GPTNeoXForSequenceClassification", &neox_names,
     .prefixes = CLASSES("gpt_neox."), USUAL_SIZES, .max_length = {"max_position_embeddings", 2048}, LAYER_EPSILON,
     .activation_key = "hidden_act", .activation = "gelu", .read = read_neox},
    {"gpt2", CLASSES("GPT2LMHeadModel"), "GPT2ForSequenceClassification", &gpt2_names, .prefixes = CLASSES("transformer.", ""),
     .hidden = {"n_embd", 0}, .layers = {"n_layer", 0}, .heads = {"n_head", 0}, .intermediate = {"n_inner", SIZE_MAX},
     .max_length = {"n_positions", 1024}, .vocabulary = {"vocab_size", 0}, .epsilon_key = "layer_norm_epsilon", .epsilon = 1e-5,
     .activation_key = "activation_function", .activation = "gelu_new", .read = read_gpt2},
    {"opt", CLASSES("OPTForCausalLM"), "OPTForSequenceClassification", &opt_names,
     .prefixes = CLASSES("model.decoder.", "decoder."), .hidden = {"hidden_size", 0}, .layers = {"num_hidden_layers", 0},
     .heads = {"num_attention_heads", 0}, .intermediate = {"ffn_dim", 0}, .vocabulary = {"vocab_size", 0},
     .max_length = {"max_position_embeddings", 2048}, LAYER_EPSILON, .activation_key = "activation_function",
     .activation = "relu", .read = read_opt},
    {"phi", CLASSES("PhiForCausalLM"), "PhiForSequenceClassification", &phi_names, MODEL_PREFIX, USUAL_SIZES,
     .max_length = {"max_position_embeddings", 2048}, LAYER_EPSILON, .activation_key = "hidden_act", .activation = "gelu_new",
     .read = read_phi},
};

const hma_family *hma_family_find(const char *model_type) {
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (strcmp(families[i].model_type, model_type) == 0) {
            return &families[i];
        }
    }
    return NULL;
}

const char *hma_family_list(void) {
    return "llama, mistral, qwen2, qwen3, olmo2, stablelm, gemma, gemma2, gemma3, gpt_neox, gpt2, opt, phi";
}
