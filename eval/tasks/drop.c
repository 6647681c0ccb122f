/*
 * DROP (Dua et al. 2019), as lm-evaluation-harness computes it: an answer is a list of spans; each span is normalised token by
 * token into a bag of words; the bags of reply and answer are aligned one to one; F1 is the mean over the bags, rounded to two
 * decimals.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/tasks/assignment.h"
#include "eval/tasks/metrics.h"
#include "eval/tasks/python_number.h"
#include "eval/tasks/python_text.h"

typedef struct bag {
    char *span;        /* the normalised span */
    hma_words words;   /* its words, sorted, each once */
    hma_words numbers; /* those of them that are numbers; points into `words` */
} bag;

typedef struct bags {
    bag *item;
    size_t count;
} bags;

static void free_bags(bags *b) {
    for (size_t i = 0; i < b->count; i++) {
        free(b->item[i].span);
        hma_words_free(&b->item[i].words);
        hma_words_free(&b->item[i].numbers);
    }
    free(b->item);
    *b = (bags){0};
}

/* Appends one token of a span: a number as Python prints it, else without punctuation and articles; nothing when that is empty.
 */
static hma_status add_token(hma_buffer *span, const char *token) {
    hma_buffer plain = {0}, bare = {0};
    hma_words words = {0};
    bool is_number;
    double value;
    char number[HMA_PYTHON_NUMBER_TEXT];
    hma_status status = hma_python_float(token, &is_number, &value);
    if (status == HMA_OK && !is_number) {
        hma_python_drop_punctuation(&plain, token);
        status = hma_python_float(hma_buffer_cstr(&plain), &is_number, &value);
    }
    if (status == HMA_OK) {
        hma_python_drop_articles(&bare, is_number ? hma_python_number_text(value, number) : hma_buffer_cstr(&plain));
        bare.failed = bare.failed || plain.failed;
        status = hma_buffer_ok(&bare);
    }
    if (status == HMA_OK) {
        status = hma_words_split(&words, hma_buffer_cstr(&bare));
    }
    for (size_t i = 0; i < words.count; i++) {
        hma_buffer_text(span, span->length ? " " : "");
        hma_buffer_text(span, words.word[i]);
    }
    hma_words_free(&words);
    hma_buffer_free(&plain);
    hma_buffer_free(&bare);
    return status;
}

/* Tokens of a span end at spaces and hyphens. */
static hma_status normalize_span(hma_buffer *span, const char *text) {
    hma_buffer lower = {0};
    hma_python_lower(&lower, text);
    hma_status status = hma_buffer_ok(&lower);
    for (char *at = lower.data; status == HMA_OK && at;) {
        char *end = strpbrk(at, " -");
        if (end) {
            *end = 0;
        }
        status = add_token(span, at);
        at = end ? end + 1 : NULL;
    }
    hma_buffer_free(&lower);
    return status == HMA_OK ? hma_buffer_ok(span) : status;
}

static void sort_unique(hma_words *words) {
    size_t kept = 0;
    hma_words_sort(words);
    for (size_t i = 0; i < words->count; i++) {
        if (kept == 0 || strcmp(words->word[i], words->word[kept - 1]) != 0) {
            words->word[kept++] = words->word[i];
        }
    }
    words->count = kept;
}

static hma_status find_numbers(hma_words *numbers, const hma_words *words) {
    numbers->word = HMA_NEW(const char *, words->count);
    hma_status status = numbers->word ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; i < words->count && status == HMA_OK; i++) {
        bool is_number = false;
        double value;
        status = hma_python_float(words->word[i], &is_number, &value);
        if (is_number) {
            numbers->word[numbers->count++] = words->word[i];
        }
    }
    return status;
}

static hma_status make_bag(bag *out, const char *text) {
    hma_buffer span = {0};
    hma_status status = normalize_span(&span, text);
    if (status == HMA_OK) {
        status = hma_words_split(&out->words, hma_buffer_cstr(&span));
    }
    if (status == HMA_OK) {
        sort_unique(&out->words);
        status = find_numbers(&out->numbers, &out->words);
    }
    if (status == HMA_OK) {
        out->span = hma_copy_text(hma_buffer_cstr(&span));
        status = out->span ? HMA_OK : HMA_FAILURE;
    }
    hma_buffer_free(&span);
    return status;
}

