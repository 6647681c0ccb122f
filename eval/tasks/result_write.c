/* results_SUITE.json: what lm-evaluation-harness's table printer and dashboards read (lm_eval/result_schema.py). */
#include "eval/tasks/result_write.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"
#include "eval/tasks/json_write.h"
#include "hma/version.h"

enum { VERSION_DIGITS = 12 };

/* ---- parts, one object with a key for each task ---- */

typedef struct report {
    const hma_result *result;
    const hma_evaluator *evaluator;
    const char *model_name;
    hma_buffer out;
} report;

/* All tasks, then the alignment measure. */
static size_t part_count(const report *r) { return r->result->task_count + r->result->has_alignment; }

static const hma_task_result *part_result(const report *r, size_t part) {
    return part < r->result->task_count ? &r->result->tasks[part] : &r->result->alignment;
}

/* NULL for the alignment measure. */
static const hma_task_spec *part_spec(const report *r, size_t part) {
    return part < r->result->task_count ? &r->evaluator->suite->tasks[part] : NULL;
}

hma_reported hma_report_name(hma_metric metric, const hma_task_spec *spec) {
    const bool known = spec && spec->builtin;
    switch (metric) {
    case HMA_METRIC_DROP_EM: return (hma_reported){known ? "em" : "drop_em", "none"};
    case HMA_METRIC_DROP_F1: return (hma_reported){known ? "f1" : "drop_f1", "none"};
    case HMA_METRIC_MC2: return (hma_reported){known ? "acc" : "mc2", "none"};
    case HMA_METRIC_EXACT_STRICT: return (hma_reported){"exact_match", "strict-match"};
    case HMA_METRIC_EXACT_FLEXIBLE: return (hma_reported){"exact_match", "flexible-extract"};
    default: return (hma_reported){hma_metric_describe(metric)->name, "none"};
    }
}

/* Whether the measure is the first one of its name: a metric may stand behind several filters. */
static bool is_first_of_name(const hma_task_result *result, const hma_task_spec *spec, size_t measure) {
    const char *name = hma_report_name(result->measures[measure].metric, spec).metric;
    for (size_t i = 0; i < measure; i++) {
        if (strcmp(hma_report_name(result->measures[i].metric, spec).metric, name) == 0) {
            return false;
        }
    }
    return true;
}

typedef void (*print_fn)(report *r, const hma_task_result *result, const hma_task_spec *spec);

static void print_parts(report *r, const char *key, print_fn print) {
    hma_json_key(&r->out, key);
    hma_json_open(&r->out, '{');
    for (size_t part = 0; part < part_count(r); part++) {
        hma_json_key(&r->out, part_result(r, part)->name);
        print(r, part_result(r, part), part_spec(r, part));
    }
    hma_json_close(&r->out, '}');
}

static void print_values(report *r, const hma_task_result *result, const hma_task_spec *spec) {
    char key[80];
    hma_json_open(&r->out, '{');
    hma_json_key(&r->out, "alias");
    hma_json_add_text(&r->out, result->name);
    for (size_t i = 0; i < result->measure_count; i++) {
        const hma_measure *m = &result->measures[i];
        const hma_reported as = hma_report_name(m->metric, spec);
        (void)snprintf(key, sizeof key, "%s,%s", as.metric, as.filter);
        hma_json_key(&r->out, key);
        hma_json_add_number(&r->out, m->value);
        (void)snprintf(key, sizeof key, "%s_stderr,%s", as.metric, as.filter);
        hma_json_key(&r->out, key);
        if (isnan(m->standard_error)) {
            hma_json_add_text(&r->out, "N/A"); /* the harness's word */
        } else {
            hma_json_add_number(&r->out, m->standard_error);
        }
    }
    hma_json_key(&r->out, "sample_len");
    hma_json_add_number(&r->out, (double)result->items);
    hma_json_close(&r->out, '}');
}

static void print_no_subtasks(report *r, const hma_task_result *result, const hma_task_spec *spec) {
    (void)result;
    (void)spec;
    hma_json_open(&r->out, '[');
    hma_json_close(&r->out, ']');
}

void hma_print_until(hma_buffer *out, const hma_stops *until) {
    hma_json_key(out, "until");
    hma_json_open(out, '[');
    for (size_t i = 0; i < until->count; i++) {
        hma_json_add_text(out, until->text[i]);
    }
    hma_json_close(out, ']');
}

