#include "eval/tasks/fields.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"

enum { MOST_STOPS = 64 };

static hma_status unknown_word(const char *where, const char *key, const char *word, const char *const *words) {
    hma_buffer list = {0};
    const char *near = hma_nearest(word, words);
    for (const char *const *w = words; *w; w++) {
        hma_buffer_printf(&list, "%s\"%s\"", w == words ? "" : w[1] ? ", " : " or ", *w);
    }
    const hma_status status = near ? hma_error(HMA_BAD_DATA, "%s: \"%s\" is \"%.60s\" (expected %s): did you mean \"%s\"?",
                                               where, key, word, hma_buffer_cstr(&list), near)
                                   : hma_error(HMA_BAD_DATA, "%s: \"%s\" is \"%.60s\" (expected %s): correct it", where, key,
                                               word, hma_buffer_cstr(&list));
    hma_buffer_free(&list);
    return status;
}

hma_status hma_read_word(const cJSON *object, const char *where, const char *key, bool required, const char *const *words,
                         size_t *index) {
    const char *word = NULL;
    const hma_status status = hma_json_get_text(object, where, key, required, &word);
    if (status != HMA_OK || !word) {
        return status;
    }
    for (size_t i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0) {
            *index = i;
            return HMA_OK;
        }
    }
    return unknown_word(where, key, word, words);
}

hma_status hma_read_until(const cJSON *object, const char *where, hma_stops *out) {
    const cJSON *list = hma_json_get(object, "until"), *one;
    const int count = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : -1;
    bool usable = count >= 0 && count <= MOST_STOPS;
    cJSON_ArrayForEach(one, list) { usable = usable && cJSON_IsString(one) && *one->valuestring; }
    if (!list) {
        return HMA_OK;
    }
    if (!usable) {
        return hma_error(HMA_BAD_DATA,
                         "%s: \"until\" is not usable (expected a list of at most %d non-empty strings): correct it", where,
                         MOST_STOPS);
    }
    hma_stops stops = {.text = HMA_NEW(char *, (size_t)count)};
    bool complete = stops.text != NULL;
    for (one = list->child; one && complete; one = one->next) {
        stops.text[stops.count] = hma_copy_text(one->valuestring);
        complete = stops.text[stops.count] != NULL;
        stops.count += complete;
    }
    if (!complete) {
        hma_stops_free(&stops);
        return HMA_FAILURE;
    }
    *out = stops;
    return HMA_OK;
}

void hma_stops_free(hma_stops *stops) {
    for (size_t i = 0; i < stops->count; i++) {
        free(stops->text[i]);
    }
    free(stops->text);
    *stops = (hma_stops){0};
}

hma_status hma_read_sampling(const cJSON *object, const char *where, double *temperature, size_t *top_k, double *top_p) {
    hma_status status = hma_json_get_double(object, where, "temperature", false, 0, 100, temperature);
    if (status == HMA_OK) {
        status = hma_json_get_size(object, where, "top_k", false, 0, INT32_MAX, top_k);
    }
    return status == HMA_OK ? hma_json_get_double(object, where, "top_p", false, 1e-9, 1, top_p) : status;
}

hma_status hma_note_id(hma_text_set *ids, const char *id, const char *where) {
    bool added;
    const hma_status status = hma_text_set_add(ids, id, strlen(id), &added);
    return status != HMA_OK || added
               ? status
               : hma_error(HMA_BAD_DATA, "%s: duplicate id \"%.100s\" (expected each id once): change it", where, id);
}
