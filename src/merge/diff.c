/* What separates post from pre: sums per chunk on all threads, then added up in the order of the tensors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checkpoint/buffers.h"
#include "merge/blocks.h"
#include "merge/compatible.h"
#include "merge/roles.h"
#include "merge/source.h"
#include "merge/sweep.h"
#include "merge/values.h"

/* Sums over several runs of elements. */
typedef struct total {
    hma_delta_sums sums;
    uint64_t elements;
} total;

typedef struct comparison {
    const hma_checkpoint *pre, *post;
    const hma_kernels *kernels;
    const hma_tensor **tensors; /* of pre */
    const hma_tensor **others;  /* of post, the same names */
    size_t count;
    hma_chunks chunks;
    hma_delta_sums *found; /* [chunks] */
} comparison;

static void add(total *to, const hma_delta_sums *sums, uint64_t elements) {
    to->sums.pre_squared += sums->pre_squared;
    to->sums.post_squared += sums->post_squared;
    to->sums.product += sums->product;
    to->sums.delta_squared += sums->delta_squared;
    to->sums.max_abs = fmax(to->sums.max_abs, sums->max_abs);
    to->sums.changed += sums->changed;
    to->elements += elements;
}

/* Ratios of nothing are NaN. */
static hma_delta delta_of(const total *t) {
    const double pre = sqrt(t->sums.pre_squared), post = sqrt(t->sums.post_squared);
    hma_delta delta = {.l2 = sqrt(t->sums.delta_squared), .max_abs = t->sums.max_abs, .elements = t->elements};
    delta.relative = pre > 0 ? delta.l2 / pre : NAN;
    delta.cosine = pre > 0 && post > 0 ? t->sums.product / (pre * post) : NAN;
    delta.changed = t->elements ? (double)t->sums.changed / (double)t->elements : 0;
    return delta;
}

/* ---- reading ---- */

/* A chunk at a time in blocks of HMA_BLOCK elements, pre and post side by side in the scratch memory. */
static hma_status compare_chunk(void *user, size_t number, const hma_chunk *chunk, void *scratch) {
    const comparison *c = user;
    const hma_tensor *pre = c->tensors[chunk->tensor], *post = c->others[chunk->tensor];
    unsigned char *const x = scratch, *const y = x + HMA_CHUNK_BYTES / 2;
    total sum = {0};
    for (uint64_t done = 0; done < chunk->count; done += HMA_BLOCK) {
        const uint64_t first = chunk->first + done;
        const size_t n = (size_t)(chunk->count - done < HMA_BLOCK ? chunk->count - done : HMA_BLOCK);
        hma_delta_sums block;
        hma_status status = hma_checkpoint_read(c->pre, pre, first, n, x);
        if (status == HMA_OK) {
            status = hma_checkpoint_read(c->post, post, first, n, y);
        }
        if (status == HMA_OK && !c->kernels->measure_delta(pre->dtype, n, x, y, &block)) {
            status = hma_check_both_finite(c->pre, c->post, pre, first, n, x, y);
        }
        if (status != HMA_OK) {
            return status;
        }
        add(&sum, &block, n);
    }
    c->found[number] = sum.sums;
    return HMA_OK;
}

static hma_status begin(comparison *c) {
    const size_t all = hma_checkpoint_tensor_count(c->pre);
    c->tensors = HMA_NEW(const hma_tensor *, all);
    c->others = HMA_NEW(const hma_tensor *, all);
    if (!c->tensors || !c->others) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < all; i++) {
        const hma_tensor *pre = hma_checkpoint_tensor(c->pre, i), *post = hma_checkpoint_find(c->post, pre->name);
        if (post && hma_dtype_is_weight(pre->dtype) && pre->dtype == post->dtype && pre->elements == post->elements &&
            !hma_tensor_is_buffer(pre->name)) {
            c->tensors[c->count] = pre;
            c->others[c->count++] = post;
        }
    }
    const hma_status status = hma_chunks_cut(&c->chunks, c->tensors, c->count);
    if (status != HMA_OK) {
        return status;
    }
    c->found = HMA_NEW(hma_delta_sums, hma_chunks_count(&c->chunks));
    return c->found ? HMA_OK : HMA_FAILURE;
}

static void end(comparison *c) {
    free(c->tensors);
    free(c->others);
    free(c->found);
    hma_chunks_free(&c->chunks);
}

