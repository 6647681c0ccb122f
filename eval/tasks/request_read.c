/* Request files: which keys each type of request has, and what their values may be. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text_set.h"
#include "eval/tasks/fields.h"
#include "eval/tasks/lines.h"
#include "eval/tasks/python_text.h"
#include "eval/tasks/request.h"
#include "hma/text.h"

enum { MOST_TOKENS = 1 << 20, MOST_SAMPLES = 10000 };

static const char *const type_names[] = {[HMA_REQUEST_LOGLIKELIHOOD] = "loglikelihood",
                                         [HMA_REQUEST_GENERATE] = "generate",
                                         [HMA_REQUEST_REWARD] = "reward",
                                         [HMA_REQUEST_LOGITS] = "logits",
                                         [HMA_REQUEST_TOKENIZE] = "tokenize",
                                         [HMA_REQUEST_DETOKENIZE] = "detokenize",
                                         [HMA_REQUEST_ROLLING] = "loglikelihood_rolling",
                                         [HMA_REQUEST_TYPE_COUNT] = NULL};

/* ---- memory ---- */

static void free_request(hma_request *r) {
    free(r->id);
    free(r->text);
    free(r->continuation);
    free(r->ids.ids);
    free(r->continuation_ids.ids);
    hma_text_free(r->detokenized);
    hma_stops_free(&r->until);
}

void hma_request_list_free(hma_request_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free_request(&list->items[i]);
    }
    free(list->items);
    *list = (hma_request_list){0};
}

const char *hma_request_list_name(const hma_request_list *list) {
    return strcmp(list->path, "-") == 0 ? "standard input" : list->path;
}

hma_status hma_request_locate(const hma_request_list *list, const hma_request *request) {
    return hma_error_prefix("%s:%zu: ", hma_request_list_name(list), request->line);
}

/* ---- values ---- */

static hma_status read_text(const cJSON *object, const char *where, const char *key, char **out) {
    const char *text = NULL;
    const hma_status status = hma_json_get_text(object, where, key, true, &text);
    if (status != HMA_OK) {
        return status;
    }
    *out = hma_copy_text(text);
    return *out ? HMA_OK : HMA_FAILURE;
}

static bool is_id(const cJSON *item) {
    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= INT32_MAX &&
           item->valuedouble == floor(item->valuedouble);
}

static hma_status read_ids(const cJSON *object, const char *where, const char *key, hma_id_run *out) {
    const cJSON *list = hma_json_get(object, key), *item;
    bool usable = cJSON_IsArray(list);
    size_t count = 0;
    cJSON_ArrayForEach(item, list) {
        usable = usable && is_id(item);
        count++;
    }
    if (!usable) {
        return hma_error(HMA_BAD_DATA,
                         "%s: \"%s\" is not usable (expected a list of token ids, whole numbers from 0): correct it", where,
                         key);
    }
    out->ids = HMA_NEW(int32_t, count);
    if (!out->ids) {
        return HMA_FAILURE;
    }
    cJSON_ArrayForEach(item, list) { out->ids[out->count++] = (int32_t)item->valuedouble; }
    return HMA_OK;
}

/* The same thing as text or as ids: one of two keys. */
static hma_status read_text_or_ids(const cJSON *object, const char *where, const char *text_key, const char *ids_key,
                                   char **text, hma_id_run *ids) {
    const bool has_text = hma_json_get(object, text_key), has_ids = hma_json_get(object, ids_key);
    if (has_text == has_ids) {
        return hma_error(HMA_BAD_DATA, "%s: %s of \"%s\" and \"%s\" given (expected one of them): %s", where,
                         has_text ? "both" : "neither", text_key, ids_key, has_text ? "remove one" : "add one");
    }
    return has_text ? read_text(object, where, text_key, text) : read_ids(object, where, ids_key, ids);
}

/* ---- types ---- */

static hma_status read_loglikelihood(hma_request *r, const cJSON *object, const char *where) {
    hma_status status = read_text_or_ids(object, where, "context", "context_ids", &r->text, &r->ids);
    if (status == HMA_OK) {
        status = read_text_or_ids(object, where, "continuation", "continuation_ids", &r->continuation, &r->continuation_ids);
    }
    if (status == HMA_OK && !r->text != !r->continuation) {
        status = hma_error(HMA_BAD_DATA, "%s: one part is given as text and the other as ids (expected both alike): change one",
                           where);
    }
    /* white space at the end of the context is continuation, too */
    const bool empty =
        r->continuation ? !*r->continuation && !(r->text && hma_python_ends_in_space(r->text)) : r->continuation_ids.count == 0;
    if (status == HMA_OK && empty) {
        status = hma_error(HMA_BAD_DATA, "%s: the continuation is empty (expected something to score): correct it", where);
    }
    return status;
}