static hma_status make_bags(bags *out, const hma_spans *spans) {
    out->item = HMA_NEW(bag, spans->count);
    if (!out->item) {
        return HMA_FAILURE;
    }
    hma_status status = HMA_OK;
    for (; status == HMA_OK && out->count < spans->count; out->count++) {
        status = make_bag(&out->item[out->count], spans->text[out->count]);
    }
    return status;
}

static bool has_span(const bags *b, const char *span) {
    for (size_t i = 0; i < b->count; i++) {
        if (strcmp(b->item[i].span, span) == 0) {
            return true;
        }
    }
    return false;
}

/* The same set of spans, and as many of them. */
static bool exact_match(const bags *reply, const bags *answer) {
    bool same = reply->count == answer->count;
    for (size_t i = 0; same && i < reply->count; i++) {
        same = has_span(answer, reply->item[i].span) && has_span(reply, answer->item[i].span);
    }
    return same;
}

/* F1 of two sets of words; 0 when the answer has numbers and the reply has none of them. */
static double bag_f1(const bag *reply, const bag *answer) {
    if (answer->numbers.count > 0 && hma_words_shared(&reply->numbers, &answer->numbers) == 0) {
        return 0;
    }
    const double shared = (double)hma_words_shared(&reply->words, &answer->words);
    const double precision = reply->words.count ? shared / (double)reply->words.count : 1;
    const double recall = answer->words.count ? shared / (double)answer->words.count : 1;
    return precision == 0 && recall == 0 ? 0 : 2 * precision * recall / (precision + recall);
}

/* Rows are the answer's bags, columns the reply's. */
static hma_status aligned_f1(const bags *reply, const bags *answer, double *f1) {
    size_t cells;
    if (!hma_mul_size(&cells, reply->count, answer->count)) {
        return hma_error_memory("DROP answer");
    }
    double *score = HMA_NEW(double, cells);
    size_t *column = HMA_NEW(size_t, answer->count);
    hma_status status = score && column ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK) {
        for (size_t cell = 0; cell < cells; cell++) {
            score[cell] = bag_f1(&reply->item[cell % reply->count], &answer->item[cell / reply->count]);
        }
        status = hma_assignment_best(score, answer->count, reply->count, column);
    }
    if (status == HMA_OK) {
        double sum = 0;
        for (size_t i = 0; i < answer->count; i++) {
            sum += column[i] == SIZE_MAX ? 0 : score[i * reply->count + column[i]];
        }
        const double mean = sum / (double)hma_max_size(reply->count, answer->count);
        *f1 = rint(mean * 100) / 100; /* halves to even, as numpy rounds */
    }
    free(score);
    free(column);
    return status;
}

/* An answer whose first span is blank never scores. */
static bool is_blank(const char *text) {
    size_t length = strlen(text);
    (void)hma_python_strip(text, &length);
    return length == 0;
}

hma_status hma_drop_score(const hma_spans *reply, const hma_spans *answers, size_t count, double *em, double *f1) {
    bags said = {0};
    double best_em = 0, best_f1 = 0;
    hma_status status = make_bags(&said, reply);
    for (size_t i = 0; i < count && status == HMA_OK; i++) {
        if (is_blank(answers[i].text[0])) {
            continue;
        }
        bags answer = {0};
        double value = 0;
        status = make_bags(&answer, &answers[i]);
        if (status == HMA_OK) {
            status = aligned_f1(&said, &answer, &value);
        }
        if (status == HMA_OK) {
            best_em = exact_match(&said, &answer) ? 1 : best_em;
            best_f1 = value > best_f1 ? value : best_f1;
        }
        free_bags(&answer);
    }
    free_bags(&said);
    if (status == HMA_OK) {
        *em = best_em;
        *f1 = best_f1;
    }
    return status;
}
