/*
 * The context of a piece of work: how many threads and how much memory it may use, where its talk goes, and the switch
 * that stops it. Almost every long-running call takes one.
 *
 * A context owns a thread pool. Results never depend on the number of threads: the same inputs give the same bits with
 * 1, 2 or 64.
 *
 * Thread rule: one call at a time per context, except hma_context_cancel(), which may be called from any thread and
 * from a signal handler. Two contexts are independent.
 */
#ifndef HMA_CONTEXT_H
#define HMA_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hma_context hma_context;

typedef enum hma_log_level {
    HMA_LOG_WARNING = 0, /* something the user should know about the result */
    HMA_LOG_INFO = 1,    /* what is being done, once per large step */
    HMA_LOG_DEBUG = 2    /* sizes, plans, timings */
} hma_log_level;

/* One line of talk, without a newline. Called on the thread that runs the work, never concurrently. */
typedef void (*hma_log_fn)(void *user, hma_log_level level, const char *line);

/* How far a long call has come. `done` and `total` are in `unit`s ("tokens", "candidates", "bytes", ..). */
typedef struct hma_progress {
    const char *what; /* e.g. "scoring commonsense" */
    const char *unit;
    double done;
    double total;      /* 0 when not known */
    size_t step;       /* of an outer loop (candidate 3 of 35), 0-based */
    size_t steps;      /* 0 when there is no outer loop */
    /* Of the whole call, all steps together, by what they are expected to cost, corrected by what was measured; NaN: not
     * known. */
    double share;        /* done, 0..1 */
    double seconds_left;
} hma_progress;

/* Called on the thread that runs the work, at most about ten times a second. */
typedef void (*hma_progress_fn)(void *user, const hma_progress *progress);

typedef struct hma_context_options {
    unsigned threads;          /* 0: all processors this process may run on */
    uint64_t memory;           /* bytes the weights and activations may take together; 0: three quarters of RAM */
    hma_log_fn log;            /* may be NULL */
    hma_progress_fn progress;  /* may be NULL */
    void *user;                /* handed to both */
} hma_context_options;

/*
 * Makes a context. `options` may be NULL for the defaults. When the system refuses to start some threads the context
 * works with fewer.
 */
HMA_API HMA_MUST_CHECK hma_status hma_context_new(hma_context **out, const hma_context_options *options);

/* Ends the threads and frees the context. NULL is allowed. */
HMA_API void hma_context_free(hma_context *context);

/*
 * Asks the running call to stop: it returns HMA_INTERRUPTED at the next safe point, with everything resumable saved.
 * Async-signal-safe. Stays set until hma_context_resume().
 */
HMA_API void hma_context_cancel(hma_context *context);
HMA_API void hma_context_resume(hma_context *context);
HMA_API bool hma_context_cancelled(const hma_context *context);

/* Threads that really run, the calling one included. */
HMA_API unsigned hma_context_threads(const hma_context *context);

/* The memory budget in bytes, after defaults. */
HMA_API uint64_t hma_context_memory(const hma_context *context);

#ifdef __cplusplus
}
#endif
#endif
