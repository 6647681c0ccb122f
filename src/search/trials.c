#include "search/trials.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "hma/text.h"
#include "search/candidates.h"
#include "search/distillation.h"

void hma_trials_free(hma_trials *trials) {
    hma_samples_free(&trials->samples);
    hma_race_free(&trials->race);
}

/* ---- candidates ---- */

/* What the search finds is not scored on test items unless it is chosen in the end. */
static hma_status add_searched(hma_run *run, const void *what) {
    const size_t before = run->entry_count;
    hma_status status = hma_candidates_add(run, what, HMA_ORIGIN_SEARCH, NULL);
    if (status == HMA_OK && run->entry_count > before) {
        status = hma_parts_set_status(run->journal, before, "searched", NULL);
        run->entries[before].candidate.searched = true;
    }
    return status;
}

static hma_status add_candidate(hma_run *run, const hma_recipe *recipe, size_t *index) {
    if (hma_run_find(run, hma_recipe_id(recipe), index) == HMA_OK) {
        return HMA_OK;
    }
    *index = run->entry_count;
    return hma_candidates_add_together(run, add_searched, recipe);
}

static hma_status find_candidate(hma_run *run, const double *ratios, size_t blocks, size_t *index) {
    hma_buffer line = {0};
    hma_recipe *recipe;
    char *label = NULL;
    hma_buffer_text(&line, "{\"ratios\":[");
    for (size_t k = 0; k < blocks; k++) {
        hma_buffer_text(&line, k ? "," : "");
        hma_buffer_json_double(&line, ratios[k]);
    }
    hma_buffer_text(&line, "]}");
    hma_status status = hma_buffer_ok(&line);
    if (status == HMA_OK) {
        status = hma_candidate_parse(&recipe, &label, run, hma_buffer_cstr(&line), line.length, "search");
    }
    hma_buffer_free(&line);
    if (status == HMA_OK) {
        status = add_candidate(run, recipe, index);
        hma_recipe_free(recipe);
        free(label);
    }
    return status;
}

/* ---- values ---- */

static double value_of(const hma_task_scores *task, size_t items) {
    double sums[HMA_METRIC_MAX_WIDTH] = {0};
    for (size_t i = 0; i < items; i++) {
        for (size_t k = 0; k < task->width; k++) {
            sums[k] += task->stats[i * task->width + k];
        }
    }
    return hma_metric_value(task->metric, sums, (double)items);
}

/* Of an entrant that was stopped: what the race guessed last. */
static void fill_values(const hma_trials *trials, const hma_entrant *entrant, double *values) {
    for (size_t i = 0; i < trials->samples.metrics; i++) {
        const hma_task_scores *own = &entrant->table.tasks[i];
        values[i] = entrant->beaten_at > 0 ? entrant->guess[i] : value_of(own, own->items);
    }
}

static hma_status add_sample(hma_trials *trials, size_t entrant, const double *ratios) {
    const hma_entrant *from = &trials->race.list[entrant];
    double *values = HMA_NEW(double, trials->samples.metrics);
    if (!values) {
        return HMA_FAILURE;
    }
    if (!from->failed) {
        fill_values(trials, from, values);
    }
    const hma_status status = hma_samples_add(&trials->samples, ratios, from->failed ? NULL : values, from->beaten_at > 0);
    free(values);
    trials->tokens += from->tokens;
    trials->seconds += from->seconds;
    return status;
}

/* ---- the budget ---- */

static size_t most_candidates(const hma_trials *trials) {
    const hma_search_options *options = trials->options;
    if (options->candidates > 0 || options->tokens > 0 || options->minutes > 0) {
        return options->candidates > 0 ? options->candidates : HMA_MOST_CANDIDATES;
    }
    return options->method == HMA_SEARCH_HMA ? HMA_MOST_CANDIDATES : hma_max_size(36, 24 * trials->samples.region.blocks);
}

static bool is_spent(hma_trials *trials) {
    const hma_search_options *options = trials->options;
    if (trials->race.count >= most_candidates(trials)) {
        trials->ended_by = "candidates";
    } else if (options->tokens > 0 && trials->tokens >= (double)options->tokens) {
        trials->ended_by = "tokens";
    } else if (options->minutes > 0 && trials->seconds >= 60 * options->minutes) {
        trials->ended_by = "minutes";
    }
    return trials->ended_by != NULL;
}

/* ---- scoring ---- */

static hma_status enter(hma_trials *trials, const double *ratios) {
    size_t candidate = 0;
    hma_status status = find_candidate(trials->run, ratios, trials->samples.region.blocks, &candidate);
    if (status == HMA_OK) {
        hma_report_step(trials->run->context, trials->race.count, most_candidates(trials));
        status = hma_race_enter(&trials->race, candidate, NULL);
    }
    return status;
}

static void log_trial(const hma_trials *trials) {
    const hma_sample *sample = &trials->samples.list[trials->samples.count - 1];
    const size_t candidate = trials->race.list[trials->samples.count - 1].candidate;
    hma_log(trials->run->context, HMA_LOG_DEBUG, "search: %s: alignment %.4g, retention %.4g%s",
            hma_run_candidate(trials->run, candidate)->label, sample->alignment, sample->retention,
            sample->dropped ? " (stopped early)" : "");
}

