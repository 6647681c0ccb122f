/*
 * Suites and their results: what is measured, and what a model scored, item by item.
 *
 * A suite (JSON, README "Suite files") names retention tasks, an alignment measure, prompts, seeds and limits. An
 * evaluator reads it once, tokenises once, opens the reward model once, and then scores any number of models on exactly the
 * same items, prompts and random numbers.
 *
 * Every per-item score is kept: comparisons between candidates are paired.
 */
#ifndef HMA_EVAL_H
#define HMA_EVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/context.h"
#include "hma/error.h"
#include "hma/merge.h"
#include "hma/model.h"
#include "hma/requests.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- metrics ---- */

typedef enum hma_metric {
    HMA_METRIC_ACC = 0,  /* largest summed log-likelihood is the gold choice; for loglikelihood tasks: greedy match */
    HMA_METRIC_ACC_NORM, /* the same, sums divided by the choice's length in code points */
    HMA_METRIC_EM,       /* SQuAD exact match */
    HMA_METRIC_F1,       /* SQuAD token F1, best over the answers */
    HMA_METRIC_DROP_EM,
    HMA_METRIC_DROP_F1,
    HMA_METRIC_BLEU,           /* sacrebleu corpus BLEU / 100 (13a, exp smoothing) */
    HMA_METRIC_PERPLEXITY,     /* exp(-mean log-likelihood of an item) */
    HMA_METRIC_REWARD,         /* mean reward of the replies */
    HMA_METRIC_ACC_BYTES,      /* as acc_norm, sums divided by the choice's length in bytes */
    HMA_METRIC_MC2,            /* share of the right choices in the probability of all, TruthfulQA */
    HMA_METRIC_CHRF,           /* sacrebleu corpus chrF / 100 (characters up to 6, beta 2) */
    HMA_METRIC_EXACT_MATCH,    /* the reply is one of the answers, character by character */
    HMA_METRIC_EXACT_STRICT,   /* GSM8K: the number after "#### " */
    HMA_METRIC_EXACT_FLEXIBLE, /* GSM8K: the last number of the reply */
    HMA_METRIC_HAS_ANS_EM,     /* SQuAD 2.0 em and f1 of the questions that have an answer, em of the others */
    HMA_METRIC_HAS_ANS_F1,
    HMA_METRIC_NO_ANS_EM,
    HMA_METRIC_WORD_PERPLEXITY, /* exp(-log-likelihood of all texts / their words, bytes), and bits for each byte */
    HMA_METRIC_BYTE_PERPLEXITY,
    HMA_METRIC_BITS_PER_BYTE,
    HMA_METRIC_COUNT
} hma_metric;

/*
 * Every metric is a function of sums over items of a fixed number of per-item statistics, so that one bootstrap serves all:
 * width 1 and the mean for acc, em, f1, reward; a value and a weight for ratios; the n-gram counts and lengths for BLEU and
 * chrF.
 */
enum { HMA_METRIC_MAX_WIDTH = 18 };

typedef struct hma_metric_info {
    const char *name;      /* "acc", "bleu", .. as in suites and results */
    const char *long_name; /* for axes and plots */
    const char *units;     /* "1" where there is none */
    size_t width;
    bool higher_is_better;
    bool unit_interval; /* lies in 0..1 and counts towards retention */
    bool is_mean;       /* value = mean of the per-item statistic; standard error in closed form */
} hma_metric_info;

HMA_API const hma_metric_info *hma_metric_describe(hma_metric metric); /* NULL outside the enumeration */
HMA_API HMA_MUST_CHECK hma_status hma_metric_parse(hma_metric *out, const char *name);
/* Value from sums[width] over `items` items (a real number: bootstrap weights). NaN when items is 0. */
HMA_API double hma_metric_value(hma_metric metric, const double *sums, double items);

/* ---- suites ---- */

typedef struct hma_suite hma_suite;

typedef enum hma_task_type {
    HMA_TASK_MULTIPLE_CHOICE = 0,
    HMA_TASK_GENERATE,
    HMA_TASK_LOGLIKELIHOOD,
    HMA_TASK_ROLLING /* log-likelihood of whole texts, in windows of the model's length */
} hma_task_type;

typedef struct hma_task {
    const char *name;
    const char *category;
    hma_task_type type;
    hma_metric metric; /* the one that counts */
    size_t items;      /* after `limit` */
} hma_task;

