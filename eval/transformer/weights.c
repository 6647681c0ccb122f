#include "eval/transformer/weights.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/weights_plan.h"

/* Rows of a matrix that one piece of work reads, merges and packs: enough for long reads, few enough to share out. */
enum { ROWS_AT_ONCE = 2 * HMA_PANEL };

struct hma_weights {
    hma_context *context;
    const hma_source *source;
    const hma_architecture *a;
    const hma_kernels *kernels;
    hma_weights_plan plan;
    size_t layer_bytes;    /* of one packed layer */
    bool resident;
    hma_layer *layers;     /* [layers] when resident, else [1] */
    char **memory;         /* of each */
    size_t *loaded;        /* of each: number of the layer that is in it, plus 1 */
    float *positions, *final_norm; /* NULL until read */
    void *head;                    /* memory; head_count says whether something is in it */
    float *head_bias;
    size_t head_first, head_count; /* rows that `head` holds now */
    float **embedding_row; /* [vocabulary], read when first used */
    bool embedding_checked;
    float **scratch;       /* [threads]: rows as they are read, before packing */
    size_t scratch_floats;
    float *transposed;     /* a whole [in, out] tensor, for architectures that store them so */
    double seconds;
};

/* ---- sizes ---- */

/* Parts of a layer begin at whole cache lines. */
static size_t whole_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

static size_t vector_bytes(uint64_t n) { return whole_lines((size_t)n * sizeof(float)); }

static size_t matrix_bytes(const hma_gemm *gemm, const hma_matrix_plan *m) {
    return whole_lines(hma_packed_bytes(gemm, m->rows, m->columns)) + (m->has_bias ? vector_bytes(m->rows) : 0);
}

static size_t norm_bytes(const hma_norm_plan *n) {
    return (n->weight ? vector_bytes(n->weight->elements) : 0) + (n->bias ? vector_bytes(n->bias->elements) : 0);
}

static size_t plan_bytes(const hma_gemm *gemm, const hma_layer_plan *p) {
    return matrix_bytes(gemm, &p->qkv) + matrix_bytes(gemm, &p->o) + matrix_bytes(gemm, &p->up) + matrix_bytes(gemm, &p->down) +
           norm_bytes(&p->attn_norm) + norm_bytes(&p->post_attn_norm) + norm_bytes(&p->mlp_norm) + norm_bytes(&p->post_mlp_norm) +
           norm_bytes(&p->q_norm) + norm_bytes(&p->k_norm);
}

static size_t widest(const hma_layer_plan *p) {
    return hma_max_size(hma_max_size(p->qkv.columns, p->o.columns), hma_max_size(p->up.columns, p->down.columns));
}

/* ---- opening ---- */

hma_status hma_weights_open(hma_weights **out, hma_context *context, const hma_source *source, const hma_architecture *a,
                            const hma_kernels *kernels) {
    hma_weights *w = HMA_NEW(hma_weights, 1);
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
    w->layer_bytes = plan_bytes(kernels->gemm, &w->plan.layers[0]);
    const uint64_t all = (uint64_t)w->layer_bytes * a->layers + matrix_bytes(kernels->gemm, &w->plan.head);
    w->resident = all <= hma_context_memory(context) / 2;
    const size_t kept = w->resident ? a->layers : 1;
    w->layers = HMA_NEW(hma_layer, kept);
    w->memory = HMA_NEW(char *, kept);
    w->loaded = HMA_NEW(size_t, kept);
    w->embedding_row = HMA_NEW(float *, a->vocabulary);
    w->scratch = HMA_NEW(float *, hma_context_threads(context));
    w->scratch_floats = ROWS_AT_ONCE * hma_max_size(widest(&w->plan.layers[0]), a->hidden);
    if (!w->layers || !w->memory || !w->loaded || !w->embedding_row || !w->scratch) {
        status = HMA_FAILURE;
    }
    for (size_t t = 0; status == HMA_OK && t < hma_context_threads(context); t++) {
        w->scratch[t] = hma_new_aligned(w->scratch_floats, sizeof(float));
        status = w->scratch[t] ? HMA_OK : HMA_FAILURE;
    }
    if (status != HMA_OK) {
        hma_weights_close(w);
        return status;
    }
    *out = w;
    return HMA_OK;
}

/* Drops what was read from the source, apart from the large memory that layers and head are packed into. */
static void forget(hma_weights *w) {
    for (size_t i = 0; w->embedding_row && i < w->a->vocabulary; i++) {
        free(w->embedding_row[i]);
        w->embedding_row[i] = NULL;
    }
    free(w->positions);
    free(w->final_norm);
    free(w->head_bias);
    w->positions = w->final_norm = w->head_bias = NULL;
    w->head_count = 0;
    w->embedding_checked = false;
}

