#include "eval/tokenizer/split.h"

#include <string.h>

#include "base/error_set.h"
#include "base/json.h"

hma_status hma_split_behavior_from_json(hma_split_behavior *out, const cJSON *object, const char *name, bool required) {
    static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"};
    const char *text = NULL;
    const hma_status status = hma_json_get_text(object, name, "behavior", required, &text);
    if (status != HMA_OK || !text) {
        return status;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (hma_split_behavior)i;
            return HMA_OK;
        }
    }
    return hma_error(HMA_BAD_DATA,
                     "%s: unknown behavior \"%s\" (expected Removed, Isolated, MergedWithPrevious, MergedWithNext or "
                     "Contiguous): correct the file",
                     name, text);
}

/* The cut of one piece. The text is seen as a row of parts, occurrences and what lies between them, given to part() in order.
 */
typedef struct cutting {
    hma_split_behavior behavior;
    const hma_piece *whole;
    hma_pieces *out;
    hma_match held;         /* a part that the next one may still join */
    bool holding, previous; /* was the previous part an occurrence? */
} cutting;

static hma_status flush(cutting *c) {
    const bool holding = c->holding;
    c->holding = false;
    return holding ? hma_pieces_add_part(c->out, c->whole, c->held.start, c->held.end) : HMA_OK;
}

/* Does this part belong to the piece that is held? */
static bool joins(const cutting *c, bool occurrence) {
    switch (c->behavior) {
    case HMA_SPLIT_CONTIGUOUS: return occurrence == c->previous;
    case HMA_SPLIT_MERGED_WITH_PREVIOUS: return occurrence && !c->previous;
    case HMA_SPLIT_MERGED_WITH_NEXT: return !occurrence && c->previous;
    case HMA_SPLIT_REMOVED:
    case HMA_SPLIT_ISOLATED: break;
    }
    return false;
}

static hma_status part(cutting *c, size_t start, size_t end, bool occurrence) {
    hma_status status = HMA_OK;
    if (c->holding && joins(c, occurrence)) {
        c->held.end = end;
    } else {
        status = flush(c);
        c->held = (hma_match){start, end};
        c->holding = !(c->behavior == HMA_SPLIT_REMOVED && occurrence);
    }
    c->previous = occurrence;
    return status;
}

hma_status hma_split_cut(const void *step, const hma_pieces *from, const hma_piece *piece, hma_pieces *out) {
    const hma_split *split = step;
    cutting c = {.behavior = split->behavior, .whole = piece, .out = out};
    hma_search search;
    hma_match match;
    bool found = true;
    size_t done = 0;
    hma_search_begin(&search, split->pattern, hma_piece_text(from, piece), piece->length);
    hma_status status = hma_search_next(&search, &match, &found);
    while (status == HMA_OK && found) {
        if (match.start > done) {
            status = part(&c, piece->start + done, piece->start + match.start, split->invert);
        }
        if (status == HMA_OK) {
            status = part(&c, piece->start + match.start, piece->start + match.end, !split->invert);
        }
        done = match.end;
        if (status == HMA_OK) {
            status = hma_search_next(&search, &match, &found);
        }
    }
    hma_search_end(&search);
    if (status == HMA_OK && done < piece->length) {
        status = part(&c, piece->start + done, piece->start + piece->length, split->invert);
    }
    return status == HMA_OK ? flush(&c) : status;
}
