/* Expressions, by precedence from loose to tight: if-else, or, and, not, comparison, + -, ~, * / // %, unary, postfix. */
#include <stdio.h>
#include <string.h>

#include "base/error_set.h"
#include "eval/tokenizer/jinja/parser.h"

hma_status hma_jinja_fault(const hma_jinja_parser *p, const char *what) {
    return hma_error(HMA_BAD_DATA,
                     "chat template: line %zu: %s (expected a Jinja template of the supported kind): use another one",
                     p->at->line, what);
}

hma_status hma_jinja_node_new(hma_jinja_parser *p, hma_jinja_kind kind, hma_jinja_node **out) {
    hma_jinja_node *node = hma_arena_get(p->arena, sizeof *node);
    if (!node) {
        return hma_error_status();
    }
    node->kind = kind;
    node->line = p->at->line;
    *out = node;
    return HMA_OK;
}

void hma_jinja_append(hma_jinja_node ***end, hma_jinja_node *node) {
    **end = node;
    *end = &node->next;
}

bool hma_jinja_at_operator(const hma_jinja_parser *p, const char *text) {
    return p->at->kind == HMA_JINJA_OPERATOR && strcmp(p->at->text, text) == 0;
}

bool hma_jinja_at_name(const hma_jinja_parser *p, const char *text) {
    return p->at->kind == HMA_JINJA_NAME && strcmp(p->at->text, text) == 0;
}

bool hma_jinja_take_operator(hma_jinja_parser *p, const char *text) {
    const bool there = hma_jinja_at_operator(p, text);
    p->at += there;
    return there;
}

bool hma_jinja_take_name(hma_jinja_parser *p, const char *text) {
    const bool there = hma_jinja_at_name(p, text);
    p->at += there;
    return there;
}

hma_status hma_jinja_want_operator(hma_jinja_parser *p, const char *text) {
    char what[64];
    if (hma_jinja_take_operator(p, text)) {
        return HMA_OK;
    }
    (void)snprintf(what, sizeof what, "\"%s\" is missing", text);
    return hma_jinja_fault(p, what);
}

hma_status hma_jinja_want_name(hma_jinja_parser *p, const char **text, size_t *length) {
    if (p->at->kind != HMA_JINJA_NAME) {
        return hma_jinja_fault(p, "a name is missing");
    }
    *text = p->at->text;
    *length = p->at->length;
    p->at++;
    return HMA_OK;
}

/* ---- the tightest ---- */

static hma_status expression(hma_jinja_parser *p, hma_jinja_node **out) { return hma_jinja_expression(p, true, out); }

/* Expressions up to a closing bracket; a list and a tuple are the same here. */
static hma_status items(hma_jinja_parser *p, const char *close, hma_jinja_node **end) {
    hma_status status = HMA_OK;
    while (status == HMA_OK && !hma_jinja_at_operator(p, close)) {
        hma_jinja_node *item = NULL;
        if ((status = expression(p, &item)) == HMA_OK) {
            hma_jinja_append(&end, item);
            if (!hma_jinja_take_operator(p, ",")) {
                break;
            }
        }
    }
    return status == HMA_OK ? hma_jinja_want_operator(p, close) : status;
}

static hma_status dictionary(hma_jinja_parser *p, hma_jinja_node **end) {
    hma_status status = HMA_OK;
    while (status == HMA_OK && !hma_jinja_at_operator(p, "}")) {
        hma_jinja_node *key = NULL, *value = NULL;
        if ((status = expression(p, &key)) == HMA_OK && (status = hma_jinja_want_operator(p, ":")) == HMA_OK &&
            (status = expression(p, &value)) == HMA_OK) {
            hma_jinja_append(&end, key);
            hma_jinja_append(&end, value);
            if (!hma_jinja_take_operator(p, ",")) {
                break;
            }
        }
    }
    return status == HMA_OK ? hma_jinja_want_operator(p, "}") : status;
}

