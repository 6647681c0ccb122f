/*
 * Batched generation with a key/value cache. Prompts go through the layers as a forest (shared prefixes once) and leave their
 * keys and values in a store for each layer; then every step runs one row for each sequence that is not finished. A finished
 * sequence leaves at once and gives its rows of the stores back; waiting requests enter when a quarter of those under way has
 * left. As many are under way as the stores have room for within the memory budget.
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
#include "eval/transformer/row_pool.h"
#include "eval/transformer/sampler.h"

/* Requests that entered together: the rows of their prompts go back when the last of them has finished. */
typedef struct party {
    size_t store, rows;
    size_t left; /* sequences that are not finished */
} party;

/* A request under way. */
typedef struct sequence {
    hma_generation *request;
    size_t number;      /* of the request in the call */
    hma_ids prompt;     /* cut to what fits */
    size_t prompt_rows; /* that it adds to those of the request before it */
    party *party;
    hma_span *spans; /* the prompt's, and one more for the new tokens */
    size_t span_count;
    size_t store; /* first row of its own in the stores */
    size_t made;  /* new tokens so far, also those that are not kept (eos) */
    bool finished;
    uint32_t path[HMA_MIXED]; /* of its tokens, in each side's trunk */
} sequence;

/* A model at work. */
typedef struct side {
    hma_model *m;
    hma_store *stores;          /* [layers] */
    float *x, *hidden, *logits; /* of `widest` rows */
} side;

/* The models run in step over the same batches: one, or the two of a mixture. */
typedef struct work {
    hma_model *m; /* whose end-of-sequence ids and context count: the last side's */
    side sides[HMA_MIXED];
    size_t side_count;
    double ratio; /* of a mixture: weight of the second side */
    const hma_onlooker *onlooker;
    sequence *sequences;
    size_t count, next; /* sequences from `next` on wait */
    size_t widest;      /* so many may be under way */
    party *parties;     /* [count] at most */
    size_t party_count;
    hma_row_pool pool;                /* rows of all stores */
    sequence **active;                /* [widest] */
    size_t active_count, after_entry; /* .. and how many these were when requests last entered */
    size_t *rows;                     /* [widest] 0, 1, 2, .. */
    uint32_t *paths;                  /* [widest] */
    size_t *finished;                 /* [widest]: numbers of the requests that a step has finished */
    uint64_t claimed;                 /* of the context's memory, for the stores */
} work;

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

static void take_token(const work *w, sequence *s, int32_t id) {
    s->made++;
    s->finished = hma_generation_take(w->m, s->request, s->number, id, w->onlooker->stop, w->onlooker->stop_user);
}

typedef struct sampling {
    const work *w;
    sequence **sequences;
} sampling;

static hma_status sample_row(void *argument, size_t index, size_t worker) {
    const sampling *job = argument;
    const work *w = job->w;
    (void)worker;
    sequence *s = job->sequences[index];
    const size_t width = w->m->architecture.vocabulary;
    float *logits = w->sides[0].logits + index * width;
    int32_t id;
    if (w->side_count == HMA_MIXED) {
        hma_mixture_row(logits, w->sides[1].logits + index * width, w->ratio, width, logits);
    }
    const hma_status status = hma_sample(w->m->kernels.vector, s->request, s->request->position + s->made, logits, width, &id);
    if (status == HMA_OK) {
        take_token(w, s, id);
    }
    return status;
}

/* From a side's x at the given rows to its logits there. */
static hma_status look_ahead(side *s, const float *x, const size_t *rows, size_t count) {
    const hma_status status = hma_engine_final(&s->m->engine, x, rows, count, s->hidden);
    return status == HMA_OK ? hma_head_logits(&s->m->engine, s->hidden, count, s->logits) : status;
}

/* From the sides' logits to one new token for each of the sequences. */
static hma_status draw(work *w, sequence **sequences, size_t count) {
    sampling job = {w, sequences};
    w->m->counters.generated += count;
    return hma_pool_run(hma_context_pool(w->m->context), count, sample_row, &job);
}

