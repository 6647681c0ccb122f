/*
 * Batched generation with a key/value cache. Prompts go through the layers once, as a forest (shared prefixes once), and leave their
 * keys and values in a store for each layer; then every step runs one row for each sequence that is not finished. As many requests
 * are taken at once as the store has room for within the memory budget.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/head.h"
#include "eval/transformer/model_parts.h"
#include "eval/transformer/sampler.h"

/* A request under way. */
typedef struct sequence {
    hma_generation *request;
    size_t number;       /* of the request in the call */
    hma_ids prompt;      /* cut to what fits */
    hma_span *spans;     /* the prompt's, and one more for the new tokens */
    size_t span_count;
    size_t store;        /* first row of its own in the stores */
    size_t made;         /* new tokens so far, also those that are not kept (eos) */
    bool finished;
} sequence;

typedef struct wave {
    hma_model *m;
    hma_stop_fn stop;
    void *user;
    sequence *sequences;
    size_t count;
    hma_store *stores;   /* [layers] */
    float *x, *hidden, *logits;
    sequence **active;
    size_t active_count;
} wave;

/* ---- what a token does to its sequence ---- */

static bool is_eos(const hma_model *m, int32_t id) {
    for (size_t i = 0; i < m->eos_count; i++) {
        if (m->eos[i] == id) {
            return true;
        }
    }
    return false;
}

bool hma_generation_take(const hma_model *m, hma_generation *r, size_t number, int32_t id, hma_stop_fn stop, void *user) {
    if (is_eos(m, id)) {
        r->ended = true;
        return true;
    }
    r->ids[r->count++] = id;
    r->ended = stop && stop(user, number, r->ids, r->count);
    return r->ended || r->count >= r->max_tokens;
}

static void take_token(const wave *w, sequence *s, int32_t id) {
    s->made++;
    s->finished = hma_generation_take(w->m, s->request, s->number, id, w->stop, w->user);
}

typedef struct sampling {
    const wave *w;
    sequence **sequences;
} sampling;

static hma_status sample_row(void *argument, size_t index, size_t worker) {
    const sampling *job = argument;
    (void)worker;
    sequence *s = job->sequences[index];
    const size_t width = job->w->m->architecture.vocabulary;
    int32_t id;
    const hma_status status = hma_sample(job->w->m->kernels.vector, s->request, s->request->position + s->made, job->w->logits + index * width, width, &id);
    if (status == HMA_OK) {
        take_token(job->w, s, id);
    }
    return status;
}

/* From x at the given rows to one new token for each of the sequences. */
static hma_status next_tokens(wave *w, const size_t *rows, sequence **sequences, size_t count) {
    hma_status status = hma_engine_final(&w->m->engine, w->x, rows, count, w->hidden);
    if (status == HMA_OK) {
        status = hma_head_logits(&w->m->engine, w->hidden, count, w->logits);
    }
    if (status == HMA_OK) {
        sampling job = {w, sequences};
        status = hma_pool_run(hma_context_pool(w->m->context), count, sample_row, &job);
    }
    w->m->counters.generated += count;
    return status;
}

/* ---- prompts ---- */

static hma_status copy_spans(sequence *s, const hma_batch *batch, size_t leaf) {
    const hma_run_of_rows *run = &batch->runs[leaf];
    s->spans = HMA_NEW(hma_span, run->span_count + 1);
    if (!s->spans) {
        return HMA_FAILURE;
    }
    memcpy(s->spans, batch->spans + run->span_first, run->span_count * sizeof *s->spans);
    s->span_count = run->span_count + 1;
    s->spans[run->span_count] = (hma_span){.first = s->store, .position = s->prompt.count};
    return HMA_OK;
}

