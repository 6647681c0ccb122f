#include "eval/tokenizer/added_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "eval/tokenizer/unicode_table.h"

/* Longer ones could make the search for them slow; the longest published are runs of some 30 line ends or spaces. */
enum { LONGEST_TOKEN = 1024 };

/* A way in which a token is looked for. */
typedef struct hma_added_pattern {
    size_t item;
    bool normalized, special;
} pattern;

void hma_added_tokens_free(hma_added_tokens *added) {
    for (size_t i = 0; i < added->count; i++) {
        free(added->items[i].text);
    }
    free(added->items);
    free(added->patterns);
    free(added->by_id);
    hma_text_set_free(&added->by_text);
    hma_trie_free(added->raw);
    hma_trie_free(added->normal);
    *added = (hma_added_tokens){0};
}

/* ---- adding ---- */

/* A token that was special when it was added is looked for in that way only; another in every way in which it was added. */
static hma_status add_pattern(hma_added_tokens *added, size_t item, const hma_added_token *token) {
    for (size_t i = 0; i < added->pattern_count; i++) {
        if (added->patterns[i].item == item && added->patterns[i].special) {
            return HMA_OK;
        }
    }
    if (hma_grow(&added->patterns, &added->pattern_capacity, added->pattern_count + 1, sizeof *added->patterns)) {
        return HMA_FAILURE;
    }
    added->patterns[added->pattern_count++] = (pattern){item, token->normalized, token->special};
    return HMA_OK;
}

void hma_added_tokens_begin_batch(hma_added_tokens *added, const hma_vocabulary *vocabulary) {
    added->next_id = (int32_t)vocabulary->texts.count;
    for (size_t i = 0; i < added->count; i++) {
        if (added->items[i].id >= added->next_id) {
            added->next_id = added->items[i].id + 1;
        }
    }
}

/* The id of a token that is not there yet. */
static hma_status choose_id(hma_added_tokens *added, const char *text, size_t length, const hma_vocabulary *vocabulary,
                            const char *name, int32_t *id) {
    size_t ignored;
    *id = hma_vocabulary_id(vocabulary, text, length);
    if (*id >= 0) {
        return HMA_OK;
    }
    *id = added->next_id++;
    if (*id == INT32_MAX || hma_vocabulary_text(vocabulary, *id, &ignored)) {
        return hma_error(HMA_BAD_DATA,
                         "%s: the added token \"%s\" would take id %d, which is taken (expected ids without gaps): correct "
                         "the file",
                         name, text, *id);
    }
    return HMA_OK;
}

static hma_status check_length(const char *text, const char *name) {
    const size_t length = strlen(text);
    return length <= LONGEST_TOKEN
               ? HMA_OK
               : hma_error(HMA_BAD_DATA, "%s: an added token has %zu bytes (expected at most %d): replace the file", name,
                           length, LONGEST_TOKEN);
}

/* A new token, with its id. */
static hma_status add_item(hma_added_tokens *added, hma_added_token item) {
    bool fresh;
    if (hma_grow(&added->items, &added->capacity, added->count + 1, sizeof *added->items) ||
        !(item.text = hma_copy_text(item.text))) {
        return HMA_FAILURE;
    }
    const hma_status status = hma_text_set_put(&added->by_text, item.text, strlen(item.text), added->count, &fresh);
    if (status != HMA_OK) {
        free(item.text);
        return status;
    }
    added->items[added->count++] = item;
    return add_pattern(added, added->count - 1, &item);
}

hma_status hma_added_tokens_add(hma_added_tokens *added, const hma_added_token *token, const hma_vocabulary *vocabulary,
                                const char *name) {
    const size_t length = strlen(token->text);
    uint64_t place;
    hma_status status = check_length(token->text, name);
    if (status != HMA_OK || length == 0) {
        return status;
    }
    if (!hma_text_set_find(&added->by_text, token->text, length, &place)) {
        hma_added_token item = *token;
        status = choose_id(added, token->text, length, vocabulary, name, &item.id);
        return status == HMA_OK ? add_item(added, item) : status;
    }
    hma_added_token *item = &added->items[place];
    if (item->single_word == token->single_word && item->lstrip == token->lstrip && item->rstrip == token->rstrip &&
        item->normalized == token->normalized && item->special == token->special) {
        return HMA_OK;
    }
    *item = (hma_added_token){.text = item->text,
                              .id = item->id,
                              .single_word = token->single_word,
                              .lstrip = token->lstrip,
                              .rstrip = token->rstrip,
                              .normalized = token->normalized,
                              .special = item->special || token->special};
    return add_pattern(added, place, token);
}

