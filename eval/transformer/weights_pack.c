/* From tensors of a source to packed matrices and plain vectors. */
#include <stdlib.h>

#include "base/checked.h"
#include "base/memory.h"
#include "eval/transformer/weights_parts.h"

/* ---- sizes ---- */

/* Parts of a layer begin at whole cache lines. */
static size_t whole_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

size_t hma_vector_bytes(uint64_t count) { return whole_lines((size_t)count * sizeof(float)); }

size_t hma_matrix_bytes(const hma_gemm *gemm, const hma_matrix_plan *m) {
    return whole_lines(hma_packed_bytes(gemm, m->rows, m->columns)) + (m->has_bias ? hma_vector_bytes(m->rows) : 0);
}

static size_t norm_bytes(const hma_norm_plan *n) {
    return (n->weight ? hma_vector_bytes(n->weight->elements) : 0) + (n->bias ? hma_vector_bytes(n->bias->elements) : 0);
}

size_t hma_layer_bytes(const hma_gemm *gemm, const hma_layer_plan *p) {
    return hma_matrix_bytes(gemm, &p->qkv) + hma_matrix_bytes(gemm, &p->o) + hma_matrix_bytes(gemm, &p->up) +
           hma_matrix_bytes(gemm, &p->down) + norm_bytes(&p->attn_norm) + norm_bytes(&p->post_attn_norm) +
           norm_bytes(&p->mlp_norm) + norm_bytes(&p->post_mlp_norm) + norm_bytes(&p->q_norm) + norm_bytes(&p->k_norm);
}

size_t hma_layer_widest(const hma_layer_plan *p) {
    return hma_max_size(hma_max_size(p->qkv.columns, p->o.columns), hma_max_size(p->up.columns, p->down.columns));
}

/* ---- packers ---- */

hma_status hma_packer_new(hma_packer *out, const hma_architecture *a, const hma_kernels *kernels, hma_pool *pool,
                          size_t widest) {
    hma_packer p = {.a = a, .kernels = kernels, .pool = pool, .scratch_count = pool ? hma_pool_threads(pool) : 1};
    p.scratch_floats = HMA_PACK_ROWS * hma_max_size(widest, a->hidden);
    p.scratch = HMA_NEW(float *, p.scratch_count);
    hma_status status = p.scratch ? HMA_OK : HMA_FAILURE;
    for (size_t t = 0; status == HMA_OK && t < p.scratch_count; t++) {
        p.scratch[t] = hma_new_aligned(p.scratch_floats, sizeof(float));
        status = p.scratch[t] ? HMA_OK : HMA_FAILURE;
    }
    if (status != HMA_OK) {
        hma_packer_free(&p);
        return status;
    }
    *out = p;
    return HMA_OK;
}

void hma_packer_free(hma_packer *packer) {
    for (size_t t = 0; packer->scratch && t < packer->scratch_count; t++) {
        free(packer->scratch[t]);
    }
    free(packer->scratch);
    *packer = (hma_packer){0};
}

/* Work for every index below `count`, on the packer's threads. */
static hma_status for_each(const hma_packer *packer, size_t count, hma_work_fn work, void *argument) {
    if (packer->pool) {
        return hma_pool_run(packer->pool, count, work, argument);
    }
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        status = work(argument, i, 0);
    }
    return status;
}

/* ---- a matrix ---- */

/* Rows first .. first+count-1 of the matrix as plain floats. */
static hma_status read_rows(const hma_packing *p, size_t first, size_t count, float *out) {
    const hma_matrix_plan *m = p->plan;
    size_t start = 0;
    for (size_t r = 0; r < m->run_count; start += m->runs[r++].count) {
        const hma_row_run *run = &m->runs[r];
        const size_t from = hma_max_size(first, start), to = hma_min_size(first + count, start + run->count);
        if (from >= to) {
            continue;
        }
        const size_t row = run->first + (from - start);
        float *rows = out + (from - first) * m->columns;
        if (p->columns) {
            for (size_t i = 0; i < to - from; i++) {
                for (size_t d = 0; d < m->columns; d++) {
                    rows[i * m->columns + d] = p->columns[d * p->stride + row + i];
                }
            }
            continue;
        }
        const hma_status status =
            hma_source_read_f32(p->source, run->weight, (uint64_t)row * m->columns, (uint64_t)(to - from) * m->columns, rows);
        if (status != HMA_OK) {
            return status;
        }
    }
    return HMA_OK;
}

