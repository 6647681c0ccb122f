/* The output head in reverse. Logits exist in tiles only: those of the forward pass are computed again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "eval/transformer/backward.h"
#include "eval/transformer/backward_layer.h"
#include "eval/transformer/head.h"

enum { ROWS_AT_ONCE = 96, SUMS = 4 }; /* sums of a target: head, its bias, final norm, its bias */

typedef struct head_back {
    hma_engine *e;
    const hma_reverse *r;
    const hma_target *targets;
    size_t count;
    const float *x;     /* [rows, hidden] */
    float *normed;      /* [count, hidden] */
    float *by_normed;   /* [count, hidden] */
    double *normalizer; /* [count] */
    double *sums;       /* [count, SUMS] */
    float **scratch;    /* [threads] */
    /* the tile of the head that is there */
    size_t base, wide;
    hma_matrix matrix;
    size_t offset;
    const hma_matrix_back *back;
    hma_norm norm;
    hma_norm_change norm_change;
} head_back;

/* Derivative by the logits of one target, in place of the (capped) logits themselves. */
static void softmax_row(const head_back *h, size_t target, float *logits) {
    const hma_target *t = &h->targets[target];
    const float cap = h->e->a->final_softcap, weight = (float)t->weight;
    const size_t at = (size_t)t->id - h->base;
    const bool here = (size_t)t->id >= h->base && at < h->wide;
    const float slope = here && cap > 0 ? 1.0f - logits[at] / cap * (logits[at] / cap) : 1.0f;
    h->e->kernels->backward->softmax(logits, h->wide, (float)h->normalizer[target], weight, cap);
    if (here) {
        logits[at] += weight * slope;
    }
}

static hma_status tile_block(void *argument, size_t index, size_t worker) {
    const head_back *h = argument;
    const size_t hidden = h->e->a->hidden, first = index * ROWS_AT_ONCE, count = hma_min_size(ROWS_AT_ONCE, h->count - first);
    float *logits = h->scratch[worker], *change = logits + (size_t)ROWS_AT_ONCE * HMA_HEAD_TILE;
    const float *normed = h->normed + first * hidden;
    const hma_status status =
        hma_layer_multiply(h->e, NULL, normed, hidden, count, &h->matrix, h->base - h->offset, h->wide, logits, h->wide);
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        if (h->e->a->final_softcap > 0) {
            (void)h->e->kernels->vector->softmax_part(logits + i * h->wide, h->wide, h->e->a->final_softcap);
        }
        softmax_row(h, first + i, logits + i * h->wide);
    }
    hma_reverse_matrix_sums(h->e, h->back, logits, h->wide, normed, hidden, count, change, h->sums + first * SUMS, SUMS);
    hma_reverse_input(h->e, h->back, logits, h->wide, count, change);
    h->e->kernels->vector->add(h->by_normed + first * hidden, change, count * hidden);
    return status;
}

static hma_status norm_block(void *argument, size_t index, size_t worker) {
    const head_back *h = argument;
    (void)worker;
    const size_t hidden = h->e->a->hidden, to = hma_min_size(h->count, (index + 1) * ROWS_AT_ONCE);
    for (size_t i = index * ROWS_AT_ONCE; i < to; i++) {
        const size_t row = h->targets[i].row * hidden;
        hma_reverse_norm_row(h->e, &h->norm, &h->norm_change, h->x + row, h->by_normed + i * hidden, h->r->g + row,
                             h->sums + i * SUMS + 2);
    }
    return HMA_OK;
}

/* Which tensors the sums belong to; absent ones keep sums of 0. */
static hma_status add_sums(const head_back *h) {
    const hma_weights_plan *plan = hma_backward_weights_plan(h->r->weights);
    const hma_row_run *run = &plan->head.runs[0];
    const hma_norm_plan *norm = &plan->final_norm;
    const hma_tensor *const tensors[SUMS] = {run->weight, run->bias ? run->bias : run->weight, norm->weight,
                                             norm->bias ? norm->bias : norm->weight};
    size_t *target_run = HMA_NEW(size_t, h->count);
    if (!target_run) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < h->count; i++) {
        target_run[i] = h->targets[i].run;
    }
    hma_reverse_add(h->r, tensors, SUMS, h->count, h->sums, target_run);
    free(target_run);
    return HMA_OK;
}

