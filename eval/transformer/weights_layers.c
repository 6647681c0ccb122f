/* Layers: where they are, or made when they are asked for. */
#include <string.h>

#include "base/memory.h"
#include "eval/transformer/weights_parts.h"

static bool holds(const hma_weight_buffers *b, size_t slot, const hma_part_key *key) {
    return strcmp(b->held[slot].digest, key->digest) == 0;
}

static void forget(hma_weight_buffers *b, size_t slot) { b->held[slot].digest[0] = '\0'; }

static hma_status slot_memory(hma_weight_buffers *b, size_t slot) {
    if (!b->memory[slot]) {
        b->memory[slot] = hma_new_aligned(b->layer_bytes, 1);
    }
    return b->memory[slot] ? HMA_OK : HMA_FAILURE;
}

static size_t slot_of(const hma_weight_buffers *b, size_t layer, const hma_part_key *key) {
    if (b->resident) {
        return layer;
    }
    return holds(b, 0, key) ? 0 : holds(b, 1, key) ? 1 : 1 - b->in_use;
}

static hma_status load(hma_weights *w, size_t layer, size_t slot) {
    hma_weight_buffers *b = w->buffers;
    hma_status status = slot_memory(b, slot);
    forget(b, slot);
    if (status == HMA_OK) {
        status = hma_load_layer(&w->packer, w->source, &w->plan.layers[layer], b->memory[slot], &b->layers[slot]);
    }
    if (status == HMA_OK) {
        b->held[slot] = w->layer_key[layer];
    }
    return status;
}

hma_status hma_weights_layer(hma_weights *w, size_t layer, const hma_layer **out) {
    hma_weight_buffers *b = w->buffers;
    const double start = hma_seconds();
    hma_status status = b->ahead ? hma_ahead_wait(b->ahead, &w->packer) : HMA_OK;
    if (status != HMA_OK) {
        forget(b, 1 - b->in_use);
        return status;
    }
    const size_t slot = slot_of(b, layer, &w->layer_key[layer]);
    if (!holds(b, slot, &w->layer_key[layer])) {
        status = load(w, layer, slot);
    }
    w->seconds += hma_seconds() - start;
    if (status == HMA_OK) {
        b->in_use = slot;
        *out = &b->layers[slot];
    }
    return status;
}

hma_status hma_weights_expect(hma_weights *w, size_t layer) {
    hma_weight_buffers *b = w->buffers;
    if (b->resident || layer >= w->a->layers || holds(b, 0, &w->layer_key[layer]) || holds(b, 1, &w->layer_key[layer])) {
        return HMA_OK;
    }
    hma_status status = HMA_OK;
    const size_t slot = 1 - b->in_use;
    if (!b->ahead) {
        status = hma_ahead_new(&b->ahead, w->a, w->kernels, hma_layer_widest(&w->plan.layers[0]));
    }
    if (status == HMA_OK) {
        status = slot_memory(b, slot);
    }
    if (status == HMA_OK) {
        b->held[slot] = w->layer_key[layer]; /* whoever asks for it waits */
        hma_ahead_begin(b->ahead, w->source, &w->plan.layers[layer], b->memory[slot], &b->layers[slot]);
    }
    return status;
}

/* What went wrong with a layer that nobody asked for goes wrong again when somebody does. */
void hma_weights_settle(hma_weights *w) {
    if (w->buffers->ahead && !hma_ahead_settle(w->buffers->ahead)) {
        forget(w->buffers, 1 - w->buffers->in_use);
    }
}

bool hma_weights_resident(const hma_weights *w) { return w->buffers->resident; }

const char *hma_weights_layer_key(const hma_weights *w, size_t layer) { return w->layer_key[layer].digest; }
