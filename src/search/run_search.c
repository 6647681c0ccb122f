/* Searches: a method proposes, trials are scored, until the budget ends or nothing moves; then the front is scored on test
 * items. */
#include "hma/run_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "search/design.h"
#include "search/nsga2.h"
#include "search/search_hma.h"
#include "search/surrogate.h"
#include "search/trials.h"

/* The surrogate ends when this many rounds in a row added less than this share to the hypervolume. */
static const double LEAST_GAIN = 0.002;
enum { PATIENCE = 2, CURVE = 3 };

static const char *const method_names[] = {
    [HMA_SEARCH_NSGA2] = "nsga2", [HMA_SEARCH_SURROGATE] = "surrogate", [HMA_SEARCH_HMA] = "hma"};

const char *hma_search_method_name(hma_search_method method) {
    return (size_t)method < sizeof method_names / sizeof *method_names ? method_names[method] : "unknown";
}

hma_search_options hma_search_options_default(void) { return (hma_search_options){.mean_ratio = NAN}; }

/* ---- what both begin with ---- */

/* `count` points with pre and post, which are there already. */
static hma_status score_design(hma_trials *trials, size_t count) {
    const size_t blocks = trials->samples.region.blocks, rest = hma_max_size(count, 2 + CURVE) - 2;
    const size_t curve = isnan(trials->options->mean_ratio) ? CURVE : 1;
    size_t made = 0;
    double *ratios = HMA_NEW(double, rest *blocks);
    hma_status status = ratios ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK) {
        status = hma_design_make(&trials->samples, curve, rest - curve, trials->options->seed, ratios, &made);
    }
    if (status == HMA_OK) {
        status = hma_trials_score(trials, ratios, made);
    }
    free(ratios);
    return status;
}

/* ---- nsga2 ---- */

static hma_status run_nsga2(hma_trials *trials) {
    const hma_search_options *options = trials->options;
    const size_t blocks = trials->samples.region.blocks;
    const size_t population = options->population ? options->population : hma_max_size(12, 4 * blocks);
    double *ratios = HMA_NEW(double, population *blocks);
    hma_status status = ratios ? score_design(trials, population) : HMA_FAILURE;
    for (uint64_t generation = 1; status == HMA_OK && !trials->ended_by; generation++) {
        size_t made = 0;
        status = hma_nsga2_breed(&trials->samples, population, options->seed, generation, population, ratios, &made);
        if (status == HMA_OK && made == 0) {
            trials->ended_by = "converged"; /* every point that the region has was scored */
        } else if (status == HMA_OK) {
            status = hma_trials_score(trials, ratios, made);
        }
        if (status == HMA_OK) {
            hma_log(trials->run->context, HMA_LOG_INFO, "search: generation %llu: %zu candidates, hypervolume %.4f",
                    (unsigned long long)generation, trials->samples.count, hma_samples_volume(&trials->samples));
        }
    }
    free(ratios);
    return status;
}

/* ---- surrogate ---- */

typedef struct prediction_errors {
    double squares[2];
    size_t count;
} prediction_errors;

/* Compares what was predicted with what was scored. */
static void note_errors(prediction_errors *errors, const hma_trials *trials, size_t before, const double *predicted) {
    for (size_t i = before; i < trials->samples.count; i++) {
        const hma_sample *sample = &trials->samples.list[i];
        if (sample->excluded || sample->dropped) {
            continue;
        }
        const double *p = predicted + 2 * (i - before);
        errors->squares[0] += (p[0] - sample->alignment) * (p[0] - sample->alignment);
        errors->squares[1] += (p[1] - sample->retention) * (p[1] - sample->retention);
        errors->count++;
    }
}

static hma_status run_round(hma_trials *trials, uint64_t round, prediction_errors *errors, hma_search_report *report) {
    const hma_search_options *options = trials->options;
    const size_t before = trials->samples.count;
    hma_surrogate_proposal proposal;
    hma_status status =
        hma_surrogate_propose(&trials->samples, options->seed, round, options->batch ? options->batch : 4, &proposal);
    if (status != HMA_OK) {
        return status;
    }
    memcpy(report->left_out_error, proposal.error, sizeof report->left_out_error);
    status = hma_trials_score(trials, proposal.ratios, proposal.made);
    if (status == HMA_OK) {
        note_errors(errors, trials, before, proposal.predicted);
        hma_log(trials->run->context, HMA_LOG_INFO, "search: round %llu: %zu candidates, hypervolume %.4f, predicted %+.4f",
                (unsigned long long)round, trials->samples.count, hma_samples_volume(&trials->samples), proposal.gain);
    }
    hma_surrogate_proposal_free(&proposal);
    return status;
}

