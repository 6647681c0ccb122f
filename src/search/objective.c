#include "search/objective.h"

#include <stdlib.h>

#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "merge/delta.h"
#include "merge/recipe_parts.h"
#include "merge/roles.h"
#include "search/passages.h"

enum { PAPER_BLOCK = 512 };

struct hma_objective {
    hma_context *context;
    const hma_checkpoint *pre, *post;
    hma_objective_options options;
    char *blocks; /* options.recipe.blocks */
    hma_tokenizer *tokenizer;
    hma_passages passages;
    size_t tokens, rows, block_count;
    hma_source *source;
    hma_model *model;
    bool tied_head;
};

hma_objective_options hma_objective_options_default(void) {
    hma_objective_options options = {.recipe = hma_recipe_spec_default(), .block_length = PAPER_BLOCK};
    options.recipe.blocks = "1";
    return options;
}

/* ---- the texts ---- */

static hma_status read_texts(hma_objective *o, const char *text, const char *name) {
    const hma_description *model = hma_model_description(o->model);
    const size_t length = hma_min_size(o->options.block_length, model->max_length);
    const int32_t *eos;
    const hma_passages_reading how = {.tokenizer = o->tokenizer,
                                      .context_counts = !o->options.responses_only,
                                      .end = hma_model_eos(o->model, &eos) > 0 ? eos[0] : -1,
                                      .most = length ? SIZE_MAX : model->max_length + 1}; /* blocks are cut afterwards */
    hma_status status = hma_passages_read(&o->passages, text, name, &how);
    if (status == HMA_OK && length > 0) {
        status = hma_passages_cut(&o->passages, length);
    }
    if (status != HMA_OK) {
        return status;
    }
    hma_passages_drop_single(&o->passages);
    o->tokens = hma_passages_tokens(&o->passages);
    o->rows = hma_passages_rows(&o->passages);
    if (o->tokens == 0) {
        return hma_error(
            HMA_USAGE, "%s: no token is left to count (expected at least one block of %zu): add texts or choose shorter blocks",
            name, length);
    }
    if (length < o->options.block_length) {
        hma_log(o->context, HMA_LOG_INFO, "%s: blocks are %zu tokens, all that the model reads", name, length);
    }
    return HMA_OK;
}

/* ---- making one ---- */

static hma_status source_at(const hma_objective *o, const double *ratios, size_t count, hma_source **out) {
    hma_recipe_spec spec = o->options.recipe;
    hma_recipe *recipe;
    spec.ratios = ratios;
    spec.ratio_count = count;
    spec.dtype = HMA_F32;
    spec.rounding = HMA_ROUND_NEAREST;
    hma_status status = hma_recipe_new(&recipe, &spec);
    if (status == HMA_OK) {
        status = hma_source_merged(out, o->pre, o->post, recipe);
        hma_recipe_free(recipe);
    }
    return status;
}

static hma_status open_objective(hma_objective *o, const char *text, const char *name) {
    static const double half = 0.5;
    o->blocks = hma_copy_text(o->options.recipe.blocks);
    o->options.recipe.blocks = o->blocks;
    hma_status status = o->blocks ? hma_checkpoint_layers(o->post, &o->options.recipe.layers) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = source_at(o, &half, 1, &o->source);
    }
    if (status == HMA_OK) {
        o->block_count = hma_recipe_blocks(hma_source_recipe(o->source));
        status = hma_model_open(&o->model, o->context, o->source, &o->options.model);
    }
    if (status == HMA_OK) {
        o->tied_head = hma_model_description(o->model)->tied_head;
        status = hma_tokenizer_open(&o->tokenizer, hma_checkpoint_folder(o->post));
    }
    return status == HMA_OK ? read_texts(o, text, name) : status;
}

hma_status hma_objective_new(hma_objective **out, hma_context *context, const hma_checkpoint *pre, const hma_checkpoint *post,
                             const char *text, const char *name, const hma_objective_options *options) {
    if (options->model.precision != HMA_FP32) {
        return hma_error(HMA_USAGE, "--precision: the objective is computed in fp32 (expected fp32): choose it");
    }
    hma_objective *o = HMA_NEW(hma_objective, 1);
    if (!o) {
        return HMA_FAILURE;
    }
    o->context = context;
    o->pre = pre;
    o->post = post;
    o->options = *options;
    const hma_status status = open_objective(o, text, name);
    if (status != HMA_OK) {
        hma_objective_free(o);
        return status;
    }
    *out = o;
    return HMA_OK;
}

