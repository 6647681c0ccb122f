/* What scoring would cost. */
#include <math.h>
#include <stdlib.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "search/run_parts.h"

static bool has_answer(const hma_candidate *candidate) { return candidate->scored || candidate->failure; }

/* Whether a run of the same candidates has scored one already. */
static bool was_scored(const hma_run *before, const hma_candidate *candidate) {
    size_t found;
    return before && hma_run_find(before, candidate->id, &found) == HMA_OK && has_answer(hma_run_candidate(before, found));
}

static hma_status estimate_open(const hma_run *run, size_t *open, size_t count, hma_run_plan *plan) {
    hma_status status = count > 0 && run->scorer.arrange ? hma_run_arrange(run, open, count) : HMA_OK;
    if (status == HMA_OK && count > 0 && run->scorer.estimate) {
        const hma_candidate *candidate = &run->entries[open[count - 1]].candidate;
        status = run->scorer.estimate(run->scorer.user, candidate, &plan->candidate, &plan->passes);
    }
    for (size_t i = 0; i < count; i++) {
        plan->passes += run->entries[open[i]].candidate.kind == HMA_CANDIDATE_MIXTURE; /* both models compute */
    }
    plan->candidates = count;
    plan->flops = plan->passes * plan->candidate.flops;
    plan->seconds = plan->passes * plan->candidate.seconds;
    return status;
}

/* What merges really took: they share more than layers, and replies are checked more often than they are generated. */
static double measure(const hma_run *before) {
    double seconds = 0, count = 0;
    for (size_t i = 0; before && i < before->entry_count; i++) {
        const hma_candidate *c = &before->entries[i].candidate;
        if (c->scored && c->kind == HMA_CANDIDATE_MERGE && c->origin != HMA_ORIGIN_ENDPOINT) {
            seconds += c->seconds;
            count++;
        }
    }
    return count > 0 ? seconds / count : (double)NAN;
}

hma_status hma_run_estimate(hma_run *run, const hma_run *before, hma_run_plan *out) {
    hma_run_plan plan = {0};
    if (!run->context) {
        return hma_error(HMA_USAGE, "%s: was opened for reading (expected hma_run_begin)", run->folder);
    }
    size_t *open = HMA_NEW(size_t, run->entry_count), count = 0;
    if (before && hma_run_learn(run, before) != HMA_OK) {
        before = NULL; /* an estimate can do without */
    }
    for (size_t i = 0; open && i < run->entry_count; i++) {
        const hma_candidate *candidate = &run->entries[i].candidate;
        if (!has_answer(candidate) && !was_scored(before, candidate)) {
            open[count++] = i;
        }
    }
    plan.measured = measure(before);
    const hma_status status = open ? estimate_open(run, open, count, &plan) : HMA_FAILURE;
    free(open);
    if (status == HMA_OK) {
        *out = plan;
    }
    return status;
}