/* ( .. ): an expression, or a tuple when a comma follows. */
static hma_status parenthesis(hma_jinja_parser *p, hma_jinja_node **out) {
    hma_jinja_node *first = NULL;
    hma_status status = HMA_OK;
    if (!hma_jinja_at_operator(p, ")")) {
        status = expression(p, &first);
        if (status == HMA_OK && hma_jinja_take_operator(p, ")")) {
            *out = first;
            return HMA_OK;
        }
    }
    if (status == HMA_OK && first) {
        status = hma_jinja_want_operator(p, ",");
    }
    if (status == HMA_OK && (status = hma_jinja_node_new(p, HMA_JINJA_LIST, out)) == HMA_OK) {
        hma_jinja_node **end = &(*out)->first;
        if (first) {
            hma_jinja_append(&end, first);
        }
        status = items(p, ")", end);
    }
    return status;
}

static hma_status constant(hma_jinja_parser *p, hma_jinja_node **out) {
    static const char *const names[] = {"false", "true", "none", "False", "True", "None"};
    for (int i = 0; i < 6; i++) {
        if (hma_jinja_at_name(p, names[i])) {
            const hma_status status = hma_jinja_node_new(p, HMA_JINJA_CONSTANT, out);
            if (status == HMA_OK) {
                (*out)->number = i % 3;
                p->at++;
            }
            return status;
        }
    }
    return HMA_OK;
}

/* Texts that stand beside each other are one. */
static hma_status text(hma_jinja_parser *p, hma_jinja_node **out) {
    size_t length = 0, used = 0;
    const hma_jinja_token *first = p->at;
    for (; p->at->kind == HMA_JINJA_STRING; p->at++) {
        length += p->at->length;
    }
    char *all = hma_arena_get(p->arena, length + 1);
    hma_status status = all ? hma_jinja_node_new(p, HMA_JINJA_TEXT, out) : hma_error_status();
    for (; status == HMA_OK && first < p->at; first++) {
        memcpy(all + used, first->text, first->length);
        used += first->length;
    }
    if (status == HMA_OK) {
        (*out)->text = all;
        (*out)->length = length;
    }
    return status;
}

static hma_status primary(hma_jinja_parser *p, hma_jinja_node **out) {
    *out = NULL;
    hma_status status = constant(p, out);
    if (status != HMA_OK || *out) {
        return status;
    }
    if (p->at->kind == HMA_JINJA_STRING) {
        return text(p, out);
    }
    if (p->at->kind == HMA_JINJA_INTEGER) {
        if ((status = hma_jinja_node_new(p, HMA_JINJA_NUMBER, out)) == HMA_OK) {
            (*out)->number = p->at++->number;
        }
        return status;
    }
    if (p->at->kind == HMA_JINJA_NAME) {
        status = hma_jinja_node_new(p, HMA_JINJA_VARIABLE, out);
        return status == HMA_OK ? hma_jinja_want_name(p, &(*out)->text, &(*out)->length) : status;
    }
    if (hma_jinja_take_operator(p, "(")) {
        return parenthesis(p, out);
    }
    if (hma_jinja_take_operator(p, "[")) {
        status = hma_jinja_node_new(p, HMA_JINJA_LIST, out);
        return status == HMA_OK ? items(p, "]", &(*out)->first) : status;
    }
    if (hma_jinja_take_operator(p, "{")) {
        status = hma_jinja_node_new(p, HMA_JINJA_DICT, out);
        return status == HMA_OK ? dictionary(p, &(*out)->first) : status;
    }
    return hma_jinja_fault(p, "an expression is missing");
}

/* ---- postfix: .name [item] (arguments) | filter is test ---- */

static hma_status arguments(hma_jinja_parser *p, hma_jinja_node **end) {
    hma_status status = HMA_OK;
    while (status == HMA_OK && !hma_jinja_at_operator(p, ")")) {
        hma_jinja_node *argument = NULL;
        if ((status = hma_jinja_node_new(p, HMA_JINJA_ARGUMENT, &argument)) != HMA_OK) {
            break;
        }
        if (p->at->kind == HMA_JINJA_NAME && p->at[1].kind == HMA_JINJA_OPERATOR && strcmp(p->at[1].text, "=") == 0) {
            argument->text = p->at->text;
            argument->length = p->at->length;
            p->at += 2;
        }
        if ((status = expression(p, &argument->left)) == HMA_OK) {
            hma_jinja_append(&end, argument);
            if (!hma_jinja_take_operator(p, ",")) {
                break;
            }
        }
    }
    return status == HMA_OK ? hma_jinja_want_operator(p, ")") : status;
}