static hma_status all_tiles(head_back *h) {
    hma_context *context = h->e->context;
    const size_t rows = hma_weights_head_rows(h->e->weights), blocks = (h->count + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
    hma_status status = HMA_OK;
    for (h->base = 0; status == HMA_OK && h->base < rows; h->base += HMA_HEAD_TILE) {
        h->wide = hma_min_size(HMA_HEAD_TILE, rows - h->base);
        status = hma_weights_head(h->e->weights, h->base, h->wide, &h->matrix, &h->offset);
        if (status == HMA_OK) {
            status = hma_backward_weights_head(h->r->weights, h->base, h->wide, &h->back);
        }
        if (status == HMA_OK) {
            const double start = hma_seconds();
            status = hma_pool_run(hma_context_pool(context), blocks, tile_block, h);
            h->e->seconds += hma_seconds() - start;
        }
        if (status == HMA_OK) {
            status = hma_context_check(context);
        }
    }
    return status;
}

static hma_status go_back(head_back *h) {
    const size_t threads = hma_context_threads(h->e->context), hidden = h->e->a->hidden;
    const size_t floats = (size_t)ROWS_AT_ONCE * (HMA_HEAD_TILE + hma_max_size(HMA_HEAD_TILE, hidden));
    hma_status status = HMA_OK;
    h->by_normed = HMA_NEW(float, h->count *hidden);
    h->sums = HMA_NEW(double, h->count *SUMS);
    h->scratch = HMA_NEW(float *, threads);
    if (!h->by_normed || !h->sums || !h->scratch) {
        return HMA_FAILURE;
    }
    for (size_t t = 0; t < threads; t++) {
        h->scratch[t] = hma_new_aligned(floats, sizeof(float));
        if (!h->scratch[t]) {
            return HMA_FAILURE;
        }
    }
    status = all_tiles(h);
    if (status == HMA_OK) {
        status = hma_weights_final_norm(h->e->weights, &h->norm);
    }
    if (status == HMA_OK) {
        status = hma_backward_weights_final_norm(h->r->weights, &h->norm_change);
    }
    if (status == HMA_OK) {
        memset(h->r->g, 0, h->r->batch->rows * hidden * sizeof(float));
        status = hma_pool_run(hma_context_pool(h->e->context), (h->count + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE, norm_block, h);
    }
    return status == HMA_OK ? add_sums(h) : status;
}

hma_status hma_reverse_head(hma_engine *e, const float *x, const hma_target *targets, size_t count, double *logprob,
                            const hma_reverse *reverse) {
    head_back h = {.e = e, .r = reverse, .targets = targets, .count = count, .x = x};
    size_t *rows = HMA_NEW(size_t, count);
    int32_t *ids = HMA_NEW(int32_t, count);
    bool *greedy = HMA_NEW(bool, count);
    h.normed = hma_new_aligned(count * e->a->hidden, sizeof(float));
    h.normalizer = HMA_NEW(double, count);
    hma_status status = rows && ids && greedy && h.normed && h.normalizer ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        rows[i] = targets[i].row;
        ids[i] = targets[i].id;
    }
    if (status == HMA_OK) {
        status = hma_engine_final(e, x, rows, count, h.normed);
    }
    if (status == HMA_OK) {
        status = hma_head_score(e, h.normed, count, ids, logprob, greedy, h.normalizer);
    }
    if (status == HMA_OK && reverse) {
        status = go_back(&h);
    }
    for (size_t t = 0; h.scratch && t < hma_context_threads(e->context); t++) {
        free(h.scratch[t]);
    }
    free(h.scratch);
    free(h.sums);
    free(h.by_normed);
    free(h.normed);
    free(h.normalizer);
    free(rows);
    free(ids);
    free(greedy);
    return status;
}
