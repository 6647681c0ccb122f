/* The tree of a template. All nodes lie in one arena. */
#ifndef HMA_TOKENIZER_JINJA_AST_H
#define HMA_TOKENIZER_JINJA_AST_H

#include <stdbool.h>
#include <stddef.h>

#include "eval/tokenizer/jinja/arena.h"
#include "hma/error.h"

typedef enum hma_jinja_kind {
    /* expressions */
    HMA_JINJA_TEXT,        /* text */
    HMA_JINJA_NUMBER,      /* number */
    HMA_JINJA_CONSTANT,    /* number: 0 false, 1 true, 2 none */
    HMA_JINJA_VARIABLE,    /* text */
    HMA_JINJA_LIST,        /* first: the items */
    HMA_JINJA_DICT,        /* first: key, value, key, value, .. */
    HMA_JINJA_ATTRIBUTE,   /* left.text */
    HMA_JINJA_ITEM,        /* left[right] */
    HMA_JINJA_SLICE,       /* left[right:third]; either bound may be NULL; number: the step */
    HMA_JINJA_CALL,        /* left(first: arguments) */
    HMA_JINJA_FILTER,      /* left | text(first: arguments) */
    HMA_JINJA_TEST,        /* left is text first; number 1: is not */
    HMA_JINJA_UNARY,       /* text ("not", "-", "+") left */
    HMA_JINJA_BINARY,      /* left text right; also "and", "or", "in", "not in" */
    HMA_JINJA_CONDITIONAL, /* left if right else third (NULL: undefined) */
    HMA_JINJA_ARGUMENT,    /* left; text: its name, NULL for a positional one */
    /* statements */
    HMA_JINJA_OUTPUT, /* text as it is */
    HMA_JINJA_PRINT,  /* left */
    HMA_JINJA_IF,     /* if left: first, else second */
    HMA_JINJA_FOR,    /* for names (third: variables) in left if right: first, else second */
    HMA_JINJA_SET,    /* third (variables or one attribute) = left, or = what first writes when left is NULL */
    HMA_JINJA_MACRO,  /* text(second: arguments, with defaults): first */
    HMA_JINJA_GROUP,  /* first */
    HMA_JINJA_BREAK,
    HMA_JINJA_CONTINUE
} hma_jinja_kind;

typedef struct hma_jinja_node {
    hma_jinja_kind kind;
    const char *text;
    size_t length; /* of text */
    long long number;
    size_t line;
    struct hma_jinja_node *left, *right, *third;
    struct hma_jinja_node *first, *second; /* lists, chained by `next` */
    struct hma_jinja_node *next;
} hma_jinja_node;

/* Nested deeper than that is refused, by the parser and when templates call each other. */
enum { HMA_JINJA_MAX_DEPTH = 100 };

/* The statements of a template (NULL when it is empty). */
hma_status hma_jinja_parse(hma_arena *arena, const char *source, size_t length, hma_jinja_node **out);

#endif
