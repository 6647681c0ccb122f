#include <stdlib.h>
#include <string.h>

#include "checkpoints.h"
#include "cmd.h"
#include "common.h"
#include "hma/sensitivity.h"
#include "json_out.h"
#include "recipe_options.h"
#include "table.h"
#include "talk.h"

typedef struct sensitivity_values {
    cli_common common;
    const char *pre, *post, *suite, *texts;
    uint64_t best, drawn, limit;
    bool parts;
    cli_recipe_ratios ratios;
    cli_recipe_settings settings;
    cli_compute compute;
} sensitivity_values;

static const sensitivity_values defaults = {0};

static const cli_option operands[] = {
    {CLI_OPERAND, .name = "PRE", .help = "model folder before RLHF", .offset = offsetof(sensitivity_values, pre),
     .role = CLI_READS},
    {CLI_OPERAND, .name = "POST", .help = "model folder after RLHF", .offset = offsetof(sensitivity_values, post),
     .role = CLI_READS},
};
static const cli_option options[] = {
    {CLI_TEXT, 0, "suite", "FILE", .help = "whose gold answers, and whose search prompts",
     .offset = offsetof(sensitivity_values, suite), .required = true, .role = CLI_READS_SUITE},
    {CLI_TEXT, 0, "texts", "FILE", .help = "replies with high reward: a line {\"prompt\":..,\"response\":..} each",
     .offset = offsetof(sensitivity_values, texts), .absent = "post's own to the search prompts", .role = CLI_READS},
    {CLI_NUMBER, 0, "best", "N", .help = "of post's replies, so many with the highest reward",
     .offset = offsetof(sensitivity_values, best), .absent = "half of them, at most 5000", .most = 1000000000},
    {CLI_NUMBER, 0, "drawn", "N", .help = "of those, so many drawn", .offset = offsetof(sensitivity_values, drawn),
     .absent = "two fifths of them, at most 2000", .most = 1000000000},
    {CLI_NUMBER, 0, "limit", "N", .help = "items of each task, and prompts, at most",
     .offset = offsetof(sensitivity_values, limit), .absent = "the suite's", .most = 1000000000},
    {CLI_FLAG, .name = "parts", .help = "list every kind of tensor in every layer (JSON always does)",
     .offset = offsetof(sensitivity_values, parts)},
};

static const char details[] =
    "Tells by how much log-likelihoods change for a unit of ratio, in nats per token, with standard errors over\n"
    "texts: those of replies with high reward, and those of the gold answers of the suite's tasks (mean over\n"
    "categories). Derivatives are exact, at the ratios given (default 0.5), of the merge before it is rounded.\n"
    "Only search prompts and search items are used.";

/* ---- JSON ---- */

static const char *const scopes[] = {"part", "layer", "kind", "all"};

static void put_slope(cli_json *json, const char *key, const hma_slope *slope) {
    cli_json_object(json, key);
    cli_json_number(json, "value", slope->value);
    cli_json_number(json, "stderr", slope->error);
    cli_json_object_end(json);
}

static void put_row(cli_json *json, const hma_sensitivity *s, const hma_sensitivity_row *row) {
    cli_json_object(json, NULL);
    cli_json_text(json, "scope", scopes[row->scope]);
    if (row->scope == HMA_SCOPE_PART || row->scope == HMA_SCOPE_LAYER) {
        if (row->layer == HMA_OUTSIDE_LAYERS) {
            cli_json_raw(json, "layer", "null");
        } else {
            cli_json_count(json, "layer", row->layer);
        }
    }
    if (row->scope == HMA_SCOPE_PART || row->scope == HMA_SCOPE_KIND) {
        cli_json_text(json, "kind", hma_tensor_kind_name(row->kind));
    }
    cli_json_count(json, "elements", row->elements);
    put_slope(json, "replies", &row->replies);
    put_slope(json, "retention", &row->retention);
    cli_json_object(json, "tasks");
    for (size_t i = 1; i < s->measure_count; i++) {
        put_slope(json, s->measures[i].name, &row->measures[i]);
    }
    cli_json_object_end(json);
    cli_json_object_end(json);
}

