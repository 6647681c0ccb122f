#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "checkpoint/buffers.h"
#include "checkpoint/compare.h"
#include "checkpoint/config.h"
#include "checkpoint/config_meaning.h"

#define SAME_MODEL "use checkpoints of the same model, or correct config.json"

/* Keys whose value changes what the tensors mean; absent, null and false are alike. Kept apart: rotary settings, windows. */
static const char *const keys[] = {
    /* sizes */
    "hidden_size", "n_embd", "d_model", "intermediate_size", "n_inner", "ffn_dim", "word_embed_proj_dim", "num_hidden_layers",
    "n_layer", "num_layers", "num_attention_heads", "n_head", "num_local_experts", "num_experts", "num_experts_per_tok",
    "moe_intermediate_size", "n_shared_experts",
    /* the functions between the matrices */
    "hidden_act", "hidden_activation", "activation_function", "rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon",
    "norm_epsilon", "attention_bias", "mlp_bias", "qkv_bias", "use_qkv_bias", "use_bias", "enable_bias", "qk_layernorm",
    "use_qk_norm", "use_parallel_residual", "parallel_attn", "new_decoder_architecture", "alibi", "multi_query",
    "do_layer_norm_before", "_remove_final_layer_norm", "layer_norm_elementwise_affine", "scale_attn_weights",
    "scale_attn_by_inverse_layer_idx", "clip_qkv", "query_pre_attn_scalar", "attn_logit_softcapping",
    "final_logit_softcapping", "embedding_multiplier", "residual_multiplier", "attention_multiplier", "logits_scaling",
    "logit_scale", "norm_topk_prob", "no_rope_layers", "no_rope_layer_interval"};

/* Sizes that follow from others when they are absent. */
static const struct {
    const char *key, *numerator, *denominator;
} derived[] = {{"num_key_value_heads", "num_attention_heads", NULL}, {"head_dim", "hidden_size", "num_attention_heads"}};

static void compare_texts(hma_problems *problems, const char *what, const hma_buffer *pre, const hma_buffer *post) {
    problems->failed = problems->failed || pre->failed || post->failed;
    if (strcmp(hma_buffer_cstr(pre), hma_buffer_cstr(post)) != 0) {
        hma_problem_add(problems, "%s: %.300s in pre and %.300s in %s (expected the same): " SAME_MODEL, what,
                        hma_buffer_cstr(pre), hma_buffer_cstr(post), problems->other);
    }
}

typedef void (*print_fn)(hma_buffer *out, const hma_meaning *meaning);

static void compare_printed(hma_problems *problems, const char *what, const hma_meaning *pre, const hma_meaning *post,
                            print_fn print) {
    hma_buffer a = {0}, b = {0};
    print(&a, pre);
    print(&b, post);
    compare_texts(problems, what, &a, &b);
    hma_buffer_free(&a);
    hma_buffer_free(&b);
}

static void compare_values(hma_problems *problems, const char *what, const cJSON *pre, const cJSON *post) {
    hma_buffer a = {0}, b = {0};
    hma_meaning_print(&a, cJSON_IsFalse(pre) ? NULL : pre);
    hma_meaning_print(&b, cJSON_IsFalse(post) ? NULL : post);
    compare_texts(problems, what, &a, &b);
    hma_buffer_free(&a);
    hma_buffer_free(&b);
}

static double derived_number(const hma_meaning *meaning, size_t i) {
    const double numerator = hma_meaning_number(meaning, derived[i].numerator, 0);
    const double denominator = derived[i].denominator ? hma_meaning_number(meaning, derived[i].denominator, 0) : 1;
    return hma_meaning_number(meaning, derived[i].key, denominator > 0 ? numerator / denominator : 0);
}

