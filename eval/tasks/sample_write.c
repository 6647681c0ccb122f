/* samples_TASK.jsonl: every item with what was asked and answered, as lm-evaluation-harness logs it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "eval/tasks/json_write.h"
#include "eval/tasks/metrics.h"
#include "eval/tasks/result_write.h"

typedef struct sample {
    const hma_evaluator *evaluator;
    const hma_task_spec *spec; /* NULL for a prompt of the alignment measure */
    const hma_item *item;
    const hma_task_result *result;
    size_t index;
    const cJSON *detail;
    const char *shown;       /* what the model saw */
    hma_metric first_metric; /* of the filter that this line is about */
} sample;

/* ---- what was asked ---- */

static const hma_alignment_spec *alignment_of(const sample *s) { return &s->evaluator->suite->alignment; }

static bool is_generation(const sample *s) { return !s->spec || s->spec->task.type == HMA_TASK_GENERATE; }

static bool is_whole_text(const sample *s) { return s->spec && s->spec->task.type == HMA_TASK_ROLLING; }

static void print_argument(hma_buffer *out, size_t number, const char *context) {
    char key[32];
    (void)snprintf(key, sizeof key, "gen_args_%zu", number);
    hma_json_key(out, key);
    hma_json_open(out, '{');
    hma_json_key(out, "arg_0");
    hma_json_add_text(out, context);
    hma_json_key(out, "arg_1");
}

static void print_arguments(hma_buffer *out, const sample *s) {
    static const hma_stops no_stops;
    hma_json_key(out, "arguments");
    hma_json_open(out, '{');
    if (is_generation(s)) {
        print_argument(out, 0, s->shown);
        hma_print_generation_arguments(out, s->spec ? &s->spec->until : &no_stops,
                                       s->spec ? s->spec->max_tokens : alignment_of(s)->max_tokens,
                                       s->spec ? 0 : alignment_of(s)->temperature);
        hma_json_close(out, '}');
    }
    if (is_whole_text(s)) {
        hma_json_key(out, "gen_args_0");
        hma_json_open(out, '{');
        hma_json_key(out, "arg_0");
        hma_json_add_text(out, s->item->texts[0]);
        hma_json_close(out, '}');
    }
    for (size_t i = 0; !is_generation(s) && !is_whole_text(s) && i < s->item->text_count; i++) {
        hma_buffer continuation = {0};
        hma_continuation_text(&continuation, s->item, i);
        print_argument(out, i, hma_item_query(s->item, i));
        hma_json_add_text(out, hma_buffer_cstr(&continuation));
        hma_json_close(out, '}');
        out->failed = out->failed || continuation.failed;
        hma_buffer_free(&continuation);
    }
    hma_json_close(out, '}');
}

/* ---- what was answered ---- */

static const cJSON *detail_list(const sample *s, const char *key) { return hma_json_get(s->detail, key); }

/* ["-3.25", "False"], texts as the harness writes them. */
static void print_loglikelihood(hma_buffer *out, double ll, bool greedy) {
    char text[HMA_DOUBLE_TEXT];
    hma_json_open(out, '[');
    hma_json_add_text(out, hma_double_text(ll, text));
    hma_json_add_text(out, greedy ? "True" : "False");
    hma_json_close(out, ']');
}

/* For each question; `nested`: once more in a list, one entry for each repeat. */
static void print_loglikelihoods(hma_buffer *out, const sample *s, bool nested) {
    const cJSON *ll = detail_list(s, "ll"), *greedy = detail_list(s, "greedy");
    if (cJSON_IsNumber(ll)) { /* of a whole text */
        hma_json_add_number(out, ll->valuedouble);
        return;
    }
    const cJSON *g = greedy ? greedy->child : NULL;
    for (const cJSON *l = ll ? ll->child : NULL; l && g; l = l->next, g = g->next) {
        if (nested) {
            hma_json_open(out, '[');
        }
        print_loglikelihood(out, l->valuedouble, cJSON_IsTrue(g));
        if (nested) {
            hma_json_close(out, ']');
        }
    }
}

