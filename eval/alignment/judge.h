/*
 * A judge gives every reply of a model a number: the reward of a reward model, the implicit reward (log post - log pre of the
 * reply's tokens), or what an external scorer says. It is opened once and judges the replies of any number of models.
 */
#ifndef HMA_ALIGNMENT_JUDGE_H
#define HMA_ALIGNMENT_JUDGE_H

#include <stddef.h>
#include <stdint.h>

#include "eval/alignment/spec.h"
#include "hma/context.h"
#include "hma/error.h"
#include "hma/eval.h"
#include "hma/model.h"
#include "hma/tokenizer.h"

/* One reply of the model that is being judged. */
typedef struct hma_reply {
    const char *prompt_id;
    const char *prompt; /* as the suite has it */
    const char *shown;  /* as the model saw it */
    const char *text;   /* what it said, without special tokens */
    uint32_t sample;
    hma_ids shown_ids, text_ids;
} hma_reply;

typedef struct hma_judge hma_judge;

/*
 * `tokenizer` is that of the models to be judged; spec, tokenizer and context must outlive the judge. `options` gives
 * precision, and for the implicit reward pre and post.
 */
hma_status hma_judge_open(hma_judge **out, hma_context *context, const hma_alignment_spec *spec, const hma_tokenizer *tokenizer,
                          const hma_eval_options *options);
void hma_judge_close(hma_judge *judge);

/* What judges, for estimates: the reward model, or one of the two of the implicit reward; NULL for an external scorer. */
const hma_model *hma_judge_model(const hma_judge *judge);
/* How many of them read every reply. */
size_t hma_judge_models(const hma_judge *judge);
/* Floating point operations of its models so far; 0 for an external scorer. */
double hma_judge_flops(const hma_judge *judge);

/*
 * Whether scores are the same, and cost the same, when replies are judged in several calls: not where a model is read anew for
 * each call, where bits depend on what shares a batch, or where a program is started.
 */
bool hma_judge_takes_parts(const hma_judge *judge);

/* scores[count], all finite. */
hma_status hma_judge_score(hma_judge *judge, const hma_reply *replies, size_t count, double *scores);

#endif
