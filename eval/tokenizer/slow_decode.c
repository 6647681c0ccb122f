#include <string.h>

#include "eval/tokenizer/decoder.h"
#include "eval/tokenizer/slow.h"

static const char space_mark[] = "\xE2\x96\x81"; /* U+2581 */

/* The tokens of ids as texts; an added token has its place among the added tokens as `token`. Special ones that are skipped
 * and ids without a token are left out. */
static hma_status texts_of(const hma_slow *slow, const int32_t *ids, size_t count, bool skip_special, hma_pieces *tokens) {
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        const hma_added_token *added = hma_added_tokens_by_id(&slow->added, ids[i]);
        size_t length = 0;
        const char *text = added ? added->text : hma_sentencepiece_text(slow->model, ids[i], &length);
        if (text && !(added && added->special && skip_special)) {
            status = hma_tokens_add(tokens, text, added ? strlen(text) : length);
            if (status == HMA_OK && added) {
                tokens->items[tokens->count - 1].token = (int32_t)(added - slow->added.items);
            }
        }
    }
    return status;
}

static bool begins_with_mark(const hma_pieces *tokens, size_t i) {
    return tokens->items[i].length >= sizeof space_mark - 1 &&
           memcmp(hma_piece_text(tokens, &tokens->items[i]), space_mark, sizeof space_mark - 1) == 0;
}

/* ---- LlamaTokenizer ---- */

static bool is_special(const hma_slow *slow, const hma_piece *token) {
    return token->token >= 0 && slow->added.items[token->token].special;
}

/* The tokens [first, end): special ones as they are, what lies between them by sentencepiece. */
static hma_status write_run(const hma_slow *slow, hma_pieces *tokens, size_t first, size_t end, hma_buffer *out) {
    hma_status status = HMA_OK;
    size_t done = first;
    bool after_special = false;
    if (slow->prefix_space && begins_with_mark(tokens, first)) { /* encoding has put it there */
        tokens->items[first].start += sizeof space_mark - 1;
        tokens->items[first].length -= sizeof space_mark - 1;
        tokens->items[first].token = -1;
    }
    for (size_t i = first; status == HMA_OK && i < end; i++) {
        const hma_piece *token = &tokens->items[i];
        if (is_special(slow, token)) {
            if (!after_special && i != first && slow->legacy) {
                hma_buffer_char(out, ' ');
            }
            status = hma_sentencepiece_decode(slow->model, tokens, done, i, out);
            hma_buffer_add(out, hma_piece_text(tokens, token), token->length);
            done = i + 1;
            after_special = true;
        } else {
            if (after_special && i == first + 1 && slow->prefix_space && !begins_with_mark(tokens, i)) {
                hma_buffer_char(out, ' ');
            }
            after_special = false;
        }
    }
    return status == HMA_OK ? hma_sentencepiece_decode(slow->model, tokens, done, end, out) : status;
}

/* Added tokens that stand apart are joined to the runs between them by spaces; an empty run in between is left out, but not
 * at the end. */
static hma_status decode_llama(const hma_slow *slow, hma_pieces *tokens, hma_buffer *out) {
    hma_status status = HMA_OK;
    size_t first = 0, parts = 0;
    for (size_t i = 0; status == HMA_OK && i <= tokens->count; i++) {
        const bool at_end = i == tokens->count;
        if (!at_end && (tokens->items[i].token < 0 || !slow->stands_apart[tokens->items[i].token])) {
            continue;
        }
        if (i > first) {
            const size_t before = out->length;
            if (parts > 0) {
                hma_buffer_char(out, ' ');
            }
            const size_t begin = out->length;
            status = write_run(slow, tokens, first, i, out);
            if (!at_end && out->length == begin) {
                out->length = before;
            } else {
                parts++;
            }
        }
        if (!at_end) {
            if (parts++ > 0) {
                hma_buffer_char(out, ' ');
            }
            hma_buffer_add(out, hma_piece_text(tokens, &tokens->items[i]), tokens->items[i].length);
        }
        first = i + 1;
    }
    return status;
}

/* ---- GemmaTokenizer ---- */

/* Added tokens as they are, what lies between them by sentencepiece; then every mark that is left becomes a space. */
static hma_status decode_gemma(const hma_slow *slow, const hma_pieces *tokens, hma_buffer *out) {
    hma_buffer text = {0};
    hma_status status = HMA_OK;
    size_t done = 0;
    for (size_t i = 0; status == HMA_OK && i <= tokens->count; i++) {
        if (i == tokens->count || tokens->items[i].token >= 0) {
            status = hma_sentencepiece_decode(slow->model, tokens, done, i, &text);
            if (i < tokens->count) {
                hma_buffer_add(&text, hma_piece_text(tokens, &tokens->items[i]), tokens->items[i].length);
            }
            done = i + 1;
        }
    }
    const char *from = hma_buffer_cstr(&text);
    const size_t n = sizeof space_mark - 1;
    for (size_t i = 0; i < text.length;) {
        const bool mark = text.length - i >= n && memcmp(from + i, space_mark, n) == 0;
        hma_buffer_char(out, mark ? ' ' : from[i]);
        i += mark ? n : 1;
    }
    if (status == HMA_OK) {
        status = hma_buffer_ok(&text);
    }
    hma_buffer_free(&text);
    return status;
}

hma_status hma_slow_decode(const hma_slow *slow, const int32_t *ids, size_t count, bool skip_special, hma_buffer *out) {
    hma_pieces tokens = {0};
    hma_status status = texts_of(slow, ids, count, skip_special, &tokens);
    if (status == HMA_OK) {
        status = slow->gemma ? decode_gemma(slow, &tokens, out) : decode_llama(slow, &tokens, out);
    }
    hma_pieces_free(&tokens);
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}
