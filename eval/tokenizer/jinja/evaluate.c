/* Expressions. */
#include <string.h>

#include "base/error_set.h"
#include "base/utf8.h"
#include "eval/tokenizer/jinja/rendering.h"

enum { DEEPEST_EVALUATION = 1000 };

const hma_value *hma_argument(const hma_arguments *arguments, size_t n, const char *name) {
    size_t position = 0;
    for (size_t i = 0; i < arguments->count; i++) {
        if (arguments->names[i] ? name && strcmp(arguments->names[i], name) == 0 : position++ == n) {
            return &arguments->items[i];
        }
    }
    return NULL;
}

hma_status hma_rendering_at(const hma_jinja_node *node, hma_status status) {
    return status == HMA_BAD_DATA && !strstr(hma_error_message(), "chat template")
               ? hma_error_prefix("chat template: line %zu: ", node->line)
               : status;
}

hma_status hma_rendering_step(hma_rendering *r, const hma_jinja_node *node) {
    if (++r->steps <= HMA_JINJA_MOST_STEPS) {
        return HMA_OK;
    }
    return hma_error(HMA_BAD_DATA,
                     "chat template: line %zu: it takes more than %d steps (expected a template that ends): use another one",
                     node->line, HMA_JINJA_MOST_STEPS);
}

hma_status hma_rendering_fits(size_t bytes) {
    return bytes <= HMA_JINJA_LARGEST_TEXT ? HMA_OK
                                           : hma_error(HMA_BAD_DATA, "a text of more than %d bytes", HMA_JINJA_LARGEST_TEXT);
}

hma_status hma_rendering_text(hma_rendering *r, hma_buffer *buffer, hma_value *out) {
    hma_status status = hma_buffer_ok(buffer);
    if (status == HMA_OK) {
        status = hma_rendering_fits(buffer->length);
    }
    const char *copy = status == HMA_OK ? hma_arena_copy(&r->arena, hma_buffer_cstr(buffer), buffer->length) : NULL;
    if (copy) {
        *out = hma_value_text(copy, buffer->length);
    } else if (status == HMA_OK) {
        status = hma_error_status();
    }
    hma_buffer_free(buffer);
    return status;
}

static hma_status undefined(const hma_value *value) {
    return hma_error(HMA_BAD_DATA, "\"%s\" is undefined", value->text ? value->text : "a value");
}

static hma_status evaluate_arguments(hma_rendering *r, const hma_jinja_node *list, hma_arguments *out) {
    size_t count = 0;
    for (const hma_jinja_node *a = list; a; a = a->next) {
        count++;
    }
    *out = (hma_arguments){.items = hma_arena_get(&r->arena, (count + 1) * sizeof *out->items),
                           .names = hma_arena_get(&r->arena, (count + 1) * sizeof *out->names)};
    hma_status status = out->items && out->names ? HMA_OK : hma_error_status();
    for (const hma_jinja_node *a = list; status == HMA_OK && a; a = a->next) {
        out->names[out->count] = a->text;
        status = hma_jinja_evaluate(r, a->left, &out->items[out->count++]);
    }
    return status;
}

/* ---- names, members, items ---- */

static void look_up(const hma_rendering *r, const char *name, hma_value *out) {
    for (const hma_jinja_scope *scope = r->scope; scope; scope = scope->outer) {
        const hma_value *found = hma_value_dict_get(&scope->names, name);
        if (found) {
            *out = *found;
            return;
        }
    }
    *out = hma_jinja_has_function(name) ? (hma_value){.kind = HMA_VALUE_FUNCTION, .text = name} : hma_value_undefined(name);
}

/* object.name: a method comes before a member of a dictionary. */
static hma_status member(hma_rendering *r, const hma_value *object, const char *name, bool methods, hma_value *out) {
    if (object->kind == HMA_VALUE_UNDEFINED) {
        return undefined(object);
    }
    const bool has_members = object->kind == HMA_VALUE_DICT || object->kind == HMA_VALUE_NAMESPACE;
    if (methods && hma_jinja_has_method(object->kind, name)) {
        hma_value *copy = hma_arena_get(&r->arena, sizeof *copy);
        if (!copy) {
            return hma_error_status();
        }
        *copy = *object;
        *out = (hma_value){.kind = HMA_VALUE_METHOD, .text = name, .object = copy};
        return HMA_OK;
    }
    const hma_value *found = has_members ? hma_value_dict_get(object, name) : NULL;
    *out = found ? *found : hma_value_undefined(name);
    return HMA_OK;
}

