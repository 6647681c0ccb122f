/*
 * Runs: a folder with the journal of a sweep or a search - everything needed to resume, audit and export it.
 *
 * RUN/journal.sqlite holds inputs with their SHA-256, the suite, settings, candidates, and per-item scores, one
 * transaction per finished candidate. A kill -9 at any moment loses at most the candidate in flight; running the same line
 * again scores only what is missing, and the finished front has the same bits as an uninterrupted run's.
 *
 * Thread rule: one thread at a time per run, for reading as well. Several processes may read a run while one writes to it.
 */
#ifndef HMA_RUN_H
#define HMA_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/context.h"
#include "hma/error.h"
#include "hma/eval.h"
#include "hma/recipe.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hma_run hma_run;

typedef enum hma_origin { HMA_ORIGIN_ENDPOINT = 0, HMA_ORIGIN_GRID, HMA_ORIGIN_SEARCH, HMA_ORIGIN_EXTRA } hma_origin;
HMA_API const char *hma_origin_name(hma_origin origin);

typedef struct hma_run_setup {
    const char *pre;          /* folders */
    const char *post;
    const char *base;         /* folder of a third model, for recipes whose base it is; NULL: none */
    const char *suite;        /* path of the suite file */
    hma_recipe_spec recipe;   /* method, policy, rounding, dtype, seed, blocks, overrides of all candidates; its ratios are not
                                 looked at, `layers` is filled in by the run */
    hma_model_options model;
    hma_bos bos;
    hma_prompt_split prompts;
    hma_item_split items;     /* HMA_ITEMS_TEST for runs that search: the others are for choosing ratios */
    size_t limit;
    const char *command_line; /* kept as history, a line for each that adds candidates */
} hma_run_setup;

/*
 * Opens a run for scoring: makes the folder and its journal, or resumes what is there. Pre and post are added as candidates:
 * the plain checkpoints, whatever policy, output type or overrides the run's recipes have.
 * One process at a time: a second one gets HMA_FAILURE saying who holds it.
 * @return HMA_USAGE for a folder that holds something else and no journal, HMA_INCOMPATIBLE naming everything that differs when
 *         the folder belongs to other inputs, another suite or other settings (paths, threads and memory may differ),
 *         HMA_BAD_DATA for a damaged or foreign journal, HMA_IO.
 */
HMA_API HMA_MUST_CHECK hma_status hma_run_begin(hma_run **out, hma_context *context, const char *folder,
                                                const hma_run_setup *setup);

/* Opens a run for reading only (front, export, verify), also while another process scores: sees what was finished when it was
 * opened. Changes nothing, apart from undoing a commit in which a process was killed. */
HMA_API HMA_MUST_CHECK hma_status hma_run_open(hma_run **out, const char *folder);
HMA_API void hma_run_close(hma_run *run);
/*
 * Closes a run whose candidates could not be added, or not even pre and post be scored. A run that this process has begun and that holds no scores yet goes away
 * together with its folder, so that a slip in the options does not decide what the folder belongs to; any other stays.
 */
HMA_API void hma_run_abandon(hma_run *run);

/* Adds a candidate unless one with the same recipe id is there. `label` may be NULL: made from the ratios ("0.4/0.7/1").
 * @return HMA_USAGE when the label belongs to another candidate. */
HMA_API HMA_MUST_CHECK hma_status hma_run_add(hma_run *run, const hma_recipe *recipe, hma_origin origin, const char *label);

/*
 * Adds the uniform ratios from..to in steps ("0:1:0.1", the end included), all combinations of levels over the run's blocks
 * ("0,0.5,1"), or the recipes of a JSONL file: one object a line as in hma_recipe_parse(), and optionally a "label"; what a
 * line leaves out is taken from the run. All of them or, on an error, none.
 */
HMA_API HMA_MUST_CHECK hma_status hma_run_add_grid(hma_run *run, const char *range);
HMA_API HMA_MUST_CHECK hma_status hma_run_add_levels(hma_run *run, const char *levels);
HMA_API HMA_MUST_CHECK hma_status hma_run_add_file(hma_run *run, const char *path);

/*
 * Scores every candidate that has no scores yet: pre and post first, then merges that begin alike one after the other, because
 * they share what they have in common. The order changes no score. A merge whose scores are not finite is recorded as failed
 * and the others go on.
 * @return HMA_INTERRUPTED after a cancel, with all finished candidates committed; HMA_NON_FINITE for pre and post themselves;
 *         any other failure stops the run, and the same call goes on where it stopped.
 */
HMA_API HMA_MUST_CHECK hma_status hma_run_score(hma_run *run);

/*
 * Adds points of comparison, which are no merges of pre and post and are never recommended; origin is HMA_ORIGIN_EXTRA.
 *
 * A checkpoint of another training run of the same model (an early stop, another KL penalty, a merged LoRA), scored as it is
 * under the label `name`. Its weights are read once for their SHA-256, which is what the candidate is: the folder may move, but
 * what is in it is compared again before it is scored, and the same name for another checkpoint is HMA_INCOMPATIBLE. So is a
 * folder that hma cannot score, or whose tokenizer is not the run's.
 *
 * Logit mixtures: hma_mixture with weights from..to of post in steps, as in hma_run_add_grid(). Nothing is merged; every token
 * costs both models. Weights 0 and 1 are pre and post themselves and are left out.
 */
