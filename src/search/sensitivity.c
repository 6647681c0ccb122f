#include "hma/sensitivity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "merge/recipe_parts.h"
#include "merge/roles.h"
#include "search/sensitivity_parts.h"

void hma_sensitivity_free(hma_sensitivity *s) {
    if (!s) {
        return;
    }
    for (size_t i = 0; s->measures && i < s->measure_count; i++) {
        free(s->measures[i].name);
        free(s->measures[i].category);
    }
    for (size_t i = 0; s->rows && i < s->row_count; i++) {
        free(s->rows[i].measures);
    }
    free(s->measures);
    free(s->rows);
    free(s);
}

/* ---- rows ---- */

static bool belongs(const hma_sensitivity_row *row, size_t layer, hma_tensor_kind kind) {
    switch (row->scope) {
    case HMA_SCOPE_PART: return row->layer == layer && row->kind == kind;
    case HMA_SCOPE_LAYER: return row->layer == layer;
    case HMA_SCOPE_KIND: return row->kind == kind;
    case HMA_SCOPE_ALL: break;
    }
    return true;
}

/* Where a tensor is, and of what kind; false for what has no ratio. */
static bool place_of(const hma_tensor *tensor, size_t *layer, hma_tensor_kind *kind) {
    const hma_role role = hma_role_of(tensor->name, tensor->rank);
    *layer = role.place == HMA_PLACE_LAYER ? role.layer : HMA_OUTSIDE_LAYERS;
    *kind = role.kind;
    return hma_dtype_is_weight(tensor->dtype);
}

/* Adds a row unless no tensor belongs to it. */
static hma_status add_row(hma_sensitivity *out, const hma_source *source, hma_sensitivity_row row) {
    bool used = false;
    for (size_t t = 0; t < hma_source_tensor_count(source); t++) {
        const hma_tensor *tensor = hma_source_tensor(source, t);
        size_t layer;
        hma_tensor_kind kind;
        if (place_of(tensor, &layer, &kind) && belongs(&row, layer, kind)) {
            row.elements += tensor->elements;
            used = true;
        }
    }
    if (used) {
        row.measures = HMA_NEW(hma_slope, out->measure_count);
        if (!row.measures) {
            return HMA_FAILURE;
        }
        out->rows[out->row_count++] = row;
    }
    return HMA_OK;
}

static hma_status make_rows(hma_sensitivity *out, const hma_source *source, size_t layers) {
    out->rows = HMA_NEW(hma_sensitivity_row, (layers + 1) * (HMA_KIND_COUNT + 1) + HMA_KIND_COUNT + 1);
    hma_status status = out->rows ? HMA_OK : HMA_FAILURE;
    for (size_t l = 0; status == HMA_OK && l <= layers; l++) {
        for (int kind = 0; status == HMA_OK && kind < HMA_KIND_COUNT; kind++) {
            status = add_row(out, source,
                             (hma_sensitivity_row){.scope = HMA_SCOPE_PART,
                                                   .layer = l < layers ? l : HMA_OUTSIDE_LAYERS,
                                                   .kind = (hma_tensor_kind)kind});
        }
    }
    for (size_t l = 0; status == HMA_OK && l <= layers; l++) {
        status =
            add_row(out, source, (hma_sensitivity_row){.scope = HMA_SCOPE_LAYER, .layer = l < layers ? l : HMA_OUTSIDE_LAYERS});
    }
    for (int kind = 0; status == HMA_OK && kind < HMA_KIND_COUNT; kind++) {
        status = add_row(out, source, (hma_sensitivity_row){.scope = HMA_SCOPE_KIND, .kind = (hma_tensor_kind)kind});
    }
    return status == HMA_OK ? add_row(out, source, (hma_sensitivity_row){.scope = HMA_SCOPE_ALL}) : status;
}

/* ---- estimates ---- */

static size_t tokens_of(const hma_passage *p) {
    size_t tokens = 0;
    for (size_t t = 1; t < p->ids.count; t++) {
        tokens += p->counts[t];
    }
    return tokens;
}

/* Sum of x over sum of tokens, and its standard error as a ratio of two sums (linearised): texts differ in length. */
static hma_slope per_token(const hma_passages *texts, const double *x) {
    double sum = 0, tokens = 0, squares = 0;
    const double n = (double)texts->count;
    for (size_t i = 0; i < texts->count; i++) {
        sum += x[i];
        tokens += (double)tokens_of(&texts->list[i]);
    }
    hma_slope out = {sum / tokens, NAN};
    for (size_t i = 0; i < texts->count; i++) {
        const double off = x[i] - out.value * (double)tokens_of(&texts->list[i]);
        squares += off * off;
    }
    if (texts->count > 1) {
        out.error = sqrt(squares * n / (n - 1)) / tokens;
    }
    return out;
}

