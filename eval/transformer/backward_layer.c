#include "eval/transformer/backward_layer.h"

#include <string.h>

#include "base/checked.h"

static size_t up_width(const hma_architecture *a) { return a->gated ? 2 * a->intermediate : a->intermediate; }
static size_t qkv_width(const hma_architecture *a) { return hma_query_width(a) + 2 * hma_kv_width(a); }

size_t hma_reverse_scratch(const hma_architecture *a, size_t rows, size_t positions) {
    const size_t widest = hma_max_size(hma_max_size(qkv_width(a), up_width(a)), a->hidden);
    const size_t row = 5 * a->hidden + 2 * up_width(a) + widest;
    return hma_max_size(hma_max_size(rows * row, hma_attention_back_scratch(positions, a->head_dim)),
                        hma_layer_scratch(a, 1, positions));
}

/* ---- products and norms ---- */

static void multiply(const hma_engine *e, const float *x, size_t ldx, size_t count, const hma_matrix *w, float *y) {
    (void)hma_layer_multiply(e, NULL, x, ldx, count, w, 0, w->rows, y, w->rows); /* without a pool it cannot fail */
}

void hma_reverse_matrix_sums(const hma_engine *e, const hma_matrix_back *m, const float *g, size_t ldg, const float *x,
                             size_t ldx, size_t count, float *u, double *sums, size_t sum_count) {
    const hma_backward *kernels = e->kernels->backward;
    const size_t rows = m->change.rows;
    e->kernels->full->multiply(x, ldx, count, m->change.packed, rows, m->change.columns, 0, rows, u, rows);
    for (size_t i = 0; i < count; i++) {
        for (size_t p = 0; p < m->part_count; p++) {
            const hma_matrix_part *part = &m->parts[p];
            const size_t first = part->first, n = hma_min_size(part->count, rows - first);
            sums[i * sum_count + part->weight] += (double)kernels->dot(g + i * ldg + first, u + i * rows + first, n);
            if (m->change.bias) {
                sums[i * sum_count + part->bias] += (double)kernels->dot(g + i * ldg + first, m->change.bias + first, n);
            }
        }
    }
}

void hma_reverse_input(const hma_engine *e, const hma_matrix_back *m, const float *g, size_t ldg, size_t count, float *out) {
    e->kernels->full->multiply(g, ldg, count, m->across.packed, m->across.rows, m->across.columns, 0, m->across.rows, out,
                               m->across.rows);
}

static void norm_back(const hma_engine *e, const float *weight, const hma_norm_change *change, size_t n, const float *x,
                      const float *g, float *out, double *sums) {
    const hma_architecture *a = e->a;
    const hma_norm_back norm = {a->norm,
                                n,
                                a->norm_epsilon,
                                a->norm == HMA_NORM_RMS && a->norm_plus_one ? 1.0f : 0.0f,
                                weight,
                                change->weight_change,
                                change->bias_change};
    const hma_norm_parts parts = e->kernels->backward->norm(&norm, out, g, x);
    sums[change->weight] += (double)parts.weight;
    if (change->bias_change) {
        sums[change->bias] += (double)parts.bias;
    }
}

void hma_reverse_norm_row(const hma_engine *e, const hma_norm *norm, const hma_norm_change *change, const float *x,
                          const float *g, float *out, double *sums) {
    norm_back(e, norm->weight, change, e->a->hidden, x, g, out, sums);
}

/* g[count, hidden], in place; as it is where the architecture has no norm here. */
static void norm_rows(const hma_layer_reverse *r, const hma_norm *norm, const hma_norm_change *change, const float *x, float *g,
                      size_t first, size_t count) {
    const size_t hidden = r->run.engine->a->hidden, sum_count = r->back->sums.count;
    for (size_t i = 0; norm->weight && i < count; i++) {
        hma_reverse_norm_row(r->run.engine, norm, change, x + i * hidden, g + i * hidden, g + i * hidden,
                             r->sums + (first + i) * sum_count);
    }
}

static void add(const hma_engine *e, float *y, const float *x, size_t n) { e->kernels->vector->add(y, x, n); }

/* ---- 1: q, k, v again ---- */

void hma_reverse_project(hma_layer_reverse *r, size_t first, size_t count, float *scratch) {
    const hma_engine *e = r->run.engine;
    const size_t hidden = e->a->hidden, width = qkv_width(e->a);
    float *raw = r->raw + first * width, *turned = r->turned + first * width;
    hma_layer_norm_rows(e, &r->run.layer->attn_norm, r->run.x + first * hidden, scratch, count);
    multiply(e, scratch, hidden, count, &r->run.layer->qkv, raw);
    memcpy(turned, raw, count * width * sizeof *raw);
    for (size_t i = 0; i < count; i++) {
        hma_layer_place_row(&r->run, first + i, turned + i * width);
    }
}

/* ---- 3: MLP and output projection ---- */