void hma_print_generation_arguments(hma_buffer *out, const hma_stops *until, size_t max_tokens, double temperature) {
    hma_json_open(out, '{');
    hma_print_until(out, until);
    hma_json_key(out, "max_gen_toks");
    hma_json_add_number(out, (double)max_tokens);
    hma_json_key(out, "do_sample");
    hma_json_add_bool(out, temperature > 0);
    hma_json_key(out, "temperature");
    hma_json_add_number(out, temperature);
    hma_json_close(out, '}');
}

static void print_metric_list(report *r, const hma_task_result *result, const hma_task_spec *spec) {
    hma_json_key(&r->out, "metric_list");
    hma_json_open(&r->out, '[');
    for (size_t i = 0; i < result->measure_count; i++) {
        const hma_metric_info *info = hma_metric_describe(result->measures[i].metric);
        if (!is_first_of_name(result, spec, i)) {
            continue;
        }
        hma_json_open(&r->out, '{');
        hma_json_key(&r->out, "metric");
        hma_json_add_text(&r->out, hma_report_name(result->measures[i].metric, spec).metric);
        hma_json_key(&r->out, "aggregation");
        hma_json_add_text(&r->out, info->is_mean ? "mean" : info->name);
        hma_json_key(&r->out, "higher_is_better");
        hma_json_add_bool(&r->out, info->higher_is_better);
        hma_json_close(&r->out, '}');
    }
    hma_json_close(&r->out, ']');
}

/* The harness's task that the library's is, and its version. */
static void print_origin(report *r, const hma_builtin *builtin) {
    hma_json_key(&r->out, "metadata");
    hma_json_open(&r->out, '{');
    hma_json_key(&r->out, "lm_eval_task");
    hma_json_add_text(&r->out, builtin->name);
    hma_json_key(&r->out, "version");
    hma_json_add_text(&r->out, builtin->version);
    hma_json_close(&r->out, '}');
}

static void print_config(report *r, const hma_task_result *result, const hma_task_spec *spec) {
    static const hma_stops no_stops;
    static const char *const output_type[] = {[HMA_TASK_MULTIPLE_CHOICE] = "multiple_choice",
                                              [HMA_TASK_GENERATE] = "generate_until",
                                              [HMA_TASK_LOGLIKELIHOOD] = "loglikelihood",
                                              [HMA_TASK_ROLLING] = "loglikelihood_rolling"};
    const hma_alignment_spec *alignment = &r->evaluator->suite->alignment;
    const bool generates = !spec || spec->task.type == HMA_TASK_GENERATE;
    hma_json_open(&r->out, '{');
    hma_json_key(&r->out, "task");
    hma_json_add_text(&r->out, result->name);
    hma_json_key(&r->out, "tag");
    hma_json_add_text(&r->out, result->category);
    hma_json_key(&r->out, "output_type");
    hma_json_add_text(&r->out, spec ? output_type[spec->task.type] : hma_alignment_type_name(alignment->type));
    hma_json_key(&r->out, "num_fewshot");
    hma_json_add_number(&r->out, spec ? (double)spec->fewshot.count : 0);
    if (spec && spec->fewshot.description) {
        hma_json_key(&r->out, "description");
        hma_json_add_text(&r->out, spec->fewshot.description);
    }
    if (generates) {
        hma_json_key(&r->out, "generation_kwargs");
        hma_print_generation_arguments(&r->out, spec ? &spec->until : &no_stops,
                                       spec ? spec->max_tokens : alignment->max_tokens, spec ? 0 : alignment->temperature);
    } else {
        hma_json_key(&r->out, "target_delimiter");
        hma_json_add_text(&r->out, spec->fewshot.delimiter);
    }
    print_metric_list(r, result, spec);
    if (spec && spec->builtin) {
        print_origin(r, spec->builtin);
    }
    hma_json_close(&r->out, '}');
}

/* The data decides what a number means: the version of every task is the suite's digest. */
static void print_version(report *r, const hma_task_result *result, const hma_task_spec *spec) {
    char version[VERSION_DIGITS + 1];
    (void)result;
    (void)spec;
    (void)snprintf(version, sizeof version, "%s", r->evaluator->suite->digest);
    hma_json_add_text(&r->out, version);
}

