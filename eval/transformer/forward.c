#include "eval/transformer/forward.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/layer.h"
#include "eval/transformer/rope.h"

/* Lanes and a tail that were never written are read, but nothing comes of what they hold. */
hma_status hma_store_new(hma_store *out, hma_context *context, const hma_architecture *a, size_t rows) {
    hma_store s = {.context = context, .rows = (rows + 15) / 16 * 16, .kv_heads = a->kv_heads, .head_dim = a->head_dim};
    size_t count;
    if (!hma_mul_size(&count, s.rows, hma_kv_width(a))) {
        return hma_error_memory("keys and values");
    }
    s.keys = hma_context_take(context, count, sizeof *s.keys);
    s.values = hma_context_take(context, count + 16, sizeof *s.values);
    if (!s.keys || !s.values) {
        hma_store_free(&s);
        return HMA_FAILURE;
    }
    *out = s;
    return HMA_OK;
}

void hma_store_free(hma_store *store) {
    if (store->context) {
        hma_context_give(store->context, store->keys);
        hma_context_give(store->context, store->values);
    }
    *store = (hma_store){0};
}

void hma_store_put(hma_store *store, size_t row, const float *key, const float *value) {
    const size_t dims = store->head_dim;
    for (size_t h = 0; h < store->kv_heads; h++) {
        float *tile = store->keys + (h * store->rows + row / 16 * 16) * dims + row % 16;
        for (size_t d = 0; d < dims; d++) {
            tile[d * 16] = key[h * dims + d];
        }
        memcpy(store->values + (h * store->rows + row) * dims, value + h * dims, dims * sizeof *value);
    }
}

void hma_store_get(const hma_store *store, size_t row, float *key, float *value) {
    const size_t dims = store->head_dim;
    for (size_t h = 0; h < store->kv_heads; h++) {
        const float *tile = store->keys + (h * store->rows + row / 16 * 16) * dims + row % 16;
        for (size_t d = 0; d < dims; d++) {
            key[h * dims + d] = tile[d * 16];
        }
        memcpy(value + h * dims, store->values + (h * store->rows + row) * dims, dims * sizeof *value);
    }
}

hma_status hma_engine_new(hma_engine *out, hma_context *context, const char *name, const hma_architecture *a,
                          const hma_kernels *kernels, hma_weights *weights) {
    hma_engine e = {.context = context, .name = name, .a = a, .kernels = kernels, .weights = weights};
    e.scratch = HMA_NEW(float *, hma_context_threads(context));
    if (!e.scratch) {
        return HMA_FAILURE;
    }
    *out = e;
    return HMA_OK;
}

void hma_engine_free(hma_engine *engine) {
    for (size_t t = 0; engine->scratch && t < hma_context_threads(engine->context); t++) {
        free(engine->scratch[t]);
    }
    free(engine->scratch);
    free(engine->wide);
    for (size_t i = 0; i < HMA_ROPE_KINDS; i++) {
        free(engine->cosine[i]);
        free(engine->sine[i]);
    }
    *engine = (hma_engine){0};
}

static hma_status grow(float **memory, size_t *have, size_t need) {
    if (need > *have) {
        free(*memory);
        *have = 0;
        *memory = hma_new_aligned(need, sizeof **memory);
        if (!*memory) {
            return HMA_FAILURE;
        }
        *have = need;
    }
    return HMA_OK;
}

static hma_status grow_scratch(hma_engine *e, size_t need) {
    for (size_t t = 0; need > e->scratch_floats && t < hma_context_threads(e->context); t++) {
        size_t have = 0;
        const hma_status status = grow(&e->scratch[t], &have, need);
        if (status != HMA_OK) {
            e->scratch_floats = 0;
            return status;
        }
    }
    e->scratch_floats = hma_max_size(e->scratch_floats, need);
    return HMA_OK;
}

static hma_status grow_tables(hma_engine *e, size_t positions) {
    if (positions <= e->table_positions) {
        return HMA_OK;
    }
    for (size_t i = 0; i < HMA_ROPE_KINDS; i++) {
        const size_t half = e->a->rope[i].dims / 2;
        free(e->cosine[i]);
        free(e->sine[i]);
        e->cosine[i] = HMA_NEW(float, positions *half);
        e->sine[i] = HMA_NEW(float, positions *half);
        if (!e->cosine[i] || !e->sine[i]) {
            e->table_positions = 0;
            return HMA_FAILURE;
        }
        hma_rope_table(&e->a->rope[i], positions, e->cosine[i], e->sine[i]);
    }
    e->table_positions = positions;
    return HMA_OK;
}