static void count_rows(const work *w, size_t rows, size_t shared) {
    for (size_t i = 0; i < w->side_count; i++) {
        w->sides[i].m->counters.tokens += rows;
        w->sides[i].m->counters.tokens_shared += shared;
    }
}

/* ---- who enters ---- */

static size_t own_rows(const sequence *s) { return s->request->max_tokens; }

/* How many of those that wait could enter, going by room alone. */
static size_t candidates(const work *w) {
    size_t n = 0, tiles = 0;
    while (w->next + n < w->count && w->active_count + n < w->widest) {
        const sequence *s = &w->sequences[w->next + n];
        /* the first one has nobody before it whose prompt it could share */
        tiles += (n ? hma_whole_tiles(s->prompt_rows) : hma_whole_tiles(s->prompt.count)) + hma_whole_tiles(own_rows(s));
        if (n && tiles > w->pool.free_tiles) {
            break;
        }
        n++;
    }
    return n;
}

/* Takes rows for the prompts of n sequences and for what each of them will say; nothing when there is not room for all. */
static bool take_rows(work *w, size_t n, size_t prompt_rows, size_t *prompts) {
    if (!hma_row_pool_take(&w->pool, prompt_rows, prompts)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        sequence *s = &w->sequences[w->next + i];
        if (!hma_row_pool_take(&w->pool, own_rows(s), &s->store)) {
            while (i-- > 0) {
                hma_row_pool_give(&w->pool, w->sequences[w->next + i].store, own_rows(&w->sequences[w->next + i]));
            }
            hma_row_pool_give(&w->pool, *prompts, prompt_rows);
            return false;
        }
    }
    return true;
}

/* A batch that was built for rows 0 .. of the store moves to rows `first` .. */
static void move_to(hma_batch *batch, size_t first) {
    for (size_t i = 0; i < batch->rows; i++) {
        batch->store[i] += first;
    }
    for (size_t i = 0; i < batch->run_count; i++) {
        batch->runs[i].store += first;
    }
    for (size_t i = 0; i < batch->span_count; i++) {
        batch->spans[i].first += first;
    }
    batch->store_rows += first;
}

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

/* Runs the prompts of a batch and draws the first token of every sequence that ends in it. */
static hma_status run_prompts(work *w, const hma_batch *batch, const size_t *rows, sequence **sequences, size_t count) {
    hma_status status = HMA_OK;
    for (size_t i = 0; i < w->side_count && status == HMA_OK; i++) {
        side *s = &w->sides[i];
        float *x = hma_context_take(s->m->context, batch->rows * s->m->architecture.hidden, sizeof *x);
        uint32_t *paths = HMA_NEW(uint32_t, batch->rows);
        status = x && paths ? hma_trunk_run(s->m->trunk, &s->m->engine, batch, x, s->stores, HMA_PASS_CACHED, paths, NULL)
                            : HMA_FAILURE;
        for (size_t r = 0; status == HMA_OK && r < count; r++) {
            sequences[r]->path[i] = paths[rows[r]];
        }
        if (status == HMA_OK) {
            status = look_ahead(s, x, rows, count);
        }
        hma_context_give(s->m->context, x);
        free(paths);
    }
    return status == HMA_OK ? draw(w, sequences, count) : status;
}

