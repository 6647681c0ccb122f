#include "eval/tasks/items.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/text_set.h"
#include "eval/tasks/fields.h"
#include "eval/tasks/lines.h"
#include "eval/tasks/python_text.h"

enum { LONGEST_CLUSTER = 64 }; /* bytes of a name that is kept as it is */

static void free_item(hma_item *item) {
    for (size_t i = 0; i < item->shown_count; i++) {
        free(item->shown[i]);
    }
    free(item->shown);
    cJSON_Delete(item->document);
    cJSON_Delete(item->published);
    free(item->id);
    free(item->cluster);
    free(item->queries);
    free(item->texts);
    free(item->right);
    free(item->answers);
    *item = (hma_item){0};
}

void hma_items_free(hma_items *items) {
    for (size_t i = 0; i < items->count; i++) {
        free_item(&items->item[i]);
    }
    free(items->item);
    *items = (hma_items){0};
}

/* ---- fields ---- */

static const cJSON *get_list(const cJSON *object, const char *key) {
    const cJSON *list = hma_json_get(object, key);
    return cJSON_IsArray(list) && list->child ? list : NULL;
}

static size_t list_length(const cJSON *list) {
    size_t length = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, list) { length++; }
    return length;
}

/* Appends the strings of a list. */
static hma_status add_texts(hma_item *item, const cJSON *list, const char *where, const char *key, bool may_be_empty) {
    const cJSON *one;
    cJSON_ArrayForEach(one, list) {
        if (!cJSON_IsString(one) || (!may_be_empty && !*one->valuestring)) {
            return hma_error(HMA_BAD_DATA, "%s: \"%s\" holds something that is not usable (expected %sstrings): correct it",
                             where, key, may_be_empty ? "" : "non-empty ");
        }
        item->texts[item->text_count++] = one->valuestring;
    }
    return HMA_OK;
}

/* An empty choice is a mistake in a file made for hma; published files may have one. */
static hma_status read_choices(hma_item *item, const cJSON *object, const char *where, size_t least, size_t most) {
    const cJSON *list = get_list(object, "choices");
    const size_t count = list ? list_length(list) : 0;
    if (count < least || count > most) {
        return hma_error(HMA_BAD_DATA, "%s: \"choices\" is not usable (expected a list of %s string%s): correct it", where,
                         most == 1 ? "one" : "at least two", most == 1 ? "" : "s");
    }
    item->texts = HMA_NEW(const char *, count);
    return item->texts ? add_texts(item, list, where, "choices", item->published != NULL) : HMA_FAILURE;
}

/* The choices are what is shown, and what is scored after each of them is the same. */
static hma_status read_queries(hma_item *item, const cJSON *object, const char *where) {
    const cJSON *list = get_list(object, "queries");
    const char *target = NULL;
    const size_t count = list ? list_length(list) : 0;
    hma_status status = hma_json_get_text(object, where, "target", true, &target);
    if (status == HMA_OK && (count < 2 || hma_json_get(object, "query") || hma_json_get(object, "choices"))) {
        return hma_error(HMA_BAD_DATA,
                         "%s: \"queries\" is not usable (expected a list of at least two strings, and neither \"query\" nor "
                         "\"choices\"): correct it",
                         where);
    }
    item->texts = HMA_NEW(const char *, count);
    item->queries = HMA_NEW(const char *, count);
    if (status == HMA_OK) {
        status = item->texts && item->queries ? add_texts(item, list, where, "queries", true) : HMA_FAILURE;
    }
    for (size_t i = 0; i < item->text_count && status == HMA_OK; i++) {
        item->queries[i] = item->texts[i];
        item->texts[i] = target;
    }
    item->query = status == HMA_OK ? item->queries[0] : NULL;
    return status;
}

static hma_status mark_right(hma_item *item, const cJSON *gold, const char *where) {
    const double number = cJSON_IsNumber(gold) ? gold->valuedouble : -1;
    if (!gold) {
        return hma_error(HMA_BAD_DATA, "%s: \"gold\" is missing (expected a whole number): add it", where);
    }
    if (!(number >= 0 && number < (double)item->text_count && number == floor(number))) {
        return hma_error(HMA_BAD_DATA, "%s: \"gold\" is not usable (expected a whole number from 0 to %zu): correct it", where,
                         item->text_count - 1);
    }
    item->right[(size_t)number] = true;
    return HMA_OK;
}

