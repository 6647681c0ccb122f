#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "eval/tasks/metrics.h"

size_t hma_choice_pick(const double *loglikelihoods, size_t count) {
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        if (loglikelihoods[i] > loglikelihoods[best]) {
            best = i;
        }
    }
    return best;
}

size_t hma_choice_pick_norm(const double *loglikelihoods, const char *const *choices, size_t count) {
    size_t best = 0;
    double best_value = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        const double value = loglikelihoods[i] / (double)hma_utf8_count(choices[i], strlen(choices[i]));
        if (value > best_value) {
            best = i;
            best_value = value;
        }
    }
    return best;
}