/* ---- before the layers ---- */

hma_status hma_engine_embed(hma_engine *e, const hma_batch *batch, float *x) {
    const hma_architecture *a = e->a;
    const float *table = NULL;
    hma_status status = hma_weights_embed(e->weights, batch->ids, batch->rows, x);
    if (status == HMA_OK) {
        status = hma_weights_positions(e->weights, &table);
    }
    for (size_t r = 0; status == HMA_OK && r < batch->rows; r++) {
        float *row = x + r * a->hidden;
        if (a->embed_scale != 1) {
            for (size_t i = 0; i < a->hidden; i++) {
                row[i] *= a->embed_scale;
            }
        }
        if (table) {
            e->kernels->vector->add(row, table + (batch->positions[r] + a->position_offset) * a->hidden, a->hidden);
        }
    }
    return status;
}

/* ---- the layers ---- */

/* Positions that a query sees, summed over queries at positions first .. first+count-1. */
static double pairs_seen(double first, double count, double window) {
    return first + count > window ? count * window : count * (first + 1 + (count - 1) / 2);
}

static double batch_flops(const hma_engine *e, const hma_batch *batch, size_t layer, const bool *asked) {
    const hma_architecture *a = e->a;
    const double hidden = (double)a->hidden, q = (double)hma_query_width(a);
    const double before = hidden * (q + 2 * (double)hma_kv_width(a));
    const double after = hidden * q + hidden * (double)a->intermediate * (a->gated ? 3 : 2);
    const double window = a->layer_window[layer] ? (double)a->layer_window[layer] : 1e300;
    double pairs = 0, rows = 0;
    for (size_t r = 0; !asked && r < batch->run_count; r++) {
        pairs += pairs_seen((double)batch->runs[r].position, (double)batch->runs[r].count, window);
        rows += (double)batch->runs[r].count;
    }
    for (size_t i = 0; asked && i < batch->rows; i++) {
        pairs += asked[i] ? pairs_seen((double)batch->positions[i], 1, window) : 0;
        rows += asked[i];
    }
    return 2 * before * (double)batch->rows + 2 * after * rows + 4 * pairs * q;
}

typedef struct layer_job {
    hma_layer_run run;
    size_t tile;
    size_t rows; /* of the step */
} layer_job;

static hma_status tile_before(void *argument, size_t index, size_t worker) {
    layer_job *job = argument;
    const size_t first = index * job->tile, count = hma_min_size(job->tile, job->rows - first);
    return hma_layer_before(&job->run, first, count, job->run.engine->scratch[worker], NULL);
}

static hma_status tile_after(void *argument, size_t index, size_t worker) {
    layer_job *job = argument;
    const size_t first = index * job->tile, count = hma_min_size(job->tile, job->rows - first);
    return hma_layer_after(&job->run, first, count, job->run.engine->scratch[worker], NULL);
}

static hma_status attend(void *argument, size_t index, size_t worker) {
    layer_job *job = argument;
    hma_layer_attend(&job->run, index, job->run.engine->scratch[worker]);
    return HMA_OK;
}

enum { FEW_ROWS = 128, ROWS_EACH = 16, TILE = 96 };

/*
 * Many rows: tiles of whole groups of 16, so that no two threads write into one tile of keys. Fewer are shared out evenly.
 * Backends whose bits depend on the shape of a product get the same tiles whatever the number of threads.
 */
size_t hma_engine_tile(const hma_engine *e, size_t rows) {
    if (!e->kernels->gemm->invariant) {
        return TILE;
    }
    const size_t threads = hma_context_threads(e->context), share = rows / (4 * threads) / 16 * 16;
    return share < 16 ? hma_max_size(16, (rows + threads - 1) / threads) : hma_min_size(share, TILE);
}

/*
 * Whether a step is cut by columns: with so few rows reading the weights costs more than the arithmetic, and so every thread
 * reads its share alone. With more, what is done row by row (norms, rotation, activation) is shared out as well.
 */
static bool few_rows(const hma_engine *e, size_t rows) {
    const size_t most =
        e->kernels->gemm->invariant ? hma_min_size(FEW_ROWS, ROWS_EACH * hma_context_threads(e->context)) : FEW_ROWS;
    return rows <= most;
}

