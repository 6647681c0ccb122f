/* Recipes as JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "merge/manifest.h"
#include "merge/methods.h"
#include "merge/recipe_parts.h"

/* ---- writing ---- */

static void write_blocks(hma_buffer *json, const hma_recipe *recipe) {
    if (hma_blocks_are_even(&recipe->blocks, recipe->layers)) {
        hma_buffer_printf(json, "%zu", recipe->blocks.count);
        return;
    }
    for (size_t k = 1; k < recipe->blocks.count; k++) {
        hma_buffer_printf(json, "%c%zu", k == 1 ? '[' : ',', recipe->blocks.start[k]);
    }
    hma_buffer_char(json, ']');
}

static void write_overrides(hma_buffer *json, const hma_overrides *overrides) {
    for (size_t i = 0; i < overrides->count; i++) {
        hma_buffer_text(json, i ? "," : ",\"tensors\":{");
        hma_buffer_json_text(json, overrides->list[i].glob, strlen(overrides->list[i].glob));
        hma_buffer_char(json, ':');
        hma_buffer_json_double(json, overrides->list[i].ratio);
    }
    hma_buffer_text(json, overrides->count ? "}" : "");
}

/* What only some methods and pairs have; a plain recipe does not speak of it. */
static void write_settings(hma_buffer *json, const hma_recipe *recipe) {
    if (hma_method_has_density(recipe->method)) {
        hma_buffer_text(json, ",\"density\":");
        hma_buffer_json_double(json, recipe->density);
    }
    if (recipe->lambda != 1) {
        hma_buffer_text(json, ",\"lambda\":");
        hma_buffer_json_double(json, recipe->lambda);
    }
    if (recipe->base != HMA_BASE_PRE) {
        hma_buffer_printf(json, ",\"base\":\"%s\"", hma_base_name(recipe->base));
    }
    if (recipe->extra_rows != HMA_EXTRA_ROWS_NONE) {
        hma_buffer_printf(json, ",\"extra_rows\":\"%s\"", hma_extra_rows_name(recipe->extra_rows));
    }
}

hma_status hma_recipe_json(const hma_recipe *recipe, char **out) {
    hma_buffer json = {0};
    hma_buffer_printf(&json, "{\"method\":\"%s\",\"blocks\":", hma_method_name(recipe->method));
    write_blocks(&json, recipe);
    for (size_t k = 0; k < recipe->blocks.count; k++) {
        hma_buffer_text(&json, k ? "," : ",\"ratios\":[");
        hma_buffer_json_double(&json, recipe->ratio[k]);
    }
    hma_buffer_printf(&json, "],\"policy\":\"%s\",\"dtype\":\"%s\",\"rounding\":\"%s\",\"seed\":%llu",
                      hma_policy_name(recipe->policy), hma_recipe_dtype_name(recipe->dtype),
                      hma_rounding_name(recipe->rounding), (unsigned long long)recipe->seed);
    write_settings(&json, recipe);
    write_overrides(&json, &recipe->overrides);
    hma_buffer_char(&json, '}');
    char *text = hma_buffer_release(&json);
    if (!text) {
        return hma_error_memory("recipe");
    }
    *out = text;
    return HMA_OK;
}

/* ---- reading ---- */

/* A recipe being read. */
typedef struct reading {
    const char *name; /* of the document */
    const cJSON *object;
    hma_recipe_spec spec;
    double *ratios;
    hma_blocks blocks;
    hma_overrides overrides;
} reading;

static hma_status not_usable(const reading *r, const char *key, const char *expected) {
    return hma_error(HMA_BAD_DATA, "%s: \"%s\" is not usable (expected %s): correct it", r->name, key, expected);
}

static hma_status read_names(reading *r) {
    const char *method = NULL, *policy = NULL, *rounding = NULL, *dtype = NULL, *base = NULL, *extra_rows = NULL;
    hma_dtype weight_type;
    hma_status status = HMA_OK;
    const struct {
        const char *key;
        const char **text;
    } keys[] = {{"method", &method}, {"policy", &policy}, {"rounding", &rounding}, {"dtype", &dtype},
               {"base", &base}, {"extra_rows", &extra_rows}};
    for (size_t i = 0; status == HMA_OK && i < sizeof keys / sizeof *keys; i++) {
        status = hma_json_get_text(r->object, r->name, keys[i].key, false, keys[i].text);
    }
    if (status == HMA_OK && method) {
        status = hma_method_parse(&r->spec.method, method);
    }
    if (status == HMA_OK && policy) {
        status = hma_policy_parse(&r->spec.policy, policy);
    }
    if (status == HMA_OK && rounding) {
        status = hma_rounding_parse(&r->spec.rounding, rounding);
    }
    if (status == HMA_OK && base) {
        status = hma_base_parse(&r->spec.base, base);
    }
    if (status == HMA_OK && extra_rows) {
        status = hma_extra_rows_parse(&r->spec.extra_rows, extra_rows);
    }
    if (status == HMA_OK && dtype && strcmp(dtype, "stored") != 0) {
        status = hma_dtype_parse(&weight_type, dtype);
        r->spec.dtype = status == HMA_OK ? (int)weight_type : r->spec.dtype;
    }
    return status;
}

/* Numbers that must not be 0, which says in a spec that none is given. */
static hma_status read_numbers(reading *r) {
    const struct {
        const char *key;
        double *value;
    } keys[] = {{"density", &r->spec.density}, {"lambda", &r->spec.lambda}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const cJSON *item = hma_json_get(r->object, keys[i].key);
        if (item && !(cJSON_IsNumber(item) && item->valuedouble > 0)) {
            return not_usable(r, keys[i].key, "a number above 0");
        }
        *keys[i].value = item ? item->valuedouble : 0;
    }
    return HMA_OK;
}

