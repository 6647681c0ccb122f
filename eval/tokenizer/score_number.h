/*
 * Scores of a Unigram vocabulary as the tokenizers library reads them from JSON: its parser takes all digits as one whole
 * number and divides once by a power of ten. With 17 digits the result can be one unit in the last place away from the number
 * that is written, and between cuts of the same pieces in another order (runs of spaces) that unit decides.
 */
#ifndef HMA_TOKENIZER_SCORE_NUMBER_H
#define HMA_TOKENIZER_SCORE_NUMBER_H

#include <stdbool.h>

/* `text` is a number in JSON's grammar. False when it is too large. */
bool hma_score_parse(double *out, const char *text);

#endif
