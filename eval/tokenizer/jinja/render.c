/* Statements, and rendering as a whole. */
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "eval/tokenizer/jinja/jinja.h"
#include "eval/tokenizer/jinja/rendering.h"

enum { LARGEST_TEMPLATE = 1 << 20, TEMPLATE_MEMORY = 64 << 20, RENDERING_MEMORY = 256 << 20 };

struct hma_jinja {
    hma_arena arena;
    hma_jinja_node *statements;
};

/* break and continue travel up to the loop beside the status. */
typedef enum leaving { GOING_ON, BREAKING, CONTINUING } leaving;

static hma_status run(hma_rendering *r, const hma_jinja_node *list, leaving *leave);

/* ---- scopes ---- */

static hma_status enter(hma_rendering *r) {
    hma_jinja_scope *scope = hma_arena_get(&r->arena, sizeof *scope);
    hma_status status = scope ? hma_value_dict_new(&r->arena, &scope->names) : hma_error_status();
    if (status == HMA_OK) {
        scope->outer = r->scope;
        r->scope = scope;
    }
    return status;
}

static void leave_scope(hma_rendering *r) { r->scope = r->scope->outer; }

static hma_status set_name(hma_rendering *r, const char *name, hma_value value) {
    return hma_value_dict_set(&r->arena, &r->scope->names, name, value);
}

/* ---- set ---- */

static hma_status assign(hma_rendering *r, const hma_jinja_node *target, hma_value value) {
    hma_value object;
    if (target->kind == HMA_JINJA_VARIABLE) {
        return set_name(r, target->text, value);
    }
    const hma_status status = hma_jinja_evaluate(r, target->left, &object);
    if (status != HMA_OK) {
        return status;
    }
    if (object.kind != HMA_VALUE_NAMESPACE) {
        return hma_error(HMA_BAD_DATA, "members of %s cannot be set", hma_value_kind_name(object.kind));
    }
    return hma_value_dict_set(&r->arena, &object, target->text, value);
}

/* One target takes the value, several take its items. */
static hma_status unpack(hma_rendering *r, const hma_jinja_node *targets, const hma_value *value) {
    hma_value list;
    size_t count = 0;
    if (!targets->next) {
        return assign(r, targets, *value);
    }
    hma_status status = hma_value_as_list(&r->arena, value, &list);
    for (const hma_jinja_node *t = targets; status == HMA_OK && t; t = t->next) {
        status = count < list.list->count ? assign(r, t, list.list->items[count++])
                                          : hma_error(HMA_BAD_DATA, "fewer values than names");
    }
    return status == HMA_OK && count < list.list->count ? hma_error(HMA_BAD_DATA, "more values than names") : status;
}

/* What statements write, as a value. */
static hma_status capture(hma_rendering *r, const hma_jinja_node *list, hma_value *out) {
    hma_buffer text = {0}, *before = r->out;
    leaving leave = GOING_ON;
    r->out = &text;
    const hma_status status = run(r, list, &leave);
    r->out = before;
    if (status != HMA_OK) {
        hma_buffer_free(&text);
        return status;
    }
    return hma_rendering_text(r, &text, out);
}

static hma_status run_set(hma_rendering *r, const hma_jinja_node *node) {
    hma_value value;
    const hma_status status = node->left ? hma_jinja_evaluate(r, node->left, &value) : capture(r, node->first, &value);
    return status == HMA_OK ? unpack(r, node->third, &value) : status;
}

/* ---- for ---- */

/* The items that pass the loop's condition. */
static hma_status select_items(hma_rendering *r, const hma_jinja_node *node, hma_value *list) {
    size_t kept = 0;
    hma_value selected;
    hma_status status = hma_value_list_new(&r->arena, list->list->count, &selected);
    for (size_t i = 0; status == HMA_OK && i < list->list->count; i++) {
        hma_value truth;
        if ((status = enter(r)) != HMA_OK) {
            break;
        }
        if ((status = unpack(r, node->third, &list->list->items[i])) == HMA_OK) {
            status = hma_jinja_evaluate(r, node->right, &truth);
        }
        leave_scope(r);
        if (status == HMA_OK && hma_value_truth(&truth)) {
            selected.list->items[kept++] = list->list->items[i];
        }
    }
    if (status == HMA_OK) {
        selected.list->count = kept;
        *list = selected;
    }
    return status;
}