/* Reads a suite and every file it names (paths are relative to the suite's folder). */
HMA_API HMA_MUST_CHECK hma_status hma_suite_load(hma_suite **out, const char *path);
HMA_API void hma_suite_free(hma_suite *suite);
HMA_API const char *hma_suite_name(const hma_suite *suite);
/* The suite file's own text. */
HMA_API const char *hma_suite_text(const hma_suite *suite);
/* SHA-256 (64 hex digits) over the suite and the content of all task and prompt files. */
HMA_API const char *hma_suite_digest(const hma_suite *suite);
HMA_API uint64_t hma_suite_seed(const hma_suite *suite);
HMA_API size_t hma_suite_task_count(const hma_suite *suite);
HMA_API const hma_task *hma_suite_task(const hma_suite *suite, size_t index);
/* Stable id of an item: its "id", else its 0-based number. */
HMA_API const char *hma_suite_item_id(const hma_suite *suite, size_t task, size_t item);
/* "reward_model", "implicit", "scores"; NULL when the suite has no alignment measure. */
HMA_API const char *hma_suite_alignment_type(const hma_suite *suite);
/*
 * Every path that the suite speaks of, resolved and NULL-terminated: the suite file, task and prompt files, the reward model's
 * folder, the words of an external scorer's command (which may be files, or not). What is written should be none of them.
 */
HMA_API const char *const *hma_suite_paths(const hma_suite *suite);
/* Folder of the reward model, resolved; NULL when there is none. */
HMA_API const char *hma_suite_reward_folder(const hma_suite *suite);

/* ---- results ---- */

/* One metric over the items of a task. */
typedef struct hma_measure {
    hma_metric metric;
    size_t items;
    double *stats; /* [items, width] */
    double value;
    double standard_error; /* n-1; bootstrap for metrics that are not means; both over whole clusters where items share
                              something; NaN with fewer than 2 clusters */
} hma_measure;

typedef struct hma_task_result {
    char *name;
    char *category;
    size_t items;
    size_t measure_count;
    hma_measure *measures; /* [measure_count]; the first is the task's own metric */
    double *score;         /* [items]: the first metric on each item alone */
    char **item_id;        /* [items] */
    char **cluster; /* [items]: what an item shares with others ("cluster" of its line), NULL where it stands alone; NULL when
                       all do */
    char *
        *detail; /* [items]: one JSON object each: {"ll":[..],"greedy":[..]}, {"text":".."}, {"replies":[..],"rewards":[..]} */
} hma_task_result;

typedef struct hma_result {
    size_t task_count;
    hma_task_result *tasks;
    bool has_alignment;
    hma_task_result alignment; /* one item per prompt: mean over its samples */
    double retention;          /* mean over categories of the mean over their tasks, metrics on 0..1 only; NaN if none */
    double retention_error;    /* tasks taken as independent */
    hma_model_counters cost;   /* of the model; flops count what judged its replies, too */
    double seconds;
} hma_result;

HMA_API void hma_result_free(hma_result *result);
/* Fills value and standard_error of every measure, score, retention and its error from the statistics. */
HMA_API HMA_MUST_CHECK hma_status hma_result_summarize(hma_result *result, uint64_t seed);
/* Retention from per-task values (NaN values are left out with their task). */
HMA_API double hma_result_retention(const hma_result *result, const double *task_values);

/* How far a result lies from another one of the same model, over the items that both have. */
typedef struct hma_deviation {
    size_t items;           /* compared */
    size_t scores_changed;  /* items whose score differs: a choice or a reply that went the other way */
    size_t logprobs;        /* log-likelihoods compared */
    double largest, mean;   /* of their absolute differences, in nats */
    size_t replies;         /* greedy replies compared */
    size_t replies_changed; /* of these with another text */
} hma_deviation;

/* Compares the retention tasks. @return HMA_BAD_DATA when a detail is no JSON. */
HMA_API HMA_MUST_CHECK hma_status hma_result_deviation(hma_deviation *out, const hma_result *result,
                                                       const hma_result *reference);

/* ---- evaluation ---- */

typedef struct hma_evaluator hma_evaluator;

typedef enum hma_prompt_split { HMA_PROMPTS_TEST = 0, HMA_PROMPTS_SEARCH } hma_prompt_split;

/*
 * Items for looking for ratios, and items for reporting on them, which have no item in common. A task (or the prompts) that
 * has a file for each takes them from there; one file is divided by a hash of the suite's seed, the task's name and the item's
 * id (or what it shares with others, which stay together): the lower half, rounded down, is for searching. HMA_ITEMS_ALL takes
 * the whole test file, or the only one.
 */
typedef enum hma_item_split { HMA_ITEMS_ALL = 0, HMA_ITEMS_TEST, HMA_ITEMS_SEARCH } hma_item_split;

/* Some items of a task. */
typedef struct hma_places {
    size_t count;
    const size_t *place; /* [count]: in the task's random order, rising */
} hma_places;

