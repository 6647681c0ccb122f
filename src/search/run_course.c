/* How far scoring has come: what every candidate is expected to cost, told to whoever listens to reports. */
#include <stdlib.h>

#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "search/run_parts.h"

enum { ENDPOINTS = 2 };

hma_status hma_run_learn(hma_run *run, const hma_run *from) {
    hma_status status = HMA_OK;
    for (size_t i = 0; run->scorer.learn && i < ENDPOINTS && i < from->entry_count && status == HMA_OK; i++) {
        hma_result *result;
        if (from->entries[i].candidate.scored) {
            status = hma_journal_read_result(from->journal, i, true, &result);
            if (status == HMA_OK) {
                status = run->scorer.learn(run->scorer.user, result);
                hma_result_free(result);
            }
        }
    }
    return status;
}

static double seconds_before(const hma_run *run, const size_t *candidates, size_t count) {
    double seconds = 0;
    for (size_t i = 0; i < count; i++) {
        const hma_candidate *candidate = &run->entries[candidates[i]].candidate;
        seconds += candidate->scored ? candidate->seconds : 0;
    }
    return seconds;
}

/* Not knowing how far one is must not keep anybody from getting there. */
static void drop_course(hma_run *run) {
    hma_report_course(run->context, NULL);
    hma_course_end(&run->course);
}

void hma_run_course_begin(hma_run *run, const size_t *candidates, size_t count, size_t open) {
    if (!hma_reports(run->context) || hma_reported_course(run->context) || !run->scorer.expect || open == 0) {
        return;
    }
    const bool first_time = !run->learned;
    run->learned = true;
    if ((first_time && hma_run_learn(run, run) != HMA_OK) ||
        hma_course_begin(&run->course, open, seconds_before(run, candidates, count), hma_seconds()) != HMA_OK) {
        return;
    }
    hma_report_course(run->context, &run->course);
}

void hma_run_course_step(hma_run *run, const size_t *open, size_t count, size_t step) {
    const size_t left = count - step;
    if (run->course.steps == 0) {
        return;
    }
    const hma_candidate **candidates = HMA_NEW(const hma_candidate *, left);
    hma_expectation *expected = HMA_NEW(hma_expectation, left);
    hma_status status = candidates && expected ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < left; i++) {
        candidates[i] = &run->entries[open[step + i]].candidate;
    }
    hma_course_step(&run->course, step, hma_seconds());
    if (status == HMA_OK) {
        status = run->scorer.expect(run->scorer.user, candidates, left, expected);
    }
    for (size_t i = 0; status == HMA_OK && i < left; i++) {
        hma_course_expect(&run->course, step + i, &expected[i]);
    }
    free((void *)candidates);
    free(expected);
    if (status != HMA_OK) {
        drop_course(run);
    }
}

void hma_run_course_end(hma_run *run) {
    if (run->course.steps > 0) {
        drop_course(run);
    }
}
