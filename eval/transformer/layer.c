#include "eval/transformer/layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"

/* ---- scratch memory ---- */

/* From one row of the MLP's inside to the next: not whole pages, or the rows would fight for the same lines of the caches. */
static size_t up_stride(const hma_architecture *a) {
    const size_t width = a->gated ? 2 * a->intermediate : a->intermediate;
    return width % 1024 == 0 ? width + 256 : width;
}

/* Floats for `rows` rows in hma_layer_before and hma_layer_after. */
static size_t row_scratch(const hma_architecture *a, size_t rows) {
    const size_t before = a->hidden + hma_query_width(a) + 2 * hma_kv_width(a);
    const size_t after = 2 * a->hidden + up_stride(a);
    return rows * hma_max_size(before, after);
}

static size_t queries_at_once(const hma_architecture *a) {
    const size_t group = a->heads / a->kv_heads;
    return group >= HMA_ATTENTION_QUERIES / 2 ? 1 : HMA_ATTENTION_QUERIES / 2 / group;
}

size_t hma_layer_scratch(const hma_architecture *a, size_t rows, size_t positions) {
    const size_t group = hma_min_size(a->heads / a->kv_heads, HMA_ATTENTION_QUERIES);
    return hma_max_size(row_scratch(a, rows), hma_attention_scratch(queries_at_once(a) * group, positions));
}

/* ---- products ---- */

typedef struct product {
    const hma_gemm *gemm;
    const float *x;
    size_t ldx, m;
    const hma_matrix *matrix;
    size_t first, count; /* columns */
    float *y;
    size_t ldy;
    size_t at_once; /* columns of a task */
} product;

static void multiply_columns(const product *p, size_t first, size_t count) {
    const hma_matrix *w = p->matrix;
    float *y = p->y + (first - p->first);
    p->gemm->multiply(p->x, p->ldx, p->m, w->packed, w->rows, w->columns, first, count, y, p->ldy);
    for (size_t i = 0; w->bias && i < p->m; i++) {
        for (size_t j = 0; j < count; j++) {
            y[i * p->ldy + j] += w->bias[first + j];
        }
    }
}

static hma_status multiply_task(void *argument, size_t index, size_t worker) {
    const product *p = argument;
    (void)worker;
    const size_t at = index * p->at_once;
    multiply_columns(p, p->first + at, hma_min_size(p->at_once, p->count - at));
    return HMA_OK;
}

hma_status hma_layer_multiply(const hma_engine *e, hma_pool *pool, const float *x, size_t ldx, size_t m,
                              const hma_matrix *matrix, size_t first, size_t count, float *y, size_t ldy) {
    product p = {e->kernels->gemm, x, ldx, m, matrix, first, count, y, ldy, 0};
    if (!pool || count == 0) {
        multiply_columns(&p, first, count);
        return HMA_OK;
    }
    p.at_once = hma_gemm_columns_at_once(p.gemm, count, hma_pool_threads(pool));
    return hma_pool_run(pool, (count + p.at_once - 1) / p.at_once, multiply_task, &p);
}

static hma_status multiply(const hma_engine *e, hma_pool *pool, const float *x, size_t ldx, size_t m, const hma_matrix *matrix,
                           float *y, size_t ldy) {
    return hma_layer_multiply(e, pool, x, ldx, m, matrix, 0, matrix->rows, y, ldy);
}

/* ---- norms ---- */

static void norm(const hma_engine *e, const float *weight, const float *bias, const float *x, float *y, size_t n) {
    const hma_architecture *a = e->a;
    if (a->norm == HMA_NORM_RMS) {
        e->kernels->vector->rms_norm(y, x, weight, n, a->norm_epsilon, a->norm_plus_one ? 1 : 0);
    } else {
        e->kernels->vector->layer_norm(y, x, weight, bias, n, a->norm_epsilon);
    }
}

void hma_layer_norm_row(const hma_engine *e, const hma_norm *n, const float *x, float *y) {
    norm(e, n->weight, n->bias, x, y, e->a->hidden);
}