/* A step of a slice is a whole number in the template, not an expression. */
static hma_status slice_step(hma_jinja_parser *p, hma_jinja_node *slice) {
    const bool negative = hma_jinja_take_operator(p, "-");
    if (p->at->kind == HMA_JINJA_INTEGER) {
        slice->number = p->at++->number;
    }
    slice->number = negative ? -slice->number : slice->number;
    return slice->number == 1 || slice->number == -1 ? HMA_OK : hma_jinja_fault(p, "a slice with a step other than 1 and -1");
}

/* [index] or [start:stop:step]; the bracket is behind us. */
static hma_status subscript(hma_jinja_parser *p, hma_jinja_node *object, hma_jinja_node **out) {
    hma_status status = hma_jinja_node_new(p, HMA_JINJA_ITEM, out);
    if (status == HMA_OK && !hma_jinja_at_operator(p, ":")) {
        status = expression(p, &(*out)->right);
    }
    if (status == HMA_OK && hma_jinja_take_operator(p, ":")) {
        (*out)->kind = HMA_JINJA_SLICE;
        (*out)->number = 1;
        if (!hma_jinja_at_operator(p, ":") && !hma_jinja_at_operator(p, "]")) {
            status = expression(p, &(*out)->third);
        }
        if (status == HMA_OK && hma_jinja_take_operator(p, ":")) {
            status = slice_step(p, *out);
        }
    }
    if (status == HMA_OK) {
        (*out)->left = object;
        status = hma_jinja_want_operator(p, "]");
    }
    return status;
}

static hma_status filter(hma_jinja_parser *p, hma_jinja_node *object, hma_jinja_node **out) {
    hma_status status = hma_jinja_node_new(p, HMA_JINJA_FILTER, out);
    if (status == HMA_OK) {
        (*out)->left = object;
        status = hma_jinja_want_name(p, &(*out)->text, &(*out)->length);
    }
    if (status == HMA_OK && hma_jinja_take_operator(p, "(")) {
        status = arguments(p, &(*out)->first);
    }
    return status;
}

static hma_status primary_and_postfix(hma_jinja_parser *p, hma_jinja_node **out);

/* A test takes its argument in parentheses or, when it is a simple one, without. */
static hma_status test_argument(hma_jinja_parser *p, hma_jinja_node **list) {
    static const char *const not_an_argument[] = {"and", "or", "else", "is"};
    bool follows = p->at->kind == HMA_JINJA_STRING || p->at->kind == HMA_JINJA_INTEGER || p->at->kind == HMA_JINJA_NAME ||
                   hma_jinja_at_operator(p, "[") || hma_jinja_at_operator(p, "{");
    for (size_t i = 0; i < sizeof not_an_argument / sizeof *not_an_argument; i++) {
        follows = follows && !hma_jinja_at_name(p, not_an_argument[i]);
    }
    if (hma_jinja_take_operator(p, "(")) {
        return arguments(p, list);
    }
    hma_jinja_node *argument = NULL;
    hma_status status = HMA_OK;
    if (follows && (status = hma_jinja_node_new(p, HMA_JINJA_ARGUMENT, &argument)) == HMA_OK &&
        (status = primary_and_postfix(p, &argument->left)) == HMA_OK) {
        *list = argument;
    }
    return status;
}

static hma_status test(hma_jinja_parser *p, hma_jinja_node *object, hma_jinja_node **out) {
    hma_status status = hma_jinja_node_new(p, HMA_JINJA_TEST, out);
    if (status == HMA_OK) {
        (*out)->number = hma_jinja_take_name(p, "not");
        (*out)->left = object;
        status = hma_jinja_want_name(p, &(*out)->text, &(*out)->length);
    }
    return status == HMA_OK ? test_argument(p, &(*out)->first) : status;
}

