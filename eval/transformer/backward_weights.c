#include "eval/transformer/backward_weights.h"

#include <stdlib.h>

#include "base/checked.h"
#include "base/memory.h"
#include "merge/delta.h"

/* Rows of a tensor that one piece of work reads, and rows of a matrix that one piece packs. */
enum { ROWS_AT_ONCE = 2 * HMA_PANEL };

struct hma_backward_weights {
    hma_context *context;
    const hma_source *source;
    const hma_architecture *a;
    const hma_kernels *kernels;
    hma_weights_plan plan;
    hma_layer_back layer;
    hma_matrix_back head;
    float *final_norm[2];
    float *plain;    /* a matrix as it is read, [rows, columns] */
    float **scratch; /* [threads] */
    double seconds;
};

/* ---- reading ---- */

typedef hma_status (*read_fn)(const hma_source *source, const hma_tensor *tensor, uint64_t first, uint64_t count, float *out);

typedef struct reading {
    const hma_backward_weights *w;
    const hma_matrix_plan *plan;
    const hma_row_run *run; /* of a transposed one */
    read_fn read;
    size_t first, count; /* rows of the matrix */
    size_t start;        /* transposed: row of the matrix with which the run begins */
    float *out;          /* [count, columns] */
} reading;

/* Rows of a matrix that is stored row by row. */
static hma_status read_rows(void *argument, size_t index, size_t worker) {
    const reading *r = argument;
    (void)worker;
    const hma_matrix_plan *m = r->plan;
    const size_t begin = r->first + index * ROWS_AT_ONCE, end = hma_min_size(begin + ROWS_AT_ONCE, r->first + r->count);
    for (size_t i = 0, start = 0; i < m->run_count; start += m->runs[i++].count) {
        const hma_row_run *run = &m->runs[i];
        const size_t from = hma_max_size(begin, start), to = hma_min_size(end, start + run->count);
        if (from < to) {
            const hma_status status = r->read(r->w->source, run->weight, (uint64_t)(run->first + from - start) * m->columns,
                                              (uint64_t)(to - from) * m->columns, r->out + (from - r->first) * m->columns);
            if (status != HMA_OK) {
                return status;
            }
        }
    }
    return HMA_OK;
}

/* Rows of a tensor that is stored the other way round are columns of the matrix. */
static hma_status read_columns(void *argument, size_t index, size_t worker) {
    const reading *r = argument;
    const size_t columns = r->plan->columns, wide = (size_t)r->run->weight->shape[1];
    const size_t first = index * ROWS_AT_ONCE, count = hma_min_size(ROWS_AT_ONCE, columns - first);
    float *rows = r->w->scratch[worker];
    const hma_status status = r->read(r->w->source, r->run->weight, (uint64_t)first * wide, (uint64_t)count * wide, rows);
    for (size_t j = 0; status == HMA_OK && j < r->run->count; j++) {
        for (size_t i = 0; i < count; i++) {
            r->out[(r->start + j) * columns + first + i] = rows[i * wide + r->run->first + j];
        }
    }
    return status;
}

/* Rows first .. first+count-1 of a matrix into w->plain; of a transposed one all of them are asked for. */
static hma_status read_matrix(hma_backward_weights *w, const hma_matrix_plan *m, size_t first, size_t count, read_fn read) {
    hma_pool *pool = hma_context_pool(w->context);
    reading r = {.w = w, .plan = m, .read = read, .first = first, .count = count, .out = w->plain};
    if (!m->transposed) {
        return hma_pool_run(pool, (count + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE, read_rows, &r);
    }
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < m->run_count; r.start += m->runs[i++].count) {
        r.run = &m->runs[i];
        status = hma_pool_run(pool, (m->columns + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE, read_columns, &r);
    }
    return status;
}

/* ---- packing ---- */

typedef struct packing {
    const hma_backward_weights *w;
    size_t rows, columns; /* of w->plain */
    void *packed;
} packing;

static hma_status pack_rows(void *argument, size_t index, size_t worker) {
    const packing *p = argument;
    (void)worker;
    const size_t first = index * ROWS_AT_ONCE, count = hma_min_size(ROWS_AT_ONCE, p->rows - first);
    p->w->kernels->full->pack(p->packed, p->rows, p->columns, first, count, p->w->plain + first * p->columns);
    return HMA_OK;
}

static hma_status pack_across(void *argument, size_t index, size_t worker) {
    const packing *p = argument;
    const size_t first = index * ROWS_AT_ONCE, count = hma_min_size(ROWS_AT_ONCE, p->columns - first);
    float *turned = p->w->scratch[worker];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < p->rows; j++) {
            turned[i * p->rows + j] = p->w->plain[j * p->columns + first + i];
        }
    }
    p->w->kernels->full->pack(p->packed, p->columns, p->rows, first, count, turned);
    return HMA_OK;
}