static void print_json(const hma_sensitivity *s, const hma_recipe *recipe) {
    cli_json json = cli_json_begin(stdout);
    cli_json_text(&json, "ratio_meaning", "weight of post");
    cli_json_text(&json, "unit", "nats per token and unit of ratio");
    cli_json_array(&json, "ratios");
    for (size_t k = 0; k < hma_recipe_blocks(recipe); k++) {
        cli_json_number(&json, NULL, hma_recipe_block_ratio(recipe, k));
    }
    cli_json_array_end(&json);
    cli_json_array(&json, "measures");
    for (size_t i = 0; i < s->measure_count; i++) {
        const hma_sensitivity_measure *m = &s->measures[i];
        cli_json_object(&json, NULL);
        cli_json_text(&json, "name", m->name);
        cli_json_text(&json, "category", m->category);
        cli_json_count(&json, "texts", m->texts);
        cli_json_count(&json, "tokens", m->tokens);
        put_slope(&json, "likelihood", &m->likelihood);
        cli_json_object_end(&json);
    }
    cli_json_array_end(&json);
    cli_json_array(&json, "rows");
    for (size_t r = 0; r < s->row_count; r++) {
        put_row(&json, s, &s->rows[r]);
    }
    cli_json_array_end(&json);
    cli_json_end(&json);
}

/* ---- text ---- */

static void name_row(cli_table *table, const hma_sensitivity_row *row) {
    const char *kind = hma_tensor_kind_name(row->kind);
    const bool outside = row->layer == HMA_OUTSIDE_LAYERS;
    switch (row->scope) {
    case HMA_SCOPE_PART:
        if (outside) {
            cli_table_cell(table, "outside, %s", kind);
        } else {
            cli_table_cell(table, "layer %zu, %s", row->layer, kind);
        }
        return;
    case HMA_SCOPE_LAYER:
        if (outside) {
            cli_table_cell(table, "outside the layers");
        } else {
            cli_table_cell(table, "layer %zu", row->layer);
        }
        return;
    case HMA_SCOPE_KIND: cli_table_cell(table, "%s", kind); return;
    case HMA_SCOPE_ALL: break;
    }
    cli_table_cell(table, "all");
}

static hma_status print_rows(const hma_sensitivity *s, bool parts) {
    cli_table table = cli_table_begin("lrr");
    cli_table_cell(&table, "what moves");
    cli_table_cell(&table, "replies");
    cli_table_cell(&table, "retention");
    for (size_t r = 0; r < s->row_count; r++) {
        const hma_sensitivity_row *row = &s->rows[r];
        if (parts || row->scope != HMA_SCOPE_PART) {
            name_row(&table, row);
            cli_table_measure(&table, row->replies.value, row->replies.error);
            cli_table_measure(&table, row->retention.value, row->retention.error);
        }
    }
    return cli_table_end(&table, stdout);
}

static hma_status print_text(const hma_sensitivity *s, bool parts) {
    static const char *const head[] = {"texts", "category", "n", "tokens", "log-likelihood"};
    cli_table table = cli_table_begin("llrrr");
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        cli_table_cell(&table, "%s", head[i]);
    }
    for (size_t i = 0; i < s->measure_count; i++) {
        const hma_sensitivity_measure *m = &s->measures[i];
        cli_table_cell(&table, "%s", m->name);
        cli_table_cell(&table, "%s", m->category ? m->category : "");
        cli_table_cell(&table, "%zu", m->texts);
        cli_table_cell(&table, "%zu", m->tokens);
        cli_table_measure(&table, m->likelihood.value, m->likelihood.error);
    }
    const hma_status status = cli_table_end(&table, stdout);
    if (status == HMA_OK) {
        (void)printf("\nchange of log-likelihood for a unit of ratio (weight of post)\n");
    }
    return status == HMA_OK ? print_rows(s, parts) : status;
}

/* ---- the command ---- */

