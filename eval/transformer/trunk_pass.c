/* One pass over the layers that begins, for every row, where what is kept of it lets it begin. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "eval/transformer/trunk_parts.h"

/* Rows of a run that begin at the same level. Level 0 is the embedding, level i is levels[i - 1]. */
typedef struct piece {
    size_t run, first, count; /* rows of the batch */
    size_t start;             /* level */
    size_t place;             /* of its first row in x now */
} piece;

/* Keys and values of a row, of the layers between two levels. */
typedef struct cached_row {
    size_t store; /* row of the key/value store */
    float *kept;
} cached_row;

typedef struct pass {
    hma_trunk *t;
    hma_engine *e;
    const hma_batch *batch;
    float *x;
    hma_pass_use use;
    size_t known_before; /* paths with a smaller number came in another pass before */
    uint32_t *paths;     /* [rows] */
    uint32_t *start;     /* [rows] level at which it begins */
    uint32_t *need;      /* [rows] first level at which one that goes on from it begins; level_count + 1: nobody does */
    size_t *parent;      /* [runs]: SIZE_MAX: none */
    piece *pieces;
    size_t piece_count, piece_capacity;
    hma_batch part; /* the pieces that are computed; its spans are the batch's */
    /* between two levels */
    size_t from;                  /* layer */
    cached_row *restored, *saved; /* [rows] */
    size_t restored_count, saved_count;
    hma_store *store; /* of the layer */
    size_t layer;
} pass;

/* ---- who the rows are ---- */

/* The runs that runs continue: every run but a first one has its parent's rows as its last span but one. */
static hma_status find_parents(pass *p) {
    const hma_batch *b = p->batch;
    size_t *run_of_row = HMA_NEW(size_t, b->store_rows);
    if (!run_of_row) {
        return HMA_FAILURE;
    }
    for (size_t r = 0; r < b->run_count; r++) {
        const hma_run_of_rows *run = &b->runs[r];
        run_of_row[run->store] = r;
        p->parent[r] = run->span_count > 1 ? run_of_row[b->spans[run->span_first + run->span_count - 2].first] : SIZE_MAX;
    }
    free(run_of_row);
    return HMA_OK;
}

/* Of a step: the caller says what its rows go on from. */
static hma_status find_step_paths(pass *p, const uint32_t *before) {
    const size_t most = hma_trunk_most_paths(p->t);
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < p->batch->rows; i++) {
        p->parent[i] = SIZE_MAX;
        p->paths[i] = HMA_NO_PATH;
        if (before[i] != HMA_NO_PATH) {
            status = hma_token_paths_extend(&p->t->paths, before[i], p->batch->ids[i], most, &p->paths[i]);
        }
    }
    return status;
}

static hma_status find_paths(pass *p) {
    const size_t most = hma_trunk_most_paths(p->t);
    hma_status status = HMA_OK;
    for (size_t r = 0; status == HMA_OK && r < p->batch->run_count; r++) {
        const hma_run_of_rows *run = &p->batch->runs[r];
        uint32_t path = HMA_NO_PATH;
        if (p->parent[r] != SIZE_MAX) {
            const hma_run_of_rows *parent = &p->batch->runs[p->parent[r]];
            path = p->paths[parent->first + parent->count - 1];
        }
        for (size_t i = run->first; status == HMA_OK && i < run->first + run->count; i++) {
            const bool lost = path == HMA_NO_PATH && (i > run->first || p->parent[r] != SIZE_MAX);
            p->paths[i] = HMA_NO_PATH;
            if (!lost) {
                status = hma_token_paths_extend(&p->t->paths, path, p->batch->ids[i], most, &p->paths[i]);
            }
            path = p->paths[i];
        }
    }
    return status;
}

/* ---- where they begin ---- */

static bool fills_stores(const pass *p) { return p->use == HMA_PASS_CACHED || p->use == HMA_PASS_STEP; }

static bool is_cached(const pass *p, size_t row, size_t level) {
    for (size_t i = 0; i < level; i++) {
        if (!hma_kept_rows_find(&p->t->levels[i].caches, p->paths[row])) {
            return false;
        }
    }
    return true;
}

/* What leaves all layers is not kept: there nothing but keys and values can be wanted of a row. */
static bool has_stream(const pass *p, size_t row, size_t level) {
    const hma_trunk_level *l = &p->t->levels[level - 1];
    if (l->depth == p->t->a->layers) {
        return p->batch->asked && !p->batch->asked[row];
    }
    return hma_kept_rows_find(&l->streams, p->paths[row]) != NULL;
}

