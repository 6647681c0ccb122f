/*
 * Log-likelihoods of passages under a merge, and their exact derivatives by the ratio of every tensor.
 *
 * The derivative is of the merge that is computed. Where merged weights are rounded to a stored type, log-likelihoods are
 * piecewise constant; a merge whose recipe has the output type F32 is smooth to fp32's accuracy, and is what a search wants.
 */
#ifndef HMA_EVAL_TRANSFORMER_GRADIENT_H
#define HMA_EVAL_TRANSFORMER_GRADIENT_H

#include "hma/model.h"

/* A text, all or some of whose tokens count. */
typedef struct hma_passage {
    hma_ids ids;                 /* two or more, at most one more than the model's max_length; borrowed */
    const unsigned char *counts; /* [ids.count] whether the log-likelihood of ids[i] after those before it counts; the first
                                    one's never does. NULL: all others do. Borrowed */
    double logprob;              /* answer: sum over the tokens that count, in nats; 0 when there are none */
} hma_passage;

/*
 * Fills logprob of every passage and, unless `gradient` is NULL, gradient[count, tensors of the model's source]: the derivative
 * of each passage's logprob by each tensor's ratio. What shares the call, the number of threads and the memory budget change no
 * bit (with OpenBLAS: the memory budget may).
 * @return HMA_USAGE when a gradient is asked of a model that does not compute in fp32, or of a source that is no merge;
 * HMA_BAD_DATA (ids, lengths, a reward model), HMA_NON_FINITE, HMA_INTERRUPTED.
 */
hma_status hma_model_passages(hma_model *model, hma_passage *passages, size_t count, double *gradient);

/* Positions that go through the layers for one passage. */
static inline size_t hma_passage_rows(const hma_passage *passage) { return passage->ids.count - 1; }

#endif
