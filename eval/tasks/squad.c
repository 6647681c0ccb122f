/* The evaluation script of SQuAD 2.0 (Rajpurkar et al. 2018): lower case, no punctuation, no articles, single spaces. */
#include <string.h>

#include "base/buffer.h"
#include "eval/tasks/metrics.h"
#include "eval/tasks/python_text.h"

static hma_status normalize(hma_words *out, const char *text) {
    hma_buffer lower = {0}, plain = {0}, bare = {0};
    hma_python_lower(&lower, text);
    hma_python_drop_punctuation(&plain, hma_buffer_cstr(&lower));
    hma_python_drop_articles(&bare, hma_buffer_cstr(&plain));
    bare.failed = bare.failed || plain.failed || lower.failed;
    hma_status status = hma_buffer_ok(&bare);
    if (status == HMA_OK) {
        status = hma_words_split(out, hma_buffer_cstr(&bare));
    }
    hma_buffer_free(&lower);
    hma_buffer_free(&plain);
    hma_buffer_free(&bare);
    return status;
}

hma_status hma_squad_is_empty(const char *text, bool *empty) {
    hma_words words = {0};
    const hma_status status = normalize(&words, text);
    if (status == HMA_OK) {
        *empty = words.count == 0;
        hma_words_free(&words);
    }
    return status;
}

static bool same_words(const hma_words *a, const hma_words *b) {
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->word[i], b->word[i]) != 0) {
            return false;
        }
    }
    return true;
}

/* F1 of two sorted multisets of words. */
static double overlap_f1(const hma_words *reply, const hma_words *answer) {
    if (reply->count == 0 || answer->count == 0) {
        return reply->count == answer->count ? 1 : 0;
    }
    const size_t shared = hma_words_shared(reply, answer);
    if (shared == 0) {
        return 0;
    }
    const double precision = (double)shared / (double)reply->count, recall = (double)shared / (double)answer->count;
    return 2 * precision * recall / (precision + recall);
}

hma_status hma_squad_score(const char *reply, const char *const *answers, size_t count, double *em, double *f1) {
    hma_words said = {0}, sorted = {0}, answer = {0};
    double best_em = 0, best_f1 = 0;
    hma_status status = normalize(&said, reply);
    if (status == HMA_OK) {
        status = normalize(&sorted, reply);
    }
    if (status == HMA_OK) {
        hma_words_sort(&sorted);
    }
    for (size_t i = 0; i < count && status == HMA_OK; i++) {
        status = normalize(&answer, answers[i]);
        if (status == HMA_OK) {
            best_em = same_words(&said, &answer) ? 1 : best_em;
            hma_words_sort(&answer);
            const double value = overlap_f1(&sorted, &answer);
            best_f1 = value > best_f1 ? value : best_f1;
            hma_words_free(&answer);
        }
    }
    hma_words_free(&said);
    hma_words_free(&sorted);
    if (status == HMA_OK) {
        *em = best_em;
        *f1 = best_f1;
    }
    return status;
}