/* A step on the job's rows; `one` is a step by columns, `tile` one by rows. */
static hma_status run_rows(hma_engine *e, layer_job *job,
                           hma_status (*one)(hma_layer_run *, size_t, size_t, float *, hma_pool *), hma_work_fn tile) {
    hma_pool *pool = hma_context_pool(e->context);
    return few_rows(e, job->rows) ? one(&job->run, 0, job->rows, e->wide, pool)
                                  : hma_pool_run(pool, (job->rows + job->tile - 1) / job->tile, tile, job);
}

static hma_status run_layer(hma_engine *e, layer_job *job) {
    job->rows = job->run.batch->rows;
    hma_status status = run_rows(e, job, hma_layer_before, tile_before);
    if (status == HMA_OK) {
        status = hma_pool_run(hma_context_pool(e->context), hma_layer_attention_tasks(&job->run), attend, job);
    }
    return status == HMA_OK ? run_rows(e, job, hma_layer_after, tile_after) : status;
}

/* Rows that are asked for come together at the beginning of x and q, or go back to their places. */
static void gather(const hma_batch *batch, float *x, size_t width) {
    for (size_t i = 0, at = 0; i < batch->rows; i++) {
        if (batch->asked[i]) {
            memmove(x + at++ * width, x + i * width, width * sizeof *x);
        }
    }
}

static void scatter(const hma_batch *batch, float *x, size_t width, size_t count) {
    for (size_t i = batch->rows; i-- > 0;) {
        if (batch->asked[i]) {
            memmove(x + i * width, x + --count * width, width * sizeof *x);
        }
    }
}

/* The last layer: keys and values of all rows, but everything after them only where it is asked for. */
static hma_status run_last_layer(hma_engine *e, layer_job *job) {
    const hma_batch *batch = job->run.batch;
    job->run.asked = batch->asked;
    hma_layer_plan_free(&job->run);
    hma_status status = hma_layer_plan_attention(&job->run);
    job->rows = batch->rows;
    if (status == HMA_OK) {
        status = run_rows(e, job, hma_layer_before, tile_before);
    }
    if (status == HMA_OK) {
        status = hma_pool_run(hma_context_pool(e->context), hma_layer_attention_tasks(&job->run), attend, job);
    }
    if (status == HMA_OK) {
        size_t asked = 0;
        for (size_t i = 0; i < batch->rows; i++) {
            asked += batch->asked[i];
        }
        gather(batch, job->run.x, e->a->hidden);
        gather(batch, job->run.q, hma_query_width(e->a));
        job->rows = asked;
        status = asked ? run_rows(e, job, hma_layer_after, tile_after) : HMA_OK;
        scatter(batch, job->run.x, e->a->hidden, asked);
    }
    return status;
}

hma_status hma_engine_layers(hma_engine *e, const hma_batch *batch, float *x, hma_store *stores, bool keep,
                             const hma_tally *tally) {
    return hma_engine_between(e, batch, x, stores, keep, 0, e->a->layers, NULL, tally);
}

/* A batch on its way through the layers. */
static hma_status begin_pass(hma_engine *e, layer_job *job, const hma_batch *batch, float *x) {
    const hma_architecture *a = e->a;
    *job = (layer_job){.run = {.engine = e, .batch = batch, .x = x}, .tile = hma_engine_tile(e, batch->rows)};
    job->run.q = hma_context_take(e->context, batch->rows * hma_query_width(a), sizeof *job->run.q);
    hma_status status = job->run.q ? hma_layer_plan_attention(&job->run) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = grow_tables(e, batch->longest);
    }
    if (status == HMA_OK) {
        const size_t few = hma_min_size(batch->rows, batch->asked || batch->rows <= FEW_ROWS ? FEW_ROWS : 0);
        status = grow(&e->wide, &e->wide_floats, hma_layer_scratch(a, few, batch->longest));
    }
    return status == HMA_OK ? grow_scratch(e, hma_layer_scratch(a, job->tile, batch->longest)) : status;
}

static void end_pass(hma_engine *e, layer_job *job) {
    hma_layer_plan_free(&job->run);
    hma_context_give(e->context, job->run.q);
}

