/*
 * BLEU (Papineni et al. 2002) as sacrebleu computes it by default: tokens of mteval-v13a, n-grams up to 4, exponential
 * smoothing (Chen and Cherry 2014, method 3), the nearest reference's length, no effective order.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text_set.h"
#include "eval/tasks/metrics.h"
#include "eval/tasks/python_text.h"

/* ---- tokens ---- */

/* One pass of the tokenizer over text; bytes of characters beyond ASCII are never special. */
typedef void (*rewrite_fn)(hma_buffer *out, const char *text);

static bool digit(char c) { return c >= '0' && c <= '9'; }
static bool stop(char c) { return c == '.' || c == ','; }

static void replace(hma_buffer *out, const char *text, const char *what, const char *with) {
    const size_t length = strlen(what);
    for (const char *found; (found = strstr(text, what)) != NULL; text = found + length) {
        hma_buffer_add(out, text, (size_t)(found - text));
        hma_buffer_text(out, with);
    }
    hma_buffer_text(out, text);
}

static void drop_skipped(hma_buffer *out, const char *text) { replace(out, text, "<skipped>", ""); }
static void join_hyphenated(hma_buffer *out, const char *text) { replace(out, text, "-\n", ""); }
static void join_lines(hma_buffer *out, const char *text) { replace(out, text, "\n", " "); }
static void unescape_quot(hma_buffer *out, const char *text) { replace(out, text, "&quot;", "\""); }
static void unescape_amp(hma_buffer *out, const char *text) { replace(out, text, "&amp;", "&"); }
static void unescape_lt(hma_buffer *out, const char *text) { replace(out, text, "&lt;", "<"); }
static void unescape_gt(hma_buffer *out, const char *text) { replace(out, text, "&gt;", ">"); }

/* ASCII punctuation except ' , - . stands alone; later passes may look at the characters beside the text, hence the spaces. */
static void isolate_punctuation(hma_buffer *out, const char *text) {
    hma_buffer_char(out, ' ');
    for (; *text; text++) {
        if (strchr("{|}~[\\]^_`!\"#$%&()*+:;<=>?@/", *text)) {
            hma_buffer_char(out, ' ');
            hma_buffer_char(out, *text);
            hma_buffer_char(out, ' ');
        } else {
            hma_buffer_char(out, *text);
        }
    }
    hma_buffer_char(out, ' ');
}

/* The next three take pairs of characters from left to right; a pair that was rewritten is not looked at again. */
static void isolate_stop_after_other(hma_buffer *out, const char *text) {
    while (*text) {
        hma_buffer_char(out, *text);
        if (!digit(text[0]) && stop(text[1])) {
            hma_buffer_char(out, ' ');
            hma_buffer_char(out, text[1]);
            hma_buffer_char(out, ' ');
            text++;
        }
        text++;
    }
}

static void isolate_stop_before_other(hma_buffer *out, const char *text) {
    while (*text) {
        if (stop(text[0]) && text[1] && !digit(text[1])) {
            hma_buffer_char(out, ' ');
            hma_buffer_char(out, text[0]);
            hma_buffer_char(out, ' ');
            text++;
        }
        hma_buffer_char(out, *text);
        text++;
    }
}

static void isolate_dash_after_digit(hma_buffer *out, const char *text) {
    while (*text) {
        hma_buffer_char(out, *text);
        if (digit(text[0]) && text[1] == '-') {
            hma_buffer_text(out, " - ");
            text++;
        }
        text++;
    }
}

static hma_status tokenize_13a(hma_words *out, const char *text) {
    static const rewrite_fn passes[] = {drop_skipped,
                                        join_hyphenated,
                                        join_lines,
                                        unescape_quot,
                                        unescape_amp,
                                        unescape_lt,
                                        unescape_gt,
                                        isolate_punctuation,
                                        isolate_stop_after_other,
                                        isolate_stop_before_other,
                                        isolate_dash_after_digit};
    hma_buffer now = {0}, next = {0};
    size_t length = strlen(text);
    const char *stripped = hma_python_strip(text, &length); /* only the end is stripped; the front does not matter to tokens */
    hma_buffer_add(&now, stripped, length);
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        hma_buffer_clear(&next);
        passes[i](&next, hma_buffer_cstr(&now));
        next.failed = next.failed || now.failed;
        const hma_buffer swap = now;
        now = next;
        next = swap;
    }
    hma_status status = hma_buffer_ok(&now);
    if (status == HMA_OK) {
        status = hma_words_split(out, hma_buffer_cstr(&now));
    }
    hma_buffer_free(&now);
    hma_buffer_free(&next);
    return status;
}

/* ---- n-grams ---- */

/* An n-gram of the reply: how often it stands there, in the reference being read, and at most in one reference. */
typedef struct ngram {
    size_t order;
    uint64_t in_reply, in_reference, allowed;
} ngram;

typedef struct ngrams {
    hma_text_set place; /* words joined by spaces -> index into item */
    ngram *item;
    size_t capacity;
    hma_buffer key;
} ngrams;

