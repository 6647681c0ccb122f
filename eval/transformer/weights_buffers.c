/* Memory for weights that several models may share. */
#include <stdlib.h>

#include "base/memory.h"
#include "eval/transformer/weights_parts.h"

hma_status hma_weight_buffers_new(hma_weight_buffers **out, size_t slots, size_t layer_bytes, bool resident) {
    hma_weight_buffers *b = HMA_NEW(hma_weight_buffers, 1);
    if (!b) {
        return HMA_FAILURE;
    }
    b->users = 1;
    b->slots = slots;
    b->layer_bytes = layer_bytes;
    b->resident = resident;
    b->layers = HMA_NEW(hma_layer, slots);
    b->memory = HMA_NEW(char *, slots);
    b->held = HMA_NEW(hma_part_key, slots);
    if (!b->layers || !b->memory || !b->held) {
        hma_weight_buffers_leave(b);
        return HMA_FAILURE;
    }
    *out = b;
    return HMA_OK;
}

void hma_weight_buffers_leave(hma_weight_buffers *b) {
    if (!b || --b->users > 0) {
        return;
    }
    hma_ahead_free(b->ahead);
    for (size_t slot = 0; b->memory && slot < b->slots; slot++) {
        free(b->memory[slot]);
    }
    free(b->layers);
    free(b->memory);
    free(b->held);
    free(b->head);
    free(b);
}

hma_status hma_embedding_rows_new(hma_embedding_rows **out, size_t vocabulary) {
    hma_embedding_rows *rows = HMA_NEW(hma_embedding_rows, 1);
    if (!rows) {
        return HMA_FAILURE;
    }
    rows->users = 1;
    rows->row = HMA_NEW(float *, vocabulary);
    if (!rows->row) {
        free(rows);
        return HMA_FAILURE;
    }
    *out = rows;
    return HMA_OK;
}

void hma_embedding_rows_leave(hma_embedding_rows *rows, size_t vocabulary) {
    if (!rows || --rows->users > 0) {
        return;
    }
    for (size_t i = 0; i < vocabulary; i++) {
        free(rows->row[i]);
    }
    free(rows->row);
    free(rows);
}
