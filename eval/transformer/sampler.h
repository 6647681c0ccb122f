/* From one row of logits to the next token. */
#ifndef HMA_EVAL_TRANSFORMER_SAMPLER_H
#define HMA_EVAL_TRANSFORMER_SAMPLER_H

#include "eval/transformer/kernels/kernels.h"

/*
 * The next token of a generation whose `position`th new token it will be (0 is the first). `logits` are changed. Greedy takes
 * the first argmax; otherwise top-k, then top-p (as transformers' warpers, after the temperature), then Gumbel-max with noise
 * that is a function of (seed, stream, sample, position, token) only.
 */
hma_status hma_sample(const hma_vector *vector, const hma_generation *request, size_t position, float *logits, size_t count,
                      int32_t *out);

/* The same of `count` logits within bounds, for a request without top-k and top-p. */
int32_t hma_sample_screened(const hma_vector *vector, const hma_generation *request, size_t position,
                            const hma_screened *screened, size_t count);

#endif