/* Runs all prompts and draws the first token of every sequence. */
static hma_status run_prompts(wave *w) {
    hma_model *m = w->m;
    const hma_architecture *a = &m->architecture;
    hma_batch batch = {0};
    hma_ids *prompts = HMA_NEW(hma_ids, w->count);
    size_t *leaf = HMA_NEW(size_t, w->count), *rows = HMA_NEW(size_t, w->count), given = 0;
    hma_status status = prompts && leaf && rows ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < w->count; i++) {
        prompts[i] = w->sequences[i].prompt;
        given += prompts[i].count;
    }
    if (status == HMA_OK) {
        status = hma_batch_forest(&batch, prompts, w->count, leaf);
    }
    /* the prompts' rows come first in the stores, then each sequence's own, from a multiple of 16 on */
    size_t store = (batch.rows + 15) / 16 * 16;
    for (size_t i = 0; i < w->count; i++) {
        w->sequences[i].store = store;
        store += (w->sequences[i].request->max_tokens + 15) / 16 * 16;
    }
    for (size_t l = 0; status == HMA_OK && l < a->layers; l++) {
        status = hma_store_new(&w->stores[l], store, hma_kv_width(a));
    }
    if (status == HMA_OK) {
        w->x = hma_new_aligned(hma_max_size(batch.rows, w->count) * a->hidden, sizeof *w->x);
        w->hidden = hma_new_aligned(w->count * a->hidden, sizeof *w->hidden);
        w->logits = hma_new_aligned(w->count * a->vocabulary, sizeof *w->logits);
        status = w->x && w->hidden && w->logits ? hma_engine_embed(&m->engine, &batch, w->x) : HMA_FAILURE;
    }
    for (size_t i = 0; status == HMA_OK && i < w->count; i++) {
        rows[i] = hma_batch_row(&batch, leaf[i], w->sequences[i].prompt.count - 1);
    }
    if (status == HMA_OK) {
        status = hma_batch_ask(&batch, rows, w->count);
    }
    if (status == HMA_OK) {
        status = hma_engine_layers(&m->engine, &batch, w->x, w->stores, true, NULL);
    }
    for (size_t i = 0; status == HMA_OK && i < w->count; i++) {
        sequence *s = &w->sequences[i];
        w->active[i] = s;
        status = copy_spans(s, &batch, leaf[i]);
    }
    if (status == HMA_OK) {
        status = next_tokens(w, rows, w->active, w->count);
    }
    m->counters.tokens += batch.rows;
    m->counters.tokens_shared += given - batch.rows;
    hma_batch_free(&batch);
    free(prompts);
    free(leaf);
    free(rows);
    return status;
}

/* ---- steps ---- */

/* One row for each active sequence: its newest token. */
static hma_status step_batch(const wave *w, hma_batch *out) {
    hma_batch b = {.rows = w->active_count, .run_count = w->active_count};
    size_t spans = 0;
    for (size_t i = 0; i < w->active_count; i++) {
        spans += w->active[i]->span_count;
    }
    b.ids = HMA_NEW(int32_t, b.rows);
    b.positions = HMA_NEW(uint32_t, b.rows);
    b.store = HMA_NEW(size_t, b.rows);
    b.runs = HMA_NEW(hma_run_of_rows, b.rows);
    b.spans = HMA_NEW(hma_span, spans);
    if (!b.ids || !b.positions || !b.store || !b.runs || !b.spans) {
        hma_batch_free(&b);
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < b.rows; i++) {
        sequence *s = w->active[i];
        const size_t position = s->prompt.count + s->made - 1;
        s->spans[s->span_count - 1].count = s->made;
        memcpy(b.spans + b.span_count, s->spans, s->span_count * sizeof *b.spans);
        b.ids[i] = s->request->ids[s->request->count - 1];
        b.positions[i] = (uint32_t)position;
        b.store[i] = s->store + s->made - 1;
        b.runs[i] = (hma_run_of_rows){i, 1, position, b.store[i], b.span_count, s->span_count};
        b.span_count += s->span_count;
        b.longest = hma_max_size(b.longest, position + 1);
    }
    *out = b;
    return HMA_OK;
}

static hma_status step(wave *w, const size_t *rows) {
    hma_batch batch;
    hma_status status = step_batch(w, &batch);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_engine_embed(&w->m->engine, &batch, w->x);
    if (status == HMA_OK) {
        status = hma_engine_layers(&w->m->engine, &batch, w->x, w->stores, true, NULL);
    }
    if (status == HMA_OK) {
        status = next_tokens(w, rows, w->active, w->active_count);
    }
    w->m->counters.tokens += batch.rows;
    hma_batch_free(&batch);
    return status;
}

static void drop_finished(wave *w) {
    size_t kept = 0;
    for (size_t i = 0; i < w->active_count; i++) {
        if (!w->active[i]->finished) {
            w->active[kept++] = w->active[i];
        }
    }
    w->active_count = kept;
}