/* Memory of a tile. */
typedef struct tile {
    float *projected; /* [count, hidden] attention's result after the output projection */
    float *middle;    /* [count, hidden] what the MLP's norm reads */
    float *normed;    /* [count, hidden] what the MLP reads */
    float *out;       /* [count, hidden] what the MLP says */
    float *g;         /* [count, hidden] */
    float *up;        /* [count, up width] */
    float *acted;     /* [count, intermediate], then the derivative by it */
    float *change;    /* [count, widest] */
} tile;

static tile cut_tile(const hma_architecture *a, size_t count, float *scratch) {
    tile t = {.projected = scratch};
    t.middle = t.projected + count * a->hidden;
    t.normed = t.middle + count * a->hidden;
    t.out = t.normed + count * a->hidden;
    t.g = t.out + count * a->hidden;
    t.up = t.g + count * a->hidden;
    t.acted = t.up + count * up_width(a);
    t.change = t.acted + count * up_width(a);
    return t;
}

/* The forward pass from attention's result on, as far as the way back needs it. */
static void compute_tile(const hma_layer_reverse *r, size_t first, size_t count, const tile *t) {
    const hma_engine *e = r->run.engine;
    const hma_architecture *a = e->a;
    const hma_layer *layer = r->run.layer;
    const size_t hidden = a->hidden, width = up_width(a), q_width = hma_query_width(a);
    const float *x = r->run.x + first * hidden;
    multiply(e, r->run.q + first * q_width, q_width, count, &layer->o, t->projected);
    memcpy(t->middle, x, count * hidden * sizeof *x);
    if (!a->parallel) {
        hma_layer_norm_rows(e, &layer->post_attn_norm, t->projected, t->out, count);
        add(e, t->middle, t->out, count * hidden);
    }
    hma_layer_norm_rows(e, a->shared_norm ? &layer->attn_norm : &layer->mlp_norm, t->middle, t->normed, count);
    multiply(e, t->normed, hidden, count, &layer->up, t->up);
    for (size_t i = 0; i < count; i++) {
        float *acted = t->acted + i * a->intermediate;
        memcpy(acted, t->up + i * width, a->intermediate * sizeof *acted);
        e->kernels->vector->activate(acted, a->gated ? t->up + i * width + a->intermediate : NULL, a->intermediate,
                                     a->activation);
    }
    if (layer->post_mlp_norm.weight) {
        multiply(e, t->acted, a->intermediate, count, &layer->down, t->out);
    }
}

/* t->g: derivative by what the MLP adds -> by its norm's input. */
static void mlp_back(const hma_layer_reverse *r, size_t first, size_t count, const tile *t) {
    const hma_engine *e = r->run.engine;
    const hma_architecture *a = e->a;
    const hma_layer *layer = r->run.layer;
    const hma_layer_back *back = r->back;
    const size_t hidden = a->hidden, width = up_width(a), sum_count = back->sums.count;
    double *sums = r->sums + first * sum_count;
    norm_rows(r, &layer->post_mlp_norm, &back->post_mlp_norm, t->out, t->g, first, count);
    hma_reverse_matrix_sums(e, &back->down, t->g, hidden, t->acted, a->intermediate, count, t->change, sums, sum_count);
    hma_reverse_input(e, &back->down, t->g, hidden, count, t->acted);
    for (size_t i = 0; i < count; i++) {
        float *up = t->up + i * width;
        e->kernels->backward->activate(up, a->gated ? up + a->intermediate : NULL, t->acted + i * a->intermediate,
                                       a->intermediate, a->activation);
    }
    hma_reverse_matrix_sums(e, &back->up, t->up, width, t->normed, hidden, count, t->change, sums, sum_count);
    hma_reverse_input(e, &back->up, t->up, width, count, t->g);
    norm_rows(r, a->shared_norm ? &layer->attn_norm : &layer->mlp_norm, a->shared_norm ? &back->attn_norm : &back->mlp_norm,
              t->middle, t->g, first, count);
}

void hma_reverse_after(hma_layer_reverse *r, size_t first, size_t count, float *scratch) {
    const hma_engine *e = r->run.engine;
    const hma_architecture *a = e->a;
    const size_t hidden = a->hidden, q_width = hma_query_width(a), bytes = count * hidden * sizeof(float);
    const tile t = cut_tile(a, count, scratch);
    float *g = r->g + first * hidden;
    compute_tile(r, first, count, &t);
    memcpy(t.g, g, bytes);
    mlp_back(r, first, count, &t);
    /* the output projection feeds the output, and where MLP and attention follow each other also the MLP */
    memcpy(t.out, g, bytes);
    add(e, g, t.g, count * hidden);
    memcpy(t.g, a->parallel ? t.out : g, bytes);
    norm_rows(r, &r->run.layer->post_attn_norm, &r->back->post_attn_norm, t.projected, t.g, first, count);
    hma_reverse_matrix_sums(e, &r->back->o, t.g, hidden, r->run.q + first * q_width, q_width, count, t.change,
                            r->sums + first * r->back->sums.count, r->back->sums.count);
    hma_reverse_input(e, &r->back->o, t.g, hidden, count, r->by_mixed + first * q_width);
}

