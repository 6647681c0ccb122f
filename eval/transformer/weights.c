/* Opening weights, alone or beside others, and going over to another source. */
#include "eval/transformer/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/weights_parts.h"

/* ---- memory ---- */

static uint64_t embedding_bytes(const hma_architecture *a, size_t tokens) {
    return (uint64_t)hma_min_size(a->vocabulary, tokens) * a->hidden * sizeof(float);
}

/* What everything together takes once it has been read. */
static uint64_t resident_bytes(const hma_weights *w, size_t layer_bytes) {
    return (uint64_t)layer_bytes * w->a->layers + hma_matrix_bytes(w->kernels->gemm, &w->plan.head) +
           embedding_bytes(w->a, SIZE_MAX);
}

enum { STREAMED_SLOTS = 2 };

/* Two layers, a tile of the head, and the embeddings of the tokens that are asked for, at most all. */
static uint64_t streamed_bytes(const hma_weights *w, size_t layer_bytes) {
    return (uint64_t)layer_bytes * STREAMED_SLOTS + (uint64_t)HMA_HEAD_TILE * w->a->hidden * w->kernels->gemm->weight_bytes +
           embedding_bytes(w->a, SIZE_MAX);
}

/* Of what other models have left, five eighths may be taken for good: the rest is for what is computed. */
static hma_status choose_residency(hma_weights *w) {
    const uint64_t most = hma_context_left(w->context) / 8 * 5;
    const size_t layer_bytes = hma_layer_bytes(w->kernels->gemm, &w->plan.layers[0]);
    const bool resident = resident_bytes(w, layer_bytes) <= most;
    const hma_status status =
        hma_weight_buffers_new(&w->buffers, resident ? w->a->layers : STREAMED_SLOTS, layer_bytes, resident);
    if (status == HMA_OK) {
        w->reserved = resident ? resident_bytes(w, layer_bytes) : hma_min_u64(streamed_bytes(w, layer_bytes), most);
        hma_context_claim(w->context, w->reserved);
    }
    return status;
}

/* ---- opening ---- */

static hma_status allocate(hma_weights *w) {
    w->layer_key = HMA_NEW(hma_part_key, w->a->layers);
    w->trunk_key = HMA_NEW(hma_part_key, w->a->layers + 1);
    if (!w->layer_key || !w->trunk_key) {
        return HMA_FAILURE;
    }
    const size_t widest = hma_layer_widest(&w->plan.layers[0]);
    const hma_status status = hma_packer_new(&w->packer, w->a, w->kernels, hma_context_pool(w->context), widest);
    return status == HMA_OK ? hma_weights_make_keys(w) : status;
}

/* Knows its tensors; has no memory of its own yet. */
static hma_status begin(hma_weights **out, hma_context *context, const hma_source *source, const hma_architecture *a,
                        hma_kernels *kernels) {
    hma_weights *w = HMA_NEW(hma_weights, 1);
    if (!w) {
        return HMA_FAILURE;
    }
    *w = (hma_weights){.context = context, .source = source, .a = a, .kernels = kernels};
    hma_status status = hma_weights_plan_make(&w->plan, source, a);
    if (status != HMA_OK) {
        free(w);
        return status;
    }
    hma_kernels_fit(kernels, hma_weights_plan_is_bf16(&w->plan, a->layers));
    status = allocate(w);
    if (status != HMA_OK) {
        hma_weights_close(w);
        return status;
    }
    *out = w;
    return HMA_OK;
}

hma_status hma_weights_open(hma_weights **out, hma_context *context, const hma_source *source, const hma_architecture *a,
                            hma_kernels *kernels) {
    hma_weights *w;
    hma_status status = begin(&w, context, source, a, kernels);
    if (status != HMA_OK) {
        return status;
    }
    status = choose_residency(w);
    if (status == HMA_OK) {
        status = hma_embedding_rows_new(&w->embedding, a->vocabulary);
    }
    if (status != HMA_OK) {
        hma_weights_close(w);
        return status;
    }
    *out = w;
    return HMA_OK;
}

static bool same(const hma_part_key *a, const hma_part_key *b) { return strcmp(a->digest, b->digest) == 0; }

hma_status hma_weights_open_beside(hma_weights **out, hma_weights *leader, const hma_source *source, const hma_architecture *a,
                                   hma_kernels *kernels, size_t tokens) {
    hma_weights *w;
    hma_status status = begin(&w, leader->context, source, a, kernels);
    if (status != HMA_OK) {
        return status;
    }
    if (leader->buffers->resident || kernels->gemm != leader->kernels->gemm) {
        hma_weights_close(w);
        return hma_error(HMA_INCOMPATIBLE, "a model beside another one needs weights that are streamed and packed alike");
    }
    w->buffers = leader->buffers;
    w->buffers->users++;
    if (same(&w->trunk_key[0], &leader->trunk_key[0])) {
        w->embedding = leader->embedding;
        w->embedding->users++;
    } else {
        status = hma_embedding_rows_new(&w->embedding, a->vocabulary);
        w->reserved = hma_min_u64(embedding_bytes(a, tokens), hma_context_left(w->context) / 8 * 5);
        hma_context_claim(w->context, w->reserved);
    }
    if (status != HMA_OK) {
        hma_weights_close(w);
        return status;
    }
    *out = w;
    return HMA_OK;
}

