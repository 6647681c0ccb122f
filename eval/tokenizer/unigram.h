/*
 * The unigram model of sentencepiece and of tokenizer.json: the cut of a text into pieces whose scores add up to the most,
 * found by dynamic programming over the places where characters end.
 */
#ifndef HMA_TOKENIZER_UNIGRAM_H
#define HMA_TOKENIZER_UNIGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eval/tokenizer/trie.h"
#include "hma/error.h"

typedef struct hma_unigram {
    hma_trie *trie;   /* ids by text, owned */
    double *scores;   /* [by id], owned */
    int32_t unknown;  /* id of a character that no piece covers; -1: such a text is refused */
    double unknown_score;
    bool single; /* sums are rounded to float, as sentencepiece does; the tokenizers library keeps doubles */
} hma_unigram;

void hma_unigram_free(hma_unigram *unigram);

/* A piece found: bytes [start, end) of the text. */
typedef struct hma_span {
    size_t start, end;
    int32_t id;
} hma_span;

typedef struct hma_span_list {
    hma_span *items;
    size_t count, capacity;
} hma_span_list;

hma_status hma_span_list_add(hma_span_list *list, hma_span span);
void hma_span_list_free(hma_span_list *list);

/* Appends the best cut, in order; characters that no piece covers are spans of their own with the unknown id. */
hma_status hma_unigram_cut(const hma_unigram *unigram, const char *text, size_t length, hma_span_list *out);

#endif
