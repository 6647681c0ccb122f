/* Evaluators: all about a suite that does not depend on the model is done once, then any number of models is asked. */
#include "eval/tasks/evaluator.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/model_parts.h"
#include "hma/text.h"

/* ---- once ---- */

static hma_status check_alignment(const hma_evaluator *e) {
    static const char *const split[] = {[HMA_PROMPTS_TEST] = "test", [HMA_PROMPTS_SEARCH] = "search"};
    if (e->prompts.count == 0) {
        return hma_error(HMA_USAGE,
                         "%s: alignment: there are no %s prompts (expected \"prompts\": {\"%s\": FILE}): add them or ask for "
                         "the others",
                         e->suite->path, split[e->selection.prompts], split[e->selection.prompts]);
    }
    return HMA_OK;
}

static hma_status open_alignment(hma_evaluator *e, const char *tokenizer_folder) {
    if (e->suite->alignment.chat_prompt && !hma_tokenizer_chat_template(e->tokenizer)) {
        return hma_error(HMA_INCOMPATIBLE,
                         "%s: there is no chat template that is known (expected one, because \"template\" is \"chat\" in "
                         "%s): set it to \"none\"",
                         tokenizer_folder, e->suite->path);
    }
    return hma_judge_open(&e->judge, e->context, &e->suite->alignment, e->tokenizer, &e->options);
}

/* ---- for each selection ---- */

static void forget_questions(hma_evaluator *e) {
    hma_questions_free(&e->questions);
    for (size_t i = 0; e->shown && i < e->prompts.count; i++) {
        hma_text_free(e->shown[i]);
    }
    free(e->shown);
    e->shown = NULL;
    for (size_t task = 0; e->picks && task < e->suite->task_count; task++) {
        hma_pick_free(&e->picks[task]);
    }
    hma_pick_free(&e->prompts);
    free(e->text_pair);
    e->text_pair = NULL;
    e->text_count = 0;
    hma_replies_ahead_free(&e->ahead);
    e->checked = false;
    e->outlay.known = false;
}

static hma_status pick_prompts(hma_evaluator *e) {
    hma_status status = hma_pick_make(&e->prompts, e->suite, SIZE_MAX, &e->selection, e->options.limit);
    if (status == HMA_OK && e->selection.parts == 0 && !e->selection.only) {
        status = check_alignment(e);
    }
    if (status == HMA_OK) {
        e->shown = HMA_NEW(char *, e->prompts.count);
        status = e->shown ? HMA_OK : HMA_FAILURE;
    }
    return status;
}

hma_status hma_evaluator_select(hma_evaluator *e, const hma_selection *selection) {
    hma_status status = HMA_OK;
    forget_questions(e);
    e->selection = *selection;
    for (size_t task = 0; status == HMA_OK && task < e->suite->task_count; task++) {
        status = hma_pick_make(&e->picks[task], e->suite, task, selection, e->options.limit);
    }
    if (status == HMA_OK && e->suite->has_alignment) {
        status = pick_prompts(e);
    }
    e->selection.only = NULL; /* the caller's */
    return status == HMA_OK ? hma_evaluator_prepare(e) : status;
}

/* ---- making one ---- */

static hma_status open_evaluator(hma_evaluator *e, const char *tokenizer_folder) {
    const hma_selection selection = {.prompts = e->options.prompts, .items = e->options.items};
    e->picks = HMA_NEW(hma_pick, e->suite->task_count);
    e->first = HMA_NEW(size_t, e->suite->task_count);
    e->cut_told = HMA_NEW(bool, e->suite->task_count + 1);
    hma_status status =
        e->picks && e->first && e->cut_told ? hma_reply_lengths_new(&e->lengths, e->suite->task_count) : HMA_FAILURE;
    status = status == HMA_OK ? hma_tokenizer_open(&e->tokenizer, tokenizer_folder) : status;
    if (status == HMA_OK && e->suite->has_alignment) {
        status = open_alignment(e, tokenizer_folder);
    }
    return status == HMA_OK ? hma_evaluator_select(e, &selection) : status;
}

hma_status hma_evaluator_new(hma_evaluator **out, hma_context *context, const hma_suite *suite, const char *tokenizer_folder,
                             const hma_eval_options *options) {
    hma_evaluator *e = HMA_NEW(hma_evaluator, 1);
    if (!e) {
        return HMA_FAILURE;
    }
    e->context = context;
    e->suite = suite;
    e->options = options ? *options : (hma_eval_options){0};
    e->bos = e->options.bos == HMA_BOS_AUTO ? suite->bos : e->options.bos;
    const hma_status status = open_evaluator(e, tokenizer_folder);
    if (status != HMA_OK) {
        hma_evaluator_free(e);
        return status;
    }
    *out = e;
    return HMA_OK;
}