void hma_objective_free(hma_objective *o) {
    if (o) {
        hma_model_close(o->model);
        hma_source_free(o->source);
        hma_tokenizer_free(o->tokenizer);
        hma_passages_free(&o->passages);
        free(o->blocks);
        free(o);
    }
}

size_t hma_objective_blocks(const hma_objective *objective) { return objective->block_count; }
size_t hma_objective_tokens(const hma_objective *objective) { return objective->tokens; }
size_t hma_objective_cost(const hma_objective *objective) { return objective->rows; }

/* ---- evaluating ---- */

static hma_status bind(hma_objective *o, const double *ratios, size_t count) {
    hma_source *source;
    hma_status status = source_at(o, ratios, count, &source);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_model_rebind(o->model, source);
    if (status != HMA_OK) {
        hma_source_free(source);
        return status;
    }
    hma_source_free(o->source);
    o->source = source;
    return HMA_OK;
}

/* From the derivatives by every tensor's ratio to those by the blocks'; passages and tensors in order. */
static hma_status by_blocks(const hma_objective *o, const double *by_tensor, size_t passages, double tokens, double *gradient) {
    const size_t tensors = hma_source_tensor_count(o->source), blocks = o->block_count;
    double *slope = HMA_NEW(double, blocks);
    if (!slope) {
        return HMA_FAILURE;
    }
    for (size_t k = 0; k < blocks; k++) {
        gradient[k] = 0;
    }
    for (size_t t = 0; t < tensors; t++) {
        double sum = 0;
        for (size_t i = 0; i < passages; i++) {
            sum += by_tensor[i * tensors + t];
        }
        hma_recipe_tensor_slope(hma_source_recipe(o->source), hma_source_tensor(o->source, t), o->tied_head, slope);
        for (size_t k = 0; k < blocks; k++) {
            gradient[k] += slope[k] * (sum / tokens);
        }
    }
    free(slope);
    return HMA_OK;
}

/* On some of the passages: mean over their tokens. */
static hma_status evaluate(hma_objective *o, hma_passages some, const double *ratios, size_t count, double *value,
                           double *gradient) {
    if (count != o->block_count) {
        return hma_error(HMA_USAGE, "ratios: %zu given for %zu blocks (expected one for every block): make them agree", count,
                         o->block_count);
    }
    const double tokens = (double)hma_max_size(1, hma_passages_tokens(&some));
    hma_status status = bind(o, ratios, count);
    double *by_tensor = gradient ? HMA_NEW(double, some.count *hma_source_tensor_count(o->source)) : NULL;
    if (status == HMA_OK && gradient && !by_tensor) {
        status = HMA_FAILURE;
    }
    if (status == HMA_OK) {
        status = hma_model_passages(o->model, some.list, some.count, by_tensor);
    }
    if (status == HMA_OK && gradient) {
        status = by_blocks(o, by_tensor, some.count, tokens, gradient);
    }
    free(by_tensor);
    if (status == HMA_OK) {
        double sum = 0;
        for (size_t i = 0; i < some.count; i++) {
            sum += some.list[i].logprob;
        }
        *value = sum / tokens;
    }
    return status;
}

hma_status hma_objective_evaluate(void *objective, const double *ratios, size_t count, double *value, double *gradient) {
    hma_objective *o = objective;
    return evaluate(o, o->passages, ratios, count, value, gradient);
}

size_t hma_objective_passages(const hma_objective *objective) { return objective->passages.count; }

hma_status hma_objective_evaluate_passage(void *objective, size_t passage, const double *ratios, size_t count, double *value,
                                          double *gradient) {
    hma_objective *o = objective;
    return evaluate(o, (hma_passages){o->passages.list + passage, 1, 1}, ratios, count, value, gradient);
}

void hma_objective_linear_maps(const hma_objective *o, size_t *maps) {
    const hma_recipe *recipe = hma_source_recipe(o->source);
    for (size_t k = 0; k < o->block_count; k++) {
        maps[k] = 0;
    }
    for (size_t t = 0; t < hma_source_tensor_count(o->source); t++) {
        const hma_tensor *tensor = hma_source_tensor(o->source, t);
        const hma_role role = hma_role_of(tensor->name, tensor->rank);
        if (role.place == HMA_PLACE_LAYER && role.matrix) {
            maps[hma_blocks_find(&recipe->blocks, role.layer)]++;
        }
    }
}
