/*
 * External scorers: a program that reads replies from standard input, one JSON object a line,
 *     {"id":"17","prompt_id":"hh-3","sample":0,"prompt":"..","reply":"..","text":".."}
 * and writes, in any order, one line for each to standard output:
 *     {"id":"17","score":1.5}
 * `text` is what a reward model would read (the suite's "reward_text"); further keys in the answer are not looked at.
 */
#ifndef HMA_ALIGNMENT_SCORER_H
#define HMA_ALIGNMENT_SCORER_H

#include "base/buffer.h"
#include "eval/alignment/judge.h"

/* texts[count]: the "text" of each reply. */
hma_status hma_scorer_run(hma_context *context, const hma_alignment_spec *spec, const hma_reply *replies, char *const *texts,
                          size_t count, double *scores);

#endif
