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

/* A model at work. */
typedef struct side {
    hma_model *m;
    hma_store *stores; /* [layers] */
    float *x, *hidden, *logits;
} side;

/* The models run in step over the same batches: one, or the two of a mixture. */
typedef struct wave {
    hma_model *m; /* whose end-of-sequence ids and context count: the last side's */
    side sides[HMA_MIXED];
    size_t side_count;
    double ratio; /* of a mixture: weight of the second side */
    hma_stop_fn stop;
    void *user;
    sequence *sequences;
    size_t count;
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
    const wave *w = job->w;
    (void)worker;
    sequence *s = job->sequences[index];
    const size_t width = w->m->architecture.vocabulary;
    float *logits = w->sides[0].logits + index * width;
    int32_t id;
    if (w->side_count == HMA_MIXED) {
        hma_mixture_row(logits, w->sides[1].logits + index * width, w->ratio, width, logits);
    }
    const hma_status status =
        hma_sample(w->m->kernels.vector, s->request, s->request->position + s->made, logits, width, &id);
    if (status == HMA_OK) {
        take_token(w, s, id);
    }
    return status;
}

/* From x at the given rows to one new token for each of the sequences. */
static hma_status next_tokens(wave *w, const size_t *rows, sequence **sequences, size_t count) {
    hma_status status = HMA_OK;
    for (size_t i = 0; i < w->side_count && status == HMA_OK; i++) {
        side *s = &w->sides[i];
        status = hma_engine_final(&s->m->engine, s->x, rows, count, s->hidden);
        if (status == HMA_OK) {
            status = hma_head_logits(&s->m->engine, s->hidden, count, s->logits);
        }
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

/* One side's way through the layers for the prompts; `store` rows of keys and values are kept in each. */
static hma_status run_side(const wave *w, side *s, const hma_batch *batch, size_t store) {
    const hma_architecture *a = &s->m->architecture;
    hma_status status = HMA_OK;
    for (size_t l = 0; status == HMA_OK && l < a->layers; l++) {
        status = hma_store_new(&s->stores[l], store, hma_kv_width(a));
    }
    if (status == HMA_OK) {
        s->x = hma_new_aligned(hma_max_size(batch->rows, w->count) * a->hidden, sizeof *s->x);
        s->hidden = hma_new_aligned(w->count * a->hidden, sizeof *s->hidden);
        s->logits = hma_new_aligned(w->count * a->vocabulary, sizeof *s->logits);
        status = s->x && s->hidden && s->logits ? hma_engine_embed(&s->m->engine, batch, s->x) : HMA_FAILURE;
    }
    if (status == HMA_OK) {
        status = hma_engine_layers(&s->m->engine, batch, s->x, s->stores, true, NULL);
    }
    return status;
}

static void count_rows(const wave *w, size_t rows, size_t shared) {
    for (size_t i = 0; i < w->side_count; i++) {
        w->sides[i].m->counters.tokens += rows;
        w->sides[i].m->counters.tokens_shared += shared;
    }
}

/* Runs all prompts and draws the first token of every sequence. */
static hma_status run_prompts(wave *w) {
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
    for (size_t i = 0; status == HMA_OK && i < w->count; i++) {
        rows[i] = hma_batch_row(&batch, leaf[i], w->sequences[i].prompt.count - 1);
    }
    if (status == HMA_OK) {
        status = hma_batch_ask(&batch, rows, w->count);
    }
    for (size_t i = 0; status == HMA_OK && i < w->side_count; i++) {
        status = run_side(w, &w->sides[i], &batch, store);
    }
    for (size_t i = 0; status == HMA_OK && i < w->count; i++) {
        sequence *s = &w->sequences[i];
        w->active[i] = s;
        status = copy_spans(s, &batch, leaf[i]);
    }
    if (status == HMA_OK) {
        status = next_tokens(w, rows, w->active, w->count);
    }
    count_rows(w, batch.rows, given - batch.rows);
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
    for (size_t i = 0; status == HMA_OK && i < w->side_count; i++) {
        side *s = &w->sides[i];
        status = hma_engine_embed(&s->m->engine, &batch, s->x);
        if (status == HMA_OK) {
            status = hma_engine_layers(&s->m->engine, &batch, s->x, s->stores, true, NULL);
        }
    }
    if (status == HMA_OK) {
        status = next_tokens(w, rows, w->active, w->active_count);
    }
    count_rows(w, batch.rows, 0);
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

static void free_side(side *s) {
    for (size_t l = 0; s->stores && l < s->m->architecture.layers; l++) {
        hma_store_free(&s->stores[l]);
    }
    free(s->stores);
    free(s->x);
    free(s->hidden);
    free(s->logits);
}

/* What all waves of a call have in common. */
typedef struct call {
    hma_model *const *models;
    size_t model_count;
    double ratio;
    hma_stop_fn stop;
    void *user;
    size_t total; /* requests */
} call;

static hma_status run_wave(const call *c, sequence *sequences, size_t count, size_t done) {
    wave w = {.m = c->models[c->model_count - 1],
              .side_count = c->model_count,
              .ratio = c->ratio,
              .stop = c->stop,
              .user = c->user,
              .sequences = sequences,
              .count = count,
              .active_count = count};
    size_t *rows = HMA_NEW(size_t, count);
    w.active = HMA_NEW(sequence *, count);
    hma_status status = rows && w.active ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; i < w.side_count; i++) {
        w.sides[i].m = c->models[i];
        w.sides[i].stores = HMA_NEW(hma_store, c->models[i]->architecture.layers);
        status = w.sides[i].stores ? status : HMA_FAILURE;
    }
    for (size_t i = 0; rows && i < count; i++) {
        rows[i] = i;
    }
    if (status == HMA_OK) {
        status = run_prompts(&w);
    }
    if (status == HMA_OK) {
        drop_finished(&w);
    }
    while (status == HMA_OK && w.active_count) {
        hma_report(w.m->context, "generating", "replies", (double)(done + count - w.active_count), (double)c->total);
        status = step(&w, rows);
        drop_finished(&w);
    }
    for (size_t i = 0; i < count; i++) {
        free(sequences[i].spans);
    }
    for (size_t i = 0; i < w.side_count; i++) {
        free_side(&w.sides[i]);
    }
    free(w.active);
    free(rows);
    return status;
}

/* ---- the call ---- */

static hma_status begin(const hma_model *m, size_t most, hma_generation *r, size_t number, hma_ids *prompt) {
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

hma_status hma_generation_begin(const hma_model *m, hma_generation *r, size_t number, hma_ids *prompt) {
    return begin(m, m->architecture.max_length, r, number, prompt);
}

/* Positions that every model has. */
static size_t context_of(const call *c) {
    size_t most = SIZE_MAX;
    for (size_t i = 0; i < c->model_count; i++) {
        most = hma_min_size(most, c->models[i]->architecture.max_length);
    }
    return most;
}

/* Rows of keys and values that all layers' stores may have together. */
static size_t store_rows(const call *c) {
    uint64_t row = 0;
    for (size_t i = 0; i < c->model_count; i++) {
        const hma_architecture *a = &c->models[i]->architecture;
        row += (uint64_t)a->layers * 2 * hma_kv_width(a) * sizeof(float);
    }
    return (size_t)(hma_context_left(c->models[0]->context) / 2 / row);
}

/* Sequences that one step may have: their logits must stay small beside the rest. */
static size_t wave_size(const call *c) {
    const uint64_t logits = c->model_count * c->models[0]->architecture.vocabulary * sizeof(float);
    return hma_max_size(1, (size_t)(hma_context_left(c->models[0]->context) / 16 / logits));
}

static hma_status run_waves(const call *c, sequence *sequences, size_t count) {
    const size_t most = store_rows(c), widest = hma_min_size(wave_size(c), 512);
    hma_status status = HMA_OK;
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
        status = run_wave(c, sequences + first, next - first, first);
        first = next;
    }
    return status;
}

hma_status hma_generate_in_step(hma_model *const *models, size_t model_count, double ratio, hma_generation *requests, size_t count,
                                hma_stop_fn stop, void *user) {
    const call c = {models, model_count, ratio, stop, user, count};
    sequence *sequences = HMA_NEW(sequence, count);
    hma_status status = sequences ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; i < count && sequences; i++) {
        requests[i].ids = NULL;
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        sequences[i] = (sequence){.request = &requests[i], .number = i};
        status = begin(models[0], context_of(&c), &requests[i], i, &sequences[i].prompt);
    }
    if (status == HMA_OK) {
        status = run_waves(&c, sequences, count);
    }
    if (sequences && status != HMA_OK) {
        hma_generation_clear(requests, count);
    }
    free(sequences);
    return status;
}

hma_status hma_generate_plainly(hma_model *m, hma_generation *requests, size_t count, hma_stop_fn stop, void *user) {
    return hma_generate_in_step(&m, 1, 0, requests, count, stop, user);
}

void hma_generation_clear(hma_generation *requests, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(requests[i].ids);
        requests[i].ids = NULL;
        requests[i].count = 0;
    }
}
