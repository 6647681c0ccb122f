/*
 * The forward pass once more, in doubles, one position after the other, straight from the description of the architecture: a
 * twin of eval/transformer without its kernels, batches and packing. Weights are merged in doubles and never rounded. For small
 * models.
 */
#ifndef HMA_TESTS_NAIVE_MODEL_H
#define HMA_TESTS_NAIVE_MODEL_H

#include "testing.h"

#include "eval/transformer/architecture.h"
#include "eval/transformer/rope.h"
#include "eval/transformer/weights_plan.h"
#include "hma/hma.h"
#include "merge/delta.h"

/* Pre and post - pre of every tensor, read once; the weights that a call asks for are put together from them. */
typedef struct naive_model {
    hma_architecture a;
    hma_weights_plan plan;
    const hma_source *source; /* of any ratios: says which tensors there are */
    float **pre, **change;    /* [tensors] */
    double *ratio;            /* [tensors] */
} naive_model;

static inline naive_model naive_open(const hma_source *source, const hma_source *pre, const hma_checkpoint *described_by) {
    const size_t tensors = hma_source_tensor_count(source);
    naive_model m = {.source = source,
                     .pre = calloc(tensors, sizeof *m.pre),
                     .change = calloc(tensors, sizeof *m.change),
                     .ratio = calloc(tensors, sizeof *m.ratio)};
    assert_non_null(m.pre);
    assert_non_null(m.change);
    assert_non_null(m.ratio);
    assert_ok(hma_architecture_read(&m.a, described_by));
    assert_ok(hma_weights_plan_make(&m.plan, source, &m.a));
    for (size_t i = 0; i < tensors; i++) {
        const hma_tensor *t = hma_source_tensor(source, i);
        m.pre[i] = calloc(t->elements + 1, sizeof **m.pre);
        m.change[i] = calloc(t->elements + 1, sizeof **m.change);
        assert_non_null(m.pre[i]);
        assert_non_null(m.change[i]);
        assert_ok(hma_source_read_f32(pre, hma_source_find(pre, t->name), 0, t->elements, m.pre[i]));
        assert_ok(hma_source_read_delta(source, t, 0, t->elements, m.change[i]));
    }
    return m;
}

static inline void naive_close(naive_model *m) {
    for (size_t i = 0; i < hma_source_tensor_count(m->source); i++) {
        free(m->pre[i]);
        free(m->change[i]);
    }
    hma_weights_plan_clear(&m->plan, m->a.layers);
    hma_architecture_clear(&m->a);
    free(m->pre);
    free(m->change);
    free(m->ratio);
}

static inline double naive_weight(const naive_model *m, const hma_tensor *tensor, size_t element) {
    const size_t i = hma_source_index(m->source, tensor);
    return (double)m->pre[i][element] + m->ratio[i] * (double)m->change[i][element];
}

/* y[rows] = W x + bias */
static inline void naive_multiply(const naive_model *m, const hma_matrix_plan *plan, const double *x, double *y) {
    for (size_t r = 0, at = 0; r < plan->run_count; at += plan->runs[r++].count) {
        const hma_row_run *run = &plan->runs[r];
        const size_t wide = (size_t)(plan->transposed ? run->weight->shape[1] : run->weight->shape[0]);
        const size_t t = hma_source_index(m->source, run->weight);
        const float *pre = m->pre[t], *change = m->change[t];
        const double ratio = m->ratio[t];
        for (size_t i = 0; i < run->count; i++) {
            double sum = run->bias ? naive_weight(m, run->bias, run->first + i) : 0;
            for (size_t c = 0; c < plan->columns; c++) {
                const size_t e = plan->transposed ? c * wide + run->first + i : (run->first + i) * plan->columns + c;
                sum += x[c] * ((double)pre[e] + ratio * (double)change[e]);
            }
            y[at + i] = sum;
        }
    }
}

