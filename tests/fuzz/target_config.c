/* config.json of a folder whose weights are fine. Accepted: the checkpoint is compatible with itself, whatever the config
 * says. */
#include <string.h>

#include "checkpoint/config.h"
#include "fuzz.h"

/* "{}" and padding: a model without tensors is enough here. */
static const char weights[] = "\x08\0\0\0\0\0\0\0{}      ";

static void check_against_itself(const hma_checkpoint *c) {
    char **problems;
    size_t count;
    fuzz_check(hma_checkpoint_compare(c, c, &problems, &count) == HMA_OK, "a checkpoint can be compared");
    for (size_t i = 0; i < count; i++) {
        fuzz_check(strstr(problems[i], "quantised"), "a checkpoint fits itself");
    }
    hma_problems_free(problems);
}

static void run(const uint8_t *data, size_t size) {
    static bool ready;
    if (!ready) {
        fuzz_write("model.safetensors", weights, sizeof weights - 1);
        ready = true;
    }
    fuzz_write("config.json", data, size);
    hma_checkpoint *c;
    if (!fuzz_succeeded(hma_checkpoint_open(&c, fuzz_folder()))) {
        return;
    }
    fuzz_check(cJSON_IsObject(hma_checkpoint_config(c)) && cJSON_IsObject(hma_checkpoint_text_config(c)),
               "configs are objects");
    fuzz_check(!hma_checkpoint_generation_config(c), "there is no generation config");
    (void)hma_checkpoint_tied_head(c);
    check_against_itself(c);
    hma_checkpoint_close(c);
}

static const char *const words[] = {
    FUZZ_JSON_WORDS, "\"", "null", "true", "false", "NaN", "-", "\"text_config\":{",
    "\"model_type\":\"gemma3_text\",", "\"model_type\":\"qwen2\",", "\"tie_word_embeddings\":",
    "\"layer_types\":[\"sliding_attention\"],", "\"sliding_window\":4,", "\"sliding_window_pattern\":0,",
    "\"use_sliding_window\":true,", "\"rope_parameters\":{", "\"rope_scaling\":{", "\"full_attention\":{",
    "\"rope_type\":\"longrope\",", "\"quantization_config\":{},", "\"head_dim\":", "\"num_attention_heads\":0,", "1e308",
    "\\u0000", NULL};

const fuzz_target the_target = {.name = "config", .run = run, .words = words};