/* The variable "loop" at one item. */
static hma_status describe_loop(hma_rendering *r, const hma_value_list *list, size_t i) {
    hma_value loop;
    const long long n = (long long)i, count = (long long)list->count;
    const struct {
        const char *name;
        hma_value value;
    } members[] = {{"index", hma_value_number(n + 1)},
                   {"index0", hma_value_number(n)},
                   {"revindex", hma_value_number(count - n)},
                   {"revindex0", hma_value_number(count - n - 1)},
                   {"first", hma_value_bool(i == 0)},
                   {"last", hma_value_bool(i + 1 == list->count)},
                   {"length", hma_value_number(count)},
                   {"previtem", i > 0 ? list->items[i - 1] : hma_value_undefined("previtem")},
                   {"nextitem", i + 1 < list->count ? list->items[i + 1] : hma_value_undefined("nextitem")}};
    hma_status status = hma_value_dict_new(&r->arena, &loop);
    for (size_t k = 0; status == HMA_OK && k < sizeof members / sizeof *members; k++) {
        status = hma_value_dict_set(&r->arena, &loop, members[k].name, members[k].value);
    }
    loop.kind = HMA_VALUE_NAMESPACE;
    return status == HMA_OK ? set_name(r, "loop", loop) : status;
}

static hma_status run_for(hma_rendering *r, const hma_jinja_node *node, leaving *outer) {
    hma_value value, list;
    leaving leave = GOING_ON;
    hma_status status = hma_jinja_evaluate(r, node->left, &value);
    if (status != HMA_OK || (status = hma_value_as_list(&r->arena, &value, &list)) != HMA_OK) {
        return status;
    }
    if (node->right && (status = select_items(r, node, &list)) != HMA_OK) {
        return status;
    }
    bool completed = false; /* has any round reached its end? */
    for (size_t i = 0; status == HMA_OK && leave != BREAKING && i < list.list->count; i++) {
        leave = GOING_ON;
        if ((status = enter(r)) != HMA_OK) {
            break;
        }
        if ((status = describe_loop(r, list.list, i)) == HMA_OK &&
            (status = unpack(r, node->third, &list.list->items[i])) == HMA_OK) {
            status = run(r, node->first, &leave);
        }
        completed = completed || leave == GOING_ON;
        leave_scope(r);
    }
    return status == HMA_OK && !completed ? run(r, node->second, outer) : status;
}

/* ---- the other statements ---- */

static hma_status run_if(hma_rendering *r, const hma_jinja_node *node, leaving *leave) {
    hma_value condition;
    const hma_status status = hma_jinja_evaluate(r, node->left, &condition);
    return status == HMA_OK ? run(r, hma_value_truth(&condition) ? node->first : node->second, leave) : status;
}

static hma_status print(hma_rendering *r, const hma_jinja_node *node) {
    hma_value value;
    const hma_status status = hma_jinja_evaluate(r, node->left, &value);
    return status == HMA_OK ? hma_value_write(&value, r->out) : status;
}

hma_status hma_jinja_run_macro(hma_rendering *r, const hma_jinja_node *macro, const hma_arguments *arguments, hma_value *out) {
    hma_jinja_scope *caller = r->scope;
    size_t position = 0;
    while (r->scope->outer) { /* a macro sees its arguments and the outermost names */
        r->scope = r->scope->outer;
    }
    hma_status status = enter(r);
    for (const hma_jinja_node *p = macro->second; status == HMA_OK && p; p = p->next) {
        hma_value value = hma_value_undefined(p->text);
        const hma_value *given = hma_argument(arguments, position++, p->text);
        if (given) {
            value = *given;
        } else if (p->left) {
            status = hma_jinja_evaluate(r, p->left, &value);
        }
        if (status == HMA_OK) {
            status = set_name(r, p->text, value);
        }
    }
    if (status == HMA_OK && arguments->count > position) {
        status = hma_error(HMA_BAD_DATA, "the macro \"%s\" takes %zu arguments", macro->text, position);
    }
    if (status == HMA_OK) {
        status = capture(r, macro->first, out);
    }
    r->scope = caller;
    return status;
}

