#include <string.h>

#include "base/error_set.h"
#include "eval/tokenizer/jinja/parser.h"

/* Statements up to one of the NULL-terminated closing names, which is stepped over; *closed is its number. */
static hma_status body(hma_jinja_parser *p, const char *const *closing, size_t *closed, hma_jinja_node **list);

static hma_status end_tag(hma_jinja_parser *p) {
    if (p->at->kind != HMA_JINJA_BLOCK_END) {
        return hma_jinja_fault(p, "a tag goes on where it should end");
    }
    p->at++;
    return HMA_OK;
}

/* A body that ends with one closing tag. */
static hma_status simple_body(hma_jinja_parser *p, const char *end, hma_jinja_node **list) {
    const char *const closing[] = {end, NULL};
    size_t ignored;
    const hma_status status = body(p, closing, &ignored, list);
    return status == HMA_OK ? end_tag(p) : status;
}

static hma_status parse_if(hma_jinja_parser *p, hma_jinja_node **out) {
    static const char *const closing[] = {"elif", "else", "endif", NULL};
    size_t closed = 2;
    hma_status status = hma_jinja_node_new(p, HMA_JINJA_IF, out);
    if (p->depth >= HMA_JINJA_MAX_DEPTH) {
        return hma_jinja_fault(p, "statements are nested too deeply");
    }
    p->depth++;
    if (status == HMA_OK && (status = hma_jinja_expression(p, false, &(*out)->left)) == HMA_OK &&
        (status = end_tag(p)) == HMA_OK) {
        status = body(p, closing, &closed, &(*out)->first);
    }
    if (status == HMA_OK && closed == 0) {
        status = parse_if(p, &(*out)->second);
    } else if (status == HMA_OK && (status = end_tag(p)) == HMA_OK && closed == 1) {
        status = simple_body(p, "endif", &(*out)->second);
    }
    p->depth--;
    return status;
}

/* Names that are assigned to: a, b, .. or, for set, namespace.attribute. */
static hma_status targets(hma_jinja_parser *p, bool attributes, hma_jinja_node **end) {
    hma_status status = HMA_OK;
    do {
        hma_jinja_node *name = NULL;
        if ((status = hma_jinja_node_new(p, HMA_JINJA_VARIABLE, &name)) == HMA_OK) {
            status = hma_jinja_want_name(p, &name->text, &name->length);
        }
        if (status == HMA_OK && attributes && hma_jinja_take_operator(p, ".")) {
            hma_jinja_node *object = name;
            if ((status = hma_jinja_node_new(p, HMA_JINJA_ATTRIBUTE, &name)) == HMA_OK) {
                name->left = object;
                status = hma_jinja_want_name(p, &name->text, &name->length);
            }
        }
        if (status == HMA_OK) {
            hma_jinja_append(&end, name);
        }
    } while (status == HMA_OK && hma_jinja_take_operator(p, ","));
    return status;
}

static hma_status parse_for(hma_jinja_parser *p, hma_jinja_node **out) {
    static const char *const closing[] = {"else", "endfor", NULL};
    size_t closed = 1;
    hma_status status = hma_jinja_node_new(p, HMA_JINJA_FOR, out);
    if (status != HMA_OK || (status = targets(p, false, &(*out)->third)) != HMA_OK) {
        return status;
    }
    if (!hma_jinja_take_name(p, "in")) {
        return hma_jinja_fault(p, "\"in\" is missing");
    }
    if ((status = hma_jinja_expression(p, false, &(*out)->left)) == HMA_OK && hma_jinja_take_name(p, "if")) {
        status = hma_jinja_expression(p, true, &(*out)->right);
    }
    if (status == HMA_OK && (status = end_tag(p)) == HMA_OK && (status = body(p, closing, &closed, &(*out)->first)) == HMA_OK &&
        (status = end_tag(p)) == HMA_OK && closed == 0) {
        status = simple_body(p, "endfor", &(*out)->second);
    }
    return status;
}

static hma_status parse_set(hma_jinja_parser *p, hma_jinja_node **out) {
    hma_status status = hma_jinja_node_new(p, HMA_JINJA_SET, out);
    if (status == HMA_OK && (status = targets(p, true, &(*out)->third)) == HMA_OK) {
        if (hma_jinja_take_operator(p, "=")) {
            status = hma_jinja_expressions(p, &(*out)->left);
            return status == HMA_OK ? end_tag(p) : status;
        }
        if ((status = end_tag(p)) == HMA_OK) {
            status = simple_body(p, "endset", &(*out)->first);
        }
    }
    return status;
}

