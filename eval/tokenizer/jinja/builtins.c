/* Filters, tests and functions. A name that is not here is refused where it is used. */
#include <string.h>

#include "base/error_set.h"
#include "base/utf8.h"
#include "eval/tokenizer/jinja/rendering.h"

static hma_status unsupported(const char *what, const char *name) {
    return hma_error(HMA_BAD_DATA, "the %s \"%s\" is not supported with what it is given", what, name);
}

/* ---- filters ---- */

typedef hma_status (*filter_fn)(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out);

/* A value as text, as most text filters begin. */
static hma_status as_text(hma_rendering *r, const hma_value *value, hma_value *out) {
    if (value->kind == HMA_VALUE_TEXT) {
        *out = *value;
        return HMA_OK;
    }
    hma_buffer text = {0};
    const hma_status status = hma_value_write(value, &text);
    if (status != HMA_OK) {
        hma_buffer_free(&text);
        return status;
    }
    return hma_rendering_text(r, &text, out);
}

static hma_status filter_trim(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out) {
    hma_value text;
    const hma_value *set = hma_argument(arguments, 0, "chars");
    const hma_status status = as_text(r, value, &text);
    if (status != HMA_OK || (set && set->kind != HMA_VALUE_TEXT && set->kind != HMA_VALUE_NONE)) {
        return status != HMA_OK ? status : unsupported("filter", "trim");
    }
    const hma_value stripped = hma_text_strip(&text, set && set->kind == HMA_VALUE_TEXT ? set : NULL, true, true);
    const char *copy = hma_arena_copy(&r->arena, stripped.text, stripped.length);
    *out = hma_value_text(copy, stripped.length);
    return copy ? HMA_OK : hma_error_status();
}

static hma_status filter_length(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out) {
    hma_value list;
    (void)arguments;
    if (value->kind == HMA_VALUE_TEXT) {
        *out = hma_value_number((long long)hma_utf8_count(value->text, value->length));
        return HMA_OK;
    }
    const hma_status status = hma_value_as_list(&r->arena, value, &list);
    if (status == HMA_OK) {
        *out = hma_value_number((long long)list.list->count);
    }
    return status;
}

static hma_status filter_list(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out) {
    (void)arguments;
    return hma_value_as_list(&r->arena, value, out);
}

static hma_status filter_string(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out) {
    (void)arguments;
    return as_text(r, value, out);
}

static hma_status in_case(hma_rendering *r, const hma_value *value, hma_letter_case letters, hma_value *out) {
    hma_value text;
    const hma_status status = as_text(r, value, &text);
    return status == HMA_OK ? hma_text_case(r, &text, letters, out) : status;
}

static hma_status filter_lower(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out) {
    (void)arguments;
    return in_case(r, value, HMA_LOWER_CASE, out);
}

static hma_status filter_upper(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out) {
    (void)arguments;
    return in_case(r, value, HMA_UPPER_CASE, out);
}

static hma_status filter_capitalize(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out) {
    (void)arguments;
    return in_case(r, value, HMA_CAPITALIZED, out);
}

static hma_status first_or_last(hma_rendering *r, const hma_value *value, bool last, hma_value *out) {
    hma_value list;
    const hma_status status = hma_value_as_list(&r->arena, value, &list);
    if (status == HMA_OK) {
        const size_t count = list.list->count;
        *out = count ? list.list->items[last ? count - 1 : 0] : hma_value_undefined("an item");
    }
    return status;
}

static hma_status filter_first(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out) {
    (void)arguments;
    return first_or_last(r, value, false, out);
}

static hma_status filter_last(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out) {
    (void)arguments;
    return first_or_last(r, value, true, out);
}

static hma_status filter_default(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out) {
    const hma_value *otherwise = hma_argument(arguments, 0, "default_value"),
                    *also_false = hma_argument(arguments, 1, "boolean");
    (void)r;
    const bool missing =
        value->kind == HMA_VALUE_UNDEFINED || (also_false && hma_value_truth(also_false) && !hma_value_truth(value));
    *out = !missing ? *value : otherwise ? *otherwise : hma_value_text("", 0);
    return HMA_OK;
}

static hma_status filter_join(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out) {
    const hma_value *separator = hma_argument(arguments, 0, "d");
    hma_value list;
    hma_buffer text = {0};
    hma_status status =
        hma_argument(arguments, 1, "attribute") ? unsupported("filter", "join") : hma_value_as_list(&r->arena, value, &list);
    for (size_t i = 0; status == HMA_OK && i < list.list->count; i++) {
        if (i > 0 && separator) {
            status = hma_value_write(separator, &text);
        }
        if (status == HMA_OK && (status = hma_value_write(&list.list->items[i], &text)) == HMA_OK) {
            status = hma_rendering_fits(text.length);
        }
    }
    if (status == HMA_OK) {
        return hma_rendering_text(r, &text, out);
    }
    hma_buffer_free(&text);
    return status;
}

