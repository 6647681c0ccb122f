#include "eval/transformer/weights.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/weights_parts.h"

/* ---- opening ---- */

/* What everything together takes once it has been read. */
static uint64_t resident_bytes(const hma_weights *w) {
    return (uint64_t)w->layer_bytes * w->a->layers + hma_matrix_bytes(w->kernels->gemm, &w->plan.head) +
           (uint64_t)w->a->vocabulary * w->a->hidden * sizeof(float);
}

/* Two layers, a tile of the head, and the embeddings of the tokens that are asked for, at most all. */
static uint64_t streamed_bytes(const hma_weights *w) {
    return (uint64_t)w->layer_bytes * w->slots + (uint64_t)HMA_HEAD_TILE * w->a->hidden * w->kernels->gemm->weight_bytes +
           (uint64_t)w->a->vocabulary * w->a->hidden * sizeof(float);
}

/* Of what other models have left, five eighths may be taken for good: the rest is for what is computed. */
static void choose_residency(hma_weights *w) {
    const uint64_t left = hma_context_left(w->context);
    w->resident = resident_bytes(w) <= left / 8 * 5;
    w->slots = w->resident ? w->a->layers : 2;
    w->reserved = w->resident ? resident_bytes(w) : hma_min_u64(streamed_bytes(w), left / 8 * 5);
    hma_context_claim(w->context, w->reserved);
}

static hma_status allocate(hma_weights *w) {
    w->layers = HMA_NEW(hma_layer, w->slots);
    w->memory = HMA_NEW(char *, w->slots);
    w->loaded = HMA_NEW(size_t, w->slots);
    w->embedding_row = HMA_NEW(float *, w->a->vocabulary);
    w->layer_key = HMA_NEW(hma_part_key, w->a->layers);
    w->trunk_key = HMA_NEW(hma_part_key, w->a->layers + 1);
    if (!w->layers || !w->memory || !w->loaded || !w->embedding_row || !w->layer_key || !w->trunk_key) {
        return HMA_FAILURE;
    }
    const size_t widest = hma_layer_widest(&w->plan.layers[0]);
    return hma_packer_new(&w->packer, w->a, w->kernels, hma_context_pool(w->context), widest);
}

hma_status hma_weights_open(hma_weights **out, hma_context *context, const hma_source *source, const hma_architecture *a,
                            hma_kernels *kernels) {
    hma_weights *w = HMA_NEW(hma_weights, 1);
    if (!w) {
        return HMA_FAILURE;
    }
    w->context = context;
    w->source = source;
    w->a = a;
    w->kernels = kernels;
    hma_status status = hma_weights_plan_make(&w->plan, source, a);
    if (status != HMA_OK) {
        free(w);
        return status;
    }
    hma_kernels_fit(kernels, hma_weights_plan_is_bf16(&w->plan, a->layers));
    w->layer_bytes = hma_layer_bytes(kernels->gemm, &w->plan.layers[0]);
    choose_residency(w);
    status = allocate(w);
    if (status == HMA_OK) {
        status = hma_weights_make_keys(w);
    }
    if (status != HMA_OK) {
        hma_weights_close(w);
        return status;
    }
    *out = w;
    return HMA_OK;
}

/* ---- forgetting what another source has otherwise ---- */

static void forget_embedding(hma_weights *w) {
    for (size_t i = 0; w->embedding_row && i < w->a->vocabulary; i++) {
        free(w->embedding_row[i]);
        w->embedding_row[i] = NULL;
    }
    free(w->positions);
    w->positions = NULL;
    w->embedding_checked = false;
}

static void forget_norm(hma_weights *w) {
    free(w->final_norm);
    w->final_norm = NULL;
}

/* The large memory that the head is packed into stays. */
static void forget_head(hma_weights *w) {
    free(w->head_bias);
    w->head_bias = NULL;
    w->head_count = 0;
}

static void free_parts(hma_weights *w) {
    hma_ahead_free(w->ahead);
    for (size_t slot = 0; w->memory && slot < w->slots; slot++) {
        free(w->memory[slot]);
    }
    forget_embedding(w);
    forget_norm(w);
    forget_head(w);
    hma_context_release(w->context, w->reserved);
    hma_weights_plan_clear(&w->plan, w->a->layers);
    hma_packer_free(&w->packer);
    free(w->layers);
    free(w->memory);
    free(w->embedding_row);
    free(w->loaded);
    free(w->layer_key);
    free(w->trunk_key);
    free(w->head);
}