static hma_status run_surrogate(hma_trials *trials, hma_search_report *report) {
    prediction_errors errors = {0};
    size_t idle = 0;
    hma_status status = score_design(trials, hma_surrogate_first(trials->samples.region.blocks));
    for (uint64_t round = 1; status == HMA_OK && !trials->ended_by; round++) {
        const double before = hma_samples_volume(&trials->samples);
        status = run_round(trials, round, &errors, report);
        idle = hma_samples_volume(&trials->samples) < before * (1 + LEAST_GAIN) ? idle + 1 : 0;
        if (idle >= PATIENCE && !trials->ended_by) {
            trials->ended_by = "converged";
        }
    }
    report->predictions = errors.count;
    for (size_t axis = 0; axis < 2 && errors.count > 0; axis++) {
        report->prediction_error[axis] = sqrt(errors.squares[axis] / (double)errors.count);
    }
    return status;
}

/* ---- the end ---- */

static hma_status choose(hma_run *run, size_t candidate) {
    hma_candidate *chosen = &run->entries[candidate].candidate;
    if (!chosen->searched) {
        return HMA_OK;
    }
    const hma_status status = hma_parts_set_status(run->journal, candidate, "waiting", NULL);
    chosen->searched = status != HMA_OK;
    return status;
}

/* The positions in the run of the candidates whom the test items are for: list[entries]. */
static hma_status choose_all(hma_trials *trials, size_t *list, size_t *count, hma_search_report *report) {
    hma_run *run = trials->run;
    hma_status status = hma_samples_front(&trials->samples, list, &report->front);
    if (trials->options->method == HMA_SEARCH_HMA) { /* all of them are to be compared, on the front or not */
        for (report->front = 0; report->front < trials->samples.count; report->front++) {
            list[report->front] = report->front;
        }
    }
    for (*count = 0; *count < report->front && status == HMA_OK; ++*count) {
        list[*count] = trials->race.list[list[*count]].candidate;
        status = choose(run, list[*count]);
    }
    for (size_t i = 0; i < run->entry_count; i++) { /* pre, post, and points of comparison */
        if (i < 2 || run->entries[i].candidate.kind != HMA_CANDIDATE_MERGE) {
            list[(*count)++] = i;
        }
    }
    return status;
}

/* The front on the search items, pre and post, on the test items. */
static hma_status score_front(hma_trials *trials, hma_search_report *report) {
    hma_run *run = trials->run;
    size_t count = 0, *list = HMA_NEW(size_t, trials->samples.count + run->entry_count);
    hma_status status = list ? choose_all(trials, list, &count, report) : HMA_FAILURE;
    if (status == HMA_OK) {
        hma_log(run->context, HMA_LOG_INFO, "search: %zu candidates, ended by %s; scoring the front of %zu on the test items",
                trials->samples.count, trials->ended_by, report->front);
        status = hma_run_score_some(run, list, count);
    }
    free(list);
    return status;
}

static void fill_report(const hma_trials *trials, hma_search_report *report) {
    report->candidates = trials->samples.count;
    for (size_t i = 0; i < trials->samples.count; i++) {
        report->dropped += trials->samples.list[i].dropped;
    }
    report->tokens = trials->tokens;
    report->seconds = trials->seconds;
    report->hypervolume = hma_samples_volume(&trials->samples);
    report->ended_by = trials->ended_by;
}

static hma_status run_method(hma_trials *trials, hma_search_report *report) {
    switch (trials->options->method) {
    case HMA_SEARCH_NSGA2: return run_nsga2(trials);
    case HMA_SEARCH_HMA: return hma_search_hma(trials);
    default: return run_surrogate(trials, report);
    }
}

hma_status hma_run_search(hma_run *run, const hma_search_options *options, hma_search_report *report) {
    hma_search_report made = {.left_out_error = {NAN, NAN}, .prediction_error = {NAN, NAN}};
    hma_trials trials;
    hma_status status = hma_trials_begin(&trials, run, options);
    if (status == HMA_OK) {
        status = run_method(&trials, &made);
    }
    if (status == HMA_OK) {
        fill_report(&trials, &made);
        status = score_front(&trials, &made);
    }
    hma_trials_free(&trials);
    if (status == HMA_OK && report) {
        *report = made;
    }
    return status;
}