static hma_status filter_replace(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out) {
    const hma_value *from = hma_argument(arguments, 0, "old"), *to = hma_argument(arguments, 1, "new");
    hma_value text;
    if (!from || !to || from->kind != HMA_VALUE_TEXT || to->kind != HMA_VALUE_TEXT || arguments->count > 2) {
        return unsupported("filter", "replace");
    }
    const hma_status status = as_text(r, value, &text);
    return status == HMA_OK ? hma_text_replace(r, &text, from, to, out) : status;
}

/* The member of an item by its name, undefined when there is none. */
static hma_value member_of(const hma_value *item, const hma_value *name) {
    const hma_value *found = item->kind == HMA_VALUE_DICT ? hma_value_dict_get(item, name->text) : NULL;
    return found ? *found : hma_value_undefined(name->text);
}

/* selectattr and rejectattr: the items whose member passes a test, or is true when no test is named. */
static hma_status select_by(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, bool wanted,
                            hma_value *out) {
    const hma_value *name = hma_argument(arguments, 0, NULL), *test = hma_argument(arguments, 1, NULL);
    hma_value list;
    size_t kept = 0;
    if (!name || name->kind != HMA_VALUE_TEXT || strchr(name->text, '.') || (test && test->kind != HMA_VALUE_TEXT)) {
        return unsupported("filter", "selectattr");
    }
    hma_arguments rest = {
        .items = arguments->items + 2, .names = arguments->names + 2, .count = arguments->count > 2 ? arguments->count - 2 : 0};
    hma_status status = hma_value_as_list(&r->arena, value, &list);
    if (status == HMA_OK) {
        status = hma_value_list_new(&r->arena, list.list->count, out);
    }
    for (size_t i = 0; status == HMA_OK && i < list.list->count; i++) {
        const hma_value member = member_of(&list.list->items[i], name);
        bool truth = hma_value_truth(&member);
        if (test) {
            status = hma_jinja_test(r, test->text, &member, &rest, &truth);
        }
        if (truth == wanted) {
            out->list->items[kept++] = list.list->items[i];
        }
    }
    if (status == HMA_OK) {
        out->list->count = kept;
    }
    return status;
}

static hma_status filter_selectattr(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out) {
    return select_by(r, value, arguments, true, out);
}

static hma_status filter_rejectattr(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out) {
    return select_by(r, value, arguments, false, out);
}

static hma_status filter_map(hma_rendering *r, const hma_value *value, const hma_arguments *arguments, hma_value *out) {
    const hma_value *name = hma_argument(arguments, SIZE_MAX, "attribute");
    hma_value list;
    if (!name || name->kind != HMA_VALUE_TEXT || arguments->count != 1) {
        return unsupported("filter", "map");
    }
    hma_status status = hma_value_as_list(&r->arena, value, &list);
    if (status == HMA_OK) {
        status = hma_value_list_new(&r->arena, list.list->count, out);
    }
    for (size_t i = 0; status == HMA_OK && i < list.list->count; i++) {
        out->list->items[i] = member_of(&list.list->items[i], name);
    }
    return status;
}

hma_status hma_jinja_filter(hma_rendering *r, const char *name, const hma_value *value, const hma_arguments *arguments,
                            hma_value *out) {
    static const struct {
        const char *name;
        filter_fn run;
    } filters[] = {
        {"trim", filter_trim},
        {"length", filter_length},
        {"count", filter_length},
        {"list", filter_list},
        {"string", filter_string},
        {"lower", filter_lower},
        {"upper", filter_upper},
        {"capitalize", filter_capitalize},
        {"first", filter_first},
        {"last", filter_last},
        {"default", filter_default},
        {"d", filter_default},
        {"join", filter_join},
        {"replace", filter_replace},
        {"selectattr", filter_selectattr},
        {"rejectattr", filter_rejectattr},
        {"map", filter_map},
    };
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (strcmp(name, filters[i].name) == 0) {
            return filters[i].run(r, value, arguments, out);
        }
    }
    return unsupported("filter", name);
}

/* ---- tests ---- */

