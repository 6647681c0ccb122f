#include "search/distillation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/rng.h"
#include "eval/tasks/evaluator.h"
#include "eval/tasks/json_write.h"
#include "eval/tasks/lines.h"
#include "hma/text.h"

/* The paper's counts. */
enum { PAPER_BEST = 5000, PAPER_DRAWN = 2000 };

/* ---- one line ---- */

static hma_status check_line(const cJSON *object, const char *where, hma_distillation_line *out) {
    static const char *const known[] = {"prompt", "response", "ended", "reward", "id", NULL};
    hma_distillation_line line = {0};
    hma_status status = hma_json_known_keys(object, where, known);
    if (status == HMA_OK) {
        status = hma_json_get_text(object, where, "prompt", true, &line.prompt);
    }
    if (status == HMA_OK) {
        status = hma_json_get_text(object, where, "response", true, &line.response);
    }
    if (status == HMA_OK) {
        status = hma_json_get_bool(object, where, "ended", false, &line.ended);
    }
    if (status == HMA_OK) {
        *out = line;
    }
    return status;
}

hma_status hma_distillation_each(const char *text, const char *name, hma_distillation_fn take, void *user) {
    hma_status status = HMA_OK;
    size_t number = 0;
    while (status == HMA_OK && *text) {
        const size_t length = strcspn(text, "\n");
        hma_buffer where = {0};
        hma_distillation_line line;
        cJSON *object = NULL;
        hma_buffer_printf(&where, "%s:%zu", name, ++number);
        status = hma_buffer_ok(&where);
        if (status == HMA_OK && length > 0) {
            status = hma_json_parse_line(&object, where.data, text, length);
            if (status == HMA_OK) {
                status = check_line(object, where.data, &line);
            }
            if (status == HMA_OK) {
                status = take(user, &line, where.data);
            }
        }
        cJSON_Delete(object);
        hma_buffer_free(&where);
        text += length + (text[length] == '\n');
    }
    return status;
}

static void add_line(hma_buffer *out, const hma_distillation_line *line, double reward) {
    hma_json_open(out, '{');
    hma_json_key(out, "prompt");
    hma_json_add_text(out, line->prompt);
    hma_json_key(out, "response");
    hma_json_add_text(out, line->response);
    hma_json_key(out, "ended");
    hma_json_add_bool(out, line->ended);
    if (!isnan(reward)) {
        hma_json_key(out, "reward");
        hma_json_add_number(out, reward);
    }
    hma_json_close(out, '}');
    hma_buffer_char(out, '\n');
}

/* ---- reading a file ---- */

static hma_status read_lines(hma_lines *lines, hma_buffer *out) {
    cJSON *object;
    hma_status status;
    while ((status = hma_lines_next(lines, &object)) == HMA_OK && object) {
        hma_distillation_line line;
        double reward = NAN;
        status = check_line(object, lines->where, &line);
        if (status == HMA_OK) {
            status = hma_json_get_double(object, lines->where, "reward", false, -1e300, 1e300, &reward);
        }
        if (status == HMA_OK) {
            add_line(out, &line, reward);
        }
        cJSON_Delete(object);
        if (status != HMA_OK) {
            return status;
        }
    }
    return status;
}

hma_status hma_distillation_load(char **text, const char *path) {
    hma_lines lines;
    hma_buffer out = {0};
    hma_status status = hma_lines_open(&lines, NULL, path);
    if (status != HMA_OK) {
        return status;
    }
    status = read_lines(&lines, &out);
    hma_lines_close(&lines);
    if (status == HMA_OK && out.length == 0 && !out.failed) {
        status = hma_error(HMA_BAD_DATA, "%s: is empty (expected lines with \"prompt\" and \"response\"): add texts", path);
    }
    if (status == HMA_OK) {
        status = hma_buffer_ok(&out);
    }
    if (status == HMA_OK) {
        *text = hma_buffer_release(&out);
    } else {
        hma_buffer_free(&out);
    }
    return status;
}

/* ---- building ---- */

typedef struct reply {
    size_t number; /* among all replies */
    double reward;
} reply;

/* The best first; equal ones in the order of the prompts. */
static int by_reward(const void *a, const void *b) {
    const reply *x = a, *y = b;
    return x->reward != y->reward ? (x->reward > y->reward ? -1 : 1) : x->number < y->number ? -1 : x->number > y->number;
}

