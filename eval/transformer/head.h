/* From hidden states to answers: log-probabilities, logits, rewards. */
#ifndef HMA_EVAL_TRANSFORMER_HEAD_H
#define HMA_EVAL_TRANSFORMER_HEAD_H

#include "eval/transformer/forward.h"
#include "eval/transformer/screen.h"

/*
 * Log-softmax at the targets: logprob[i] of targets[i] given hidden[i] ([count, hidden], after the final norm), and whether the
 * target is the first argmax; normalizer[i], unless NULL, gets the log of the sum of all exponentials. Logits exist in tiles
 * only. The log-sum-exp is put together from tiles of fixed size, in order.
 * @return HMA_NON_FINITE when a logit is not finite.
 */
hma_status hma_head_score(hma_engine *engine, const float *hidden, size_t count, const int32_t *targets, double *logprob,
                          bool *greedy, double *normalizer);

/*
 * What the next tokens are drawn from, into out[count, head rows]: what hma_screening_draw() needs, or all logits in the rows
 * that are `whole` ([count]); in all rows when *bounded is false, which is so when bounds are not possible.
 */
hma_status hma_head_next(hma_engine *engine, hma_screening *screening, const float *hidden, size_t count, const bool *whole,
                         float *out, bool *bounded);

/* All logits, capped where the architecture caps: [count, head rows]. */
hma_status hma_head_logits(hma_engine *engine, const float *hidden, size_t count, float *logits);

/* The same for several models whose weights are beside one another's: each tile of the head for all before the next one. */
typedef struct hma_head_job {
    hma_engine *engine;
    const float *hidden;
    size_t count;
    float *logits;
} hma_head_job;
hma_status hma_heads_logits(const hma_head_job *jobs, size_t count);

#endif
