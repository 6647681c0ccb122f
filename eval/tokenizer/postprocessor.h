/*
 * The post-processor of tokenizer.json: which special tokens stand before and behind a text.
 * Supported: TemplateProcessing, ByteLevel (which only trims offsets), RobertaProcessing, BertProcessing, Sequence.
 */
#ifndef HMA_TOKENIZER_POSTPROCESSOR_H
#define HMA_TOKENIZER_POSTPROCESSOR_H

#include <cjson/cJSON.h>

#include "eval/tokenizer/id_list.h"

typedef struct hma_postprocessor {
    hma_id_list before, behind;
} hma_postprocessor;

/* Reads the component (NULL or null: nothing is added). `name` is the document. On failure there is nothing to free. */
hma_status hma_postprocessor_from_json(hma_postprocessor *out, const cJSON *json, const char *name);
/* One token before and one behind; -1 for none. */
hma_status hma_postprocessor_from_ids(hma_postprocessor *out, int32_t before, int32_t behind);
void hma_postprocessor_free(hma_postprocessor *postprocessor);

#endif