static void print_shots(report *r, const hma_task_result *result, const hma_task_spec *spec) {
    (void)result;
    hma_json_add_number(&r->out, spec ? (double)spec->fewshot.count : 0);
}

static void print_directions(report *r, const hma_task_result *result, const hma_task_spec *spec) {
    hma_json_open(&r->out, '{');
    for (size_t i = 0; i < result->measure_count; i++) {
        const hma_metric_info *info = hma_metric_describe(result->measures[i].metric);
        if (is_first_of_name(result, spec, i)) {
            hma_json_key(&r->out, hma_report_name(result->measures[i].metric, spec).metric);
            hma_json_add_bool(&r->out, info->higher_is_better);
        }
    }
    hma_json_close(&r->out, '}');
}

static void print_sample_counts(report *r, const hma_task_result *result, const hma_task_spec *spec) {
    const hma_evaluator *e = r->evaluator;
    const hma_items *items = spec ? e->picks[spec - e->suite->tasks].from : e->prompts.from;
    hma_json_open(&r->out, '{');
    hma_json_key(&r->out, "original");
    hma_json_add_number(&r->out, (double)items->count);
    hma_json_key(&r->out, "effective");
    hma_json_add_number(&r->out, (double)result->items);
    hma_json_close(&r->out, '}');
}

/* ---- the run as a whole ---- */

static void print_run(report *r) {
    static const char *const seeds[] = {"random_seed", "numpy_seed", "torch_seed"};
    static const char *const precision[] = {[HMA_FP32] = "fp32", [HMA_BF16_COMPUTE] = "bf16"};
    const hma_evaluator *e = r->evaluator;
    hma_json_key(&r->out, "config");
    hma_json_open(&r->out, '{');
    hma_json_key(&r->out, "model");
    hma_json_add_text(&r->out, "hma");
    hma_json_key(&r->out, "model_args");
    hma_json_open(&r->out, '{');
    hma_json_key(&r->out, "pretrained");
    hma_json_add_text(&r->out, r->model_name);
    hma_json_key(&r->out, "precision");
    hma_json_add_text(&r->out, precision[e->options.model.precision]);
    hma_json_key(&r->out, "bos");
    hma_json_add_text(&r->out, hma_bos_names[e->bos]);
    hma_json_close(&r->out, '}');
    if (e->model) {
        hma_json_key(&r->out, "model_num_parameters");
        hma_json_add_number(&r->out, (double)hma_model_description(e->model)->parameters);
    }
    hma_json_key(&r->out, "device");
    hma_json_add_text(&r->out, "cpu");
    hma_json_key(&r->out, "limit");
    hma_json_add_number(&r->out, e->options.limit > 0 ? (double)e->options.limit : NAN); /* null: none */
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        hma_json_key(&r->out, seeds[i]);
        hma_json_add_number(&r->out, (double)e->suite->seed);
    }
    hma_json_key(&r->out, "fewshot_seed");
    hma_json_add_number(&r->out, HMA_FEWSHOT_SEED);
    hma_json_close(&r->out, '}');
}

static void print_hma(report *r) {
    hma_json_key(&r->out, "hma");
    hma_json_open(&r->out, '{');
    hma_json_key(&r->out, "version");
    hma_json_add_text(&r->out, HMA_VERSION);
    hma_json_key(&r->out, "suite");
    hma_json_add_text(&r->out, r->evaluator->suite->name);
    hma_json_key(&r->out, "suite_sha256");
    hma_json_add_text(&r->out, r->evaluator->suite->digest);
    hma_json_key(&r->out, "retention");
    hma_json_add_number(&r->out, r->result->retention);
    hma_json_key(&r->out, "retention_stderr");
    hma_json_add_number(&r->out, r->result->retention_error);
    hma_json_close(&r->out, '}');
}

/* Characters that file names on every system may have; the others become '_'. */
static void make_file_name(char *text) {
    for (; *text; text++) {
        const char c = *text;
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("._-", c);
        *text = plain ? c : '_';
    }
}

static hma_status print_identity(report *r) {
    char seconds[32], *sanitized = hma_copy_text(r->model_name);
    if (!sanitized) {
        return HMA_FAILURE;
    }
    make_file_name(sanitized);
    (void)snprintf(seconds, sizeof seconds, "%.3f", r->result->seconds);
    hma_json_key(&r->out, "model_source");
    hma_json_add_text(&r->out, "hma");
    hma_json_key(&r->out, "model_name");
    hma_json_add_text(&r->out, r->model_name);
    hma_json_key(&r->out, "model_name_sanitized");
    hma_json_add_text(&r->out, sanitized);
    hma_json_key(&r->out, "total_evaluation_time_seconds");
    hma_json_add_text(&r->out, seconds); /* a text in the harness's files, too */
    free(sanitized);
    return HMA_OK;
}