static inline void naive_norm(const naive_model *m, const hma_norm_plan *plan, const double *x, double *y, size_t n,
                              bool biased) {
    double mean = 0, square = 0;
    for (size_t i = 0; i < n && m->a.norm == HMA_NORM_LAYER; i++) {
        mean += x[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        square += (x[i] - mean) * (x[i] - mean) / (double)n;
    }
    const double scale = 1 / sqrt(square + (double)m->a.norm_epsilon);
    for (size_t i = 0; i < n; i++) {
        const double plus = m->a.norm == HMA_NORM_RMS && m->a.norm_plus_one ? 1 : 0;
        const double bias = biased && plan->bias ? naive_weight(m, plan->bias, i) : 0;
        y[i] = (x[i] - mean) * scale * (naive_weight(m, plan->weight, i) + plus) + bias;
    }
}

/* Hidden size; a copy where there is no such norm. */
static inline void naive_norm_or_copy(const naive_model *m, const hma_norm_plan *plan, const double *x, double *y) {
    if (plan->weight) {
        naive_norm(m, plan, x, y, m->a.hidden, true);
    } else if (y != x) {
        memcpy(y, x, m->a.hidden * sizeof *y);
    }
}

static inline double naive_activation(hma_activation activation, double x) {
    switch (activation) {
    case HMA_ACT_SILU: return x / (1 + exp(-x));
    case HMA_ACT_GELU: return 0.5 * x * (1 + erf(x * sqrt(0.5)));
    case HMA_ACT_GELU_TANH: return 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case HMA_ACT_RELU: break;
    }
    return x > 0 ? x : 0;
}

static inline double naive_cap(double x, double cap) { return cap > 0 ? cap * tanh(x / cap) : x; }

/* Norm and rotation of q or k of one position. */
static inline void naive_heads(const naive_model *m, const hma_norm_plan *norm, size_t layer, size_t position, size_t heads,
                               double *x) {
    const hma_architecture *a = &m->a;
    const hma_rope *rope = &a->rope[a->layer_rope[layer]];
    const size_t d = a->head_dim, half = rope->dims / 2;
    if (a->query_norm == HMA_QUERY_NORM_WHOLE) {
        naive_norm(m, norm, x, x, heads * d, false);
    }
    float *table = calloc(2 * (position + 1) * half + 1, sizeof *table);
    assert_non_null(table);
    if (half) {
        hma_rope_table(rope, position + 1, table, table + (position + 1) * half);
    }
    const float *cosine = table + position * half, *sine = cosine + (position + 1) * half;
    for (size_t h = 0; h < heads; h++) {
        double *head = x + h * d;
        if (a->query_norm == HMA_QUERY_NORM_HEAD && norm->weight) {
            naive_norm(m, norm, head, head, d, false);
        }
        for (size_t i = 0; i < half; i++) {
            const double u = head[i], v = head[half + i], c = (double)cosine[i], s = (double)sine[i];
            head[i] = u * c - v * s;
            head[half + i] = v * c + u * s;
        }
    }
    free(table);
}

/* What the queries of `position` make of all positions up to it; qkv[position + 1, width]. */
static inline void naive_attend(const naive_model *m, size_t layer, const double *qkv, size_t position, double *out) {
    const hma_architecture *a = &m->a;
    const size_t d = a->head_dim, q_width = hma_query_width(a), kv = hma_kv_width(a), width = q_width + 2 * kv;
    const size_t window = a->layer_window[layer], first = window && position + 1 > window ? position + 1 - window : 0;
    const double scale = (double)a->attention_scale / (a->scale_by_layer ? (double)(layer + 1) : 1);
    double *weight = calloc(position + 1, sizeof *weight);
    assert_non_null(weight);
    for (size_t h = 0; h < a->heads; h++) {
        const size_t from = h / (a->heads / a->kv_heads) * d;
        const double *q = qkv + position * width + h * d;
        double sum = 0;
        for (size_t p = first; p <= position; p++) {
            double score = 0;
            for (size_t i = 0; i < d; i++) {
                score += q[i] * qkv[p * width + q_width + from + i];
            }
            weight[p] = exp(naive_cap(score * scale, (double)a->attention_softcap));
            sum += weight[p];
        }
        for (size_t i = 0; i < d; i++) {
            out[h * d + i] = 0;
            for (size_t p = first; p <= position; p++) {
                out[h * d + i] += weight[p] / sum * qkv[p * width + q_width + kv + from + i];
            }
        }
    }
    free(weight);
}

static inline void naive_mlp(const naive_model *m, const hma_layer_plan *layer, const double *x, double *out) {
    const hma_architecture *a = &m->a;
    double *up = calloc(2 * a->intermediate, sizeof *up);
    assert_non_null(up);
    naive_multiply(m, &layer->up, x, up);
    for (size_t i = 0; i < a->intermediate; i++) {
        up[i] = naive_activation(a->activation, up[i]) * (a->gated ? up[a->intermediate + i] : 1);
    }
    naive_multiply(m, &layer->down, up, out);
    naive_norm_or_copy(m, &layer->post_mlp_norm, out, out);
    free(up);
}

static inline void naive_layer(const naive_model *m, size_t number, size_t rows, double *x) {
    const hma_architecture *a = &m->a;
    const hma_layer_plan *layer = &m->plan.layers[number];
    const size_t hidden = a->hidden, width = hma_query_width(a) + 2 * hma_kv_width(a);
    double *qkv = calloc(rows * width, sizeof *qkv), *normed = calloc(3 * hidden + hma_query_width(a), sizeof *normed);
    double *attention = normed + hidden, *mlp = attention + hidden, *mixed = mlp + hidden;
    assert_non_null(qkv);
    assert_non_null(normed);
    for (size_t r = 0; r < rows; r++) {
        double *row = qkv + r * width, *in = x + r * hidden;
        naive_norm_or_copy(m, &layer->attn_norm, in, normed);
        naive_multiply(m, &layer->qkv, normed, row);
        naive_heads(m, &layer->q_norm, number, r, a->heads, row);
        naive_heads(m, &layer->k_norm, number, r, a->kv_heads, row + hma_query_width(a));
        naive_attend(m, number, qkv, r, mixed);
        naive_multiply(m, &layer->o, mixed, attention);
        naive_norm_or_copy(m, &layer->post_attn_norm, attention, attention);
        for (size_t i = 0; i < hidden && !a->parallel; i++) {
            in[i] += attention[i];
        }
        naive_norm_or_copy(m, a->shared_norm ? &layer->attn_norm : &layer->mlp_norm, in, normed);
        naive_mlp(m, layer, normed, mlp);
        for (size_t i = 0; i < hidden; i++) {
            in[i] += mlp[i] + (a->parallel ? attention[i] : 0);
        }
    }
    free(qkv);
    free(normed);
}

/* Log-probability of `target` after a hidden state. */
static inline double naive_score(const naive_model *m, const double *x, int32_t target) {
    const size_t rows = m->plan.head.rows;
    double *normed = calloc(m->a.hidden + rows, sizeof *normed), *logits = normed + m->a.hidden, sum = 0;
    assert_non_null(normed);
    naive_norm_or_copy(m, &m->plan.final_norm, x, normed);
    naive_multiply(m, &m->plan.head, normed, logits);
    for (size_t v = 0; v < rows; v++) {
        sum += exp(naive_cap(logits[v], (double)m->a.final_softcap));
    }
    const double result = naive_cap(logits[target], (double)m->a.final_softcap) - log(sum);
    free(normed);
    return result;
}

/* Sum of the log-likelihoods of the tokens that count; `ratios` is the recipe. */
static inline double naive_logprob(naive_model *m, const hma_recipe *recipe, hma_ids ids, const unsigned char *counts) {
    const hma_architecture *a = &m->a;
    const size_t rows = ids.count - 1;
    double *x = calloc(rows * a->hidden, sizeof *x), sum = 0;
    assert_non_null(x);
    for (size_t i = 0; i < hma_source_tensor_count(m->source); i++) {
        m->ratio[i] = hma_recipe_tensor_ratio(recipe, hma_source_tensor(m->source, i), a->tied_head);
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < a->hidden; i++) {
            x[r * a->hidden + i] =
                naive_weight(m, m->plan.embedding, (size_t)ids.ids[r] * a->hidden + i) * (double)a->embed_scale;
            if (m->plan.positions) {
                x[r * a->hidden + i] += naive_weight(m, m->plan.positions, (r + a->position_offset) * a->hidden + i);
            }
        }
    }
    for (size_t l = 0; l < a->layers; l++) {
        naive_layer(m, l, rows, x);
    }
    for (size_t r = 0; r < rows; r++) {
        sum += !counts || counts[r + 1] ? naive_score(m, x + r * a->hidden, ids.ids[r + 1]) : 0;
    }
    free(x);
    return sum;
}

#endif
