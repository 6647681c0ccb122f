/* A trie over byte strings: finds the strings of a set that a text begins with, in time proportional to their length. */
#ifndef HMA_TOKENIZER_TRIE_H
#define HMA_TOKENIZER_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"

typedef struct hma_trie hma_trie;

typedef struct hma_trie_key {
    const char *text; /* not empty; borrowed while the trie is built */
    size_t length;
    int32_t value; /* not negative */
} hma_trie_key;

/* Of equal keys the first in the list counts. The list is sorted in place. */
hma_status hma_trie_new(hma_trie **out, hma_trie_key *keys, size_t count);
void hma_trie_free(hma_trie *trie);

/* A walk down the trie: begin with hma_trie_root, follow byte by byte. */
enum { HMA_TRIE_ROOT = 0 };
/* The node below, false when no key goes on like that. */
bool hma_trie_follow(const hma_trie *trie, uint32_t *node, char byte);
/* Value of the key that ends at a node, -1 when none does. */
int32_t hma_trie_value(const hma_trie *trie, uint32_t node);

/* Length and value of the longest key that the text begins with; 0 when there is none. NULL is an empty trie. */
size_t hma_trie_longest(const hma_trie *trie, const char *text, size_t length, int32_t *value);

#endif