void hma_weights_close(hma_weights *w) {
    if (!w) {
        return;
    }
    for (size_t l = 0; w->memory && l < (w->resident ? w->a->layers : 1); l++) {
        free(w->memory[l]);
    }
    for (size_t t = 0; w->scratch && t < hma_context_threads(w->context); t++) {
        free(w->scratch[t]);
    }
    forget(w);
    hma_weights_plan_clear(&w->plan, w->a->layers);
    free(w->layers);
    free(w->memory);
    free(w->scratch);
    free(w->embedding_row);
    free(w->loaded);
    free(w->transposed);
    free(w->head);
    free(w);
}

hma_status hma_weights_rebind(hma_weights *w, const hma_source *source) {
    hma_weights_plan plan;
    const hma_status status = hma_weights_plan_make(&plan, source, w->a);
    if (status != HMA_OK) {
        return status;
    }
    forget(w);
    for (size_t slot = 0; slot < (w->resident ? w->a->layers : 1); slot++) {
        w->loaded[slot] = 0;
    }
    hma_weights_plan_clear(&w->plan, w->a->layers);
    w->plan = plan;
    w->source = source;
    return HMA_OK;
}

/* ---- packing a matrix ---- */

typedef struct packing {
    const hma_weights *w;
    const hma_matrix_plan *plan;
    void *packed;
    size_t first, count;  /* rows of the matrix to pack; they become rows 0 .. of what is packed */
    const float *columns; /* transposed: the whole tensor, [columns, tensor rows] */
    size_t stride;        /* transposed: its row length */
} packing;

/* Rows first .. first+count-1 of the matrix as plain floats. */
static hma_status read_rows(const packing *p, size_t first, size_t count, float *out) {
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
        const hma_status status = hma_source_read_f32(p->w->source, run->weight, (uint64_t)row * m->columns,
                                                      (uint64_t)(to - from) * m->columns, rows);
        if (status != HMA_OK) {
            return status;
        }
    }
    return HMA_OK;
}

static hma_status pack_some(void *argument, size_t index, size_t worker) {
    const packing *p = argument;
    const size_t at = index * ROWS_AT_ONCE, count = hma_min_size(ROWS_AT_ONCE, p->count - at);
    float *rows = p->w->scratch[worker];
    const hma_status status = read_rows(p, p->first + at, count, rows);
    if (status == HMA_OK) {
        p->w->kernels->gemm->pack(p->packed, p->count, p->plan->columns, at, count, rows);
    }
    return status;
}

typedef struct whole_tensor {
    const hma_weights *w;
    const hma_tensor *tensor;
    float *out;
    size_t chunk;
} whole_tensor;

static hma_status read_chunk(void *argument, size_t index, size_t worker) {
    const whole_tensor *t = argument;
    (void)worker;
    const uint64_t first = (uint64_t)index * t->chunk, count = hma_min_u64(t->chunk, t->tensor->elements - first);
    return hma_source_read_f32(t->w->source, t->tensor, first, count, t->out + first);
}

static hma_status read_whole(hma_weights *w, const hma_tensor *tensor, float *out) {
    whole_tensor t = {w, tensor, out, (size_t)1 << 17};
    return hma_pool_run(hma_context_pool(w->context), (size_t)((tensor->elements + t.chunk - 1) / t.chunk), read_chunk, &t);
}

