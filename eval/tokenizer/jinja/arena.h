/* Memory that is freed all at once: nodes of a template, values of one rendering. */
#ifndef HMA_TOKENIZER_JINJA_ARENA_H
#define HMA_TOKENIZER_JINJA_ARENA_H

#include <stddef.h>

typedef struct hma_arena {
    struct hma_arena_block *blocks;
    size_t total; /* bytes handed out */
    size_t limit; /* more than that is refused */
} hma_arena;

/* Zeroed; NULL with the error set. */
void *hma_arena_get(hma_arena *arena, size_t bytes);
/* A copy with a terminator; NULL with the error set. */
char *hma_arena_copy(hma_arena *arena, const char *text, size_t length);
void hma_arena_free(hma_arena *arena);

#endif
