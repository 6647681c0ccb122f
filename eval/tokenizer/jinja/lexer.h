/*
 * Jinja's tokens. Texts between the tags come with white space already controlled, as transformers sets it up: trim_blocks and
 * lstrip_blocks on, one line end at the end of the template dropped.
 */
#ifndef HMA_TOKENIZER_JINJA_LEXER_H
#define HMA_TOKENIZER_JINJA_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "eval/tokenizer/jinja/arena.h"
#include "hma/error.h"

typedef enum hma_jinja_token_kind {
    HMA_JINJA_END,
    HMA_JINJA_DATA,        /* text between tags */
    HMA_JINJA_PRINT_BEGIN, /* {{ */
    HMA_JINJA_PRINT_END,
    HMA_JINJA_BLOCK_BEGIN, /* {% */
    HMA_JINJA_BLOCK_END,
    HMA_JINJA_NAME,
    HMA_JINJA_STRING, /* text: without quotes and escapes */
    HMA_JINJA_INTEGER,
    HMA_JINJA_OPERATOR /* text: + - * / // % ** ~ == != < <= > >= = . : , | ( ) [ ] { } */
} hma_jinja_token_kind;

typedef struct hma_jinja_token {
    hma_jinja_token_kind kind;
    const char *text; /* terminated where it is a name, a string or an operator */
    size_t length;
    long long number;
    size_t line;
} hma_jinja_token;

/* All tokens, ending with HMA_JINJA_END; everything lies in the arena. */
hma_status hma_jinja_lex(hma_arena *arena, const char *source, size_t length, hma_jinja_token **tokens);

#endif