static void free_parts(hma_weights *w) {
    hma_weight_buffers_leave(w->buffers);
    hma_embedding_rows_leave(w->embedding, w->a->vocabulary);
    hma_context_release(w->context, w->reserved + w->screen_bytes);
    hma_screen_free(w->screen);
    hma_weights_plan_clear(&w->plan, w->a->layers);
    hma_packer_free(&w->packer);
    free(w->positions);
    free(w->final_norm);
    free(w->head_bias);
    free(w->layer_key);
    free(w->trunk_key);
}

void hma_weights_close(hma_weights *w) {
    if (w) {
        free_parts(w);
        free(w);
    }
}

/* ---- another source ---- */

/* What another source has otherwise. Layers and head say themselves whose they are. */
static hma_status forget_embedding(hma_weights *w) {
    hma_embedding_rows *rows;
    const hma_status status = hma_embedding_rows_new(&rows, w->a->vocabulary);
    if (status == HMA_OK) {
        hma_embedding_rows_leave(w->embedding, w->a->vocabulary);
        w->embedding = rows;
        free(w->positions);
        w->positions = NULL;
    }
    return status;
}

static void forget_norm(hma_weights *w) {
    free(w->final_norm);
    w->final_norm = NULL;
}

static void forget_head(hma_weights *w) {
    free(w->head_bias);
    w->head_bias = NULL;
}

/* Weights of another type are packed by other kernels: everything is made anew, where it was. */
static hma_status open_again(hma_weights *w, const hma_source *source) {
    const hma_gemm *before = w->kernels->gemm;
    hma_weights *fresh;
    const uint64_t held = w->reserved + w->screen_bytes;
    hma_context_release(w->context, held); /* the memory changes hands */
    const hma_status status = hma_weights_open(&fresh, w->context, source, w->a, w->kernels);
    if (status != HMA_OK) {
        w->kernels->gemm = before;
        hma_context_claim(w->context, held);
        return status;
    }
    fresh->seconds = w->seconds;
    w->reserved = w->screen_bytes = 0;
    free_parts(w);
    *w = *fresh;
    free(fresh);
    return HMA_OK;
}

/* What is known of a source before it takes the place of another one. */
static hma_status look_at(hma_weights *fresh, const hma_source *source, const hma_architecture *a) {
    *fresh = (hma_weights){.source = source, .a = a};
    fresh->layer_key = HMA_NEW(hma_part_key, a->layers);
    fresh->trunk_key = HMA_NEW(hma_part_key, a->layers + 1);
    const hma_status status =
        fresh->layer_key && fresh->trunk_key ? hma_weights_plan_make(&fresh->plan, source, a) : HMA_FAILURE;
    return status == HMA_OK ? hma_weights_make_keys(fresh) : status;
}

static void look_away(hma_weights *fresh) {
    hma_weights_plan_clear(&fresh->plan, fresh->a->layers);
    free(fresh->layer_key);
    free(fresh->trunk_key);
}

hma_status hma_weights_rebind(hma_weights *w, const hma_source *source) {
    hma_weights fresh;
    hma_status status = look_at(&fresh, source, w->a);
    if (status != HMA_OK) {
        look_away(&fresh);
        return status;
    }
    hma_weights_settle(w);
    hma_kernels fitted = *w->kernels;
    hma_kernels_fit(&fitted, hma_weights_plan_is_bf16(&fresh.plan, w->a->layers));
    if (fitted.gemm != w->kernels->gemm) {
        look_away(&fresh);
        return open_again(w, source);
    }
    if (!same(&w->trunk_key[0], &fresh.trunk_key[0]) && (status = forget_embedding(w)) != HMA_OK) {
        look_away(&fresh);
        return status;
    }
    if (!same(&w->norm_key, &fresh.norm_key)) {
        forget_norm(w);
    }
    if (!same(&w->head_key, &fresh.head_key)) {
        forget_head(w);
    }
    hma_weights_plan_clear(&w->plan, w->a->layers);
    free(w->layer_key);
    free(w->trunk_key);
    w->plan = fresh.plan;
    w->source = source;
    w->layer_key = fresh.layer_key;
    w->trunk_key = fresh.trunk_key;
    w->norm_key = fresh.norm_key;
    w->head_key = fresh.head_key;
    return HMA_OK;
}

const char *hma_weights_trunk_key(const hma_weights *w, size_t layer) { return w->trunk_key[layer].digest; }

void hma_weights_identity(const hma_weights *w, char key[HMA_WEIGHTS_IDENTITY]) {
    (void)snprintf(key, HMA_WEIGHTS_IDENTITY, "%s %s %s", w->trunk_key[w->a->layers].digest, w->norm_key.digest,
                   w->head_key.digest);
}

double hma_weights_seconds(const hma_weights *w) { return w->seconds; }