static hma_status run_wave(hma_model *m, sequence *sequences, size_t count, hma_stop_fn stop, void *user, size_t done, size_t total) {
    wave w = {.m = m, .stop = stop, .user = user, .sequences = sequences, .count = count, .active_count = count};
    size_t *rows = HMA_NEW(size_t, count);
    w.stores = HMA_NEW(hma_store, m->architecture.layers);
    w.active = HMA_NEW(sequence *, count);
    hma_status status = rows && w.stores && w.active ? run_prompts(&w) : HMA_FAILURE;
    for (size_t i = 0; rows && i < count; i++) {
        rows[i] = i;
    }
    if (status == HMA_OK) {
        drop_finished(&w);
    }
    while (status == HMA_OK && w.active_count) {
        hma_report(m->context, "generating", "replies", (double)(done + count - w.active_count), (double)total);
        status = step(&w, rows);
        drop_finished(&w);
    }
    for (size_t i = 0; i < count; i++) {
        free(sequences[i].spans);
    }
    for (size_t l = 0; w.stores && l < m->architecture.layers; l++) {
        hma_store_free(&w.stores[l]);
    }
    free(w.stores);
    free(w.active);
    free(w.x);
    free(w.hidden);
    free(w.logits);
    free(rows);
    return status;
}

/* ---- the call ---- */

hma_status hma_generation_begin(const hma_model *m, hma_generation *r, size_t number, hma_ids *prompt) {
    const size_t most = m->architecture.max_length;
    char what[64];
    (void)snprintf(what, sizeof what, "request %zu", number);
    if (r->prompt.count == 0) {
        return hma_error(HMA_BAD_DATA, "%s: the prompt is empty (expected at least one token): give it text or ids", what);
    }
    if (r->max_tokens == 0 || r->max_tokens >= most) {
        return hma_error(HMA_BAD_DATA, "%s: max_tokens is %zu (expected 1 to %zu, below the model's context): correct it", what,
                         r->max_tokens, most - 1);
    }
    if (!(r->temperature >= 0) || isinf(r->temperature) || !(r->top_p > 0 && r->top_p <= 1)) {
        return hma_error(HMA_BAD_DATA, "%s: temperature %g, top_p %g (expected temperature at least 0, top_p above 0 and at most 1): "
                         "correct them", what, r->temperature, r->top_p);
    }
    const size_t room = most - r->max_tokens, cut = r->prompt.count > room ? r->prompt.count - room : 0;
    *prompt = (hma_ids){r->prompt.ids + cut, r->prompt.count - cut};
    r->count = 0;
    r->ended = false;
    r->ids = HMA_NEW(int32_t, r->max_tokens);
    return r->ids ? hma_model_check_ids(m, what, r->prompt.ids, r->prompt.count) : HMA_FAILURE;
}

/* Rows of keys and values that all layers' stores may have together. */
static size_t store_rows(const hma_model *m) {
    const hma_architecture *a = &m->architecture;
    const uint64_t row = (uint64_t)a->layers * 2 * hma_kv_width(a) * sizeof(float);
    return (size_t)(hma_context_left(m->context) / 2 / row);
}

/* Sequences that one step may have: their logits must stay small beside the rest. */
static size_t wave_size(const hma_model *m) {
    return hma_max_size(1, (size_t)(hma_context_left(m->context) / 16 / (m->architecture.vocabulary * sizeof(float))));
}

hma_status hma_generate_plainly(hma_model *m, hma_generation *requests, size_t count, hma_stop_fn stop, void *user) {
    hma_status status = HMA_OK;
    sequence *sequences = HMA_NEW(sequence, count);
    if (!sequences) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < count; i++) {
        requests[i].ids = NULL;
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        sequences[i] = (sequence){.request = &requests[i], .number = i};
        status = hma_generation_begin(m, &requests[i], i, &sequences[i].prompt);
    }
    const size_t most = store_rows(m), widest = hma_min_size(wave_size(m), 512);
    for (size_t first = 0; status == HMA_OK && first < count;) {
        size_t next = first, rows = 0;
        while (next < count && next - first < widest) {
            const size_t more = sequences[next].prompt.count + sequences[next].request->max_tokens + 32;
            if (next > first && rows + more > most) {
                break;
            }
            rows += more;
            next++;
        }
        status = run_wave(m, sequences + first, next - first, stop, user, first, count);
        first = next;
    }
    free(sequences);
    if (status != HMA_OK) {
        hma_generation_clear(requests, count);
    }
    return status;
}

void hma_generation_clear(hma_generation *requests, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(requests[i].ids);
        requests[i].ids = NULL;
        requests[i].count = 0;
    }
}