void hma_weights_close(hma_weights *w) {
    if (w) {
        free_parts(w);
        free(w);
    }
}

static bool same(const hma_part_key *a, const hma_part_key *b) { return strcmp(a->digest, b->digest) == 0; }

/* Layers that are in memory and have other values now. */
static void forget_layers(hma_weights *w, const hma_part_key *before) {
    for (size_t slot = 0; slot < w->slots; slot++) {
        const size_t layer = w->loaded[slot] ? w->loaded[slot] - 1 : 0;
        if (w->loaded[slot] && !same(&before[layer], &w->layer_key[layer])) {
            w->loaded[slot] = 0;
        }
    }
}

/* What went wrong with a layer that nobody asked for goes wrong again when somebody does. */
void hma_weights_settle(hma_weights *w) {
    if (w->ahead && !hma_ahead_settle(w->ahead)) {
        w->loaded[1 - w->in_use] = 0;
    }
}

/* Weights of another type are packed by other kernels: everything is made anew, where it was. */
static hma_status open_again(hma_weights *w, const hma_source *source) {
    const hma_gemm *before = w->kernels->gemm;
    hma_weights *fresh;
    hma_context_release(w->context, w->reserved); /* the memory changes hands */
    const hma_status status = hma_weights_open(&fresh, w->context, source, w->a, w->kernels);
    if (status != HMA_OK) {
        w->kernels->gemm = before;
        hma_context_claim(w->context, w->reserved);
        return status;
    }
    fresh->seconds = w->seconds;
    w->reserved = 0;
    free_parts(w);
    *w = *fresh;
    free(fresh);
    return HMA_OK;
}

hma_status hma_weights_rebind(hma_weights *w, const hma_source *source) {
    const size_t layers = w->a->layers;
    hma_weights fresh = {.source = source, .a = w->a};
    fresh.layer_key = HMA_NEW(hma_part_key, layers);
    fresh.trunk_key = HMA_NEW(hma_part_key, layers + 1);
    hma_status status = fresh.layer_key && fresh.trunk_key ? hma_weights_plan_make(&fresh.plan, source, w->a) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = hma_weights_make_keys(&fresh);
    }
    if (status != HMA_OK) {
        hma_weights_plan_clear(&fresh.plan, layers);
        free(fresh.layer_key);
        free(fresh.trunk_key);
        return status;
    }
    hma_weights_settle(w);
    hma_kernels fitted = *w->kernels;
    hma_kernels_fit(&fitted, hma_weights_plan_is_bf16(&fresh.plan, layers));
    if (fitted.gemm != w->kernels->gemm) {
        hma_weights_plan_clear(&fresh.plan, layers);
        free(fresh.layer_key);
        free(fresh.trunk_key);
        return open_again(w, source);
    }
    if (!same(&w->trunk_key[0], &fresh.trunk_key[0])) {
        forget_embedding(w);
    }
    if (!same(&w->norm_key, &fresh.norm_key)) {
        forget_norm(w);
    }
    if (!same(&w->head_key, &fresh.head_key)) {
        forget_head(w);
    }
    hma_part_key *before = w->layer_key;
    hma_weights_plan_clear(&w->plan, layers);
    free(w->trunk_key);
    w->plan = fresh.plan;
    w->source = source;
    w->layer_key = fresh.layer_key;
    w->trunk_key = fresh.trunk_key;
    w->norm_key = fresh.norm_key;
    w->head_key = fresh.head_key;
    forget_layers(w, before);
    free(before);
    return HMA_OK;
}

const char *hma_weights_trunk_key(const hma_weights *w, size_t layer) { return w->trunk_key[layer].digest; }

/* ---- layers ---- */

static hma_status slot_memory(hma_weights *w, size_t slot) {
    if (!w->memory[slot]) {
        w->memory[slot] = hma_new_aligned(w->layer_bytes, 1);
    }
    return w->memory[slot] ? HMA_OK : HMA_FAILURE;
}