/* .name, or .0 for an item */
static hma_status attribute(hma_jinja_parser *p, hma_jinja_node *object, hma_jinja_node **out) {
    if (p->at->kind == HMA_JINJA_INTEGER) {
        const hma_status failed = hma_jinja_node_new(p, HMA_JINJA_ITEM, out);
        if (failed == HMA_OK) {
            (*out)->left = object;
        }
        return failed == HMA_OK ? primary(p, &(*out)->right) : failed;
    }
    hma_status status = hma_jinja_node_new(p, HMA_JINJA_ATTRIBUTE, out);
    if (status == HMA_OK) {
        (*out)->left = object;
        status = hma_jinja_want_name(p, &(*out)->text, &(*out)->length);
    }
    return status;
}

static hma_status call(hma_jinja_parser *p, hma_jinja_node *callee, hma_jinja_node **out) {
    const hma_status status = hma_jinja_node_new(p, HMA_JINJA_CALL, out);
    if (status == HMA_OK) {
        (*out)->left = callee;
    }
    return status == HMA_OK ? arguments(p, &(*out)->first) : status;
}

static hma_status primary_and_postfix(hma_jinja_parser *p, hma_jinja_node **out) {
    hma_status status = primary(p, out);
    while (status == HMA_OK) {
        hma_jinja_node *object = *out;
        if (hma_jinja_take_operator(p, ".")) {
            status = attribute(p, object, out);
        } else if (hma_jinja_take_operator(p, "[")) {
            status = subscript(p, object, out);
        } else if (hma_jinja_take_operator(p, "(")) {
            status = call(p, object, out);
        } else {
            break;
        }
    }
    return status;
}

/* Filters and tests bind to what is before them as a whole, a sign included. */
static hma_status unary(hma_jinja_parser *p, hma_jinja_node **out) {
    hma_status status;
    if (hma_jinja_at_operator(p, "-") || hma_jinja_at_operator(p, "+")) {
        if ((status = hma_jinja_node_new(p, HMA_JINJA_UNARY, out)) == HMA_OK) {
            (*out)->text = p->at++->text;
            status = primary_and_postfix(p, &(*out)->left);
        }
    } else {
        status = primary_and_postfix(p, out);
    }
    while (status == HMA_OK) {
        hma_jinja_node *object = *out;
        if (hma_jinja_take_operator(p, "|")) {
            status = filter(p, object, out);
        } else if (hma_jinja_take_name(p, "is")) {
            status = test(p, object, out);
        } else {
            break;
        }
    }
    return status;
}

/* ---- operators ---- */

/* Levels of left-associative operators, from tight to loose. */
static const char *const levels[][5] = {{"*", "/", "//", "%", NULL}, {"~", NULL}, {"+", "-", NULL}};
enum { LEVELS = sizeof levels / sizeof *levels };

static hma_status binary_node(hma_jinja_parser *p, const char *text, hma_jinja_node *left, hma_jinja_node **out) {
    const hma_status status = hma_jinja_node_new(p, HMA_JINJA_BINARY, out);
    if (status == HMA_OK) {
        (*out)->text = text;
        (*out)->left = left;
    }
    return status;
}

static hma_status arithmetic(hma_jinja_parser *p, int level, hma_jinja_node **out) {
    hma_status status = level == 0 ? unary(p, out) : arithmetic(p, level - 1, out);
    while (status == HMA_OK) {
        const char *taken = NULL;
        for (size_t i = 0; levels[level][i] && !taken; i++) {
            taken = hma_jinja_take_operator(p, levels[level][i]) ? levels[level][i] : NULL;
        }
        if (!taken) {
            break;
        }
        if ((status = binary_node(p, taken, *out, out)) == HMA_OK) {
            status = level == 0 ? unary(p, &(*out)->right) : arithmetic(p, level - 1, &(*out)->right);
        }
    }
    return status;
}

