/*
 * Streaming with two buffers: while the threads of the pool compute with one layer, one thread of its own reads, merges and
 * packs the next. It costs the pool little (a layer is packed in a fraction of the time that a large batch needs for it) and
 * hides the waiting for the disk.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/weights_parts.h"

typedef enum ahead_state { IDLE, ASKED, DONE, QUIT } ahead_state;

struct hma_ahead {
    hma_packer packer;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    ahead_state state; /* under the lock */
    /* the job; the thread's own while it is asked */
    const hma_source *source;
    const hma_layer_plan *plan;
    char *memory;
    hma_layer *out;
    hma_status status;
    char message[1024];
};

static void *work(void *argument) {
    hma_ahead *a = argument;
    (void)pthread_mutex_lock(&a->lock);
    while (a->state != QUIT) {
        if (a->state != ASKED) {
            (void)pthread_cond_wait(&a->changed, &a->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&a->lock);
        a->status = hma_load_layer(&a->packer, a->source, a->plan, a->memory, a->out);
        (void)snprintf(a->message, sizeof a->message, "%s", a->status == HMA_OK ? "" : hma_error_message());
        (void)pthread_mutex_lock(&a->lock);
        a->state = DONE;
        (void)pthread_cond_broadcast(&a->changed);
    }
    (void)pthread_mutex_unlock(&a->lock);
    return NULL;
}

static bool start(hma_ahead *a) {
    /* signals belong to the threads of the caller */
    sigset_t all, old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    const bool started = pthread_create(&a->thread, NULL, work, a) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return started;
}

hma_status hma_ahead_new(hma_ahead **out, const hma_architecture *a, const hma_kernels *kernels, size_t widest) {
    hma_ahead *ahead = HMA_NEW(hma_ahead, 1);
    if (!ahead) {
        return HMA_FAILURE;
    }
    const hma_status status = hma_packer_new(&ahead->packer, a, kernels, NULL, widest);
    if (status != HMA_OK) {
        free(ahead);
        return status;
    }
    (void)pthread_mutex_init(&ahead->lock, NULL);
    (void)pthread_cond_init(&ahead->changed, NULL);
    ahead->started = start(ahead);
    *out = ahead;
    return HMA_OK;
}

void hma_ahead_free(hma_ahead *a) {
    if (!a) {
        return;
    }
    (void)hma_ahead_settle(a);
    (void)pthread_mutex_lock(&a->lock);
    a->state = QUIT;
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->lock);
    if (a->started) {
        (void)pthread_join(a->thread, NULL);
    }
    (void)pthread_mutex_destroy(&a->lock);
    (void)pthread_cond_destroy(&a->changed);
    hma_packer_free(&a->packer);
    free(a);
}

void hma_ahead_begin(hma_ahead *a, const hma_source *source, const hma_layer_plan *plan, char *memory, hma_layer *out) {
    a->source = source;
    a->plan = plan;
    a->memory = memory;
    a->out = out;
    if (!a->started) { /* the system refused a thread: the work is done now, on this one */
        a->status = hma_load_layer(&a->packer, source, plan, memory, out);
        (void)snprintf(a->message, sizeof a->message, "%s", a->status == HMA_OK ? "" : hma_error_message());
        a->state = DONE;
        return;
    }
    (void)pthread_mutex_lock(&a->lock);
    a->state = ASKED;
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->lock);
}

bool hma_ahead_settle(hma_ahead *a) {
    (void)pthread_mutex_lock(&a->lock);
    while (a->state == ASKED) {
        (void)pthread_cond_wait(&a->changed, &a->lock);
    }
    const bool done = a->state == DONE;
    a->state = IDLE;
    (void)pthread_mutex_unlock(&a->lock);
    return !done || a->status == HMA_OK;
}

hma_status hma_ahead_wait(hma_ahead *a) { return hma_ahead_settle(a) ? HMA_OK : hma_error(a->status, "%s", a->message); }
