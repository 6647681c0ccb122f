#include "checkpoint/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "checkpoint/folder.h"
#include "checkpoint/handle.h"

/* Real ones are a few KiB; a reward model with thousands of labels reaches some hundred. */
enum { CONFIG_MAX = 4 << 20 };

static hma_status load(hma_json_file *file) {
    char *text;
    size_t length;
    hma_status status = hma_file_load(file->path, CONFIG_MAX, &text, &length);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_sha256_of(text, length, file->digest);
    if (status == HMA_OK) {
        status = hma_json_parse(&file->root, file->path, text, length);
    }
    free(text);
    if (status == HMA_OK && !cJSON_IsObject(file->root)) {
        status = hma_error(HMA_BAD_DATA, "%s: not an object (expected {\"key\": value, ..}): download or save the model again",
                           file->path);
    }
    return status;
}

/* "tie_word_embeddings" decides which tensors exist, so its type is checked at once; Python's None is false. */
static hma_status check_tied(const cJSON *object, const char *path) {
    const cJSON *tied = cJSON_GetObjectItemCaseSensitive(object, "tie_word_embeddings");
    if (tied && !cJSON_IsBool(tied) && !cJSON_IsNull(tied)) {
        return hma_error(HMA_BAD_DATA, "%s: \"tie_word_embeddings\" is not usable (expected true or false): correct it", path);
    }
    return HMA_OK;
}

static hma_status check_config(const hma_json_file *config) {
    const cJSON *text = hma_json_get(config->root, "text_config");
    if (text && !cJSON_IsObject(text)) {
        return hma_error(HMA_BAD_DATA, "%s: \"text_config\" is not an object (expected a nested config): correct it",
                         config->path);
    }
    hma_status status = check_tied(config->root, config->path);
    if (status == HMA_OK && text) {
        status = check_tied(text, config->path);
    }
    return status;
}

hma_status hma_config_load(hma_checkpoint *checkpoint) {
    checkpoint->config.path = hma_path_join(checkpoint->folder, HMA_CONFIG_FILE);
    checkpoint->generation.path = hma_path_join(checkpoint->folder, HMA_GENERATION_CONFIG_FILE);
    if (!checkpoint->config.path || !checkpoint->generation.path) {
        return HMA_FAILURE;
    }
    if (!hma_path_exists(checkpoint->config.path)) {
        return hma_folder_lacks(checkpoint->folder, HMA_CONFIG_FILE);
    }
    hma_status status = load(&checkpoint->config);
    if (status == HMA_OK) {
        status = check_config(&checkpoint->config);
    }
    if (status == HMA_OK && hma_path_exists(checkpoint->generation.path)) {
        status = load(&checkpoint->generation);
    }
    return status;
}

void hma_config_free(hma_checkpoint *checkpoint) {
    hma_json_file *files[] = {&checkpoint->config, &checkpoint->generation};
    for (size_t i = 0; i < 2; i++) {
        free(files[i]->path);
        cJSON_Delete(files[i]->root);
    }
}

const cJSON *hma_checkpoint_config(const hma_checkpoint *checkpoint) { return checkpoint->config.root; }

const cJSON *hma_checkpoint_text_config(const hma_checkpoint *checkpoint) {
    const cJSON *text = hma_json_get(checkpoint->config.root, "text_config");
    return text ? text : checkpoint->config.root;
}

const cJSON *hma_checkpoint_generation_config(const hma_checkpoint *checkpoint) { return checkpoint->generation.root; }

const char *hma_checkpoint_config_path(const hma_checkpoint *checkpoint) { return checkpoint->config.path; }

const char *hma_checkpoint_generation_config_path(const hma_checkpoint *checkpoint) { return checkpoint->generation.path; }

/* Causal models whose configuration class (transformers 4.57) says false; the base class, and with it all others, say true. */
static bool untied_by_default(const char *model_type) {
    static const char *const untied[] = {
        "apertus", "arcee", "aria_text", "bamba", "bitnet", "code_llama", "codegen", "dbrx", "deepseek_v2", "deepseek_v3",
        "diffllama", "dots1", "exaone4", "falcon_h1", "flex_olmo", "glm", "glm4", "glm4_moe", "gpt_neox", "gpt_oss", "gptj",
        "granite", "granitemoe", "granitemoehybrid", "granitemoeshared", "helium", "hunyuan_v1_dense", "hunyuan_v1_moe",
        "jamba", "llama", "llama4", "llama4_text", "mamba2", "minimax", "ministral", "mistral", "mixtral",
        "mllama_text_model", "nemotron", "olmo", "olmo2", "olmo3", "olmoe", "persimmon", "phi", "phi3", "phimoe", "qwen2",
        "qwen2_moe", "qwen3", "qwen3_moe", "qwen3_next", "rwkv", "seed_oss", "stablelm"};
    for (size_t i = 0; i < sizeof untied / sizeof *untied; i++) {
        if (strcmp(model_type, untied[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool hma_checkpoint_tied_head(const hma_checkpoint *checkpoint) {
    const cJSON *objects[] = {hma_checkpoint_text_config(checkpoint), checkpoint->config.root};
    for (size_t i = 0; i < 2; i++) {
        const cJSON *tied = cJSON_GetObjectItemCaseSensitive(objects[i], "tie_word_embeddings");
        if (tied) {
            return cJSON_IsTrue(tied);
        }
    }
    const cJSON *type = hma_json_get(objects[0], "model_type");
    if (!type) {
        type = hma_json_get(objects[1], "model_type");
    }
    return !(cJSON_IsString(type) && untied_by_default(type->valuestring));
}
