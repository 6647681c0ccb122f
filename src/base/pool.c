#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/first_error.h"
#include "base/memory.h"

/* A job ends within microseconds when layers are small, so workers look for the next one for a while before they sleep. */
enum { SPINS = 4000 };

struct worker {
    struct hma_pool *pool;
    pthread_t thread;
    size_t number;
};

struct hma_pool {
    struct worker *workers; /* [threads - 1]: all but the caller */
    size_t threads;
    pthread_mutex_t lock;
    pthread_cond_t wake, finished;
    atomic_uint job; /* counts jobs; a worker that sees a new number starts */
    bool quit;
    size_t running; /* workers that have not finished the job, under the lock */
    /* the job */
    hma_work_fn work;
    void *argument;
    size_t count;
    atomic_size_t next;
    hma_first_error error;
};

static void do_work(hma_pool *pool, size_t worker) {
    while (!hma_first_error_any(&pool->error)) {
        const size_t index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (index >= pool->count) {
            break;
        }
        const hma_status status = pool->work(pool->argument, index, worker);
        if (status != HMA_OK) {
            hma_first_error_note(&pool->error, index, status);
        }
    }
}

static void *worker_main(void *argument) {
    struct worker *self = argument;
    hma_pool *pool = self->pool;
    unsigned seen = 0;
    for (;;) {
        for (int i = 0; i < SPINS && atomic_load_explicit(&pool->job, memory_order_acquire) == seen; i++) {
            __builtin_ia32_pause();
        }
        (void)pthread_mutex_lock(&pool->lock);
        while (atomic_load(&pool->job) == seen && !pool->quit) {
            (void)pthread_cond_wait(&pool->wake, &pool->lock);
        }
        const bool quit = pool->quit;
        seen = atomic_load(&pool->job);
        (void)pthread_mutex_unlock(&pool->lock);
        if (quit) {
            return NULL;
        }
        do_work(pool, self->number);
        (void)pthread_mutex_lock(&pool->lock);
        if (--pool->running == 0) {
            (void)pthread_cond_signal(&pool->finished);
        }
        (void)pthread_mutex_unlock(&pool->lock);
    }
}

hma_status hma_pool_new(hma_pool **out, size_t threads) {
    hma_pool *pool = HMA_NEW(hma_pool, 1);
    struct worker *workers = HMA_NEW(struct worker, threads);
    if (!pool || !workers) {
        free(pool);
        free(workers);
        return HMA_FAILURE;
    }
    pool->workers = workers;
    pool->threads = 1;
    hma_first_error_init(&pool->error);
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->wake, NULL);
    (void)pthread_cond_init(&pool->finished, NULL);
    /* signals belong to the thread that made the pool */
    sigset_t all, old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    while (pool->threads < threads) {
        struct worker *w = &workers[pool->threads - 1];
        *w = (struct worker){.pool = pool, .number = pool->threads};
        if (pthread_create(&w->thread, NULL, worker_main, w) != 0) {
            break; /* fewer threads, same results */
        }
        pool->threads++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    *out = pool;
    return HMA_OK;
}

void hma_pool_free(hma_pool *pool) {
    if (!pool) {
        return;
    }
    (void)pthread_mutex_lock(&pool->lock);
    pool->quit = true;
    atomic_fetch_add(&pool->job, 1);
    (void)pthread_cond_broadcast(&pool->wake);
    (void)pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i + 1 < pool->threads; i++) {
        (void)pthread_join(pool->workers[i].thread, NULL);
    }
    hma_first_error_destroy(&pool->error);
    (void)pthread_mutex_destroy(&pool->lock);
    (void)pthread_cond_destroy(&pool->wake);
    (void)pthread_cond_destroy(&pool->finished);
    free(pool->workers);
    free(pool);
}

size_t hma_pool_threads(const hma_pool *pool) { return pool->threads; }

hma_status hma_pool_run(hma_pool *pool, size_t count, hma_work_fn work, void *argument) {
    if (count == 0) {
        return HMA_OK;
    }
    const bool alone = pool->threads == 1 || count == 1;
    (void)pthread_mutex_lock(&pool->lock);
    pool->work = work;
    pool->argument = argument;
    pool->count = count;
    atomic_store(&pool->next, 0);
    hma_first_error_reset(&pool->error);
    if (!alone) {
        pool->running = pool->threads - 1;
        atomic_fetch_add_explicit(&pool->job, 1, memory_order_release);
        (void)pthread_cond_broadcast(&pool->wake);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    do_work(pool, 0);
    if (!alone) {
        (void)pthread_mutex_lock(&pool->lock);
        while (pool->running > 0) {
            (void)pthread_cond_wait(&pool->finished, &pool->lock);
        }
        (void)pthread_mutex_unlock(&pool->lock);
    }
    return hma_first_error_take(&pool->error);
}