static hma_status pack_matrix(hma_weights *w, const hma_matrix_plan *m, size_t first, size_t count, void *packed) {
    packing p = {.w = w, .plan = m, .packed = packed, .first = first, .count = count};
    if (m->transposed) {
        const hma_tensor *tensor = m->runs[0].weight; /* transposed families keep each matrix in one tensor */
        free(w->transposed);
        w->transposed = hma_new_aligned((size_t)tensor->elements, sizeof(float));
        const hma_status status = w->transposed ? read_whole(w, tensor, w->transposed) : HMA_FAILURE;
        if (status != HMA_OK) {
            return status;
        }
        p.columns = w->transposed;
        p.stride = (size_t)tensor->shape[1];
    }
    return hma_pool_run(hma_context_pool(w->context), (count + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE, pack_some, &p);
}

static hma_status read_bias(const hma_weights *w, const hma_matrix_plan *m, float *out) {
    hma_status status = HMA_OK;
    for (size_t r = 0, at = 0; status == HMA_OK && r < m->run_count; at += m->runs[r++].count) {
        status = hma_source_read_f32(w->source, m->runs[r].bias, m->runs[r].first, m->runs[r].count, out + at);
    }
    return status;
}

/* ---- layers ---- */

/* Takes memory for a layer's parts from one block. */
static void *take(char **at, size_t bytes) {
    char *p = *at;
    *at += whole_lines(bytes);
    return p;
}

static hma_status load_matrix(hma_weights *w, const hma_matrix_plan *m, char **at, hma_matrix *out) {
    *out = (hma_matrix){.rows = m->rows, .columns = m->columns};
    out->packed = take(at, hma_packed_bytes(w->kernels->gemm, m->rows, m->columns));
    if (m->has_bias) {
        out->bias = take(at, m->rows * sizeof(float));
        const hma_status status = read_bias(w, m, out->bias);
        if (status != HMA_OK) {
            return status;
        }
    }
    return pack_matrix(w, m, 0, m->rows, out->packed);
}

static hma_status load_vector(const hma_weights *w, const hma_tensor *tensor, char **at, float **out) {
    *out = NULL;
    if (!tensor) {
        return HMA_OK;
    }
    *out = take(at, (size_t)tensor->elements * sizeof(float));
    return hma_source_read_f32(w->source, tensor, 0, tensor->elements, *out);
}

static hma_status load_norm(const hma_weights *w, const hma_norm_plan *n, char **at, hma_norm *out) {
    const hma_status status = load_vector(w, n->weight, at, &out->weight);
    return status == HMA_OK ? load_vector(w, n->bias, at, &out->bias) : status;
}

static hma_status load_layer(hma_weights *w, const hma_layer_plan *p, char *memory, hma_layer *out) {
    char *at = memory;
    hma_layer layer;
    hma_status status;
    if ((status = load_norm(w, &p->attn_norm, &at, &layer.attn_norm)) != HMA_OK ||
        (status = load_norm(w, &p->post_attn_norm, &at, &layer.post_attn_norm)) != HMA_OK ||
        (status = load_norm(w, &p->mlp_norm, &at, &layer.mlp_norm)) != HMA_OK ||
        (status = load_norm(w, &p->post_mlp_norm, &at, &layer.post_mlp_norm)) != HMA_OK ||
        (status = load_vector(w, p->q_norm.weight, &at, &layer.q_norm)) != HMA_OK ||
        (status = load_vector(w, p->k_norm.weight, &at, &layer.k_norm)) != HMA_OK ||
        (status = load_matrix(w, &p->qkv, &at, &layer.qkv)) != HMA_OK || (status = load_matrix(w, &p->o, &at, &layer.o)) != HMA_OK ||
        (status = load_matrix(w, &p->up, &at, &layer.up)) != HMA_OK || (status = load_matrix(w, &p->down, &at, &layer.down)) != HMA_OK) {
        return status;
    }
    *out = layer;
    return HMA_OK;
}

hma_status hma_weights_layer(hma_weights *w, size_t layer, const hma_layer **out) {
    const size_t slot = w->resident ? layer : 0;
    hma_status status = HMA_OK;
    if (w->loaded[slot] != layer + 1) {
        const double start = hma_seconds();
        if (!w->memory[slot]) {
            w->memory[slot] = hma_new_aligned(w->layer_bytes, 1);
        }
        w->loaded[slot] = 0;
        status = w->memory[slot] ? load_layer(w, &w->plan.layers[layer], w->memory[slot], &w->layers[slot]) : HMA_FAILURE;
        if (status == HMA_OK) {
            w->loaded[slot] = layer + 1;
        }
        w->seconds += hma_seconds() - start;
    }
    if (status == HMA_OK) {
        *out = &w->layers[slot];
    }
    return status;
}

/* ---- outside the layers ---- */

typedef struct embedding {
    hma_weights *w;
    const int32_t *missing;
} embedding;

static hma_status read_embedding(void *argument, size_t index, size_t worker) {
    const embedding *e = argument;
    (void)worker;
    const size_t hidden = e->w->a->hidden, id = (size_t)e->missing[index];
    float *row = hma_new_aligned(hidden, sizeof *row);
    if (!row) {
        return HMA_FAILURE;
    }
    const hma_status status = hma_source_read_f32(e->w->source, e->w->plan.embedding, (uint64_t)id * hidden, hidden, row);
    if (status != HMA_OK) {
        free(row);
        return status;
    }
    e->w->embedding_row[id] = row;
    return HMA_OK;
}

static hma_status check_rows(void *argument, size_t index, size_t worker) {
    const hma_weights *w = argument;
    const size_t first = index * ROWS_AT_ONCE, count = hma_min_size(ROWS_AT_ONCE, w->a->vocabulary - first);
    return hma_source_read_f32(w->source, w->plan.embedding, (uint64_t)first * w->a->hidden, count * w->a->hidden,
                               w->scratch[worker]);
}

/*
 * Reading says whether values are finite. Rows that no text needs are never read, yet a checkpoint with NaN in one of them is
 * broken: what is said of it must not depend on the text. A tied embedding is read as the head.
 */
static hma_status check_embedding(hma_weights *w) {
    if (w->embedding_checked || (w->a->tied_head && !w->a->reward_head)) {
        return HMA_OK;
    }
    const size_t chunks = (w->a->vocabulary + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
    const hma_status status = hma_pool_run(hma_context_pool(w->context), chunks, check_rows, w);
    w->embedding_checked = status == HMA_OK;
    return status;
}

hma_status hma_weights_embed(hma_weights *w, const int32_t *ids, size_t count, float *out) {
    const size_t hidden = w->a->hidden;
    const hma_status checked = check_embedding(w);
    if (checked != HMA_OK) {
        return checked;
    }
    int32_t *missing = HMA_NEW(int32_t, count);
    unsigned char *noted = HMA_NEW(unsigned char, w->a->vocabulary);
    hma_status status = missing && noted ? HMA_OK : HMA_FAILURE;
    size_t missing_count = 0;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        const size_t id = (size_t)ids[i];
        if (!w->embedding_row[id] && !noted[id]) {
            noted[id] = 1;
            missing[missing_count++] = ids[i];
        }
    }
    if (status == HMA_OK) {
        embedding e = {w, missing};
        status = hma_pool_run(hma_context_pool(w->context), missing_count, read_embedding, &e);
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        memcpy(out + i * hidden, w->embedding_row[ids[i]], hidden * sizeof *out);
    }
    free(missing);
    free(noted);
    return status;
}

hma_status hma_weights_positions(hma_weights *w, const float **out) {
    if (w->plan.positions && !w->positions) {
        float *table = hma_new_aligned((size_t)w->plan.positions->elements, sizeof *table);
        const hma_status status = table ? read_whole(w, w->plan.positions, table) : HMA_FAILURE;
        if (status != HMA_OK) {
            free(table);
            return status;
        }
        w->positions = table;
    }
    *out = w->positions;
    return HMA_OK;
}

hma_status hma_weights_final_norm(hma_weights *w, hma_norm *out) {
    const size_t width = vector_bytes(w->a->hidden);
    if (!w->final_norm) {
        char *memory = hma_new_aligned(2 * width, 1), *at = memory;
        hma_norm norm;
        const hma_status status = memory ? load_norm(w, &w->plan.final_norm, &at, &norm) : HMA_FAILURE;
        if (status != HMA_OK) {
            free(memory);
            return status;
        }
        w->final_norm = (float *)memory;
    }
    *out = (hma_norm){w->final_norm, w->plan.final_norm.bias ? w->final_norm + width / sizeof(float) : NULL};
    return HMA_OK;
}

size_t hma_weights_head_rows(const hma_weights *w) { return w->plan.head.rows; }

static hma_status read_head_bias(hma_weights *w) {
    const hma_matrix_plan *m = &w->plan.head;
    float *bias = hma_new_aligned(m->rows, sizeof *bias);
    const hma_status status = bias ? read_bias(w, m, bias) : HMA_FAILURE;
    if (status != HMA_OK) {
        free(bias);
        return status;
    }
    w->head_bias = bias;
    return HMA_OK;
}

static hma_status load_head(hma_weights *w, size_t first, size_t count) {
    const hma_matrix_plan *m = &w->plan.head;
    hma_status status = HMA_OK;
    if (!w->head) {
        const size_t most = w->resident ? m->rows : hma_min_size(HMA_HEAD_TILE, m->rows);
        w->head = hma_new_aligned(hma_packed_bytes(w->kernels->gemm, most, m->columns), 1);
    }
    if (m->has_bias && !w->head_bias) {
        status = read_head_bias(w);
    }
    w->head_count = 0;
    if (status == HMA_OK) {
        status = w->head ? pack_matrix(w, m, first, count, w->head) : HMA_FAILURE;
    }
    if (status == HMA_OK) {
        w->head_first = first;
        w->head_count = count;
    }
    return status;
}

hma_status hma_weights_head(hma_weights *w, size_t first, size_t count, hma_matrix *out, size_t *offset) {
    const hma_matrix_plan *m = &w->plan.head;
    if (first < w->head_first || first + count > w->head_first + w->head_count) {
        const double start = hma_seconds();
        const hma_status status = w->resident ? load_head(w, 0, m->rows) : load_head(w, first, count);
        w->seconds += hma_seconds() - start;
        if (status != HMA_OK) {
            return status;
        }
    }
    *out = (hma_matrix){.rows = w->head_count,
                        .columns = m->columns,
                        .packed = w->head,
                        .bias = w->head_bias ? w->head_bias + w->head_first : NULL};
    *offset = w->head_first;
    return HMA_OK;
}

bool hma_weights_resident(const hma_weights *w) { return w->resident; }

double hma_weights_seconds(const hma_weights *w) { return w->seconds; }
