/* What texts can do: the work behind filters and methods. */
#include <ctype.h>
#include <string.h>

#include "base/error_set.h"
#include "base/utf8.h"
#include "eval/tokenizer/jinja/rendering.h"

/* Does the character belong to the set (NULL: white space)? */
static bool belongs(const char *c, size_t n, const hma_value *set) {
    uint32_t code_point = 0;
    if (!set) {
        return hma_utf8_decode(c, n, &code_point) == n && hma_utf8_is_python_space(code_point);
    }
    return memmem(set->text, set->length, c, n) != NULL;
}

hma_value hma_text_strip(const hma_value *text, const hma_value *set, bool left, bool right) {
    const char *begin = text->text, *end = begin + text->length;
    while (left && begin < end) {
        const size_t n = hma_utf8_length(begin, (size_t)(end - begin));
        if (n == 0 || !belongs(begin, n, set)) {
            break;
        }
        begin += n;
    }
    while (right && begin < end) {
        const char *last = end - 1;
        while (last > begin && ((unsigned char)*last & 0xC0) == 0x80) {
            last--;
        }
        if (!belongs(last, (size_t)(end - last), set)) {
            break;
        }
        end = last;
    }
    return hma_value_text(begin, (size_t)(end - begin));
}

hma_status hma_text_case(hma_rendering *r, const hma_value *text, hma_letter_case letters, hma_value *out) {
    char *copy = hma_arena_copy(&r->arena, text->text, text->length);
    bool in_word = false;
    if (!copy) {
        return hma_error_status();
    }
    for (size_t i = 0; i < text->length; i++) {
        const unsigned char c = (unsigned char)copy[i];
        if (c >= 0x80) {
            return hma_error(HMA_BAD_DATA, "changing the case of letters outside ASCII is not supported");
        }
        const bool upper =
            letters == HMA_UPPER_CASE || (letters == HMA_TITLE_CASE && !in_word) || (letters == HMA_CAPITALIZED && i == 0);
        copy[i] = (char)(upper ? toupper(c) : tolower(c));
        in_word = isalpha(c);
    }
    *out = hma_value_text(copy, text->length);
    return HMA_OK;
}

hma_status hma_text_replace(hma_rendering *r, const hma_value *text, const hma_value *from, const hma_value *to,
                            hma_value *out) {
    hma_buffer made = {0};
    size_t done = 0;
    if (from->length == 0) {
        return hma_error(HMA_BAD_DATA, "replacing nothing is not supported");
    }
    hma_status status = HMA_OK;
    for (const char *hit;
         status == HMA_OK && (hit = memmem(text->text + done, text->length - done, from->text, from->length)) != NULL;) {
        hma_buffer_add(&made, text->text + done, (size_t)(hit - text->text) - done);
        hma_buffer_add(&made, to->text, to->length);
        done = (size_t)(hit - text->text) + from->length;
        status = hma_rendering_fits(made.length);
    }
    if (status != HMA_OK) {
        hma_buffer_free(&made);
        return status;
    }
    hma_buffer_add(&made, text->text + done, text->length - done);
    return hma_rendering_text(r, &made, out);
}

/* text.split(separator), or text.split(separator, at most so many times) */
static hma_status split(hma_rendering *r, const hma_value *text, const hma_value *separator, const hma_value *most,
                        hma_value *out) {
    const size_t limit = most && most->number >= 0 ? (size_t)most->number + 1 : SIZE_MAX;
    size_t count = 1, done = 0, i = 0;
    const char *hit;
    if (!separator || separator->kind != HMA_VALUE_TEXT || separator->length == 0) {
        return hma_error(HMA_BAD_DATA, "split() without a separator is not supported");
    }
    for (size_t at = 0;
         count < limit && (hit = memmem(text->text + at, text->length - at, separator->text, separator->length)) != NULL;
         count++) {
        at = (size_t)(hit - text->text) + separator->length;
    }
    hma_status status = hma_value_list_new(&r->arena, count, out);
    for (; status == HMA_OK && i < count; i++) {
        hit = i + 1 < count ? memmem(text->text + done, text->length - done, separator->text, separator->length) : NULL;
        const size_t end = hit ? (size_t)(hit - text->text) : text->length;
        const char *part = hma_arena_copy(&r->arena, text->text + done, end - done);
        if (!part) {
            return hma_error_status();
        }
        out->list->items[i] = hma_value_text(part, end - done);
        done = end + separator->length;
    }
    return status;
}

static bool has_end(const hma_value *text, const hma_value *end, bool at_start) {
    return text->length >= end->length &&
           memcmp(text->text + (at_start ? 0 : text->length - end->length), end->text, end->length) == 0;
}