void hma_layer_norm_rows(const hma_engine *e, const hma_norm *n, const float *x, float *out, size_t count) {
    const size_t hidden = e->a->hidden;
    if (!n->weight) {
        memcpy(out, x, count * hidden * sizeof *out);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        hma_layer_norm_row(e, n, x + i * hidden, out + i * hidden);
    }
}

/* ---- before attention ---- */

/* RMSNorm of q or k, over each head or over all of them. */
static void norm_heads(const hma_engine *e, const float *weight, float *x, size_t heads) {
    const hma_architecture *a = e->a;
    if (a->query_norm == HMA_QUERY_NORM_WHOLE) {
        norm(e, weight, NULL, x, x, heads * a->head_dim);
        return;
    }
    for (size_t h = 0; weight && h < heads; h++) {
        norm(e, weight, NULL, x + h * a->head_dim, x + h * a->head_dim, a->head_dim);
    }
}

void hma_layer_place_row(const hma_layer_run *run, size_t row, float *qkv) {
    const hma_engine *e = run->engine;
    const hma_architecture *a = e->a;
    const size_t q_width = hma_query_width(a), kv_width = hma_kv_width(a);
    float *q = qkv, *k = qkv + q_width, *v = k + kv_width;
    if (a->query_norm != HMA_QUERY_NORM_NONE) {
        norm_heads(e, run->layer->q_norm, q, a->heads);
        norm_heads(e, run->layer->k_norm, k, a->kv_heads);
    }
    const size_t kind = a->layer_rope[run->number], half = a->rope[kind].dims / 2;
    if (half) {
        const float *cosine = e->cosine[kind] + run->batch->positions[row] * half;
        const float *sine = e->sine[kind] + run->batch->positions[row] * half;
        e->kernels->vector->rotate(q, a->heads, a->head_dim, cosine, sine, half);
        e->kernels->vector->rotate(k, a->kv_heads, a->head_dim, cosine, sine, half);
    }
    memcpy(run->q + row * q_width, q, q_width * sizeof *q);
    hma_store_put(run->store, run->batch->store[row], k, v);
}

hma_status hma_layer_before(hma_layer_run *run, size_t first, size_t count, float *scratch, hma_pool *pool) {
    const hma_engine *e = run->engine;
    const size_t hidden = e->a->hidden, width = run->layer->qkv.rows;
    float *normed = scratch, *qkv = scratch + count * hidden;
    hma_layer_norm_rows(e, &run->layer->attn_norm, run->x + first * hidden, normed, count);
    const hma_status status = multiply(e, pool, normed, hidden, count, &run->layer->qkv, qkv, width);
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        hma_layer_place_row(run, first + i, qkv + i * width);
    }
    return status;
}

/* ---- attention ---- */

static bool any_asked(const hma_layer_run *run, size_t first, size_t count) {
    size_t i = first;
    while (run->asked && i < first + count && !run->asked[i]) {
        i++;
    }
    return !run->asked || i < first + count;
}

hma_status hma_layer_plan_attention(hma_layer_run *run) {
    const size_t most = queries_at_once(run->engine->a);
    size_t blocks = 0;
    for (size_t r = 0; r < run->batch->run_count; r++) {
        blocks += (run->batch->runs[r].count + most - 1) / most;
    }
    run->blocks = HMA_NEW(hma_query_block, blocks);
    if (!run->blocks) {
        return HMA_FAILURE;
    }
    run->block_count = 0;
    for (size_t r = 0; r < run->batch->run_count; r++) {
        const hma_run_of_rows *rows = &run->batch->runs[r];
        for (size_t first = 0; first < rows->count; first += most) {
            const size_t count = hma_min_size(most, rows->count - first);
            if (any_asked(run, rows->first + first, count)) {
                run->blocks[run->block_count++] = (hma_query_block){r, first, count};
            }
        }
    }
    return HMA_OK;
}

void hma_layer_plan_free(hma_layer_run *run) {
    free(run->blocks);
    run->blocks = NULL;
}

/* A task is one query block for all key/value heads, or, with few blocks, for one of them. */
static size_t heads_per_task(const hma_layer_run *run) { return run->block_count >= 64 ? run->engine->a->kv_heads : 1; }

size_t hma_layer_attention_tasks(const hma_layer_run *run) {
    return run->block_count * (run->engine->a->kv_heads / heads_per_task(run));
}

