/* Values of a rendering. They are immutable, except namespaces; everything they point to lies in the rendering's arena. */
#ifndef HMA_TOKENIZER_JINJA_VALUE_H
#define HMA_TOKENIZER_JINJA_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "eval/tokenizer/jinja/ast.h"

typedef enum hma_value_kind {
    HMA_VALUE_UNDEFINED, /* text: what it would have been called */
    HMA_VALUE_NONE,
    HMA_VALUE_BOOL,
    HMA_VALUE_NUMBER,
    HMA_VALUE_TEXT,
    HMA_VALUE_LIST,
    HMA_VALUE_DICT,
    HMA_VALUE_NAMESPACE, /* as a dictionary whose members can be set */
    HMA_VALUE_FUNCTION,  /* text: its name */
    HMA_VALUE_METHOD,    /* text: its name; object: whose */
    HMA_VALUE_MACRO      /* node */
} hma_value_kind;

typedef struct hma_value hma_value;

typedef struct hma_value_list {
    hma_value *items;
    size_t count;
} hma_value_list;

/* Members in order of insertion. */
typedef struct hma_value_dict {
    struct hma_value_member *first;
} hma_value_dict;

struct hma_value {
    hma_value_kind kind;
    long long number; /* of BOOL and NUMBER */
    const char *text;
    size_t length;
    hma_value_list *list;
    hma_value_dict *dict;
    const hma_value *object;
    const hma_jinja_node *node;
};

typedef struct hma_value_member {
    const char *name; /* terminated */
    hma_value value;
    struct hma_value_member *next;
} hma_value_member;

static inline hma_value hma_value_number(long long number) { return (hma_value){.kind = HMA_VALUE_NUMBER, .number = number}; }
static inline hma_value hma_value_bool(bool truth) { return (hma_value){.kind = HMA_VALUE_BOOL, .number = truth}; }
static inline hma_value hma_value_text(const char *text, size_t length) {
    return (hma_value){.kind = HMA_VALUE_TEXT, .text = text, .length = length};
}
static inline hma_value hma_value_undefined(const char *name) { return (hma_value){.kind = HMA_VALUE_UNDEFINED, .text = name}; }

/* "a list", "text", ..: for messages. */
const char *hma_value_kind_name(hma_value_kind kind);

bool hma_value_truth(const hma_value *value);
/* Adds to *steps what it costs; past HMA_JINJA_MOST_STEPS the answer is worth nothing, and the rendering ends there. */
bool hma_value_equal(const hma_value *a, const hma_value *b, size_t *steps);
/* Is the item in a list, the text in a text, the key in a dictionary? HMA_BAD_DATA where Python has no answer. */
hma_status hma_value_contains(const hma_value *container, const hma_value *item, size_t *steps, bool *contained);

enum {
    HMA_JINJA_MOST_STEPS = 20000000,
    HMA_JINJA_BYTES_PER_STEP = 256, /* of texts that are looked through */
    HMA_JINJA_MOST_MEMBERS = 1000   /* of a dictionary, a namespace, a scope */
};

/* Appends str(value); HMA_BAD_DATA for kinds whose form is Python's own. */
hma_status hma_value_write(const hma_value *value, hma_buffer *out);

/* A new list of `count` undefined values. */
hma_status hma_value_list_new(hma_arena *arena, size_t count, hma_value *out);
/* What a loop runs over: a list, the keys of a dictionary, the characters of a text, nothing of an undefined value. */
hma_status hma_value_as_list(hma_arena *arena, const hma_value *value, hma_value *out);

hma_status hma_value_dict_new(hma_arena *arena, hma_value *out);
/* Adds or replaces a member; `name` is terminated and lives as long as the arena. HMA_BAD_DATA for too many members. */
hma_status hma_value_dict_set(hma_arena *arena, hma_value *dict, const char *name, hma_value value);
/* NULL when there is none. */
const hma_value *hma_value_dict_get(const hma_value *dict, const char *name);

#endif