/* Byte offset of the nth character of valid UTF-8. */
static size_t character_offset(const hma_value *text, size_t n) {
    size_t at = 0;
    while (n-- > 0 && at < text->length) {
        at += hma_utf8_length(text->text + at, text->length - at);
    }
    return at;
}

static hma_status part_of_text(hma_rendering *r, const hma_value *text, size_t start, size_t end, hma_value *out) {
    const size_t from = character_offset(text, start), to = end > start ? character_offset(text, end) : from;
    const char *copy = hma_arena_copy(&r->arena, text->text + from, to - from);
    *out = hma_value_text(copy, to - from);
    return copy ? HMA_OK : hma_error_status();
}

static hma_status item(hma_rendering *r, const hma_value *object, const hma_value *index, hma_value *out) {
    if (index->kind == HMA_VALUE_TEXT) {
        return member(r, object, index->text, false, out);
    }
    if (object->kind == HMA_VALUE_UNDEFINED) {
        return undefined(object);
    }
    const bool is_text = object->kind == HMA_VALUE_TEXT;
    if ((!is_text && object->kind != HMA_VALUE_LIST) || (index->kind != HMA_VALUE_NUMBER && index->kind != HMA_VALUE_BOOL)) {
        *out = hma_value_undefined("an item");
        return HMA_OK;
    }
    const long long count = (long long)(is_text ? hma_utf8_count(object->text, object->length) : object->list->count);
    const long long at = index->number < 0 ? index->number + count : index->number;
    if (at < 0 || at >= count) {
        *out = hma_value_undefined("an item");
        return HMA_OK;
    }
    if (is_text) {
        return part_of_text(r, object, (size_t)at, (size_t)at + 1, out);
    }
    *out = object->list->items[at];
    return HMA_OK;
}

/* A bound of a slice as Python reads it; none and what is not given are the default. */
static hma_status bound(hma_rendering *r, const hma_jinja_node *node, long long count, long long otherwise, long long *out) {
    hma_value value = {.kind = HMA_VALUE_NONE};
    const hma_status status = node ? hma_jinja_evaluate(r, node, &value) : HMA_OK;
    *out = otherwise;
    if (status != HMA_OK || value.kind == HMA_VALUE_NONE) {
        return status;
    }
    if (value.kind != HMA_VALUE_NUMBER) {
        return hma_error(HMA_BAD_DATA, "%s is no bound of a slice", hma_value_kind_name(value.kind));
    }
    *out = value.number < 0 ? value.number + count : value.number;
    *out = *out < 0 ? 0 : *out > count ? count : *out;
    return HMA_OK;
}

static hma_status reverse(hma_rendering *r, const hma_value *list, hma_value *out) {
    const hma_status status = hma_value_list_new(&r->arena, list->list->count, out);
    for (size_t i = 0; status == HMA_OK && i < list->list->count; i++) {
        out->list->items[i] = list->list->items[list->list->count - 1 - i];
    }
    return status;
}

static hma_status slice(hma_rendering *r, const hma_jinja_node *node, const hma_value *object, hma_value *out) {
    long long start, end;
    if (object->kind == HMA_VALUE_UNDEFINED) {
        return undefined(object);
    }
    const bool is_text = object->kind == HMA_VALUE_TEXT;
    if (!is_text && object->kind != HMA_VALUE_LIST) {
        return hma_error(HMA_BAD_DATA, "%s cannot be sliced", hma_value_kind_name(object->kind));
    }
    if (node->number < 0) {
        if (node->right || node->third || is_text) {
            return hma_error(HMA_BAD_DATA, "of slices backwards only [::-1] of a list is supported");
        }
        return reverse(r, object, out);
    }
    const long long count = (long long)(is_text ? hma_utf8_count(object->text, object->length) : object->list->count);
    hma_status status = bound(r, node->right, count, 0, &start);
    if (status != HMA_OK || (status = bound(r, node->third, count, count, &end)) != HMA_OK) {
        return status;
    }
    if (is_text) {
        return part_of_text(r, object, (size_t)start, (size_t)end, out);
    }
    const size_t length = end > start ? (size_t)(end - start) : 0;
    status = hma_value_list_new(&r->arena, length, out);
    if (status == HMA_OK && length) {
        memcpy(out->list->items, object->list->items + start, length * sizeof *out->list->items);
    }
    return status;
}