static hma_status pack(hma_backward_weights *w, size_t rows, size_t columns, bool across, void *packed) {
    packing p = {w, rows, columns, packed};
    const size_t pieces = ((across ? columns : rows) + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
    return hma_pool_run(hma_context_pool(w->context), pieces, across ? pack_across : pack_rows, &p);
}

static hma_status load_matrix(hma_backward_weights *w, const hma_matrix_plan *m, size_t first, size_t count,
                              hma_matrix_back *out) {
    hma_status status = read_matrix(w, m, first, count, hma_source_read_f32);
    if (status == HMA_OK) {
        status = pack(w, count, m->columns, true, out->across.packed);
    }
    if (status == HMA_OK) {
        status = read_matrix(w, m, first, count, hma_source_read_delta);
    }
    if (status == HMA_OK) {
        status = pack(w, count, m->columns, false, out->change.packed);
    }
    for (size_t i = 0, at = 0; status == HMA_OK && m->has_bias && i < m->run_count; at += m->runs[i++].count) {
        const hma_row_run *run = &m->runs[i];
        const size_t from = hma_max_size(first, at), to = hma_min_size(first + count, at + run->count);
        if (from < to) {
            status = hma_source_read_delta(w->source, run->bias, run->first + (from - at), to - from,
                                           out->change.bias + (from - first));
        }
    }
    out->across.rows = m->columns;
    out->across.columns = count;
    out->change.rows = count;
    out->change.columns = m->columns;
    return status;
}

static hma_status load_vector(const hma_backward_weights *w, const hma_tensor *tensor, float *out) {
    return tensor ? hma_source_read_delta(w->source, tensor, 0, tensor->elements, out) : HMA_OK;
}

static hma_status load_norm(const hma_backward_weights *w, const hma_norm_plan *plan, const hma_norm_change *out) {
    const hma_status status = load_vector(w, plan->weight, out->weight_change);
    return status == HMA_OK ? load_vector(w, out->bias_change ? plan->bias : NULL, out->bias_change) : status;
}

/* ---- what there is ---- */

/* The number of a tensor's sum, given to it when it is seen first. */
static hma_status number_tensor(hma_sums_plan *sums, const hma_tensor *tensor, size_t *out) {
    for (size_t i = 0; i < sums->count; i++) {
        if (sums->tensors[i] == tensor) {
            *out = i;
            return HMA_OK;
        }
    }
    if (hma_grow(&sums->tensors, &sums->capacity, sums->count + 1, sizeof *sums->tensors)) {
        return HMA_FAILURE;
    }
    sums->tensors[sums->count] = tensor;
    *out = sums->count++;
    return HMA_OK;
}

static hma_status plan_norm(const hma_norm_plan *plan, bool with_bias, hma_sums_plan *sums, hma_norm_change *out) {
    *out = (hma_norm_change){0};
    if (!plan->weight) {
        return HMA_OK;
    }
    out->weight_change = hma_new_aligned((size_t)plan->weight->elements, sizeof(float));
    hma_status status = out->weight_change ? number_tensor(sums, plan->weight, &out->weight) : HMA_FAILURE;
    if (status == HMA_OK && plan->bias && with_bias) {
        out->bias_change = hma_new_aligned((size_t)plan->bias->elements, sizeof(float));
        status = out->bias_change ? number_tensor(sums, plan->bias, &out->bias) : HMA_FAILURE;
    }
    return status;
}

/* Memory for at most `rows` rows, and the parts: runs of one tensor that follow each other are one. */
static hma_status plan_matrix(const hma_gemm *gemm, const hma_matrix_plan *m, size_t rows, hma_sums_plan *sums,
                              hma_matrix_back *out) {
    *out = (hma_matrix_back){.parts = HMA_NEW(hma_matrix_part, m->run_count)};
    out->across.packed = hma_new_aligned(hma_packed_bytes(gemm, m->columns, rows), 1);
    out->change.packed = hma_new_aligned(hma_packed_bytes(gemm, rows, m->columns), 1);
    out->change.bias = m->has_bias ? hma_new_aligned(rows, sizeof(float)) : NULL;
    if (!out->parts || !out->across.packed || !out->change.packed || (m->has_bias && !out->change.bias)) {
        return HMA_FAILURE;
    }
    for (size_t i = 0, at = 0; i < m->run_count; at += m->runs[i++].count) {
        hma_matrix_part part = {.first = at, .count = m->runs[i].count};
        hma_status status = number_tensor(sums, m->runs[i].weight, &part.weight);
        if (status == HMA_OK && m->has_bias) {
            status = number_tensor(sums, m->runs[i].bias, &part.bias);
        }
        if (status != HMA_OK) {
            return status;
        }
        if (i > 0 && out->parts[out->part_count - 1].weight == part.weight) {
            out->parts[out->part_count - 1].count += part.count;
        } else {
            out->parts[out->part_count++] = part;
        }
    }
    return HMA_OK;
}

static hma_status plan_layer(const hma_gemm *gemm, const hma_layer_plan *p, hma_layer_back *out) {
    hma_sums_plan *sums = &out->sums;
    hma_status status;
    if ((status = plan_norm(&p->attn_norm, true, sums, &out->attn_norm)) != HMA_OK ||
        (status = plan_norm(&p->post_attn_norm, true, sums, &out->post_attn_norm)) != HMA_OK ||
        (status = plan_norm(&p->mlp_norm, true, sums, &out->mlp_norm)) != HMA_OK ||
        (status = plan_norm(&p->post_mlp_norm, true, sums, &out->post_mlp_norm)) != HMA_OK ||
        (status = plan_norm(&p->q_norm, false, sums, &out->q_norm)) != HMA_OK ||
        (status = plan_norm(&p->k_norm, false, sums, &out->k_norm)) != HMA_OK ||
        (status = plan_matrix(gemm, &p->qkv, p->qkv.rows, sums, &out->qkv)) != HMA_OK ||
        (status = plan_matrix(gemm, &p->o, p->o.rows, sums, &out->o)) != HMA_OK ||
        (status = plan_matrix(gemm, &p->up, p->up.rows, sums, &out->up)) != HMA_OK) {
        return status;
    }
    return plan_matrix(gemm, &p->down, p->down.rows, sums, &out->down);
}

static void free_norm(hma_norm_change *n) {
    free(n->weight_change);
    free(n->bias_change);
}

static void free_matrix(hma_matrix_back *m) {
    free(m->across.packed);
    free(m->change.packed);
    free(m->change.bias);
    free(m->parts);
}

static void free_layer(hma_layer_back *l) {
    hma_norm_change *const norms[] = {&l->attn_norm,     &l->post_attn_norm, &l->mlp_norm,
                                      &l->post_mlp_norm, &l->q_norm,         &l->k_norm};
    hma_matrix_back *const matrices[] = {&l->qkv, &l->o, &l->up, &l->down};
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) {
        free_norm(norms[i]);
    }
    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++) {
        free_matrix(matrices[i]);
    }
    free(l->sums.tensors);
    *l = (hma_layer_back){0};
}

