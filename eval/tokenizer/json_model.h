/*
 * The "model" of tokenizer.json, read event by event because vocabularies are large: BPE and Unigram. Everything is checked:
 * ids in proportion to the file and unique, texts unique, merges only of tokens that exist into one that exists.
 */
#ifndef HMA_TOKENIZER_JSON_MODEL_H
#define HMA_TOKENIZER_JSON_MODEL_H

#include "base/json_scan.h"
#include "eval/tokenizer/bpe.h"
#include "eval/tokenizer/unigram.h"
#include "eval/tokenizer/vocabulary.h"

typedef struct hma_json_model {
    hma_vocabulary vocabulary;
    bool is_unigram;
    hma_bpe bpe;
    hma_unigram unigram;
    bool unigram_byte_fallback;
    int32_t unigram_byte_ids[256];
} hma_json_model;

/* Reads the value that `event` begins. On failure there is nothing to free. */
hma_status hma_json_model_read(hma_json_model *out, hma_json_scan *scan, hma_json_event event);
void hma_json_model_free(hma_json_model *model);

#endif