static hma_status read_generate(hma_request *r, const cJSON *object, const char *where) {
    r->samples = 1;
    r->top_p = 1;
    r->seed = 1;
    hma_status status = read_text_or_ids(object, where, "context", "context_ids", &r->text, &r->ids);
    if (status == HMA_OK) {
        status = hma_read_until(object, where, &r->until);
    }
    if (status == HMA_OK) {
        status = hma_json_get_size(object, where, "max_tokens", true, 1, MOST_TOKENS, &r->max_tokens);
    }
    if (status == HMA_OK) {
        status = hma_read_sampling(object, where, &r->temperature, &r->top_k, &r->top_p);
    }
    if (status == HMA_OK) {
        status = hma_json_get_u64(object, where, "seed", false, 0, UINT64_MAX, &r->seed);
    }
    if (status == HMA_OK) {
        status = hma_json_get_size(object, where, "samples", false, 1, MOST_SAMPLES, &r->samples);
    }
    return status;
}

static hma_status read_ids_alone(hma_request *r, const cJSON *object, const char *where) {
    const hma_status status = read_ids(object, where, "ids", &r->ids);
    return status != HMA_OK || r->ids.count > 0 || r->type == HMA_REQUEST_DETOKENIZE
               ? status
               : hma_error(HMA_BAD_DATA, "%s: \"ids\" is empty (expected at least one id): correct it", where);
}

static hma_status read_tokenize(hma_request *r, const cJSON *object, const char *where) {
    r->special = true;
    const hma_status status = read_text(object, where, "text", &r->text);
    return status == HMA_OK ? hma_json_get_bool(object, where, "special", false, &r->special) : status;
}

static const char *const *keys_of(hma_request_type type) {
    static const char *const loglikelihood[] = {"id", "type", "context", "context_ids", "continuation", "continuation_ids",
                                                NULL};
    static const char *const generate[] = {"id",          "type",  "context", "context_ids", "until",   "max_tokens",
                                           "temperature", "top_k", "top_p",   "seed",        "samples", NULL};
    static const char *const reward[] = {"id", "type", "text", "ids", NULL};
    static const char *const ids[] = {"id", "type", "ids", NULL};
    static const char *const rolling[] = {"id", "type", "text", NULL};
    static const char *const tokenize[] = {"id", "type", "text", "special", NULL};
    switch (type) {
    case HMA_REQUEST_LOGLIKELIHOOD: return loglikelihood;
    case HMA_REQUEST_GENERATE: return generate;
    case HMA_REQUEST_REWARD: return reward;
    case HMA_REQUEST_TOKENIZE: return tokenize;
    case HMA_REQUEST_ROLLING: return rolling;
    default: return ids;
    }
}

static hma_status read_by_type(hma_request *r, const cJSON *object, const char *where) {
    switch (r->type) {
    case HMA_REQUEST_LOGLIKELIHOOD: return read_loglikelihood(r, object, where);
    case HMA_REQUEST_GENERATE: return read_generate(r, object, where);
    case HMA_REQUEST_REWARD: return read_text_or_ids(object, where, "text", "ids", &r->text, &r->ids);
    case HMA_REQUEST_TOKENIZE: return read_tokenize(r, object, where);
    case HMA_REQUEST_ROLLING: return read_text(object, where, "text", &r->text);
    default: return read_ids_alone(r, object, where);
    }
}

static hma_status read_request(hma_request *r, const cJSON *object, const char *where) {
    size_t type = 0;
    hma_status status = hma_read_word(object, where, "type", true, type_names, &type);
    if (status != HMA_OK) {
        return status;
    }
    r->type = (hma_request_type)type;
    status = hma_json_known_keys(object, where, keys_of(r->type));
    if (status == HMA_OK) {
        status = read_text(object, where, "id", &r->id);
    }
    return status == HMA_OK ? read_by_type(r, object, where) : status;
}

/* ---- the file ---- */

static hma_status read_lines(hma_request_list *list, hma_lines *lines, hma_text_set *ids) {
    for (;;) {
        cJSON *object;
        hma_status status = hma_lines_next(lines, &object);
        if (status != HMA_OK || !object) {
            return status;
        }
        if (hma_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items)) {
            cJSON_Delete(object);
            return HMA_FAILURE;
        }
        hma_request *r = &list->items[list->count++];
        *r = (hma_request){.line = lines->number};
        status = read_request(r, object, lines->where);
        cJSON_Delete(object);
        if (status == HMA_OK) {
            status = hma_note_id(ids, r->id, lines->where);
        }
        if (status != HMA_OK) {
            return status;
        }
    }
}

hma_status hma_request_list_read(hma_request_list *out, const hma_context *context, const char *path) {
    hma_request_list list = {.path = path};
    hma_text_set ids = {0};
    hma_lines lines;
    hma_status status = hma_lines_open(&lines, context, path);
    if (status != HMA_OK) {
        return status;
    }
    status = read_lines(&list, &lines, &ids);
    hma_text_set_free(&ids);
    hma_lines_close(&lines);
    if (status != HMA_OK) {
        hma_request_list_free(&list);
        return status;
    }
    *out = list;
    return HMA_OK;
}
