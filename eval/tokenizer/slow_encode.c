#include <string.h>

#include "base/utf8.h"
#include "eval/tokenizer/slow.h"

static const char space_mark[] = "\xE2\x96\x81"; /* U+2581 */

/* ---- cutting added tokens out ---- */

/* Leftmost, of these the longest. A piece that is a token has its place among the added tokens as `token`. */
static hma_status cut_tokens(const void *step, const hma_pieces *from, const hma_piece *piece, hma_pieces *out) {
    const hma_slow *slow = step;
    const char *text = hma_buffer_cstr(&from->text);
    const size_t end = piece->start + piece->length;
    size_t done = piece->start;
    hma_status status = HMA_OK;
    for (size_t at = done; status == HMA_OK && at < end;) {
        int32_t item = 0;
        const size_t length = hma_trie_longest(slow->added.raw, text + at, end - at, &item);
        if (length) {
            status = hma_pieces_add_part(out, piece, done, at);
            if (status == HMA_OK) {
                status = hma_pieces_add(out, (hma_piece){.start = at, .length = length, .token = item});
            }
            done = at + length;
        }
        at += length ? length : 1;
    }
    return status == HMA_OK ? hma_pieces_add_part(out, piece, done, end) : status;
}

/* ---- white space beside tokens, by Python's rules ---- */

/* What a piece is after its text has changed. */
static void look_up(const hma_slow *slow, const hma_pieces *pieces, hma_piece *piece) {
    const hma_added_token *token = hma_added_tokens_find(&slow->added, hma_piece_text(pieces, piece), piece->length);
    piece->token = token ? (int32_t)(token - slow->added.items) : -1;
}

static void strip_left(const hma_slow *slow, const hma_pieces *pieces, hma_piece *piece) {
    uint32_t c = 0;
    size_t n;
    const size_t length = piece->length;
    while (piece->length && (n = hma_utf8_decode(hma_piece_text(pieces, piece), piece->length, &c)) > 0 &&
           hma_utf8_is_python_space(c)) {
        piece->start += n;
        piece->length -= n;
    }
    if (piece->length != length) {
        look_up(slow, pieces, piece);
    }
}

static void strip_right(const hma_slow *slow, const hma_pieces *pieces, hma_piece *piece) {
    const char *text = hma_piece_text(pieces, piece);
    const size_t length = piece->length;
    for (;;) {
        size_t at = piece->length;
        uint32_t c = 0;
        while (at > 0 && ((unsigned char)text[--at] & 0xC0) == 0x80) {
        }
        if (piece->length == 0 || hma_utf8_decode(text + at, piece->length - at, &c) == 0 || !hma_utf8_is_python_space(c)) {
            break;
        }
        piece->length = at;
    }
    if (piece->length != length) {
        look_up(slow, pieces, piece);
    }
}

/* Gives `to` the texts of both, written anew at the end of the text; `gone` is empty then. */
static hma_status join(const hma_slow *slow, hma_pieces *pieces, hma_piece *left, hma_piece *right, hma_piece *to,
                       hma_piece *gone) {
    hma_buffer both = {0};
    hma_buffer_add(&both, hma_piece_text(pieces, left), left->length);
    hma_buffer_add(&both, hma_piece_text(pieces, right), right->length);
    *to = (hma_piece){.start = pieces->text.length, .length = both.length};
    *gone = (hma_piece){.token = -1};
    hma_buffer_add(&pieces->text, hma_buffer_cstr(&both), both.length);
    const hma_status status = both.failed ? hma_buffer_ok(&both) : hma_buffer_ok(&pieces->text);
    hma_buffer_free(&both);
    if (status == HMA_OK) {
        look_up(slow, pieces, to);
    }
    return status;
}

/* lstrip and rstrip take white space from the neighbours; single_word gives the token to a neighbour that touches it. The
 * neighbours count as they were before the stripping. */
static hma_status apply_flags(const hma_slow *slow, hma_pieces *pieces, size_t i) {
    hma_piece *here = &pieces->items[i];
    hma_piece *left = i > 0 ? here - 1 : NULL, *right = i + 1 < pieces->count ? here + 1 : NULL;
    const hma_added_token *token = &slow->added.items[here->token];
    const bool touches_left = left && left->length && hma_piece_text(pieces, left)[left->length - 1] != ' ';
    const bool touches_right = right && right->length && hma_piece_text(pieces, right)[0] != ' ';
    if (token->rstrip && right) {
        strip_left(slow, pieces, right);
    }
    if (token->lstrip && left) {
        strip_right(slow, pieces, left);
    }
    if (token->single_word && touches_left) {
        return join(slow, pieces, left, here, left, here);
    }
    if (token->single_word && touches_right) {
        hma_piece joined, gone;
        const hma_status status = join(slow, pieces, here, right, &joined, &gone);
        *right = joined;
        *here = gone;
        return status;
    }
    return HMA_OK;
}

/* ---- sentencepiece ---- */

/* The pieces of a text between added tokens. Without "legacy" sentencepiece would swallow a leading space, so the unknown
 * token's text goes in front and its pieces are taken off again. */
