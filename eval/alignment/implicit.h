/* The implicit reward (Rafailov et al. 2023, without the constant): log post - log pre, summed over the tokens of a reply. */
#ifndef HMA_ALIGNMENT_IMPLICIT_H
#define HMA_ALIGNMENT_IMPLICIT_H

#include "eval/alignment/judge.h"

typedef struct hma_implicit hma_implicit;

/* Both checkpoints must outlive it. */
hma_status hma_implicit_open(hma_implicit **out, hma_context *context, const hma_checkpoint *pre, const hma_checkpoint *post,
                             const hma_model_options *options);
void hma_implicit_close(hma_implicit *implicit);

/* One of the two. */
const hma_model *hma_implicit_model(const hma_implicit *implicit);
/* Operations of both models so far. */
double hma_implicit_flops(const hma_implicit *implicit);

/* An empty reply is worth 0. The token that ends a reply is not part of it. */
hma_status hma_implicit_score(hma_implicit *implicit, const hma_reply *replies, size_t count, double *scores);

#endif