static hma_status score_singly(hma_trials *trials, const double *ratios, size_t count) {
    const size_t blocks = trials->samples.region.blocks;
    hma_status status = HMA_OK;
    for (size_t i = 0; i < count && status == HMA_OK && !is_spent(trials); i++) {
        status = enter(trials, ratios + i * blocks);
        if (status == HMA_OK) {
            status = hma_race_finish(&trials->race, trials->race.count - 1);
        }
        if (status == HMA_OK) {
            status = add_sample(trials, trials->race.count - 1, ratios + i * blocks);
        }
        if (status == HMA_OK) {
            log_trial(trials);
        }
    }
    (void)is_spent(trials);
    return status;
}

/* All of them start together, so that the budget can only be looked at before and afterwards. */
static hma_status score_racing(hma_trials *trials, const double *ratios, size_t count) {
    const size_t blocks = trials->samples.region.blocks, first = trials->race.count;
    hma_status status = HMA_OK;
    for (size_t i = 0; i < count && status == HMA_OK && !is_spent(trials); i++) {
        status = enter(trials, ratios + i * blocks);
    }
    const size_t entered = trials->race.count;
    if (status == HMA_OK && entered > first) {
        trials->ended_by = NULL; /* those that have entered are scored */
        status = hma_race_run(&trials->race, first);
    }
    for (size_t i = first; i < entered && status == HMA_OK; i++) {
        status = add_sample(trials, i, ratios + (i - first) * blocks);
        if (status == HMA_OK) {
            log_trial(trials);
        }
    }
    (void)is_spent(trials);
    return status;
}

hma_status hma_trials_score(hma_trials *trials, const double *ratios, size_t count) {
    const hma_status status = trials->options->race ? score_racing(trials, ratios, count) : score_singly(trials, ratios, count);
    hma_report_step(trials->run->context, 0, 0);
    return status;
}

/* ---- beginning ---- */

static hma_status check_texts(const char *path) {
    char *text;
    const hma_status status = hma_distillation_load(&text, path);
    if (status == HMA_OK) {
        hma_text_free(text);
    }
    return status;
}

hma_status hma_run_search_check(const hma_run *run, const hma_search_options *options) {
    if (!run->context) {
        return hma_error(HMA_USAGE, "%s: was opened for reading (expected hma_run_begin)", run->folder);
    }
    if (run->test.items != HMA_ITEMS_TEST) {
        return hma_error(HMA_USAGE,
                         "%s: is scored on all items (expected a run that keeps search items apart): begin another run with "
                         "hma search",
                         run->folder);
    }
    if (options->method == HMA_SEARCH_HMA && run->default_method != HMA_LINEAR) {
        return hma_error(
            HMA_USAGE,
            "--method hma: follows the gradient of linear merges (expected --merge-method linear, it is %s): search "
            "with --method surrogate or nsga2 instead",
            hma_method_name(run->default_method));
    }
    if (run->default_method == HMA_EXTRAPOLATE) {
        return hma_error(HMA_USAGE,
                         "--merge-method extrapolate: searches look between pre and post, ratios 0 to 1 (expected another "
                         "method): go beyond post with hma sweep --method extrapolate --grid 1:2:0.1");
    }
    if (run->default_blocks == 0) {
        return hma_error(HMA_USAGE, "--blocks: is missing (expected how many ratios to look for): add --blocks 3");
    }
    if (!isnan(options->mean_ratio) && !(options->mean_ratio >= 0 && options->mean_ratio <= 1)) {
        return hma_error(HMA_USAGE, "--mean-ratio: %g is not usable (expected 0 to 1): correct it", options->mean_ratio);
    }
    return options->method == HMA_SEARCH_HMA && options->texts ? check_texts(options->texts) : HMA_OK;
}

/* Pre or post on the search items: they are candidates of the run already. */
static hma_status score_endpoint(hma_trials *trials, size_t candidate, double *ratios) {
    hma_status status = hma_race_enter(&trials->race, candidate, NULL);
    if (status == HMA_OK) {
        status = hma_race_finish(&trials->race, candidate);
    }
    for (size_t k = 0; k < trials->samples.region.blocks; k++) {
        ratios[k] = (double)candidate;
    }
    if (status == HMA_OK) {
        trials->samples.metrics = trials->race.track.shape.task_count;
        trials->samples.weights = trials->race.track.weights;
        status = add_sample(trials, candidate, ratios);
    }
    return status;
}

hma_status hma_trials_begin(hma_trials *trials, hma_run *run, const hma_search_options *options) {
    *trials = (hma_trials){.run = run, .options = options};
    hma_status status = hma_run_search_check(run, options);
    if (status != HMA_OK) {
        return status;
    }
    trials->samples.region = (hma_region){run->default_blocks, options->mean_ratio};
    trials->race =
        (hma_race){.run = run, .sheet = HMA_SHEET_SEARCH, .items = {.items = HMA_ITEMS_SEARCH}, .seed = options->seed};
    double *ratios = HMA_NEW(double, run->default_blocks);
    status = ratios ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; i < 2 && status == HMA_OK; i++) {
        status = score_endpoint(trials, i, ratios);
    }
    free(ratios);
    return status;
}