static hma_status print_report(report *r) {
    hma_json_open(&r->out, '{');
    print_parts(r, "results", print_values);
    print_parts(r, "group_subtasks", print_no_subtasks);
    print_parts(r, "configs", print_config);
    print_parts(r, "versions", print_version);
    print_parts(r, "n-shot", print_shots);
    print_parts(r, "higher_is_better", print_directions);
    print_parts(r, "n-samples", print_sample_counts);
    print_run(r);
    print_hma(r);
    const hma_status status = print_identity(r);
    hma_json_close(&r->out, '}');
    hma_buffer_char(&r->out, '\n');
    return status;
}

/* ---- files ---- */

static hma_status make_folder(const char *folder, bool *made) {
    *made = mkdir(folder, 0777) == 0;
    if (!*made && !(errno == EEXIST && hma_path_is_folder(folder))) {
        return hma_error_io(folder, "make the folder", errno);
    }
    return HMA_OK;
}

/* FOLDER/PREFIX_NAME.SUFFIX from the content of a buffer, which is emptied. */
static hma_status store(hma_buffer *content, const char *folder, const char *prefix, const char *name, const char *suffix) {
    hma_buffer file = {0};
    hma_status status = hma_buffer_ok(content);
    hma_buffer_printf(&file, "%s_%s.%s", prefix, name, suffix);
    if (status == HMA_OK) {
        status = hma_buffer_ok(&file);
    }
    if (status == HMA_OK) {
        make_file_name(file.data);
        char *path = hma_path_join(folder, file.data);
        status = path ? hma_file_store(path, content->data, content->length) : HMA_FAILURE;
        free(path);
    }
    hma_buffer_free(&file);
    hma_buffer_clear(content);
    return status;
}

static hma_status store_files(report *r, const char *folder) {
    hma_status status = HMA_OK;
    for (size_t task = 0; task < r->result->task_count && status == HMA_OK; task++) {
        status = hma_samples_print(&r->out, r->evaluator, r->result, task);
        if (status == HMA_OK) {
            status = store(&r->out, folder, "samples", r->result->tasks[task].name, "jsonl");
        }
    }
    if (status == HMA_OK && r->result->has_alignment) {
        status = hma_alignment_samples_print(&r->out, r->evaluator, r->result);
        if (status == HMA_OK) {
            status = store(&r->out, folder, "samples", "alignment", "jsonl");
        }
    }
    if (status == HMA_OK) {
        status = print_report(r);
    }
    return status == HMA_OK ? store(&r->out, folder, "results", r->evaluator->suite->name, "json") : status;
}

static hma_status store_all(report *r, const char *folder) {
    bool made;
    hma_status status = make_folder(folder, &made);
    if (status == HMA_OK) {
        status = store_files(r, folder);
    }
    if (status != HMA_OK && made) {
        (void)rmdir(folder); /* when nothing came into it */
    }
    return status;
}

/* Whether the result is one of this evaluator's suite. */
static bool belongs(const hma_result *result, const hma_evaluator *e) {
    bool same = result->task_count == e->suite->task_count && result->has_alignment <= e->suite->has_alignment;
    for (size_t task = 0; same && task < result->task_count; task++) {
        same = strcmp(result->tasks[task].name, e->suite->tasks[task].task.name) == 0 &&
               result->tasks[task].items <= e->picks[task].count;
    }
    return same && (!result->has_alignment || result->alignment.items <= e->prompts.count);
}

hma_status hma_result_write(const hma_result *result, const hma_evaluator *evaluator, const char *model_name,
                            const char *folder) {
    report r = {.result = result, .evaluator = evaluator, .model_name = model_name};
    if (!belongs(result, evaluator)) {
        return hma_error(HMA_USAGE,
                         "%s: the results are not those of this suite (expected the same tasks and items): write them with "
                         "the evaluator that made them",
                         evaluator->suite->path);
    }
    const hma_status status = store_all(&r, folder);
    hma_buffer_free(&r.out);
    return status;
}
