/* What questions cost before they are asked: tokens, operations, memory; and how fast this machine multiplies. */
#ifndef HMA_EVAL_TRANSFORMER_ESTIMATE_H
#define HMA_EVAL_TRANSFORMER_ESTIMATE_H

#include "hma/model.h"

typedef struct hma_work {
    double tokens;     /* that go through the layers, shared prefixes once */
    double new_tokens; /* of these: generated */
    double layer_flops;
    double head_flops;
    double answers; /* positions that are asked for */
} hma_work;

/* Adds what scoring these takes. */
hma_status hma_model_add_pairs(const hma_model *model, const hma_loglikelihood *pairs, size_t count, hma_work *work);
/* Adds what the prompts of these take, without the replies. */
hma_status hma_model_add_prompts(const hma_model *model, const hma_generation *generations, size_t count, hma_work *work);
/* Adds a reply of so many tokens, token by token or in one pass. */
void hma_model_add_reply(const hma_model *model, const hma_generation *request, double tokens, hma_work *work);
/* Adds a pass over sequences of `tokens` tokens each, of which one position is asked. */
void hma_model_add_sequences(const hma_model *model, size_t count, double tokens, hma_work *work);

/* Operations per second in products of the model's shape and kernels, on all threads; takes about a tenth of a second. */
hma_status hma_model_rate(const hma_model *model, double *rate);

/* Passes over the layers that so many tokens take, within the memory that is left. */
double hma_model_passes(const hma_model *model, double tokens);
/* Seconds in which all layers are read, merged and packed, judged by one of them; 0 for weights that stay in memory. */
hma_status hma_model_reading_seconds(hma_model *model, double *seconds);

/* Bytes that the work may have in memory at once beside the weights, within the budget. */
uint64_t hma_model_work_bytes(const hma_model *model, const hma_work *work);
/* The same of keys and values while replies are given to prompts of so many tokens in all; with the screen of the head when any
 * of them is `screened` (hma_screen_serves()). */
uint64_t hma_model_reply_bytes(const hma_model *model, double prompts, double replies, bool screened);
/* The same of what is kept for other models and passes (trunk.h), of questions and of prompts and replies. */
uint64_t hma_model_kept_bytes(const hma_model *model, double questions, double replies);

#endif