/* Through a layer whose weights are there. */
static hma_status pass_layer(hma_engine *e, layer_job *job, size_t l, hma_store *store, const hma_layer_watch *watch) {
    const hma_batch *batch = job->run.batch;
    const bool last = batch->asked && l + 1 == e->a->layers;
    const double start = hma_seconds();
    if (e->inputs) {
        const size_t floats = batch->rows * e->a->hidden;
        memcpy(e->inputs + l * floats, job->run.x, floats * sizeof *e->inputs);
    }
    job->run.number = l;
    job->run.store = store;
    hma_status status = watch ? watch->before(watch->user, l, store) : HMA_OK;
    if (status == HMA_OK) {
        status = last ? run_last_layer(e, job) : run_layer(e, job);
    }
    if (status == HMA_OK && watch) {
        status = watch->after(watch->user, l, store);
    }
    e->flops += batch_flops(e, batch, l, last ? batch->asked : NULL);
    e->seconds += hma_seconds() - start;
    return status;
}

hma_status hma_engine_between(hma_engine *e, const hma_batch *batch, float *x, hma_store *stores, bool keep, size_t from,
                              size_t to, const hma_layer_watch *watch, const hma_tally *tally) {
    layer_job job;
    hma_status status = begin_pass(e, &job, batch, x);
    for (size_t l = from; status == HMA_OK && l < to; l++) {
        status = hma_context_check(e->context);
        if (status == HMA_OK) {
            status = hma_weights_layer(e->weights, l, &job.run.layer);
        }
        if (status == HMA_OK) {
            status = hma_weights_expect(e->weights, l + 1);
        }
        if (status == HMA_OK) {
            status = pass_layer(e, &job, l, &stores[keep ? l : 0], watch);
        }
        if (status == HMA_OK && tally) {
            hma_report(e->context, tally->what, "tokens",
                       tally->before + (double)batch->rows * (double)(l + 1) / (double)e->a->layers, tally->total);
        }
    }
    if (status != HMA_OK) {
        hma_weights_settle(e->weights); /* the source may go when this call is over */
    }
    end_pass(e, &job);
    return status;
}

/* ---- several models in step ---- */

typedef struct turn {
    const hma_engine_step *step;
    layer_job *job;
    const char *key; /* of its layer */
} turn;

static int compare_turns(const void *a, const void *b) {
    const turn *left = a, *right = b;
    const int order = strcmp(left->key, right->key);
    return order ? order : left->step < right->step ? -1 : left->step > right->step;
}

/* Those that have a layer in common come one after the other: it is made once for all of them. */
static void arrange(turn *turns, size_t count, size_t layer) {
    for (size_t i = 0; i < count; i++) {
        turns[i].key = hma_weights_layer_key(turns[i].step->engine->weights, layer);
    }
    qsort(turns, count, sizeof *turns, compare_turns);
}

/* One layer for all. */
static hma_status take_turns(turn *turns, size_t count, size_t l) {
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        hma_engine *e = turns[i].step->engine;
        size_t next = i + 1;
        while (next < count && strcmp(turns[next].key, turns[i].key) == 0) {
            next++;
        }
        status = hma_context_check(e->context);
        if (status == HMA_OK) {
            status = hma_weights_layer(e->weights, l, &turns[i].job->run.layer);
        }
        if (status == HMA_OK && next < count) {
            status = hma_weights_expect(turns[next].step->engine->weights, l);
        }
        if (status == HMA_OK) {
            status = pass_layer(e, turns[i].job, l, &turns[i].step->stores[l], NULL);
        }
    }
    return status;
}

hma_status hma_engines_in_step(const hma_engine_step *steps, size_t count) {
    layer_job *jobs = HMA_NEW(layer_job, count);
    turn *turns = HMA_NEW(turn, count);
    size_t begun = 0;
    hma_status status = jobs && turns ? HMA_OK : HMA_FAILURE;
    while (status == HMA_OK && begun < count) {
        const hma_engine_step *step = &steps[begun];
        turns[begun] = (turn){step, &jobs[begun], NULL};
        status = hma_engine_embed(step->engine, step->batch, step->x);
        if (status == HMA_OK) {
            status = begin_pass(step->engine, &jobs[begun++], step->batch, step->x);
        }
    }
    for (size_t l = 0; status == HMA_OK && count && l < steps[0].engine->a->layers; l++) {
        arrange(turns, count, l);
        status = take_turns(turns, count, l);
    }
    if (status != HMA_OK && count) {
        hma_weights_settle(steps[0].engine->weights);
    }
    for (size_t i = 0; i < begun; i++) {
        end_pass(steps[i].engine, &jobs[i]);
    }
    free(jobs);
    free(turns);
    return status;
}

