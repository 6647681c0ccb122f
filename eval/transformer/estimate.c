#include "eval/transformer/estimate.h"

#include <stdlib.h>

#include "base/checked.h"
#include "base/memory.h"
#include "eval/transformer/batch.h"
#include "eval/transformer/model_parts.h"

/* ---- operations ---- */

/* Of all layers for one token that sees `seen` positions. */
static double token_flops(const hma_architecture *a, double seen) {
    const double hidden = (double)a->hidden, q = (double)hma_query_width(a), kv = (double)hma_kv_width(a);
    const double matrices = hidden * (2 * q + 2 * kv) + hidden * (double)a->intermediate * (a->gated ? 3 : 2);
    return (double)a->layers * (2 * matrices + 4 * seen * q);
}

static double head_flops(const hma_model *m) {
    return 2 * (double)m->architecture.hidden * (double)hma_weights_head_rows(m->weights);
}

static void add_tokens(const hma_model *m, size_t first, size_t end, hma_work *work) {
    if (end > first) {
        work->tokens += end - first;
        work->layer_flops += (double)(end - first) * token_flops(&m->architecture, (double)(first + end + 1) / 2);
    }
}

static void add_answers(const hma_model *m, uint64_t count, hma_work *work) {
    work->answers += count;
    work->head_flops += (double)count * head_flops(m);
}

static int by_ids(const void *a, const void *b) { return hma_ids_compare(a, b); }

/* Sequences in sorted order: each adds what it does not have in common with the one before. */
static void add_sorted(const hma_model *m, hma_ids *sequences, size_t count, hma_work *work) {
    qsort(sequences, count, sizeof *sequences, by_ids);
    for (size_t i = 0; i < count; i++) {
        add_tokens(m, i ? hma_ids_common(&sequences[i - 1], &sequences[i]) : 0, sequences[i].count, work);
    }
}

hma_status hma_model_add_work(const hma_model *m, const hma_loglikelihood *pairs, size_t pair_count,
                              const hma_generation *generations, size_t generation_count, hma_work *work) {
    size_t total = 0;
    for (size_t i = 0; i < pair_count; i++) {
        total += pairs[i].context.count + pairs[i].continuation.count;
    }
    hma_ids *sequences = HMA_NEW(hma_ids, hma_max_size(pair_count, generation_count));
    int32_t *ids = HMA_NEW(int32_t, total), *at = ids;
    if (!sequences || !ids) {
        free(sequences);
        free(ids);
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < pair_count; i++) {
        const hma_ids *parts[] = {&pairs[i].context, &pairs[i].continuation};
        sequences[i].ids = at;
        for (size_t p = 0; p < 2; p++) {
            for (size_t j = 0; j < parts[p]->count; j++) {
                *at++ = parts[p]->ids[j];
            }
        }
        sequences[i].count = (size_t)(at - sequences[i].ids) - 1;
        add_answers(m, pairs[i].continuation.count, work);
    }
    add_sorted(m, sequences, pair_count, work);
    for (size_t i = 0; i < generation_count; i++) {
        const hma_generation *g = &generations[i];
        sequences[i] = g->prompt;
        add_tokens(m, g->prompt.count, g->prompt.count + g->max_tokens - 1, work);
        add_answers(m, g->max_tokens, work);
        work->new_tokens += g->max_tokens;
    }
    add_sorted(m, sequences, generation_count, work);
    free(sequences);
    free(ids);
    return HMA_OK;
}

void hma_model_add_sequences(const hma_model *m, size_t count, double tokens, hma_work *work) {
    work->tokens += (uint64_t)((double)count * tokens);
    work->layer_flops += (double)count * tokens * token_flops(&m->architecture, (tokens + 1) / 2);
    add_answers(m, count, work);
}

uint64_t hma_model_work_bytes(const hma_model *m, const hma_work *work) {
    const hma_room room = hma_model_room(m);
    return hma_min_u64(room.bytes, hma_min_u64(work->tokens, room.rows) * room.row + work->answers * room.answer);
}

/* ---- the machine ---- */

enum { ROWS = 96, ROUNDS = 24 };

typedef struct trial {
    const hma_model *m;
    const void *packed;
    float *x, *y; /* [threads][ROWS, ..] */
    size_t n, k, repeats;
} trial;

static hma_status multiply(void *argument, size_t index, size_t worker) {
    const trial *t = argument;
    (void)index;
    float *x = t->x + worker * ROWS * t->k, *y = t->y + worker * ROWS * t->n;
    for (size_t i = 0; i < t->repeats; i++) {
        t->m->kernels.gemm->multiply(x, t->k, ROWS, t->packed, t->n, t->k, 0, t->n, y, t->n);
    }
    return HMA_OK;
}

/* The fastest of some rounds: what else runs on the machine is not its rate. */
static hma_status time_rounds(trial *t, double *rate) {
    const size_t threads = hma_context_threads(t->m->context);
    hma_status status = HMA_OK;
    t->repeats = 1;
    for (size_t round = 0; round <= ROUNDS && status == HMA_OK; round++) {
        const double start = hma_seconds();
        status = hma_pool_run(hma_context_pool(t->m->context), threads, multiply, t);
        const double seconds = hma_seconds() - start,
                     flops = 2.0 * ROWS * (double)t->n * (double)t->k * (double)(threads * t->repeats);
        if (round == 0) { /* to see how often it fits into some milliseconds, and to warm up */
            t->repeats = 1 + (size_t)(0.003 / (seconds + 1e-6));
        } else {
            *rate = flops / seconds > *rate ? flops / seconds : *rate;
        }
    }
    return status;
}

hma_status hma_model_rate(const hma_model *m, double *rate) {
    const hma_architecture *a = &m->architecture;
    const size_t threads = hma_context_threads(m->context);
    trial t = {.m = m, .n = hma_min_size(a->intermediate, 4096), .k = a->hidden};
    float *rows = HMA_NEW(float, t.n *t.k);
    void *packed = hma_new_aligned(hma_packed_bytes(m->kernels.gemm, t.n, t.k), 1);
    t.x = HMA_NEW(float, threads *ROWS *t.k);
    t.y = HMA_NEW(float, threads *ROWS *t.n);
    t.packed = packed;
    hma_status status = rows && packed && t.x && t.y ? HMA_OK : HMA_FAILURE;
    *rate = 0;
    if (status == HMA_OK) {
        m->kernels.gemm->pack(packed, t.n, t.k, 0, t.n, rows);
        status = time_rounds(&t, rate);
    }
    free(rows);
    free(packed);
    free(t.x);
    free(t.y);
    return status;
}
