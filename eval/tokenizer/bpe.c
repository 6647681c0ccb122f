#include "eval/tokenizer/bpe.h"

#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "base/utf8.h"

enum { NO_SYMBOL = UINT32_MAX };

struct hma_bpe_rule {
    int32_t left, right;
    uint32_t rank;
    int32_t merged; /* -1: the slot is empty */
};

typedef struct hma_bpe_symbol {
    int32_t id;
    uint32_t previous, next; /* NO_SYMBOL at the ends */
    uint32_t bytes;          /* 0: merged away */
} symbol;

/* ---- the table of merges ---- */

static size_t slot_of(const hma_bpe *bpe, int32_t left, int32_t right) {
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    h ^= h >> 32;
    size_t slot = h & (bpe->slot_count - 1);
    while (bpe->rules[slot].merged >= 0 && (bpe->rules[slot].left != left || bpe->rules[slot].right != right)) {
        slot = (slot + 1) & (bpe->slot_count - 1);
    }
    return slot;
}

static hma_status grow_table(hma_bpe *bpe) {
    hma_bpe larger = {.slot_count = bpe->slot_count ? bpe->slot_count * 2 : 64};
    larger.rules = HMA_NEW(hma_bpe_rule, larger.slot_count);
    if (!larger.rules) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < larger.slot_count; i++) {
        larger.rules[i].merged = -1;
    }
    for (size_t i = 0; i < bpe->slot_count; i++) {
        if (bpe->rules[i].merged >= 0) {
            larger.rules[slot_of(&larger, bpe->rules[i].left, bpe->rules[i].right)] = bpe->rules[i];
        }
    }
    free(bpe->rules);
    bpe->rules = larger.rules;
    bpe->slot_count = larger.slot_count;
    return HMA_OK;
}

hma_status hma_bpe_add_rule(hma_bpe *bpe, int32_t left, int32_t right, uint32_t rank, int32_t merged) {
    if ((bpe->rule_count + 1) * 3 > bpe->slot_count * 2 && grow_table(bpe) != HMA_OK) {
        return HMA_FAILURE;
    }
    hma_bpe_rule *rule = &bpe->rules[slot_of(bpe, left, right)];
    bpe->rule_count += rule->merged < 0;
    *rule = (hma_bpe_rule){left, right, rank, merged};
    return HMA_OK;
}

static const hma_bpe_rule *find_rule(const hma_bpe *bpe, int32_t left, int32_t right) {
    if (bpe->slot_count == 0) {
        return NULL;
    }
    const hma_bpe_rule *rule = &bpe->rules[slot_of(bpe, left, right)];
    return rule->merged >= 0 ? rule : NULL;
}

static int by_rank(const void *a, const void *b) {
    const hma_bpe_rule *x = *(const hma_bpe_rule *const *)a, *y = *(const hma_bpe_rule *const *)b;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

hma_status hma_bpe_visit_rules(const hma_bpe *bpe, hma_status (*visit)(void *user, int32_t left, int32_t right), void *user) {
    const hma_bpe_rule **rules = HMA_NEW(const hma_bpe_rule *, bpe->rule_count);
    if (!rules) {
        return HMA_FAILURE;
    }
    size_t n = 0;
    for (size_t i = 0; i < bpe->slot_count; i++) {
        if (bpe->rules[i].merged >= 0) {
            rules[n++] = &bpe->rules[i];
        }
    }
    qsort(rules, n, sizeof *rules, by_rank);
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < n; i++) {
        status = visit(user, rules[i]->left, rules[i]->right);
    }
    free(rules);
    return status;
}

void hma_bpe_free(hma_bpe *bpe) {
    free(bpe->rules);
    *bpe = (hma_bpe){0};
}

void hma_bpe_prepare(hma_bpe *bpe, const hma_vocabulary *vocabulary) {
    hma_vocabulary_byte_ids(vocabulary, bpe->byte_ids);
    for (uint32_t c = 0; c < sizeof bpe->latin_ids / sizeof *bpe->latin_ids; c++) {
        char utf8[4];
        bpe->latin_ids[c] = hma_vocabulary_id(vocabulary, utf8, hma_utf8_encode(c, utf8));
    }
}

/* ---- encoding ---- */

/* A word being encoded. */
typedef struct word {
    const hma_bpe *bpe;
    const hma_vocabulary *vocabulary;
    hma_bpe_scratch *scratch;
    size_t count;           /* of symbols */
    uint32_t unknown_bytes; /* of an unknown token that is not yet a symbol; 0: none */
} word;

void hma_bpe_scratch_free(hma_bpe_scratch *scratch) {
    free(scratch->symbols);
    hma_merge_queue_free(&scratch->queue);
    *scratch = (hma_bpe_scratch){0};
}

static hma_status add_symbol(word *w, int32_t id, uint32_t bytes) {
    hma_bpe_scratch *s = w->scratch;
    if (hma_grow(&s->symbols, &s->capacity, w->count + 1, sizeof *s->symbols)) {
        return HMA_FAILURE;
    }
    const uint32_t at = (uint32_t)w->count++;
    s->symbols[at] = (symbol){id, at ? at - 1 : NO_SYMBOL, NO_SYMBOL, bytes};
    if (at) {
        s->symbols[at - 1].next = at;
    }
    return HMA_OK;
}

static hma_status flush_unknown(word *w) {
    const uint32_t bytes = w->unknown_bytes;
    w->unknown_bytes = 0;
    return bytes ? add_symbol(w, w->bpe->unknown, bytes) : HMA_OK;
}