/* ---- 4: attention ---- */

size_t hma_reverse_attention_tasks(const hma_layer_reverse *r) { return r->run.batch->run_count * r->run.engine->a->kv_heads; }

void hma_reverse_attend(hma_layer_reverse *r, size_t task, float *scratch) {
    const hma_architecture *a = r->run.engine->a;
    const size_t head = task % a->kv_heads, group = a->heads / a->kv_heads, width = qkv_width(a);
    const hma_run_of_rows *rows = &r->run.batch->runs[task / a->kv_heads];
    const size_t q_width = hma_query_width(a), keys = q_width + head * a->head_dim, values = keys + hma_kv_width(a);
    const size_t queries = head * group * a->head_dim;
    const float *turned = r->turned + rows->first * width;
    float *out = r->by_qkv + rows->first * width;
    const hma_attention_back attention = {.q = turned + queries,
                                          .g = r->by_mixed + rows->first * q_width + queries,
                                          .q_stride = width,
                                          .g_stride = q_width,
                                          .keys = turned + keys,
                                          .values = turned + values,
                                          .key_stride = width,
                                          .q_out = out + queries,
                                          .keys_out = out + keys,
                                          .values_out = out + values,
                                          .out_stride = width,
                                          .rows = rows->count,
                                          .group = group,
                                          .head_dim = a->head_dim,
                                          .window = a->layer_window[r->run.number],
                                          .scale = a->attention_scale / (a->scale_by_layer ? (float)(r->run.number + 1) : 1),
                                          .softcap = a->attention_softcap,
                                          .scratch = scratch};
    r->run.engine->kernels->backward->attend(&attention);
}

/* ---- 5: q, k, v ---- */

/* The rotation turned back; its scale stays, for the transpose of s R is s R^T. */
static void rotate_back(float *x, size_t heads, size_t head_dim, const float *cosine, const float *sine, size_t half) {
    for (size_t h = 0; h < heads; h++) {
        float *first = x + h * head_dim, *second = first + half;
        for (size_t i = 0; i < half; i++) {
            const float a = first[i], b = second[i];
            first[i] = a * cosine[i] + b * sine[i];
            second[i] = b * cosine[i] - a * sine[i];
        }
    }
}

/* Derivative by q or k after their norm -> before it, over each head or over all of them. */
static void heads_back(const hma_engine *e, const float *weight, const hma_norm_change *change, const float *raw, float *g,
                       size_t heads, double *sums) {
    const size_t d = e->a->head_dim;
    if (e->a->query_norm == HMA_QUERY_NORM_WHOLE) {
        norm_back(e, weight, change, heads * d, raw, g, g, sums);
        return;
    }
    for (size_t h = 0; weight && h < heads; h++) {
        norm_back(e, weight, change, d, raw + h * d, g + h * d, g + h * d, sums);
    }
}

static void row_back(const hma_layer_reverse *r, size_t row) {
    const hma_engine *e = r->run.engine;
    const hma_architecture *a = e->a;
    const size_t q_width = hma_query_width(a), width = qkv_width(a);
    const size_t kind = a->layer_rope[r->run.number], half = a->rope[kind].dims / 2;
    const float *raw = r->raw + row * width;
    float *g = r->by_qkv + row * width;
    double *sums = r->sums + row * r->back->sums.count;
    if (half) {
        const size_t at = r->run.batch->positions[row] * half;
        rotate_back(g, a->heads, a->head_dim, e->cosine[kind] + at, e->sine[kind] + at, half);
        rotate_back(g + q_width, a->kv_heads, a->head_dim, e->cosine[kind] + at, e->sine[kind] + at, half);
    }
    if (a->query_norm != HMA_QUERY_NORM_NONE) {
        heads_back(e, r->run.layer->q_norm, &r->back->q_norm, raw, g, a->heads, sums);
        heads_back(e, r->run.layer->k_norm, &r->back->k_norm, raw + q_width, g + q_width, a->kv_heads, sums);
    }
}

void hma_reverse_before(hma_layer_reverse *r, size_t first, size_t count, float *scratch) {
    const hma_engine *e = r->run.engine;
    const size_t hidden = e->a->hidden, width = qkv_width(e->a);
    const float *x = r->run.x + first * hidden, *by_qkv = r->by_qkv + first * width;
    float *normed = scratch, *g = normed + count * hidden, *change = g + count * hidden;
    for (size_t i = 0; i < count; i++) {
        row_back(r, first + i);
    }
    hma_layer_norm_rows(e, &r->run.layer->attn_norm, x, normed, count);
    hma_reverse_matrix_sums(e, &r->back->qkv, by_qkv, width, normed, hidden, count, change,
                            r->sums + first * r->back->sums.count, r->back->sums.count);
    hma_reverse_input(e, &r->back->qkv, by_qkv, width, count, g);
    norm_rows(r, &r->run.layer->attn_norm, &r->back->attn_norm, x, g, first, count);
    add(e, r->g + first * hidden, g, count * hidden);
}
