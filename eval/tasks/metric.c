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
};

_Static_assert((int)HMA_BLEU_WIDTH <= (int)HMA_METRIC_MAX_WIDTH, "BLEU needs room for its statistics");

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
                     near ? near : "acc, acc_norm, em, f1, drop_em, drop_f1, bleu or perplexity");
}

double hma_metric_value(hma_metric metric, const double *sums, double items) {
    if (!(items > 0)) {
        return NAN;
    }
    switch (metric) {
    case HMA_METRIC_BLEU: return hma_bleu_value(sums);
    case HMA_METRIC_PERPLEXITY: return exp(-sums[0] / items);
    default: return sums[0] / items;
    }
}