/*
 * What of a suite is asked. With `parts` 0 everything, in the order of the files. Otherwise each task's items (and the
 * prompts) stand in a random order that the suite's digest fixes, and of n of them those from ceil(n * first / parts) up to
 * ceil(n * last / parts), not included, are asked: parts that meet ask every item once. With `only` those that it names are
 * asked, in the same order, whatever the part.
 */
typedef struct hma_selection {
    hma_prompt_split prompts; /* which file of prompts, where `items` is HMA_ITEMS_ALL; otherwise `items` decides */
    hma_item_split items;
    uint32_t first, last, parts;
    const hma_places *only; /* [tasks + 1], the prompts last; NULL: the part */
} hma_selection;

typedef struct hma_eval_options {
    hma_model_options model;
    hma_bos bos;
    hma_prompt_split prompts;
    hma_item_split items;
    size_t limit;              /* items per task and prompts at most; 0: the suite's own limits */
    const hma_checkpoint *pre; /* needed by the "implicit" measure only; may be NULL */
    const hma_checkpoint *post;
    const hma_checkpoint *ends; /* whose end-of-sequence ids (hma_model_eos()) end the replies of every model, so that models
                                   can be compared; must outlive the evaluator; NULL: each model's own */
} hma_eval_options;

/*
 * Prepares the scoring of models that use the tokenizer in `tokenizer_folder`. Suite and context must outlive it.
 * `options` may be NULL.
 */
HMA_API HMA_MUST_CHECK hma_status hma_evaluator_new(hma_evaluator **out, hma_context *context, const hma_suite *suite,
                                                    const char *tokenizer_folder, const hma_eval_options *options);
HMA_API void hma_evaluator_free(hma_evaluator *evaluator);
/*
 * Goes over to another selection of items and prompts, keeping models, tokenizer and `limit`. The scores of an item do not
 * depend on what else is selected. After a failure the evaluator can only be freed or be given another selection. What
 * `selection` points to is not needed afterwards.
 */
HMA_API HMA_MUST_CHECK hma_status hma_evaluator_select(hma_evaluator *evaluator, const hma_selection *selection);

/*
 * What scoring a model costs, before it is done. Counts are exact for questions. Replies are taken to be as long as those that
 * the evaluator has seen were on average, task by task, and before it has seen any as long as they may be. Seconds follow from
 * the operations, from a rate that is measured for a moment, and for weights that do not stay in memory from the time in which
 * one layer is read.
 */
typedef struct hma_cost {
    uint64_t tokens;        /* that go through the model's layers, shared beginnings once */
    uint64_t new_tokens;    /* of these: of replies */
    uint64_t judged_tokens; /* that go through the reward model */
    bool replies_known;     /* replies have been seen; else these are bounds */
    double flops;           /* in all matrix products and attention */
    double rate;            /* floating point operations per second in large products, on all threads of the context */
    double seconds;
    uint64_t memory;        /* bytes for weights and everything that is computed, at most */
    bool resident;          /* weights stay in memory; else a layer is read when it is needed */
} hma_cost;
HMA_API HMA_MUST_CHECK hma_status hma_evaluator_estimate(hma_evaluator *evaluator, const hma_source *source, hma_cost *out);

/* Scores one model. *out is freed with hma_result_free(). */
HMA_API HMA_MUST_CHECK hma_status hma_evaluator_run(hma_evaluator *evaluator, const hma_source *source, hma_result **out);

/* Scores what two models predict together: (1-ratio) of pre's log-probabilities and ratio of post's. Both compute every token.
 */
HMA_API HMA_MUST_CHECK hma_status hma_evaluator_run_mixture(hma_evaluator *evaluator, const hma_source *pre,
                                                            const hma_source *post, double ratio, hma_result **out);

/*
 * Writes all that the evaluator asks a model as a request file (hma/requests.h), one line a question, with ids TASK/ITEM or
 * TASK/ITEM/CHOICE: worked examples and templates are in the texts, so that the file can be asked again, of anything, later.
 * Replies that are sampled come out the same, too: their noise is keyed by these ids.
 */
HMA_API HMA_MUST_CHECK hma_status hma_evaluator_write_requests(const hma_evaluator *evaluator, const char *path);

/*
 * Writes results_*.json in lm-evaluation-harness's shape and samples_TASK.jsonl into `folder` (made if missing). File names
 * carry no time so that reruns replace them.
 */
HMA_API HMA_MUST_CHECK hma_status hma_result_write(const hma_result *result, const hma_evaluator *evaluator,
                                                   const char *model_name, const char *folder);

#ifdef __cplusplus
}
#endif
#endif
