/* Who enters, steps, who leaves. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/replying.h"
#include "eval/transformer/sampler.h"

/* ---- what a token does to its sequence ---- */

static bool is_eos(const hma_model *m, int32_t id) {
    for (size_t i = 0; i < m->eos.count; i++) {
        if (m->eos.ids[i] == id) {
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

static void take_token(const hma_replying *w, hma_replying_sequence *s, int32_t id) {
    s->made++;
    s->finished = hma_generation_take(w->m, s->request, s->number, id, w->onlooker->stop, w->onlooker->stop_user);
}

typedef struct sampling {
    const hma_replying *w;
    hma_replying_sequence **sequences;
} sampling;

static hma_status sample_row(void *argument, size_t index, size_t worker) {
    const sampling *job = argument;
    const hma_replying *w = job->w;
    (void)worker;
    hma_replying_sequence *s = job->sequences[index];
    const size_t width = w->m->architecture.vocabulary;
    float *logits = w->sides[0].logits + index * width;
    int32_t id;
    if (w->side_count == HMA_MIXED) {
        hma_mixture_row(logits, w->sides[1].logits + index * width, w->ratio, width, logits);
    }
    const hma_vector *vector = w->m->kernels.vector;
    const size_t position = s->request->position + s->made;
    hma_status status = HMA_OK;
    if (w->screened && hma_screen_serves(s->request)) {
        id = hma_screening_draw(&w->screening, vector, s->request, position, index, logits);
    } else {
        status = hma_sample(vector, s->request, position, logits, width, &id);
    }
    if (status == HMA_OK) {
        take_token(w, s, id);
    }
    return status;
}

/* From a side's x at the given rows to its logits there, or to what bounds them; the sequences are those of the rows. */
static hma_status look_ahead(hma_replying *w, hma_replying_model *s, const float *x, const size_t *rows,
                             hma_replying_sequence *const *sequences, size_t count) {
    const hma_status status = hma_engine_final(&s->m->engine, x, rows, count, s->hidden);
    for (size_t i = 0; i < count; i++) {
        w->whole[i] = !hma_screen_serves(sequences[i]->request);
    }
    return status == HMA_OK ? hma_head_next(&s->m->engine, &w->screening, s->hidden, count, w->whole, s->logits, &w->screened)
                            : status;
}

/* From the sides' logits to one new token for each of the sequences. */
static hma_status draw(hma_replying *w, hma_replying_sequence **sequences, size_t count) {
    sampling job = {w, sequences};
    w->m->counters.generated += count;
    return hma_pool_run(hma_context_pool(w->m->context), count, sample_row, &job);
}

static void count_rows(const hma_replying *w, size_t rows, size_t shared) {
    for (size_t i = 0; i < w->side_count; i++) {
        w->sides[i].m->counters.tokens += rows;
        w->sides[i].m->counters.tokens_shared += shared;
    }
}

/* ---- who enters ---- */

/* How many of those that wait could enter, going by room alone. */
static size_t candidates(const hma_replying *w) {
    size_t n = 0, tiles = 0;
    while (w->next + n < w->count && w->active_count + n < w->widest) {
        const hma_replying_sequence *s = &w->sequences[w->next + n];
        /* the first one has nobody before it whose prompt it could share */
        tiles += (n ? hma_whole_tiles(s->prompt_rows) : hma_whole_tiles(s->prompt.count)) +
                 hma_whole_tiles(hma_replying_own_rows(s));
        if (n && tiles > w->pool.free_tiles) {
            break;
        }
        n++;
    }
    return n;
}

/* Takes rows for the prompts of n sequences and for what each of them will say; nothing when there is not room for all. */
static bool take_rows(hma_replying *w, size_t n, size_t prompt_rows, size_t *prompts) {
    if (!hma_row_pool_take(&w->pool, prompt_rows, prompts)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        hma_replying_sequence *s = &w->sequences[w->next + i];
        if (!hma_row_pool_take(&w->pool, hma_replying_own_rows(s), &s->store)) {
            while (i-- > 0) {
                hma_row_pool_give(&w->pool, w->sequences[w->next + i].store, hma_replying_own_rows(&w->sequences[w->next + i]));
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

static hma_status copy_spans(hma_replying_sequence *s, const hma_batch *batch, size_t leaf) {
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
static hma_status run_prompts(hma_replying *w, const hma_batch *batch, const size_t *rows, hma_replying_sequence **sequences,
                              size_t count) {
    hma_status status = HMA_OK;
    for (size_t i = 0; i < w->side_count && status == HMA_OK; i++) {
        hma_replying_model *s = &w->sides[i];
        float *x = hma_context_take(s->m->context, batch->rows * s->m->architecture.hidden, sizeof *x);
        uint32_t *paths = HMA_NEW(uint32_t, batch->rows);
        status = x && paths ? hma_trunk_run(s->m->trunk, &s->m->engine, batch, x, s->stores, HMA_PASS_CACHED, paths, NULL)
                            : HMA_FAILURE;
        for (size_t r = 0; status == HMA_OK && r < count; r++) {
            sequences[r]->path[i] = paths[rows[r]];
        }
        if (status == HMA_OK) {
            status = look_ahead(w, s, x, rows, sequences, count);
        }
        hma_context_give(s->m->context, x);
        free(paths);
    }
    return status == HMA_OK ? draw(w, sequences, count) : status;
}

/* Lets as many of the next n sequences enter as there is room for in one piece: n, or half as many, and so on. */
static hma_status enter(hma_replying *w, size_t n) {
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
        hma_replying_party *p = &w->parties[w->party_count++];
        *p = (hma_replying_party){store, batch.rows, n};
        for (size_t i = 0; i < n; i++) {
            rows[i] = hma_batch_row(&batch, leaf[i], prompts[i].count - 1);
            given += prompts[i].count;
        }
        status = hma_batch_ask(&batch, rows, n);
        move_to(&batch, store);
        for (size_t i = 0; status == HMA_OK && i < n; i++) {
            hma_replying_sequence *s = &w->sequences[w->next + i];
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
hma_status hma_replying_step_batch(const hma_replying *w, hma_batch *out) {
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
        hma_replying_sequence *s = w->active[i];
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
hma_status hma_replying_draw(hma_replying *w, size_t rows) {
    const hma_status status = draw(w, w->active, w->active_count);
    count_rows(w, rows, 0);
    return status;
}

static hma_status step(hma_replying *w) {
    hma_batch batch;
    hma_status status = hma_replying_step_batch(w, &batch);
    if (status != HMA_OK) {
        return status;
    }
    for (size_t i = 0; i < w->side_count && status == HMA_OK; i++) {
        hma_replying_model *s = &w->sides[i];
        for (size_t r = 0; r < batch.rows; r++) {
            w->paths[r] = w->active[r]->path[i];
        }
        status = hma_trunk_run(s->m->trunk, &s->m->engine, &batch, s->x, s->stores, HMA_PASS_STEP, w->paths, NULL);
        for (size_t r = 0; r < batch.rows; r++) {
            w->active[r]->path[i] = w->paths[r];
        }
        if (status == HMA_OK) {
            status = look_ahead(w, s, s->x, w->rows, w->active, w->active_count);
        }
    }
    if (status == HMA_OK) {
        status = hma_replying_draw(w, batch.rows);
    }
    hma_batch_free(&batch);
    return status;
}

static void leave(hma_replying *w, hma_replying_sequence *s) {
    hma_row_pool_give(&w->pool, s->store, hma_replying_own_rows(s));
    if (--s->party->left == 0) {
        hma_row_pool_give(&w->pool, s->party->store, s->party->rows);
    }
    free(s->spans);
    s->spans = NULL;
}

hma_status hma_replying_drop_finished(hma_replying *w) {
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
static bool may_enter(const hma_replying *w) {
    return w->next < w->count && (w->active_count == 0 || w->active_count < w->after_entry - w->after_entry / 4);
}

/* Replies, with the part of each that is there of those under way. */
double hma_replying_done(const hma_replying *w) {
    double done = (double)(w->next - w->active_count);
    for (size_t i = 0; i < w->active_count; i++) {
        done += (double)w->active[i]->made / (double)w->active[i]->request->max_tokens;
    }
    return done;
}

/* Lets requests in as long as there is room and enough have left. */
hma_status hma_replying_let_in(hma_replying *w) {
    hma_status status = HMA_OK;
    while (status == HMA_OK && may_enter(w)) {
        const size_t before = w->next;
        status = enter(w, candidates(w));
        if (w->next == before) {
            w->after_entry = w->active_count; /* no room yet: more have to leave */
            break;
        }
        status = status == HMA_OK ? hma_replying_drop_finished(w) : status;
    }
    return status;
}

/* Until nobody waits and nobody is under way. The stores hold every sequence alone, so empty ones always take the next. */
hma_status hma_replying_run(hma_replying *w) {
    hma_status status = HMA_OK;
    while (status == HMA_OK && (w->next < w->count || w->active_count)) {
        status = hma_replying_let_in(w);
        if (status == HMA_OK && w->active_count) {
            status = step(w);
            status = status == HMA_OK ? hma_replying_drop_finished(w) : status;
        }
        if (status == HMA_OK) {
            hma_report(w->m->context, "generating", "replies", hma_replying_done(w), (double)w->count);
        }
    }
    return status;
}