/* Lets as many of the next n sequences enter as there is room for in one piece: n, or half as many, and so on. */
static hma_status enter(work *w, size_t n) {
    hma_batch batch = {0};
    hma_ids *prompts = HMA_NEW(hma_ids, n);
    size_t *leaf = HMA_NEW(size_t, n), *rows = HMA_NEW(size_t, n), store = 0, given = 0;
    hma_status status = prompts && leaf && rows ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < n; i++) {
        prompts[i] = w->sequences[w->next + i].prompt;
    }
    for (; status == HMA_OK && n; n /= 2) {
        status = hma_batch_forest(&batch, prompts, n, leaf);
        if (status == HMA_OK && take_rows(w, n, batch.rows, &store)) {
            break;
        }
        hma_batch_free(&batch);
    }
    if (status == HMA_OK && n) {
        party *p = &w->parties[w->party_count++];
        *p = (party){store, batch.rows, n};
        for (size_t i = 0; i < n; i++) {
            rows[i] = hma_batch_row(&batch, leaf[i], prompts[i].count - 1);
            given += prompts[i].count;
        }
        status = hma_batch_ask(&batch, rows, n);
        move_to(&batch, store);
        for (size_t i = 0; status == HMA_OK && i < n; i++) {
            sequence *s = &w->sequences[w->next + i];
            s->party = p;
            w->active[w->active_count + i] = s;
            status = copy_spans(s, &batch, leaf[i]);
        }
        if (status == HMA_OK) {
            status = run_prompts(w, &batch, rows, w->active + w->active_count, n);
        }
        count_rows(w, batch.rows, given - batch.rows);
        w->active_count += n;
        w->next += n;
        w->after_entry = w->active_count;
    }
    hma_batch_free(&batch);
    free(prompts);
    free(leaf);
    free(rows);
    return status;
}

/* ---- steps ---- */

