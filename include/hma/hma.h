/*
 * libhma: heterogeneous averaging of a language model before and after RLHF, scored on the CPU.
 *
 * The flow of data is the order of these headers: two checkpoints are opened, a recipe says how they are merged, the merged
 * view is a source of tensors, the transformer scores it, a suite says on what, a run collects candidates and their scores,
 * the front says which to ship, exports carry it elsewhere.
 *
 *     hma_checkpoint *pre, *post;     hma_checkpoint_open(&pre, "sft"); hma_checkpoint_open(&post, "dpo");
 *     hma_recipe *recipe;             hma_recipe_new(&recipe, &spec);
 *     hma_source *merged;             hma_source_merged(&merged, pre, post, recipe);
 *     hma_evaluator *evaluator;       hma_evaluator_new(&evaluator, context, suite, "dpo", NULL);
 *     hma_result *result;             hma_evaluator_run(evaluator, merged, &result);
 *
 * Conventions: out-parameters come first and are touched only on success; what has a _new/_open has a _free/_close that
 * accepts NULL; "folder" is a Hugging Face model folder; text is UTF-8 and zero-terminated; sizes are elements unless a name
 * says bytes; ratio is the weight of post.
 */
#ifndef HMA_HMA_H
#define HMA_HMA_H

#include "hma/checkpoint.h"
#include "hma/context.h"
#include "hma/error.h"
#include "hma/eval.h"
#include "hma/export.h"
#include "hma/front.h"
#include "hma/merge.h"
#include "hma/model.h"
#include "hma/recipe.h"
#include "hma/requests.h"
#include "hma/run.h"
#include "hma/run_search.h"
#include "hma/sensitivity.h"
#include "hma/text.h"
#include "hma/tokenizer.h"
#include "hma/version.h"

#endif
