/* Rotary embeddings: config.json to frequencies, frequencies to tables of cosines and sines. */
#ifndef HMA_EVAL_TRANSFORMER_ROPE_H
#define HMA_EVAL_TRANSFORMER_ROPE_H

#include <cjson/cJSON.h>

#include "eval/transformer/architecture.h"

typedef struct hma_rope_request {
    const cJSON *config;     /* the language model's object */
    const char *path;        /* for messages */
    const char *layer_type;  /* key inside "rope_parameters" where it is nested by layer type; NULL: not nested */
    const char *theta_key;   /* old style: "rope_theta", "rotary_emb_base", "rope_local_base_freq" */
    double default_theta;
    const char *partial_key; /* old style: "partial_rotary_factor", "rotary_pct"; NULL: all of the head turns */
    double default_partial;
    bool scaled;             /* old style: "rope_scaling" applies to this kind of layer */
    size_t head_dim;
    size_t max_length;
} hma_rope_request;

/*
 * Reads both styles: rope_theta and rope_scaling beside the other keys (transformers 4), or rope_parameters (transformers 5).
 * Types default, linear, dynamic, llama3, yarn; others are refused by name.
 * Source of the formulas: transformers 4.57 modeling_rope_utils.
 */
hma_status hma_rope_read(hma_rope *out, const hma_rope_request *request);

/*
 * Cosines and sines of positions 0 .. positions-1, [positions, dims/2] each, scaled by rope->scale. The angle is rounded to
 * fp32 before cosine and sine are taken, as in the reference: at position 4000 that is visible.
 */
void hma_rope_table(const hma_rope *rope, size_t positions, float *cosine, float *sine);

#endif