/* One row for each active sequence: its newest token. */
static hma_status step_batch(const work *w, hma_batch *out) {
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

/* After a step of the sides. */
static hma_status draw_step(work *w, size_t rows) {
    const hma_status status = draw(w, w->active, w->active_count);
    count_rows(w, rows, 0);
    return status;
}

static hma_status step(work *w) {
    hma_batch batch;
    hma_status status = step_batch(w, &batch);
    if (status != HMA_OK) {
        return status;
    }
    for (size_t i = 0; i < w->side_count && status == HMA_OK; i++) {
        side *s = &w->sides[i];
        for (size_t r = 0; r < batch.rows; r++) {
            w->paths[r] = w->active[r]->path[i];
        }
        status = hma_trunk_run(s->m->trunk, &s->m->engine, &batch, s->x, s->stores, HMA_PASS_STEP, w->paths, NULL);
        for (size_t r = 0; r < batch.rows; r++) {
            w->active[r]->path[i] = w->paths[r];
        }
        if (status == HMA_OK) {
            status = look_ahead(s, s->x, w->rows, w->active_count);
        }
    }
    if (status == HMA_OK) {
        status = draw_step(w, batch.rows);
    }
    hma_batch_free(&batch);
    return status;
}

static void leave(work *w, sequence *s) {
    hma_row_pool_give(&w->pool, s->store, own_rows(s));
    if (--s->party->left == 0) {
        hma_row_pool_give(&w->pool, s->party->store, s->party->rows);
    }
    free(s->spans);
    s->spans = NULL;
}

static hma_status drop_finished(work *w) {
    size_t kept = 0, finished = 0;
    for (size_t i = 0; i < w->active_count; i++) {
        if (w->active[i]->finished) {
            w->finished[finished++] = w->active[i]->number;
            leave(w, w->active[i]);
        } else {
            w->active[kept++] = w->active[i];
        }
    }
    w->active_count = kept;
    const hma_onlooker *o = w->onlooker;
    return finished && o->finished ? o->finished(o->user, w->finished, finished) : HMA_OK;
}

/* Whether so many have left that it is worth another pass over the weights to let others enter. */
static bool may_enter(const work *w) {
    return w->next < w->count && (w->active_count == 0 || w->active_count < w->after_entry - w->after_entry / 4);
}

/* Replies, with the part of each that is there of those under way. */
static double replies_done(const work *w) {
    double done = (double)(w->next - w->active_count);
    for (size_t i = 0; i < w->active_count; i++) {
        done += (double)w->active[i]->made / (double)w->active[i]->request->max_tokens;
    }
    return done;
}

/* Until nobody waits and nobody is under way. The stores hold every sequence alone, so empty ones always take the next. */
static hma_status run(work *w) {
    hma_status status = HMA_OK;
    while (w->next < w->count || w->active_count) {
        const size_t before = w->next;
        if (may_enter(w)) {
            status = enter(w, candidates(w));
            if (w->next == before) {
                w->after_entry = w->active_count; /* no room yet: more have to leave */
            }
        } else {
            status = step(w);
        }
        if (status == HMA_OK) {
            status = drop_finished(w);
        }
        if (status != HMA_OK) {
            break;
        }
        hma_report(w->m->context, "generating", "replies", replies_done(w), (double)w->count);
    }
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
        return hma_error(HMA_BAD_DATA,
                         "%s: temperature %g, top_p %g (expected temperature at least 0, top_p above 0 and at most 1): "
                         "correct them",
                         what, r->temperature, r->top_p);
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
static size_t context_of(const work *w) {
    size_t most = SIZE_MAX;
    for (size_t i = 0; i < w->side_count; i++) {
        most = hma_min_size(most, w->sides[i].m->architecture.max_length);
    }
    return most;
}

/* Of one row in the stores of all layers. */
static uint64_t row_bytes(const hma_architecture *a) { return (uint64_t)a->layers * 2 * hma_kv_width(a) * sizeof(float); }

/* Rows of the stores: for all sequences at once if the memory budget allows, at least for each of them alone. */
static size_t store_rows(const work *w) {
    uint64_t row = 0;
    for (size_t i = 0; i < w->side_count; i++) {
        row += row_bytes(&w->sides[i].m->architecture);
    }
    const size_t most = (size_t)(hma_context_left(w->m->context) / 2 / row);
    size_t all = 0, least = 0;
    for (size_t i = 0; i < w->count; i++) {
        const sequence *s = &w->sequences[i];
        const size_t own = hma_whole_tiles(own_rows(s));
        all += (hma_whole_tiles(s->prompt_rows) + own) * HMA_TILE_ROWS;
        least = hma_max_size(least, (hma_whole_tiles(s->prompt.count) + own) * HMA_TILE_ROWS);
    }
    return hma_max_size(least, hma_min_size(all, most));
}

/* Sequences that one step may have: their logits must stay small beside the rest. */
static size_t widest_step(const work *w) {
    const uint64_t logits = w->side_count * w->m->architecture.vocabulary * sizeof(float);
    const uint64_t room = hma_context_left(w->m->context) / 16 / logits;
    return hma_min_size(w->count, (size_t)hma_min_u64(room > 0 ? room : 1, 512));
}

static hma_status prepare_side(side *s, size_t widest, size_t rows) {
    const hma_architecture *a = &s->m->architecture;
    s->stores = HMA_NEW(hma_store, a->layers);
    s->x = hma_context_take(s->m->context, widest * a->hidden, sizeof *s->x);
    s->hidden = hma_context_take(s->m->context, widest * a->hidden, sizeof *s->hidden);
    s->logits = hma_context_take(s->m->context, widest * a->vocabulary, sizeof *s->logits);
    hma_status status = s->stores && s->x && s->hidden && s->logits ? HMA_OK : HMA_FAILURE;
    for (size_t l = 0; status == HMA_OK && l < a->layers; l++) {
        status = hma_store_new(&s->stores[l], s->m->context, a, rows);
    }
    return status;
}

static void free_side(side *s) {
    for (size_t l = 0; s->stores && l < s->m->architecture.layers; l++) {
        hma_store_free(&s->stores[l]);
    }
    free(s->stores);
    hma_context_give(s->m->context, s->x);
    hma_context_give(s->m->context, s->hidden);
    hma_context_give(s->m->context, s->logits);
}

/* The stores are claimed, because others may compute before they are given back. */
static void claim(work *w, size_t rows) {
    for (size_t i = 0; i < w->side_count; i++) {
        w->claimed += (uint64_t)rows * row_bytes(&w->sides[i].m->architecture);
    }
    hma_context_claim(w->m->context, w->claimed);
}

static hma_status prepare(work *w) {
    const size_t rows = store_rows(w);
    w->widest = widest_step(w);
    w->parties = HMA_NEW(party, w->count);
    w->active = HMA_NEW(sequence *, w->widest);
    w->rows = HMA_NEW(size_t, w->widest);
    w->paths = HMA_NEW(uint32_t, w->widest);
    w->finished = HMA_NEW(size_t, w->widest);
    claim(w, rows);
    hma_status status =
        w->parties && w->active && w->rows && w->paths && w->finished ? hma_row_pool_new(&w->pool, rows) : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < w->widest; i++) {
        w->rows[i] = i;
    }
    for (size_t i = 0; status == HMA_OK && i < w->side_count; i++) {
        status = prepare_side(&w->sides[i], w->widest, rows);
    }
    return status;
}

static void clear(work *w) {
    for (size_t i = 0; i < w->count && w->sequences; i++) {
        free(w->sequences[i].spans);
    }
    for (size_t i = 0; i < w->side_count; i++) {
        free_side(&w->sides[i]);
    }
    hma_row_pool_free(&w->pool);
    free(w->sequences);
    free(w->parties);
    free(w->active);
    free(w->rows);
    free(w->paths);
    free(w->finished);
    hma_context_release(w->m->context, w->claimed);
}

/* Everything up to the first prompt. */
static hma_status open_work(work *w, hma_model *const *models, size_t model_count, hma_generation *requests, size_t count) {
    w->m = models[model_count - 1];
    w->side_count = model_count;
    w->count = count;
    w->sequences = HMA_NEW(sequence, count);
    hma_status status = w->sequences ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; i < model_count; i++) {
        w->sides[i].m = models[i];
    }
    for (size_t i = 0; i < count && w->sequences; i++) {
        requests[i].ids = NULL;
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        sequence *s = &w->sequences[i];
        *s = (sequence){.request = &requests[i], .number = i};
        status = begin(models[0], context_of(w), &requests[i], i, &s->prompt);
        s->prompt_rows = s->prompt.count - (i ? hma_ids_common(&w->sequences[i - 1].prompt, &s->prompt) : 0);
    }
    return status == HMA_OK && count ? prepare(w) : status;
}

