/* The "alignment" object of a suite. */
#include <stdlib.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "eval/tasks/suite.h"

enum { DEFAULT_MAX_TOKENS = 64, MOST_TOKENS = 1 << 20, MOST_ITEMS = INT32_MAX, MOST_SAMPLES = 1000 };

static hma_status read_type(const cJSON *object, const char *where, hma_alignment_type *type) {
    const char *names[HMA_ALIGNMENT_TYPE_COUNT + 1] = {0};
    size_t chosen = 0;
    for (size_t i = 0; i < HMA_ALIGNMENT_TYPE_COUNT; i++) {
        names[i] = hma_alignment_type_name((hma_alignment_type)i);
    }
    const hma_status status = hma_read_word(object, where, "type", true, names, &chosen);
    *type = (hma_alignment_type)chosen;
    return status;
}

/* "chat" (the default) or another word. */
static hma_status read_chat(const cJSON *object, const char *where, const char *key, const char *other, bool *is_chat) {
    const char *const words[] = {"chat", other, NULL};
    size_t chosen = 0;
    const hma_status status = hma_read_word(object, where, key, false, words, &chosen);
    *is_chat = chosen == 0;
    return status;
}

static hma_status read_sampling(hma_alignment_spec *spec, const cJSON *object, const char *where) {
    spec->samples = 1;
    spec->max_tokens = DEFAULT_MAX_TOKENS;
    spec->temperature = 1;
    spec->top_p = 1;
    hma_status status = hma_json_get_size(object, where, "samples", false, 1, MOST_SAMPLES, &spec->samples);
    if (status == HMA_OK) {
        status = hma_json_get_size(object, where, "max_tokens", false, 1, MOST_TOKENS, &spec->max_tokens);
    }
    return status == HMA_OK ? hma_read_sampling(object, where, &spec->temperature, &spec->top_k, &spec->top_p) : status;
}

static hma_status read_command(hma_suite *suite, const cJSON *object, const char *where) {
    hma_alignment_spec *spec = &suite->alignment;
    const cJSON *list = hma_json_get(object, "command"), *one;
    const int count = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
    bool usable = count > 0;
    cJSON_ArrayForEach(one, list) { usable = usable && cJSON_IsString(one) && (one != list->child || *one->valuestring); }
    if (!usable) {
        return hma_error(HMA_BAD_DATA,
                         "%s: \"command\" is not usable (expected a program and its arguments, such as "
                         "[\"python3\", \"score.py\"]): correct it",
                         where);
    }
    spec->command = HMA_NEW(char *, (size_t)count + 1);
    if (!spec->command) {
        return HMA_FAILURE;
    }
    size_t i = 0;
    cJSON_ArrayForEach(one, list) {
        spec->command[i++] = one->valuestring;
        const char *path = hma_suite_resolve(suite, one->valuestring);
        if (!path) {
            return HMA_FAILURE;
        }
        if (hma_path_is_folder(path)) { /* a word that says nothing of what is read */
            free(suite->paths[--suite->path_count]);
            suite->paths[suite->path_count] = NULL;
        }
    }
    return HMA_OK;
}

static hma_status read_judge(hma_suite *suite, const cJSON *object, const char *where) {
    hma_alignment_spec *spec = &suite->alignment;
    const char *model = NULL;
    hma_status status = HMA_OK;
    if (spec->type == HMA_ALIGNMENT_REWARD_MODEL) {
        status = hma_json_get_text(object, where, "model", true, &model);
        if (status == HMA_OK) {
            spec->model = hma_suite_resolve(suite, model);
            status = spec->model ? HMA_OK : HMA_FAILURE;
        }
    } else if (spec->type == HMA_ALIGNMENT_SCORES) {
        status = read_command(suite, object, where);
    }
    if (status == HMA_OK && spec->type != HMA_ALIGNMENT_IMPLICIT) {
        status = read_chat(object, where, "reward_text", "concat", &spec->chat_reward);
    }
    return status;
}

static hma_status read_prompts(hma_suite *suite, const cJSON *object, const char *where, char digests[2][65]) {
    static const char *const known[] = {"test", "search", NULL};
    const cJSON *prompts = hma_json_get(object, "prompts");
    size_t limit = SIZE_MAX, given = 0;
    hma_status status = hma_json_get_size(object, where, "limit", false, 1, MOST_ITEMS, &limit);
    if (status == HMA_OK && cJSON_IsObject(prompts)) {
        status = hma_json_known_keys(prompts, where, known);
    }
    for (size_t split = 0; split < 2 && status == HMA_OK && cJSON_IsObject(prompts); split++) {
        const char *file = NULL;
        status = hma_json_get_text(prompts, where, known[split], false, &file);
        if (status == HMA_OK && file) {
            const char *path = hma_suite_resolve(suite, file);
            status = path ? hma_items_load(&suite->prompts[split], path, HMA_ITEM_PROMPT, limit, digests[split]) : HMA_FAILURE;
            given++;
        }
    }
    if (status == HMA_OK && given == 0) {
        status = hma_error(HMA_BAD_DATA,
                           "%s: \"prompts\" is not usable (expected {\"search\": FILE, \"test\": FILE}): correct it", where);
    }
    return status;
}

static hma_status check_keys(const cJSON *object, const char *where, hma_alignment_type type) {
#define ALWAYS "type", "prompts", "samples", "max_tokens", "temperature", "top_k", "top_p", "template", "limit"
    static const char *const reward_model[] = {ALWAYS, "model", "reward_text", NULL};
    static const char *const implicit[] = {ALWAYS, NULL};
    static const char *const scores[] = {ALWAYS, "command", "reward_text", NULL};
#undef ALWAYS
    static const char *const *const keys[] = {
        [HMA_ALIGNMENT_REWARD_MODEL] = reward_model, [HMA_ALIGNMENT_IMPLICIT] = implicit, [HMA_ALIGNMENT_SCORES] = scores};
    return hma_json_known_keys(object, where, keys[type]);
}

static hma_status read_fields(hma_suite *suite, const cJSON *object, const char *where, char digests[2][65]) {
    hma_alignment_spec *spec = &suite->alignment;
    if (!cJSON_IsObject(object)) {
        return hma_error(HMA_BAD_DATA, "%s: is not an object (expected {\"type\": .., \"prompts\": .., ..}): correct it",
                         where);
    }
    hma_status status = read_type(object, where, &spec->type);
    if (status == HMA_OK) {
        status = check_keys(object, where, spec->type);
    }
    if (status == HMA_OK) {
        status = read_sampling(spec, object, where);
    }
    if (status == HMA_OK) {
        status = read_chat(object, where, "template", "none", &spec->chat_prompt);
    }
    if (status == HMA_OK) {
        status = read_judge(suite, object, where);
    }
    if (status == HMA_OK) {
        status = read_prompts(suite, object, where, digests);
    }
    return status;
}

hma_status hma_suite_read_alignment(hma_suite *suite, const cJSON *object, char digests[2][65]) {
    hma_buffer where = {0};
    hma_buffer_printf(&where, "%s: alignment", suite->path);
    suite->alignment.folder = suite->folder;
    hma_status status = hma_buffer_ok(&where);
    if (status == HMA_OK) {
        status = read_fields(suite, object, where.data, digests);
    }
    suite->has_alignment = status == HMA_OK;
    hma_buffer_free(&where);
    return status;
}
