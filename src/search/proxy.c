#include "search/proxy.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/buffer.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "eval/tasks/evaluator.h"
#include "hma/text.h"
#include "merge/recipe_parts.h"
#include "search/candidates.h"
#include "search/distillation.h"
#include "search/inputs.h"
#include "search/parts.h"

enum { NAME_DIGITS = 12 };

void hma_proxy_free(hma_proxy *proxy) {
    hma_objective_free(proxy->objective);
    *proxy = (hma_proxy){0};
}

/* ---- texts ---- */

/* Post's replies are generated once: they stand in the run's folder under a name that tells what they depend on, next to the
 * run's own inputs. A fact holds their digest. */
static hma_status name_texts(const hma_run *run, const hma_search_options *options, hma_buffer *name) {
    hma_buffer what = {0};
    char digest[65];
    hma_buffer_printf(&what, "best %zu drawn %zu samples %zu", options->texts_best, options->texts_drawn,
                      options->texts_samples);
    hma_status status = hma_buffer_ok(&what);
    if (status == HMA_OK) {
        status = hma_sha256_of(what.data, what.length, digest);
    }
    hma_buffer_free(&what);
    if (status == HMA_OK) {
        hma_buffer_printf(name, "%s/texts-%.*s.jsonl", run->folder, NAME_DIGITS, digest);
        status = hma_buffer_ok(name);
    }
    return status;
}

static hma_status check_digest(const hma_run *run, const char *path, const char *text) {
    char digest[65];
    const char *recorded = hma_run_fact(run, hma_path_base(path));
    const hma_status status = hma_sha256_of(text, strlen(text), digest);
    if (status == HMA_OK && !(recorded && strcmp(recorded, digest) == 0)) {
        return hma_error(HMA_BAD_DATA,
                         "%s: is not what was written there (its SHA-256 differs): remove it to have it made again", path);
    }
    return status;
}

static hma_status make_texts(hma_run *run, const hma_search_options *options, const char *path, char **text) {
    const hma_inputs *inputs = run->inputs;
    /* the suite's own seed: it also decides which prompts are for searching */
    const hma_distillation_options how = {
        .best = options->texts_best, .drawn = options->texts_drawn, .samples = options->texts_samples};
    char digest[65];
    hma_log(run->context, HMA_LOG_INFO, "search: post answers the search prompts");
    hma_status status =
        hma_distillation_build(text, run->context, inputs->suite, inputs->pre, inputs->post, &inputs->evaluator->options, &how);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_sha256_of(*text, strlen(*text), digest);
    if (status == HMA_OK) {
        status = hma_journal_put_fact(run->journal, hma_path_base(path), digest);
    }
    if (status == HMA_OK) {
        status = hma_facts_set(&run->facts, HMA_FACT_HISTORY, hma_path_base(path), "%s", digest);
    }
    if (status == HMA_OK) {
        status = hma_file_store(path, *text, strlen(*text));
    }
    if (status != HMA_OK) {
        hma_text_free(*text);
    }
    return status;
}

static hma_status get_texts(hma_run *run, const hma_search_options *options, hma_buffer *name, char **text) {
    if (options->texts) {
        hma_buffer_text(name, options->texts);
        return hma_distillation_load(text, options->texts);
    }
    hma_status status = name_texts(run, options, name);
    if (status == HMA_OK && !hma_path_exists(name->data)) {
        return make_texts(run, options, name->data, text);
    }
    if (status == HMA_OK) {
        status = hma_distillation_load(text, name->data);
    }
    if (status == HMA_OK) {
        status = check_digest(run, name->data, *text);
        if (status != HMA_OK) {
            hma_text_free(*text);
        }
    }
    return status;
}

/* ---- the objective ---- */

/* "GLOB=RATIO" texts of a recipe's overrides. */
static hma_status write_overrides(const hma_recipe *recipe, char **texts) {
    hma_status status = HMA_OK;
    for (size_t i = 0; i < recipe->overrides.count && status == HMA_OK; i++) {
        char number[HMA_DOUBLE_TEXT];
        hma_buffer text = {0};
        hma_buffer_printf(&text, "%s=%s", recipe->overrides.list[i].glob,
                          hma_double_text(recipe->overrides.list[i].ratio, number));
        texts[i] = hma_buffer_release(&text);
        status = texts[i] ? HMA_OK : HMA_FAILURE;
    }
    return status;
}

static void write_blocks(const hma_recipe *recipe, hma_buffer *text) {
    for (size_t k = 0; k < hma_recipe_blocks(recipe); k++) {
        hma_buffer_printf(text, "%s%zu", k ? "," : "", hma_recipe_block_start(recipe, k));
    }
}

/* Everything that the values depend on apart from the run's own inputs and settings. */
static hma_status make_key(hma_proxy *proxy, const hma_objective_options *how, const char *texts) {
    hma_buffer what = {0};
    char digest[65];
    hma_status status = hma_sha256_of(texts, strlen(texts), digest);
    hma_buffer_printf(&what, "%s length %zu responses %d", digest, how->block_length, how->responses_only);
    if (status == HMA_OK) {
        status = hma_buffer_ok(&what);
    }
    if (status == HMA_OK) {
        status = hma_sha256_of(what.data, what.length, proxy->key);
    }
    hma_buffer_free(&what);
    return status;
}

