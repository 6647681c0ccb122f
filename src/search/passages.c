#include "search/passages.h"

#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "eval/tasks/encode.h"
#include "search/distillation.h"

static void free_passage(hma_passage *passage) {
    union {
        const void *borrowed;
        void *own;
    } ids = {passage->ids.ids}, counts = {passage->counts};
    free(ids.own);
    free(counts.own);
}

void hma_passages_free(hma_passages *passages) {
    for (size_t i = 0; i < passages->count; i++) {
        free_passage(&passages->list[i]);
    }
    free(passages->list);
    *passages = (hma_passages){0};
}

/* A passage of `count` tokens, to be filled in. */
static hma_status append(hma_passages *p, size_t count, int32_t **ids, unsigned char **counts) {
    *ids = HMA_NEW(int32_t, count);
    *counts = HMA_NEW(unsigned char, count);
    if (!*ids || !*counts || hma_grow(&p->list, &p->capacity, p->count + 1, sizeof *p->list)) {
        free(*ids);
        free(*counts);
        return HMA_FAILURE;
    }
    p->list[p->count++] = (hma_passage){.ids = {*ids, count}, .counts = *counts};
    return HMA_OK;
}

hma_status hma_passages_add(hma_passages *passages, const hma_tokenizer *tokenizer, hma_bos bos, const hma_text_pair *pair,
                            size_t most) {
    hma_encoded_pair encoded;
    hma_status status = hma_encode_pair(tokenizer, bos, pair->context, pair->continuation, &encoded);
    if (status != HMA_OK) {
        return status;
    }
    const size_t whole = encoded.context_count + encoded.continuation_count, total = whole + (pair->end >= 0);
    const size_t cut = total > most ? total - most : 0;
    int32_t *ids;
    unsigned char *counts;
    status = append(passages, total - cut, &ids, &counts);
    for (size_t i = cut; status == HMA_OK && i < total; i++) {
        ids[i - cut] = i < whole ? encoded.ids[i] : pair->end;
        counts[i - cut] = i >= encoded.context_count || pair->context_counts;
    }
    hma_ids_free(encoded.ids);
    return status;
}

typedef struct reading {
    hma_passages *passages;
    const hma_passages_reading *how;
} reading;

static hma_status take_line(void *user, const hma_distillation_line *line, const char *where) {
    const reading *r = user;
    const hma_text_pair pair = {.context = line->prompt,
                                .continuation = line->response,
                                .context_counts = r->how->context_counts,
                                .end = line->ended ? r->how->end : -1};
    const hma_status status = hma_passages_add(r->passages, r->how->tokenizer, HMA_BOS_AUTO, &pair, r->how->most);
    return status == HMA_OK ? HMA_OK : hma_error_prefix("%s: ", where);
}

hma_status hma_passages_read(hma_passages *passages, const char *text, const char *name, const hma_passages_reading *how) {
    reading r = {passages, how};
    return hma_distillation_each(text, name, take_line, &r);
}

void hma_passages_drop_single(hma_passages *passages) {
    size_t kept = 0;
    for (size_t i = 0; i < passages->count; i++) {
        if (passages->list[i].ids.count > 1) {
            passages->list[kept++] = passages->list[i];
        } else {
            free_passage(&passages->list[i]);
        }
    }
    passages->count = kept;
}

hma_status hma_passages_cut(hma_passages *passages, size_t length) {
    hma_passages blocks = {0};
    hma_status status = HMA_OK;
    size_t total = 0, filled = 0;
    int32_t *ids = NULL;
    unsigned char *counts = NULL;
    for (size_t i = 0; i < passages->count; i++) {
        total += passages->list[i].ids.count;
    }
    size_t left = total / length * length;
    for (size_t i = 0; status == HMA_OK && i < passages->count; i++) {
        const hma_passage *p = &passages->list[i];
        for (size_t t = 0; status == HMA_OK && t < p->ids.count && left > 0; t++, left--) {
            if (filled == 0) {
                status = append(&blocks, length, &ids, &counts);
            }
            if (status == HMA_OK) {
                ids[filled] = p->ids.ids[t];
                counts[filled] = p->counts[t];
                filled = (filled + 1) % length;
            }
        }
    }
    if (status != HMA_OK) {
        hma_passages_free(&blocks);
        return status;
    }
    hma_passages_free(passages);
    *passages = blocks;
    return HMA_OK;
}

size_t hma_passages_tokens(const hma_passages *passages) {
    size_t tokens = 0;
    for (size_t i = 0; i < passages->count; i++) {
        for (size_t t = 1; t < passages->list[i].ids.count; t++) {
            tokens += passages->list[i].counts[t];
        }
    }
    return tokens;
}

size_t hma_passages_rows(const hma_passages *passages) {
    size_t rows = 0;
    for (size_t i = 0; i < passages->count; i++) {
        rows += hma_passage_rows(&passages->list[i]);
    }
    return rows;
}
