#include <stdlib.h>

#include "cmd.h"
#include "common.h"
#include "hma/eval.h"
#include "json_out.h"
#include "process.h"
#include "source.h"
#include "table.h"
#include "talk.h"

typedef struct eval_values {
    cli_common common;
    cli_scored scored;
    cli_compute compute;
    cli_items items;
    const char *suite, *out, *requests_out;
    uint64_t calibration;
} eval_values;

static const eval_values defaults = {.calibration = 32};

static const cli_option operands[] = {
    {CLI_OPERAND, .name = "MODEL", .help = "model folder; with --post the model before RLHF",
     .offset = offsetof(eval_values, scored.model), .role = CLI_READS},
};
static const cli_option options[] = {
    {CLI_TEXT, 0, "suite", "FILE", .help = "what is measured", .offset = offsetof(eval_values, suite), .required = true,
     .role = CLI_READS_SUITE},
    {CLI_TEXT, 0, "out", "DIR", .help = "write results and samples there, in lm-evaluation-harness's shape",
     .offset = offsetof(eval_values, out), .absent = "none", .role = CLI_WRITES_FOLDER},
    {CLI_TEXT, 0, "requests-out", "FILE",
     .help = "write every question there as a request file, worked examples and templates in the texts",
     .offset = offsetof(eval_values, requests_out), .absent = "none", .role = CLI_WRITES},
    {CLI_NUMBER, 0, "calibration", "N",
     .help = "with --precision bf16: items of each task that are scored in fp32 too, to tell the deviation; 0: none",
     .offset = offsetof(eval_values, calibration), .most = 1000000000},
};

/* ---- JSON ---- */

static void put_value(cli_json *json, const hma_measure *m) {
    cli_json_number(json, "value", m->value);
    cli_json_number(json, "stderr", m->standard_error);
}

static void put_measures(cli_json *json, const hma_task_result *task) {
    cli_json_object(json, "metrics");
    for (size_t i = 0; i < task->measure_count; i++) {
        cli_json_object(json, hma_metric_describe(task->measures[i].metric)->name);
        put_value(json, &task->measures[i]);
        cli_json_object_end(json);
    }
    cli_json_object_end(json);
}

static void put_task(cli_json *json, const hma_task_result *task) {
    cli_json_object(json, task->name);
    cli_json_text(json, "metric", hma_metric_describe(task->measures[0].metric)->name);
    put_value(json, &task->measures[0]);
    cli_json_count(json, "n", task->items);
    cli_json_text(json, "category", task->category);
    put_measures(json, task);
    cli_json_object_end(json);
}

static void put_alignment(cli_json *json, const hma_result *result, const hma_suite *suite) {
    if (!result->has_alignment) {
        cli_json_raw(json, "alignment", "null");
        return;
    }
    cli_json_object(json, "alignment");
    cli_json_text(json, "type", hma_suite_alignment_type(suite));
    put_value(json, &result->alignment.measures[0]);
    cli_json_count(json, "n", result->alignment.items);
    cli_json_object_end(json);
}

static void put_deviation(cli_json *json, const hma_deviation *d) {
    cli_json_object(json, "deviation");
    cli_json_text(json, "from", cli_precision_word(HMA_FP32));
    cli_json_count(json, "items", d->items);
    cli_json_count(json, "scores_changed", d->scores_changed);
    cli_json_count(json, "logprobs", d->logprobs);
    cli_json_number(json, "largest", d->largest);
    cli_json_number(json, "mean", d->mean);
    cli_json_count(json, "replies", d->replies);
    cli_json_count(json, "replies_changed", d->replies_changed);
    cli_json_object_end(json);
}