/* The comparison that stands here, NULL when there is none. */
static const char *take_comparison(hma_jinja_parser *p) {
    static const char *const operators[] = {"==", "!=", "<=", ">=", "<", ">"};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (hma_jinja_take_operator(p, operators[i])) {
            return operators[i];
        }
    }
    if (hma_jinja_take_name(p, "in")) {
        return "in";
    }
    if (hma_jinja_at_name(p, "not") && p->at[1].kind == HMA_JINJA_NAME && strcmp(p->at[1].text, "in") == 0) {
        p->at += 2;
        return "not in";
    }
    return NULL;
}

static hma_status comparison(hma_jinja_parser *p, hma_jinja_node **out) {
    hma_status status = arithmetic(p, LEVELS - 1, out);
    const char *taken = status == HMA_OK ? take_comparison(p) : NULL;
    if (taken && (status = binary_node(p, taken, *out, out)) == HMA_OK) {
        status = arithmetic(p, LEVELS - 1, &(*out)->right);
    }
    if (status == HMA_OK && taken && take_comparison(p)) {
        return hma_jinja_fault(p, "a chain of comparisons");
    }
    return status;
}

static hma_status negation(hma_jinja_parser *p, hma_jinja_node **out) {
    size_t negations = 0;
    while (hma_jinja_take_name(p, "not")) {
        negations++;
    }
    hma_status status = comparison(p, out);
    if (negations == 0 || status != HMA_OK) {
        return status;
    }
    for (size_t i = 0; status == HMA_OK && i < (negations % 2 ? 1 : 2); i++) { /* not not x is a truth value, too */
        hma_jinja_node *operand = *out;
        if ((status = hma_jinja_node_new(p, HMA_JINJA_UNARY, out)) == HMA_OK) {
            (*out)->text = "not";
            (*out)->left = operand;
        }
    }
    return status;
}

static hma_status conjunction(hma_jinja_parser *p, hma_jinja_node **out) {
    hma_status status = negation(p, out);
    while (status == HMA_OK && hma_jinja_take_name(p, "and")) {
        if ((status = binary_node(p, "and", *out, out)) == HMA_OK) {
            status = negation(p, &(*out)->right);
        }
    }
    return status;
}

static hma_status disjunction(hma_jinja_parser *p, hma_jinja_node **out) {
    hma_status status = conjunction(p, out);
    while (status == HMA_OK && hma_jinja_take_name(p, "or")) {
        if ((status = binary_node(p, "or", *out, out)) == HMA_OK) {
            status = conjunction(p, &(*out)->right);
        }
    }
    return status;
}

hma_status hma_jinja_expression(hma_jinja_parser *p, bool conditional, hma_jinja_node **out) {
    if (p->depth >= HMA_JINJA_MAX_DEPTH) {
        return hma_jinja_fault(p, "expressions are nested too deeply");
    }
    p->depth++;
    hma_status status = disjunction(p, out);
    while (status == HMA_OK && conditional && hma_jinja_take_name(p, "if")) {
        hma_jinja_node *value = *out;
        if ((status = hma_jinja_node_new(p, HMA_JINJA_CONDITIONAL, out)) == HMA_OK) {
            (*out)->left = value;
            status = disjunction(p, &(*out)->right);
        }
        if (status == HMA_OK && hma_jinja_take_name(p, "else")) {
            status = hma_jinja_expression(p, true, &(*out)->third);
        }
    }
    p->depth--;
    return status;
}

hma_status hma_jinja_expressions(hma_jinja_parser *p, hma_jinja_node **out) {
    hma_jinja_node *first = NULL;
    hma_status status = expression(p, &first);
    *out = first;
    if (status == HMA_OK && hma_jinja_at_operator(p, ",")) {
        status = hma_jinja_node_new(p, HMA_JINJA_LIST, out);
        if (status == HMA_OK) {
            (*out)->first = first;
        }
        while (status == HMA_OK && hma_jinja_take_operator(p, ",")) {
            if ((status = expression(p, &first->next)) == HMA_OK) {
                first = first->next;
            }
        }
    }
    return status;
}