/* The deepest level from which a row can go on: what follows it must have its keys and values below. */
static uint32_t find_start(const pass *p, size_t row) {
    for (size_t i = p->t->level_count; i > 0; i--) {
        const bool below_wanted = fills_stores(p) || p->need[row] < i;
        if (has_stream(p, row, i) && (!below_wanted || is_cached(p, row, i))) {
            return (uint32_t)i;
        }
    }
    return 0;
}

/* From the last row to the first, because runs come after those that they continue. */
static void find_starts(pass *p) {
    const hma_batch *b = p->batch;
    for (size_t i = 0; i < b->rows; i++) {
        p->need[i] = (uint32_t)p->t->level_count + 1;
    }
    for (size_t r = b->run_count; r-- > 0;) {
        const hma_run_of_rows *run = &b->runs[r];
        for (size_t i = run->first + run->count; i-- > run->first;) {
            p->start[i] = find_start(p, i);
            const uint32_t first = p->start[i] < p->need[i] ? p->start[i] : p->need[i];
            size_t before = i - 1;
            if (i == run->first) {
                if (p->parent[r] == SIZE_MAX) {
                    break;
                }
                before = b->runs[p->parent[r]].first + b->runs[p->parent[r]].count - 1;
            }
            p->need[before] = first < p->need[before] ? first : p->need[before];
        }
    }
}

static hma_status cut_into_pieces(pass *p) {
    for (size_t r = 0; r < p->batch->run_count; r++) {
        const hma_run_of_rows *run = &p->batch->runs[r];
        for (size_t i = run->first, end = run->first + run->count; i < end;) {
            size_t to = i + 1;
            while (to < end && p->start[to] == p->start[i]) {
                to++;
            }
            if (hma_grow(&p->pieces, &p->piece_capacity, p->piece_count + 1, sizeof *p->pieces)) {
                return HMA_FAILURE;
            }
            p->pieces[p->piece_count++] = (piece){.run = r, .first = i, .count = to - i, .start = p->start[i]};
            i = to;
        }
    }
    return HMA_OK;
}

static hma_status begin(pass *p, const uint32_t *before) {
    const hma_batch *b = p->batch;
    p->paths = HMA_NEW(uint32_t, b->rows);
    p->start = HMA_NEW(uint32_t, b->rows);
    p->need = HMA_NEW(uint32_t, b->rows);
    p->parent = HMA_NEW(size_t, b->run_count);
    p->restored = HMA_NEW(cached_row, b->rows);
    p->saved = HMA_NEW(cached_row, b->rows);
    if (!p->paths || !p->start || !p->need || !p->parent || !p->restored || !p->saved) {
        return HMA_FAILURE;
    }
    p->known_before = p->t->paths.count;
    hma_status status = p->use == HMA_PASS_STEP ? find_step_paths(p, before) : find_parents(p);
    if (status == HMA_OK && p->use != HMA_PASS_STEP) {
        status = find_paths(p);
    }
    if (status == HMA_OK) {
        find_starts(p);
        status = cut_into_pieces(p);
    }
    if (status != HMA_OK) {
        return status;
    }
    p->part = (hma_batch){.ids = HMA_NEW(int32_t, b->rows),
                          .positions = HMA_NEW(uint32_t, b->rows),
                          .store = HMA_NEW(size_t, b->rows),
                          .asked = b->asked ? HMA_NEW(bool, b->rows) : NULL,
                          .runs = HMA_NEW(hma_run_of_rows, p->piece_count),
                          .spans = b->spans,
                          .span_count = b->span_count,
                          .store_rows = b->store_rows,
                          .longest = b->longest};
    return p->part.ids && p->part.positions && p->part.store && p->part.runs && (!b->asked || p->part.asked) ? HMA_OK
                                                                                                             : HMA_FAILURE;
}

static void end(pass *p) {
    p->part.spans = NULL; /* the batch's */
    hma_batch_free(&p->part);
    free(p->paths);
    free(p->start);
    free(p->need);
    free(p->parent);
    free(p->pieces);
    free(p->restored);
    free(p->saved);
}

/* ---- rows between two levels ---- */