static void print_json(const eval_values *v, const char *name, const hma_suite *suite, const hma_result *result,
                       const hma_deviation *deviation) {
    cli_json json = cli_json_begin(stdout);
    cli_json_text(&json, "model", name);
    cli_json_text(&json, "precision", cli_precision_word((size_t)v->compute.precision));
    cli_json_object(&json, "tasks");
    for (size_t i = 0; i < result->task_count; i++) {
        put_task(&json, &result->tasks[i]);
    }
    cli_json_object_end(&json);
    put_alignment(&json, result, suite);
    cli_json_object(&json, "retention");
    cli_json_number(&json, "value", result->retention);
    cli_json_number(&json, "stderr", result->retention_error);
    cli_json_object_end(&json);
    cli_json_text(&json, "suite", hma_suite_name(suite));
    cli_json_text(&json, "suite_sha256", hma_suite_digest(suite));
    cli_json_number(&json, "seconds", result->seconds);
    cli_json_count(&json, "peak_memory", cli_process_peak_memory());
    cli_json_count(&json, "tokens", result->cost.tokens);
    cli_json_count(&json, "tokens_shared", result->cost.tokens_shared);
    cli_json_count(&json, "generated", result->cost.generated);
    if (deviation) {
        put_deviation(&json, deviation);
    }
    cli_json_end(&json);
}

/* ---- text ---- */

static void add_measure(cli_table *table, const hma_task_result *task, const hma_measure *m) {
    cli_table_cell(table, "%s", task->name);
    cli_table_cell(table, "%s", task->category);
    cli_table_cell(table, "%s", hma_metric_describe(m->metric)->name);
    cli_table_measure(table, m->value, m->standard_error);
    cli_table_cell(table, "%zu", task->items);
}

static void print_deviation(const hma_deviation *d) {
    (void)printf("deviation from fp32 over %zu items: ", d->items);
    if (d->logprobs) {
        (void)printf("log-likelihoods %.2g on average, %.2g at most; ", d->mean, d->largest);
    }
    if (d->replies) {
        (void)printf("%zu of %zu replies read otherwise; ", d->replies_changed, d->replies);
    }
    (void)printf("%zu score%s changed\n", d->scores_changed, d->scores_changed == 1 ? "" : "s");
}

static hma_status print_text(const hma_result *result, const hma_deviation *deviation) {
    static const char *const head[] = {"task", "category", "metric", "value", "n"};
    cli_table table = cli_table_begin("lllrr");
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        cli_table_cell(&table, "%s", head[i]);
    }
    for (size_t i = 0; i < result->task_count; i++) {
        for (size_t j = 0; j < result->tasks[i].measure_count; j++) {
            add_measure(&table, &result->tasks[i], &result->tasks[i].measures[j]);
        }
    }
    if (result->has_alignment) {
        add_measure(&table, &result->alignment, &result->alignment.measures[0]);
    }
    const hma_status status = cli_table_end(&table, stdout);
    char text[CLI_MEASURE_TEXT];
    (void)printf("retention %s (mean over categories)\n", cli_measure_text(text, result->retention, result->retention_error));
    if (deviation) {
        print_deviation(deviation);
    }
    return status;
}

/* ---- the command ---- */

static hma_eval_options options_of(const eval_values *v, const cli_source *source) {
    return (hma_eval_options){.model = cli_model_options(&v->compute),
                              .bos = (hma_bos)v->compute.bos,
                              .prompts = (hma_prompt_split)v->items.prompts,
                              .items = (hma_item_split)v->items.items,
                              .limit = (size_t)v->items.limit,
                              .pre = source->post ? source->model : NULL,
                              .post = source->post};
}

/* What bf16 does to the first items of each task. */
static hma_status measure_deviation(cli_session *session, const eval_values *v, const cli_source *source,
                                    const hma_suite *suite, const hma_result *result, hma_deviation *out) {
    hma_eval_options reference_options = options_of(v, source);
    hma_evaluator *evaluator;
    hma_result *reference;
    const size_t limit = (size_t)v->items.limit, calibration = (size_t)v->calibration;
    reference_options.model.precision = HMA_FP32;
    reference_options.limit = limit && limit < calibration ? limit : calibration;
    hma_status status =
        hma_evaluator_new(&evaluator, session->context, suite, cli_source_tokenizer(source, &v->scored), &reference_options);
    if (status == HMA_OK) {
        status = hma_evaluator_run(evaluator, source->source, &reference);
        hma_evaluator_free(evaluator);
    }
    if (status == HMA_OK) {
        status = hma_result_deviation(out, result, reference);
        hma_result_free(reference);
    }
    return status;
}