hma_status hma_added_tokens_put(hma_added_tokens *added, const hma_added_token *token, const char *name) {
    uint64_t place;
    const hma_status status = check_length(token->text, name);
    if (status != HMA_OK || !*token->text) {
        return status;
    }
    if (!hma_text_set_find(&added->by_text, token->text, strlen(token->text), &place)) {
        return add_item(added, *token);
    }
    char *text = added->items[place].text;
    added->items[place] = *token;
    added->items[place].text = text;
    return HMA_OK;
}

/* ---- preparing ---- */

static hma_status index_ids(hma_added_tokens *added) {
    for (size_t i = 0; i < added->count; i++) {
        const size_t id = (size_t)added->items[i].id;
        added->id_count = id >= added->id_count ? id + 1 : added->id_count;
    }
    added->by_id = HMA_NEW(uint32_t, added->id_count);
    if (!added->by_id) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < added->count; i++) {
        added->by_id[added->items[i].id] = (uint32_t)(i + 1);
    }
    return HMA_OK;
}

/* Keys of the patterns that are special or not; `texts` keeps the normal forms that were made for them. */
static hma_status add_keys(const hma_added_tokens *added, bool normal, bool special, const hma_normalizer *normalizer,
                           const char *name, hma_trie_key *keys, char **texts, size_t *count) {
    for (size_t i = 0; i < added->pattern_count; i++) {
        const pattern *p = &added->patterns[i];
        if (p->normalized != normal || p->special != special) {
            continue;
        }
        const char *text = added->items[p->item].text;
        if (normal) {
            const hma_status status = hma_normalizer_text(normalizer, text, &texts[*count]);
            if (status != HMA_OK) {
                return status;
            }
            if (!*texts[*count]) {
                return hma_error(
                    HMA_BAD_DATA,
                    "%s: the normalizer leaves nothing of the added token \"%s\" (expected some text): correct the file", name,
                    text);
            }
            text = texts[*count];
        }
        keys[*count] = (hma_trie_key){text, strlen(text), (int32_t)p->item};
        ++*count;
    }
    return HMA_OK;
}

/* Of two tokens with one normal form, special ones come first, then the order of addition. */
static hma_status build_trie(const hma_added_tokens *added, bool normal, const hma_normalizer *normalizer, const char *name,
                             hma_trie **trie) {
    size_t count = 0;
    hma_trie_key *keys = HMA_NEW(hma_trie_key, added->pattern_count);
    char **texts = HMA_NEW(char *, added->pattern_count);
    hma_status status = keys && texts ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK && (status = add_keys(added, normal, true, normalizer, name, keys, texts, &count)) == HMA_OK) {
        status = add_keys(added, normal, false, normalizer, name, keys, texts, &count);
    }
    if (status == HMA_OK && count > 0) {
        status = hma_trie_new(trie, keys, count);
    }
    for (size_t i = 0; texts && i < added->pattern_count; i++) {
        free(texts[i]);
    }
    free(texts);
    free(keys);
    return status;
}

hma_status hma_added_tokens_prepare(hma_added_tokens *added, const hma_normalizer *normalizer, const char *name) {
    hma_status status = index_ids(added);
    if (status == HMA_OK && (status = build_trie(added, false, normalizer, name, &added->raw)) == HMA_OK) {
        status = build_trie(added, true, normalizer, name, &added->normal);
    }
    return status;
}

const hma_added_token *hma_added_tokens_find(const hma_added_tokens *added, const char *text, size_t length) {
    uint64_t place;
    return hma_text_set_find(&added->by_text, text, length, &place) ? &added->items[place] : NULL;
}