HMA_API HMA_MUST_CHECK hma_status hma_run_add_extra(hma_run *run, const char *name, const char *folder);
HMA_API HMA_MUST_CHECK hma_status hma_run_add_mixtures(hma_run *run, const char *range);

typedef enum hma_candidate_kind {
    HMA_CANDIDATE_MERGE = 0,  /* a recipe over pre and post; pre and post themselves */
    HMA_CANDIDATE_CHECKPOINT, /* another folder, as it is */
    HMA_CANDIDATE_MIXTURE     /* pre and post side by side, their log-probabilities averaged */
} hma_candidate_kind;

/* What hma_run_score() would do now, and how long it would take. */
typedef struct hma_run_plan {
    size_t candidates;      /* that have no scores yet */
    hma_cost candidate; /* one of them by itself */
    double passes;          /* how many such they come to together: layers that several have in common count once */
    double flops, seconds;  /* of all */
    double measured; /* seconds that those merges took on average that `before` has scored; NaN: none */
} hma_run_plan;
/*
 * `before` is a run of the same candidates, whose scores need not be found again, and from which the length of replies and
 * the time of a merge are learnt; NULL: there is none.
 * @return HMA_USAGE for a run that was opened for reading.
 */
HMA_API HMA_MUST_CHECK hma_status hma_run_estimate(hma_run *run, const hma_run *before, hma_run_plan *out);

/* Candidates in the order in which they were added: pre, post, then the others. */
typedef struct hma_candidate {
    const char *id;    /* hma_recipe_id(); of others than merges a digest of what they are */
    const char *label; /* unique in the run */
    hma_origin origin;
    hma_candidate_kind kind;
    const hma_recipe *recipe; /* NULL unless a merge */
    double mean_ratio;        /* of a merge; of a mixture its w; NaN of a checkpoint */
    const char *folder;       /* of a checkpoint: where it was last, and the SHA-256 of its weights; else NULL */
    const char *sha256;
    bool scored;
    bool searched;       /* found by a search that did not choose it: has scores on search items only, and gets no others */
    const char *dropped; /* why a race ended for it before the last item; NULL otherwise */
    const char *failure; /* why it has no scores and gets none (values that are not finite); NULL otherwise */
    double seconds;
} hma_candidate;
/* "linear", "slerp", ..; "checkpoint"; "logit-mixture". */
HMA_API const char *hma_candidate_method(const hma_candidate *candidate);
HMA_API size_t hma_run_candidate_count(const hma_run *run);
HMA_API const hma_candidate *hma_run_candidate(const hma_run *run, size_t index);
/* Finds a candidate by id, unique id prefix, or label; HMA_USAGE when there is none or several. */
HMA_API HMA_MUST_CHECK hma_status hma_run_find(const hma_run *run, const char *name, size_t *index);
/*
 * The per-item scores of one candidate as they were journalled, bit for bit; freed with hma_result_free(). A candidate that
 * failed has the same tasks and items as the others, with NaN everywhere.
 * @return HMA_USAGE when it has not been scored yet.
 */
HMA_API HMA_MUST_CHECK hma_status hma_run_result(const hma_run *run, size_t index, hma_result **out);

/* Facts of the run. Keys: "pre", "post", "suite" (paths), "pre_sha256", "post_sha256", "suite_sha256", "suite_name",
 * "command_line", "hma_version", "precision", "backend", "kernels", "seed", "blocks", "layers", ..; NULL when not recorded. */
HMA_API const char *hma_run_fact(const hma_run *run, const char *key);
/* The folder, as it was given. */
HMA_API const char *hma_run_folder(const hma_run *run);
HMA_API size_t hma_run_layers(const hma_run *run);
/*
 * The block structure in which the ratios of all candidates can be written: the one that all candidates of several blocks
 * share, one block when there are none, one block per layer when they disagree.
 */
HMA_API size_t hma_run_blocks(const hma_run *run);
/* First layer of a block of that structure. */
HMA_API size_t hma_run_block_start(const hma_run *run, size_t block);
/* Ratio of a candidate in a block of that structure; of a mixture its w, of a checkpoint NaN. */
HMA_API double hma_run_ratio(const hma_run *run, size_t candidate, size_t block);

/* Checks the journal: SQLite's own integrity check, schema, that every scored candidate has every item, that each recipe
 * still has its id, and that all rows have the SHA-256 with which they were written (journals that an older hma began may have
 * none: the report says so). *report is a short text, freed with hma_text_free(). HMA_BAD_DATA when something is wrong. */
HMA_API HMA_MUST_CHECK hma_status hma_run_verify(const char *folder, char **report);

/* What a verified run holds: the numbers of that text. */
typedef struct hma_verified {
    size_t candidates;                          /* of which */
    size_t scored, failed, waiting;             /* on all items; `waiting` has no scores yet */
    size_t searched, dropped;                   /* scored on search items only; stopped early by a race */
    size_t answers;                             /* scores of items */
    size_t without_digest;                      /* scored by an older hma that took no SHA-256 of the scores */
} hma_verified;

/* The same with the numbers beside the text. */
HMA_API HMA_MUST_CHECK hma_status hma_run_verify_counted(const char *folder, hma_verified *out, char **report);

#ifdef __cplusplus
}
#endif
#endif