/* ---- operators ---- */

static hma_status cannot(const char *operator, const hma_value * a, const hma_value *b) {
    if (a->kind == HMA_VALUE_UNDEFINED || b->kind == HMA_VALUE_UNDEFINED) {
        return undefined(a->kind == HMA_VALUE_UNDEFINED ? a : b);
    }
    return hma_error(HMA_BAD_DATA, "%s %s %s has no meaning", hma_value_kind_name(a->kind), operator,
                     hma_value_kind_name(b->kind));
}

static hma_status concatenate(hma_rendering *r, const hma_value *a, const hma_value *b, hma_value *out) {
    hma_buffer text = {0};
    hma_status status = hma_value_write(a, &text);
    if (status == HMA_OK && (status = hma_value_write(b, &text)) == HMA_OK) {
        return hma_rendering_text(r, &text, out);
    }
    hma_buffer_free(&text);
    return status;
}

static hma_status add(hma_rendering *r, const hma_value *a, const hma_value *b, hma_value *out) {
    if (a->kind == HMA_VALUE_TEXT && b->kind == HMA_VALUE_TEXT) {
        return concatenate(r, a, b, out);
    }
    if (a->kind == HMA_VALUE_LIST && b->kind == HMA_VALUE_LIST) {
        const hma_status status = hma_value_list_new(&r->arena, a->list->count + b->list->count, out);
        if (status == HMA_OK) {
            memcpy(out->list->items, a->list->items, a->list->count * sizeof *a->list->items);
            memcpy(out->list->items + a->list->count, b->list->items, b->list->count * sizeof *b->list->items);
        }
        return status;
    }
    return cannot("+", a, b);
}