static hma_status parse_macro(hma_jinja_parser *p, hma_jinja_node **out) {
    hma_status status = hma_jinja_node_new(p, HMA_JINJA_MACRO, out);
    if (status == HMA_OK && (status = hma_jinja_want_name(p, &(*out)->text, &(*out)->length)) == HMA_OK) {
        status = hma_jinja_want_operator(p, "(");
    }
    hma_jinja_node **end = status == HMA_OK ? &(*out)->second : NULL;
    while (status == HMA_OK && !hma_jinja_at_operator(p, ")")) {
        hma_jinja_node *parameter = NULL;
        if ((status = hma_jinja_node_new(p, HMA_JINJA_ARGUMENT, &parameter)) == HMA_OK &&
            (status = hma_jinja_want_name(p, &parameter->text, &parameter->length)) == HMA_OK &&
            hma_jinja_take_operator(p, "=")) {
            status = hma_jinja_expression(p, true, &parameter->left);
        }
        if (status == HMA_OK) {
            hma_jinja_append(&end, parameter);
            if (!hma_jinja_take_operator(p, ",")) {
                break;
            }
        }
    }
    if (status == HMA_OK && (status = hma_jinja_want_operator(p, ")")) == HMA_OK && (status = end_tag(p)) == HMA_OK) {
        status = simple_body(p, "endmacro", &(*out)->first);
    }
    return status;
}

/* {% generation %}: transformers marks the assistant's words with it; it writes nothing. */
static hma_status parse_generation(hma_jinja_parser *p, hma_jinja_node **out) {
    hma_status status = hma_jinja_node_new(p, HMA_JINJA_GROUP, out);
    if (status == HMA_OK && (status = end_tag(p)) == HMA_OK) {
        status = simple_body(p, "endgeneration", &(*out)->first);
    }
    return status;
}

static hma_status parse_leave(hma_jinja_parser *p, hma_jinja_kind kind, hma_jinja_node **out) {
    const hma_status status = hma_jinja_node_new(p, kind, out);
    return status == HMA_OK ? end_tag(p) : status;
}

/* The statement whose name is next. */
static hma_status statement(hma_jinja_parser *p, hma_jinja_node **out) {
    static const struct {
        const char *name;
        hma_status (*parse)(hma_jinja_parser *, hma_jinja_node **);
    } statements[] = {
        {"if", parse_if}, {"for", parse_for}, {"set", parse_set}, {"macro", parse_macro}, {"generation", parse_generation}};
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (hma_jinja_take_name(p, statements[i].name)) {
            return statements[i].parse(p, out);
        }
    }
    if (hma_jinja_take_name(p, "break")) {
        return parse_leave(p, HMA_JINJA_BREAK, out);
    }
    if (hma_jinja_take_name(p, "continue")) {
        return parse_leave(p, HMA_JINJA_CONTINUE, out);
    }
    return hma_jinja_fault(p, "a statement other than if, for, set, macro, break, continue and generation");
}

static hma_status output(hma_jinja_parser *p, hma_jinja_node **out) {
    hma_status status;
    if (p->at->kind == HMA_JINJA_DATA) {
        if ((status = hma_jinja_node_new(p, HMA_JINJA_OUTPUT, out)) == HMA_OK) {
            (*out)->text = p->at->text;
            (*out)->length = p->at++->length;
        }
        return status;
    }
    if ((status = hma_jinja_node_new(p, HMA_JINJA_PRINT, out)) == HMA_OK) {
        p->at++;
        status = hma_jinja_expression(p, true, &(*out)->left);
    }
    if (status == HMA_OK && p->at->kind != HMA_JINJA_PRINT_END) {
        return hma_jinja_fault(p, "an expression goes on where it should end");
    }
    p->at += status == HMA_OK;
    return status;
}

static bool closes(hma_jinja_parser *p, const char *const *closing, size_t *closed) {
    for (*closed = 0; closing && closing[*closed]; ++*closed) {
        if (hma_jinja_take_name(p, closing[*closed])) {
            return true;
        }
    }
    return false;
}

static hma_status body(hma_jinja_parser *p, const char *const *closing, size_t *closed, hma_jinja_node **list) {
    hma_status status = HMA_OK;
    hma_jinja_node **end = list;
    if (p->depth >= HMA_JINJA_MAX_DEPTH) {
        return hma_jinja_fault(p, "statements are nested too deeply");
    }
    p->depth++;
    while (status == HMA_OK && p->at->kind != HMA_JINJA_END) {
        if (p->at->kind == HMA_JINJA_BLOCK_BEGIN) {
            p->at++;
            if (closes(p, closing, closed)) {
                p->depth--;
                return HMA_OK;
            }
            status = statement(p, end);
        } else {
            status = output(p, end);
        }
        if (status == HMA_OK) {
            end = &(*end)->next;
        }
    }
    p->depth--;
    return status == HMA_OK && closing ? hma_jinja_fault(p, "a statement that is not closed") : status;
}

hma_status hma_jinja_parse(hma_arena *arena, const char *source, size_t length, hma_jinja_node **out) {
    hma_jinja_token *tokens = NULL;
    size_t ignored;
    *out = NULL;
    const hma_status status = hma_jinja_lex(arena, source, length, &tokens);
    hma_jinja_parser p = {.arena = arena, .at = tokens};
    return status == HMA_OK ? body(&p, NULL, &ignored, out) : status;
}