const hma_added_token *hma_added_tokens_by_id(const hma_added_tokens *added, int32_t id) {
    return id >= 0 && (size_t)id < added->id_count && added->by_id[id] ? &added->items[added->by_id[id] - 1] : NULL;
}

/* ---- finding ---- */

/* One piece of text in which tokens are looked for. */
typedef struct hunt {
    const hma_added_tokens *added;
    const hma_piece *piece;
    const char *text;
    hma_pieces *out;
    size_t done;      /* end of what has been given to `out` */
    size_t space_end; /* end of the last run of white space that rstrip has measured */
} hunt;

static unsigned flags_before(const char *text, size_t at, size_t *start) {
    size_t next;
    *start = at;
    while (*start > 0 && ((unsigned char)text[--*start] & 0xC0) == 0x80) {
    }
    return at > 0 ? hma_unicode_flags_at(text, at, *start, &next) : 0;
}

static unsigned flags_behind(const hunt *h, size_t at, size_t *next) {
    *next = at;
    return at < h->piece->length ? hma_unicode_flags_at(h->text, h->piece->length, at, next) : 0;
}

static bool stands_alone(const hunt *h, size_t start, size_t end) {
    size_t ignored;
    return !(flags_before(h->text, start, &ignored) & HMA_UNICODE_WORD) && !(flags_behind(h, end, &ignored) & HMA_UNICODE_WORD);
}

/* Start of the white space before a token; what an earlier token has taken stays with it. */
static size_t space_start(const hunt *h, size_t start) {
    size_t previous;
    while (start > h->done && (flags_before(h->text, start, &previous) & HMA_UNICODE_SPACE)) {
        start = previous;
    }
    return start > h->done ? start : h->done;
}

/* End of the white space behind a token. A token that is itself white space must not measure the same run again and again. */
static size_t space_end(hunt *h, size_t end) {
    size_t next;
    if (end < h->space_end) {
        return h->space_end;
    }
    while (flags_behind(h, end, &next) & HMA_UNICODE_SPACE) {
        end = next;
    }
    h->space_end = end;
    return end;
}

static hma_status take(hunt *h, const hma_added_token *token, size_t start, size_t end) {
    if (token->single_word && !stands_alone(h, start, end)) {
        return HMA_OK;
    }
    if (token->lstrip) {
        start = space_start(h, start);
    }
    if (token->rstrip) {
        end = space_end(h, end);
    }
    if (end <= start) {
        return HMA_OK; /* white space that an earlier token has taken along */
    }
    hma_status status = HMA_OK;
    if (h->done < start) {
        status = hma_pieces_add_part(h->out, h->piece, h->piece->start + h->done, h->piece->start + start);
    }
    h->done = end;
    if (status == HMA_OK) {
        status =
            hma_pieces_add(h->out, (hma_piece){.start = h->piece->start + start, .length = end - start, .token = token->id});
    }
    return status;
}

/* The step: which of the two sets is looked for. */
typedef struct cut_step {
    const hma_added_tokens *added;
    const hma_trie *trie;
} cut_step;

/* Leftmost, of these the longest. The search goes on behind a token's own text, whatever white space it has taken along. */
static hma_status cut_piece(const void *data, const hma_pieces *from, const hma_piece *piece, hma_pieces *out) {
    const cut_step *step = data;
    hunt h = {.added = step->added, .piece = piece, .text = hma_piece_text(from, piece), .out = out};
    hma_status status = HMA_OK;
    for (size_t at = 0; status == HMA_OK && at < piece->length;) {
        int32_t item = 0;
        const size_t length = hma_trie_longest(step->trie, h.text + at, piece->length - at, &item);
        if (length) {
            status = take(&h, &step->added->items[item], at, at + length);
        }
        at += length ? length : 1;
    }
    if (status == HMA_OK && h.done < piece->length) {
        status = hma_pieces_add_part(out, piece, piece->start + h.done, piece->start + piece->length);
    }
    return status;
}

hma_status hma_added_tokens_cut(const hma_added_tokens *added, bool normal, hma_pieces *pieces) {
    const cut_step step = {added, normal ? added->normal : added->raw};
    return step.trie ? hma_pieces_cut(pieces, cut_piece, &step) : HMA_OK;
}
