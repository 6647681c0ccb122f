/* Rotary position embeddings: "rope_theta" and "rope_scaling" (transformers 4), or "rope_parameters" (5). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "checkpoint/config_meaning.h"

/* The settings of one kind of layer, from wherever they were. */
typedef struct rope {
    const cJSON *extra;  /* "rope_scaling" or "rope_parameters", NULL without either */
    const cJSON *theta;  /* outside of `extra` */
    const cJSON *partial;
} rope;

static const char *type_of(const cJSON *extra) {
    const cJSON *type = hma_json_get(extra, "rope_type");
    type = type ? type : hma_json_get(extra, "type"); /* the name before 4.43 */
    if (!cJSON_IsString(type)) {
        return "default";
    }
    return strcmp(type->valuestring, "su") == 0 ? "longrope" : type->valuestring; /* renamed */
}

/* Keys that stand for themselves, in the order in which they are shown. What is not here does not change the angles. */
static const char *const factors[] = {
    "factor", "low_freq_factor", "high_freq_factor", "attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim",
    "truncate", "short_factor", "long_factor", "short_mscale", "long_mscale", "alpha", "mrope_section"};

static void print_setting(hma_buffer *out, const char *key, const cJSON *value) {
    if (value) {
        hma_buffer_printf(out, ", %s ", key);
        hma_meaning_print(out, value);
    }
}

static void print_rope(hma_buffer *out, const hma_meaning *meaning, const rope *r) {
    const char *type = type_of(r->extra);
    const cJSON *theta = hma_json_get(r->extra, "rope_theta"), *partial = hma_json_get(r->extra, "partial_rotary_factor");
    hma_buffer_printf(out, "%s", type);
    print_setting(out, "theta", theta ? theta : r->theta);
    partial = partial ? partial : r->partial;
    if (partial && !(cJSON_IsNumber(partial) && partial->valuedouble == 1)) {
        print_setting(out, "partial", partial);
    }
    if (strcmp(type, "default") == 0) {
        return; /* whatever else stands there is not used */
    }
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        print_setting(out, factors[i], hma_json_get(r->extra, factors[i]));
    }
    if (strcmp(type, "linear") == 0) {
        return;
    }
    /* the other types look at the length that the model was trained for */
    const cJSON *original = hma_json_get(r->extra, "original_max_position_embeddings");
    print_setting(out, "original length", original ? original : hma_meaning_get(meaning, "original_max_position_embeddings"));
    if (strcmp(type, "llama3") != 0) {
        print_setting(out, "length", hma_meaning_get(meaning, "max_position_embeddings"));
    }
}

/* The first of two keys that is written down, else the class's default under the first: some classes have renamed theirs. */
static const cJSON *either(const hma_meaning *meaning, const char *key, const char *alias) {
    const cJSON *item = hma_json_get(meaning->config, key);
    item = item ? item : hma_json_get(meaning->config, alias);
    return item ? item : hma_meaning_get(meaning, key);
}

void hma_meaning_rope(hma_buffer *out, const hma_meaning *meaning) {
    const cJSON *parameters = hma_json_get(meaning->config, "rope_parameters");
    const cJSON *theta = either(meaning, "rope_theta", "rotary_emb_base");
    const cJSON *partial = either(meaning, "partial_rotary_factor", "rotary_pct");
    const cJSON *local = hma_meaning_get(meaning, "rope_local_base_freq");
    const cJSON *full = hma_json_get(parameters, "full_attention"), *sliding = hma_json_get(parameters, "sliding_attention");
    if (!parameters) {
        parameters = hma_json_get(meaning->config, "rope_scaling");
    }
    if (!full && !sliding && !local) {
        print_rope(out, meaning, &(rope){parameters, theta, partial});
        return;
    }
    /* two kinds of layers; the old spelling gives scaling to the full ones only */
    hma_buffer_text(out, "full layers ");
    print_rope(out, meaning, &(rope){full || sliding ? full : parameters, theta, partial});
    hma_buffer_text(out, "; sliding layers ");
    print_rope(out, meaning, &(rope){sliding, local ? local : theta, partial});
}