static hma_status read_ratios(reading *r) {
    const cJSON *list = hma_json_get(r->object, "ratios"), *single = hma_json_get(r->object, "ratio"), *item;
    if (!list == !single) {
        return hma_error(HMA_BAD_DATA, "%s: %s (expected one of them): %s", r->name,
                         list ? "\"ratio\" and \"ratios\" are both given" : "\"ratios\" is missing",
                         list ? "remove one" : "add \"ratios\": [..] or \"ratio\": R");
    }
    if (list && (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0)) {
        return not_usable(r, "ratios", "a list of numbers from 0 to 1");
    }
    r->spec.ratio_count = list ? (size_t)cJSON_GetArraySize(list) : 1;
    r->ratios = HMA_NEW(double, r->spec.ratio_count);
    if (!r->ratios) {
        return HMA_FAILURE;
    }
    r->spec.ratios = r->ratios;
    if (single) {
        return hma_json_get_double(r->object, r->name, "ratio", true, 0, hma_method_most_ratio(r->spec.method), r->ratios);
    }
    size_t k = 0;
    cJSON_ArrayForEach(item, list) {
        if (!cJSON_IsNumber(item)) {
            return not_usable(r, "ratios", "a list of numbers from 0 to 1");
        }
        r->ratios[k++] = item->valuedouble;
    }
    return HMA_OK;
}

/* A block count or boundary. */
static bool whole(const cJSON *item, size_t *out) {
    const double value = cJSON_IsNumber(item) ? item->valuedouble : -1;
    if (!(value >= 0 && value <= HMA_MAX_LAYERS && value == floor(value))) {
        return false;
    }
    *out = (size_t)value;
    return true;
}

static hma_status read_boundaries(reading *r, const cJSON *list) {
    const cJSON *item;
    size_t count = 0;
    size_t *start = HMA_NEW(size_t, (size_t)cJSON_GetArraySize(list));
    hma_status status = start ? HMA_OK : HMA_FAILURE;
    cJSON_ArrayForEach(item, list) {
        if (status == HMA_OK && !whole(item, &start[count++])) {
            status = not_usable(r, "blocks", "a list of first layers");
        }
    }
    if (status == HMA_OK) {
        status = hma_blocks_at(&r->blocks, start, count, r->spec.layers);
    }
    free(start);
    return status;
}

static hma_status read_blocks(reading *r) {
    const cJSON *blocks = hma_json_get(r->object, "blocks");
    size_t count = r->spec.ratio_count;
    if (cJSON_IsString(blocks)) {
        return hma_blocks_parse(&r->blocks, blocks->valuestring, r->spec.layers);
    }
    if (cJSON_IsArray(blocks)) {
        return read_boundaries(r, blocks);
    }
    if (blocks && !whole(blocks, &count)) {
        return not_usable(r, "blocks", "a number of blocks, \"layers\", \"hma\" or a list of first layers");
    }
    return hma_blocks_split(&r->blocks, count, r->spec.layers);
}

static hma_status read_overrides(reading *r) {
    const cJSON *tensors = hma_json_get(r->object, "tensors"), *item;
    if (tensors && !cJSON_IsObject(tensors)) {
        return not_usable(r, "tensors", "an object of name patterns and ratios");
    }
    cJSON_ArrayForEach(item, tensors) {
        if (!cJSON_IsNumber(item)) {
            return not_usable(r, "tensors", "a ratio for every pattern");
        }
        const hma_status status = hma_overrides_add(&r->overrides, item->string, item->valuedouble,
                                                    hma_method_most_ratio(r->spec.method));
        if (status != HMA_OK) {
            return status;
        }
    }
    return HMA_OK;
}

static hma_status read_recipe(hma_recipe **out, reading *r) {
    static const char *const known[] = {"method", "blocks",  "ratio",   "ratios", "policy", "dtype",      "rounding",
                                        "seed",   "tensors", "density", "lambda", "base",   "extra_rows", NULL};
    if (!cJSON_IsObject(r->object)) {
        return hma_error(HMA_BAD_DATA, "%s: is not a recipe (expected a JSON object): correct it", r->name);
    }
    hma_status status = hma_json_known_keys(r->object, r->name, known);
    if (status == HMA_OK) {
        status = read_names(r);
    }
    if (status == HMA_OK) {
        status = hma_json_get_u64(r->object, r->name, "seed", false, 0, HMA_MAX_SEED, &r->spec.seed);
    }
    if (status == HMA_OK) {
        status = read_numbers(r);
    }
    if (status == HMA_OK) {
        status = read_ratios(r);
    }
    if (status == HMA_OK) {
        status = read_blocks(r);
    }
    if (status == HMA_OK) {
        status = read_overrides(r);
    }
    return status == HMA_OK ? hma_recipe_build(out, &r->spec, &r->blocks, &r->overrides) : status;
}

hma_status hma_recipe_parse(hma_recipe **out, const char *json, size_t length, size_t layers, const char *name) {
    cJSON *tree;
    hma_status status = hma_json_parse(&tree, name, json, length);
    if (status != HMA_OK) {
        return status;
    }
    reading r = {.name = name, .object = hma_manifest_recipe(tree), .spec = hma_recipe_spec_default()};
    r.spec.layers = layers;
    status = read_recipe(out, &r);
    if (status == HMA_USAGE) {
        /* what is a wrong request from a caller is wrong data in a file */
        status = hma_error(HMA_BAD_DATA, "%s: %s", name, hma_error_message());
    }
    hma_blocks_free(&r.blocks);
    hma_overrides_free(&r.overrides);
    free(r.ratios);
    cJSON_Delete(tree);
    return status;
}