static void print_texts(hma_buffer *out, const sample *s) {
    const cJSON *text = hma_json_get(s->detail, "text"), *reply;
    if (cJSON_IsString(text)) {
        hma_json_add_text(out, text->valuestring);
    }
    cJSON_ArrayForEach(reply, detail_list(s, "replies")) {
        if (cJSON_IsString(reply)) {
            hma_json_add_text(out, reply->valuestring);
        }
    }
}

/* Replies as their metric sees them: a filter takes the number out. */
static void print_filtered_texts(hma_buffer *out, const sample *s) {
    const cJSON *text = hma_json_get(s->detail, "text");
    const bool strict = s->first_metric == HMA_METRIC_EXACT_STRICT, flexible = s->first_metric == HMA_METRIC_EXACT_FLEXIBLE;
    if (!cJSON_IsString(text) || (!strict && !flexible)) {
        print_texts(out, s);
        return;
    }
    hma_buffer number = {0};
    hma_exact_extract(strict ? HMA_EXACT_STRICT : HMA_EXACT_FLEXIBLE, text->valuestring, &number);
    hma_json_add_text(out, hma_buffer_cstr(&number));
    out->failed = out->failed || number.failed;
    hma_buffer_free(&number);
}

static void print_answers(hma_buffer *out, const sample *s) {
    hma_json_key(out, "resps");
    hma_json_open(out, '[');
    if (is_generation(s)) {
        hma_json_open(out, '[');
        print_texts(out, s);
        hma_json_close(out, ']');
    } else if (is_whole_text(s)) {
        hma_json_open(out, '[');
        print_loglikelihoods(out, s, false);
        hma_json_close(out, ']');
    } else {
        print_loglikelihoods(out, s, true);
    }
    hma_json_close(out, ']');
    hma_json_key(out, "filtered_resps");
    hma_json_open(out, '[');
    if (is_generation(s)) {
        print_filtered_texts(out, s);
    } else {
        print_loglikelihoods(out, s, false);
    }
    hma_json_close(out, ']');
}

/* ---- a line ---- */

/* The gold choice's number, the only answer, or all answers as a list. */
static void target_text(hma_buffer *out, const sample *s) {
    if (!s->spec) {
        return;
    }
    if (s->spec->task.type == HMA_TASK_MULTIPLE_CHOICE) {
        hma_buffer_printf(out, "%zu", s->item->gold);
    } else if (s->item->text_count == 1) {
        hma_buffer_text(out, s->item->texts[0]);
    } else {
        hma_json_open(out, '[');
        for (size_t i = 0; i < s->item->text_count; i++) {
            hma_json_add_text(out, s->item->texts[i]);
        }
        hma_json_close(out, ']');
    }
}

static hma_status print_hash(hma_buffer *out, const char *key, const char *text) {
    char digest[65];
    const hma_status status = hma_sha256_of(text, strlen(text), digest);
    if (status == HMA_OK) {
        hma_json_key(out, key);
        hma_json_add_text(out, digest);
    }
    return status;
}

static bool passes(const sample *s, const hma_measure *m) {
    return strcmp(hma_report_name(m->metric, s->spec).filter, hma_report_name(s->first_metric, s->spec).filter) == 0;
}

static void print_scores(hma_buffer *out, const sample *s) {
    hma_json_key(out, "filter");
    hma_json_add_text(out, hma_report_name(s->first_metric, s->spec).filter);
    hma_json_key(out, "metrics");
    hma_json_open(out, '[');
    for (size_t i = 0; i < s->result->measure_count; i++) {
        if (passes(s, &s->result->measures[i])) {
            hma_json_add_text(out, hma_report_name(s->result->measures[i].metric, s->spec).metric);
        }
    }
    hma_json_close(out, ']');
    for (size_t i = 0; i < s->result->measure_count; i++) {
        const hma_measure *m = &s->result->measures[i];
        const hma_metric_info *info = hma_metric_describe(m->metric);
        if (!passes(s, m)) {
            continue;
        }
        hma_json_key(out, hma_report_name(m->metric, s->spec).metric);
        hma_json_add_number(out, hma_metric_value(m->metric, m->stats + info->width * s->index, 1));
    }
}

