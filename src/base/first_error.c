#include "base/first_error.h"

#include <stdio.h>

#include "base/error_set.h"

void hma_first_error_init(hma_first_error *e) {
    (void)pthread_mutex_init(&e->lock, NULL);
    hma_first_error_reset(e);
}

void hma_first_error_destroy(hma_first_error *e) { (void)pthread_mutex_destroy(&e->lock); }

void hma_first_error_reset(hma_first_error *e) {
    atomic_store(&e->any, false);
    e->status = HMA_OK;
}

void hma_first_error_note(hma_first_error *e, size_t piece, hma_status status) {
    (void)pthread_mutex_lock(&e->lock);
    if (!hma_first_error_any(e) || piece < e->piece) {
        e->piece = piece;
        e->status = status;
        (void)snprintf(e->message, sizeof e->message, "%s", hma_error_message());
        atomic_store(&e->any, true);
    }
    (void)pthread_mutex_unlock(&e->lock);
}

hma_status hma_first_error_take(const hma_first_error *e) {
    return atomic_load(&e->any) ? hma_error(e->status, "%s", e->message) : HMA_OK;
}