static void compare_derived(hma_problems *problems, const hma_meaning *pre, const hma_meaning *post) {
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++) {
        const double a = derived_number(pre, i), b = derived_number(post, i);
        if (a != b) {
            char x[HMA_DOUBLE_TEXT], y[HMA_DOUBLE_TEXT];
            hma_problem_add(problems, "%s: %s in pre and %s in %s (expected the same): " SAME_MODEL, derived[i].key,
                            hma_double_text(a, x), hma_double_text(b, y), problems->other);
        }
    }
}

/* vocab_size is compared only where the tensors agree: rows that differ are reported with the tensors and their remedy. */
static bool embeddings_agree(const hma_checkpoint *pre, const hma_checkpoint *post) {
    for (size_t i = 0; i < hma_checkpoint_tensor_count(pre); i++) {
        const hma_tensor *a = hma_checkpoint_tensor(pre, i), *b = hma_checkpoint_find(post, a->name);
        if (b && a->rank == 2 && b->rank == 2 && a->shape[0] != b->shape[0] && hma_tensor_has_vocabulary_rows(a->name)) {
            return false;
        }
    }
    return true;
}

static void compare_heads(hma_problems *problems, const hma_checkpoint *pre, const hma_checkpoint *post) {
    const bool a = hma_checkpoint_tied_head(pre), b = hma_checkpoint_tied_head(post);
    if (a != b) {
        hma_problem_add(problems, "the output head is tied to the embedding in %s and a tensor of its own in %s (expected the "
                        "same tie_word_embeddings): save one of them again as the other", a ? "pre" : problems->other,
                        a ? problems->other : "pre");
    }
}

static void note_quantised(hma_problems *problems, const hma_checkpoint *checkpoint, const char *whose) {
    const cJSON *quantised = hma_json_get(hma_checkpoint_config(checkpoint), "quantization_config");
    if (quantised) {
        const cJSON *method = hma_json_get(quantised, "quant_method");
        hma_problem_add(problems, "the weights of %s are quantised (%.60s) (expected F32, F16 or BF16 weights): use the model "
                        "from before quantisation", whose,
                        cJSON_IsString(method) ? method->valuestring : "quantization_config");
    }
}

static void compare_all(hma_problems *problems, const hma_checkpoint *pre, const hma_checkpoint *post, const hma_meaning *a,
                        const hma_meaning *b) {
    if (strcmp(a->model_type, b->model_type) != 0) {
        /* the same key may mean another thing in another class */
        hma_problem_add(problems, "model_type: \"%.60s\" in pre and \"%.60s\" in %s (expected the same): average checkpoints "
                        "of the same model", a->model_type, b->model_type, problems->other);
        return;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        compare_values(problems, keys[i], hma_meaning_get(a, keys[i]), hma_meaning_get(b, keys[i]));
    }
    compare_derived(problems, a, b);
    if (embeddings_agree(pre, post)) {
        compare_values(problems, "vocab_size", hma_meaning_get(a, "vocab_size"), hma_meaning_get(b, "vocab_size"));
    }
    compare_printed(problems, "rotary embedding", a, b, hma_meaning_rope);
    compare_printed(problems, "attention window", a, b, hma_meaning_windows);
}

hma_status hma_compare_configs(hma_problems *problems, const hma_checkpoint *pre, const hma_checkpoint *post) {
    hma_meaning a = {0}, b = {0};
    hma_status status = hma_meaning_of(&a, pre);
    if (status == HMA_OK) {
        status = hma_meaning_of(&b, post);
    }
    if (status == HMA_OK) {
        const cJSON *x = hma_json_get(hma_checkpoint_config(pre), "architectures");
        const cJSON *y = hma_json_get(hma_checkpoint_config(post), "architectures");
        if (x && y) { /* some writers leave it out */
            compare_values(problems, "architectures", x, y);
        }
        compare_all(problems, pre, post, &a, &b);
        compare_heads(problems, pre, post);
        note_quantised(problems, pre, "pre");
        note_quantised(problems, post, problems->other);
    }
    hma_meaning_free(&a);
    hma_meaning_free(&b);
    return status;
}
