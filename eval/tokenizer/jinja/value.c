#include "eval/tokenizer/jinja/value.h"

#include <string.h>

#include "base/error_set.h"
#include "base/utf8.h"

const char *hma_value_kind_name(hma_value_kind kind) {
    static const char *const names[] = {"an undefined value", "none",        "a truth value", "a number", "text",   "a list",
                                        "a dictionary",       "a namespace", "a function",    "a method", "a macro"};
    return names[kind];
}

bool hma_value_truth(const hma_value *value) {
    switch (value->kind) {
    case HMA_VALUE_UNDEFINED:
    case HMA_VALUE_NONE: return false;
    case HMA_VALUE_BOOL:
    case HMA_VALUE_NUMBER: return value->number != 0;
    case HMA_VALUE_TEXT: return value->length > 0;
    case HMA_VALUE_LIST: return value->list->count > 0;
    case HMA_VALUE_DICT: return value->dict->first != NULL;
    default: return true;
    }
}

static bool is_number(const hma_value *value) { return value->kind == HMA_VALUE_NUMBER || value->kind == HMA_VALUE_BOOL; }

static bool equal(const hma_value *a, const hma_value *b, size_t depth, size_t *steps);

static bool lists_equal(const hma_value_list *a, const hma_value_list *b, size_t depth, size_t *steps) {
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = equal(&a->items[i], &b->items[i], depth, steps);
    }
    return same;
}

static bool dicts_equal(const hma_value *a, const hma_value *b, size_t depth, size_t *steps) {
    size_t members = 0;
    for (const hma_value_member *m = a->dict->first; m; m = m->next, members++) {
        const hma_value *other = hma_value_dict_get(b, m->name);
        if (!other || !equal(&m->value, other, depth, steps)) {
            return false;
        }
    }
    for (const hma_value_member *m = b->dict->first; m; m = m->next) {
        members--;
    }
    return members == 0;
}

/* Lists can hold lists, and the same one many times: both the depth and the work are bounded. */
static bool equal(const hma_value *a, const hma_value *b, size_t depth, size_t *steps) {
    enum { DEEPEST = 200 };
    *steps += depth > DEEPEST ? HMA_JINJA_MOST_STEPS : 1;
    if (*steps > HMA_JINJA_MOST_STEPS) {
        return false;
    }
    if (is_number(a) && is_number(b)) {
        return a->number == b->number;
    }
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case HMA_VALUE_TEXT:
        *steps += a->length / HMA_JINJA_BYTES_PER_STEP;
        return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
    case HMA_VALUE_LIST: return lists_equal(a->list, b->list, depth + 1, steps);
    case HMA_VALUE_DICT: return dicts_equal(a, b, depth + 1, steps);
    case HMA_VALUE_NAMESPACE: return a->dict == b->dict;
    default: return true; /* undefined and none */
    }
}

bool hma_value_equal(const hma_value *a, const hma_value *b, size_t *steps) { return equal(a, b, 0, steps); }

hma_status hma_value_contains(const hma_value *container, const hma_value *item, size_t *steps, bool *contained) {
    *contained = false;
    switch (container->kind) {
    case HMA_VALUE_UNDEFINED: return HMA_OK;
    case HMA_VALUE_LIST:
        for (size_t i = 0; i < container->list->count && !*contained; i++) {
            *contained = hma_value_equal(&container->list->items[i], item, steps);
        }
        return HMA_OK;
    case HMA_VALUE_DICT: *contained = item->kind == HMA_VALUE_TEXT && hma_value_dict_get(container, item->text); return HMA_OK;
    case HMA_VALUE_TEXT:
        if (item->kind == HMA_VALUE_TEXT) {
            *contained = item->length == 0 || memmem(container->text, container->length, item->text, item->length);
            return HMA_OK;
        }
        break;
    default: break;
    }
    return hma_error(HMA_BAD_DATA, "%s cannot be looked for in %s", hma_value_kind_name(item->kind),
                     hma_value_kind_name(container->kind));
}

