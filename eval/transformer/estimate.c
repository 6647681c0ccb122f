#include "eval/transformer/estimate.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/context.h"
#include "base/memory.h"
#include "eval/transformer/batch.h"
#include "eval/transformer/model_parts.h"
#include "eval/transformer/screen.h"

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

static void add_tokens(const hma_model *m, double first, double end, hma_work *work) {
    if (end > first) {
        work->tokens += end - first;
        work->layer_flops += (end - first) * token_flops(&m->architecture, (first + end + 1) / 2);
    }
}

static void add_answers(const hma_model *m, double count, hma_work *work) {
    work->answers += count;
    work->head_flops += count * head_flops(m);
}

static int by_ids(const void *a, const void *b) { return hma_ids_compare(a, b); }

/* Sequences in sorted order: each adds what it does not have in common with the one before. */
static void add_sorted(const hma_model *m, hma_ids *sequences, size_t count, hma_work *work) {
    qsort(sequences, count, sizeof *sequences, by_ids);
    for (size_t i = 0; i < count; i++) {
        const size_t common = i ? hma_ids_common(&sequences[i - 1], &sequences[i]) : 0;
        add_tokens(m, (double)common, (double)sequences[i].count, work);
    }
}

hma_status hma_model_add_pairs(const hma_model *m, const hma_loglikelihood *pairs, size_t count, hma_work *work) {
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += pairs[i].context.count + pairs[i].continuation.count;
    }
    hma_ids *sequences = HMA_NEW(hma_ids, count);
    int32_t *ids = HMA_NEW(int32_t, total), *at = ids;
    const hma_status status = sequences && ids ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        const hma_ids *parts[] = {&pairs[i].context, &pairs[i].continuation};
        sequences[i].ids = at;
        for (size_t p = 0; p < 2; p++) {
            for (size_t j = 0; j < parts[p]->count; j++) {
                *at++ = parts[p]->ids[j];
            }
        }
        sequences[i].count = (size_t)(at - sequences[i].ids) - 1;
        add_answers(m, (double)pairs[i].continuation.count, work);
    }
    if (status == HMA_OK) {
        add_sorted(m, sequences, count, work);
    }
    free(sequences);
    free(ids);
    return status;
}

hma_status hma_model_add_prompts(const hma_model *m, const hma_generation *generations, size_t count, hma_work *work) {
    hma_ids *sequences = HMA_NEW(hma_ids, count);
    if (!sequences) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < count; i++) {
        sequences[i] = generations[i].prompt;
    }
    add_sorted(m, sequences, count, work);
    free(sequences);
    return HMA_OK;
}

void hma_model_add_reply(const hma_model *m, const hma_generation *request, double tokens, hma_work *work) {
    const double prompt = (double)request->prompt.count;
    uint64_t bytes;
    add_tokens(m, prompt, prompt + tokens - 1, work);
    work->answers += tokens;
    work->head_flops +=
        tokens * head_flops(m) / (hma_screen_serves(request) && hma_weights_screens(m->weights, &bytes) ? 4 : 1);
    work->new_tokens += tokens;
}

void hma_model_add_sequences(const hma_model *m, size_t count, double tokens, hma_work *work) {
    work->tokens += (double)count * tokens;
    work->layer_flops += (double)count * tokens * token_flops(&m->architecture, (tokens + 1) / 2);
    add_answers(m, (double)count, work);
}

uint64_t hma_model_work_bytes(const hma_model *m, const hma_work *work) {
    const hma_room room = hma_model_room(m);
    return hma_min_u64(room.bytes,
                       hma_min_u64((uint64_t)work->tokens, room.rows) * room.row + (uint64_t)work->answers * room.answer);
}

static double cache_bytes(const hma_model *m) {
    return 2 * (double)(m->architecture.layers * hma_kv_width(&m->architecture) * sizeof(float));
}

static uint64_t at_most(double bytes, uint64_t most) { return bytes < (double)most ? (uint64_t)bytes : most; }

uint64_t hma_model_reply_bytes(const hma_model *m, double prompts, double replies, bool screened) {
    uint64_t screen = 0;
    if (!screened || !hma_weights_screens(m->weights, &screen)) {
        screen = 0;
    }
    return screen + at_most((prompts + replies) * cache_bytes(m), (hma_context_left(m->context) - screen) / 2);
}

uint64_t hma_model_kept_bytes(const hma_model *m, double questions, double replies) {
    if (!hma_model_invariant(m)) {
        return 0;
    }
    const uint64_t quarter = hma_context_left(m->context) / 4;
    const double stream = m->architecture.reward_head ? 0 : (double)(m->architecture.hidden * sizeof(float));
    return at_most((questions + replies) * stream + (double)at_most(replies * cache_bytes(m), quarter / 2), quarter);
}

double hma_model_passes(const hma_model *m, double tokens) { return ceil(tokens / (double)hma_model_pass_rows(m)); }

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

hma_status hma_model_reading_seconds(hma_model *m, double *seconds) {
    const hma_layer *layer;
    const double start = hma_seconds();
    *seconds = 0;
    if (hma_weights_resident(m->weights)) {
        return HMA_OK;
    }
    const hma_status status = hma_weights_layer(m->weights, m->architecture.layers - 1, &layer);
    *seconds = (hma_seconds() - start) * (double)m->architecture.layers;
    return status;
}