/* "gold": the number of the right choice, or of all that are right. */
static hma_status read_gold(hma_item *item, const cJSON *object, const char *where) {
    const cJSON *gold = hma_json_get(object, "gold"), *one;
    item->right = HMA_NEW(bool, item->text_count);
    hma_status status = item->right ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK && !get_list(object, "gold")) {
        status = mark_right(item, gold, where);
    } else if (status == HMA_OK) {
        for (one = gold->child; one && status == HMA_OK; one = one->next) {
            status = mark_right(item, one, where);
        }
    }
    while (status == HMA_OK && !item->right[item->gold]) {
        item->gold++;
    }
    return status;
}

static hma_status read_answers(hma_item *item, const cJSON *object, const char *where) {
    const cJSON *list = get_list(object, "answers");
    if (!list) {
        return hma_error(HMA_BAD_DATA, "%s: \"answers\" is not usable (expected a list of at least one string): correct it",
                         where);
    }
    item->texts = HMA_NEW(const char *, list_length(list));
    hma_status status = item->texts ? add_texts(item, list, where, "answers", true) : HMA_FAILURE;
    return status == HMA_OK ? hma_json_get_text(object, where, "target", false, &item->example) : status;
}

/* Spans that an answer consists of; 0 when it is neither a string nor a list of at least one string. */
static size_t span_count(const cJSON *answer) {
    return cJSON_IsString(answer) ? 1 : cJSON_IsArray(answer) ? list_length(answer) : 0;
}

static hma_status read_spans(hma_item *item, const cJSON *object, const char *where) {
    const cJSON *list = get_list(object, "answers"), *answer;
    size_t spans = 0;
    bool usable = list != NULL;
    cJSON_ArrayForEach(answer, list) {
        usable = usable && span_count(answer) > 0;
        spans += span_count(answer);
    }
    if (!usable) {
        return hma_error(HMA_BAD_DATA,
                         "%s: \"answers\" is not usable (expected a list of strings or of lists of strings): "
                         "correct it",
                         where);
    }
    item->texts = HMA_NEW(const char *, spans);
    item->answers = HMA_NEW(hma_spans, list_length(list));
    hma_status status = item->texts && item->answers ? HMA_OK : HMA_FAILURE;
    for (answer = list->child; answer && status == HMA_OK; answer = answer->next) {
        item->answers[item->answer_count++] = (hma_spans){item->texts + item->text_count, span_count(answer)};
        if (cJSON_IsString(answer)) {
            item->texts[item->text_count++] = answer->valuestring;
        } else {
            status = add_texts(item, answer, where, "answers", true);
        }
    }
    return status == HMA_OK ? hma_json_get_text(object, where, "target", false, &item->example) : status;
}

static hma_status read_target(hma_item *item, const cJSON *object, const char *where) {
    const char *target = NULL;
    if (hma_json_get(object, "choices")) {
        return hma_json_get(object, "target")
                   ? hma_error(HMA_BAD_DATA, "%s: both \"target\" and \"choices\" are given (expected one): remove one", where)
                   : read_choices(item, object, where, 1, 1);
    }
    const hma_status status = hma_json_get_text(object, where, "target", true, &target);
    if (status != HMA_OK) {
        return status;
    }
    if (!*target && !hma_python_ends_in_space(item->query)) { /* which would be scored in its place */
        return hma_error(HMA_BAD_DATA, "%s: \"target\" is empty (expected the text to score): correct it", where);
    }
    item->texts = HMA_NEW(const char *, 1);
    if (!item->texts) {
        return HMA_FAILURE;
    }
    item->texts[item->text_count++] = target;
    item->is_target = true;
    return HMA_OK;
}

/* A text as a whole; "words" and "bytes" say what it counts as when it was changed before it is scored. */
static hma_status read_whole_text(hma_item *item, const cJSON *object, const char *where) {
    const char *text = NULL;
    hma_status status = hma_json_get_text(object, where, "text", true, &text);
    if (status != HMA_OK) {
        return status;
    }
    item->query = "";
    item->words = (double)hma_count_words(text);
    item->bytes = (double)strlen(text);
    item->texts = HMA_NEW(const char *, 1);
    if (!item->texts) {
        return HMA_FAILURE;
    }
    item->texts[item->text_count++] = text;
    status = hma_json_get_double(object, where, "words", false, 1, 1e15, &item->words);
    return status == HMA_OK ? hma_json_get_double(object, where, "bytes", false, 0, 1e15, &item->bytes) : status;
}

