#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/json_scan.h"
#include "base/memory.h"
#include "base/text_set.h"

/* Duplicate keys are found with one set for the whole document: "serial number of the object" + NUL + key. */
typedef struct check {
    hma_json_scan scan;
    hma_text_set keys;
    hma_buffer key;
    uint64_t object[HMA_JSON_MAX_DEPTH + 1];
    uint64_t objects;
    uint64_t values;
} check;

static hma_status check_key(check *c) {
    bool added;
    hma_buffer_clear(&c->key);
    hma_buffer_printf(&c->key, "%llu:", (unsigned long long)c->object[c->scan.depth]);
    hma_buffer_add(&c->key, c->scan.text.data, c->scan.text.length);
    hma_status status = hma_buffer_ok(&c->key);
    if (status == HMA_OK) {
        status = hma_text_set_add(&c->keys, c->key.data, c->key.length, &added);
    }
    if (status == HMA_OK && !added) {
        status = hma_json_fault(&c->scan, "duplicate key \"%.200s\" (expected each key once): remove one of them",
                                hma_buffer_cstr(&c->scan.text));
    }
    return status;
}

static hma_status check_text(const char *name, const char *text, size_t length, bool is_line) {
    check c = {0};
    hma_json_scan_begin(&c.scan, name, text, length);
    c.scan.is_line = is_line;
    hma_json_event event;
    hma_status status;
    do {
        status = hma_json_next(&c.scan, &event);
        if (status != HMA_OK) {
            break;
        }
        if (++c.values > HMA_JSON_MAX_VALUES) {
            status = hma_json_fault(&c.scan, "too many values (expected at most %d): replace the file", HMA_JSON_MAX_VALUES);
        } else if (event == HMA_JSON_OBJECT) {
            c.object[c.scan.depth] = c.objects++;
        } else if (event == HMA_JSON_KEY) {
            status = check_key(&c);
        }
    } while (status == HMA_OK && event != HMA_JSON_END);
    hma_json_scan_free(&c.scan);
    hma_buffer_free(&c.key);
    hma_text_set_free(&c.keys);
    return status;
}

hma_status hma_json_check(const char *name, const char *text, size_t length) { return check_text(name, text, length, false); }

static hma_status parse(cJSON **out, const char *name, const char *text, size_t length, bool is_line) {
    hma_status status = check_text(name, text, length, is_line);
    if (status != HMA_OK) {
        return status;
    }
    cJSON *tree = cJSON_ParseWithLength(text, length);
    if (!tree) {
        /* the check has passed, so this is memory or a number that strtod refuses */
        return hma_error_memory(name);
    }
    *out = tree;
    return HMA_OK;
}

hma_status hma_json_parse(cJSON **out, const char *name, const char *text, size_t length) {
    return parse(out, name, text, length, false);
}

hma_status hma_json_parse_line(cJSON **out, const char *where, const char *text, size_t length) {
    return parse(out, where, text, length, true);
}

hma_status hma_json_load(cJSON **out, const char *path, size_t limit) {
    char *text;
    size_t length;
    hma_status status = hma_file_load(path, limit, &text, &length);
    if (status == HMA_OK) {
        status = hma_json_parse(out, path, text, length);
        free(text);
    }
    return status;
}

const cJSON *hma_json_get(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return item && !cJSON_IsNull(item) ? item : NULL;
}

static hma_status missing(const char *name, const char *key, const char *expected) {
    return hma_error(HMA_BAD_DATA, "%s: \"%s\" is missing (expected %s): add it", name, key, expected);
}

hma_status hma_json_get_double(const cJSON *object, const char *name, const char *key, bool required, double least, double most,
                               double *out) {
    const cJSON *item = hma_json_get(object, key);
    if (!item) {
        return required ? missing(name, key, "a number") : HMA_OK;
    }
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble) || item->valuedouble < least || item->valuedouble > most) {
        return hma_error(HMA_BAD_DATA, "%s: \"%s\" is not usable (expected a number from %g to %g): correct it", name, key,
                         least, most);
    }
    *out = item->valuedouble;
    return HMA_OK;
}

