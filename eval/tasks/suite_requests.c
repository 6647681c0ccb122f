/*
 * All that a suite asks, as a request file: worked examples and templates are in the texts, so that the file says the same
 * whatever becomes of the data. Public side: hma_evaluator_write_requests().
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/buffer.h"
#include "base/context.h"
#include "eval/tasks/evaluator.h"
#include "eval/tasks/json_write.h"
#include "eval/tasks/result_write.h"

enum { FLUSH_AT = 1 << 20 };

typedef struct request_writer {
    const hma_evaluator *evaluator;
    hma_output output;
    hma_buffer text;
} request_writer;

/* {"id":"TASK/ITEM","type":"..": the rest follows. */
static void open_request(hma_buffer *out, const char *task, const char *item, const char *type) {
    hma_buffer id = {0};
    hma_buffer_printf(&id, "%s/%s", task, item);
    hma_json_open(out, '{');
    hma_json_key(out, "id");
    hma_json_add_text(out, hma_buffer_cstr(&id));
    hma_json_key(out, "type");
    hma_json_add_text(out, type);
    out->failed = out->failed || id.failed;
    hma_buffer_free(&id);
}

static void close_request(hma_buffer *out) {
    hma_json_close(out, '}');
    hma_buffer_char(out, '\n');
}

static void add_field(hma_buffer *out, const char *key, const char *text) {
    hma_json_key(out, key);
    hma_json_add_text(out, text);
}

static void add_number(hma_buffer *out, const char *key, double number) {
    hma_json_key(out, key);
    hma_json_add_number(out, number);
}

/* ---- tasks ---- */

static void print_generation(hma_buffer *out, const hma_task_spec *spec, const hma_item *item) {
    open_request(out, spec->task.name, item->id, "generate");
    add_field(out, "context", item->query);
    hma_print_until(out, &spec->until);
    add_number(out, "max_tokens", (double)spec->max_tokens);
    close_request(out);
}

static void print_text(hma_buffer *out, const hma_task_spec *spec, const hma_item *item) {
    open_request(out, spec->task.name, item->id, "loglikelihood_rolling");
    add_field(out, "text", item->texts[0]);
    close_request(out);
}

/* One for each choice; the choice's number ends the id. */
static void print_choices(hma_buffer *out, const hma_task_spec *spec, const hma_item *item) {
    for (size_t i = 0; i < item->text_count; i++) {
        hma_buffer id = {0}, continuation = {0};
        hma_buffer_printf(&id, "%s/%zu", item->id, i);
        hma_continuation_text(&continuation, item, i);
        open_request(out, spec->task.name, hma_buffer_cstr(&id), "loglikelihood");
        add_field(out, "context", hma_item_query(item, i));
        add_field(out, "continuation", hma_buffer_cstr(&continuation));
        close_request(out);
        out->failed = out->failed || id.failed || continuation.failed;
        hma_buffer_free(&id);
        hma_buffer_free(&continuation);
    }
}

static void print_item(hma_buffer *out, const hma_task_spec *spec, const hma_item *item) {
    switch (spec->task.type) {
    case HMA_TASK_GENERATE: print_generation(out, spec, item); break;
    case HMA_TASK_ROLLING: print_text(out, spec, item); break;
    default: print_choices(out, spec, item); break;
    }
}

/* ---- prompts ---- */

static void print_prompt(hma_buffer *out, const hma_evaluator *e, size_t prompt) {
    static const hma_stops no_stops;
    const hma_alignment_spec *spec = &e->suite->alignment;
    open_request(out, "alignment", hma_evaluator_prompt(e, prompt)->id, "generate");
    add_field(out, "context", e->shown[prompt]);
    hma_print_until(out, &no_stops);
    add_number(out, "max_tokens", (double)spec->max_tokens);
    add_number(out, "temperature", spec->temperature);
    add_number(out, "top_k", (double)spec->top_k);
    add_number(out, "top_p", spec->top_p);
    hma_json_key(out, "seed");
    hma_buffer_printf(out, "%" PRIu64, e->suite->seed);
    add_number(out, "samples", (double)spec->samples);
    close_request(out);
}

/* ---- the file ---- */

static hma_status flush(request_writer *w, size_t least) {
    hma_status status = hma_buffer_ok(&w->text);
    if (status != HMA_OK || w->text.length < least) {
        return status;
    }
    status = hma_output_write(&w->output, w->text.data, w->text.length);
    hma_buffer_clear(&w->text);
    return status == HMA_OK ? hma_context_check(w->evaluator->context) : status;
}

static hma_status print_all(request_writer *w) {
    const hma_evaluator *e = w->evaluator;
    hma_status status = HMA_OK;
    for (size_t task = 0; task < e->suite->task_count; task++) {
        const hma_task_spec *spec = &e->suite->tasks[task];
        for (size_t i = 0; i < e->picks[task].count && status == HMA_OK; i++) {
            print_item(&w->text, spec, hma_evaluator_item(e, task, i));
            status = flush(w, FLUSH_AT);
        }
    }
    for (size_t prompt = 0; prompt < e->prompts.count && status == HMA_OK; prompt++) {
        print_prompt(&w->text, e, prompt);
        status = flush(w, FLUSH_AT);
    }
    return status == HMA_OK ? flush(w, 1) : status;
}

hma_status hma_evaluator_write_requests(const hma_evaluator *evaluator, const char *path) {
    request_writer w = {.evaluator = evaluator};
    hma_status status = hma_output_open(&w.output, path);
    if (status != HMA_OK) {
        return status;
    }
    status = print_all(&w);
    if (status == HMA_OK) {
        status = hma_output_commit(&w.output);
    }
    hma_output_discard(&w.output);
    hma_buffer_free(&w.text);
    return status;
}
