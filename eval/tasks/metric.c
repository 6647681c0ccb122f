/* What every metric is called and how its value follows from sums over items. */
#include <math.h>
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "eval/tasks/metrics.h"
#include "hma/eval.h"

static const hma_metric_info infos[HMA_METRIC_COUNT] = {
    [HMA_METRIC_ACC] = {"acc", "accuracy", "1", 1, true, true, true},
    [HMA_METRIC_ACC_NORM] = {"acc_norm", "accuracy, log-likelihood per character", "1", 1, true, true, true},
    [HMA_METRIC_EM] = {"em", "SQuAD exact match", "1", 1, true, true, true},
    [HMA_METRIC_F1] = {"f1", "SQuAD token F1", "1", 1, true, true, true},
    [HMA_METRIC_DROP_EM] = {"drop_em", "DROP exact match", "1", 1, true, true, true},
    [HMA_METRIC_DROP_F1] = {"drop_f1", "DROP F1", "1", 1, true, true, true},
    [HMA_METRIC_BLEU] = {"bleu", "corpus BLEU", "1", HMA_BLEU_WIDTH, true, true, false},
    [HMA_METRIC_PERPLEXITY] = {"perplexity", "perplexity of the targets", "1", 1, false, false, false},
    [HMA_METRIC_REWARD] = {"reward", "mean reward of the replies", "1", 1, true, false, true},
    [HMA_METRIC_ACC_BYTES] = {"acc_bytes", "accuracy, log-likelihood per byte", "1", 1, true, true, true},
    [HMA_METRIC_MC2] = {"mc2", "probability of the right choices", "1", 1, true, true, true},
    [HMA_METRIC_CHRF] = {"chrf", "corpus chrF", "1", HMA_CHRF_WIDTH, true, true, false},
    [HMA_METRIC_EXACT_MATCH] = {"exact_match", "exact match", "1", 1, true, true, true},
    [HMA_METRIC_EXACT_STRICT] = {"exact_match_strict", "exact match of the marked number", "1", 1, true, true, true},
    [HMA_METRIC_EXACT_FLEXIBLE] = {"exact_match_flexible", "exact match of the last number", "1", 1, true, true, true},
    [HMA_METRIC_HAS_ANS_EM] = {"has_ans_em", "SQuAD exact match, questions with an answer", "1", 2, true, true, false},
    [HMA_METRIC_HAS_ANS_F1] = {"has_ans_f1", "SQuAD token F1, questions with an answer", "1", 2, true, true, false},
    [HMA_METRIC_NO_ANS_EM] = {"no_ans_em", "SQuAD exact match, questions without an answer", "1", 2, true, true, false},
    [HMA_METRIC_WORD_PERPLEXITY] = {"word_perplexity", "perplexity per word", "1", 2, false, false, false},
    [HMA_METRIC_BYTE_PERPLEXITY] = {"byte_perplexity", "perplexity per byte", "1", 2, false, false, false},
    [HMA_METRIC_BITS_PER_BYTE] = {"bits_per_byte", "bits per byte", "bits", 2, false, false, false},
};

_Static_assert((int)HMA_BLEU_WIDTH <= (int)HMA_METRIC_MAX_WIDTH, "BLEU needs room for its statistics");
_Static_assert((int)HMA_CHRF_WIDTH <= (int)HMA_METRIC_MAX_WIDTH, "chrF needs room for its statistics");

const hma_metric_info *hma_metric_describe(hma_metric metric) {
    return (unsigned)metric < HMA_METRIC_COUNT ? &infos[metric] : NULL;
}

hma_status hma_metric_parse(hma_metric *out, const char *name) {
    const char *names[HMA_METRIC_COUNT + 1] = {0};
    for (size_t i = 0; i < HMA_METRIC_COUNT; i++) {
        names[i] = infos[i].name;
        if (strcmp(name, names[i]) == 0) {
            *out = (hma_metric)i;
            return HMA_OK;
        }
    }
    const char *near = hma_nearest(name, names);
    return hma_error(HMA_USAGE, "metric \"%.60s\": there is no such metric (expected %s): correct the name", name,
                     near ? near
                          : "acc, acc_norm, em, f1, drop_em, drop_f1, bleu, chrf, exact_match, perplexity or another one");
}

double hma_metric_value(hma_metric metric, const double *sums, double items) {
    if (!(items > 0)) {
        return NAN;
    }
    switch (metric) {
    case HMA_METRIC_BLEU: return hma_bleu_value(sums);
    case HMA_METRIC_CHRF: return hma_chrf_value(sums);
    case HMA_METRIC_PERPLEXITY: return exp(-sums[0] / items);
    case HMA_METRIC_HAS_ANS_EM:
    case HMA_METRIC_HAS_ANS_F1:
    case HMA_METRIC_NO_ANS_EM: return sums[1] > 0 ? sums[0] / sums[1] : NAN;
    case HMA_METRIC_WORD_PERPLEXITY:
    case HMA_METRIC_BYTE_PERPLEXITY: return sums[1] > 0 ? exp(-sums[0] / sums[1]) : NAN;
    case HMA_METRIC_BITS_PER_BYTE: return sums[1] > 0 ? -sums[0] / sums[1] / log(2) : NAN;
    default: return sums[0] / items;
    }
}
