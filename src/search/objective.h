/*
 * The proxy objective of HMA (Lin et al., eq. 9): the mean log-likelihood, in nats per token, of fixed texts under the merged
 * model, as a function of the K ratios, with its exact gradient. The merge is not rounded to the stored type here: rounding
 * makes the objective piecewise constant, and a gradient of that is of no use.
 */
#ifndef HMA_SEARCH_OBJECTIVE_H
#define HMA_SEARCH_OBJECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/checkpoint.h"
#include "hma/context.h"
#include "hma/error.h"
#include "hma/model.h"
#include "hma/recipe.h"

typedef struct hma_objective hma_objective;

typedef struct hma_objective_options {
    hma_recipe_spec recipe;  /* blocks, policy, overrides; ratios and output type are not looked at. `blocks` must be given */
    hma_model_options model; /* precision must be HMA_FP32 */
    size_t block_length; /* texts are joined and cut into blocks of so many tokens, the rest is dropped; 0: each text by itself.
                            The paper's is 512; never more than the model reads */
    bool responses_only; /* the paper counts the prompts' tokens too */
} hma_objective_options;

/* Recipe defaults with one block, fp32, 512 tokens, prompts count. */
hma_objective_options hma_objective_options_default(void);

/*
 * `text` is JSONL as in search/distillation.h, `name` what messages call it. Checkpoints and context must outlive the
 * objective.
 * @return HMA_BAD_DATA naming the line; HMA_USAGE when no token is left to count.
 */
hma_status hma_objective_new(hma_objective **out, hma_context *context, const hma_checkpoint *pre, const hma_checkpoint *post,
                             const char *text, const char *name, const hma_objective_options *options);
void hma_objective_free(hma_objective *objective);

/* K: how many ratios it takes. */
size_t hma_objective_blocks(const hma_objective *objective);
/* Tokens whose log-likelihood is averaged, and tokens that go through the layers, in one evaluation. */
size_t hma_objective_tokens(const hma_objective *objective);
size_t hma_objective_cost(const hma_objective *objective);

/* Value and, unless NULL, gradient[K]. An hma_objective_fn (search/solver.h) with the objective as `user`. */
hma_status hma_objective_evaluate(void *objective, const double *ratios, size_t count, double *value, double *gradient);

/* Passages, and the same on one of them: an hma_batch_fn. */
size_t hma_objective_passages(const hma_objective *objective);
hma_status hma_objective_evaluate_passage(void *objective, size_t passage, const double *ratios, size_t count, double *value,
                                          double *gradient);

/* How many matrices of linear maps each block has: maps[K]. */
void hma_objective_linear_maps(const hma_objective *objective, size_t *maps);

#endif