/* Python's // and %: towards minus infinity. */
static long long floor_divide(long long a, long long b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

static hma_status arithmetic(const char *operator, long long a, long long b, hma_value *out) {
    const bool divides = operator[0] == '/' || operator[0] == '%';
    long long result = 0;
    bool overflow = false;
    if (divides && (b == 0 || (operator[0] == '/' && operator[1] == 0))) {
        return hma_error(HMA_BAD_DATA, b == 0 ? "a division by zero" : "a division with / is not supported");
    }
    switch (operator[0]) {
    case '+': overflow = __builtin_add_overflow(a, b, &result); break;
    case '-': overflow = __builtin_sub_overflow(a, b, &result); break;
    case '*': overflow = __builtin_mul_overflow(a, b, &result); break;
    case '/': result = b == -1 ? (overflow = __builtin_sub_overflow(0, a, &result), result) : floor_divide(a, b); break;
    default: result = b == -1 ? 0 : a - floor_divide(a, b) * b; break;
    }
    *out = hma_value_number(result);
    return overflow ? hma_error(HMA_BAD_DATA, "a number that is too large") : HMA_OK;
}

static int order_of_texts(const hma_value *a, const hma_value *b) {
    const size_t n = a->length < b->length ? a->length : b->length;
    const int order = memcmp(a->text, b->text, n);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

static hma_status compare(const char *operator, const hma_value * a, const hma_value *b, hma_value *out) {
    const bool numbers = (a->kind == HMA_VALUE_NUMBER || a->kind == HMA_VALUE_BOOL) &&
                         (b->kind == HMA_VALUE_NUMBER || b->kind == HMA_VALUE_BOOL);
    if (!numbers && (a->kind != HMA_VALUE_TEXT || b->kind != HMA_VALUE_TEXT)) {
        return cannot(operator, a, b);
    }
    const int order = numbers ? (a->number > b->number) - (a->number < b->number) : order_of_texts(a, b);
    const bool less = operator[0] == '<', or_equal = operator[1] == '=';
    *out = hma_value_bool(order == 0 ? or_equal : less == (order < 0));
    return HMA_OK;
}

static hma_status operate(hma_rendering *r, const char *operator, const hma_value * a, const hma_value *b, hma_value *out) {
    const bool numbers = (a->kind == HMA_VALUE_NUMBER || a->kind == HMA_VALUE_BOOL) &&
                         (b->kind == HMA_VALUE_NUMBER || b->kind == HMA_VALUE_BOOL);
    if (strcmp(operator, "==") == 0 || strcmp(operator, "!=") == 0) {
        *out = hma_value_bool(hma_value_equal(a, b, &r->steps) == (operator[0] == '='));
        return HMA_OK;
    }
    if (strcmp(operator, "in") == 0 || strcmp(operator, "not in") == 0) {
        bool contained;
        const hma_status status = hma_value_contains(b, a, &r->steps, &contained);
        *out = hma_value_bool(contained == (operator[0] == 'i'));
        return status;
    }
    if (operator[0] == '<' || operator[0] == '>') {
        return compare(operator, a, b, out);
    }
    if (operator[0] == '~') {
        return concatenate(r, a, b, out);
    }
    if (numbers) {
        return arithmetic(operator, a->number, b->number, out);
    }
    return operator[0] == '+' ? add(r, a, b, out) : cannot(operator, a, b);
}

static hma_status binary(hma_rendering *r, const hma_jinja_node *node, hma_value *out) {
    hma_value left, right;
    hma_status status = hma_jinja_evaluate(r, node->left, &left);
    const bool is_and = strcmp(node->text, "and") == 0;
    if (status == HMA_OK && (is_and || strcmp(node->text, "or") == 0)) {
        if (hma_value_truth(&left) == is_and) {
            return hma_jinja_evaluate(r, node->right, out);
        }
        *out = left;
        return HMA_OK;
    }
    if (status == HMA_OK && (status = hma_jinja_evaluate(r, node->right, &right)) == HMA_OK) {
        status = operate(r, node->text, &left, &right, out);
    }
    return status;
}

static hma_status unary(hma_rendering *r, const hma_jinja_node *node, hma_value *out) {
    hma_value value;
    const hma_status status = hma_jinja_evaluate(r, node->left, &value);
    if (status != HMA_OK) {
        return status;
    }
    if (node->text[0] == 'n') {
        *out = hma_value_bool(!hma_value_truth(&value));
        return HMA_OK;
    }
    if (value.kind != HMA_VALUE_NUMBER) {
        return hma_error(HMA_BAD_DATA, "%s has no sign", hma_value_kind_name(value.kind));
    }
    *out = hma_value_number(node->text[0] == '-' ? -value.number : value.number);
    return HMA_OK;
}

/* ---- the rest ---- */

static hma_status list(hma_rendering *r, const hma_jinja_node *node, hma_value *out) {
    size_t count = 0;
    for (const hma_jinja_node *n = node->first; n; n = n->next) {
        count++;
    }
    hma_status status = hma_value_list_new(&r->arena, count, out);
    hma_value *items = status == HMA_OK ? out->list->items : NULL;
    for (const hma_jinja_node *n = node->first; status == HMA_OK && n; n = n->next) {
        status = hma_jinja_evaluate(r, n, items++);
    }
    return status;
}

static hma_status dictionary(hma_rendering *r, const hma_jinja_node *node, hma_value *out) {
    hma_status status = hma_value_dict_new(&r->arena, out);
    for (const hma_jinja_node *n = node->first; status == HMA_OK && n; n = n->next->next) {
        hma_value key, value;
        if ((status = hma_jinja_evaluate(r, n, &key)) == HMA_OK &&
            (status = hma_jinja_evaluate(r, n->next, &value)) == HMA_OK) {
            status = key.kind == HMA_VALUE_TEXT
                         ? hma_value_dict_set(&r->arena, out, key.text, value)
                         : hma_error(HMA_BAD_DATA, "%s as a key is not supported", hma_value_kind_name(key.kind));
        }
    }
    return status;
}

static hma_status call(hma_rendering *r, const hma_jinja_node *node, hma_value *out) {
    hma_value callee;
    hma_arguments arguments;
    hma_status status = hma_jinja_evaluate(r, node->left, &callee);
    if (status != HMA_OK || (status = evaluate_arguments(r, node->first, &arguments)) != HMA_OK) {
        return status;
    }
    switch (callee.kind) {
    case HMA_VALUE_FUNCTION: return hma_jinja_function(r, callee.text, &arguments, out);
    case HMA_VALUE_METHOD: return hma_jinja_method(r, callee.object, callee.text, &arguments, out);
    case HMA_VALUE_MACRO: return hma_jinja_run_macro(r, callee.node, &arguments, out);
    case HMA_VALUE_UNDEFINED:
        if (node->left->kind == HMA_JINJA_VARIABLE && strcmp(node->left->text, "strftime_now") == 0) {
            return hma_error(HMA_BAD_DATA, "it writes today's date, so that no two days would give the same scores (expected a "
                                           "template that does without strftime_now): use another one");
        }
        return undefined(&callee);
    default: return hma_error(HMA_BAD_DATA, "%s cannot be called", hma_value_kind_name(callee.kind));
    }
}

static hma_status filter_or_test(hma_rendering *r, const hma_jinja_node *node, hma_value *out) {
    hma_value value;
    hma_arguments arguments;
    bool truth = false;
    hma_status status = hma_jinja_evaluate(r, node->left, &value);
    if (status != HMA_OK || (status = evaluate_arguments(r, node->first, &arguments)) != HMA_OK) {
        return status;
    }
    if (node->kind == HMA_JINJA_FILTER) {
        return hma_jinja_filter(r, node->text, &value, &arguments, out);
    }
    status = hma_jinja_test(r, node->text, &value, &arguments, &truth);
    *out = hma_value_bool(truth != (node->number != 0));
    return status;
}

static hma_status member_or_item(hma_rendering *r, const hma_jinja_node *node, hma_value *out) {
    hma_value object, index;
    hma_status status = hma_jinja_evaluate(r, node->left, &object);
    if (status != HMA_OK || node->kind == HMA_JINJA_ATTRIBUTE) {
        return status == HMA_OK ? member(r, &object, node->text, true, out) : status;
    }
    if (node->kind == HMA_JINJA_SLICE) {
        return slice(r, node, &object, out);
    }
    status = hma_jinja_evaluate(r, node->right, &index);
    return status == HMA_OK ? item(r, &object, &index, out) : status;
}

static hma_status conditional(hma_rendering *r, const hma_jinja_node *node, hma_value *out) {
    hma_value condition;
    const hma_status status = hma_jinja_evaluate(r, node->right, &condition);
    if (status != HMA_OK) {
        return status;
    }
    if (hma_value_truth(&condition)) {
        return hma_jinja_evaluate(r, node->left, out);
    }
    *out = hma_value_undefined("an expression without else");
    return node->third ? hma_jinja_evaluate(r, node->third, out) : HMA_OK;
}

static hma_status evaluate(hma_rendering *r, const hma_jinja_node *node, hma_value *out) {
    switch (node->kind) {
    case HMA_JINJA_TEXT: *out = hma_value_text(node->text, node->length); return HMA_OK;
    case HMA_JINJA_NUMBER: *out = hma_value_number(node->number); return HMA_OK;
    case HMA_JINJA_CONSTANT:
        *out = node->number == 2 ? (hma_value){.kind = HMA_VALUE_NONE} : hma_value_bool(node->number);
        return HMA_OK;
    case HMA_JINJA_VARIABLE: look_up(r, node->text, out); return HMA_OK;
    case HMA_JINJA_LIST: return list(r, node, out);
    case HMA_JINJA_DICT: return dictionary(r, node, out);
    case HMA_JINJA_ATTRIBUTE:
    case HMA_JINJA_ITEM:
    case HMA_JINJA_SLICE: return member_or_item(r, node, out);
    case HMA_JINJA_CALL: return call(r, node, out);
    case HMA_JINJA_FILTER:
    case HMA_JINJA_TEST: return filter_or_test(r, node, out);
    case HMA_JINJA_UNARY: return unary(r, node, out);
    case HMA_JINJA_BINARY: return binary(r, node, out);
    case HMA_JINJA_CONDITIONAL: return conditional(r, node, out);
    default: return hma_error(HMA_FAILURE, "a statement stands where an expression was expected: report this");
    }
}

static size_t size_of(const hma_value *value) {
    return value->kind == HMA_VALUE_TEXT   ? value->length / HMA_JINJA_BYTES_PER_STEP
           : value->kind == HMA_VALUE_LIST ? value->list->count / 16
                                           : 0;
}

hma_status hma_jinja_evaluate(hma_rendering *r, const hma_jinja_node *node, hma_value *out) {
    hma_status status = hma_rendering_step(r, node);
    if (status == HMA_OK && r->depth >= DEEPEST_EVALUATION) {
        status = hma_error(HMA_BAD_DATA, "expressions or macros are nested too deeply");
    }
    r->depth++;
    if (status == HMA_OK && (status = evaluate(r, node, out)) == HMA_OK) {
        r->steps += size_of(out); /* whoever asked for the value may look through it */
    }
    r->depth--;
    return hma_rendering_at(node, status);
}