static hma_status make_objective(hma_proxy *proxy, const hma_search_options *options, const hma_recipe *recipe,
                                 const char *texts, const char *name) {
    const hma_inputs *inputs = proxy->run->inputs;
    hma_objective_options how = hma_objective_options_default();
    char **overrides = HMA_NEW(char *, recipe->overrides.count);
    hma_buffer blocks = {0};
    write_blocks(recipe, &blocks);
    hma_status status = overrides ? hma_buffer_ok(&blocks) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = write_overrides(recipe, overrides);
    }
    if (status == HMA_OK) {
        how.recipe.layers = hma_recipe_layers(recipe);
        how.recipe.method = hma_recipe_method(recipe);
        how.recipe.extra_rows = hma_recipe_extra_rows(recipe);
        how.recipe.policy = hma_recipe_policy(recipe);
        /* "0" alone would be a number of blocks */
        how.recipe.blocks = hma_recipe_blocks(recipe) == 1 ? "1" : blocks.data;
        how.recipe.overrides = (const char *const *)overrides;
        how.recipe.override_count = recipe->overrides.count;
        how.model = inputs->evaluator->options.model;
        how.model.precision = HMA_FP32; /* whatever is scored with */
        how.responses_only = options->responses_only;
        how.block_length = options->block_length == SIZE_MAX ? 0
                           : options->block_length           ? options->block_length
                                                             : how.block_length;
        status = make_key(proxy, &how, texts);
    }
    if (status == HMA_OK) {
        status = hma_objective_new(&proxy->objective, proxy->run->context, inputs->pre, inputs->post, texts, name, &how);
    }
    for (size_t i = 0; overrides && i < recipe->overrides.count; i++) {
        free(overrides[i]);
    }
    free(overrides);
    hma_buffer_free(&blocks);
    return status;
}

hma_status hma_proxy_begin(hma_proxy *proxy, hma_run *run, const hma_search_options *options) {
    static const char any[] = "{\"ratio\":0.5}";
    hma_buffer name = {0};
    hma_recipe *recipe = NULL;
    char *label = NULL, *texts = NULL;
    *proxy = (hma_proxy){.run = run};
    if (!run->inputs) {
        return hma_error(HMA_USAGE, "--method hma: needs models (expected a run that was begun with them)");
    }
    hma_status status = hma_candidate_parse(&recipe, &label, run, any, sizeof any - 1, "search");
    if (status == HMA_OK) {
        status = get_texts(run, options, &name, &texts);
    }
    if (status == HMA_OK) {
        status = make_objective(proxy, options, recipe, texts, name.data);
        hma_text_free(texts);
    }
    if (status == HMA_OK) {
        hma_log(run->context, HMA_LOG_INFO, "search: the likelihood of %zu tokens of %s",
                hma_objective_tokens(proxy->objective), name.data);
    }
    hma_recipe_free(recipe);
    free(label);
    hma_buffer_free(&name);
    return status;
}

/* On all passages (SIZE_MAX) or on one, which the journal keeps under a key of its own. */
static hma_status evaluate(hma_proxy *proxy, size_t passage, const double *ratios, size_t count, double *value,
                           double *gradient) {
    const bool all = passage == SIZE_MAX;
    char key[sizeof proxy->key + 24];
    bool found;
    double *slope = HMA_NEW(double, count);
    hma_status status = slope ? HMA_OK : HMA_FAILURE;
    (void)(all ? snprintf(key, sizeof key, "%s", proxy->key) : snprintf(key, sizeof key, "%s:%zu", proxy->key, passage));
    if (status == HMA_OK) {
        status = hma_evaluation_get(proxy->run->journal, key, ratios, count, &found, value, slope);
    }
    if (status == HMA_OK && !found) {
        status = all ? hma_objective_evaluate(proxy->objective, ratios, count, value, slope)
                     : hma_objective_evaluate_passage(proxy->objective, passage, ratios, count, value, slope);
        if (status == HMA_OK) {
            status = hma_evaluation_put(proxy->run->journal, key, ratios, count, *value, slope);
        }
        proxy->evaluations += status == HMA_OK;
    }
    if (status == HMA_OK && gradient) {
        memcpy(gradient, slope, count * sizeof *slope);
    }
    free(slope);
    return status;
}

hma_status hma_proxy_evaluate(void *proxy, const double *ratios, size_t count, double *value, double *gradient) {
    return evaluate(proxy, SIZE_MAX, ratios, count, value, gradient);
}

hma_status hma_proxy_evaluate_passage(void *proxy, size_t passage, const double *ratios, size_t count, double *value,
                                      double *gradient) {
    return evaluate(proxy, passage, ratios, count, value, gradient);
}
