/* Which parts of a model two sources have in common: keys made of what the values of their tensors follow from. */
#include <string.h>

#include "base/sha256.h"
#include "eval/transformer/weights_parts.h"
#include "merge/origin.h"

static hma_status add_tensor(hma_sha256 *hash, const hma_source *source, const hma_tensor *tensor) {
    hma_origin_of_values origin = {0}; /* a tensor that the architecture does not have */
    if (tensor) {
        origin = hma_source_origin(source, tensor);
    }
    return hma_sha256_add(hash, origin.word, sizeof origin.word);
}

static hma_status add_norm(hma_sha256 *hash, const hma_source *source, const hma_norm_plan *norm) {
    const hma_status status = add_tensor(hash, source, norm->weight);
    return status == HMA_OK ? add_tensor(hash, source, norm->bias) : status;
}

static hma_status add_matrix(hma_sha256 *hash, const hma_source *source, const hma_matrix_plan *matrix) {
    hma_status status = HMA_OK;
    for (size_t r = 0; status == HMA_OK && r < matrix->run_count; r++) {
        status = add_tensor(hash, source, matrix->runs[r].weight);
        if (status == HMA_OK) {
            status = add_tensor(hash, source, matrix->runs[r].bias);
        }
    }
    return status;
}

/* An origin does not say which tensor it is of, only what the same tensor's values follow from in another source. */
static hma_status add_layer(hma_sha256 *hash, const hma_source *source, size_t number, const hma_layer_plan *p) {
    const hma_norm_plan *norms[] = {&p->attn_norm, &p->post_attn_norm, &p->mlp_norm, &p->post_mlp_norm, &p->q_norm, &p->k_norm};
    const hma_matrix_plan *matrices[] = {&p->qkv, &p->o, &p->up, &p->down};
    hma_status status = hma_sha256_add(hash, &number, sizeof number);
    for (size_t i = 0; status == HMA_OK && i < sizeof norms / sizeof *norms; i++) {
        status = add_norm(hash, source, norms[i]);
    }
    for (size_t i = 0; status == HMA_OK && i < sizeof matrices / sizeof *matrices; i++) {
        status = add_matrix(hash, source, matrices[i]);
    }
    return status;
}

/* Ends a hash that was begun, whatever became of it. */
static hma_status end(hma_sha256 *hash, hma_status status, hma_part_key *key) {
    if (status == HMA_OK) {
        status = hma_sha256_end(hash, key->digest);
    }
    hma_sha256_free(hash);
    return status;
}

/* The key of two parts together. */
static hma_status join(const hma_part_key *one, const hma_part_key *other, hma_part_key *key) {
    char both[2 * sizeof one->digest];
    memcpy(both, one->digest, sizeof one->digest);
    memcpy(both + sizeof one->digest, other->digest, sizeof other->digest);
    return hma_sha256_of(both, sizeof both, key->digest);
}

static hma_status outside_keys(hma_weights *w) {
    hma_sha256 *hash;
    hma_status status = hma_sha256_new(&hash);
    if (status == HMA_OK) {
        status = add_tensor(hash, w->source, w->plan.embedding);
        if (status == HMA_OK) {
            status = add_tensor(hash, w->source, w->plan.positions);
        }
        status = end(hash, status, &w->trunk_key[0]);
    }
    if (status == HMA_OK && (status = hma_sha256_new(&hash)) == HMA_OK) {
        status = end(hash, add_norm(hash, w->source, &w->plan.final_norm), &w->norm_key);
    }
    if (status == HMA_OK && (status = hma_sha256_new(&hash)) == HMA_OK) {
        status = end(hash, add_matrix(hash, w->source, &w->plan.head), &w->head_key);
    }
    return status;
}

hma_status hma_weights_make_keys(hma_weights *w) {
    hma_status status = outside_keys(w);
    for (size_t l = 0; status == HMA_OK && l < w->a->layers; l++) {
        hma_sha256 *hash;
        status = hma_sha256_new(&hash);
        if (status == HMA_OK) {
            status = end(hash, add_layer(hash, w->source, l, &w->plan.layers[l]), &w->layer_key[l]);
        }
        if (status == HMA_OK) {
            status = join(&w->trunk_key[l], &w->layer_key[l], &w->trunk_key[l + 1]);
        }
    }
    return status;
}