void hma_evaluator_free(hma_evaluator *evaluator) {
    if (!evaluator) {
        return;
    }
    hma_model_close(evaluator->model);
    hma_judge_close(evaluator->judge);
    forget_questions(evaluator);
    hma_tokenizer_free(evaluator->tokenizer);
    free(evaluator->picks);
    free(evaluator->first);
    free(evaluator->cut_told);
    free(evaluator->texts);
    free(evaluator->model_folder);
    hma_reply_memory_free(&evaluator->replies);
    hma_reply_lengths_free(&evaluator->lengths);
    hma_judging_free(&evaluator->judging);
    free(evaluator->depths);
    free(evaluator);
}

/* ---- for each model ---- */

hma_status hma_evaluator_end(const hma_evaluator *e, hma_model *model) {
    return e->options.ends ? hma_model_end_by(model, e->options.ends) : HMA_OK;
}

static hma_status open_model(hma_evaluator *e, const hma_source *source, const char *folder) {
    hma_model_close(e->model);
    free(e->model_folder);
    e->model = NULL;
    e->model_folder = hma_copy_text(folder);
    hma_status status = e->model_folder ? hma_model_open(&e->model, e->context, source, &e->options.model) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = hma_evaluator_end(e, e->model);
    }
    e->checked = e->outlay.known = false;
    return status;
}

/* Once for each model and selection. */
static hma_status check_questions(hma_evaluator *e) {
    if (e->checked) {
        return HMA_OK;
    }
    hma_status status = hma_evaluator_check(e, hma_model_description(e->model));
    status = status == HMA_OK ? hma_evaluator_cut_texts(e, hma_model_description(e->model)->max_length) : status;
    e->checked = status == HMA_OK;
    if (e->checked) {
        hma_evaluator_warn_of_cuts(e, hma_model_description(e->model));
    }
    return status;
}

/* Merges of one pair share a model; another folder's config.json may mean something else by the same tensors. */
hma_status hma_evaluator_bind(hma_evaluator *e, const hma_source *source) {
    const char *folder = hma_checkpoint_folder(hma_source_described_by(source));
    if (e->model && strcmp(e->model_folder, folder) == 0 && hma_model_rebind(e->model, source) == HMA_OK) {
        return check_questions(e);
    }
    hma_status status = open_model(e, source, folder);
    if (status == HMA_OK) {
        status = check_questions(e);
    }
    if (status != HMA_OK) {
        hma_model_close(e->model);
        e->model = NULL;
    }
    return status;
}

hma_status hma_evaluator_keep(hma_evaluator *e, const size_t *depths, size_t count) {
    size_t *copy = HMA_NEW(size_t, count);
    if (!copy) {
        return HMA_FAILURE;
    }
    if (count) {
        memcpy(copy, depths, count * sizeof *copy);
    }
    free(e->depths);
    e->depths = copy;
    e->depth_count = count;
    return HMA_OK;
}

/* Where a model stands among the merges of its pair: the ratio of every layer, into ratios[layers]. False: that is not known.
 */
static bool find_ratios(const hma_evaluator *e, const hma_source *source, double *ratios, size_t layers) {
    const hma_recipe *recipe = hma_source_recipe(source);
    const hma_checkpoint *plain = hma_source_described_by(source);
    if (recipe ? hma_recipe_layers(recipe) != layers : plain != e->options.pre && plain != e->options.post) {
        return false;
    }
    for (size_t l = 0; l < layers; l++) {
        ratios[l] = recipe ? hma_recipe_layer_ratio(recipe, l) : plain == e->options.post ? 1 : 0;
    }
    return true;
}

/* Where other models come, guesses are tried first: what they find of prompts and replies is good for what follows. */
static hma_status keep(const hma_evaluator *e, size_t layers) {
    size_t *depths = HMA_NEW(size_t, e->depth_count + 1), count = e->depth_count;
    if (!depths) {
        return HMA_FAILURE;
    }
    if (count) {
        memcpy(depths, e->depths, count * sizeof *depths);
    }
    if (e->depths && (count == 0 || depths[count - 1] < layers)) {
        depths[count++] = layers;
    }
    const hma_status status = hma_model_keep(e->model, depths, count);
    free(depths);
    return status;
}

static hma_status ask_with_guesses(hma_evaluator *e, const double *place, size_t layers) {
    hma_questions *q = &e->questions;
    const hma_status status = hma_reply_memory_recall(&e->replies, q->generations, q->generation_count, place, layers);
    const hma_listener judging = hma_judging_listener(e);
    return status == HMA_OK ? hma_questions_ask(q, e->model, e->tokenizer, &judging) : status;
}

/* Asks everything, with the replies of earlier models as guesses, unless it has replied already. `given`: what that has cost.
 */
