/*
 * A run from the inside, shared by the files of this folder: what hma/run.h hides. Tests use it to begin runs without models
 * and to score with something else than the evaluator.
 */
#ifndef HMA_SEARCH_RUN_PARTS_H
#define HMA_SEARCH_RUN_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/course.h"
#include "hma/context.h"
#include "hma/eval.h"
#include "hma/recipe.h"
#include "hma/run.h"
#include "search/facts.h"
#include "search/journal.h"

/* The fact that tells at which tokens the replies of all candidates end. */
#define HMA_RUN_EOS "eos_token_id"

/* In the run folder, beside suite.json: every question as a request file. */
#define HMA_RUN_REQUESTS "requests.jsonl"
#define HMA_RUN_SUITE "suite.json"

/* The way to score a candidate. *out is freed with hma_result_free(). */
typedef struct hma_scorer {
    hma_status (*score)(void *user, const hma_candidate *candidate, hma_result **out);
    void *user;
    /* Whether a recipe can be scored at all, told when it is added; may be NULL. */
    hma_status (*check)(void *user, const hma_recipe *recipe);
    /*
     * Told which candidates will be scored next, puts them into the order that costs least: order[count] are their places.
     * Scores do not depend on it. NULL: they are scored in the order in which they were added.
     */
    hma_status (*arrange)(void *user, const hma_candidate *const *candidates, size_t count, size_t *order);
    /* Which items the following calls ask; NULL when there is nothing to select from. */
    hma_status (*select)(void *user, const hma_selection *selection);
    /* What scoring one candidate costs, and how many such the arranged ones come to together; may be NULL. */
    hma_status (*estimate)(void *user, const hma_candidate *candidate, hma_cost *out, double *passes);
    /* What those of the arranged ones that are left are expected to take, in the order of scoring; may be NULL. */
    hma_status (*expect)(void *user, const hma_candidate *const *candidates, size_t count, hma_expectation *expected);
    /* Shown an earlier result, for estimates; may be NULL. */
    hma_status (*learn)(void *user, const hma_result *result);
} hma_scorer;

typedef struct hma_run_entry {
    hma_candidate candidate; /* points into what follows */
    hma_recipe *recipe;
    char *label, *failure, *dropped;
    char *id, *folder, *sha256; /* of others than merges */
} hma_run_entry;

/* What a candidate is that is no recipe. */
typedef struct hma_run_source {
    hma_candidate_kind kind;
    double ratio;                /* of a mixture */
    const char *sha256, *folder; /* of a checkpoint */
} hma_run_source;

struct hma_run {
    char *folder;
    hma_journal *journal;
    hma_facts facts;
    size_t layers;
    hma_run_entry *entries; /* in the order of the journal */
    size_t entry_count, entry_capacity;
    size_t *block_start; /* [layers]: the structure that hma_run_blocks() tells of */
    size_t block_count;
    /* for scoring only */
    hma_context *context;      /* NULL in a run that is only read */
    int lock;                  /* -1 in a run that is only read */
    char *line;                /* this process's command line, until the history has it; NULL: it has, or there is none */
    bool reopened;             /* the candidates that were added last make points of what had been searched only */
    bool is_new;               /* begun by this process */
    bool abandoned;            /* closing it takes its files away */
    bool made_folder;          /* the folder is new, and goes again unless a journal comes into it */
    char *defaults;            /* the run's recipe as JSON: what a candidate's line leaves out */
    hma_method default_method; /* of its recipes */
    size_t default_blocks;     /* its blocks; 0 when it names none, and a line's own ratios say how many there are */
    struct hma_inputs *inputs; /* of a real run: the scorer's; NULL otherwise */
    hma_selection test;        /* what results are made of */
    hma_selection selected;    /* what the scorer asks now */
    hma_scorer scorer;
    void (*scorer_free)(void *user); /* may be NULL */
    hma_course course;               /* of the scoring that is under way; no steps: there is none that reports tell of */
    bool learned;                    /* the scorer has been shown what pre and post said in an earlier process */
};

/* Takes the folder for this process: makes it if it is not there, locks it, opens the journal if there is one. */
hma_status hma_run_take(hma_run **out, hma_context *context, const char *folder);

/*
 * Begins the run that was taken, or resumes it. Among the facts are "layers" and "seed"; `recipe` is the recipe of all
 * candidates, with its layers; `suite` is the text to be kept. The run's scorer is set by the caller, before or after.
 */
hma_status hma_run_start(hma_run *run, const hma_facts *facts, const hma_recipe_spec *recipe, const char *suite);

/* Adds an entry to a run in memory; the texts are copied, the recipe is the run's from now on, also on failure. */
hma_status hma_run_append(hma_run *run, hma_recipe *recipe, hma_origin origin, const char *label);
/* The same for a candidate that is no recipe. */
hma_status hma_run_append_source(hma_run *run, const hma_run_source *source, hma_origin origin, const char *label);
/* Its id: a digest of what it is, as long as a recipe's. */
hma_status hma_run_source_id(const hma_run_source *source, char id[65]);
const char *hma_candidate_kind_name(hma_candidate_kind kind);
/* Forgets the entries from `count` on. */
void hma_run_truncate(hma_run *run, size_t count);

/* Candidates were added to the run: its history gets this process's command line, unless it has it. (run_start.c) */
hma_status hma_run_note_line(hma_run *run);

/* Reads facts and candidates from the journal. */
hma_status hma_run_read(hma_run *run);

/* Makes the scorer ask these items. */
hma_status hma_run_select(hma_run *run, const hma_selection *selection);

/* Scores those of the given candidates that have no scores on the test items yet, in order. As hma_run_score() otherwise. */
hma_status hma_run_score_some(hma_run *run, const size_t *candidates, size_t count);

/* ---- run_kept.c: the files beside the journal ---- */

/* HMA_BAD_DATA when one of them is not what was written. `all`: one that is missing is an error, too. */
hma_status hma_run_check_kept(const hma_run *run, bool all);
/* Write what is missing, or everything in a run that is new. */
hma_status hma_run_keep_suite(const hma_run *run, const char *suite);
hma_status hma_run_keep_requests(hma_run *run, const hma_evaluator *evaluator);

/* ---- run_course.c: for reports, never for results ---- */

/* Shows the scorer what pre and post scored in a run with the same suite. */
hma_status hma_run_learn(hma_run *run, const hma_run *from);
/* A course over the `open` ones of the candidates, unless nobody listens or there is one already. */
void hma_run_course_begin(hma_run *run, const size_t *candidates, size_t count, size_t open);
/* Candidate open[step] comes next: what is expected of it and of those after it. */
void hma_run_course_step(hma_run *run, const size_t *open, size_t count, size_t step);
void hma_run_course_end(hma_run *run);

/* Puts entries into the order in which scoring them costs least; the scorer must have an `arrange`. */
hma_status hma_run_arrange(const hma_run *run, size_t *entries, size_t count);

/* Records a candidate's result on the test items. */
hma_status hma_run_keep_result(hma_run *run, size_t index, const hma_result *result);

/* Records that a candidate's merge is not finite: the error that was set last. HMA_NON_FINITE for pre and post. */
hma_status hma_run_keep_failure(hma_run *run, size_t index);

#endif
