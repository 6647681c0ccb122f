/*
 * Reverse mode: from a weighted sum of log-probabilities back through head and layers to the ratios of a merge.
 *
 * The forward pass keeps what went into each layer; everything inside a layer is computed again on the way back. What comes out
 * is, for every sequence of the batch and every tensor of the source, the derivative of the sequence's sum along that tensor's
 * change.
 */
#ifndef HMA_EVAL_TRANSFORMER_BACKWARD_H
#define HMA_EVAL_TRANSFORMER_BACKWARD_H

#include "eval/transformer/backward_weights.h"
#include "eval/transformer/forward.h"

typedef struct hma_reverse {
    hma_engine *engine; /* its `inputs` hold what went into each layer */
    hma_backward_weights *weights;
    const hma_source *source;
    const hma_batch *batch; /* sequences are runs of their own, as hma_batch_separate() makes them */
    float *g;               /* [rows, hidden] derivative by the residual stream where the walk has come to */
    double *sums;           /* [runs, tensors of the source], added to */
} hma_reverse;

/* A position whose next token's log-probability counts. */
typedef struct hma_target {
    size_t row, run; /* of the batch */
    int32_t id;
    double weight;
} hma_target;

/*
 * Log-probabilities of the targets given x[rows, hidden], the residual stream after the layers. With `reverse` also the
 * derivative of their weighted sum by x, into reverse->g, and by head and final norm. A row is the target of one id at most.
 * (backward_head.c)
 */
hma_status hma_reverse_head(hma_engine *engine, const float *x, const hma_target *targets, size_t count, double *logprob,
                            const hma_reverse *reverse);

/* Back through all layers. `tally` counts the rows three times: computing again, derivatives by inputs, derivatives by ratios.
 */
hma_status hma_reverse_layers(const hma_reverse *reverse, const hma_tally *tally);

/* The embeddings' sums. */
hma_status hma_reverse_embed(const hma_reverse *reverse);

/* Adds the sums of rows, [row, count] for `tensors`, to those of the runs: row after row. row_run tells the run of each row. */
void hma_reverse_add(const hma_reverse *reverse, const hma_tensor *const *tensors, size_t count, size_t rows,
                     const double *row_sums, const size_t *row_run);

#endif
