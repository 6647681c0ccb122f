#include "eval/transformer/backward.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "eval/transformer/backward_layer.h"
#include "merge/delta.h"

void hma_reverse_add(const hma_reverse *r, const hma_tensor *const *tensors, size_t count, size_t rows, const double *row_sums,
                     const size_t *row_run) {
    const size_t width = hma_source_tensor_count(r->source);
    for (size_t t = 0; t < count; t++) {
        double *out = r->sums + hma_source_index(r->source, tensors[t]);
        for (size_t row = 0; row < rows; row++) {
            out[row_run[row] * width] += row_sums[row * count + t];
        }
    }
}

static size_t *runs_of_rows(const hma_batch *batch) {
    size_t *out = HMA_NEW(size_t, batch->rows);
    for (size_t i = 0; out && i < batch->run_count; i++) {
        for (size_t r = 0; r < batch->runs[i].count; r++) {
            out[batch->runs[i].first + r] = i;
        }
    }
    return out;
}

/* ---- the layers ---- */

typedef struct walk {
    hma_layer_reverse layer;
    hma_store store;
    size_t tile;
    float **scratch; /* [threads] */
    size_t threads;
    size_t *row_run;
} walk;

/* Some rows of a layer, in place. */
typedef void (*reverse_rows_fn)(hma_layer_reverse *layer, size_t first, size_t count, float *scratch);

static hma_status reverse_tile(walk *w, size_t index, size_t worker, reverse_rows_fn reverse_rows) {
    const size_t first = index * w->tile;
    reverse_rows(&w->layer, first, hma_min_size(w->tile, w->layer.run.batch->rows - first), w->scratch[worker]);
    return HMA_OK;
}

static hma_status project_tile(void *argument, size_t index, size_t worker) {
    return reverse_tile(argument, index, worker, hma_reverse_project);
}

static hma_status attend_again(void *argument, size_t index, size_t worker) {
    walk *w = argument;
    hma_layer_attend(&w->layer.run, index, w->scratch[worker]);
    return HMA_OK;
}

static hma_status after_tile(void *argument, size_t index, size_t worker) {
    return reverse_tile(argument, index, worker, hma_reverse_after);
}

static hma_status attend_back(void *argument, size_t index, size_t worker) {
    walk *w = argument;
    hma_reverse_attend(&w->layer, index, w->scratch[worker]);
    return HMA_OK;
}

static hma_status before_tile(void *argument, size_t index, size_t worker) {
    return reverse_tile(argument, index, worker, hma_reverse_before);
}

static hma_status run_layer(walk *w, hma_pool *pool) {
    const size_t tiles = (w->layer.run.batch->rows + w->tile - 1) / w->tile;
    const struct {
        size_t count;
        hma_work_fn work;
    } steps[] = {{tiles, project_tile},
                 {hma_layer_attention_tasks(&w->layer.run), attend_again},
                 {tiles, after_tile},
                 {hma_reverse_attention_tasks(&w->layer), attend_back},
                 {tiles, before_tile}};
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < sizeof steps / sizeof *steps; i++) {
        status = hma_pool_run(pool, steps[i].count, steps[i].work, w);
    }
    return status;
}

static hma_status load_layer(const hma_reverse *r, walk *w, size_t number) {
    const hma_batch *batch = r->batch;
    hma_layer_reverse *l = &w->layer;
    l->run.number = number;
    l->run.x = r->engine->inputs + number * batch->rows * r->engine->a->hidden;
    hma_status status = hma_weights_layer(r->engine->weights, number, &l->run.layer);
    if (status == HMA_OK) {
        status = hma_backward_weights_layer(r->weights, number, &l->back);
    }
    if (status == HMA_OK) {
        free(l->sums);
        l->sums = HMA_NEW(double, batch->rows * l->back->sums.count);
        status = l->sums ? HMA_OK : HMA_FAILURE;
    }
    return status;
}

static void free_walk(walk *w) {
    for (size_t t = 0; w->scratch && t < w->threads; t++) {
        free(w->scratch[t]);
    }
    free(w->scratch);
    hma_layer_plan_free(&w->layer.run);
    hma_store_free(&w->store);
    free(w->row_run);
    free(w->layer.run.q);
    free(w->layer.raw);
    free(w->layer.turned);
    free(w->layer.by_qkv);
    free(w->layer.by_mixed);
    free(w->layer.sums);
}