/* ---- adding up ---- */

void hma_diff_free(hma_diff *diff) {
    if (diff) {
        free(diff->tensors);
        free(diff->tensor);
        free(diff->layer);
        free(diff->block_start);
        free(diff->block);
        free(diff);
    }
}

static hma_status new_diff(hma_diff **out, const comparison *c, size_t layers, hma_blocks *blocks) {
    hma_diff *diff = HMA_NEW(hma_diff, 1);
    if (!diff) {
        return HMA_FAILURE;
    }
    diff->tensor_count = c->count;
    diff->tensors = HMA_NEW(const hma_tensor *, c->count);
    diff->tensor = HMA_NEW(hma_delta, c->count);
    diff->layer_count = layers;
    diff->layer = HMA_NEW(hma_delta, layers);
    diff->block_count = blocks->count;
    diff->block = HMA_NEW(hma_delta, blocks->count);
    diff->block_start = blocks->start; /* moves */
    blocks->start = NULL;
    if (!diff->tensors || !diff->tensor || !diff->layer || !diff->block) {
        hma_diff_free(diff);
        return HMA_FAILURE;
    }
    memcpy(diff->tensors, c->tensors, c->count * sizeof *diff->tensors);
    *out = diff;
    return HMA_OK;
}

static hma_status sum_up(hma_diff *diff, const comparison *c) {
    total all = {0}, kinds[HMA_KIND_COUNT] = {{{0}, 0}};
    const hma_blocks blocks = {diff->block_start, diff->block_count};
    total *layers = HMA_NEW(total, diff->layer_count), *parts = HMA_NEW(total, diff->block_count);
    if (!layers || !parts) {
        free(layers);
        free(parts);
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < c->count; i++) {
        const hma_role role = hma_role_of(c->tensors[i]->name, c->tensors[i]->rank);
        total tensor = {.elements = c->tensors[i]->elements};
        for (size_t chunk = c->chunks.first[i]; chunk < c->chunks.first[i + 1]; chunk++) {
            add(&tensor, &c->found[chunk], 0);
        }
        diff->tensor[i] = delta_of(&tensor);
        add(&all, &tensor.sums, tensor.elements);
        add(&kinds[role.kind], &tensor.sums, tensor.elements);
        if (role.place == HMA_PLACE_LAYER) {
            add(&layers[role.layer], &tensor.sums, tensor.elements);
            add(&parts[hma_blocks_find(&blocks, role.layer)], &tensor.sums, tensor.elements);
        }
    }
    diff->total = delta_of(&all);
    for (size_t k = 0; k < HMA_KIND_COUNT; k++) {
        diff->kind[k] = delta_of(&kinds[k]);
    }
    for (size_t layer = 0; layer < diff->layer_count; layer++) {
        diff->layer[layer] = delta_of(&layers[layer]);
    }
    for (size_t k = 0; k < diff->block_count; k++) {
        diff->block[k] = delta_of(&parts[k]);
    }
    free(layers);
    free(parts);
    return HMA_OK;
}

hma_status hma_diff_compute(hma_context *context, hma_diff **out, const hma_checkpoint *pre, const hma_checkpoint *post,
                            const char *blocks) {
    comparison c = {.pre = pre, .post = post, .kernels = hma_kernels_best()};
    hma_blocks cut = {0};
    hma_diff *diff = NULL;
    size_t layers = 0;
    hma_status status = hma_check_compatible(pre, post, false);
    if (status == HMA_OK) {
        status = hma_checkpoint_layers(pre, &layers);
    }
    if (status == HMA_OK) {
        status = hma_blocks_parse(&cut, blocks ? blocks : "1", layers);
    }
    if (status == HMA_OK) {
        status = begin(&c);
    }
    if (status == HMA_OK) {
        status = hma_sweep(context, "comparing", c.tensors, &c.chunks, compare_chunk, &c);
    }
    if (status == HMA_OK) {
        status = new_diff(&diff, &c, layers, &cut);
    }
    if (status == HMA_OK) {
        status = sum_up(diff, &c);
    }
    if (status == HMA_OK) {
        *out = diff;
    } else {
        hma_diff_free(diff);
    }
    hma_blocks_free(&cut);
    end(&c);
    return status;
}
