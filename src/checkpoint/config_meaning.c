#include "checkpoint/config_meaning.h"

#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "checkpoint/config.h"

/*
 * Values that configuration classes of transformers 4.57 take for absent keys, as far as they change what tensors mean. Keys
 * whose default is false or None need no entry; sizes are never left out.
 */
static const struct {
    const char *model_type, *values;
} class_defaults[] = {
    {"cohere", "{\"hidden_act\":\"silu\",\"layer_norm_eps\":1e-5,\"rope_theta\":10000,\"logit_scale\":0.0625}"},
    {"gemma", "{\"num_key_value_heads\":16,\"head_dim\":256,\"hidden_act\":\"gelu_pytorch_tanh\",\"rms_norm_eps\":1e-6,"
              "\"rope_theta\":10000}"},
    {"gemma2", "{\"num_key_value_heads\":4,\"head_dim\":256,\"hidden_activation\":\"gelu_pytorch_tanh\",\"rms_norm_eps\":1e-6,"
               "\"rope_theta\":10000,\"sliding_window\":4096,\"query_pre_attn_scalar\":256,\"attn_logit_softcapping\":50,"
               "\"final_logit_softcapping\":30}"},
    {"gemma3_text", "{\"num_key_value_heads\":4,\"head_dim\":256,\"hidden_activation\":\"gelu_pytorch_tanh\","
                    "\"rms_norm_eps\":1e-6,\"rope_theta\":1000000,\"rope_local_base_freq\":10000,\"sliding_window\":4096,"
                    "\"query_pre_attn_scalar\":256}"},
    {"gpt2", "{\"activation_function\":\"gelu_new\",\"layer_norm_epsilon\":1e-5,\"scale_attn_weights\":true}"},
    {"gpt_neox", "{\"hidden_act\":\"gelu\",\"layer_norm_eps\":1e-5,\"attention_bias\":true,\"rope_theta\":10000,"
                 "\"partial_rotary_factor\":0.25,\"use_parallel_residual\":true}"},
    {"granite", "{\"hidden_act\":\"silu\",\"rms_norm_eps\":1e-6,\"rope_theta\":10000,\"embedding_multiplier\":1,"
                "\"residual_multiplier\":1,\"attention_multiplier\":1,\"logits_scaling\":1}"},
    {"llama", "{\"hidden_act\":\"silu\",\"rms_norm_eps\":1e-6,\"rope_theta\":10000}"},
    {"mistral", "{\"num_key_value_heads\":8,\"hidden_act\":\"silu\",\"rms_norm_eps\":1e-6,\"rope_theta\":10000,"
                "\"sliding_window\":4096}"},
    {"mixtral", "{\"num_key_value_heads\":8,\"hidden_act\":\"silu\",\"rms_norm_eps\":1e-5,\"rope_theta\":1000000,"
                "\"num_experts_per_tok\":2,\"num_local_experts\":8}"},
    {"olmo", "{\"hidden_act\":\"silu\",\"rope_theta\":10000}"},
    {"olmo2", "{\"hidden_act\":\"silu\",\"rms_norm_eps\":1e-5,\"rope_theta\":10000}"},
    {"opt", "{\"activation_function\":\"relu\",\"do_layer_norm_before\":true,\"enable_bias\":true,"
            "\"layer_norm_elementwise_affine\":true}"},
    {"phi", "{\"hidden_act\":\"gelu_new\",\"layer_norm_eps\":1e-5,\"rope_theta\":10000,\"partial_rotary_factor\":0.5}"},
    {"phi3", "{\"hidden_act\":\"silu\",\"rms_norm_eps\":1e-5,\"rope_theta\":10000,\"original_max_position_embeddings\":4096}"},
    {"qwen2", "{\"num_key_value_heads\":32,\"hidden_act\":\"silu\",\"rms_norm_eps\":1e-6,\"rope_theta\":10000,"
              "\"sliding_window\":4096,\"max_window_layers\":28}"},
    {"qwen3", "{\"num_key_value_heads\":32,\"head_dim\":128,\"hidden_act\":\"silu\",\"rms_norm_eps\":1e-6,\"rope_theta\":10000,"
              "\"sliding_window\":4096,\"max_window_layers\":28}"},
    {"smollm3", "{\"num_key_value_heads\":4,\"hidden_act\":\"silu\",\"rms_norm_eps\":1e-6,\"rope_theta\":2000000}"},
    {"stablelm", "{\"num_key_value_heads\":32,\"hidden_act\":\"silu\",\"layer_norm_eps\":1e-5,\"rope_theta\":10000,"
                 "\"partial_rotary_factor\":0.25}"},
    {"starcoder2", "{\"num_key_value_heads\":2,\"hidden_act\":\"gelu_pytorch_tanh\",\"rope_theta\":10000}"},
};

hma_status hma_meaning_of(hma_meaning *out, const hma_checkpoint *checkpoint) {
    const cJSON *config = hma_checkpoint_text_config(checkpoint), *type = hma_json_get(config, "model_type");
    *out = (hma_meaning){.config = config, .model_type = cJSON_IsString(type) ? type->valuestring : ""};
    for (size_t i = 0; i < sizeof class_defaults / sizeof *class_defaults; i++) {
        if (strcmp(class_defaults[i].model_type, out->model_type) == 0) {
            return hma_json_parse(&out->defaults, "class defaults", class_defaults[i].values, strlen(class_defaults[i].values));
        }
    }
    return HMA_OK;
}

void hma_meaning_free(hma_meaning *meaning) { cJSON_Delete(meaning->defaults); }

const cJSON *hma_meaning_get(const hma_meaning *meaning, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(meaning->config, key);
    if (!item) {
        item = cJSON_GetObjectItemCaseSensitive(meaning->defaults, key);
    }
    return item && !cJSON_IsNull(item) ? item : NULL; /* a null that is written down beats a default */
}

double hma_meaning_number(const hma_meaning *meaning, const char *key, double otherwise) {
    const cJSON *item = hma_meaning_get(meaning, key);
    return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}

void hma_meaning_print(hma_buffer *out, const cJSON *value) {
    if (!value || cJSON_IsNull(value)) {
        hma_buffer_text(out, "none");
    } else if (cJSON_IsNumber(value)) {
        hma_buffer_json_double(out, value->valuedouble);
    } else if (cJSON_IsString(value)) {
        hma_buffer_json_text(out, value->valuestring, strlen(value->valuestring));
    } else if (cJSON_IsBool(value)) {
        hma_buffer_text(out, cJSON_IsTrue(value) ? "true" : "false");
    } else {
        /* documents are nested at most HMA_JSON_MAX_DEPTH deep */
        const bool object = cJSON_IsObject(value);
        hma_buffer_char(out, object ? '{' : '[');
        const cJSON *item;
        cJSON_ArrayForEach(item, value) {
            hma_buffer_text(out, item == value->child ? "" : ", ");
            if (object) {
                hma_buffer_printf(out, "%s: ", item->string);
            }
            hma_meaning_print(out, item);
        }
        hma_buffer_char(out, object ? '}' : ']');
    }
}