static const struct {
    const char *name;
    hma_letter_case letters;
} case_methods[] = {
    {"lower", HMA_LOWER_CASE}, {"upper", HMA_UPPER_CASE}, {"title", HMA_TITLE_CASE}, {"capitalize", HMA_CAPITALIZED}};

static hma_status text_method(hma_rendering *r, const hma_value *text, const char *name, const hma_arguments *arguments,
                              hma_value *out) {
    const hma_value *first = hma_argument(arguments, 0, NULL), *second = hma_argument(arguments, 1, NULL);
    for (size_t i = 0; i < arguments->count; i++) {
        const hma_value_kind wanted = i == 1 && strcmp(name, "split") == 0 ? HMA_VALUE_NUMBER : HMA_VALUE_TEXT;
        if (arguments->names[i] || arguments->items[i].kind != wanted || i > 1) {
            return hma_error(HMA_BAD_DATA, "%s() with such arguments is not supported", name);
        }
    }
    for (size_t i = 0; i < sizeof case_methods / sizeof *case_methods; i++) {
        if (strcmp(name, case_methods[i].name) == 0) {
            return hma_text_case(r, text, case_methods[i].letters, out);
        }
    }
    if (strstr(name, "strip")) {
        const hma_value stripped = hma_text_strip(text, first, name[0] != 'r', name[0] != 'l');
        const char *copy = hma_arena_copy(&r->arena, stripped.text, stripped.length);
        *out = hma_value_text(copy, stripped.length);
        return copy ? HMA_OK : hma_error_status();
    }
    if (strcmp(name, "split") == 0) {
        return split(r, text, first, second, out);
    }
    if (strcmp(name, "replace") == 0 && second) {
        return hma_text_replace(r, text, first, second, out);
    }
    if (first && (strcmp(name, "startswith") == 0 || strcmp(name, "endswith") == 0)) {
        *out = hma_value_bool(has_end(text, first, name[0] == 's'));
        return HMA_OK;
    }
    return hma_error(HMA_BAD_DATA, "%s() with such arguments is not supported", name);
}

/* dict.items(): a list of pairs. */
static hma_status items(hma_rendering *r, const hma_value *dict, hma_value *out) {
    hma_value keys;
    hma_status status = hma_value_as_list(&r->arena, dict, &keys);
    if (status == HMA_OK) {
        status = hma_value_list_new(&r->arena, keys.list->count, out);
    }
    for (size_t i = 0; status == HMA_OK && i < keys.list->count; i++) {
        hma_value pair;
        if ((status = hma_value_list_new(&r->arena, 2, &pair)) == HMA_OK) {
            pair.list->items[0] = keys.list->items[i];
            pair.list->items[1] = *hma_value_dict_get(dict, keys.list->items[i].text);
            out->list->items[i] = pair;
        }
    }
    return status;
}

static hma_status dict_method(hma_rendering *r, const hma_value *dict, const char *name, const hma_arguments *arguments,
                              hma_value *out) {
    const hma_value *key = hma_argument(arguments, 0, NULL), *otherwise = hma_argument(arguments, 1, NULL);
    if (strcmp(name, "items") == 0) {
        return items(r, dict, out);
    }
    if (!key || key->kind != HMA_VALUE_TEXT) {
        return hma_error(HMA_BAD_DATA, "get() with such arguments is not supported");
    }
    const hma_value *found = hma_value_dict_get(dict, key->text);
    *out = found ? *found : otherwise ? *otherwise : (hma_value){.kind = HMA_VALUE_NONE};
    return HMA_OK;
}

bool hma_jinja_has_method(hma_value_kind kind, const char *name) {
    static const char *const of_texts[] = {"lower",  "upper", "title",   "capitalize", "strip",    "lstrip",
                                           "rstrip", "split", "replace", "startswith", "endswith", NULL};
    static const char *const of_dicts[] = {"get", "items", NULL};
    static const char *const none[] = {NULL};
    const char *const *names = kind == HMA_VALUE_TEXT ? of_texts : kind == HMA_VALUE_DICT ? of_dicts : none;
    while (*names && strcmp(*names, name) != 0) {
        names++;
    }
    return *names != NULL;
}

hma_status hma_jinja_method(hma_rendering *r, const hma_value *object, const char *name, const hma_arguments *arguments,
                            hma_value *out) {
    return object->kind == HMA_VALUE_TEXT ? text_method(r, object, name, arguments, out)
                                          : dict_method(r, object, name, arguments, out);
}