/* ---- rows that do not see each other ---- */

typedef struct apart {
    hma_layer_run run;        /* but for what differs from layer to layer */
    const hma_layer **layers; /* [from .. to - 1] */
    hma_store *stores;        /* [layers] */
    size_t from, to, share;   /* rows of a thread */
} apart;

static hma_status run_apart(void *argument, size_t index, size_t worker) {
    const apart *job = argument;
    hma_layer_run run = job->run;
    float *scratch = run.engine->scratch[worker];
    const size_t first = index * job->share, count = hma_min_size(job->share, run.batch->rows - first);
    const size_t per_row = hma_layer_attention_tasks(&run) / run.batch->rows;
    hma_status status = HMA_OK;
    for (size_t l = job->from; status == HMA_OK && l < job->to; l++) {
        run.layer = job->layers[l - job->from];
        run.number = l;
        run.store = &job->stores[l];
        status = hma_layer_before(&run, first, count, scratch, NULL);
        for (size_t task = first * per_row; status == HMA_OK && task < (first + count) * per_row; task++) {
            hma_layer_attend(&run, task, scratch);
        }
        if (status == HMA_OK) {
            status = hma_layer_after(&run, first, count, scratch, NULL);
        }
    }
    return status;
}

enum { ENOUGH_ROWS = 8 }; /* of a thread that reads all weights alone */

hma_status hma_engine_apart(hma_engine *e, const hma_batch *batch, float *x, hma_store *stores, size_t from, size_t to) {
    const size_t threads = hma_context_threads(e->context), share = (batch->rows + threads - 1) / threads;
    if (from == to || share < ENOUGH_ROWS || !e->kernels->gemm->invariant || !hma_weights_resident(e->weights)) {
        return hma_engine_between(e, batch, x, stores, true, from, to, NULL, NULL);
    }
    apart job = {.run = {.engine = e, .batch = batch, .x = x}, .stores = stores, .from = from, .to = to, .share = share};
    job.run.q = hma_context_take(e->context, batch->rows * hma_query_width(e->a), sizeof *job.run.q);
    job.layers = HMA_NEW(const hma_layer *, to - from);
    hma_status status = job.run.q && job.layers ? hma_layer_plan_attention(&job.run) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = grow_tables(e, batch->longest);
    }
    if (status == HMA_OK) {
        status = grow_scratch(e, hma_layer_scratch(e->a, share, batch->longest));
    }
    for (size_t l = from; status == HMA_OK && l < to; l++) {
        status = hma_weights_layer(e->weights, l, &job.layers[l - from]);
    }
    if (status == HMA_OK) {
        status = hma_context_check(e->context);
    }
    if (status == HMA_OK) {
        const double start = hma_seconds();
        status = hma_pool_run(hma_context_pool(e->context), (batch->rows + share - 1) / share, run_apart, &job);
        e->seconds += hma_seconds() - start;
        for (size_t l = from; l < to; l++) {
            e->flops += batch_flops(e, batch, l, NULL);
        }
    }
    hma_layer_plan_free(&job.run);
    free(job.layers);
    hma_context_give(e->context, job.run.q);
    return status;
}

/* ---- after the layers ---- */

typedef struct final_job {
    const hma_engine *e;
    const float *x;
    const size_t *rows;
    size_t count;
    hma_norm norm;
    float *out;
} final_job;

enum { ROWS_AT_ONCE = 64 };

static hma_status final_rows(void *argument, size_t index, size_t worker) {
    const final_job *job = argument;
    (void)worker;
    const size_t to = hma_min_size(job->count, (index + 1) * ROWS_AT_ONCE), hidden = job->e->a->hidden;
    for (size_t i = index * ROWS_AT_ONCE; i < to; i++) {
        hma_layer_norm_row(job->e, &job->norm, job->x + job->rows[i] * hidden, job->out + i * hidden);
    }
    return HMA_OK;
}

hma_status hma_engine_final(hma_engine *e, const float *x, const size_t *rows, size_t count, float *out) {
    final_job job = {.e = e, .x = x, .rows = rows, .count = count, .out = out};
    const hma_status status = hma_weights_final_norm(e->weights, &job.norm);
    return status == HMA_OK
               ? hma_pool_run(hma_context_pool(e->context), (count + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE, final_rows, &job)
               : status;
}