static size_t pieces_of(size_t rows) { return (rows + HMA_PACK_ROWS - 1) / HMA_PACK_ROWS; }

static hma_status pack_piece(const hma_packing *p, size_t index, float *rows) {
    const size_t at = index * HMA_PACK_ROWS, count = hma_min_size(HMA_PACK_ROWS, p->count - at);
    const hma_status status = read_rows(p, p->first + at, count, rows);
    if (status == HMA_OK) {
        p->kernels->gemm->pack(p->packed, p->count, p->plan->columns, at, count, rows);
    }
    return status;
}

typedef struct whole_tensor {
    const hma_source *source;
    const hma_tensor *tensor;
    float *out;
    size_t chunk;
} whole_tensor;

static hma_status read_chunk(void *argument, size_t index, size_t worker) {
    const whole_tensor *t = argument;
    (void)worker;
    const uint64_t first = (uint64_t)index * t->chunk, count = hma_min_u64(t->chunk, t->tensor->elements - first);
    return hma_source_read_f32(t->source, t->tensor, first, count, t->out + first);
}

hma_status hma_read_tensor(hma_packer *packer, const hma_source *source, const hma_tensor *tensor, float *out) {
    whole_tensor t = {source, tensor, out, (size_t)1 << 17};
    return for_each(packer, (size_t)((tensor->elements + t.chunk - 1) / t.chunk), read_chunk, &t);
}

/* What has to be there before the first piece: architectures that store matrices as [in, out] need the whole tensor. */
static hma_status begin_packing(hma_packing *out, hma_packer *packer, const hma_source *source, const hma_matrix_plan *m,
                                size_t first, size_t count, void *packed) {
    *out = (hma_packing){
        .kernels = packer->kernels, .source = source, .plan = m, .packed = packed, .first = first, .count = count};
    if (!m->transposed) {
        return HMA_OK;
    }
    const hma_tensor *tensor = m->runs[0].weight; /* transposed families keep each matrix in one tensor */
    out->columns = hma_new_aligned((size_t)tensor->elements, sizeof(float));
    out->stride = (size_t)tensor->shape[1];
    return out->columns ? hma_read_tensor(packer, source, tensor, out->columns) : HMA_FAILURE;
}

typedef struct matrix_job {
    const hma_packing *packing;
    const hma_packer *packer;
} matrix_job;

static hma_status pack_some(void *argument, size_t index, size_t worker) {
    const matrix_job *job = argument;
    return pack_piece(job->packing, index, job->packer->scratch[worker]);
}

hma_status hma_pack_matrix(hma_packer *packer, const hma_source *source, const hma_matrix_plan *m, size_t first, size_t count,
                           void *packed) {
    hma_packing p;
    matrix_job job = {&p, packer};
    hma_status status = begin_packing(&p, packer, source, m, first, count, packed);
    if (status == HMA_OK) {
        status = for_each(packer, pieces_of(count), pack_some, &job);
    }
    free(p.columns);
    return status;
}

hma_status hma_read_bias(const hma_source *source, const hma_matrix_plan *m, float *out) {
    hma_status status = HMA_OK;
    for (size_t r = 0, at = 0; status == HMA_OK && r < m->run_count; at += m->runs[r++].count) {
        status = hma_source_read_f32(source, m->runs[r].bias, m->runs[r].first, m->runs[r].count, out + at);
    }
    return status;
}

/* ---- a layer ---- */

/* Takes memory for a layer's parts from one block. */
static void *take(char **at, size_t bytes) {
    char *p = *at;
    *at += whole_lines(bytes);
    return p;
}