/* ---- a line ---- */

#define CLUSTER_KEYS "cluster", "passage", "group"

static const char *const *keys_of(hma_item_kind kind) {
    static const char *const choices[] = {"id", "query", "choices", "queries", "target", "gold", CLUSTER_KEYS, NULL};
    static const char *const answers[] = {"id", "query", "answers", "target", CLUSTER_KEYS, NULL};
    static const char *const target[] = {"id", "query", "target", "choices", "gold", CLUSTER_KEYS, NULL};
    static const char *const prompt[] = {"id", "prompt", CLUSTER_KEYS, NULL};
    static const char *const text[] = {"id", "text", "words", "bytes", CLUSTER_KEYS, NULL};
    switch (kind) {
    case HMA_ITEM_CHOICES: return choices;
    case HMA_ITEM_TARGET: return target;
    case HMA_ITEM_PROMPT: return prompt;
    case HMA_ITEM_TEXT: return text;
    default: return answers;
    }
}

static hma_status read_texts(hma_item *item, const cJSON *object, const char *where, hma_item_kind kind) {
    switch (kind) {
    case HMA_ITEM_CHOICES: return read_choices(item, object, where, 2, SIZE_MAX);
    case HMA_ITEM_TEXT: return read_whole_text(item, object, where);
    case HMA_ITEM_ANSWERS: return read_answers(item, object, where);
    case HMA_ITEM_SPANS: return read_spans(item, object, where);
    case HMA_ITEM_TARGET: return read_target(item, object, where);
    default: return HMA_OK;
    }
}

/* The "id", a string or a whole number; else the item's number. */
static hma_status read_id(hma_item *item, const cJSON *object, const char *where, size_t number) {
    const cJSON *id = hma_json_get(object, "id");
    char text[32];
    if (!id) {
        (void)snprintf(text, sizeof text, "%zu", number);
    } else if (cJSON_IsNumber(id) && id->valuedouble == floor(id->valuedouble) && fabs(id->valuedouble) <= 9007199254740992.0) {
        (void)snprintf(text, sizeof text, "%.0f", id->valuedouble);
    } else if (!cJSON_IsString(id) || !*id->valuestring) {
        return hma_error(HMA_BAD_DATA, "%s: \"id\" is not usable (expected a non-empty string or a whole number): correct it",
                         where);
    }
    item->id = hma_copy_text(id && cJSON_IsString(id) ? id->valuestring : text);
    return item->id ? HMA_OK : HMA_FAILURE;
}

/* A name as it is, a text that is too long for a name - the passage itself - by its digest. */
static hma_status name_cluster(char **out, const char *text) {
    char digest[65];
    const size_t length = strlen(text);
    const hma_status status = length > LONGEST_CLUSTER ? hma_sha256_of(text, length, digest) : HMA_OK;
    if (status == HMA_OK) {
        *out = hma_copy_text(length > LONGEST_CLUSTER ? digest : text);
    }
    return status == HMA_OK && !*out ? HMA_FAILURE : status;
}

/* What the item shares with others: a text or a whole number, under one of three names. */
static hma_status read_cluster(hma_item *item, const cJSON *object, const char *where) {
    static const char *const keys[] = {CLUSTER_KEYS};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const cJSON *value = hma_json_get(object, keys[i]);
        char number[32];
        if (!value || cJSON_IsNull(value)) {
            continue;
        }
        if (item->cluster) {
            return hma_error(HMA_BAD_DATA,
                             "%s: \"%s\" is a second name for a cluster (expected one of \"cluster\", \"passage\" and "
                             "\"group\"): remove one",
                             where, keys[i]);
        }
        const bool is_number = cJSON_IsNumber(value) && value->valuedouble == floor(value->valuedouble) &&
                               fabs(value->valuedouble) <= 9007199254740992.0;
        if (!is_number && !(cJSON_IsString(value) && *value->valuestring)) {
            return hma_error(HMA_BAD_DATA,
                             "%s: \"%s\" is not usable (expected a non-empty string or a whole number): correct it", where,
                             keys[i]);
        }
        (void)snprintf(number, sizeof number, "%.0f", value->valuedouble);
        const hma_status status = name_cluster(&item->cluster, is_number ? number : value->valuestring);
        if (status != HMA_OK) {
            return status;
        }
    }
    return HMA_OK;
}