/* ---- opening ---- */

static size_t largest(size_t a, size_t b, size_t c, size_t d) { return hma_max_size(hma_max_size(a, b), hma_max_size(c, d)); }

static hma_status allocate(hma_backward_weights *w) {
    const hma_layer_plan *p = &w->plan.layers[0];
    const size_t tile = hma_min_size(HMA_HEAD_TILE, w->plan.head.rows), threads = hma_context_threads(w->context);
    const size_t most =
        hma_max_size(tile * w->plan.head.columns, largest(p->qkv.rows * p->qkv.columns, p->o.rows * p->o.columns,
                                                          p->up.rows * p->up.columns, p->down.rows * p->down.columns));
    const size_t longest = hma_max_size(hma_max_size(tile, w->plan.head.columns),
                                        hma_max_size(largest(p->qkv.rows, p->o.rows, p->up.rows, p->down.rows),
                                                     largest(p->qkv.columns, p->o.columns, p->up.columns, p->down.columns)));
    hma_sums_plan head_sums = {0};
    hma_status status = plan_matrix(w->kernels->full, &w->plan.head, tile, &head_sums, &w->head);
    free(head_sums.tensors);
    w->plain = hma_new_aligned(most, sizeof *w->plain);
    w->final_norm[0] = hma_new_aligned(w->a->hidden, sizeof(float));
    w->final_norm[1] = hma_new_aligned(w->a->hidden, sizeof(float));
    w->scratch = HMA_NEW(float *, threads);
    if (status != HMA_OK || !w->plain || !w->final_norm[0] || !w->final_norm[1] || !w->scratch) {
        return HMA_FAILURE;
    }
    for (size_t t = 0; t < threads; t++) {
        w->scratch[t] = hma_new_aligned(ROWS_AT_ONCE * longest, sizeof(float));
        if (!w->scratch[t]) {
            return HMA_FAILURE;
        }
    }
    return HMA_OK;
}