static void close_work(work *w, hma_generation *requests, hma_status status) {
    if (w->sequences && status != HMA_OK) {
        hma_generation_clear(requests, w->count);
    }
    clear(w);
}

hma_status hma_generate_in_step(hma_model *const *models, size_t model_count, double ratio, hma_generation *requests,
                                size_t count, const hma_onlooker *onlooker) {
    work w = {.ratio = ratio, .onlooker = onlooker};
    hma_status status = open_work(&w, models, model_count, requests, count);
    if (status == HMA_OK) {
        status = run(&w);
    }
    close_work(&w, requests, status);
    return status;
}

/* ---- several models ---- */

typedef struct joint {
    work *works; /* [count] */
    size_t count;
    hma_onlooker *onlookers;
    /* of those that take part in a step */
    work **taking;
    hma_batch *batches;
    hma_engine_step *steps;
    hma_head_job *heads;
} joint;

static hma_status open_joint(joint *j, const hma_companion *companions, size_t count) {
    hma_status status;
    *j = (joint){.works = HMA_NEW(work, count),
                 .onlookers = HMA_NEW(hma_onlooker, count),
                 .taking = HMA_NEW(work *, count),
                 .batches = HMA_NEW(hma_batch, count),
                 .steps = HMA_NEW(hma_engine_step, count),
                 .heads = HMA_NEW(hma_head_job, count)};
    status = j->works && j->onlookers && j->taking && j->batches && j->steps && j->heads ? HMA_OK : HMA_FAILURE;
    while (status == HMA_OK && j->count < count) {
        const hma_companion *c = &companions[j->count];
        j->onlookers[j->count] = (hma_onlooker){.stop = c->stop, .stop_user = c->stop_user};
        j->works[j->count].onlooker = &j->onlookers[j->count];
        status = open_work(&j->works[j->count++], &c->model, 1, c->requests, c->count);
    }
    return status;
}

