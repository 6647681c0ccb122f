#include "eval/tokenizer/pieces.h"

#include <stdlib.h>

#include "base/memory.h"

hma_status hma_pieces_begin(hma_pieces *pieces, const char *text, size_t length) {
    *pieces = (hma_pieces){0};
    hma_buffer_add(&pieces->text, text, length);
    hma_status status = hma_buffer_ok(&pieces->text);
    if (status == HMA_OK) {
        status = hma_pieces_add(pieces, (hma_piece){.length = length, .token = -1, .at_start = true});
    }
    return status;
}

void hma_pieces_free(hma_pieces *pieces) {
    hma_buffer_free(&pieces->text);
    free(pieces->items);
    *pieces = (hma_pieces){0};
}

hma_status hma_pieces_add(hma_pieces *pieces, hma_piece piece) {
    if (piece.length == 0) {
        return HMA_OK;
    }
    if (hma_grow(&pieces->items, &pieces->capacity, pieces->count + 1, sizeof *pieces->items)) {
        return HMA_FAILURE;
    }
    pieces->items[pieces->count++] = piece;
    return HMA_OK;
}

hma_status hma_pieces_add_part(hma_pieces *pieces, const hma_piece *whole, size_t start, size_t end) {
    return hma_pieces_add(
        pieces,
        (hma_piece){.start = start, .length = end - start, .token = -1, .at_start = whole->at_start && start == whole->start});
}

/* Puts `made` in the place of `pieces`, or drops it after a failure. */
static hma_status replace(hma_pieces *pieces, hma_pieces *made, hma_status status) {
    if (status == HMA_OK) {
        hma_pieces_free(pieces);
        *pieces = *made;
    } else {
        hma_pieces_free(made);
    }
    return status;
}

hma_status hma_pieces_rewrite(hma_pieces *pieces, hma_rewrite_fn rewrite, const void *step) {
    hma_pieces made = {0};
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < pieces->count; i++) {
        hma_piece piece = pieces->items[i];
        const char *text = hma_piece_text(pieces, &piece);
        const size_t start = made.text.length;
        if (piece.token < 0) {
            status = rewrite(step, text, piece.length, &made.text, &piece.at_start);
        } else {
            hma_buffer_add(&made.text, text, piece.length);
        }
        if (status == HMA_OK && (status = hma_buffer_ok(&made.text)) == HMA_OK) {
            piece.start = start;
            piece.length = made.text.length - start;
            status = hma_pieces_add(&made, piece);
        }
    }
    return replace(pieces, &made, status);
}

hma_status hma_pieces_cut(hma_pieces *pieces, hma_cut_fn cut, const void *step) {
    hma_pieces made = {0};
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < pieces->count; i++) {
        const hma_piece *piece = &pieces->items[i];
        status = piece->token < 0 ? cut(step, pieces, piece, &made) : hma_pieces_add(&made, *piece);
    }
    if (status == HMA_OK) {
        made.text = pieces->text; /* the same text, other cuts */
        pieces->text = (hma_buffer){0};
    }
    return replace(pieces, &made, status);
}