static hma_status print_texts_of_item(hma_buffer *out, const sample *s, const char *document, const char *target) {
    hma_json_key(out, "doc_id");
    hma_json_add_number(out, (double)s->index);
    hma_json_key(out, "doc");
    hma_buffer_text(out, document);
    hma_json_key(out, "target");
    hma_json_add_text(out, target);
    print_arguments(out, s);
    print_answers(out, s);
    print_scores(out, s);
    hma_status status = print_hash(out, "doc_hash", document);
    if (status == HMA_OK) {
        status = print_hash(out, "prompt_hash", s->shown);
    }
    return status == HMA_OK ? print_hash(out, "target_hash", target) : status;
}

static hma_status print_line(hma_buffer *out, const sample *s) {
    hma_buffer target = {0};
    char *document = cJSON_PrintUnformatted(s->item->published ? s->item->published : s->item->document);
    target_text(&target, s);
    hma_status status = document ? hma_buffer_ok(&target) : hma_error_memory("samples");
    if (status == HMA_OK) {
        hma_json_open(out, '{');
        status = print_texts_of_item(out, s, document, hma_buffer_cstr(&target));
        hma_json_close(out, '}');
        hma_buffer_char(out, '\n');
    }
    cJSON_free(document);
    hma_buffer_free(&target);
    return status;
}

/* A line for each filter, as the harness logs them. */
static hma_status print_lines(hma_buffer *out, sample *s) {
    hma_status status = HMA_OK;
    for (size_t i = 0; i < s->result->measure_count && status == HMA_OK; i++) {
        const char *filter = hma_report_name(s->result->measures[i].metric, s->spec).filter;
        size_t first = 0;
        while (strcmp(hma_report_name(s->result->measures[first].metric, s->spec).filter, filter) != 0) {
            first++;
        }
        if (first == i) {
            s->first_metric = s->result->measures[i].metric;
            status = print_line(out, s);
        }
    }
    return status;
}

/* Reads the detail of one item, which the library has written itself, and prints the line. */
static hma_status print_sample(hma_buffer *out, sample *s) {
    const char *text = s->result->detail[s->index] ? s->result->detail[s->index] : "{}";
    cJSON *detail;
    hma_status status = hma_json_parse(&detail, s->result->item_id[s->index], text, strlen(text));
    if (status == HMA_OK) {
        s->detail = detail;
        status = print_lines(out, s);
        cJSON_Delete(detail);
    }
    return status;
}

hma_status hma_samples_print(hma_buffer *out, const hma_evaluator *evaluator, const hma_result *result, size_t task) {
    const hma_task_spec *spec = &evaluator->suite->tasks[task];
    hma_status status = HMA_OK;
    for (size_t i = 0; i < result->tasks[task].items && status == HMA_OK; i++) {
        const hma_item *item = hma_evaluator_item(evaluator, task, i);
        sample s = {evaluator, spec, item, &result->tasks[task], i, NULL, item->query, HMA_METRIC_ACC};
        status = print_sample(out, &s);
    }
    return status;
}

hma_status hma_alignment_samples_print(hma_buffer *out, const hma_evaluator *evaluator, const hma_result *result) {
    hma_status status = HMA_OK;
    for (size_t i = 0; i < result->alignment.items && status == HMA_OK; i++) {
        sample s = {
            evaluator,        NULL, hma_evaluator_prompt(evaluator, i), &result->alignment, i, NULL, evaluator->shown[i],
            HMA_METRIC_REWARD};
        status = print_sample(out, &s);
    }
    return status;
}