void hma_layer_attend(const hma_layer_run *run, size_t task, float *scratch) {
    const hma_architecture *a = run->engine->a;
    const size_t heads = heads_per_task(run), per_block = a->kv_heads / heads;
    const hma_query_block *block = &run->blocks[task / per_block];
    const hma_run_of_rows *rows = &run->batch->runs[block->run];
    const size_t q_width = hma_query_width(a), group = a->heads / a->kv_heads;
    const float divisor = a->scale_by_layer ? (float)(run->number + 1) : 1;
    hma_attention attention = {.q_stride = q_width,
                               .rows = block->count,
                               .head_dim = a->head_dim,
                               .position = rows->position + block->first,
                               .spans = run->batch->spans + rows->span_first,
                               .span_count = rows->span_count,
                               .window = a->layer_window[run->number],
                               .scale = a->attention_scale / divisor,
                               .softcap = a->attention_softcap,
                               .scratch = scratch};
    /* the rows' later heads come while the first ones are computed */
    for (size_t i = 0; i < block->count * q_width; i += 16) {
        __builtin_prefetch(run->q + (rows->first + block->first) * q_width + i);
    }
    for (size_t h = task % per_block * heads; h < task % per_block * heads + heads; h++) {
        attention.keys = run->store->keys + h * run->store->rows * a->head_dim;
        attention.values = run->store->values + h * run->store->rows * a->head_dim;
        for (size_t g = 0; g < group; g += HMA_ATTENTION_QUERIES) {
            attention.group = hma_min_size(group - g, HMA_ATTENTION_QUERIES);
            attention.q = run->q + (rows->first + block->first) * q_width + (h * group + g) * a->head_dim;
            run->engine->kernels->vector->attend(&attention);
        }
    }
}

/* ---- after attention ---- */

/* y[count, hidden] += norm(delta); without that norm, += delta. */
static void add_residual(const hma_engine *e, const hma_norm *n, float *y, float *delta, size_t count) {
    const size_t hidden = e->a->hidden;
    for (size_t i = 0; i < count; i++) {
        float *row = delta + i * hidden;
        if (n->weight) {
            hma_layer_norm_row(e, n, row, row);
        }
        e->kernels->vector->add(y + i * hidden, row, hidden);
    }
}

/* up[count, ..] -> its first `intermediate` columns hold act(gate) * up, or act(up). */
static void activate(const hma_engine *e, float *up, size_t count) {
    const hma_architecture *a = e->a;
    const size_t stride = up_stride(a);
    for (size_t i = 0; i < count; i++) {
        float *row = up + i * stride;
        e->kernels->vector->activate(row, a->gated ? row + a->intermediate : NULL, a->intermediate, a->activation);
    }
}

hma_status hma_layer_after(hma_layer_run *run, size_t first, size_t count, float *scratch, hma_pool *pool) {
    const hma_engine *e = run->engine;
    const hma_architecture *a = e->a;
    const hma_layer *layer = run->layer;
    const size_t hidden = a->hidden, q_width = hma_query_width(a), stride = up_stride(a);
    float *x = run->x + first * hidden, *delta = scratch, *normed = scratch + count * hidden, *up = normed + count * hidden;
    if (a->parallel) {
        /* the MLP reads x as it was before attention */
        hma_layer_norm_rows(e, a->shared_norm ? &layer->attn_norm : &layer->mlp_norm, x, normed, count);
    }
    hma_status status = multiply(e, pool, run->q + first * q_width, q_width, count, &layer->o, delta, hidden);
    if (status != HMA_OK) {
        return status;
    }
    add_residual(e, &layer->post_attn_norm, x, delta, count);
    if (!a->parallel) {
        hma_layer_norm_rows(e, &layer->mlp_norm, x, normed, count);
    }
    status = multiply(e, pool, normed, hidden, count, &layer->up, up, stride);
    if (status != HMA_OK) {
        return status;
    }
    activate(e, up, count);
    status = multiply(e, pool, up, stride, count, &layer->down, delta, hidden);
    if (status == HMA_OK) {
        add_residual(e, &layer->post_mlp_norm, x, delta, count);
    }
    return status;
}