/* One measure: passes over the model, then every row's sum over its tensors, text by text. */
static hma_status measure(hma_sensitivity *out, size_t number, hma_model *model, const hma_source *source,
                          hma_passages *texts) {
    const size_t tensors = hma_source_tensor_count(source);
    double *by_tensor = HMA_NEW(double, texts->count *tensors), *x = HMA_NEW(double, texts->count);
    hma_status status = by_tensor && x ? hma_model_passages(model, texts->list, texts->count, by_tensor) : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < texts->count; i++) {
        x[i] = texts->list[i].logprob;
    }
    if (status == HMA_OK) {
        out->measures[number].likelihood = per_token(texts, x);
    }
    for (size_t r = 0; status == HMA_OK && r < out->row_count; r++) {
        memset(x, 0, texts->count * sizeof *x);
        for (size_t t = 0; t < tensors; t++) {
            size_t layer;
            hma_tensor_kind kind;
            if (place_of(hma_source_tensor(source, t), &layer, &kind) && belongs(&out->rows[r], layer, kind)) {
                for (size_t i = 0; i < texts->count; i++) {
                    x[i] += by_tensor[i * tensors + t];
                }
            }
        }
        out->rows[r].measures[number] = per_token(texts, x);
    }
    free(by_tensor);
    free(x);
    return status;
}

/* Mean over categories of the means over their tasks: every task has a weight of 1 / (categories * tasks of its category). */
static hma_slope over_tasks(const hma_sensitivity *s, const hma_slope *tasks) {
    size_t categories = 0;
    double value = 0, square = 0;
    for (size_t i = 1; i < s->measure_count; i++) {
        size_t first = i;
        for (size_t j = i; j-- > 1;) {
            first = strcmp(s->measures[j].category, s->measures[i].category) == 0 ? j : first;
        }
        categories += first == i;
    }
    for (size_t i = 1; i < s->measure_count; i++) {
        size_t same = 0;
        for (size_t j = 1; j < s->measure_count; j++) {
            same += strcmp(s->measures[j].category, s->measures[i].category) == 0;
        }
        const double weight = 1 / (double)(categories * same);
        value += weight * tasks[i].value;
        square += weight * weight * tasks[i].error * tasks[i].error;
    }
    return categories ? (hma_slope){value, sqrt(square)} : (hma_slope){NAN, NAN};
}

static hma_status summarize(hma_sensitivity *s) {
    hma_slope *likelihoods = HMA_NEW(hma_slope, s->measure_count);
    if (!likelihoods) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < s->measure_count; i++) {
        likelihoods[i] = s->measures[i].likelihood;
    }
    s->retention = over_tasks(s, likelihoods);
    for (size_t r = 0; r < s->row_count; r++) {
        s->rows[r].replies = s->rows[r].measures[0];
        s->rows[r].retention = over_tasks(s, s->rows[r].measures);
    }
    free(likelihoods);
    return HMA_OK;
}

/* ---- all of it ---- */

static hma_status compute(hma_sensitivity *out, hma_context *context, const hma_checkpoint *pre, const hma_checkpoint *post,
                          const hma_suite *suite, const hma_source *source, const hma_sensitivity_options *options) {
    hma_model *model;
    hma_passages *passages = NULL;
    hma_status status = hma_model_open(&model, context, source, &options->model);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_sensitivity_texts(out, &passages, context, model, pre, post, suite, options);
    if (status == HMA_OK) {
        status = make_rows(out, source, hma_model_description(model)->layers);
    }
    for (size_t i = 0; status == HMA_OK && i < out->measure_count; i++) {
        status = measure(out, i, model, source, &passages[i]);
    }
    for (size_t i = 0; passages && i < out->measure_count; i++) {
        hma_passages_free(&passages[i]);
    }
    free(passages);
    hma_model_close(model);
    return status == HMA_OK ? summarize(out) : status;
}

hma_status hma_sensitivity_compute(hma_sensitivity **out, hma_context *context, const hma_checkpoint *pre,
                                   const hma_checkpoint *post, const hma_suite *suite, const hma_recipe *recipe,
                                   const hma_sensitivity_options *options) {
    const hma_sensitivity_options defaults = {0};
    hma_sensitivity *sensitivity = HMA_NEW(hma_sensitivity, 1);
    hma_recipe *smooth = NULL;
    hma_source *source = NULL;
    options = options ? options : &defaults;
    hma_status status = sensitivity ? hma_recipe_unrounded(&smooth, recipe) : HMA_FAILURE;
    if (status == HMA_OK && options->model.precision != HMA_FP32) {
        status = hma_error(HMA_USAGE, "--precision: sensitivities are computed in fp32 (expected fp32): choose it");
    }
    if (status == HMA_OK && hma_recipe_method(recipe) != HMA_LINEAR) {
        status = hma_error(
            HMA_USAGE, "--method: sensitivities are derivatives of linear merges (expected linear, it is %s): choose linear",
            hma_method_name(hma_recipe_method(recipe)));
    }
    if (status == HMA_OK) {
        status = hma_source_merged(&source, pre, post, smooth);
    }
    if (status == HMA_OK) {
        status = compute(sensitivity, context, pre, post, suite, source, options);
    }
    hma_source_free(source);
    hma_recipe_free(smooth);
    if (status != HMA_OK) {
        hma_sensitivity_free(sensitivity);
        return status;
    }
    *out = sensitivity;
    return HMA_OK;
}
