/*
 * chrF (Popović 2015) as sacrebleu computes it by default: n-grams of 1 to 6 characters of the text without white space, beta
 * 2; precision and recall are averaged over the lengths that both texts have; of several references the one that scores best.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text_set.h"
#include "base/utf8.h"
#include "eval/tasks/metrics.h"

static const double beta_squared = 4;

/* A text without white space, and where its characters begin; start[count] is its end. */
typedef struct characters {
    hma_buffer text;
    size_t *start;
    size_t count;
} characters;

static void free_characters(characters *c) {
    hma_buffer_free(&c->text);
    free(c->start);
}

static hma_status read_characters(characters *out, const char *text) {
    const size_t length = strlen(text);
    out->start = HMA_NEW(size_t, length + 1);
    for (size_t at = 0; out->start && at < length;) {
        uint32_t c;
        const size_t bytes = hma_utf8_decode(text + at, length - at, &c);
        if (bytes > 0 && !hma_utf8_is_python_space(c)) {
            out->start[out->count++] = out->text.length;
            hma_buffer_add(&out->text, text + at, bytes);
        }
        at += bytes > 0 ? bytes : 1;
    }
    if (!out->start) {
        return HMA_FAILURE;
    }
    out->start[out->count] = out->text.length;
    return hma_buffer_ok(&out->text);
}

/* How often an n-gram of the reply stands there, and in the reference being read. */
typedef struct gram {
    size_t order;
    double in_reply, in_reference;
} gram;

typedef struct grams {
    hma_text_set place; /* characters -> index into item */
    gram *item;
    size_t capacity;
} grams;

static hma_status add_gram(grams *g, const char *text, size_t length, size_t order) {
    bool added;
    const size_t place = g->place.count;
    if (hma_grow(&g->item, &g->capacity, place + 1, sizeof *g->item)) {
        return HMA_FAILURE;
    }
    g->item[place] = (gram){.order = order, .in_reply = 1};
    return hma_text_set_put(&g->place, text, length, place, &added);
}

/* Counts the n-grams of the reply, or of a reference: of those only the ones that the reply has as well. */
static hma_status count_grams(grams *g, const characters *c, bool is_reply) {
    hma_status status = HMA_OK;
    for (size_t order = 1; order <= HMA_CHRF_ORDER; order++) {
        for (size_t first = 0; first + order <= c->count && status == HMA_OK; first++) {
            const char *text = c->text.data + c->start[first];
            const size_t length = c->start[first + order] - c->start[first];
            uint64_t place;
            if (hma_text_set_find(&g->place, text, length, &place)) {
                g->item[place].in_reply += is_reply;
                g->item[place].in_reference += !is_reply;
            } else if (is_reply) {
                status = add_gram(g, text, length, order);
            }
        }
    }
    return status;
}

static double gram_count(size_t length, size_t order) { return length >= order ? (double)(length - order + 1) : 0; }

static hma_status compare(grams *g, size_t reply_length, const char *reference, double stats[HMA_CHRF_WIDTH]) {
    characters c = {0};
    hma_status status = read_characters(&c, reference);
    for (size_t i = 0; i < g->place.count; i++) {
        g->item[i].in_reference = 0;
    }
    if (status == HMA_OK) {
        status = count_grams(g, &c, false);
    }
    for (size_t order = 1; order <= HMA_CHRF_ORDER; order++) {
        const double in_reference = gram_count(c.count, order);
        /* where the reference has no n-gram of this length, the reply's do not count */
        stats[HMA_CHRF_REPLY + order - 1] = in_reference > 0 ? gram_count(reply_length, order) : 0;
        stats[HMA_CHRF_REFERENCE + order - 1] = in_reference;
        stats[HMA_CHRF_MATCHES + order - 1] = 0;
    }
    for (size_t i = 0; i < g->place.count; i++) {
        const gram *item = &g->item[i];
        stats[HMA_CHRF_MATCHES + item->order - 1] += item->in_reply < item->in_reference ? item->in_reply : item->in_reference;
    }
    free_characters(&c);
    return status;
}

hma_status hma_chrf_statistics(const char *reply, const char *const *references, size_t count, double stats[HMA_CHRF_WIDTH]) {
    characters said = {0};
    grams g = {0};
    double best = -1, now[HMA_CHRF_WIDTH];
    hma_status status = read_characters(&said, reply);
    if (status == HMA_OK) {
        status = count_grams(&g, &said, true);
    }
    memset(stats, 0, HMA_CHRF_WIDTH * sizeof *stats);
    for (size_t i = 0; i < count && status == HMA_OK; i++) {
        status = compare(&g, said.count, references[i], now);
        const double value = hma_chrf_value(now);
        if (status == HMA_OK && value > best) {
            best = value;
            memcpy(stats, now, sizeof now);
        }
    }
    hma_text_set_free(&g.place);
    free(g.item);
    free_characters(&said);
    return status;
}

double hma_chrf_value(const double sums[HMA_CHRF_WIDTH]) {
    double precision = 0, recall = 0, orders = 0;
    for (int order = 0; order < HMA_CHRF_ORDER; order++) {
        const double reply = sums[HMA_CHRF_REPLY + order], reference = sums[HMA_CHRF_REFERENCE + order];
        if (reply > 0 && reference > 0) {
            precision += sums[HMA_CHRF_MATCHES + order] / reply;
            recall += sums[HMA_CHRF_MATCHES + order] / reference;
            orders++;
        }
    }
    if (orders == 0 || precision + recall == 0) {
        return 0;
    }
    precision /= orders;
    recall /= orders;
    return (1 + beta_squared) * precision * recall / (beta_squared * precision + recall);
}