/* The pieces that are computed from level `at` on, one after the other. */
static void take_part(pass *p, size_t at) {
    const hma_batch *b = p->batch;
    hma_batch *part = &p->part;
    part->rows = part->run_count = 0;
    for (size_t i = 0; i < p->piece_count; i++) {
        const piece *one = &p->pieces[i];
        if (one->start > at) {
            continue;
        }
        const hma_run_of_rows *run = &b->runs[one->run];
        const size_t skipped = one->first - run->first;
        part->runs[part->run_count++] = (hma_run_of_rows){.first = part->rows,
                                                          .count = one->count,
                                                          .position = run->position + skipped,
                                                          .store = run->store + skipped,
                                                          .span_first = run->span_first,
                                                          .span_count = run->span_count};
        memcpy(part->ids + part->rows, b->ids + one->first, one->count * sizeof *b->ids);
        memcpy(part->positions + part->rows, b->positions + one->first, one->count * sizeof *b->positions);
        memcpy(part->store + part->rows, b->store + one->first, one->count * sizeof *b->store);
        if (b->asked) {
            memcpy(part->asked + part->rows, b->asked + one->first, one->count * sizeof *b->asked);
        }
        part->rows += one->count;
    }
}

/* Rows move up in x to make place for those that begin here; from the last to the first, so that none is overwritten. */
static void spread(pass *p, size_t at) {
    const size_t hidden = p->t->a->hidden;
    size_t taken = p->part.run_count;
    for (size_t i = p->piece_count; i-- > 0;) {
        piece *one = &p->pieces[i];
        if (one->start > at) {
            continue;
        }
        const size_t to = p->part.runs[--taken].first;
        if (one->start < at) {
            memmove(p->x + to * hidden, p->x + one->place * hidden, one->count * hidden * sizeof *p->x);
        }
        for (size_t r = 0; at > 0 && one->start == at && r < one->count; r++) {
            const float *kept = hma_kept_rows_find(&p->t->levels[at - 1].streams, p->paths[one->first + r]);
            if (kept) { /* not after all layers */
                memcpy(p->x + (to + r) * hidden, kept, hidden * sizeof *p->x);
            }
        }
        one->place = to;
    }
}

/* Of what is generated a stream is kept where keys and values are, without which nothing could go on from it. */
static float *add_stream(pass *p, hma_trunk_level *level, uint32_t path) {
    if (p->use != HMA_PASS_STEP) {
        return hma_trunk_add_stream(p->t, level, path);
    }
    return hma_kept_rows_find(&level->caches, path) ? hma_trunk_add_spare_stream(p->t, level, path) : NULL;
}

static void keep_streams(pass *p, size_t at, hma_trunk_level *level) {
    const size_t hidden = p->t->a->hidden;
    for (size_t i = 0; level->depth < p->t->a->layers && i < p->piece_count; i++) {
        const piece *one = &p->pieces[i];
        for (size_t r = 0; one->start <= at && r < one->count; r++) {
            const uint32_t path = p->paths[one->first + r];
            float *kept = path == HMA_NO_PATH || hma_kept_rows_find(&level->streams, path) ? NULL : add_stream(p, level, path);
            if (kept) {
                memcpy(kept, p->x + (one->place + r) * hidden, hidden * sizeof *kept);
            }
        }
    }
}

/* ---- keys and values between two levels ---- */

/* Whether a path's keys and values between two levels may be wanted again. */
static bool is_worth_keeping(const pass *p, const hma_trunk_level *level, uint32_t path) {
    if (path == HMA_NO_PATH || p->use == HMA_PASS_COMPLETE) {
        return false;
    }
    return p->use == HMA_PASS_STEP ? level->wanted && level->depth < p->t->a->layers : path < p->known_before;
}

/* Who gets its keys and values from what is kept, and whose are to be kept. */
static void find_cached(pass *p, size_t at, hma_trunk_level *level) {
    p->restored_count = p->saved_count = 0;
    for (size_t i = 0; i < p->batch->rows; i++) {
        const uint32_t path = p->paths[i];
        float *kept = hma_kept_rows_find(&level->caches, path);
        if (p->start[i] > at) {
            if (fills_stores(p) || p->need[i] <= at) {
                p->restored[p->restored_count++] = (cached_row){p->batch->store[i], kept};
            }
        } else if (!kept && is_worth_keeping(p, level, path)) {
            kept = hma_trunk_add_cache(p->t, level, path);
            if (kept) {
                p->saved[p->saved_count++] = (cached_row){p->batch->store[i], kept};
            }
        }
    }
}

enum { ROWS_AT_ONCE = 16 };

static hma_status restore_rows(void *argument, size_t index, size_t worker) {
    const pass *p = argument;
    const size_t width = hma_kv_width(p->t->a), to = hma_min_size(p->restored_count, (index + 1) * ROWS_AT_ONCE);
    (void)worker;
    for (size_t i = index * ROWS_AT_ONCE; i < to; i++) {
        const float *key = p->restored[i].kept + (p->layer - p->from) * 2 * width;
        hma_store_put(p->store, p->restored[i].store, key, key + width);
    }
    return HMA_OK;
}