/* The id of one character, -1 when there is none. */
static int32_t character_id(const word *w, const char *text, size_t n) {
    uint32_t c = 0;
    if (n <= 2 && hma_utf8_decode(text, n, &c) == n && c < 512) {
        return w->bpe->latin_ids[c];
    }
    return hma_vocabulary_id(w->vocabulary, text, n);
}

/* True when the character has become byte tokens. An unknown token that waits goes behind them, as in the reference. */
static hma_status add_bytes(word *w, const char *text, size_t n, bool *done) {
    hma_status status = HMA_OK;
    *done = w->bpe->byte_fallback;
    for (size_t i = 0; i < n; i++) {
        *done = *done && w->bpe->byte_ids[(unsigned char)text[i]] >= 0;
    }
    for (size_t i = 0; *done && status == HMA_OK && i < n; i++) {
        status = add_symbol(w, w->bpe->byte_ids[(unsigned char)text[i]], 1);
    }
    return status;
}

static hma_status add_unknown(word *w, size_t n) {
    if (!w->bpe->has_unknown) {
        return HMA_OK;
    }
    if (w->bpe->unknown < 0) {
        return hma_error(HMA_BAD_DATA,
                         "a text has a character that the vocabulary lacks, and the unknown token of the model is not in "
                         "the vocabulary either: use another tokenizer");
    }
    hma_status status = HMA_OK;
    if (!w->bpe->fuse_unknown) {
        status = flush_unknown(w);
    }
    w->unknown_bytes += (uint32_t)n;
    return status;
}

static hma_status add_character(word *w, const char *text, size_t n) {
    const int32_t id = character_id(w, text, n);
    hma_status status;
    bool done = false;
    if (id >= 0) {
        status = flush_unknown(w);
        return status == HMA_OK ? add_symbol(w, id, (uint32_t)n) : status;
    }
    status = add_bytes(w, text, n, &done);
    return status != HMA_OK || done ? status : add_unknown(w, n);
}

/* Puts the pair that begins at a symbol into the queue if it can be merged. */
static hma_status consider(word *w, uint32_t left) {
    const symbol *symbols = w->scratch->symbols;
    if (left == NO_SYMBOL || symbols[left].next == NO_SYMBOL) {
        return HMA_OK;
    }
    const uint32_t right = symbols[left].next;
    const hma_bpe_rule *rule = find_rule(w->bpe, symbols[left].id, symbols[right].id);
    if (!rule) {
        return HMA_OK;
    }
    return hma_merge_queue_push(&w->scratch->queue,
                                (hma_merge){hma_merge_key(rule->rank, left), right, (uint32_t)rule->merged});
}

/* A queued merge is stale when the pair at its place would now become another token (that alone is what the reference asks). */
static bool is_stale(const word *w, const hma_merge *merge) {
    const symbol *symbols = w->scratch->symbols, *left = &symbols[hma_merge_left(merge)];
    if (left->bytes == 0 || left->next == NO_SYMBOL) {
        return true;
    }
    const hma_bpe_rule *rule = find_rule(w->bpe, left->id, symbols[left->next].id);
    return !rule || (uint32_t)rule->merged != merge->check;
}

static hma_status merge_all(word *w) {
    symbol *symbols = w->scratch->symbols;
    hma_status status = HMA_OK;
    hma_merge merge;
    w->scratch->queue.count = 0;
    for (uint32_t i = 0; status == HMA_OK && i + 1 < w->count; i++) {
        status = consider(w, i);
    }
    while (status == HMA_OK && hma_merge_queue_pop(&w->scratch->queue, &merge)) {
        if (is_stale(w, &merge)) {
            continue;
        }
        symbol *left = &symbols[hma_merge_left(&merge)], *right = &symbols[left->next];
        left->id = (int32_t)merge.check;
        left->bytes += right->bytes;
        left->next = right->next;
        right->bytes = 0;
        if (left->next != NO_SYMBOL) {
            symbols[left->next].previous = hma_merge_left(&merge);
        }
        if ((status = consider(w, left->previous)) == HMA_OK) {
            status = consider(w, hma_merge_left(&merge));
        }
    }
    return status;
}

hma_status hma_bpe_encode(const hma_bpe *bpe, const hma_vocabulary *vocabulary, hma_bpe_scratch *scratch, const char *text,
                          size_t length, hma_id_list *ids) {
    if (bpe->ignore_merges) {
        const int32_t whole = hma_vocabulary_id(vocabulary, text, length);
        if (whole >= 0) {
            return hma_id_list_add(ids, whole);
        }
    }
    if (length >= NO_SYMBOL) {
        return hma_error(HMA_BAD_DATA, "a word has %zu bytes (expected less than 4 GiB): shorten the text", length);
    }
    word w = {.bpe = bpe, .vocabulary = vocabulary, .scratch = scratch};
    hma_status status = HMA_OK;
    for (size_t i = 0, n; status == HMA_OK && i < length; i += n) {
        n = hma_utf8_length(text + i, length - i);
        n = n ? n : 1;
        status = add_character(&w, text + i, n);
    }
    if (status == HMA_OK && (status = flush_unknown(&w)) == HMA_OK) {
        status = merge_all(&w);
    }
    for (uint32_t i = 0; status == HMA_OK && i < w.count; i++) {
        if (scratch->symbols[i].bytes) {
            status = hma_id_list_add(ids, scratch->symbols[i].id);
        }
    }
    return status;
}