hma_status hma_backward_weights_open(hma_backward_weights **out, hma_context *context, const hma_source *source,
                                     const hma_architecture *a, const hma_kernels *kernels) {
    hma_backward_weights *w = HMA_NEW(hma_backward_weights, 1);
    if (!w) {
        return HMA_FAILURE;
    }
    w->context = context;
    w->source = source;
    w->a = a;
    w->kernels = kernels;
    hma_status status = hma_weights_plan_make(&w->plan, source, a);
    if (status != HMA_OK) {
        free(w);
        return status;
    }
    status = allocate(w);
    if (status != HMA_OK) {
        hma_backward_weights_close(w);
        return status;
    }
    *out = w;
    return HMA_OK;
}

void hma_backward_weights_close(hma_backward_weights *w) {
    if (!w) {
        return;
    }
    for (size_t t = 0; w->scratch && t < hma_context_threads(w->context); t++) {
        free(w->scratch[t]);
    }
    free_layer(&w->layer);
    free_matrix(&w->head);
    hma_weights_plan_clear(&w->plan, w->a->layers);
    free(w->scratch);
    free(w->plain);
    free(w->final_norm[0]);
    free(w->final_norm[1]);
    free(w);
}

/* ---- asking ---- */

static hma_status load_layer(hma_backward_weights *w, const hma_layer_plan *p) {
    hma_layer_back *l = &w->layer;
    free_layer(l);
    hma_status status;
    if ((status = plan_layer(w->kernels->full, p, l)) != HMA_OK ||
        (status = load_norm(w, &p->attn_norm, &l->attn_norm)) != HMA_OK ||
        (status = load_norm(w, &p->post_attn_norm, &l->post_attn_norm)) != HMA_OK ||
        (status = load_norm(w, &p->mlp_norm, &l->mlp_norm)) != HMA_OK ||
        (status = load_norm(w, &p->post_mlp_norm, &l->post_mlp_norm)) != HMA_OK ||
        (status = load_norm(w, &p->q_norm, &l->q_norm)) != HMA_OK ||
        (status = load_norm(w, &p->k_norm, &l->k_norm)) != HMA_OK ||
        (status = load_matrix(w, &p->qkv, 0, p->qkv.rows, &l->qkv)) != HMA_OK ||
        (status = load_matrix(w, &p->o, 0, p->o.rows, &l->o)) != HMA_OK ||
        (status = load_matrix(w, &p->up, 0, p->up.rows, &l->up)) != HMA_OK) {
        return status;
    }
    return load_matrix(w, &p->down, 0, p->down.rows, &l->down);
}

hma_status hma_backward_weights_layer(hma_backward_weights *w, size_t layer, const hma_layer_back **out) {
    const double start = hma_seconds();
    const hma_status status = load_layer(w, &w->plan.layers[layer]);
    w->seconds += hma_seconds() - start;
    if (status == HMA_OK) {
        *out = &w->layer;
    }
    return status;
}

hma_status hma_backward_weights_head(hma_backward_weights *w, size_t first, size_t count, const hma_matrix_back **out) {
    const double start = hma_seconds();
    const hma_status status = load_matrix(w, &w->plan.head, first, count, &w->head);
    w->seconds += hma_seconds() - start;
    if (status == HMA_OK) {
        *out = &w->head;
    }
    return status;
}

hma_status hma_backward_weights_final_norm(hma_backward_weights *w, hma_norm_change *out) {
    const hma_norm_plan *plan = &w->plan.final_norm;
    const hma_norm_change change = {w->final_norm[0], plan->bias ? w->final_norm[1] : NULL, 0, 1};
    const hma_status status = load_norm(w, plan, &change);
    if (status == HMA_OK) {
        *out = change;
    }
    return status;
}

const hma_weights_plan *hma_backward_weights_plan(const hma_backward_weights *w) { return &w->plan; }

double hma_backward_weights_seconds(const hma_backward_weights *w) { return w->seconds; }
