#include "eval/transformer/trunk.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/token_paths.h"

/* Rows that memory is taken for at a time. */
enum { PAGE_ROWS = 256 };

/* Streams of rows path / PAGE_ROWS * PAGE_ROWS .. */
typedef struct page {
    uint32_t epoch[PAGE_ROWS]; /* when the row was kept; 0: never */
    float *x;                  /* [PAGE_ROWS, hidden] */
} page;

typedef struct level {
    size_t depth;
    char key[65];   /* of the layers before it */
    uint32_t epoch; /* counts the keys that it has had: a row that was kept in another epoch is worth nothing */
    page **pages;   /* [page_count], NULL where nothing was kept */
    size_t page_count, page_capacity;
} level;

struct hma_trunk {
    hma_context *context;
    const hma_architecture *a;
    hma_token_paths paths;
    level *levels; /* by depth */
    size_t level_count;
    uint64_t held; /* bytes of all pages */
    double saved;
};

hma_status hma_trunk_new(hma_trunk **out, hma_context *context, const hma_architecture *a) {
    hma_trunk *t = HMA_NEW(hma_trunk, 1);
    if (!t) {
        return HMA_FAILURE;
    }
    t->context = context;
    t->a = a;
    *out = t;
    return HMA_OK;
}

/* ---- memory ---- */

static uint64_t page_bytes(const hma_trunk *t) { return sizeof(page) + (uint64_t)PAGE_ROWS * t->a->hidden * sizeof(float); }

static uint64_t budget(const hma_trunk *t) { return hma_context_left(t->context) / 4; }

static void drop_pages(hma_trunk *t, level *l) {
    for (size_t p = 0; p < l->page_count; p++) {
        if (l->pages[p]) {
            free(l->pages[p]->x);
            free(l->pages[p]);
            t->held -= page_bytes(t);
        }
    }
    free(l->pages);
    l->pages = NULL;
    l->page_count = l->page_capacity = 0;
}

void hma_trunk_free(hma_trunk *trunk) {
    if (trunk) {
        for (size_t i = 0; i < trunk->level_count; i++) {
            drop_pages(trunk, &trunk->levels[i]);
        }
        free(trunk->levels);
        hma_token_paths_free(&trunk->paths);
        free(trunk);
    }
}

double hma_trunk_saved(const hma_trunk *trunk) { return trunk->saved; }

/* Room for one more page of a level, if need be at the cost of shallower ones. */
static bool make_room(hma_trunk *t, const level *l) {
    for (level *shallow = t->levels; t->held + page_bytes(t) > budget(t) && shallow < l; shallow++) {
        drop_pages(t, shallow);
    }
    return t->held + page_bytes(t) <= budget(t);
}

/* The page of a path; NULL when there is no room for it: what is not kept is computed again. */
static page *page_for(hma_trunk *t, level *l, size_t path) {
    const size_t number = path / PAGE_ROWS;
    if (number < l->page_count && l->pages[number]) {
        return l->pages[number];
    }
    if (!make_room(t, l) || hma_grow(&l->pages, &l->page_capacity, number + 1, sizeof(page *))) {
        return NULL;
    }
    while (l->page_count <= number) {
        l->pages[l->page_count++] = NULL;
    }
    page *fresh = HMA_NEW(page, 1);
    float *x = fresh ? hma_new_aligned(PAGE_ROWS * t->a->hidden, sizeof *x) : NULL;
    if (!x) {
        free(fresh);
        return NULL;
    }
    fresh->x = x;
    t->held += page_bytes(t);
    l->pages[number] = fresh;
    return fresh;
}

/* What is kept of a path at a level; NULL when nothing is that is good for the model in hand. */
static const float *kept(const hma_trunk *t, const level *l, uint32_t path) {
    const size_t number = path / PAGE_ROWS, row = path % PAGE_ROWS;
    const page *p = path != HMA_NO_PATH && number < l->page_count ? l->pages[number] : NULL;
    return p && p->epoch[row] == l->epoch ? p->x + row * t->a->hidden : NULL;
}

static void keep_row(hma_trunk *t, level *l, uint32_t path, const float *x) {
    page *p = path == HMA_NO_PATH || kept(t, l, path) ? NULL : page_for(t, l, path);
    if (p) {
        memcpy(p->x + path % PAGE_ROWS * t->a->hidden, x, t->a->hidden * sizeof *x);
        p->epoch[path % PAGE_ROWS] = l->epoch;
    }
}

/* ---- what is kept for whom ---- */

static void bind_level(level *l, const hma_weights *weights) {
    const char *key = hma_weights_trunk_key(weights, l->depth);
    if (strcmp(l->key, key) != 0) {
        memcpy(l->key, key, sizeof l->key);
        l->epoch++;
    }
}

