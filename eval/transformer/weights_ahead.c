/*
 * Streaming with two buffers: while the threads of the pool compute with one layer, one thread of its own reads, merges and
 * packs the next. It costs the pool little (a layer is packed in a fraction of the time that a large batch needs for it) and
 * hides the waiting for the disk. Where there is little to compute, as in a step of generation, the pool comes to wait for the
 * layer, and makes what is left of it together with that thread.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/first_error.h"
#include "base/memory.h"
#include "eval/transformer/weights_parts.h"

/* Pieces may be taken while they are SHARED. */
typedef enum ahead_state { IDLE, ASKED, SHARED, DONE, QUIT } ahead_state;

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
    /* while it is shared: `next` is taken by whoever takes it, the rest is under the lock */
    hma_layer_load load;
    atomic_size_t next;
    size_t workers;
    hma_first_error error;
};

/* Makes pieces until all are taken; whoever finishes last says that it is done. */
static void make_pieces(hma_ahead *a, float *scratch) {
    (void)pthread_mutex_lock(&a->lock);
    const bool shared = a->state == SHARED;
    a->workers += shared;
    (void)pthread_mutex_unlock(&a->lock);
    if (!shared) {
        return;
    }
    while (!hma_first_error_any(&a->error)) {
        const size_t piece = atomic_fetch_add_explicit(&a->next, 1, memory_order_relaxed);
        if (piece >= a->load.pieces) {
            break;
        }
        const hma_status status = hma_load_piece(&a->load, piece, scratch);
        if (status != HMA_OK) {
            hma_first_error_note(&a->error, piece, status);
        }
    }
    (void)pthread_mutex_lock(&a->lock);
    if (--a->workers == 0) {
        hma_load_end(&a->load);
        a->state = DONE;
        (void)pthread_cond_broadcast(&a->changed);
    }
    (void)pthread_mutex_unlock(&a->lock);
}

/* What one thread has to do before others can help. */
static void lay_out(hma_ahead *a) {
    a->workers = 0;
    atomic_store(&a->next, 0);
    hma_first_error_reset(&a->error);
    const hma_status status = hma_load_begin(&a->load, &a->packer, a->source, a->plan, a->memory, a->out);
    if (status != HMA_OK) {
        hma_first_error_note(&a->error, 0, status);
    }
}

static void *work(void *argument) {
    hma_ahead *a = argument;
    (void)pthread_mutex_lock(&a->lock);
    while (a->state != QUIT) {
        if (a->state != ASKED) {
            (void)pthread_cond_wait(&a->changed, &a->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&a->lock);
        lay_out(a);
        (void)pthread_mutex_lock(&a->lock);
        a->state = SHARED;
        (void)pthread_cond_broadcast(&a->changed);
        (void)pthread_mutex_unlock(&a->lock);
        make_pieces(a, a->packer.scratch[0]);
        (void)pthread_mutex_lock(&a->lock);
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
    hma_first_error_init(&ahead->error);
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
    hma_first_error_destroy(&a->error);
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
        lay_out(a);
        a->state = SHARED;
        make_pieces(a, a->packer.scratch[0]);
        return;
    }
    (void)pthread_mutex_lock(&a->lock);
    a->state = ASKED;
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->lock);
}

static bool under_way(const hma_ahead *a) { return a->state == ASKED || a->state == SHARED; }

bool hma_ahead_settle(hma_ahead *a) {
    (void)pthread_mutex_lock(&a->lock);
    while (under_way(a)) {
        (void)pthread_cond_wait(&a->changed, &a->lock);
    }
    const bool done = a->state == DONE;
    a->state = IDLE;
    (void)pthread_mutex_unlock(&a->lock);
    return !done || !hma_first_error_any(&a->error);
}

typedef struct help {
    hma_ahead *ahead;
    const hma_packer *helper;
} help;

static hma_status help_out(void *argument, size_t index, size_t worker) {
    const help *h = argument;
    (void)index;
    make_pieces(h->ahead, h->helper->scratch[worker]);
    return HMA_OK;
}

hma_status hma_ahead_wait(hma_ahead *a, const hma_packer *helper) {
    help h = {a, helper};
    (void)pthread_mutex_lock(&a->lock);
    while (a->state == ASKED) {
        (void)pthread_cond_wait(&a->changed, &a->lock);
    }
    const bool shared = a->state == SHARED;
    (void)pthread_mutex_unlock(&a->lock);
    const hma_status status = shared ? hma_pool_run(helper->pool, helper->scratch_count, help_out, &h) : HMA_OK;
    if (!hma_ahead_settle(a)) {
        return hma_first_error_take(&a->error);
    }
    return status;
}