static hma_status run_one(hma_rendering *r, const hma_jinja_node *node, leaving *leave) {
    switch (node->kind) {
    case HMA_JINJA_OUTPUT: hma_buffer_add(r->out, node->text, node->length); return HMA_OK;
    case HMA_JINJA_PRINT: return print(r, node);
    case HMA_JINJA_IF: return run_if(r, node, leave);
    case HMA_JINJA_FOR: return run_for(r, node, leave);
    case HMA_JINJA_SET: return run_set(r, node);
    case HMA_JINJA_GROUP: return run(r, node->first, leave);
    case HMA_JINJA_MACRO:
        return set_name(r, node->text, (hma_value){.kind = HMA_VALUE_MACRO, .text = node->text, .node = node});
    case HMA_JINJA_BREAK: *leave = BREAKING; return HMA_OK;
    case HMA_JINJA_CONTINUE: *leave = CONTINUING; return HMA_OK;
    default: return hma_error(HMA_FAILURE, "an expression stands where a statement was expected: report this");
    }
}

static hma_status run(hma_rendering *r, const hma_jinja_node *list, leaving *leave) {
    hma_status status = HMA_OK;
    for (const hma_jinja_node *node = list; status == HMA_OK && *leave == GOING_ON && node; node = node->next) {
        if ((status = hma_rendering_step(r, node)) == HMA_OK) {
            status = hma_rendering_at(node, run_one(r, node, leave));
        }
        if (status == HMA_OK) {
            status = hma_rendering_at(node, hma_rendering_fits(r->out->length));
        }
    }
    return status;
}

/* ---- as a whole ---- */

hma_status hma_jinja_compile(hma_jinja **out, const char *source, size_t length) {
    if (length > LARGEST_TEMPLATE) {
        return hma_error(HMA_BAD_DATA, "chat template: %zu bytes (expected at most %d): use another one", length,
                         LARGEST_TEMPLATE);
    }
    hma_jinja *jinja = HMA_NEW(hma_jinja, 1);
    if (!jinja) {
        return HMA_FAILURE;
    }
    jinja->arena.limit = TEMPLATE_MEMORY;
    const hma_status status = hma_jinja_parse(&jinja->arena, source, length, &jinja->statements);
    if (status != HMA_OK) {
        hma_jinja_free(jinja);
        return status;
    }
    *out = jinja;
    return HMA_OK;
}

void hma_jinja_free(hma_jinja *jinja) {
    if (jinja) {
        hma_arena_free(&jinja->arena);
        free(jinja);
    }
}

static hma_status make_messages(hma_rendering *r, const hma_chat_message *messages, size_t count, hma_value *out) {
    hma_status status = hma_value_list_new(&r->arena, count, out);
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        hma_value *message = &out->list->items[i];
        const hma_value role = hma_value_text(messages[i].role, strlen(messages[i].role));
        const hma_value content = hma_value_text(messages[i].content, strlen(messages[i].content));
        if ((status = hma_value_dict_new(&r->arena, message)) == HMA_OK &&
            (status = hma_value_dict_set(&r->arena, message, "role", role)) == HMA_OK) {
            status = hma_value_dict_set(&r->arena, message, "content", content);
        }
    }
    return status;
}

static hma_status set_globals(hma_rendering *r, const hma_jinja_global *globals, size_t count, bool generation_prompt) {
    hma_status status = set_name(r, "add_generation_prompt", hma_value_bool(generation_prompt));
    if (status == HMA_OK && (status = set_name(r, "tools", (hma_value){.kind = HMA_VALUE_NONE})) == HMA_OK) {
        status = set_name(r, "documents", (hma_value){.kind = HMA_VALUE_NONE});
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        if (globals[i].text) {
            status = set_name(r, globals[i].name, hma_value_text(globals[i].text, strlen(globals[i].text)));
        }
    }
    return status;
}

hma_status hma_jinja_render(const hma_jinja *jinja, const hma_chat_message *messages, size_t count, bool generation_prompt,
                            const hma_jinja_global *globals, size_t global_count, hma_buffer *out) {
    hma_rendering r = {.arena = {.limit = RENDERING_MEMORY}, .out = out};
    hma_value list;
    leaving leave = GOING_ON;
    hma_status status = enter(&r);
    if (status == HMA_OK && (status = make_messages(&r, messages, count, &list)) == HMA_OK &&
        (status = set_name(&r, "messages", list)) == HMA_OK &&
        (status = set_globals(&r, globals, global_count, generation_prompt)) == HMA_OK) {
        status = run(&r, jinja->statements, &leave);
    }
    if (status == HMA_OK && jinja->statements) {
        status = hma_rendering_step(&r, jinja->statements); /* the last comparison may have been one too many */
    }
    hma_arena_free(&r.arena);
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}
