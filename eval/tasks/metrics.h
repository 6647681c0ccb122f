/*
 * What one item is worth: log-likelihoods against a gold choice, a reply against answers. One file per family of metrics;
 * how items become a value and a standard error is in metric.c and result.c.
 */
#ifndef HMA_TASKS_METRICS_H
#define HMA_TASKS_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "hma/error.h"
#include "hma/eval.h"

/* ---- choice.c: multiple choice, lm-evaluation-harness ---- */

/* Index of the largest summed log-likelihood; the first of equals. */
size_t hma_choice_pick(const double *loglikelihoods, size_t count);
/* The same after division by the choice's length in code points. */
size_t hma_choice_pick_norm(const double *loglikelihoods, const char *const *choices, size_t count);

/* The same after division by the choice's length in bytes. */
size_t hma_choice_pick_bytes(const double *loglikelihoods, const char *const *choices, size_t count);
/* Share of the right choices in the sum of the probabilities of all (TruthfulQA MC2). */
double hma_choice_right_share(const double *loglikelihoods, const bool *right, size_t count);

/* ---- squad.c: SQuAD v2 exact match and token F1, best over the answers ---- */

hma_status hma_squad_score(const char *reply, const char *const *answers, size_t count, double *em, double *f1);

/* Whether nothing is left of a text when it is compared: such an answer stands for "there is none". */
hma_status hma_squad_is_empty(const char *text, bool *empty);

/* ---- drop.c: DROP exact match and F1 over aligned spans, best over the answers ---- */

/* An answer made of several spans; one is the common case. */
typedef struct hma_spans {
    const char *const *text;
    size_t count; /* at least 1 */
} hma_spans;

hma_status hma_drop_score(const hma_spans *reply, const hma_spans *answers, size_t count, double *em, double *f1);

/* ---- bleu.c: sacrebleu (13a tokens, exponential smoothing, no effective order) ---- */

enum { HMA_BLEU_ORDER = 4 };
enum { HMA_BLEU_MATCHES = 0, HMA_BLEU_TOTALS = 4, HMA_BLEU_LENGTH = 8, HMA_BLEU_REFERENCE_LENGTH = 9, HMA_BLEU_WIDTH = 10 };

/* Matches and totals of n-grams of length 1 to 4, tokens of the reply, tokens of the nearest reference. */
hma_status hma_bleu_statistics(const char *reply, const char *const *references, size_t count, double stats[HMA_BLEU_WIDTH]);
/* Corpus BLEU on 0..1 from summed statistics. */
double hma_bleu_value(const double sums[HMA_BLEU_WIDTH]);

/* ---- chrf.c: sacrebleu (n-grams of 1 to 6 characters, white space dropped, beta 2) ---- */

enum { HMA_CHRF_ORDER = 6 };
enum { HMA_CHRF_REPLY = 0, HMA_CHRF_REFERENCE = 6, HMA_CHRF_MATCHES = 12, HMA_CHRF_WIDTH = 18 };

/* n-grams of the reply, of the reference and of both, for each length, against the reference that scores best. */
hma_status hma_chrf_statistics(const char *reply, const char *const *references, size_t count, double stats[HMA_CHRF_WIDTH]);
/* Corpus chrF on 0..1 from summed statistics. */
double hma_chrf_value(const double sums[HMA_CHRF_WIDTH]);

/* ---- exact.c: lm-evaluation-harness's exact_match, as it is and with the filters of GSM8K ---- */

typedef enum hma_exact_filter {
    HMA_EXACT_PLAIN = 0, /* the texts are equal */
    HMA_EXACT_STRICT,    /* the first number after "#### " against the answer's number */
    HMA_EXACT_FLEXIBLE   /* the last number of the reply */
} hma_exact_filter;

/* *match is 1 when the reply fits one of the answers, else 0. */
hma_status hma_exact_score(hma_exact_filter filter, const char *reply, const char *const *answers, size_t count, double *match);

/* Appends what a filter leaves of a reply; "[invalid]" when there is no number. */
void hma_exact_extract(hma_exact_filter filter, const char *reply, hma_buffer *out);

/* ---- lengths for the perplexities of whole texts ---- */

/* Runs of white space plus one: len(re.split(r"\s+", text)). */
size_t hma_count_words(const char *text);

#endif
