/* How far back each layer sees: "sliding_window" with a rule for every model_type, or "layer_types" (transformers 4.53 on). */
#include <string.h>

#include "base/json.h"
#include "checkpoint/config_meaning.h"

/* Longer stacks than any model's are shown by their first layers: the number of layers is compared by itself. */
enum { LAYERS_SHOWN = 1024 };

typedef enum window_rule {
    RULE_NONE,   /* a class without windows, or one that is not known here: the key as it stands decides */
    RULE_ALL,    /* every layer */
    RULE_UPPER,  /* from max_window_layers on, when use_sliding_window */
    RULE_EVEN,   /* layers 0, 2, .. */
    RULE_PATTERN /* all but every sliding_window_pattern-th */
} window_rule;

static window_rule rule_of(const char *model_type) {
    static const struct {
        const char *model_type;
        window_rule rule;
    } rules[] = {{"mistral", RULE_ALL},    {"mixtral", RULE_ALL},   {"phi3", RULE_ALL},      {"starcoder2", RULE_ALL},
                 {"qwen2", RULE_UPPER},    {"qwen3", RULE_UPPER},   {"qwen2_moe", RULE_UPPER}, {"qwen3_moe", RULE_UPPER},
                 {"gemma2", RULE_EVEN},    {"gemma3_text", RULE_PATTERN}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (strcmp(rules[i].model_type, model_type) == 0) {
            return rules[i].rule;
        }
    }
    return RULE_NONE;
}

static double pattern_of(const hma_meaning *meaning) {
    const double pattern = hma_meaning_number(meaning, "sliding_window_pattern", 0);
    return pattern >= 1 ? pattern : hma_meaning_number(meaning, "_sliding_window_pattern", 6);
}

/* Whether layer `i` has the window; `type` is its entry in "layer_types", if there is one. */
static bool slides(const hma_meaning *meaning, window_rule rule, size_t i, const cJSON *type) {
    if (cJSON_IsString(type)) {
        return strcmp(type->valuestring, "full_attention") != 0;
    }
    switch (rule) {
    case RULE_UPPER: return (double)i >= hma_meaning_number(meaning, "max_window_layers", 0);
    case RULE_EVEN: return i % 2 == 0;
    case RULE_PATTERN: {
        const double pattern = pattern_of(meaning);
        return !(pattern >= 1 && pattern <= LAYERS_SHOWN && (i + 1) % (size_t)pattern == 0);
    }
    default: return true;
    }
}

/* "0-4, 6-10, .."; `separator` goes before it. */
static void print_run(hma_buffer *out, const char *separator, size_t first, size_t last) {
    hma_buffer_printf(out, first == last ? "%s%zu" : "%s%zu-%zu", separator, first, last);
}

void hma_meaning_windows(hma_buffer *out, const hma_meaning *meaning) {
    const window_rule rule = rule_of(meaning->model_type);
    const cJSON *window = hma_meaning_get(meaning, "sliding_window");
    const cJSON *types = hma_json_get(meaning->config, "layer_types"), *type = types ? types->child : NULL;
    if (!window || (rule == RULE_UPPER && !cJSON_IsTrue(hma_meaning_get(meaning, "use_sliding_window")))) {
        hma_buffer_text(out, "none");
        return;
    }
    hma_meaning_print(out, window);
    const double layers = hma_meaning_number(meaning, "num_hidden_layers", 0);
    const char *separator = " in layers ";
    size_t i = 0, first = 0, length = 0; /* of the present run of layers with the window */
    for (; i < LAYERS_SHOWN && (double)i < layers; i++) {
        if (slides(meaning, rule, i, type)) {
            first = length++ ? first : i;
        } else if (length) {
            print_run(out, separator, first, i - 1);
            separator = ", ";
            length = 0;
        }
        type = type ? type->next : NULL;
    }
    if (length) {
        print_run(out, separator, first, i - 1);
    }
}
