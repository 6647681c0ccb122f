/* What is outside the layers: embeddings, positions, the final norm, the head. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "eval/transformer/weights_parts.h"

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
    e->w->embedding->row[id] = row;
    return HMA_OK;
}

static hma_status check_rows(void *argument, size_t index, size_t worker) {
    const hma_weights *w = argument;
    const size_t first = index * HMA_PACK_ROWS, count = hma_min_size(HMA_PACK_ROWS, w->a->vocabulary - first);
    return hma_source_read_f32(w->source, w->plan.embedding, (uint64_t)first * w->a->hidden, count * w->a->hidden,
                               w->packer.scratch[worker]);
}

/*
 * Reading says whether values are finite. Rows that no text needs are never read, yet a checkpoint with NaN in one of them is
 * broken: what is said of it must not depend on the text. A tied embedding is read as the head.
 */
static hma_status check_embedding(hma_weights *w) {
    if (w->embedding->checked || (w->a->tied_head && !w->a->reward_head)) {
        return HMA_OK;
    }
    const size_t chunks = (w->a->vocabulary + HMA_PACK_ROWS - 1) / HMA_PACK_ROWS;
    const hma_status status = hma_pool_run(hma_context_pool(w->context), chunks, check_rows, w);
    w->embedding->checked = status == HMA_OK;
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
        if (!w->embedding->row[id] && !noted[id]) {
            noted[id] = 1;
            missing[missing_count++] = ids[i];
        }
    }
    if (status == HMA_OK) {
        embedding e = {w, missing};
        status = hma_pool_run(hma_context_pool(w->context), missing_count, read_embedding, &e);
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        memcpy(out + i * hidden, w->embedding->row[ids[i]], hidden * sizeof *out);
    }
    free(missing);
    free(noted);
    return status;
}

hma_status hma_weights_positions(hma_weights *w, const float **out) {
    if (w->plan.positions && !w->positions) {
        float *table = hma_new_aligned((size_t)w->plan.positions->elements, sizeof *table);
        const hma_status status = table ? hma_read_tensor(&w->packer, w->source, w->plan.positions, table) : HMA_FAILURE;
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
    const size_t width = hma_vector_bytes(w->a->hidden);
    if (!w->final_norm) {
        char *memory = hma_new_aligned(2 * width, 1), *at = memory;
        hma_norm norm;
        const hma_status status = memory ? hma_load_norm(w->source, &w->plan.final_norm, &at, &norm) : HMA_FAILURE;
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
    const hma_status status = bias ? hma_read_bias(w->source, m, bias) : HMA_FAILURE;
    if (status != HMA_OK) {
        free(bias);
        return status;
    }
    w->head_bias = bias;
    return HMA_OK;
}

static hma_status load_head(hma_weights *w, size_t first, size_t count) {
    const hma_matrix_plan *m = &w->plan.head;
    hma_weight_buffers *b = w->buffers;
    if (!b->head) {
        const size_t most = b->resident ? m->rows : hma_min_size(HMA_HEAD_TILE, m->rows);
        b->head = hma_new_aligned(hma_packed_bytes(w->kernels->gemm, most, m->columns), 1);
    }
    b->head_count = 0;
    const hma_status status = b->head ? hma_pack_matrix(&w->packer, w->source, m, first, count, b->head) : HMA_FAILURE;
    if (status == HMA_OK) {
        b->head_held = w->head_key;
        b->head_first = first;
        b->head_count = count;
    }
    return status;
}

static bool holds_head(const hma_weights *w, size_t first, size_t count) {
    const hma_weight_buffers *b = w->buffers;
    return strcmp(b->head_held.digest, w->head_key.digest) == 0 && first >= b->head_first &&
           first + count <= b->head_first + b->head_count;
}

hma_status hma_weights_head(hma_weights *w, size_t first, size_t count, hma_matrix *out, size_t *offset) {
    const hma_matrix_plan *m = &w->plan.head;
    const hma_weight_buffers *b = w->buffers;
    const double start = hma_seconds();
    hma_status status = m->has_bias && !w->head_bias ? read_head_bias(w) : HMA_OK;
    if (status == HMA_OK && !holds_head(w, first, count)) {
        status = b->resident ? load_head(w, 0, m->rows) : load_head(w, first, count);
    }
    w->seconds += hma_seconds() - start;
    if (status == HMA_OK) {
        *out = (hma_matrix){.rows = b->head_count,
                            .columns = m->columns,
                            .packed = b->head,
                            .bias = w->head_bias ? w->head_bias + b->head_first : NULL};
        *offset = b->head_first;
    }
    return status;
}

/* ---- the head in 8 bits ---- */

/* Making one takes as long as the logits of about so many positions. */
enum { WORTH_POSITIONS = 128 };

static bool holds_screen(const hma_weights *w) { return w->screen && strcmp(w->screen_held.digest, w->head_key.digest) == 0; }

bool hma_weights_screens(const hma_weights *w, uint64_t *bytes) {
    const hma_matrix_plan *m = &w->plan.head;
    const bool fits = w->buffers->resident && !m->has_bias && !w->a->reward_head && !(w->a->final_softcap > 0);
    const uint64_t whole = fits ? hma_screen_bytes(w->kernels->gemm, m->rows, m->columns) : 0;
    *bytes = w->screen ? 0 : whole;
    return w->screen || (whole && whole <= hma_context_left(w->context) / 8);
}

static hma_status make_screen(hma_weights *w, const hma_matrix *head) {
    const double start = hma_seconds();
    w->screen_held.digest[0] = '\0';
    const hma_status status = hma_screen_make(w->screen, hma_context_pool(w->context), head);
    if (status == HMA_OK) {
        w->screen_held = w->head_key;
    }
    w->seconds += hma_seconds() - start;
    return status;
}

hma_status hma_weights_screen(hma_weights *w, double positions, const hma_screen **out) {
    const hma_matrix_plan *m = &w->plan.head;
    hma_status status = HMA_OK;
    hma_matrix head;
    size_t offset;
    uint64_t bytes;
    *out = NULL;
    if ((positions < WORTH_POSITIONS && !holds_screen(w)) || !hma_weights_screens(w, &bytes)) {
        return HMA_OK;
    }
    if (!w->screen) {
        status = hma_screen_new(&w->screen, w->kernels->gemm, m->rows, m->columns);
        w->screen_bytes = status == HMA_OK ? bytes : 0;
        hma_context_claim(w->context, w->screen_bytes);
    }
    /* the head as well: another one's may lie in its place */
    if (status == HMA_OK) {
        status = hma_weights_head(w, 0, m->rows, &head, &offset);
    }
    if (status == HMA_OK && !holds_screen(w)) {
        status = make_screen(w, &head);
    }
    *out = status == HMA_OK ? w->screen : NULL;
    return status;
}