static size_t slot_of(const hma_weights *w, size_t layer) {
    if (w->resident) {
        return layer;
    }
    return w->loaded[0] == layer + 1 ? 0 : w->loaded[1] == layer + 1 ? 1 : 1 - w->in_use;
}

hma_status hma_weights_layer(hma_weights *w, size_t layer, const hma_layer **out) {
    const double start = hma_seconds();
    hma_status status = HMA_OK;
    if (w->ahead && !w->resident && (status = hma_ahead_wait(w->ahead)) != HMA_OK) {
        w->loaded[1 - w->in_use] = 0;
        return status;
    }
    const size_t slot = slot_of(w, layer);
    if (w->loaded[slot] != layer + 1) {
        status = slot_memory(w, slot);
        w->loaded[slot] = 0;
        if (status == HMA_OK) {
            status = hma_load_layer(&w->packer, w->source, &w->plan.layers[layer], w->memory[slot], &w->layers[slot]);
        }
        w->loaded[slot] = status == HMA_OK ? layer + 1 : 0;
    }
    w->seconds += hma_seconds() - start;
    if (status == HMA_OK) {
        w->in_use = slot;
        *out = &w->layers[slot];
    }
    return status;
}

hma_status hma_weights_expect(hma_weights *w, size_t layer) {
    if (w->resident || layer >= w->a->layers || w->loaded[0] == layer + 1 || w->loaded[1] == layer + 1) {
        return HMA_OK;
    }
    hma_status status = HMA_OK;
    const size_t slot = 1 - w->in_use;
    if (!w->ahead) {
        status = hma_ahead_new(&w->ahead, w->a, w->kernels, hma_layer_widest(&w->plan.layers[0]));
    }
    if (status == HMA_OK) {
        status = slot_memory(w, slot);
    }
    if (status == HMA_OK) {
        w->loaded[slot] = layer + 1; /* whoever asks for it waits */
        hma_ahead_begin(w->ahead, w->source, &w->plan.layers[layer], w->memory[slot], &w->layers[slot]);
    }
    return status;
}

/* ---- outside the layers ---- */

typedef struct embedding {
    hma_weights *w;
    const int32_t *missing;
} embedding;

static hma_status read_embedding(void *argument, size_t index, size_t worker) {
    const embedding *e = argument;
    (void)worker;
    const size_t hidden = e->w->a->hidden, id = (size_t)e->missing[index];
    float *row = hma_new_aligned(hidden, sizeof *row);
    if (!row) {
        return HMA_FAILURE;
    }
    const hma_status status = hma_source_read_f32(e->w->source, e->w->plan.embedding, (uint64_t)id * hidden, hidden, row);
    if (status != HMA_OK) {
        free(row);
        return status;
    }
    e->w->embedding_row[id] = row;
    return HMA_OK;
}

static hma_status check_rows(void *argument, size_t index, size_t worker) {
    const hma_weights *w = argument;
    const size_t first = index * HMA_PACK_ROWS, count = hma_min_size(HMA_PACK_ROWS, w->a->vocabulary - first);
    return hma_source_read_f32(w->source, w->plan.embedding, (uint64_t)first * w->a->hidden, count * w->a->hidden,
                               w->packer.scratch[worker]);
}

/*
 * Reading says whether values are finite. Rows that no text needs are never read, yet a checkpoint with NaN in one of them is
 * broken: what is said of it must not depend on the text. A tied embedding is read as the head.
 */
static hma_status check_embedding(hma_weights *w) {
    if (w->embedding_checked || (w->a->tied_head && !w->a->reward_head)) {
        return HMA_OK;
    }
    const size_t chunks = (w->a->vocabulary + HMA_PACK_ROWS - 1) / HMA_PACK_ROWS;
    const hma_status status = hma_pool_run(hma_context_pool(w->context), chunks, check_rows, w);
    w->embedding_checked = status == HMA_OK;
    return status;
}

