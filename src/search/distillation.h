/*
 * D_theta, the texts of the proxy objective (Lin et al., "Mitigating the Alignment Tax of RLHF", eq. 8 and appendix D.5):
 * replies of post to the search prompts, the best-rewarded of them kept, some of those drawn. A JSONL text, one object a line:
 *
 *     {"prompt":"..","response":"..","ended":true,"reward":1.25}
 *
 * "prompt" is what the model sees, chat template included, and "response" what it says next; "ended" (false when absent) tells
 * that the end-of-text token followed; "reward" is not looked at. A user's own file has the same form.
 */
#ifndef HMA_SEARCH_DISTILLATION_H
#define HMA_SEARCH_DISTILLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/checkpoint.h"
#include "hma/context.h"
#include "hma/error.h"
#include "hma/eval.h"

typedef struct hma_distillation_options {
    size_t best;    /* replies of the highest reward from which is drawn; 0: 5000, but at most half of them all */
    size_t drawn;   /* how many of those are drawn; 0: 2000, but at most two fifths of `best` */
    size_t samples; /* replies to each prompt; 0: as many as the suite's alignment measure asks for */
    uint64_t seed;  /* of the replies' noise and of the draw; 0: the suite's */
} hma_distillation_options;

/*
 * Has post answer the suite's search prompts and keeps the best replies. The same inputs give the same text. *text (terminated)
 * is freed with hma_text_free(). `options` may be NULL.
 * @return HMA_USAGE when the suite has no search prompts or no way to reward replies.
 */
hma_status hma_distillation_build(char **text, hma_context *context, const hma_suite *suite, const hma_checkpoint *pre,
                                  const hma_checkpoint *post, const hma_eval_options *evaluation,
                                  const hma_distillation_options *options);

/* Reads a file of that form; every line is checked. HMA_BAD_DATA naming file and line. */
hma_status hma_distillation_load(char **text, const char *path);

typedef struct hma_distillation_line {
    const char *prompt, *response;
    bool ended;
} hma_distillation_line;

/* Hands out every line of such a text; `where` is "NAME:LINE". Ends with the first failure. */
typedef hma_status (*hma_distillation_fn)(void *user, const hma_distillation_line *line, const char *where);
hma_status hma_distillation_each(const char *text, const char *name, hma_distillation_fn take, void *user);

#endif
