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

/* Largest sum for each unit of length; an empty choice is never picked before another (numpy: -inf). */
static size_t pick_by_length(const double *loglikelihoods, const char *const *choices, size_t count, bool bytes) {
    size_t best = 0;
    double best_value = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(choices[i]);
        const double value = loglikelihoods[i] / (double)(bytes ? length : hma_utf8_count(choices[i], length));
        if (value > best_value) {
            best = i;
            best_value = value;
        }
    }
    return best;
}

size_t hma_choice_pick_norm(const double *loglikelihoods, const char *const *choices, size_t count) {
    return pick_by_length(loglikelihoods, choices, count, false);
}

size_t hma_choice_pick_bytes(const double *loglikelihoods, const char *const *choices, size_t count) {
    return pick_by_length(loglikelihoods, choices, count, true);
}

/* Relative to the most probable one: the probabilities themselves may be too small for a double. */
double hma_choice_right_share(const double *loglikelihoods, const bool *right, size_t count) {
    const double most = count > 0 ? loglikelihoods[hma_choice_pick(loglikelihoods, count)] : 0;
    double all = 0, share = 0;
    for (size_t i = 0; i < count; i++) {
        const double p = exp(loglikelihoods[i] - most);
        all += p;
        share += right[i] ? p : 0;
    }
    return share / all;
}
