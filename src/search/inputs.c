#include "search/inputs.h"

#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"
#include "checkpoint/folder.h"
#include "eval/tasks/evaluator.h"
#include "merge/compatible.h"
#include "merge/recipe_parts.h"
#include "merge/source.h"

void hma_inputs_free(void *user) {
    hma_inputs *inputs = user;
    if (!inputs) {
        return;
    }
    hma_evaluator_free(inputs->evaluator);
    hma_upcoming_free(&inputs->upcoming);
    hma_suite_free(inputs->suite);
    hma_source_free(inputs->last);
    hma_checkpoint_close(inputs->pre);
    hma_checkpoint_close(inputs->post);
    hma_checkpoint_close(inputs->base);
    free(inputs);
}

hma_status hma_inputs_open(hma_inputs **out, hma_context *context, const hma_run_setup *setup) {
    hma_inputs *inputs = HMA_NEW(hma_inputs, 1);
    if (!inputs) {
        return HMA_FAILURE;
    }
    const bool common_rows = setup->recipe.extra_rows != HMA_EXTRA_ROWS_NONE;
    inputs->context = context;
    inputs->donor = setup->recipe.extra_rows == HMA_EXTRA_ROWS_PRE ? setup->pre : setup->post;
    hma_status status = hma_suite_load(&inputs->suite, setup->suite);
    if (status == HMA_OK) {
        status = hma_checkpoint_open(&inputs->pre, setup->pre);
    }
    if (status == HMA_OK) {
        status = hma_checkpoint_open(&inputs->post, setup->post);
    }
    inputs->described = setup->recipe.extra_rows == HMA_EXTRA_ROWS_PRE ? inputs->pre : inputs->post;
    if (status == HMA_OK) {
        status = hma_check_compatible(inputs->pre, inputs->post, common_rows);
    }
    if (status == HMA_OK && setup->base) {
        status = hma_checkpoint_open(&inputs->base, setup->base);
    }
    if (status == HMA_OK && setup->base) {
        status = hma_check_base(inputs->pre, inputs->base, common_rows);
    }
    if (status == HMA_OK) {
        status = hma_checkpoint_layers(inputs->post, &inputs->layers);
    }
    if (status != HMA_OK) {
        hma_inputs_free(inputs);
        return status;
    }
    *out = inputs;
    return HMA_OK;
}

hma_status hma_inputs_prepare(hma_inputs *inputs, const hma_run_setup *setup) {
    const hma_eval_options options = {.model = setup->model,
                                      .bos = setup->bos,
                                      .prompts = setup->prompts,
                                      .items = setup->items,
                                      .limit = setup->limit,
                                      .pre = inputs->pre,
                                      .post = inputs->post,
                                      .ends = inputs->described};
    return hma_evaluator_new(&inputs->evaluator, inputs->context, inputs->suite, inputs->donor, &options);
}

/* Pre and post next to each other. */
static hma_status score_mixture(hma_inputs *inputs, const hma_candidate *candidate, hma_result **out) {
    hma_source *pre = NULL, *post = NULL;
    hma_status status = hma_source_plain(&pre, inputs->pre);
    if (status == HMA_OK) {
        status = hma_source_plain(&post, inputs->post);
    }
    if (status == HMA_OK) {
        status = hma_evaluator_run_mixture(inputs->evaluator, pre, post, candidate->mean_ratio, out);
    }
    hma_source_free(pre);
    hma_source_free(post);
    return status;
}

/* The folder as it is now, if it is still what was added. */
static hma_status score_checkpoint(hma_inputs *inputs, const hma_candidate *candidate, hma_result **out) {
    hma_checkpoint *checkpoint = NULL;
    hma_source *source = NULL;
    char digest[65];
    hma_status status = hma_checkpoint_open(&checkpoint, candidate->folder);
    if (status == HMA_OK) {
        status = hma_checkpoint_digest(inputs->context, checkpoint, digest);
    }
    if (status == HMA_OK && strcmp(digest, candidate->sha256) != 0) {
        status = hma_error(HMA_INCOMPATIBLE,
                           "%s: is not the checkpoint that was added as %s (SHA-256 was %.12s.. and is now %.12s..): give "
                           "that one, or add this one under another name",
                           candidate->folder, candidate->label, candidate->sha256, digest);
    }
    if (status == HMA_OK) {
        status = hma_source_plain(&source, checkpoint);
    }
    if (status == HMA_OK) {
        status = hma_evaluator_run(inputs->evaluator, source, out);
    }
    hma_source_free(source);
    hma_checkpoint_close(checkpoint);
    return status;
}

static hma_status open_merge(hma_source **out, const hma_inputs *inputs, const hma_recipe *recipe) {
    const hma_status status = hma_source_merged_from(out, inputs->pre, inputs->post, inputs->base, recipe);
    if (status == HMA_OK && inputs->last) {
        hma_source_take_findings(*out, inputs->last);
    }
    return status;
}

