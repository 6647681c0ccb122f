/*
 * The BPE model of tokenizer.json: a word becomes characters, then the neighbours whose merge comes first in the list of merges
 * become one symbol, again and again.
 */
#ifndef HMA_TOKENIZER_BPE_H
#define HMA_TOKENIZER_BPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eval/tokenizer/id_list.h"
#include "eval/tokenizer/merge_queue.h"
#include "eval/tokenizer/vocabulary.h"

typedef struct hma_bpe_rule hma_bpe_rule; /* a merge */

typedef struct hma_bpe {
    hma_bpe_rule *rules; /* hash table [slot_count], by the pair of ids */
    size_t rule_count, slot_count;
    bool has_unknown; /* the model names an unknown token .. */
    int32_t unknown;  /* .. which is -1 when the vocabulary lacks it */
    bool fuse_unknown, byte_fallback, ignore_merges;
    int32_t byte_ids[256];  /* of <0x00> .. <0xFF> */
    int32_t latin_ids[512]; /* of the single characters below U+0200: the byte alphabet, mostly */
} hma_bpe;

void hma_bpe_free(hma_bpe *bpe);

/* Adds the merge of rank `rank` (0, 1, ..); a pair that comes twice keeps the later rank, as in the reference. */
hma_status hma_bpe_add_rule(hma_bpe *bpe, int32_t left, int32_t right, uint32_t rank, int32_t merged);
/* Fills byte_ids and latin_ids; call when the vocabulary is complete. */
void hma_bpe_prepare(hma_bpe *bpe, const hma_vocabulary *vocabulary);
/* The merges in the order of their ranks: calls `visit` for each. */
hma_status hma_bpe_visit_rules(const hma_bpe *bpe, hma_status (*visit)(void *user, int32_t left, int32_t right), void *user);

/* Memory that encoding needs; reused from word to word. */
typedef struct hma_bpe_scratch {
    struct hma_bpe_symbol *symbols;
    size_t capacity;
    hma_merge_queue queue;
} hma_bpe_scratch;
void hma_bpe_scratch_free(hma_bpe_scratch *scratch);

/*
 * Appends the ids of one word (not empty). A character that the vocabulary lacks becomes bytes, the unknown token or, without
 * either, nothing at all: as the reference does it. HMA_BAD_DATA when the model's unknown token does not exist.
 */
hma_status hma_bpe_encode(const hma_bpe *bpe, const hma_vocabulary *vocabulary, hma_bpe_scratch *scratch, const char *word,
                          size_t length, hma_id_list *ids);

#endif