hma_status hma_value_write(const hma_value *value, hma_buffer *out) {
    switch (value->kind) {
    case HMA_VALUE_UNDEFINED: break;
    case HMA_VALUE_NONE: hma_buffer_text(out, "None"); break;
    case HMA_VALUE_BOOL: hma_buffer_text(out, value->number ? "True" : "False"); break;
    case HMA_VALUE_NUMBER: hma_buffer_printf(out, "%lld", value->number); break;
    case HMA_VALUE_TEXT: hma_buffer_add(out, value->text, value->length); break;
    default: return hma_error(HMA_BAD_DATA, "writing %s is not supported", hma_value_kind_name(value->kind));
    }
    return hma_buffer_ok(out);
}

hma_status hma_value_list_new(hma_arena *arena, size_t count, hma_value *out) {
    hma_value_list *list = hma_arena_get(arena, sizeof *list);
    hma_value *items = list ? hma_arena_get(arena, (count ? count : 1) * sizeof *items) : NULL;
    if (!items) {
        return hma_error_status();
    }
    *list = (hma_value_list){items, count};
    *out = (hma_value){.kind = HMA_VALUE_LIST, .list = list};
    return HMA_OK;
}

static hma_status characters(hma_arena *arena, const hma_value *text, hma_value *out) {
    const size_t count = hma_utf8_count(text->text, text->length);
    const hma_status status = hma_value_list_new(arena, count, out);
    size_t at = 0;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        const size_t n = hma_utf8_length(text->text + at, text->length - at);
        char *copy = hma_arena_copy(arena, text->text + at, n);
        if (!copy) {
            return hma_error_status();
        }
        out->list->items[i] = hma_value_text(copy, n);
        at += n;
    }
    return status;
}

static hma_status keys(hma_arena *arena, const hma_value *dict, hma_value *out) {
    size_t count = 0;
    for (const hma_value_member *m = dict->dict->first; m; m = m->next) {
        count++;
    }
    const hma_status status = hma_value_list_new(arena, count, out);
    count = 0;
    for (const hma_value_member *m = dict->dict->first; status == HMA_OK && m; m = m->next) {
        out->list->items[count++] = hma_value_text(m->name, strlen(m->name));
    }
    return status;
}

hma_status hma_value_as_list(hma_arena *arena, const hma_value *value, hma_value *out) {
    switch (value->kind) {
    case HMA_VALUE_UNDEFINED: return hma_value_list_new(arena, 0, out);
    case HMA_VALUE_LIST: *out = *value; return HMA_OK;
    case HMA_VALUE_DICT: return keys(arena, value, out);
    case HMA_VALUE_TEXT: return characters(arena, value, out);
    default: return hma_error(HMA_BAD_DATA, "%s is not a list", hma_value_kind_name(value->kind));
    }
}

hma_status hma_value_dict_new(hma_arena *arena, hma_value *out) {
    hma_value_dict *dict = hma_arena_get(arena, sizeof *dict);
    *out = (hma_value){.kind = HMA_VALUE_DICT, .dict = dict};
    return dict ? HMA_OK : hma_error_status();
}

hma_status hma_value_dict_set(hma_arena *arena, hma_value *dict, const char *name, hma_value value) {
    hma_value_member **end = &dict->dict->first;
    size_t members = 0;
    for (; *end && strcmp((*end)->name, name) != 0; members++) {
        end = &(*end)->next;
    }
    if (members >= HMA_JINJA_MOST_MEMBERS) {
        return hma_error(HMA_BAD_DATA, "more than %d names in one place", HMA_JINJA_MOST_MEMBERS);
    }
    if (!*end) {
        *end = hma_arena_get(arena, sizeof **end);
        if (!*end) {
            return hma_error_status();
        }
        (*end)->name = name;
    }
    (*end)->value = value;
    return HMA_OK;
}

const hma_value *hma_value_dict_get(const hma_value *dict, const char *name) {
    const hma_value_member *m = dict->dict->first;
    while (m && strcmp(m->name, name) != 0) {
        m = m->next;
    }
    return m ? &m->value : NULL;
}