static hma_status ask(hma_evaluator *e, const hma_source *source, hma_model_counters *given, double *seconds) {
    const size_t layers = hma_model_description(e->model)->layers;
    double *ratios = HMA_NEW(double, layers);
    if (!ratios) {
        return HMA_FAILURE;
    }
    const double *place = find_ratios(e, source, ratios, layers) ? ratios : NULL;
    hma_questions *q = &e->questions;
    hma_status status = keep(e, layers);
    if (status == HMA_OK && hma_replies_are_there(e)) {
        status = hma_questions_ask_pairs(q, e->model);
        if (status == HMA_OK) {
            hma_replies_take(e, given, seconds);
        }
    } else if (status == HMA_OK) {
        status = ask_with_guesses(e, place, layers);
    }
    if (status == HMA_OK) {
        status = hma_reply_memory_add(&e->replies, q->generations, q->generation_count, place, layers);
    }
    for (size_t i = 0; i < q->generation_count; i++) {
        q->generations[i].guess_count = 0; /* they last until the memory changes */
    }
    free(ratios);
    return status;
}

static hma_status make_results(hma_evaluator *e, hma_result *result) {
    result->tasks = HMA_NEW(hma_task_result, e->suite->task_count);
    hma_status status = result->tasks ? HMA_OK : HMA_FAILURE;
    for (size_t task = 0; task < e->suite->task_count && status == HMA_OK; task++) {
        status = hma_task_result_make(e, task, &result->tasks[result->task_count++]);
    }
    result->has_alignment = e->judge != NULL;
    if (status == HMA_OK && e->judge) {
        status = hma_alignment_result_make(e, &result->alignment);
    }
    return status == HMA_OK ? hma_result_summarize(result, e->suite->seed) : status;
}

static hma_status ask_model(hma_evaluator *e, const hma_source *source, hma_result *result) {
    const hma_model_counters before = hma_model_count(e->model);
    hma_model_counters given = {0};
    const hma_status status = ask(e, source, &given, &result->seconds);
    const hma_model_counters after = hma_model_count(e->model);
    result->cost = hma_counters_between(&before, &after);
    hma_counters_add(&result->cost, &given);
    return status;
}

/* The evaluator's own model is post; pre is opened beside it and closed again, so that other candidates have the memory. */
static hma_status ask_mixture(hma_evaluator *e, const hma_source *pre, double ratio, hma_result *result) {
    hma_model *other;
    hma_status status = hma_model_open(&other, e->context, pre, &e->options.model);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_evaluator_check(e, hma_model_description(other));
    if (status == HMA_OK) {
        const hma_mixture mixture = {other, e->model, ratio};
        const hma_model_counters before = hma_model_count(e->model);
        status = hma_questions_ask_mixture(&e->questions, &mixture, e->tokenizer);
        const hma_model_counters after = hma_model_count(e->model), others = hma_model_count(other);
        result->cost = hma_counters_between(&before, &after);
        hma_counters_add(&result->cost, &others);
    }
    hma_model_close(other);
    return status;
}

/*
 * What reports tell of is a course of its own, unless it is part of a longer one, or of a loop of which nothing more is known.
 * Whatever fails here only leaves nothing to tell.
 */
static void begin_course(hma_evaluator *e, size_t models, hma_course *course) {
    hma_expectation expected;
    if (!hma_reports(e->context) || hma_reported_course(e->context) || hma_reported_steps(e->context) > 0 ||
        hma_evaluator_time_reading(e) != HMA_OK || hma_evaluator_expect(e, 0, models, &expected) != HMA_OK ||
        hma_course_begin(course, 1, 0, hma_seconds()) != HMA_OK) {
        return;
    }
    hma_course_expect(course, 0, &expected);
    hma_report_course(e->context, course);
}

static void end_course(hma_evaluator *e, hma_course *course) {
    if (course->steps > 0) {
        hma_report_course(e->context, NULL);
        hma_course_end(course);
    }
}

/* With `pre` the mixture of both, else `source` alone. */
static hma_status run(hma_evaluator *e, const hma_source *source, const hma_source *pre, double ratio, hma_result **out) {
    const double begun = hma_seconds(), judged_before = e->judge ? hma_judge_flops(e->judge) : 0;
    hma_course course = {0};
    hma_result *result = HMA_NEW(hma_result, 1);
    hma_status status = result ? hma_evaluator_bind(e, source) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = hma_judging_begin(e);
    }
    if (status == HMA_OK) {
        begin_course(e, pre ? 2 : 1, &course);
        status = pre ? ask_mixture(e, pre, ratio, result) : ask_model(e, source, result);
    }
    if (status == HMA_OK) {
        hma_evaluator_learn_lengths(e);
        status = make_results(e, result);
    }
    end_course(e, &course);
    hma_judging_free(&e->judging);
    if (status != HMA_OK) {
        hma_result_free(result);
        return status;
    }
    result->cost.flops += e->judge ? hma_judge_flops(e->judge) - judged_before : 0;
    result->seconds += hma_seconds() - begun;
    *out = result;
    return HMA_OK;
}

hma_status hma_evaluator_run(hma_evaluator *evaluator, const hma_source *source, hma_result **out) {
    return run(evaluator, source, NULL, 0, out);
}

hma_status hma_evaluator_run_mixture(hma_evaluator *evaluator, const hma_source *pre, const hma_source *post, double ratio,
                                     hma_result **out) {
    return run(evaluator, post, pre, ratio, out);
}