static hma_status start_walk(const hma_reverse *r, walk *w) {
    const hma_architecture *a = r->engine->a;
    const size_t rows = r->batch->rows, q_width = hma_query_width(a), width = q_width + 2 * hma_kv_width(a);
    hma_layer_reverse *l = &w->layer;
    l->run.engine = r->engine;
    l->run.batch = r->batch;
    l->run.store = &w->store;
    l->g = r->g;
    w->tile = hma_engine_tile(r->engine, rows);
    w->threads = hma_context_threads(r->engine->context);
    w->scratch = HMA_NEW(float *, w->threads);
    w->row_run = runs_of_rows(r->batch);
    l->run.q = hma_new_aligned(rows * q_width, sizeof(float));
    l->raw = hma_new_aligned(rows * width, sizeof(float));
    l->turned = hma_new_aligned(rows * width, sizeof(float));
    l->by_qkv = hma_new_aligned(rows * width, sizeof(float));
    l->by_mixed = hma_new_aligned(rows * q_width, sizeof(float));
    if (!w->scratch || !w->row_run || !l->run.q || !l->raw || !l->turned || !l->by_qkv || !l->by_mixed) {
        return HMA_FAILURE;
    }
    for (size_t t = 0; t < w->threads; t++) {
        w->scratch[t] = hma_new_aligned(hma_reverse_scratch(a, w->tile, r->batch->longest), sizeof(float));
        if (!w->scratch[t]) {
            return HMA_FAILURE;
        }
    }
    const hma_status status = hma_store_new(&w->store, r->engine->context, a, r->batch->store_rows);
    return status == HMA_OK ? hma_layer_plan_attention(&l->run) : status;
}

hma_status hma_reverse_layers(const hma_reverse *r, const hma_tally *tally) {
    hma_context *context = r->engine->context;
    walk w = {0};
    const size_t layers = r->engine->a->layers;
    hma_status status = start_walk(r, &w);
    for (size_t l = layers; status == HMA_OK && l-- > 0;) {
        status = hma_context_check(context);
        if (status == HMA_OK) {
            status = load_layer(r, &w, l);
        }
        if (status == HMA_OK) {
            const double start = hma_seconds();
            status = run_layer(&w, hma_context_pool(context));
            r->engine->seconds += hma_seconds() - start;
        }
        if (status == HMA_OK) {
            hma_reverse_add(r, w.layer.back->sums.tensors, w.layer.back->sums.count, r->batch->rows, w.layer.sums, w.row_run);
            hma_report(context, tally->what, "tokens",
                       tally->before + 3 * (double)r->batch->rows * (double)(layers - l) / (double)layers, tally->total);
        }
    }
    free_walk(&w);
    return status;
}

/* ---- the embeddings ---- */

typedef struct embedding {
    const hma_reverse *r;
    const hma_weights_plan *plan;
    double *sums; /* [rows, 2]: of tokens, of positions */
} embedding;

static hma_status embed_row(void *argument, size_t row, size_t worker) {
    const embedding *e = argument;
    (void)worker;
    const hma_reverse *r = e->r;
    const hma_architecture *a = r->engine->a;
    const size_t hidden = a->hidden, id = (size_t)r->batch->ids[row], place = r->batch->positions[row] + a->position_offset;
    float *change = hma_new_aligned(hidden, sizeof *change);
    hma_status status =
        change ? hma_source_read_delta(r->source, e->plan->embedding, (uint64_t)id * hidden, hidden, change) : HMA_FAILURE;
    if (status == HMA_OK) {
        e->sums[row * 2] =
            (double)a->embed_scale * (double)r->engine->kernels->backward->dot(r->g + row * hidden, change, hidden);
    }
    if (status == HMA_OK && e->plan->positions) {
        status = hma_source_read_delta(r->source, e->plan->positions, (uint64_t)place * hidden, hidden, change);
        e->sums[row * 2 + 1] =
            status == HMA_OK ? (double)r->engine->kernels->backward->dot(r->g + row * hidden, change, hidden) : 0;
    }
    free(change);
    return status;
}

hma_status hma_reverse_embed(const hma_reverse *r) {
    embedding e = {.r = r, .plan = hma_backward_weights_plan(r->weights)};
    const hma_tensor *const tensors[] = {e.plan->embedding, e.plan->positions ? e.plan->positions : e.plan->embedding};
    size_t *row_run = runs_of_rows(r->batch);
    e.sums = HMA_NEW(double, 2 * r->batch->rows);
    hma_status status = row_run && e.sums ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK) {
        status = hma_pool_run(hma_context_pool(r->engine->context), r->batch->rows, embed_row, &e);
    }
    if (status == HMA_OK) {
        hma_reverse_add(r, tensors, 2, r->batch->rows, e.sums, row_run);
    }
    free(row_run);
    free(e.sums);
    return status;
}
