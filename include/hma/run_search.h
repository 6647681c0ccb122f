/*
 * Finding ratios: searches and races within a run.
 *
 * A search looks for ratios on the suite's search items and search prompts alone, and then has the best of what it found
 * scored on the test items and test prompts, which the front and every report are made of (hma_item_split in hma/eval.h).
 * Both stand in the journal. The run must have been begun with HMA_ITEMS_TEST.
 *
 * Everything that a search does follows from its options and from the scores in the journal: the same call goes on where an
 * interrupted one stopped, and ends with the same bits.
 */
#ifndef HMA_RUN_SEARCH_H
#define HMA_RUN_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"
#include "hma/run.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hma_search_method {
    HMA_SEARCH_NSGA2 = 0, /* evolution of a population towards the whole front */
    HMA_SEARCH_SURROGATE, /* a quadratic surface for every metric; its predicted front is scored and fitted again */
    HMA_SEARCH_HMA,       /* the paper's: for each mean ratio, the ratios that make post's best replies most likely */
    HMA_SEARCH_METHODS    /* how many there are */
} hma_search_method;
HMA_API const char *hma_search_method_name(hma_search_method method);

typedef struct hma_search_options {
    hma_search_method method;
    uint64_t seed;
    double mean_ratio; /* only ratios with this mean over the blocks; NaN: any */
    /* The budget; whatever is used up first ends the search. 0: no limit. Candidates are counted as they are asked for, pre
     * and post included, also when the journal has their scores already; tokens and minutes at the recorded cost. */
    size_t candidates; /* with all three at 0: 24 K, and at least 36; hma then ends with its last mean */
    uint64_t tokens;
    double minutes;
    /* Of hma (Lin et al., "Mitigating the Alignment Tax of RLHF", eq. 8 and 9; src/search/objective.h, solver.h). Besides the
     * ratios that it finds, the uniform merge of each mean is scored. */
    const double *means; /* [mean_count]; NULL: 0.1, 0.2 .. 0.9 */
    size_t mean_count;
    const char *texts;    /* a JSONL file of prompts and replies; NULL: post answers the search prompts, the best are kept */
    size_t texts_best;    /* of those: replies that are drawn from, and replies drawn; 0: as in src/search/distillation.h */
    size_t texts_drawn, texts_samples;
    size_t block_length;    /* tokens; SIZE_MAX: each text by itself; 0: the paper's 512 */
    bool responses_only;    /* prompts do not count */
    const char *algorithm;  /* "slsqp", "mma", "cobyla"; NULL: slsqp */
    bool paper;             /* the authors' parametrisation instead: sigmoids of epsilon, Adam */
    double epsilon, penalty; /* the penalty counts every linear map of a block */
    double learning_rate;    /* of Adam; 0: the paper's 2e-5 */
    size_t starts;          /* of the solver, the uniform ratios first; 0: 1 */
    size_t population; /* of nsga2; 0: 4 K, and at least 12 */
    size_t batch;      /* proposals of the surrogate at a time; 0: 4 */
    bool race;         /* stop candidates early that have no chance of the front (see hma_run_race()) */
} hma_search_options;

/* Zeros, and no mean. */
HMA_API hma_search_options hma_search_options_default(void);

/* What came of it. */
typedef struct hma_search_report {
    size_t candidates; /* that were asked for */
    size_t dropped;    /* of them, by races */
    double tokens, seconds;
    double hypervolume; /* of the front on the search items, beyond the worse of pre and post in each axis, relative to the
                           rectangle between them */
    size_t front;       /* candidates on that front, which were then scored on the test items */
    const char *ended_by; /* "candidates", "tokens", "minutes", "converged"; static */
    /* Of the surrogate, root mean squares for alignment and retention, NaN when nothing was predicted: of what is predicted for
     * each sample by the surfaces without it, and of what was predicted for points before they were scored. */
    double left_out_error[2], prediction_error[2];
    size_t predictions;
} hma_search_report;

/* Whether a search with these options can begin in this run, and what its files hold; hma_run_search() looks first, too. Scores
 * nothing. @return as hma_run_search() */
HMA_API HMA_MUST_CHECK hma_status hma_run_search_check(const hma_run *run, const hma_search_options *options);

/*
 * Searches, scores the front that was found, and pre and post, on the test items. *report may be NULL.
 * @return HMA_USAGE when the run has no blocks or does not keep search items apart; as hma_run_score() otherwise.
 */
HMA_API HMA_MUST_CHECK hma_status hma_run_search(hma_run *run, const hma_search_options *options, hma_search_report *report);

/*
 * Scores candidates as hma_run_score() does, but lets them race: all begin with the first eighth of the items in a random order
 * that the suite's digest fixes; those that have no chance of the front are dropped, those that will probably be on it answer
 * all items, the others a few more at a time, those on which their place depends. The front rests on candidates that have
 * answered every item.
 *
 * What a candidate would answer to the other items is guessed from complete candidates that answer like it, and its chance of
 * the front from that. In every round those with the smallest chances are dropped, as long as their chances add up to what the
 * round may spend: a fifth of what is left of 0.1 (src/search/race.h has the schedule). So many of the final front, 0.1, are
 * expected to be lost.
 */
HMA_API HMA_MUST_CHECK hma_status hma_run_race(hma_run *run);

#ifdef __cplusplus
}
#endif
#endif