void hma_trunk_bind(hma_trunk *t, const hma_weights *weights) {
    for (size_t i = 0; i < t->level_count; i++) {
        bind_level(&t->levels[i], weights);
    }
}

hma_status hma_trunk_keep(hma_trunk *t, const hma_weights *weights, const size_t *depths, size_t count) {
    level *fresh = HMA_NEW(level, count);
    if (!fresh) {
        return HMA_FAILURE;
    }
    size_t old = 0;
    for (size_t i = 0; i < count; i++) {
        fresh[i].depth = depths[i];
        for (; old < t->level_count && t->levels[old].depth <= depths[i]; old++) {
            if (t->levels[old].depth == depths[i]) {
                fresh[i] = t->levels[old];
                t->levels[old] = (level){0};
            }
            drop_pages(t, &t->levels[old]);
        }
        bind_level(&fresh[i], weights);
    }
    for (; old < t->level_count; old++) {
        drop_pages(t, &t->levels[old]);
    }
    free(t->levels);
    t->levels = fresh;
    t->level_count = count;
    return HMA_OK;
}

/* ---- a pass ---- */

/* Between levels i and i+1 (0 is the embedding, the last is the end) those runs are computed that begin at level i or before.
 */
typedef struct pass {
    hma_trunk *t;
    hma_engine *e;
    const hma_batch *batch;
    float *x;
    uint32_t *paths; /* [rows] */
    size_t *parent;  /* [runs]: SIZE_MAX: none */
    size_t *start;   /* [runs]: level at which it begins */
    size_t *place;   /* [runs]: first of its rows in x now */
    hma_batch part;  /* the runs that are computed; its spans are the batch's */
} pass;

/* The runs that runs continue: every run but a first one has its parent's rows as its last span but one. */
static hma_status find_parents(pass *p) {
    const hma_batch *b = p->batch;
    size_t *run_of_row = HMA_NEW(size_t, b->rows);
    if (!run_of_row) {
        return HMA_FAILURE;
    }
    for (size_t r = 0; r < b->run_count; r++) {
        const hma_run_of_rows *run = &b->runs[r];
        run_of_row[run->first] = r;
        p->parent[r] = run->span_count > 1 ? run_of_row[b->spans[run->span_first + run->span_count - 2].first] : SIZE_MAX;
    }
    free(run_of_row);
    return HMA_OK;
}

static hma_status find_paths(pass *p) {
    const uint64_t most = budget(p->t) / (p->t->a->hidden * sizeof(float));
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
                status = hma_token_paths_extend(&p->t->paths, path, p->batch->ids[i], (size_t)hma_min_u64(most, UINT32_MAX - 1),
                                                &p->paths[i]);
            }
            path = p->paths[i];
        }
    }
    return status;
}

/* The deepest level that has all rows of a run; level number i is t->levels[i - 1]. */
static size_t deepest(const pass *p, const hma_run_of_rows *run) {
    for (size_t i = p->t->level_count; i > 0; i--) {
        size_t row = run->first;
        while (row < run->first + run->count && kept(p->t, &p->t->levels[i - 1], p->paths[row])) {
            row++;
        }
        if (row == run->first + run->count) {
            return i;
        }
    }
    return 0;
}

/* A run needs the keys and values of those that it continues: they cannot begin later than it does. */
static void find_starts(pass *p) {
    for (size_t r = 0; r < p->batch->run_count; r++) {
        p->start[r] = deepest(p, &p->batch->runs[r]);
    }
    for (size_t r = p->batch->run_count; r-- > 0;) {
        if (p->parent[r] != SIZE_MAX) {
            p->start[p->parent[r]] = hma_min_size(p->start[p->parent[r]], p->start[r]);
        }
    }
}

static hma_status begin(pass *p) {
    const hma_batch *b = p->batch;
    p->paths = HMA_NEW(uint32_t, b->rows);
    p->parent = HMA_NEW(size_t, b->run_count);
    p->start = HMA_NEW(size_t, b->run_count);
    p->place = HMA_NEW(size_t, b->run_count);
    p->part = (hma_batch){.ids = HMA_NEW(int32_t, b->rows),
                          .positions = HMA_NEW(uint32_t, b->rows),
                          .store = HMA_NEW(size_t, b->rows),
                          .asked = b->asked ? HMA_NEW(bool, b->rows) : NULL,
                          .runs = HMA_NEW(hma_run_of_rows, b->run_count),
                          .spans = b->spans,
                          .span_count = b->span_count,
                          .store_rows = b->store_rows,
                          .longest = b->longest};
    if (!p->paths || !p->parent || !p->start || !p->place || !p->part.ids || !p->part.positions || !p->part.store ||
        !p->part.runs || (b->asked && !p->part.asked)) {
        return HMA_FAILURE;
    }
    hma_status status = find_parents(p);
    if (status == HMA_OK) {
        status = find_paths(p);
    }
    if (status == HMA_OK) {
        find_starts(p);
    }
    return status;
}

