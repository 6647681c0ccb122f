/* What libhma's own code needs of a context. Public side: hma/context.h. */
#ifndef HMA_BASE_CONTEXT_H
#define HMA_BASE_CONTEXT_H

#include "base/course.h"
#include "base/pool.h"
#include "hma/context.h"

hma_pool *hma_context_pool(hma_context *context);

/*
 * The memory budget is shared by all that holds memory for long: weights claim theirs when a model is opened, and what is left
 * is for what is computed. Claims are bookkeeping; nothing is allocated.
 */
void hma_context_claim(hma_context *context, uint64_t bytes);
void hma_context_release(hma_context *context, uint64_t bytes);
uint64_t hma_context_left(const hma_context *context);
uint64_t hma_context_claimed(const hma_context *context);

/*
 * Large arrays for the time of a call, 64-byte aligned, of no known contents: base/blocks.h. Those given back lie by as long as
 * they take less than an eighth of what is left, and count as taken. Only on the thread that runs the work.
 */
void *hma_context_take(hma_context *context, size_t count, size_t size);
void hma_context_give(hma_context *context, void *block);

/* HMA_INTERRUPTED with a message when the context was cancelled. Call between pieces of work. */
hma_status hma_context_check(const hma_context *context);

void hma_log(hma_context *context, hma_log_level level, const char *format, ...) HMA_PRINTF(3, 4);

/* Reports progress, at most ten times a second (always when done == total). Call on the thread that runs the work. */
void hma_report(hma_context *context, const char *what, const char *unit, double done, double total);
/* The outer loop that the following reports belong to; 0 steps ends it. */
void hma_report_step(hma_context *context, size_t step, size_t steps);
size_t hma_reported_steps(const hma_context *context);
/* Whether anybody listens. */
bool hma_reports(const hma_context *context);

/*
 * The course (base/course.h) that the following reports are part of, borrowed until it is replaced; NULL: none. Only one at a
 * time: whoever works for an outer loop that has one says its phases and nothing else.
 */
void hma_report_course(hma_context *context, hma_course *course);
hma_course *hma_reported_course(const hma_context *context);
/* The phase of the course that the following reports tell of; returns the one before, to go back to. */
hma_phase hma_report_phase(hma_context *context, hma_phase phase);

/* Seconds of a clock that never goes back. */
double hma_seconds(void);

#endif
