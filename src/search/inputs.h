/* What a real run scores with: two checkpoints, a suite, and the evaluator over them. */
#ifndef HMA_SEARCH_INPUTS_H
#define HMA_SEARCH_INPUTS_H

#include "hma/checkpoint.h"
#include "hma/eval.h"
#include "hma/run.h"
#include "search/facts.h"
#include "search/run_parts.h"
#include "search/upcoming.h"

typedef struct hma_inputs {
    hma_context *context;
    hma_checkpoint *pre, *post;
    hma_checkpoint *base;            /* NULL: no third model */
    const hma_checkpoint *described; /* whose config, tokenizer and end-of-sequence ids candidates have: post, or whose the
                                        extra rows are; as merges that are saved */
    const char *donor;               /* its folder */
    hma_suite *suite;
    hma_evaluator *evaluator; /* NULL until hma_inputs_prepare() */
    size_t layers;
    hma_source *last;      /* the last merge by a method that looks at whole tensors; NULL: none */
    hma_upcoming upcoming; /* what hma_inputs_arrange() was told of */
} hma_inputs;

/* Opens checkpoints and suite. HMA_INCOMPATIBLE with everything that keeps pre and post from being averaged. */
hma_status hma_inputs_open(hma_inputs **out, hma_context *context, const hma_run_setup *setup);
void hma_inputs_free(void *inputs);

/* All facts of a run with these inputs and settings; reads the weights once, for their SHA-256. (inputs_facts.c) */
hma_status hma_inputs_facts(hma_facts *facts, const hma_inputs *inputs, const hma_run_setup *setup);

/* Those of the files that the suite names: data, prompts, and what the command of an external scorer consists of.
 * (inputs_files.c) */
hma_status hma_inputs_files(hma_facts *facts, const hma_suite *suite, const char *path);

/* Tells of a checkpoint whose own end-of-sequence ids are not those of the run, given as its fact. (inputs_facts.c) */
hma_status hma_inputs_warn_eos(hma_context *context, const hma_checkpoint *checkpoint, const char *eos);

/* Makes the evaluator. */
hma_status hma_inputs_prepare(hma_inputs *inputs, const hma_run_setup *setup);

/* Scores a candidate: pre, post and other checkpoints as they are, mixtures with both, everything else merged. `user` are the
 * inputs. */
hma_status hma_inputs_score(void *user, const hma_candidate *candidate, hma_result **out);

/* Candidates that begin alike one after the other, pre and post before all. `user` are the inputs. */
hma_status hma_inputs_arrange(void *user, const hma_candidate *const *candidates, size_t count, size_t *order);

/* Which items are asked. `user` are the inputs. */
hma_status hma_inputs_select(void *user, const hma_selection *selection);

/* What one candidate costs, and how many such those that were arranged come to. `user` are the inputs. */
hma_status hma_inputs_estimate(void *user, const hma_candidate *candidate, hma_cost *out, double *passes);

/* What the candidates that are left of the arranged ones are expected to take. `user` are the inputs. */
hma_status hma_inputs_expect(void *user, const hma_candidate *const *candidates, size_t count, hma_expectation *expected);

/* Takes note of how long replies were. `user` are the inputs. */
hma_status hma_inputs_learn(void *user, const hma_result *result);

#endif