static void end(pass *p) {
    p->part.spans = NULL; /* the batch's */
    hma_batch_free(&p->part);
    free(p->paths);
    free(p->parent);
    free(p->start);
    free(p->place);
}

/* The runs that are computed from level `at` on, one after the other. */
static void take_part(pass *p, size_t at) {
    const hma_batch *b = p->batch;
    p->part.rows = p->part.run_count = 0;
    for (size_t r = 0; r < b->run_count; r++) {
        const hma_run_of_rows *run = &b->runs[r];
        if (p->start[r] > at) {
            continue;
        }
        hma_run_of_rows *taken = &p->part.runs[p->part.run_count++];
        *taken = *run;
        taken->first = p->part.rows;
        memcpy(p->part.ids + p->part.rows, b->ids + run->first, run->count * sizeof *b->ids);
        memcpy(p->part.positions + p->part.rows, b->positions + run->first, run->count * sizeof *b->positions);
        memcpy(p->part.store + p->part.rows, b->store + run->first, run->count * sizeof *b->store);
        if (b->asked) {
            memcpy(p->part.asked + p->part.rows, b->asked + run->first, run->count * sizeof *b->asked);
        }
        p->part.rows += run->count;
    }
}

/* Rows move up in x to make place for those that begin here; from the last to the first, so that none is overwritten. */
static void spread(pass *p, size_t at) {
    const size_t hidden = p->t->a->hidden;
    size_t taken = p->part.run_count;
    for (size_t r = p->batch->run_count; r-- > 0;) {
        const hma_run_of_rows *run = &p->batch->runs[r];
        if (p->start[r] > at) {
            continue;
        }
        const size_t to = p->part.runs[--taken].first;
        if (p->start[r] < at) {
            memmove(p->x + to * hidden, p->x + p->place[r] * hidden, run->count * hidden * sizeof *p->x);
        }
        for (size_t i = 0; p->start[r] == at && i < run->count; i++) {
            memcpy(p->x + (to + i) * hidden, kept(p->t, &p->t->levels[at - 1], p->paths[run->first + i]),
                   hidden * sizeof *p->x);
        }
        p->place[r] = to;
    }
}

static void keep_rows(pass *p, size_t at, level *l) {
    const size_t hidden = p->t->a->hidden;
    size_t taken = 0;
    for (size_t r = 0; r < p->batch->run_count; r++) {
        const hma_run_of_rows *run = &p->batch->runs[r];
        if (p->start[r] > at) {
            continue;
        }
        const size_t first = p->part.runs[taken++].first;
        p->place[r] = first;
        for (size_t i = 0; i < run->count; i++) {
            keep_row(p->t, l, p->paths[run->first + i], p->x + (first + i) * hidden);
        }
    }
}

static hma_status run_levels(pass *p, hma_store *store, const hma_tally *tally) {
    hma_trunk *t = p->t;
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i <= t->level_count; i++) {
        const size_t from = i ? t->levels[i - 1].depth : 0, to = i < t->level_count ? t->levels[i].depth : t->a->layers;
        take_part(p, i);
        t->saved += (double)(p->batch->rows - p->part.rows) * (double)(to - from);
        if (p->part.rows == 0) {
            continue;
        }
        if (i > 0) {
            spread(p, i);
        } else {
            status = hma_engine_embed(p->e, &p->part, p->x);
        }
        if (status == HMA_OK) {
            status = hma_engine_between(p->e, &p->part, p->x, store, false, from, to, tally);
        }
        if (status == HMA_OK && i < t->level_count) {
            keep_rows(p, i, &t->levels[i]);
        }
    }
    return status;
}

hma_status hma_trunk_run(hma_trunk *trunk, hma_engine *engine, const hma_batch *batch, float *x, hma_store *store,
                         const hma_tally *tally) {
    if (trunk->level_count == 0 || !engine->kernels->gemm->invariant) {
        const hma_status status = hma_engine_embed(engine, batch, x);
        return status == HMA_OK ? hma_engine_layers(engine, batch, x, store, false, tally) : status;
    }
    pass p = {.t = trunk, .e = engine, .batch = batch, .x = x};
    hma_status status = begin(&p);
    if (status == HMA_OK) {
        status = run_levels(&p, store, tally);
    }
    end(&p);
    return status;
}
