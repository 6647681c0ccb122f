#include "eval/tokenizer/canonical_json.h"

#include <string.h>

/* The member with the smallest key behind `previous` (NULL: of all). Objects here have a handful of members. */
static const cJSON *next_member(const cJSON *object, const char *previous) {
    const cJSON *best = NULL, *member;
    cJSON_ArrayForEach(member, object) {
        if ((!previous || strcmp(member->string, previous) > 0) && (!best || strcmp(member->string, best->string) < 0)) {
            best = member;
        }
    }
    return best;
}

static void write_object(hma_buffer *out, const cJSON *json) {
    hma_buffer_char(out, '{');
    for (const cJSON *member = next_member(json, NULL); member; member = next_member(json, member->string)) {
        hma_buffer_json_text(out, member->string, strlen(member->string));
        hma_buffer_char(out, ':');
        hma_canonical_json(out, member);
        hma_buffer_char(out, ',');
    }
    hma_buffer_char(out, '}');
}

static void write_array(hma_buffer *out, const cJSON *json) {
    const cJSON *item;
    hma_buffer_char(out, '[');
    cJSON_ArrayForEach(item, json) {
        hma_canonical_json(out, item);
        hma_buffer_char(out, ',');
    }
    hma_buffer_char(out, ']');
}

void hma_canonical_json(hma_buffer *out, const cJSON *json) {
    if (!json || cJSON_IsNull(json)) {
        hma_buffer_text(out, "null");
    } else if (cJSON_IsObject(json)) {
        write_object(out, json);
    } else if (cJSON_IsArray(json)) {
        write_array(out, json);
    } else if (cJSON_IsString(json)) {
        hma_buffer_json_text(out, json->valuestring, strlen(json->valuestring));
    } else if (cJSON_IsNumber(json)) {
        hma_buffer_json_double(out, json->valuedouble);
    } else {
        hma_buffer_text(out, cJSON_IsTrue(json) ? "true" : "false");
    }
}
