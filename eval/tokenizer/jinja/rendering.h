/* A rendering: what the files that evaluate a template share. */
#ifndef HMA_TOKENIZER_JINJA_RENDERING_H
#define HMA_TOKENIZER_JINJA_RENDERING_H

#include "eval/tokenizer/jinja/value.h"

/* Names that are known, with those of the scopes around them. */
typedef struct hma_jinja_scope {
    hma_value names; /* a dictionary */
    struct hma_jinja_scope *outer;
} hma_jinja_scope;

typedef struct hma_rendering {
    hma_arena arena;
    hma_jinja_scope *scope;
    hma_buffer *out;
    size_t depth;
    size_t steps; /* work so far: expressions, statements, and what they look through */
} hma_rendering;

/* Arguments of a call, a filter or a test. */
typedef struct hma_arguments {
    hma_value *items;   /* [count] */
    const char **names; /* [count]; NULL for positional ones */
    size_t count;
} hma_arguments;

/* The nth positional argument, or the one of that name (may be NULL); NULL when it is not given. */
const hma_value *hma_argument(const hma_arguments *arguments, size_t n, const char *name);

/* Counts a step of the work; HMA_BAD_DATA when a template does not seem to end. */
hma_status hma_rendering_step(hma_rendering *r, const hma_jinja_node *node);
/* Puts "chat template: line N: " before the message that is there. */
hma_status hma_rendering_at(const hma_jinja_node *node, hma_status status);

enum { HMA_JINJA_LARGEST_TEXT = 64 << 20 };
/* HMA_BAD_DATA when a text that is being made has become too large. */
hma_status hma_rendering_fits(size_t bytes);
/* Text from a buffer, which is emptied. */
hma_status hma_rendering_text(hma_rendering *r, hma_buffer *buffer, hma_value *out);

hma_status hma_jinja_evaluate(hma_rendering *r, const hma_jinja_node *node, hma_value *out);
/* Calls a macro: its text. */
hma_status hma_jinja_run_macro(hma_rendering *r, const hma_jinja_node *macro, const hma_arguments *arguments, hma_value *out);

/* In builtins.c and text_methods.c. */
hma_status hma_jinja_filter(hma_rendering *r, const char *name, const hma_value *value, const hma_arguments *arguments,
                            hma_value *out);
hma_status hma_jinja_test(hma_rendering *r, const char *name, const hma_value *value, const hma_arguments *arguments,
                          bool *truth);
hma_status hma_jinja_function(hma_rendering *r, const char *name, const hma_arguments *arguments, hma_value *out);
hma_status hma_jinja_method(hma_rendering *r, const hma_value *object, const char *name, const hma_arguments *arguments,
                            hma_value *out);
bool hma_jinja_has_method(hma_value_kind kind, const char *name);
bool hma_jinja_has_function(const char *name);

/* Takes characters off the ends of a text: white space, or those of `set` when it is not NULL. */
hma_value hma_text_strip(const hma_value *text, const hma_value *set, bool left, bool right);
/* Letters of ASCII made small or capital; other texts than ASCII are refused. */
typedef enum hma_letter_case { HMA_LOWER_CASE, HMA_UPPER_CASE, HMA_TITLE_CASE, HMA_CAPITALIZED } hma_letter_case;
hma_status hma_text_case(hma_rendering *r, const hma_value *text, hma_letter_case letters, hma_value *out);
hma_status hma_text_replace(hma_rendering *r, const hma_value *text, const hma_value *from, const hma_value *to,
                            hma_value *out);

#endif