static void free_ngrams(ngrams *n) {
    hma_text_set_free(&n->place);
    free(n->item);
    hma_buffer_free(&n->key);
}

static hma_status set_key(ngrams *n, const hma_words *words, size_t first, size_t order) {
    hma_buffer_clear(&n->key);
    for (size_t i = first; i < first + order; i++) {
        hma_buffer_text(&n->key, i > first ? " " : "");
        hma_buffer_text(&n->key, words->word[i]);
    }
    return hma_buffer_ok(&n->key);
}

static hma_status add_ngram(ngrams *n, size_t order) {
    bool added;
    const size_t place = n->place.count;
    if (hma_grow(&n->item, &n->capacity, place + 1, sizeof *n->item)) {
        return HMA_FAILURE;
    }
    n->item[place] = (ngram){.order = order, .in_reply = 1};
    return hma_text_set_put(&n->place, n->key.data, n->key.length, place, &added);
}

/* Counts the n-grams of the reply, or of a reference: of those only the ones that the reply has as well. */
static hma_status count_ngrams(ngrams *n, const hma_words *words, bool is_reply) {
    hma_status status = HMA_OK;
    for (size_t order = 1; order <= HMA_BLEU_ORDER; order++) {
        for (size_t first = 0; first + order <= words->count && status == HMA_OK; first++) {
            uint64_t place;
            status = set_key(n, words, first, order);
            if (status == HMA_OK && hma_text_set_find(&n->place, n->key.data, n->key.length, &place)) {
                n->item[place].in_reply += is_reply;
                n->item[place].in_reference += !is_reply;
            } else if (status == HMA_OK && is_reply) {
                status = add_ngram(n, order);
            }
        }
    }
    return status;
}

/* ---- statistics ---- */

/* Whether a reference of this length replaces the one chosen before: nearer to the reply's, the shorter of two equally near. */
static bool is_better_length(double length, double reply, double chosen) {
    const double distance = fabs(length - reply), chosen_distance = fabs(chosen - reply);
    return distance < chosen_distance || (distance == chosen_distance && length < chosen);
}

static hma_status read_text(ngrams *n, const char *text, bool is_reply, double *length) {
    hma_words words = {0};
    hma_status status = tokenize_13a(&words, text);
    if (status == HMA_OK) {
        *length = (double)words.count;
        status = count_ngrams(n, &words, is_reply);
    }
    hma_words_free(&words);
    return status;
}

static void close_reference(ngrams *n) {
    for (size_t i = 0; i < n->place.count; i++) {
        ngram *item = &n->item[i];
        item->allowed = item->in_reference > item->allowed ? item->in_reference : item->allowed;
        item->in_reference = 0;
    }
}

hma_status hma_bleu_statistics(const char *reply, const char *const *references, size_t count, double stats[HMA_BLEU_WIDTH]) {
    ngrams n = {0};
    double reply_length = 0, chosen = 0;
    hma_status status = read_text(&n, reply, true, &reply_length);
    for (size_t i = 0; i < count && status == HMA_OK; i++) {
        double length = 0;
        status = read_text(&n, references[i], false, &length);
        close_reference(&n);
        chosen = i == 0 || is_better_length(length, reply_length, chosen) ? length : chosen;
    }
    if (status == HMA_OK) {
        for (size_t i = 0; i < HMA_BLEU_WIDTH; i++) {
            stats[i] = 0;
        }
        for (size_t i = 0; i < n.place.count; i++) {
            const ngram *item = &n.item[i];
            stats[HMA_BLEU_TOTALS + item->order - 1] += (double)item->in_reply;
            stats[HMA_BLEU_MATCHES + item->order - 1] +=
                (double)(item->in_reply < item->allowed ? item->in_reply : item->allowed);
        }
        stats[HMA_BLEU_LENGTH] = reply_length;
        stats[HMA_BLEU_REFERENCE_LENGTH] = chosen;
    }
    free_ngrams(&n);
    return status;
}

double hma_bleu_value(const double sums[HMA_BLEU_WIDTH]) {
    const double *matches = sums + HMA_BLEU_MATCHES, *totals = sums + HMA_BLEU_TOTALS;
    const double length = sums[HMA_BLEU_LENGTH], reference_length = sums[HMA_BLEU_REFERENCE_LENGTH];
    double log_sum = 0, smoothing = 1, any = 0;
    for (int order = 0; order < HMA_BLEU_ORDER; order++) {
        any += matches[order];
    }
    if (any == 0) {
        return 0;
    }
    for (int order = 0; order < HMA_BLEU_ORDER; order++) {
        if (totals[order] == 0) {
            return 0; /* a corpus without a single n-gram of this order: a precision of 0 that is not smoothed */
        }
        if (matches[order] == 0) {
            smoothing *= 2;
            log_sum += log(1 / (smoothing * totals[order]));
        } else {
            log_sum += log(matches[order] / totals[order]);
        }
    }
    const double brevity = length < reference_length ? exp(1 - reference_length / length) : 1;
    return brevity * exp(log_sum / HMA_BLEU_ORDER);
}
