#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "eval/tokenizer/merge_queue.h"
#include "eval/tokenizer/sentencepiece.h"

enum { NO_SYMBOL = UINT32_MAX };

typedef struct symbol {
    size_t start;
    uint32_t length; /* 0: merged away */
    uint32_t previous, next;
    bool frozen; /* a user-defined symbol, which never merges */
} symbol;

/* A text being cut. */
typedef struct cutting {
    const hma_sentencepiece *model;
    const char *text;
    symbol *symbols;
    size_t count, capacity;
    hma_merge_queue queue;
    uint32_t *left_length; /* [by id] of unused pieces: where they were put together; NULL when there are none */
} cutting;

/* Orders scores so that the largest comes first. */
static uint32_t priority(float score) {
    uint32_t bits;
    score += 0.0f; /* no negative zero */
    memcpy(&bits, &score, sizeof bits);
    const uint32_t rising = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return ~rising;
}

static hma_status split_characters(cutting *c, size_t length) {
    for (size_t at = 0; at < length;) {
        int32_t ignored;
        size_t n = hma_trie_longest(c->model->user_defined, c->text + at, length - at, &ignored);
        const bool frozen = n > 0;
        if (!frozen) {
            n = hma_utf8_length(c->text + at, length - at);
            n = n ? n : 1;
        }
        if (hma_grow(&c->symbols, &c->capacity, c->count + 1, sizeof *c->symbols)) {
            return HMA_FAILURE;
        }
        const uint32_t index = (uint32_t)c->count++;
        c->symbols[index] = (symbol){at, (uint32_t)n, index ? index - 1 : NO_SYMBOL, NO_SYMBOL, frozen};
        if (index) {
            c->symbols[index - 1].next = index;
        }
        at += n;
    }
    return HMA_OK;
}

/* Puts the pair that begins at a symbol into the queue if its text is a piece. */
static hma_status consider(cutting *c, uint32_t left) {
    if (left == NO_SYMBOL || c->symbols[left].next == NO_SYMBOL) {
        return HMA_OK;
    }
    const symbol *a = &c->symbols[left], *b = &c->symbols[a->next];
    const size_t length = (size_t)a->length + b->length;
    uint64_t id;
    if (a->frozen || b->frozen || length > c->model->longest_piece ||
        !hma_text_set_find(&c->model->ordinary, c->text + a->start, length, &id)) {
        return HMA_OK;
    }
    const hma_model_piece *piece = &c->model->file.pieces[id];
    if (piece->type == HMA_PIECE_UNUSED) {
        c->left_length[id] = a->length;
    }
    return hma_merge_queue_push(&c->queue, (hma_merge){hma_merge_key(priority(piece->score), left), a->next, (uint32_t)length});
}

static hma_status merge_all(cutting *c) {
    hma_status status = HMA_OK;
    hma_merge merge;
    for (uint32_t i = 0; status == HMA_OK && i + 1 < c->count; i++) {
        status = consider(c, i);
    }
    while (status == HMA_OK && hma_merge_queue_pop(&c->queue, &merge)) {
        const uint32_t at = hma_merge_left(&merge);
        symbol *left = &c->symbols[at], *right = &c->symbols[merge.right];
        if (left->length == 0 || right->length == 0 || left->length + right->length != merge.check) {
            continue; /* one of them has been merged with another since */
        }
        left->length = merge.check;
        left->next = right->next;
        right->length = 0;
        if (left->next != NO_SYMBOL) {
            c->symbols[left->next].previous = at;
        }
        if ((status = consider(c, left->previous)) == HMA_OK) {
            status = consider(c, at);
        }
    }
    return status;
}

/* Adds a piece, or the parts of an unused one. `parts` is scratch memory. */
static hma_status add_piece(const cutting *c, size_t start, size_t length, hma_span_list *parts, hma_span_list *out) {
    parts->count = 0;
    hma_status status = hma_span_list_add(parts, (hma_span){start, start + length, 0});
    while (status == HMA_OK && parts->count > 0) {
        const hma_span part = parts->items[--parts->count];
        const int32_t id = hma_sentencepiece_id(c->model, c->text + part.start, part.end - part.start);
        const size_t left = c->model->file.pieces[id].type == HMA_PIECE_UNUSED ? c->left_length[id] : 0;
        if (left == 0) {
            status = hma_span_list_add(out, (hma_span){part.start, part.end, id});
        } else if ((status = hma_span_list_add(parts, (hma_span){part.start + left, part.end, 0})) == HMA_OK) {
            status = hma_span_list_add(parts, (hma_span){part.start, part.start + left, 0});
        }
    }
    return status;
}

static hma_status collect(const cutting *c, hma_span_list *out) {
    hma_span_list parts = {0};
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < c->count; i++) {
        if (c->symbols[i].length) {
            status = add_piece(c, c->symbols[i].start, c->symbols[i].length, &parts, out);
        }
    }
    hma_span_list_free(&parts);
    return status;
}

hma_status hma_sentencepiece_cut_bpe(const hma_sentencepiece *model, const char *text, size_t length, hma_span_list *out) {
    cutting c = {.model = model, .text = text};
    if (length >= NO_SYMBOL) {
        return hma_error(HMA_BAD_DATA, "a text has %zu bytes (expected less than 4 GiB): shorten it", length);
    }
    if (model->has_unused && !(c.left_length = HMA_NEW(uint32_t, model->file.count))) {
        return HMA_FAILURE;
    }
    hma_status status = split_characters(&c, length);
    if (status == HMA_OK && (status = merge_all(&c)) == HMA_OK) {
        status = collect(&c, out);
    }
    free(c.symbols);
    free(c.left_length);
    hma_merge_queue_free(&c.queue);
    return status;
}