static hma_status read_shown_and_texts(hma_item *item, const char *where, hma_item_kind kind) {
    const cJSON *object = item->document;
    if (kind == HMA_ITEM_CHOICES && hma_json_get(object, "queries")) {
        return read_queries(item, object, where);
    }
    if (kind == HMA_ITEM_CHOICES && hma_json_get(object, "target")) {
        return hma_error(HMA_BAD_DATA, "%s: \"target\" is given without \"queries\" (expected both): remove it", where);
    }
    hma_status status = HMA_OK;
    if (kind != HMA_ITEM_TEXT) {
        status = hma_json_get_text(object, where, kind == HMA_ITEM_PROMPT ? "prompt" : "query", true, &item->query);
    }
    return status == HMA_OK ? read_texts(item, object, where, kind) : status;
}

static hma_status read_item(hma_item *item, const char *where, hma_item_kind kind, size_t number) {
    hma_status status = hma_json_known_keys(item->document, where, keys_of(kind));
    if (status == HMA_OK) {
        status = read_id(item, item->document, where, number);
    }
    if (status == HMA_OK) {
        status = read_cluster(item, item->document, where);
    }
    if (status == HMA_OK) {
        status = read_shown_and_texts(item, where, kind);
    }
    if (status == HMA_OK && kind == HMA_ITEM_CHOICES) {
        status = read_gold(item, item->document, where);
    }
    if (status == HMA_OK && kind == HMA_ITEM_TARGET) {
        status = hma_json_get_size(item->document, where, "gold", false, 0, item->text_count - 1, &item->gold);
    }
    return status;
}

/* ---- a file ---- */

/* Takes over what `item` owns. */
static hma_status keep(hma_items *items, hma_item *item, size_t limit) {
    if (items->count >= limit) {
        free_item(item);
        return HMA_OK;
    }
    if (hma_grow(&items->item, &items->capacity, items->count + 1, sizeof *items->item)) {
        free_item(item);
        return HMA_FAILURE;
    }
    items->item[items->count++] = *item;
    return HMA_OK;
}

hma_status hma_items_add(hma_item_reader *reader, cJSON *document, cJSON *published, const char *where, size_t limit) {
    hma_item item = {.document = document, .published = published};
    hma_status status = read_item(&item, where, reader->kind, reader->read);
    if (status == HMA_OK) {
        status = hma_note_id(&reader->ids, item.id, where);
    }
    if (status != HMA_OK) {
        free_item(&item);
        return status;
    }
    reader->read++;
    return keep(reader->items, &item, limit);
}

static hma_status read_all(hma_items *items, hma_lines *lines, hma_item_kind kind, size_t limit) {
    hma_item_reader reader = {.items = items, .kind = kind};
    hma_status status = HMA_OK;
    while (status == HMA_OK) {
        cJSON *object;
        status = hma_lines_next(lines, &object);
        if (status != HMA_OK || !object) {
            break;
        }
        status = hma_items_add(&reader, object, NULL, lines->where, limit);
    }
    if (status == HMA_OK && items->count == 0) {
        status = hma_error(HMA_BAD_DATA,
                           "%s: there is no item in the file (expected one JSON object a line): is this the right "
                           "file?",
                           lines->path);
    }
    hma_text_set_free(&reader.ids);
    return status;
}

hma_status hma_items_load(hma_items *out, const char *path, hma_item_kind kind, size_t limit, char digest[65]) {
    hma_lines lines;
    hma_items items = {0};
    hma_status status = hma_lines_open(&lines, NULL, path);
    if (status != HMA_OK) {
        return status;
    }
    status = read_all(&items, &lines, kind, limit);
    if (status == HMA_OK) {
        status = hma_lines_digest(&lines, digest);
    }
    hma_lines_close(&lines);
    if (status != HMA_OK) {
        hma_items_free(&items);
        return status;
    }
    *out = items;
    return HMA_OK;
}