static hma_status make_recipe(hma_recipe **out, const cli_session *session, const sensitivity_values *v, size_t layers) {
    static const double half = 0.5;
    hma_recipe_spec spec;
    if (cli_recipe_given(session->parsed)) {
        return cli_recipe_make(out, session->parsed, &v->ratios, &v->settings, layers);
    }
    const hma_status status = cli_recipe_spec(&spec, &v->settings);
    spec.layers = layers;
    spec.ratios = &half;
    spec.ratio_count = 1;
    return status == HMA_OK ? hma_recipe_new(out, &spec) : status;
}

static hma_status compute(cli_session *session, const sensitivity_values *v, const hma_checkpoint *pre,
                          const hma_checkpoint *post, const hma_suite *suite) {
    const hma_sensitivity_options how = {.model = cli_model_options(&v->compute),
                                         .bos = (hma_bos)v->compute.bos,
                                         .texts = v->texts,
                                         .best = (size_t)v->best,
                                         .drawn = (size_t)v->drawn,
                                         .limit = (size_t)v->limit};
    hma_recipe *recipe = NULL;
    hma_sensitivity *sensitivity;
    size_t layers;
    hma_status status = hma_checkpoint_layers(post, &layers);
    if (status == HMA_OK) {
        status = make_recipe(&recipe, session, v, layers);
    }
    if (status == HMA_OK) {
        status = hma_sensitivity_compute(&sensitivity, session->context, pre, post, suite, recipe, &how);
    }
    if (status == HMA_OK && v->common.json) {
        print_json(sensitivity, recipe);
    } else if (status == HMA_OK) {
        status = print_text(sensitivity, v->parts);
    }
    if (status == HMA_OK) {
        hma_sensitivity_free(sensitivity);
    }
    hma_recipe_free(recipe);
    return status;
}

/* An option without an effect is a mistake. */
static hma_status check_values(const cli_parsed *parsed, const sensitivity_values *v) {
    static const char *const of_own_texts[] = {"best", "drawn"}, *const of_rounding[] = {"dtype", "rounding"};
    for (size_t i = 0; i < 2; i++) {
        if (v->texts && cli_given(parsed, of_own_texts[i])) {
            return cli_error(HMA_USAGE,
                             "--%s: has no effect with --texts (it belongs to replies that post gives): leave one of "
                             "them out",
                             of_own_texts[i]);
        }
        if (cli_given(parsed, of_rounding[i])) {
            return cli_error(HMA_USAGE,
                             "--%s: has no effect here (what is told is of the merge before it is rounded): leave it "
                             "out",
                             of_rounding[i]);
        }
    }
    return HMA_OK;
}

static hma_status run(cli_session *session, const void *values) {
    const sensitivity_values *v = values;
    hma_checkpoint *pre = NULL, *post = NULL;
    hma_suite *suite = NULL;
    hma_status status = check_values(session->parsed, v);
    if (status == HMA_OK) {
        status = hma_suite_load(&suite, v->suite);
    }
    if (status == HMA_OK) {
        status = cli_pair_open(&pre, &post, v->pre, v->post);
    }
    if (status == HMA_OK) {
        status = compute(session, v, pre, post, suite);
    }
    hma_checkpoint_close(pre);
    hma_checkpoint_close(post);
    hma_suite_free(suite);
    return status;
}

const cli_command cli_cmd_sensitivity = {
    .spec = {"sensitivity",
             "which layers and kinds of tensors buy alignment, and which cost retention",
             details,
             {CLI_GROUP("Arguments", operands, 0), CLI_GROUP(NULL, options, 0),
              CLI_RECIPE_RATIOS_GROUP(offsetof(sensitivity_values, ratios)),
              CLI_RECIPE_SETTINGS_GROUP(offsetof(sensitivity_values, settings)),
              CLI_COMPUTE_GROUP(offsetof(sensitivity_values, compute)), CLI_JSON_GROUP, CLI_COMMON_GROUP},
             &defaults,
             sizeof defaults},
    .run = run,
    .has_common = true,
};
