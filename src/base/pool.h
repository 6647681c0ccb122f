/*
 * The thread pool: run(count, work) calls work(index) for every index once, spread over the threads, and returns when all are
 * done. Which thread gets which index is not determined; results must depend on the index only.
 */
#ifndef HMA_BASE_POOL_H
#define HMA_BASE_POOL_H

#include <stddef.h>

#include "hma/error.h"

typedef struct hma_pool hma_pool;

/* `worker` is 0 .. threads-1: for scratch memory. A failure stops further indices from starting. */
typedef hma_status (*hma_work_fn)(void *argument, size_t index, size_t worker);

/* With fewer threads when the system refuses some; the calling thread is worker 0. */
hma_status hma_pool_new(hma_pool **out, size_t threads);
void hma_pool_free(hma_pool *pool);
size_t hma_pool_threads(const hma_pool *pool);

/*
 * Runs work for indices 0 .. count-1. When several fail, the failure of the smallest index that was run is returned, with its
 * message on the calling thread. Not reentrant: work must not call hma_pool_run() on the same pool.
 */
hma_status hma_pool_run(hma_pool *pool, size_t count, hma_work_fn work, void *argument);

#endif