static hma_status open_source(hma_source **out, const hma_inputs *inputs, const hma_candidate *candidate) {
    if (candidate->origin != HMA_ORIGIN_ENDPOINT) {
        return open_merge(out, inputs, candidate->recipe);
    }
    return hma_source_plain(out, hma_recipe_mean_ratio(candidate->recipe) == 0 ? inputs->pre : inputs->post);
}

/* A merge that has been scored: what it knows of whole tensors is the next one's. */
static void put_away(hma_inputs *inputs, hma_source *source) {
    const hma_recipe *recipe = hma_source_recipe(source);
    const hma_method method = recipe ? hma_recipe_method(recipe) : HMA_LINEAR;
    if (method != HMA_SLERP && method != HMA_TIES) {
        hma_source_free(source);
        return;
    }
    hma_source_free(inputs->last);
    inputs->last = source;
}

/* What this candidate and later ones have in common is computed once. */
static hma_status keep_for_later(hma_inputs *inputs, const hma_candidate *candidate) {
    size_t *depths = HMA_NEW(size_t, inputs->layers + 1);
    if (!depths) {
        return HMA_FAILURE;
    }
    const size_t count = hma_upcoming_shared(&inputs->upcoming, candidate, depths);
    const hma_status status = hma_evaluator_keep(inputs->evaluator, depths, count);
    free(depths);
    return status;
}

/* Where weights are streamed, those that come next give their replies together with this one. */
static hma_status reply_together(hma_inputs *inputs, const hma_candidate *candidate, const hma_source *source) {
    const hma_recipe *recipes[HMA_MOST_TOGETHER];
    const hma_source *sources[HMA_MOST_TOGETHER] = {source};
    hma_source *others[HMA_MOST_TOGETHER] = {NULL};
    hma_evaluator *e = inputs->evaluator;
    hma_status status = hma_evaluator_bind(e, source);
    const size_t most = status == HMA_OK && !hma_replies_are_there(e) ? hma_replies_together(e) : 1,
                 count = most > 1 ? hma_upcoming_after(&inputs->upcoming, candidate, recipes, most - 1) : 0;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        status = open_merge(&others[i], inputs, recipes[i]);
        sources[i + 1] = others[i];
    }
    if (status == HMA_OK && count > 0) {
        hma_log(inputs->context, HMA_LOG_DEBUG, "%s and %zu more reply in step", candidate->label, count);
        status = hma_replies_give(e, sources, count + 1);
    }
    for (size_t i = 0; i < count; i++) {
        hma_source_free(others[i]);
    }
    return status;
}

hma_status hma_inputs_score(void *user, const hma_candidate *candidate, hma_result **out) {
    hma_inputs *inputs = user;
    hma_source *source;
    if (candidate->kind != HMA_CANDIDATE_MERGE) {
        return candidate->kind == HMA_CANDIDATE_MIXTURE ? score_mixture(inputs, candidate, out)
                                                        : score_checkpoint(inputs, candidate, out);
    }
    hma_status status = open_source(&source, inputs, candidate);
    if (status != HMA_OK) {
        return status;
    }
    status = keep_for_later(inputs, candidate);
    if (status == HMA_OK && candidate->origin != HMA_ORIGIN_ENDPOINT && hma_replies_may_help(inputs->evaluator)) {
        status = reply_together(inputs, candidate, source);
    }
    if (status == HMA_OK) {
        status = hma_evaluator_run(inputs->evaluator, source, out);
    }
    put_away(inputs, source);
    return status;
}

hma_status hma_inputs_estimate(void *user, const hma_candidate *candidate, hma_cost *out, double *passes) {
    hma_inputs *inputs = user;
    hma_source *source;
    /* other checkpoints are taken to be like pre */
    hma_status status = candidate->kind == HMA_CANDIDATE_MERGE ? open_source(&source, inputs, candidate)
                                                               : hma_source_plain(&source, inputs->pre);
    if (status == HMA_OK) {
        if (candidate->kind == HMA_CANDIDATE_MERGE) {
            status = keep_for_later(inputs, candidate); /* counts as memory */
        }
        if (status == HMA_OK) {
            status = hma_evaluator_estimate(inputs->evaluator, source, out);
        }
        hma_source_free(source);
    }
    *passes = hma_upcoming_passes(&inputs->upcoming, inputs->layers);
    return status;
}

/* The evaluator needs a model in hand to know what it costs. */
static hma_status bind_first(hma_inputs *inputs, const hma_candidate *candidate) {
    hma_source *source;
    if (inputs->evaluator->model) {
        return HMA_OK;
    }
    hma_status status = candidate->kind == HMA_CANDIDATE_MERGE ? open_source(&source, inputs, candidate)
                                                               : hma_source_plain(&source, inputs->post);
    if (status == HMA_OK) {
        status = hma_evaluator_bind(inputs->evaluator, source);
        if (status == HMA_OK) {
            status = hma_evaluator_time_reading(inputs->evaluator);
        }
        hma_source_free(source);
    }
    return status;
}

