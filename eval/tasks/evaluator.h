/* An evaluator as it is held in memory. Public side: hma/eval.h. */
#ifndef HMA_TASKS_EVALUATOR_H
#define HMA_TASKS_EVALUATOR_H

#include "base/buffer.h"
#include "eval/alignment/judge.h"
#include "eval/tasks/estimate.h"
#include "eval/tasks/judging.h"
#include "eval/tasks/questions.h"
#include "eval/tasks/replies_ahead.h"
#include "eval/tasks/reply_memory.h"
#include "eval/tasks/selection.h"
#include "eval/tasks/suite.h"
#include "hma/eval.h"

struct hma_evaluator {
    hma_context *context;
    const hma_suite *suite;
    hma_eval_options options;
    hma_bos bos;
    hma_tokenizer *tokenizer;
    hma_judge *judge;        /* NULL when the suite has no alignment measure */
    hma_questions questions; /* tasks in order, then the prompts, each with all its samples */
    hma_selection selection;
    hma_pick *picks; /* [tasks]: which of the suite's items are asked */
    hma_pick prompts;
    size_t *first;     /* [tasks]: the task's first pair, generation or whole text */
    hma_ids *texts;    /* whole texts, whose pairs depend on the length of the model: they are the last ones */
    size_t *text_pair; /* [text_count + 1]: the first pair of each */
    size_t text_count, text_capacity, first_text_pair;
    char **shown;       /* [prompts.count]: what the model sees of each prompt */
    size_t first_reply; /* among the generations */
    bool checked;       /* the model in hand can take these questions */
    bool *cut_told;     /* [tasks + 1], prompts last: the user knows that some are cut */
    hma_model *model;   /* of the last run, kept for its memory */
    char *model_folder; /* whose config.json describes it */
    hma_reply_memory replies;
    hma_replies_ahead ahead;
    hma_judging judging;       /* of the model that is asked now */
    hma_reply_lengths lengths; /* of the replies so far, and what follows from them */
    hma_outlay outlay;
    size_t *depths; /* [depth_count], see hma_evaluator_keep(); NULL: no other model was spoken of */
    size_t depth_count;
};

/*
 * Numbers of leading layers, rising, that the next model to be scored has in common with later ones: what it computes there is
 * kept for them. Changes nothing but time and memory.
 */
hma_status hma_evaluator_keep(hma_evaluator *evaluator, const size_t *depths, size_t count);

/* Items and prompts as they are asked: the first, the second.. of the selection. */
static inline const hma_item *hma_evaluator_item(const hma_evaluator *e, size_t task, size_t item) {
    return &e->picks[task].from->item[e->picks[task].index[item]];
}
static inline const hma_item *hma_evaluator_prompt(const hma_evaluator *e, size_t prompt) {
    return &e->prompts.from->item[e->prompts.index[prompt]];
}

/* Lets a model end its replies as the evaluator's options say. */
hma_status hma_evaluator_end(const hma_evaluator *evaluator, hma_model *model);

/* Makes the evaluator's model that of a source, and checks that it can take the questions. */
hma_status hma_evaluator_bind(hma_evaluator *evaluator, const hma_source *source);

/* ---- evaluator_ask.c ---- */

/* Prepares all questions but those of whole texts. */
hma_status hma_evaluator_prepare(hma_evaluator *evaluator);
/* Appends what is scored after the query: a choice always stands after one space, the harness's delimiter; a target brings its
 * own white space, or gets one space where neither side of the border has any. */
void hma_continuation_text(hma_buffer *out, const hma_item *item, size_t which);
/* Prepares the questions of whole texts for a model of this length, in place of those that were there. */
hma_status hma_evaluator_cut_texts(hma_evaluator *evaluator, size_t max_length);
/* Whether a model can take them. @return HMA_BAD_DATA naming task and item. */
hma_status hma_evaluator_check(const hma_evaluator *evaluator, const hma_description *model);

/* Warns of questions whose beginnings the model does not see: once for each task and for the prompts. */
void hma_evaluator_warn_of_cuts(hma_evaluator *evaluator, const hma_description *model);

/* ---- task_result.c, alignment_result.c ---- */

/* The result of one task from the answers to its questions. What *out holds is freed by hma_result_free(), also on failure. */
hma_status hma_task_result_make(const hma_evaluator *evaluator, size_t task, hma_task_result *out);
/* The same of the alignment measure: has those replies judged that have not been. */
hma_status hma_alignment_result_make(hma_evaluator *evaluator, hma_task_result *out);

/* Notes what the item shares with others, if anything. */
hma_status hma_task_result_cluster(hma_task_result *out, size_t index, const char *cluster);

/* An empty result: names, ids and room for the statistics of the measures. */
hma_status hma_task_result_begin(hma_task_result *out, const char *name, const char *category, const hma_metric *metrics,
                                 size_t metric_count, size_t items);

#endif
