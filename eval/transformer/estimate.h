/* What questions cost before they are asked: tokens, operations, memory; and how fast this machine multiplies. */
#ifndef HMA_EVAL_TRANSFORMER_ESTIMATE_H
#define HMA_EVAL_TRANSFORMER_ESTIMATE_H

#include "hma/model.h"

typedef struct hma_work {
    uint64_t tokens;     /* that go through the layers, shared prefixes once, new ones included */
    uint64_t new_tokens; /* of these: generated, at most */
    double layer_flops;
    double head_flops;
    uint64_t answers; /* positions that are asked for */
} hma_work;

/* Adds what a call with these questions costs; replies count with all the tokens that they may have. */
hma_status hma_model_add_work(const hma_model *model, const hma_loglikelihood *pairs, size_t pair_count,
                              const hma_generation *generations, size_t generation_count, hma_work *work);
/* Adds a pass over sequences of `tokens` tokens each, of which one position is asked. */
void hma_model_add_sequences(const hma_model *model, size_t count, double tokens, hma_work *work);

/* Operations per second in products of the model's shape and kernels, on all threads; takes about a tenth of a second. */
hma_status hma_model_rate(const hma_model *model, double *rate);

/* Bytes that the work may have in memory at once beside the weights, within the budget. */
uint64_t hma_model_work_bytes(const hma_model *model, const hma_work *work);

#endif
