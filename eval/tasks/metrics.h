/*
 * What one item is worth: log-likelihoods against a gold choice, a reply against answers. One file per family of metrics;
 * how items become a value and a standard error is in metric.c and result.c.
 */
#ifndef HMA_TASKS_METRICS_H
#define HMA_TASKS_METRICS_H

#include <stddef.h>

#include "hma/error.h"
#include "hma/eval.h"

/* ---- choice.c: multiple choice, lm-evaluation-harness ---- */

/* Index of the largest summed log-likelihood; the first of equals. */
size_t hma_choice_pick(const double *loglikelihoods, size_t count);
/* The same after division by the choice's length in code points. */
size_t hma_choice_pick_norm(const double *loglikelihoods, const char *const *choices, size_t count);

/* ---- squad.c: SQuAD v2 exact match and token F1, best over the answers ---- */

hma_status hma_squad_score(const char *reply, const char *const *answers, size_t count, double *em, double *f1);

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

#endif