/* Its place in memory, and its bias. */
static hma_status begin_matrix(hma_layer_load *load, size_t number, hma_packer *packer, const hma_source *source,
                               const hma_matrix_plan *m, char **at, hma_matrix *out) {
    hma_status status = HMA_OK;
    *out = (hma_matrix){.rows = m->rows, .columns = m->columns};
    out->packed = take(at, hma_packed_bytes(packer->kernels->gemm, m->rows, m->columns));
    if (m->has_bias) {
        out->bias = take(at, m->rows * sizeof(float));
        status = hma_read_bias(source, m, out->bias);
    }
    if (status == HMA_OK) {
        status = begin_packing(&load->matrices[number], packer, source, m, 0, m->rows, out->packed);
        load->pieces += pieces_of(m->rows);
    }
    return status;
}

static hma_status load_vector(const hma_source *source, const hma_tensor *tensor, char **at, float **out) {
    *out = NULL;
    if (!tensor) {
        return HMA_OK;
    }
    *out = take(at, (size_t)tensor->elements * sizeof(float));
    return hma_source_read_f32(source, tensor, 0, tensor->elements, *out);
}

hma_status hma_load_norm(const hma_source *source, const hma_norm_plan *n, char **at, hma_norm *out) {
    const hma_status status = load_vector(source, n->weight, at, &out->weight);
    return status == HMA_OK ? load_vector(source, n->bias, at, &out->bias) : status;
}

hma_status hma_load_begin(hma_layer_load *load, hma_packer *packer, const hma_source *source, const hma_layer_plan *p,
                          char *memory, hma_layer *out) {
    char *at = memory;
    hma_layer layer;
    hma_status status;
    *load = (hma_layer_load){0};
    if ((status = hma_load_norm(source, &p->attn_norm, &at, &layer.attn_norm)) != HMA_OK ||
        (status = hma_load_norm(source, &p->post_attn_norm, &at, &layer.post_attn_norm)) != HMA_OK ||
        (status = hma_load_norm(source, &p->mlp_norm, &at, &layer.mlp_norm)) != HMA_OK ||
        (status = hma_load_norm(source, &p->post_mlp_norm, &at, &layer.post_mlp_norm)) != HMA_OK ||
        (status = load_vector(source, p->q_norm.weight, &at, &layer.q_norm)) != HMA_OK ||
        (status = load_vector(source, p->k_norm.weight, &at, &layer.k_norm)) != HMA_OK ||
        (status = begin_matrix(load, 0, packer, source, &p->qkv, &at, &layer.qkv)) != HMA_OK ||
        (status = begin_matrix(load, 1, packer, source, &p->o, &at, &layer.o)) != HMA_OK ||
        (status = begin_matrix(load, 2, packer, source, &p->up, &at, &layer.up)) != HMA_OK ||
        (status = begin_matrix(load, 3, packer, source, &p->down, &at, &layer.down)) != HMA_OK) {
        return status;
    }
    *out = layer;
    return HMA_OK;
}

hma_status hma_load_piece(const hma_layer_load *load, size_t piece, float *scratch) {
    const hma_packing *p = load->matrices;
    for (; piece >= pieces_of(p->count); p++) {
        piece -= pieces_of(p->count);
    }
    return pack_piece(p, piece, scratch);
}

void hma_load_end(hma_layer_load *load) {
    for (size_t i = 0; i < HMA_LAYER_MATRICES; i++) {
        free(load->matrices[i].columns);
    }
    *load = (hma_layer_load){0};
}

typedef struct layer_job {
    const hma_layer_load *load;
    const hma_packer *packer;
} layer_job;

static hma_status load_some(void *argument, size_t index, size_t worker) {
    const layer_job *job = argument;
    return hma_load_piece(job->load, index, job->packer->scratch[worker]);
}

hma_status hma_load_layer(hma_packer *packer, const hma_source *source, const hma_layer_plan *plan, char *memory,
                          hma_layer *out) {
    hma_layer_load load;
    layer_job job = {&load, packer};
    hma_status status = hma_load_begin(&load, packer, source, plan, memory, out);
    if (status == HMA_OK) {
        status = for_each(packer, load.pieces, load_some, &job);
    }
    hma_load_end(&load);
    return status;
}
