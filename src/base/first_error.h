/*
 * The failure of work that several threads share in pieces: of those that fail the first piece's, whichever thread it was on
 * and whenever it came, as far as it was begun.
 */
#ifndef HMA_BASE_FIRST_ERROR_H
#define HMA_BASE_FIRST_ERROR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "hma/error.h"

typedef struct hma_first_error {
    pthread_mutex_t lock;
    atomic_bool any;
    size_t piece;
    hma_status status;
    char message[1024];
} hma_first_error;

void hma_first_error_init(hma_first_error *e);
void hma_first_error_destroy(hma_first_error *e);
/* For other work; nobody may note anything meanwhile. */
void hma_first_error_reset(hma_first_error *e);

/* A piece has failed, with the calling thread's message. From any thread. */
void hma_first_error_note(hma_first_error *e, size_t piece, hma_status status);
/* Whether the rest need not be begun. From any thread. */
static inline bool hma_first_error_any(const hma_first_error *e) { return atomic_load_explicit(&e->any, memory_order_relaxed); }
/* When all threads are done: makes it the calling thread's; HMA_OK when nothing has failed. */
hma_status hma_first_error_take(const hma_first_error *e);

#endif
