#include "eval/alignment/scorer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "eval/alignment/program.h"

enum { BYTES_PER_ANSWER = 4096, NAME_ROOM = 200 };

/* ---- questions ---- */

static void add_text(hma_buffer *out, const char *key, const char *text) {
    hma_buffer_printf(out, ",\"%s\":", key);
    hma_buffer_json_text(out, text, strlen(text));
}

static void add_reply(hma_buffer *out, size_t number, const hma_reply *reply, const char *text) {
    hma_buffer_printf(out, "{\"id\":\"%zu\"", number);
    add_text(out, "prompt_id", reply->prompt_id);
    hma_buffer_printf(out, ",\"sample\":%lu", (unsigned long)reply->sample);
    add_text(out, "prompt", reply->prompt);
    add_text(out, "reply", reply->text);
    add_text(out, "text", text);
    hma_buffer_text(out, "}\n");
}

/* ---- answers ---- */

typedef struct answers {
    const char *program;
    double *scores; /* NaN: no answer yet */
    size_t count;
} answers;

/* The number of the reply that an answer belongs to. */
static hma_status read_id(const answers *a, const cJSON *object, const char *where, size_t *number) {
    const cJSON *id = hma_json_get(object, "id");
    uint64_t value = UINT64_MAX;
    const bool usable = cJSON_IsString(id)
                            ? hma_parse_u64(&value, id->valuestring)
                            : cJSON_IsNumber(id) && id->valuedouble >= 0 && id->valuedouble == floor(id->valuedouble) &&
                                  id->valuedouble < 9007199254740992.0;
    if (usable && cJSON_IsNumber(id)) {
        value = (uint64_t)id->valuedouble;
    }
    if (!usable || value >= a->count) {
        return hma_error(HMA_BAD_DATA, "%s: \"id\" is not one of the replies' (expected \"0\" to \"%zu\"): correct the scorer",
                         where, a->count - 1);
    }
    *number = (size_t)value;
    return HMA_OK;
}

static hma_status read_answer(answers *a, const cJSON *object, const char *where) {
    size_t number = 0;
    if (!cJSON_IsObject(object)) {
        return hma_error(HMA_BAD_DATA, "%s: is not an object (expected {\"id\": .., \"score\": ..}): correct the scorer",
                         where);
    }
    const hma_status status = read_id(a, object, where, &number);
    if (status != HMA_OK) {
        return status;
    }
    const cJSON *score = cJSON_GetObjectItemCaseSensitive(object, "score");
    if (!cJSON_IsNumber(score) || !isfinite(score->valuedouble)) {
        return hma_error(cJSON_IsNull(score) ? HMA_NON_FINITE : HMA_BAD_DATA,
                         "%s: reply %zu has no score that is a number (expected \"score\": NUMBER): correct the scorer", where,
                         number);
    }
    if (!isnan(a->scores[number])) {
        return hma_error(HMA_BAD_DATA, "%s: a second score for reply %zu (expected one): correct the scorer", where, number);
    }
    a->scores[number] = score->valuedouble;
    return HMA_OK;
}

static hma_status read_line(answers *a, size_t line, const char *text, size_t length) {
    char where[NAME_ROOM];
    cJSON *object;
    if (strspn(text, " \t\r\n") >= length) {
        return HMA_OK;
    }
    (void)snprintf(where, sizeof where, "%.150s: output line %zu", a->program, line);
    hma_status status = hma_json_parse_line(&object, where, text, length);
    if (status == HMA_OK) {
        status = read_answer(a, object, where);
        cJSON_Delete(object);
    }
    return status;
}

static hma_status read_answers(answers *a, const hma_buffer *output) {
    const char *at = hma_buffer_cstr(output), *end = at + output->length;
    hma_status status = HMA_OK;
    for (size_t line = 1; at < end && status == HMA_OK; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *next = newline ? newline + 1 : end;
        status = read_line(a, line, at, (size_t)((newline ? newline : end) - at));
        at = next;
    }
    for (size_t i = 0; i < a->count && status == HMA_OK; i++) {
        if (isnan(a->scores[i])) {
            status = hma_error(HMA_BAD_DATA,
                               "%s: the scorer gave no score for reply %zu (expected one line for each of %zu replies): "
                               "correct the scorer",
                               a->program, i, a->count);
        }
    }
    return status;
}

hma_status hma_scorer_run(hma_context *context, const hma_alignment_spec *spec, const hma_reply *replies, char *const *texts,
                          size_t count, double *scores) {
    hma_buffer input = {0}, output = {0};
    answers a = {spec->command[0], scores, count};
    for (size_t i = 0; i < count; i++) {
        add_reply(&input, i, &replies[i], texts[i]);
        scores[i] = NAN;
    }
    hma_status status = hma_buffer_ok(&input);
    if (status == HMA_OK) {
        const hma_program program = {spec->command, spec->folder, hma_buffer_cstr(&input), input.length,
                                     input.length + (count + 1) * BYTES_PER_ANSWER};
        status = hma_program_run(context, &program, &output);
    }
    if (status == HMA_OK) {
        status = read_answers(&a, &output);
    }
    hma_buffer_free(&input);
    hma_buffer_free(&output);
    return status;
}
