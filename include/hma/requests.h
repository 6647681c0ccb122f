/*
 * Raw requests: questions to the transformer from a JSONL file, answers to a JSONL file in the same order, joined by id.
 * Shapes of the lines: README, "Request files". Conventions (borders between context and continuation, truncation, BOS)
 * are lm-evaluation-harness 0.4.13's.
 */
#ifndef HMA_REQUESTS_H
#define HMA_REQUESTS_H

#include "hma/context.h"
#include "hma/error.h"
#include "hma/model.h"
#include "hma/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether encoding a text adds the special tokens of the tokenizer's post-processor. */
typedef enum hma_bos {
    HMA_BOS_AUTO = 0, /* the tokenizer decides; none when the text already begins with the text of the prefix token */
    HMA_BOS_YES,      /* always */
    HMA_BOS_NO        /* never: lm-evaluation-harness up to 0.4.9.1 */
} hma_bos;

/* "auto", "yes", "no"; HMA_USAGE otherwise. */
HMA_API HMA_MUST_CHECK hma_status hma_bos_parse(hma_bos *out, const char *name);

/*
 * Answers every line of `requests_path` ("-": standard input) into `answers_path` ("-": standard output is the caller's
 * business, so a path is needed; written beside and renamed into place). `tokenizer` may be NULL when all requests are
 * given in ids; `model` may be NULL when all requests are tokenize or detokenize.
 * All questions of a kind are asked in one call. Sampling noise is keyed by a request's seed, id and sample, so that neither
 * the order of a file nor its other requests change a reply.
 * @return HMA_BAD_DATA naming file and line for a malformed request, HMA_INCOMPATIBLE for one that the model or its missing
 *         tokenizer cannot answer; nothing is written then.
 */
HMA_API HMA_MUST_CHECK hma_status hma_requests_answer(hma_context *context, hma_model *model, const hma_tokenizer *tokenizer,
                                                      hma_bos bos, const char *requests_path, const char *answers_path);

#ifdef __cplusplus
}
#endif
#endif