static hma_status report(cli_session *session, const eval_values *v, const cli_source *source, const hma_suite *suite,
                         const hma_evaluator *evaluator, const hma_result *result, const char *name) {
    const bool calibrate = v->compute.precision == HMA_BF16_COMPUTE && v->calibration > 0;
    hma_deviation deviation;
    hma_status status = calibrate ? measure_deviation(session, v, source, suite, result, &deviation) : HMA_OK;
    if (status == HMA_OK && v->out) {
        status = hma_result_write(result, evaluator, name, v->out);
    }
    if (status == HMA_OK && v->common.json) {
        print_json(v, name, suite, result, calibrate ? &deviation : NULL);
    } else if (status == HMA_OK) {
        status = print_text(result, calibrate ? &deviation : NULL);
    }
    return status;
}

static hma_status evaluate(cli_session *session, const eval_values *v, const cli_source *source, const hma_suite *suite) {
    const hma_eval_options eval_options = options_of(v, source);
    hma_evaluator *evaluator;
    hma_result *result;
    hma_status status =
        hma_evaluator_new(&evaluator, session->context, suite, cli_source_tokenizer(source, &v->scored), &eval_options);
    if (status != HMA_OK) {
        return status;
    }
    status = v->requests_out ? hma_evaluator_write_requests(evaluator, v->requests_out) : HMA_OK;
    if (status == HMA_OK) {
        status = hma_evaluator_run(evaluator, source->source, &result);
    }
    if (status == HMA_OK) {
        char *name = cli_source_name(source, &v->scored);
        status = name ? report(session, v, source, suite, evaluator, result, name) : cli_error_memory();
        free(name);
        hma_result_free(result);
    }
    hma_evaluator_free(evaluator);
    return status;
}

static hma_status run(cli_session *session, const void *values) {
    const eval_values *v = values;
    cli_source source = {0};
    hma_suite *suite = NULL;
    if (cli_given(session->parsed, "calibration") && v->compute.precision != HMA_BF16_COMPUTE) {
        return cli_error(HMA_USAGE, "--calibration: has no effect without --precision bf16 (it tells how far that lies from fp32): "
                                    "leave it out, or add that");
    }
    hma_status status = hma_suite_load(&suite, v->suite);
    if (status == HMA_OK) {
        status = cli_source_open(&source, session->parsed, &v->scored);
    }
    if (status == HMA_OK) {
        status = evaluate(session, v, &source, suite);
    }
    cli_source_close(&source);
    hma_suite_free(suite);
    return status;
}

const cli_command cli_cmd_eval = {
    .spec = {"eval",
             "score one model, or one merge, on a suite",
             NULL,
             {CLI_GROUP("Arguments", operands, 0), CLI_GROUP(NULL, options, 0),
              CLI_GROUP(NULL, cli_post_options, offsetof(eval_values, scored)),
              CLI_RECIPE_RATIOS_GROUP(offsetof(eval_values, scored.ratios)),
              CLI_RECIPE_SETTINGS_GROUP(offsetof(eval_values, scored.settings)),
              CLI_BASE_GROUP(offsetof(eval_values, scored.settings)), CLI_COMPUTE_GROUP(offsetof(eval_values, compute)),
              CLI_ITEMS_GROUP(offsetof(eval_values, items)), CLI_JSON_GROUP, CLI_COMMON_GROUP},
             &defaults,
             sizeof defaults},
    .run = run,
    .has_common = true,
};