/* Tests that look at the kind alone; false for names that are none of them. */
static bool test_kind(const char *name, const hma_value *value, bool *truth) {
    static const struct {
        const char *name;
        unsigned kinds;
    } tests[] = {
        {"undefined", 1u << HMA_VALUE_UNDEFINED},
        {"none", 1u << HMA_VALUE_NONE},
        {"string", 1u << HMA_VALUE_TEXT},
        {"mapping", 1u << HMA_VALUE_DICT},
        {"boolean", 1u << HMA_VALUE_BOOL},
        {"integer", 1u << HMA_VALUE_NUMBER},
        {"number", 1u << HMA_VALUE_NUMBER | 1u << HMA_VALUE_BOOL},
        {"sequence", 1u << HMA_VALUE_UNDEFINED | 1u << HMA_VALUE_TEXT | 1u << HMA_VALUE_LIST | 1u << HMA_VALUE_DICT},
        {"iterable", 1u << HMA_VALUE_UNDEFINED | 1u << HMA_VALUE_TEXT | 1u << HMA_VALUE_LIST | 1u << HMA_VALUE_DICT},
        {"callable", 1u << HMA_VALUE_UNDEFINED | 1u << HMA_VALUE_FUNCTION | 1u << HMA_VALUE_METHOD | 1u << HMA_VALUE_MACRO},
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        if (strcmp(name, tests[i].name) == 0) {
            *truth = tests[i].kinds >> value->kind & 1;
            return true;
        }
    }
    return false;
}

hma_status hma_jinja_test(hma_rendering *r, const char *name, const hma_value *value, const hma_arguments *arguments,
                          bool *truth) {
    const hma_value *other = hma_argument(arguments, 0, NULL);
    if (strcmp(name, "defined") == 0) {
        *truth = value->kind != HMA_VALUE_UNDEFINED;
    } else if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0) {
        *truth = value->kind == HMA_VALUE_BOOL && value->number == (name[0] == 't');
    } else if (other && (strcmp(name, "equalto") == 0 || strcmp(name, "eq") == 0 || strcmp(name, "==") == 0)) {
        *truth = hma_value_equal(value, other, &r->steps);
    } else if (other && strcmp(name, "ne") == 0) {
        *truth = !hma_value_equal(value, other, &r->steps);
    } else if (other && strcmp(name, "in") == 0) {
        return hma_value_contains(other, value, &r->steps, truth);
    } else if (value->kind == HMA_VALUE_NUMBER && (strcmp(name, "odd") == 0 || strcmp(name, "even") == 0)) {
        *truth = (value->number % 2 != 0) == (name[0] == 'o');
    } else if (!test_kind(name, value, truth)) {
        return unsupported("test", name);
    }
    return HMA_OK;
}

/* ---- functions ---- */

static hma_status function_raise(const hma_arguments *arguments) {
    const hma_value *what = hma_argument(arguments, 0, "message");
    return hma_error(HMA_BAD_DATA, "the chat template refuses these messages: %.*s",
                     what && what->kind == HMA_VALUE_TEXT ? (int)(what->length < 300 ? what->length : 300) : 0,
                     what && what->kind == HMA_VALUE_TEXT ? what->text : "");
}

static hma_status function_namespace(hma_rendering *r, const hma_arguments *arguments, hma_value *out) {
    hma_status status = hma_value_dict_new(&r->arena, out);
    for (size_t i = 0; status == HMA_OK && i < arguments->count; i++) {
        if (!arguments->names[i]) {
            return unsupported("function", "namespace");
        }
        status = hma_value_dict_set(&r->arena, out, arguments->names[i], arguments->items[i]);
    }
    out->kind = HMA_VALUE_NAMESPACE;
    return status;
}

static hma_status function_range(hma_rendering *r, const hma_arguments *arguments, hma_value *out) {
    enum { MOST = 1000000 };
    long long bounds[3] = {0, 0, 1}; /* start, end, step */
    for (size_t i = 0; i < arguments->count; i++) {
        const hma_value *bound = &arguments->items[i];
        const bool usable = !arguments->names[i] && bound->kind == HMA_VALUE_NUMBER && i < 3;
        if (!usable || bound->number > MOST || bound->number < -MOST) {
            return unsupported("function", "range");
        }
        bounds[i] = bound->number;
    }
    if (arguments->count == 0 || bounds[2] == 0) {
        return unsupported("function", "range");
    }
    const long long start = arguments->count > 1 ? bounds[0] : 0, end = arguments->count > 1 ? bounds[1] : bounds[0];
    const long long step = bounds[2], length = step > 0 ? end - start : start - end, width = step > 0 ? step : -step;
    const size_t count = length > 0 ? (size_t)((length + width - 1) / width) : 0;
    const hma_status status = hma_value_list_new(&r->arena, count, out);
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        out->list->items[i] = hma_value_number(start + (long long)i * step);
    }
    return status;
}

bool hma_jinja_has_function(const char *name) {
    return strcmp(name, "raise_exception") == 0 || strcmp(name, "namespace") == 0 || strcmp(name, "range") == 0;
}

hma_status hma_jinja_function(hma_rendering *r, const char *name, const hma_arguments *arguments, hma_value *out) {
    if (strcmp(name, "namespace") == 0) {
        return function_namespace(r, arguments, out);
    }
    return strcmp(name, "range") == 0 ? function_range(r, arguments, out) : function_raise(arguments);
}
