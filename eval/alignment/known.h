/* Scores that were given before. Models repeat each other, and what is judged alone decides about its score. */
#ifndef HMA_ALIGNMENT_KNOWN_H
#define HMA_ALIGNMENT_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text_set.h"
#include "hma/error.h"

typedef struct hma_known_scores {
    hma_text_set scores; /* from what was judged to the bits of its score */
} hma_known_scores;

void hma_known_scores_free(hma_known_scores *known);

/* `what` are any bytes that decide about the score. */
bool hma_known_scores_find(const hma_known_scores *known, const void *what, size_t length, double *score);
/* Starts from nothing again when memory of more than 64 MB has gathered. */
hma_status hma_known_scores_put(hma_known_scores *known, const void *what, size_t length, double score);

#endif