static hma_status encode_text(const hma_slow *slow, const char *text, size_t length, hma_pieces *tokens, size_t *skip) {
    const size_t n = sizeof space_mark - 1;
    *skip = 0;
    if (slow->gemma || slow->legacy || !(text[0] == ' ' || (length >= n && memcmp(text, space_mark, n) == 0))) {
        return hma_sentencepiece_encode(slow->model, text, length, tokens);
    }
    hma_buffer with = {0};
    hma_buffer_text(&with, slow->unknown_text);
    hma_buffer_add(&with, text, length);
    hma_status status = hma_buffer_ok(&with);
    if (status == HMA_OK && (status = hma_sentencepiece_encode(slow->model, with.data, with.length, tokens)) == HMA_OK) {
        *skip = tokens->count >= slow->unknown_pieces ? slow->unknown_pieces : 0;
    }
    hma_buffer_free(&with);
    return status;
}

/* The id of a token by its text. */
static int32_t id_of(const hma_slow *slow, const char *text, size_t length) {
    const hma_added_token *added = hma_added_tokens_find(&slow->added, text, length);
    return added ? added->id : hma_sentencepiece_id(slow->model, text, length);
}

/* The ids so far, and what must be known of the first tokens. What tokens are goes by their texts: unknown ones have theirs,
 * too. */
typedef struct result {
    hma_id_list *ids;
    size_t before;          /* ids that were there already */
    bool first_is_mark;     /* the first token is a lone space mark */
    bool second_is_special;
} result;

static hma_status add_text(const hma_slow *slow, const char *text, size_t length, result *r) {
    hma_pieces tokens = {0};
    size_t skip;
    hma_status status = encode_text(slow, text, length, &tokens, &skip);
    for (size_t i = skip; status == HMA_OK && i < tokens.count; i++) {
        const char *token = hma_piece_text(&tokens, &tokens.items[i]);
        const size_t n = tokens.items[i].length;
        if (r->ids->count == r->before) {
            r->first_is_mark = n == sizeof space_mark - 1 && memcmp(token, space_mark, n) == 0;
        } else if (r->ids->count == r->before + 1) {
            const hma_added_token *added = hma_added_tokens_find(&slow->added, token, n);
            r->second_is_special = added && added->special;
        }
        status = hma_id_list_add(r->ids, id_of(slow, token, n));
    }
    hma_pieces_free(&tokens);
    return status;
}

/* A space mark that only stands before a special token at the very beginning is dropped. */
static void drop_mark(const hma_slow *slow, result *r) {
    hma_id_list *ids = r->ids;
    if (!slow->gemma && !slow->legacy && r->first_is_mark && r->second_is_special) {
        ids->count--;
        memmove(ids->ids + r->before, ids->ids + r->before + 1, (ids->count - r->before) * sizeof *ids->ids);
    }
}

static hma_status add_pieces(const hma_slow *slow, hma_pieces *pieces, hma_id_list *ids) {
    result r = {.ids = ids, .before = ids->count};
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < pieces->count; i++) {
        if (pieces->items[i].token >= 0) {
            status = apply_flags(slow, pieces, i);
        }
    }
    for (size_t i = 0; status == HMA_OK && i < pieces->count; i++) {
        const hma_piece *piece = &pieces->items[i];
        if (piece->length && piece->token >= 0) {
            r.second_is_special |= ids->count == r.before + 1 && slow->added.items[piece->token].special;
            status = hma_id_list_add(ids, slow->added.items[piece->token].id);
        } else if (piece->length) {
            status = add_text(slow, hma_piece_text(pieces, piece), piece->length, &r);
        }
    }
    drop_mark(slow, &r);
    return status;
}

/* Without "legacy" every mark is read as a space, and one is put in front. */
static hma_status begin(const hma_slow *slow, const char *text, size_t length, hma_pieces *pieces) {
    if (slow->gemma || slow->legacy || length == 0) {
        return hma_pieces_begin(pieces, text, length);
    }
    const size_t n = sizeof space_mark - 1;
    hma_buffer spaced = {0};
    if (slow->prefix_space) {
        hma_buffer_text(&spaced, space_mark);
    }
    for (size_t i = 0; i < length;) {
        const bool mark = length - i >= n && memcmp(text + i, space_mark, n) == 0;
        hma_buffer_char(&spaced, mark ? ' ' : text[i]);
        i += mark ? n : 1;
    }
    hma_status status = hma_buffer_ok(&spaced);
    if (status == HMA_OK) {
        status = hma_pieces_begin(pieces, spaced.data, spaced.length);
    }
    hma_buffer_free(&spaced);
    return status;
}

hma_status hma_slow_encode(const hma_slow *slow, const char *text, size_t length, bool special, hma_id_list *ids) {
    hma_pieces pieces = {0};
    hma_status status = special && slow->before >= 0 ? hma_id_list_add(ids, slow->before) : HMA_OK;
    if (status == HMA_OK && (status = begin(slow, text, length, &pieces)) == HMA_OK &&
        (status = hma_pieces_cut(&pieces, cut_tokens, slow)) == HMA_OK) {
        status = add_pieces(slow, &pieces, ids);
    }
    if (status == HMA_OK && special && slow->behind >= 0) {
        status = hma_id_list_add(ids, slow->behind);
    }
    hma_pieces_free(&pieces);
    return status;
}
