#include "eval/alignment/known.h"

#include <stdint.h>
#include <string.h>

enum { MOST_BYTES = 64 << 20 };

void hma_known_scores_free(hma_known_scores *known) { hma_text_set_free(&known->scores); }

bool hma_known_scores_find(const hma_known_scores *known, const void *what, size_t length, double *score) {
    uint64_t bits;
    if (!hma_text_set_find(&known->scores, what, length, &bits)) {
        return false;
    }
    memcpy(score, &bits, sizeof *score);
    return true;
}

hma_status hma_known_scores_put(hma_known_scores *known, const void *what, size_t length, double score) {
    uint64_t bits;
    bool added;
    if (known->scores.byte_count > MOST_BYTES) {
        hma_text_set_free(&known->scores);
    }
    memcpy(&bits, &score, sizeof bits);
    return hma_text_set_put(&known->scores, what, length, bits, &added);
}