hma_status hma_inputs_expect(void *user, const hma_candidate *const *candidates, size_t count, hma_expectation *expected) {
    hma_inputs *inputs = user;
    hma_expectation none, all; /* of the layers have to be computed, seconds */
    hma_status status = bind_first(inputs, candidates[0]);
    if (status == HMA_OK) {
        status = hma_evaluator_expect(inputs->evaluator, 1, 1, &none);
    }
    if (status == HMA_OK) {
        status = hma_evaluator_expect(inputs->evaluator, 0, 1, &all);
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        const double shared = (double)hma_upcoming_common(&inputs->upcoming, count - i) / (double)inputs->layers,
                     models = candidates[i]->kind == HMA_CANDIDATE_MIXTURE ? 2 : 1;
        for (size_t p = 0; p < HMA_PHASES; p++) {
            const double own = shared * none.seconds[p] + (1 - shared) * all.seconds[p];
            expected[i].seconds[p] = p == HMA_PHASE_JUDGING ? own : models * own;
        }
    }
    return status;
}

hma_status hma_inputs_learn(void *user, const hma_result *result) {
    const hma_inputs *inputs = user;
    return hma_evaluator_learn_result(inputs->evaluator, result);
}

/* Overrides speak of tensors, which only the checkpoints know, as do a third model and extra rows; everything else of a recipe
 * is right by itself. */
static hma_status check_recipe(void *user, const hma_recipe *recipe) {
    const hma_inputs *inputs = user;
    hma_source *source = NULL;
    if (recipe->overrides.count == 0 && recipe->base == HMA_BASE_PRE && recipe->extra_rows == HMA_EXTRA_ROWS_NONE) {
        return HMA_OK;
    }
    const hma_status status = hma_source_merged_from(&source, inputs->pre, inputs->post, inputs->base, recipe);
    hma_source_free(source);
    return status;
}

hma_status hma_inputs_arrange(void *user, const hma_candidate *const *candidates, size_t count, size_t *order) {
    hma_inputs *inputs = user;
    return hma_upcoming_arrange(&inputs->upcoming, inputs->post, candidates, count, order);
}

hma_status hma_inputs_select(void *user, const hma_selection *selection) {
    hma_inputs *inputs = user;
    return hma_evaluator_select(inputs->evaluator, selection);
}

/* ---- the public beginning of a run ---- */

/* Models are never written to; a run beside them, or around them, is fine. */
static hma_status check_folder(const char *folder, const hma_run_setup *setup, const char *reward) {
    const char *inputs[] = {setup->pre, setup->post, setup->base, reward};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        if (inputs[i] && hma_folder_contains(inputs[i], folder)) {
            return hma_error(HMA_USAGE, "%s: is %s%s, which is read (expected a folder for the run): name another", folder,
                             hma_path_same(inputs[i], folder) ? "" : "inside ", inputs[i]);
        }
    }
    return HMA_OK;
}

hma_status hma_run_begin(hma_run **out, hma_context *context, const char *folder, const hma_run_setup *setup) {
    hma_inputs *inputs = NULL;
    hma_run *run = NULL;
    hma_facts facts = {0};
    hma_status status = check_folder(folder, setup, NULL);
    if (status == HMA_OK) {
        status = hma_inputs_open(&inputs, context, setup);
    }
    if (status == HMA_OK) {
        status = check_folder(folder, setup, hma_suite_reward_folder(inputs->suite));
    }
    if (status == HMA_OK) {
        status = hma_run_take(&run, context, folder); /* before the long part, so that a second process learns of the first */
    }
    if (status == HMA_OK) {
        status = hma_inputs_facts(&facts, inputs, setup);
    }
    if (status == HMA_OK) {
        status = hma_inputs_prepare(inputs, setup);
    }
    if (status == HMA_OK) {
        hma_recipe_spec recipe = setup->recipe;
        recipe.layers = inputs->layers;
        status = hma_run_start(run, &facts, &recipe, hma_suite_text(inputs->suite));
    }
    if (status == HMA_OK) {
        status = hma_run_keep_requests(run, inputs->evaluator);
    }
    hma_facts_free(&facts);
    if (status != HMA_OK) {
        hma_run_close(run);
        hma_inputs_free(inputs);
        return status;
    }
    run->scorer = (hma_scorer){.score = hma_inputs_score,
                               .user = inputs,
                               .check = check_recipe,
                               .arrange = hma_inputs_arrange,
                               .select = hma_inputs_select,
                               .estimate = hma_inputs_estimate,
                               .expect = hma_inputs_expect,
                               .learn = hma_inputs_learn};
    run->test = run->selected = (hma_selection){.prompts = setup->prompts, .items = setup->items};
    run->scorer_free = hma_inputs_free;
    run->inputs = inputs;
    *out = run;
    return HMA_OK;
}