static hma_status save_rows(void *argument, size_t index, size_t worker) {
    const pass *p = argument;
    const size_t width = hma_kv_width(p->t->a), to = hma_min_size(p->saved_count, (index + 1) * ROWS_AT_ONCE);
    (void)worker;
    for (size_t i = index * ROWS_AT_ONCE; i < to; i++) {
        float *key = p->saved[i].kept + (p->layer - p->from) * 2 * width;
        hma_store_get(p->store, p->saved[i].store, key, key + width);
    }
    return HMA_OK;
}

static hma_status for_rows(pass *p, size_t count, hma_work_fn work) {
    return hma_pool_run(hma_context_pool(p->t->context), (count + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE, work, p);
}

static hma_status before_layer(void *user, size_t layer, hma_store *store) {
    pass *p = user;
    p->layer = layer;
    p->store = store;
    return for_rows(p, p->restored_count, restore_rows);
}

static hma_status after_layer(void *user, size_t layer, hma_store *store) {
    pass *p = user;
    p->layer = layer;
    p->store = store;
    return for_rows(p, p->saved_count, save_rows);
}

/* ---- all levels ---- */

/* Keys and values of the layers between two levels, where there is a store for each. */
static hma_status restore_all(pass *p, hma_store *stores, size_t to) {
    hma_status status = HMA_OK;
    for (size_t l = p->from; fills_stores(p) && l < to && status == HMA_OK; l++) {
        status = before_layer(p, l, &stores[l]);
    }
    return status;
}

/* A step: its rows see neither each other nor those that are not computed. */
static hma_status run_step(pass *p, hma_store *stores, size_t to) {
    hma_status status = restore_all(p, stores, to);
    if (status == HMA_OK) {
        status = hma_engine_apart(p->e, &p->part, p->x, stores, p->from, to);
    }
    for (size_t l = p->from; l < to && status == HMA_OK; l++) {
        status = after_layer(p, l, &stores[l]);
    }
    return status;
}

/* From level `at` to the next one. */
static hma_status run_level(pass *p, size_t at, hma_store *stores, const hma_tally *tally) {
    hma_trunk *t = p->t;
    hma_trunk_level *next = at < t->level_count ? &t->levels[at] : NULL;
    const size_t from = at ? t->levels[at - 1].depth : 0, to = next ? next->depth : t->a->layers;
    const hma_layer_watch watch = {before_layer, after_layer, p};
    hma_status status = HMA_OK;
    take_part(p, at);
    spread(p, at);
    p->restored_count = p->saved_count = 0;
    p->from = from;
    if (next) {
        find_cached(p, at, next);
    }
    if (from == to || p->part.rows == 0) {
        return restore_all(p, stores, to);
    }
    if (at == 0) {
        status = hma_engine_embed(p->e, &p->part, p->x);
    }
    if (status == HMA_OK && p->use == HMA_PASS_STEP) {
        status = run_step(p, stores, to);
    } else if (status == HMA_OK) {
        status = hma_engine_between(p->e, &p->part, p->x, stores, fills_stores(p), from, to, &watch, tally);
    }
    if (status != HMA_OK && next) {
        hma_kept_rows_forget(&next->caches); /* rows that were to be filled are not */
    }
    if (status == HMA_OK && next) {
        keep_streams(p, at, next);
    }
    return status;
}

hma_status hma_trunk_run(hma_trunk *trunk, hma_engine *engine, const hma_batch *batch, float *x, hma_store *stores,
                         hma_pass_use use, uint32_t *paths, const hma_tally *tally) {
    pass p = {.t = trunk, .e = engine, .batch = batch, .x = x, .use = use};
    if (trunk->level_count == 0 || !engine->kernels->gemm->invariant) {
        for (size_t i = 0; paths && i < batch->rows; i++) {
            paths[i] = HMA_NO_PATH;
        }
        const hma_status status = hma_engine_embed(engine, batch, x);
        if (status == HMA_OK && use == HMA_PASS_STEP) {
            return hma_engine_apart(engine, batch, x, stores, 0, engine->a->layers);
        }
        return status == HMA_OK ? hma_engine_layers(engine, batch, x, stores, fills_stores(&p), tally) : status;
    }
    hma_status status = begin(&p, paths);
    if (status == HMA_OK && paths) {
        memcpy(paths, p.paths, batch->rows * sizeof *paths);
    }
    for (size_t i = 0; status == HMA_OK && i <= trunk->level_count; i++) {
        status = run_level(&p, i, stores, tally);
    }
    end(&p);
    return status;
}
