/* The scoring loop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "search/run_parts.h"

static bool is_open(const hma_run_entry *entry) {
    return !entry->candidate.scored && !entry->candidate.searched && !entry->failure;
}

static void log_scores(const hma_run *run, const hma_candidate *candidate, const hma_result *result) {
    char alignment[64] = "";
    if (result->has_alignment) {
        (void)snprintf(alignment, sizeof alignment, "alignment %.4g, ", result->alignment.measures[0].value);
    }
    hma_log(run->context, HMA_LOG_INFO, "%s: %sretention %.4g, %.1f s", candidate->label, alignment, result->retention,
            result->seconds);
}

hma_status hma_run_keep_result(hma_run *run, size_t index, const hma_result *result) {
    hma_candidate *candidate = &run->entries[index].candidate;
    const hma_status status = hma_journal_put_result(run->journal, index, result);
    if (status == HMA_OK) {
        candidate->scored = true;
        candidate->dropped = NULL; /* the text stays with the entry */
        candidate->seconds = result->seconds;
        log_scores(run, candidate, result);
    }
    return status;
}

/* A merge that overflows is an answer about that merge; pre or post that do are an answer about the inputs. */
hma_status hma_run_keep_failure(hma_run *run, size_t index) {
    hma_run_entry *entry = &run->entries[index];
    if (entry->candidate.origin == HMA_ORIGIN_ENDPOINT) {
        return HMA_NON_FINITE;
    }
    entry->failure = hma_copy_text(hma_error_message());
    if (!entry->failure) {
        return HMA_FAILURE;
    }
    const hma_status status = hma_journal_put_failure(run->journal, index, entry->failure);
    if (status != HMA_OK) {
        free(entry->failure);
        entry->failure = NULL;
        return status;
    }
    entry->candidate.failure = entry->failure;
    hma_log(run->context, HMA_LOG_WARNING, "%s is excluded: %s", entry->label, entry->failure);
    return HMA_OK;
}

/* `done` of `all` candidates need no scoring any more. */
static hma_status score_one(hma_run *run, size_t index, size_t done, size_t all) {
    const hma_candidate *candidate = &run->entries[index].candidate;
    hma_result *result;
    hma_status status = hma_context_check(run->context);
    if (status != HMA_OK) {
        return status;
    }
    hma_report_step(run->context, done, all);
    hma_log(run->context, HMA_LOG_DEBUG, "scoring %s (%zu of %zu)", candidate->label, done + 1, all);
    status = run->scorer.score(run->scorer.user, candidate, &result);
    if (status == HMA_NON_FINITE) {
        return hma_run_keep_failure(run, index);
    }
    if (status == HMA_OK) {
        status = hma_run_keep_result(run, index, result);
        hma_result_free(result);
    }
    return status;
}

/* For people who read the journal; the error that is being returned matters more than whether this works. */
static void note_stop(hma_run *run, hma_status status) {
    char *message = hma_copy_text(hma_error_message());
    if (message) {
        const char *kind = status == HMA_INTERRUPTED ? "interrupted" : "stopped";
        (void)hma_journal_put_event(run->journal, kind, HMA_NO_CANDIDATE, message);
        (void)hma_error(status, "%s", message);
    }
    free(message);
}

hma_status hma_run_arrange(const hma_run *run, size_t *entries, size_t count) {
    const hma_candidate **candidates = HMA_NEW(const hma_candidate *, count);
    size_t *order = HMA_NEW(size_t, count), *arranged = HMA_NEW(size_t, count);
    hma_status status = candidates && order && arranged ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        candidates[i] = &run->entries[entries[i]].candidate;
    }
    if (status == HMA_OK) {
        status = run->scorer.arrange(run->scorer.user, candidates, count, order);
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        arranged[i] = entries[order[i]];
    }
    if (status == HMA_OK && count) {
        memcpy(entries, arranged, count * sizeof *entries);
    }
    free((void *)candidates);
    free(order);
    free(arranged);
    return status;
}

hma_status hma_run_select(hma_run *run, const hma_selection *selection) {
    const hma_selection *now = &run->selected;
    const bool same = now->prompts == selection->prompts && now->items == selection->items && now->first == selection->first &&
                      now->last == selection->last && now->parts == selection->parts && !selection->only;
    const hma_status status = same || !run->scorer.select ? HMA_OK : run->scorer.select(run->scorer.user, selection);
    if (status == HMA_OK) {
        /* single places are never asked for twice: what is kept of them equals no selection */
        run->selected = selection->only ? (hma_selection){.parts = 1} : *selection;
    }
    return status;
}

hma_status hma_run_score_some(hma_run *run, const size_t *candidates, size_t count) {
    size_t *open = HMA_NEW(size_t, count), open_count = 0;
    bool *taken = HMA_NEW(bool, run->entry_count); /* none twice */
    hma_status status = open && taken ? hma_run_select(run, &run->test) : HMA_FAILURE;
    for (size_t i = 0; i < count && status == HMA_OK; i++) {
        if (is_open(&run->entries[candidates[i]]) && !taken[candidates[i]]) {
            open[open_count++] = candidates[i];
            taken[candidates[i]] = true;
        }
    }
    if (status == HMA_OK && run->scorer.arrange) {
        status = hma_run_arrange(run, open, open_count);
    }
    if (status == HMA_OK) {
        hma_run_course_begin(run, candidates, count, open_count);
    }
    for (size_t i = 0; i < open_count && status == HMA_OK; i++) {
        hma_run_course_step(run, open, open_count, i);
        status = score_one(run, open[i], count - open_count + i, count);
    }
    hma_run_course_end(run);
    free(open);
    free(taken);
    hma_report_step(run->context, 0, 0);
    if (status != HMA_OK) {
        note_stop(run, status);
    }
    return status;
}

hma_status hma_run_score(hma_run *run) {
    if (!run->context) {
        return hma_error(HMA_USAGE, "%s: was opened for reading (expected hma_run_begin)", run->folder);
    }
    size_t open = 0;
    size_t *all = HMA_NEW(size_t, run->entry_count);
    for (size_t i = 0; all && i < run->entry_count; i++) {
        open += is_open(&run->entries[i]);
        all[i] = i;
    }
    hma_log(run->context, HMA_LOG_INFO, "%s: %zu candidates, %zu of them to be scored", run->folder, run->entry_count, open);
    const hma_status status = all ? hma_run_score_some(run, all, run->entry_count) : HMA_FAILURE;
    free(all);
    return status;
}
