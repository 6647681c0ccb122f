/*
 * exact_match of lm-evaluation-harness: as it is, and with what its gsm8k task does before: the number is taken out of the
 * reply by one of two patterns, then ",", "$", everything up to the last "#### " and a full stop at the end are dropped from
 * both sides, and case does not matter.
 */
#include <string.h>

#include "base/buffer.h"
#include "base/utf8.h"
#include "eval/tasks/metrics.h"
#include "eval/tasks/python_text.h"

static const char mark[] = "#### ", no_number[] = "[invalid]";

static bool digit(char c) { return c >= '0' && c <= '9'; }
static bool marked(char c) { return digit(c) || c == '.' || c == ','; }
static bool money(char c) { return marked(c) || c == '$'; }

static size_t run(const char *text, bool (*belongs)(char c)) {
    size_t length = 0;
    while (belongs(text[length])) {
        length++;
    }
    return length;
}

/* The first match of "#### (-?[0-9.,]+)", its group. */
static void strict_number(hma_buffer *out, const char *reply) {
    for (const char *at = reply; (at = strstr(at, mark)) != NULL; at++) {
        const char *number = at + sizeof mark - 1;
        const size_t sign = *number == '-', length = run(number + sign, marked);
        if (length > 0) {
            hma_buffer_add(out, number, sign + length);
            return;
        }
    }
    hma_buffer_text(out, no_number);
}

/* The length of what "(-?[$0-9.,]{2,})|(-?[0-9]+)" matches here; 0 for nothing. */
static size_t flexible_length(const char *at) {
    const size_t sign = *at == '-', length = run(at + sign, money);
    if (length >= 2) {
        return sign + length;
    }
    return length == 1 && digit(at[sign]) ? sign + 1 : 0;
}

/* The last match. */
static void flexible_number(hma_buffer *out, const char *reply) {
    const char *last = no_number;
    size_t last_length = strlen(no_number);
    while (*reply) {
        const size_t length = flexible_length(reply);
        if (length > 0) {
            last = reply;
            last_length = length;
        }
        reply += length > 0 ? length : 1;
    }
    hma_buffer_add(out, last, last_length);
}

/* What is compared. The pattern "\.$" also meets a full stop before a newline at the end. */
static void strip_number(hma_buffer *out, const char *text) {
    hma_buffer plain = {0}, bare = {0};
    for (; *text; text++) {
        if (*text != ',' && *text != '$') {
            hma_buffer_char(&plain, *text);
        }
    }
    const char *from = hma_buffer_cstr(&plain);
    for (const char *found; (found = strstr(from, mark)) != NULL;) {
        from = found + sizeof mark - 1;
    }
    const size_t length = strlen(from), end = length > 0 && from[length - 1] == '\n' ? length - 1 : length;
    const size_t stop = end > 0 && from[end - 1] == '.' ? end - 1 : end;
    hma_buffer_add(&bare, from, stop);
    hma_buffer_add(&bare, from + end, length - end);
    hma_python_lower(out, hma_buffer_cstr(&bare));
    out->failed = out->failed || plain.failed || bare.failed;
    hma_buffer_free(&plain);
    hma_buffer_free(&bare);
}

void hma_exact_extract(hma_exact_filter filter, const char *reply, hma_buffer *out) {
    switch (filter) {
    case HMA_EXACT_STRICT: strict_number(out, reply); break;
    case HMA_EXACT_FLEXIBLE: flexible_number(out, reply); break;
    default: hma_buffer_text(out, reply); break;
    }
}

static hma_status number_match(hma_exact_filter filter, const char *reply, const char *answer, bool *match) {
    hma_buffer number = {0}, said = {0}, expected = {0};
    hma_exact_extract(filter, reply, &number);
    strip_number(&said, hma_buffer_cstr(&number));
    strip_number(&expected, answer);
    said.failed = said.failed || number.failed || expected.failed;
    *match = strcmp(hma_buffer_cstr(&said), hma_buffer_cstr(&expected)) == 0;
    const hma_status status = hma_buffer_ok(&said);
    hma_buffer_free(&number);
    hma_buffer_free(&said);
    hma_buffer_free(&expected);
    return status;
}

hma_status hma_exact_score(hma_exact_filter filter, const char *reply, const char *const *answers, size_t count,
                           double *match) {
    hma_status status = HMA_OK;
    *match = 0;
    for (size_t i = 0; i < count && status == HMA_OK; i++) {
        bool equal = strcmp(reply, answers[i]) == 0;
        if (filter != HMA_EXACT_PLAIN) {
            status = number_match(filter, reply, answers[i], &equal);
        }
        *match = equal ? 1 : *match;
    }
    return status;
}

size_t hma_count_words(const char *text) {
    const size_t length = strlen(text);
    size_t words = 1;
    bool space_before = false;
    for (size_t at = 0; at < length;) {
        uint32_t c = 0;
        const size_t bytes = hma_utf8_decode(text + at, length - at, &c);
        const bool space = bytes > 0 && hma_utf8_is_python_space(c);
        words += space && !space_before;
        space_before = space;
        at += bytes > 0 ? bytes : 1;
    }
    return words;
}
