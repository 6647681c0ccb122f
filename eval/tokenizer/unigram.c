#include "eval/tokenizer/unigram.h"

#include <stdlib.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "base/utf8.h"

void hma_unigram_free(hma_unigram *unigram) {
    hma_trie_free(unigram->trie);
    free(unigram->scores);
    *unigram = (hma_unigram){0};
}

hma_status hma_span_list_add(hma_span_list *list, hma_span span) {
    if (hma_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items)) {
        return HMA_FAILURE;
    }
    list->items[list->count++] = span;
    return HMA_OK;
}

void hma_span_list_free(hma_span_list *list) {
    free(list->items);
    *list = (hma_span_list){0};
}

/* The best cut of the text up to a place: its score and its last piece. */
typedef struct best {
    double score;
    size_t start;
    int32_t id;
    bool reached;
} best;

/* sentencepiece computes in float throughout. */
static double rounded(const hma_unigram *u, double x) { return u->single ? (double)(float)x : x; }

static void offer(best *place, double score, size_t start, int32_t id) {
    if (!place->reached || score > place->score) {
        *place = (best){score, start, id, true};
    }
}

static hma_status extend(const hma_unigram *u, best *places, const char *text, size_t length, size_t start) {
    const double so_far = places[start].score;
    const size_t n = hma_utf8_length(text + start, length - start), character = n ? n : 1;
    bool covered = false;
    uint32_t node = HMA_TRIE_ROOT;
    for (size_t end = start; end < length && hma_trie_follow(u->trie, &node, text[end]);) {
        end++;
        const int32_t id = hma_trie_value(u->trie, node);
        if (id >= 0) {
            offer(&places[end], rounded(u, u->scores[id] + so_far), start, id);
            covered = covered || end - start == character;
        }
    }
    if (!covered) {
        if (u->unknown < 0) {
            return hma_error(HMA_BAD_DATA,
                             "a text has a character that the vocabulary lacks, and the model has no unknown token: use "
                             "another tokenizer");
        }
        offer(&places[start + character], rounded(u, u->unknown_score + so_far), start, u->unknown);
    }
    return HMA_OK;
}

/* Appends the pieces of the best cut from its end to its beginning, then turns them round. */
static hma_status collect(const best *places, size_t length, hma_span_list *out) {
    const size_t first = out->count;
    for (size_t end = length; end > 0; end = places[end].start) {
        if (hma_span_list_add(out, (hma_span){places[end].start, end, places[end].id}) != HMA_OK) {
            return HMA_FAILURE;
        }
    }
    for (size_t i = first, j = out->count; i + 1 < j; i++) {
        const hma_span span = out->items[i];
        out->items[i] = out->items[--j];
        out->items[j] = span;
    }
    return HMA_OK;
}

hma_status hma_unigram_cut(const hma_unigram *unigram, const char *text, size_t length, hma_span_list *out) {
    best *places = HMA_NEW(best, length + 1);
    if (!places) {
        return HMA_FAILURE;
    }
    hma_status status = HMA_OK;
    for (size_t at = 0; status == HMA_OK && at < length;) {
        status = extend(unigram, places, text, length, at);
        const size_t n = hma_utf8_length(text + at, length - at);
        at += n ? n : 1;
    }
    if (status == HMA_OK) {
        status = collect(places, length, out);
    }
    free(places);
    return status;
}