static void close_joint(joint *j, const hma_companion *companions, hma_status status) {
    for (size_t i = 0; i < j->count; i++) {
        close_work(&j->works[i], companions[i].requests, status);
    }
    free(j->works);
    free(j->onlookers);
    free(j->taking);
    free(j->batches);
    free(j->steps);
    free(j->heads);
}

/* One token for every reply under way of every model. */
static hma_status step_together(joint *j, size_t taking) {
    hma_status status = HMA_OK;
    size_t made = 0;
    for (size_t i = 0; status == HMA_OK && i < taking; i++) {
        work *w = j->taking[i];
        side *s = &w->sides[0];
        status = step_batch(w, &j->batches[i]);
        made += status == HMA_OK;
        j->steps[i] = (hma_engine_step){&s->m->engine, &j->batches[i], s->x, s->stores};
        j->heads[i] = (hma_head_job){&s->m->engine, s->hidden, w->active_count, s->logits};
    }
    if (status == HMA_OK) {
        status = hma_engines_in_step(j->steps, taking);
    }
    for (size_t i = 0; status == HMA_OK && i < taking; i++) {
        side *s = &j->taking[i]->sides[0];
        status = hma_engine_final(&s->m->engine, s->x, j->taking[i]->rows, j->taking[i]->active_count, s->hidden);
    }
    if (status == HMA_OK) {
        status = hma_heads_logits(j->heads, taking);
    }
    for (size_t i = 0; status == HMA_OK && i < taking; i++) {
        status = draw_step(j->taking[i], j->batches[i].rows);
        status = status == HMA_OK ? drop_finished(j->taking[i]) : status;
    }
    for (size_t i = 0; i < made; i++) {
        hma_batch_free(&j->batches[i]);
    }
    return status;
}

/* Lets requests in as long as there is room and enough have left. */
static hma_status let_in(work *w) {
    hma_status status = HMA_OK;
    while (status == HMA_OK && may_enter(w)) {
        const size_t before = w->next;
        status = enter(w, candidates(w));
        if (w->next == before) {
            w->after_entry = w->active_count; /* no room yet: more have to leave */
            break;
        }
        status = status == HMA_OK ? drop_finished(w) : status;
    }
    return status;
}

static hma_status run_joint(joint *j) {
    hma_status status = HMA_OK;
    for (size_t taking = 1; status == HMA_OK && taking > 0;) {
        double done = 0, all = 0;
        taking = 0;
        for (size_t i = 0; status == HMA_OK && i < j->count; i++) {
            work *w = &j->works[i];
            status = let_in(w);
            done += replies_done(w);
            all += (double)w->count;
            if (w->active_count) {
                j->taking[taking++] = w;
            }
        }
        if (status == HMA_OK && taking) {
            status = step_together(j, taking);
        }
        if (status == HMA_OK && j->count) {
            hma_report(j->works[0].m->context, "generating for several candidates", "replies", done, all);
        }
    }
    return status;
}

hma_status hma_generate_together(const hma_companion *companions, size_t count) {
    joint j;
    hma_status status = open_joint(&j, companions, count);
    if (status == HMA_OK) {
        status = run_joint(&j);
    }
    close_joint(&j, companions, status);
    return status;
}

uint64_t hma_generation_bytes(const hma_model *m, const hma_generation *requests, size_t count) {
    uint64_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        rows += (hma_whole_tiles(requests[i].prompt.count) + hma_whole_tiles(requests[i].max_tokens)) * HMA_TILE_ROWS;
    }
    return rows * row_bytes(&m->architecture);
}

hma_status hma_generate_plainly(hma_model *m, hma_generation *requests, size_t count, const hma_onlooker *onlooker) {
    return hma_generate_in_step(&m, 1, 0, requests, count, onlooker);
}

void hma_generation_clear(hma_generation *requests, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(requests[i].ids);
        requests[i].ids = NULL;
        requests[i].count = 0;
    }
}
