/* Between the two halves of the parser: expressions and statements. */
#ifndef HMA_TOKENIZER_JINJA_PARSER_H
#define HMA_TOKENIZER_JINJA_PARSER_H

#include "eval/tokenizer/jinja/ast.h"
#include "eval/tokenizer/jinja/lexer.h"

typedef struct hma_jinja_parser {
    hma_arena *arena;
    const hma_jinja_token *at; /* the next token */
    size_t depth;
} hma_jinja_parser;

/* "chat template: line N: WHAT (expected EXPECTED): ..." */
hma_status hma_jinja_fault(const hma_jinja_parser *p, const char *what);
hma_status hma_jinja_node_new(hma_jinja_parser *p, hma_jinja_kind kind, hma_jinja_node **out);
/* Appends to a chained list, whose `end` is where the next node goes. */
void hma_jinja_append(hma_jinja_node ***end, hma_jinja_node *node);

bool hma_jinja_at_operator(const hma_jinja_parser *p, const char *text);
bool hma_jinja_at_name(const hma_jinja_parser *p, const char *text);
/* Steps over the token if it is that one. */
bool hma_jinja_take_operator(hma_jinja_parser *p, const char *text);
bool hma_jinja_take_name(hma_jinja_parser *p, const char *text);
hma_status hma_jinja_want_operator(hma_jinja_parser *p, const char *text);
/* Any name, which is not a keyword. */
hma_status hma_jinja_want_name(hma_jinja_parser *p, const char **text, size_t *length);

/* A whole expression; without `conditional`, one that has no "if": what a loop runs over, what an if asks. */
hma_status hma_jinja_expression(hma_jinja_parser *p, bool conditional, hma_jinja_node **out);
/* One or more expressions with commas between them: a list when there are several. */
hma_status hma_jinja_expressions(hma_jinja_parser *p, hma_jinja_node **out);

#endif