hma_status hma_weights_embed(hma_weights *w, const int32_t *ids, size_t count, float *out) {
    const size_t hidden = w->a->hidden;
    const hma_status checked = check_embedding(w);
    if (checked != HMA_OK) {
        return checked;
    }
    int32_t *missing = HMA_NEW(int32_t, count);
    unsigned char *noted = HMA_NEW(unsigned char, w->a->vocabulary);
    hma_status status = missing && noted ? HMA_OK : HMA_FAILURE;
    size_t missing_count = 0;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        const size_t id = (size_t)ids[i];
        if (!w->embedding_row[id] && !noted[id]) {
            noted[id] = 1;
            missing[missing_count++] = ids[i];
        }
    }
    if (status == HMA_OK) {
        embedding e = {w, missing};
        status = hma_pool_run(hma_context_pool(w->context), missing_count, read_embedding, &e);
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        memcpy(out + i * hidden, w->embedding_row[ids[i]], hidden * sizeof *out);
    }
    free(missing);
    free(noted);
    return status;
}

hma_status hma_weights_positions(hma_weights *w, const float **out) {
    if (w->plan.positions && !w->positions) {
        float *table = hma_new_aligned((size_t)w->plan.positions->elements, sizeof *table);
        const hma_status status = table ? hma_read_tensor(&w->packer, w->source, w->plan.positions, table) : HMA_FAILURE;
        if (status != HMA_OK) {
            free(table);
            return status;
        }
        w->positions = table;
    }
    *out = w->positions;
    return HMA_OK;
}

hma_status hma_weights_final_norm(hma_weights *w, hma_norm *out) {
    const size_t width = hma_vector_bytes(w->a->hidden);
    if (!w->final_norm) {
        char *memory = hma_new_aligned(2 * width, 1), *at = memory;
        hma_norm norm;
        const hma_status status = memory ? hma_load_norm(w->source, &w->plan.final_norm, &at, &norm) : HMA_FAILURE;
        if (status != HMA_OK) {
            free(memory);
            return status;
        }
        w->final_norm = (float *)memory;
    }
    *out = (hma_norm){w->final_norm, w->plan.final_norm.bias ? w->final_norm + width / sizeof(float) : NULL};
    return HMA_OK;
}

size_t hma_weights_head_rows(const hma_weights *w) { return w->plan.head.rows; }

static hma_status read_head_bias(hma_weights *w) {
    const hma_matrix_plan *m = &w->plan.head;
    float *bias = hma_new_aligned(m->rows, sizeof *bias);
    const hma_status status = bias ? hma_read_bias(w->source, m, bias) : HMA_FAILURE;
    if (status != HMA_OK) {
        free(bias);
        return status;
    }
    w->head_bias = bias;
    return HMA_OK;
}

static hma_status load_head(hma_weights *w, size_t first, size_t count) {
    const hma_matrix_plan *m = &w->plan.head;
    hma_status status = HMA_OK;
    if (!w->head) {
        const size_t most = w->resident ? m->rows : hma_min_size(HMA_HEAD_TILE, m->rows);
        w->head = hma_new_aligned(hma_packed_bytes(w->kernels->gemm, most, m->columns), 1);
    }
    if (m->has_bias && !w->head_bias) {
        status = read_head_bias(w);
    }
    w->head_count = 0;
    if (status == HMA_OK) {
        status = w->head ? hma_pack_matrix(&w->packer, w->source, m, first, count, w->head) : HMA_FAILURE;
    }
    if (status == HMA_OK) {
        w->head_first = first;
        w->head_count = count;
    }
    return status;
}

hma_status hma_weights_head(hma_weights *w, size_t first, size_t count, hma_matrix *out, size_t *offset) {
    const hma_matrix_plan *m = &w->plan.head;
    if (first < w->head_first || first + count > w->head_first + w->head_count) {
        const double start = hma_seconds();
        const hma_status status = w->resident ? load_head(w, 0, m->rows) : load_head(w, first, count);
        w->seconds += hma_seconds() - start;
        if (status != HMA_OK) {
            return status;
        }
    }
    *out = (hma_matrix){.rows = w->head_count,
                        .columns = m->columns,
                        .packed = w->head,
                        .bias = w->head_bias ? w->head_bias + w->head_first : NULL};
    *offset = w->head_first;
    return HMA_OK;
}

bool hma_weights_resident(const hma_weights *w) { return w->resident; }

double hma_weights_seconds(const hma_weights *w) { return w->seconds; }
