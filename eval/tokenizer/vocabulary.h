/* Tokens by id and by text. Ids need not be dense, but every id and every text occurs once. */
#ifndef HMA_TOKENIZER_VOCABULARY_H
#define HMA_TOKENIZER_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text_set.h"
#include "hma/error.h"

typedef struct hma_vocabulary {
    hma_text_set texts; /* with ids as values */
    uint32_t *entry;    /* [capacity] by id: number in `texts` + 1, 0 where an id has no token */
    size_t capacity;
    size_t size; /* one more than the largest id */
} hma_vocabulary;

void hma_vocabulary_free(hma_vocabulary *vocabulary);

/* What is wrong with a new entry. */
typedef enum hma_vocabulary_clash { HMA_NO_CLASH, HMA_SAME_TEXT, HMA_SAME_ID } hma_vocabulary_clash;

/* Adds a token, or says why not. The caller has checked that ids are not out of proportion: memory grows with the largest. */
hma_status hma_vocabulary_add(hma_vocabulary *vocabulary, const char *text, size_t length, int32_t id,
                              hma_vocabulary_clash *clash);

/* -1 when there is no such token. */
int32_t hma_vocabulary_id(const hma_vocabulary *vocabulary, const char *text, size_t length);
/* Not terminated; NULL when the id has no token. */
const char *hma_vocabulary_text(const hma_vocabulary *vocabulary, int32_t id, size_t *length);

/* Ids of the byte tokens <0x00> .. <0xFF>, -1 where there is none. */
void hma_vocabulary_byte_ids(const hma_vocabulary *vocabulary, int32_t ids[256]);
/* The byte that a token of that form stands for, -1 when it has another form (hexadecimal digits of any case). */
int hma_byte_of_token(const char *text, size_t length);

#endif