static int by_number(const void *a, const void *b) {
    const reply *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* The chosen ones to the front, in the order of the prompts; returns how many. */
static size_t choose(reply *replies, size_t count, const hma_distillation_options *options, uint64_t seed) {
    const hma_rng_key key = hma_rng_key_for(seed, "distillation draw");
    size_t best = options->best ? options->best : hma_min_size(PAPER_BEST, (count + 1) / 2);
    best = hma_min_size(best, count);
    const size_t usual = hma_min_size(PAPER_DRAWN, hma_max_size(1, best * 2 / 5));
    const size_t drawn = hma_min_size(options->drawn ? options->drawn : usual, best);
    qsort(replies, count, sizeof *replies, by_reward);
    for (size_t i = 0; i < drawn; i++) {
        const size_t other = i + (size_t)hma_rng_below(key, i, best - i);
        const reply swapped = replies[i];
        replies[i] = replies[other];
        replies[other] = swapped;
    }
    qsort(replies, drawn, sizeof *replies, by_number);
    return drawn;
}

static hma_status read_details(const hma_evaluator *e, const hma_result *result, cJSON **details) {
    hma_status status = HMA_OK;
    for (size_t i = 0; i < e->prompts.count && status == HMA_OK; i++) {
        const char *text = result->alignment.detail[i];
        status = hma_json_parse(&details[i], "replies", text, strlen(text));
    }
    return status;
}

static hma_status write_chosen(const hma_evaluator *e, cJSON *const *details, const hma_distillation_options *options,
                               hma_buffer *out) {
    const size_t samples = e->suite->alignment.samples, count = e->prompts.count * samples;
    reply *replies = HMA_NEW(reply, count);
    if (!replies) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < count; i++) {
        const cJSON *reward = cJSON_GetArrayItem(hma_json_get(details[i / samples], "rewards"), (int)(i % samples));
        replies[i] = (reply){i, cJSON_IsNumber(reward) ? reward->valuedouble : -INFINITY};
    }
    const size_t chosen = choose(replies, count, options, options->seed ? options->seed : e->suite->seed);
    for (size_t i = 0; i < chosen; i++) {
        const size_t prompt = replies[i].number / samples, sample = replies[i].number % samples;
        const cJSON *said = cJSON_GetArrayItem(hma_json_get(details[prompt], "replies"), (int)sample);
        const hma_distillation_line line = {.prompt = e->shown[prompt],
                                            .response = cJSON_IsString(said) ? said->valuestring : "",
                                            .ended = e->questions.generations[e->first_reply + replies[i].number].ended};
        add_line(out, &line, replies[i].reward);
    }
    free(replies);
    return hma_buffer_ok(out);
}

static hma_status answer(hma_evaluator *e, const hma_checkpoint *post, const hma_distillation_options *options,
                         hma_buffer *out) {
    hma_source *source = NULL;
    hma_result *result = NULL;
    cJSON **details = HMA_NEW(cJSON *, e->prompts.count);
    hma_status status = details ? hma_source_plain(&source, post) : HMA_FAILURE;
    /* the suite's own seed also divides prompts into those for searching and those for reporting */
    for (size_t i = 0; options->seed && i < e->questions.generation_count; i++) {
        e->questions.generations[i].seed = options->seed;
    }
    if (status == HMA_OK) {
        status = hma_evaluator_run(e, source, &result);
    }
    if (status == HMA_OK) {
        status = read_details(e, result, details);
    }
    if (status == HMA_OK) {
        status = write_chosen(e, details, options, out);
    }
    for (size_t i = 0; details && i < e->prompts.count; i++) {
        cJSON_Delete(details[i]);
    }
    free(details);
    hma_result_free(result);
    hma_source_free(source);
    return status;
}

hma_status hma_distillation_build(char **text, hma_context *context, const hma_suite *suite, const hma_checkpoint *pre,
                                  const hma_checkpoint *post, const hma_eval_options *evaluation,
                                  const hma_distillation_options *options) {
    const hma_distillation_options defaults = {0}, *o = options ? options : &defaults;
    hma_evaluator *evaluator;
    hma_buffer out = {0};
    if (!suite->has_alignment) {
        return hma_error(HMA_USAGE, "%s: has no \"alignment\" (expected one, to reward replies with): give the texts as a file",
                         suite->path);
    }
    /* the suite's prompts and nothing else of it */
    hma_suite prompts = *suite;
    hma_eval_options asked = evaluation ? *evaluation : (hma_eval_options){0};
    prompts.task_count = 0;
    prompts.alignment.samples = o->samples ? o->samples : prompts.alignment.samples;
    asked.prompts = HMA_PROMPTS_SEARCH;
    asked.items = HMA_ITEMS_SEARCH;
    asked.pre = pre;
    asked.post = post;
    hma_status status = hma_evaluator_new(&evaluator, context, &prompts, hma_checkpoint_folder(post), &asked);
    if (status != HMA_OK) {
        return status;
    }
    status = answer(evaluator, post, o, &out);
    hma_evaluator_free(evaluator);
    if (status == HMA_OK && out.length == 0) {
        status = hma_error(HMA_USAGE, "%s: has no prompts for searching (expected \"prompts\": {\"search\": FILE}): add them",
                           suite->path);
    }
    if (status == HMA_OK) {
        *text = hma_buffer_release(&out);
    }
    hma_buffer_free(&out);
    return status;
}