hma_status hma_json_get_u64(const cJSON *object, const char *name, const char *key, bool required, uint64_t least,
                            uint64_t most, uint64_t *out) {
    const cJSON *item = hma_json_get(object, key);
    if (!item) {
        return required ? missing(name, key, "a whole number") : HMA_OK;
    }
    /* doubles are exact up to here, which is beyond every legitimate size, count and seed */
    most = hma_min_u64(most, (uint64_t)1 << 53);
    const double v = cJSON_IsNumber(item) ? item->valuedouble : -1;
    if (!(v >= 0 && v <= (double)most && v == floor(v)) || (uint64_t)v < least) {
        return hma_error(HMA_BAD_DATA, "%s: \"%s\" is not usable (expected a whole number from %llu to %llu): correct it", name,
                         key, (unsigned long long)least, (unsigned long long)most);
    }
    *out = (uint64_t)v;
    return HMA_OK;
}

hma_status hma_json_get_size(const cJSON *object, const char *name, const char *key, bool required, size_t least, size_t most,
                             size_t *out) {
    uint64_t value = *out;
    const hma_status status = hma_json_get_u64(object, name, key, required, least, most, &value);
    *out = (size_t)value;
    return status;
}

hma_status hma_json_get_bool(const cJSON *object, const char *name, const char *key, bool required, bool *out) {
    const cJSON *item = hma_json_get(object, key);
    if (!item) {
        return required ? missing(name, key, "true or false") : HMA_OK;
    }
    if (!cJSON_IsBool(item)) {
        return hma_error(HMA_BAD_DATA, "%s: \"%s\" is not usable (expected true or false): correct it", name, key);
    }
    *out = cJSON_IsTrue(item);
    return HMA_OK;
}

hma_status hma_json_get_text(const cJSON *object, const char *name, const char *key, bool required, const char **out) {
    const cJSON *item = hma_json_get(object, key);
    if (!item) {
        return required ? missing(name, key, "a string") : HMA_OK;
    }
    if (!cJSON_IsString(item)) {
        return hma_error(HMA_BAD_DATA, "%s: \"%s\" is not usable (expected a string): correct it", name, key);
    }
    *out = item->valuestring;
    return HMA_OK;
}

/* Levenshtein distance, cut off at words of 31 bytes: option and key names are shorter. */
static size_t distance(const char *a, const char *b) {
    enum { LIMIT = 32 };
    const size_t n = strlen(a), m = strlen(b);
    if (n >= LIMIT || m >= LIMIT) {
        return LIMIT;
    }
    size_t row[LIMIT];
    for (size_t j = 0; j <= m; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const size_t substitution = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = hma_min_size(substitution, 1 + hma_min_size(row[j], row[j - 1]));
        }
    }
    return row[m];
}

/* The shortest entry of which the word is the beginning, or that is the beginning of the word: names that were cut short, or
 * written out. */
static const char *continuation(const char *word, const char *const *list) {
    const char *best = NULL;
    for (; *list; list++) {
        const size_t common = hma_min_size(strlen(word), strlen(*list));
        if (common >= 3 && strncmp(*list, word, common) == 0 && (!best || strlen(*list) < strlen(best))) {
            best = *list;
        }
    }
    return best;
}

const char *hma_nearest(const char *word, const char *const *list) {
    const char *best = NULL;
    size_t best_distance = hma_max_size(1, strlen(word) / 3) + 1;
    for (const char *const *entry = list; *entry; entry++) {
        const size_t d = distance(word, *entry);
        if (d < best_distance) {
            best = *entry;
            best_distance = d;
        }
    }
    return best ? best : continuation(word, list);
}

hma_status hma_json_known_keys(const cJSON *object, const char *name, const char *const *known) {
    const cJSON *item;
    cJSON_ArrayForEach(item, object) {
        const char *const *k = known;
        while (*k && strcmp(*k, item->string) != 0) {
            k++;
        }
        if (!*k) {
            const char *near = hma_nearest(item->string, known);
            return near ? hma_error(HMA_BAD_DATA, "%s: unknown key \"%s\" (did you mean \"%s\"?): correct or remove it", name,
                                    item->string, near)
                        : hma_error(HMA_BAD_DATA, "%s: unknown key \"%s\" (expected only keys that are used): remove it", name,
                                    item->string);
        }
    }
    return HMA_OK;
}
