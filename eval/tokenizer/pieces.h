/*
 * A text on its way through the pipeline: one run of bytes, cut into pieces in order. Some pieces are tokens already (added
 * tokens that were found in the text); the others are text that later steps rewrite or cut further.
 */
#ifndef HMA_TOKENIZER_PIECES_H
#define HMA_TOKENIZER_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "hma/error.h"

typedef struct hma_piece {
    size_t start, length; /* in the text */
    int32_t token;        /* -1: text */
    bool at_start;        /* begins where the original text begins */
} hma_piece;

typedef struct hma_pieces {
    hma_buffer text;
    hma_piece *items;
    size_t count, capacity;
} hma_pieces;

/* The whole text as one piece; none for the empty text. */
hma_status hma_pieces_begin(hma_pieces *pieces, const char *text, size_t length);
void hma_pieces_free(hma_pieces *pieces);

/* Adds a piece; an empty one is dropped, as the reference does. */
hma_status hma_pieces_add(hma_pieces *pieces, hma_piece piece);

/* Adds the bytes [start, end) of the text, which lie in `whole` (a piece of the same text). */
hma_status hma_pieces_add_part(hma_pieces *pieces, const hma_piece *whole, size_t start, size_t end);

static inline const char *hma_piece_text(const hma_pieces *pieces, const hma_piece *piece) {
    return hma_buffer_cstr(&pieces->text) + piece->start;
}

/* Rewrites one text: appends to `out`; may clear *at_start when what began the text is gone. */
typedef hma_status (*hma_rewrite_fn)(const void *step, const char *text, size_t length, hma_buffer *out, bool *at_start);
/* Rewrites every piece that is text. */
hma_status hma_pieces_rewrite(hma_pieces *pieces, hma_rewrite_fn rewrite, const void *step);

/* Cuts one piece of `from`: adds its parts, in order and with places in the same text, to `out`. */
typedef hma_status (*hma_cut_fn)(const void *step, const hma_pieces *from, const hma_piece *piece, hma_pieces *out);
/* Cuts every piece that is text. */
hma_status hma_pieces_cut(hma_pieces *pieces, hma_cut_fn cut, const void *step);

#endif
