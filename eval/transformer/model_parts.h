/* What a model is made of; shared by model.c, score.c and generate.c. */
#ifndef HMA_EVAL_TRANSFORMER_MODEL_PARTS_H
#define HMA_EVAL_TRANSFORMER_MODEL_PARTS_H

#include "eval/transformer/forward.h"

struct hma_model {
    hma_context *context;
    const hma_source *source;
    hma_description description;
    hma_architecture architecture;
    hma_kernels kernels;
    hma_weights *weights;
    hma_engine engine;
    int32_t *eos;
    size_t eos_count;
    int32_t bos, pad;
    hma_model_counters counters;
};

/* HMA_BAD_DATA when an id is not in the vocabulary; `what` names the sequence. */
hma_status hma_model_check_ids(const hma_model *model, const char *what, const int32_t *ids, size_t count);

/* Rows (tokens) that may go through the layers in one pass within the memory budget. */
size_t hma_model_pass_rows(const hma_model *model);

#endif
