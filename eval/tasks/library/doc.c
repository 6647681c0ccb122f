#include "eval/tasks/library/doc.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/json.h"
#include "hma/text.h"

enum { LONGEST_FIELD = 63 };

/* ---- reading ---- */

hma_status hma_doc_text(const cJSON *doc, const char *where, const char *key, const char **text) {
    return hma_json_get_text(doc, where, key, true, text);
}

static hma_status no_container(const char *where, const char *key, const char *what) {
    return hma_error(HMA_BAD_DATA, "%s: \"%s\" is not usable (expected %s): is this the right file?", where, key, what);
}

hma_status hma_doc_list(const cJSON *doc, const char *where, const char *key, const cJSON **list) {
    const cJSON *value = hma_json_get(doc, key);
    if (!cJSON_IsArray(value)) {
        return no_container(where, key, "a list");
    }
    *list = value;
    return HMA_OK;
}

hma_status hma_doc_object(const cJSON *doc, const char *where, const char *key, const cJSON **object) {
    const cJSON *value = hma_json_get(doc, key);
    if (!cJSON_IsObject(value)) {
        return no_container(where, key, "an object");
    }
    *object = value;
    return HMA_OK;
}

hma_status hma_doc_no_label(const char *where, const char *key, const char *expected) {
    return hma_error(HMA_BAD_DATA,
                     "%s: \"%s\" is not usable (expected %s): use a split that is published with its answers, or is this "
                     "another data set?",
                     where, key, expected);
}

hma_status hma_doc_number(const cJSON *doc, const char *where, const char *key, size_t most, size_t *number) {
    const cJSON *value = hma_json_get(doc, key);
    double read = -1;
    if (cJSON_IsNumber(value)) {
        read = value->valuedouble;
    } else if (cJSON_IsBool(value)) {
        read = cJSON_IsTrue(value);
    } else if (cJSON_IsString(value)) {
        uint64_t digits;
        read = hma_parse_u64(&digits, value->valuestring) && digits <= most ? (double)digits : -1;
    }
    if (!(read >= 0 && read <= (double)most && read == floor(read))) {
        hma_buffer expected = {0};
        hma_buffer_printf(&expected, "a number from 0 to %zu", most);
        const hma_status status = hma_doc_no_label(where, key, hma_buffer_cstr(&expected));
        hma_buffer_free(&expected);
        return status;
    }
    *number = (size_t)read;
    return HMA_OK;
}

/* ---- building ---- */

hma_status hma_doc_put(cJSON *parent, const char *key, cJSON *value) {
    if (value && (key ? cJSON_AddItemToObject(parent, key, value) : cJSON_AddItemToArray(parent, value))) {
        return HMA_OK;
    }
    cJSON_Delete(value);
    return hma_error_memory("document");
}

hma_status hma_doc_put_text(cJSON *parent, const char *key, const char *text) {
    return hma_doc_put(parent, key, cJSON_CreateString(text));
}

hma_status hma_doc_put_number(cJSON *parent, const char *key, double number) {
    return hma_doc_put(parent, key, cJSON_CreateNumber(number));
}

hma_status hma_doc_put_copy(cJSON *parent, const char *key, const cJSON *value) {
    return value ? hma_doc_put(parent, key, cJSON_Duplicate(value, true)) : HMA_OK;
}

static cJSON *open_container(cJSON *parent, const char *key, cJSON *value) {
    return hma_doc_put(parent, key, value) == HMA_OK ? value : NULL;
}

cJSON *hma_doc_open_list(cJSON *parent, const char *key) { return open_container(parent, key, cJSON_CreateArray()); }
cJSON *hma_doc_open_object(cJSON *parent, const char *key) { return open_container(parent, key, cJSON_CreateObject()); }

hma_status hma_doc_put_buffer(cJSON *parent, const char *key, hma_buffer *text) {
    hma_status status = hma_buffer_ok(text);
    if (status == HMA_OK) {
        status = hma_doc_put_text(parent, key, hma_buffer_cstr(text));
    }
    hma_buffer_free(text);
    return status;
}

hma_status hma_doc_fill(hma_buffer *out, const char *prompt, const cJSON *doc, const char *where) {
    hma_status status = HMA_OK;
    while (status == HMA_OK && *prompt) {
        const char *open = strchrnul(prompt, '{'), *close = strchr(open, '}');
        hma_buffer_add(out, prompt, (size_t)(open - prompt));
        if (!close) {
            break;
        }
        char field[LONGEST_FIELD + 1] = {0};
        const char *text = "";
        memcpy(field, open + 1, hma_min_size(LONGEST_FIELD, (size_t)(close - open - 1)));
        status = hma_doc_text(doc, where, field, &text);
        hma_buffer_text(out, text);
        prompt = close + 1;
    }
    return status;
}
