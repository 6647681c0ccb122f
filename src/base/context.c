#include "base/context.h"

#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/blocks.h"
#include "base/error_set.h"
#include "base/memory.h"

struct hma_context {
    hma_pool *pool;
    hma_context_options options;
    atomic_bool cancelled;
    double last_report;
    size_t step, steps;
    hma_course *course; /* borrowed; may be NULL */
    uint64_t claimed; /* of the memory budget */
    hma_blocks blocks;
};

static unsigned usable_processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        return (unsigned)CPU_COUNT(&set);
    }
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

static uint64_t default_memory(void) {
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size / 4 * 3 : (uint64_t)1 << 32;
}

hma_status hma_context_new(hma_context **out, const hma_context_options *options) {
    hma_context *c = HMA_NEW(hma_context, 1);
    if (!c) {
        return HMA_FAILURE;
    }
    if (options) {
        c->options = *options;
    }
    const hma_status status = hma_pool_new(&c->pool, c->options.threads ? c->options.threads : usable_processors());
    if (status != HMA_OK) {
        free(c);
        return status;
    }
    if (c->options.memory == 0) {
        c->options.memory = default_memory();
    }
    *out = c;
    return HMA_OK;
}

void hma_context_free(hma_context *context) {
    if (context) {
        hma_pool_free(context->pool);
        hma_blocks_clear(&context->blocks);
        free(context);
    }
}

void hma_context_cancel(hma_context *context) { atomic_store(&context->cancelled, true); }
void hma_context_resume(hma_context *context) { atomic_store(&context->cancelled, false); }
bool hma_context_cancelled(const hma_context *context) { return atomic_load(&context->cancelled); }
unsigned hma_context_threads(const hma_context *context) { return (unsigned)hma_pool_threads(context->pool); }
uint64_t hma_context_memory(const hma_context *context) { return context->options.memory; }
void hma_context_claim(hma_context *context, uint64_t bytes) { context->claimed += bytes; }
void hma_context_release(hma_context *context, uint64_t bytes) { context->claimed -= bytes; }

uint64_t hma_context_claimed(const hma_context *context) { return context->claimed; }

uint64_t hma_context_left(const hma_context *context) {
    const uint64_t held = context->claimed + context->blocks.spare;
    return context->options.memory > held ? context->options.memory - held : 0;
}

void *hma_context_take(hma_context *context, size_t count, size_t size) {
    return hma_blocks_take(&context->blocks, count, size);
}

void hma_context_give(hma_context *context, void *block) {
    hma_blocks_give(&context->blocks, block, (hma_context_left(context) + context->blocks.spare) / 8);
}

hma_pool *hma_context_pool(hma_context *context) { return context->pool; }

hma_status hma_context_check(const hma_context *context) {
    return hma_context_cancelled(context)
               ? hma_error(HMA_INTERRUPTED, "interrupted: what was finished is saved: run the same command again to go on")
               : HMA_OK;
}

void hma_log(hma_context *context, hma_log_level level, const char *format, ...) {
    if (!context->options.log) {
        return;
    }
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    context->options.log(context->options.user, level, line);
}

double hma_seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void hma_report(hma_context *context, const char *what, const char *unit, double done, double total) {
    if (!context->options.progress) {
        return;
    }
    const double now = hma_seconds();
    hma_progress progress = {what, unit, done, total, context->step, context->steps, (double)NAN, (double)NAN};
    if (context->course && total > 0) {
        hma_course_done(context->course, done / total);
    }
    if (now - context->last_report < 0.1 && done < total) {
        return;
    }
    context->last_report = now;
    if (context->course) {
        hma_course_tell(context->course, now, &progress.share, &progress.seconds_left);
    }
    context->options.progress(context->options.user, &progress);
}

void hma_report_step(hma_context *context, size_t step, size_t steps) {
    context->step = step;
    context->steps = steps;
    context->last_report = 0;
}

size_t hma_reported_steps(const hma_context *context) { return context->steps; }
bool hma_reports(const hma_context *context) { return context->options.progress != NULL; }
void hma_report_course(hma_context *context, hma_course *course) { context->course = course; }
hma_course *hma_reported_course(const hma_context *context) { return context->course; }

hma_phase hma_report_phase(hma_context *context, hma_phase phase) {
    hma_phase before = phase;
    if (context->course) {
        before = context->course->phase;
        hma_course_phase(context->course, phase, hma_seconds());
    }
    return before;
}
