/* The functions of hma_backward, included by one file for each instruction set, which defines HMA_BACKWARD_TABLE. */
#include "eval/transformer/kernels/backward.h"
#include "eval/transformer/kernels/vector_math.h"

/* ---- products and norms ---- */

static float dot(const float *x, const float *y, size_t n) {
    v16 sum = all16(0);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        EACH_PART(p) { sum.part[p] = load(x + i + p * LANES) * load(y + i + p * LANES) + sum.part[p]; }
    }
    if (i < n) {
        EACH_PART(p) {
            const size_t at = i + p * LANES, left = left_of(n - i, p);
            sum.part[p] = load_some(x + at, left, 0) * load_some(y + at, left, 0) + sum.part[p];
        }
    }
    return lane_sum(sum);
}

/* Mean of x and 1 / root mean square around it; the mean is 0 for RMS norms. */
INLINE void moments(const hma_norm_back *norm, const float *x, float *mean, float *scale) {
    const size_t n = norm->n;
    *mean = 0;
    if (norm->type == HMA_NORM_LAYER) {
        v16 sum = all16(0);
        for (size_t i = 0; i < n; i += 16) {
            EACH_PART(p) { sum.part[p] = sum.part[p] + load_some(x + i + p * LANES, left_of(n - i, p), 0); }
        }
        *mean = lane_sum(sum) / (float)n;
    }
    v16 squares = all16(0);
    for (size_t i = 0; i < n; i += 16) {
        EACH_PART(p) {
            const vf d = load_some(x + i + p * LANES, left_of(n - i, p), *mean) - *mean;
            squares.part[p] = d * d + squares.part[p];
        }
    }
    *scale = 1.0f / sqrtf(lane_sum(squares) / (float)n + norm->epsilon);
}

/*
 * y = z * w + b, z = (x - mean) * scale. With h = g * w:
 * dx = scale * (h - mean(h) - z * mean(h * z)), without mean(h) where no mean is taken.
 */
static hma_norm_parts norm_back(const hma_norm_back *norm, float *out, const float *g, const float *x) {
    const size_t n = norm->n;
    float mean, scale;
    moments(norm, x, &mean, &scale);
    v16 sum = all16(0), product = all16(0), weight = all16(0), bias = all16(0);
    for (size_t i = 0; i < n; i += 16) {
        EACH_PART(p) {
            const size_t at = i + p * LANES, left = left_of(n - i, p);
            const vf gi = load_some(g + at, left, 0), wi = load_some(norm->weight + at, left, 0);
            const vf z = (load_some(x + at, left, 0) - mean) * scale, h = gi * (wi + norm->plus);
            sum.part[p] = sum.part[p] + h;
            product.part[p] = h * z + product.part[p];
            if (norm->weight_change) {
                weight.part[p] = gi * z * load_some(norm->weight_change + at, left, 0) + weight.part[p];
            }
            if (norm->bias_change) {
                bias.part[p] = gi * load_some(norm->bias_change + at, left, 0) + bias.part[p];
            }
        }
    }
    const float mean_h = norm->type == HMA_NORM_LAYER ? lane_sum(sum) / (float)n : 0, mean_hz = lane_sum(product) / (float)n;
    for (size_t i = 0; i < n; i++) {
        const float z = (x[i] - mean) * scale;
        out[i] = scale * (g[i] * (norm->weight[i] + norm->plus) - mean_h - z * mean_hz);
    }
    return (hma_norm_parts){lane_sum(weight), lane_sum(bias)};
}

/* ---- activations ---- */

/* value = act(x), slope = act'(x) */
INLINE void act_and_slope(vf x, hma_activation activation, vf *value, vf *slope) {
    switch (activation) {
    case HMA_ACT_SILU: {
        const vf s = 1.0f / (1.0f + vexp(-x));
        *value = x * s;
        *slope = s * (1.0f + x * (1.0f - s));
        return;
    }
    case HMA_ACT_GELU: {
        const vf below = 0.5f * (1.0f + verf(x * 0.707106781f));
        *value = x * below;
        *slope = below + x * 0.398942280f * vexp(-0.5f * x * x);
        return;
    }
    case HMA_ACT_GELU_TANH: {
        /* x s(2u), s the logistic function, u = sqrt(2/pi) (x + 0.044715 x^3) */
        const vf u = 0.797884561f * (x + 0.044715f * x * x * x), s = 1.0f / (1.0f + vexp(-2.0f * u));
        *value = x * s;
        *slope = s + x * s * (1.0f - s) * 1.595769122f * (1.0f + 0.134145f * x * x);
        return;
    }
    case HMA_ACT_RELU:
        *value = larger(x, all(0));
        *slope = choose(x > all(0), all(1), all(0));
        return;
    }
    *value = x;
    *slope = all(1);
}

INLINE void activate_back_as(float *x, float *up, const float *g, size_t n, hma_activation activation) {
    for (size_t i = 0; i < n; i += LANES) {
        const vf xi = load_some(x + i, n - i, 0), gi = load_some(g + i, n - i, 0);
        const vf ui = up ? load_some(up + i, n - i, 0) : all(1);
        vf value, slope;
        act_and_slope(xi, activation, &value, &slope);
        store_some(x + i, gi * ui * slope, n - i);
        if (up) {
            store_some(up + i, gi * value, n - i);
        }
    }
}

static void activate_back(float *x, float *up, const float *g, size_t n, hma_activation activation) {
    switch (activation) {
    case HMA_ACT_SILU: activate_back_as(x, up, g, n, HMA_ACT_SILU); break;
    case HMA_ACT_GELU: activate_back_as(x, up, g, n, HMA_ACT_GELU); break;
    case HMA_ACT_GELU_TANH: activate_back_as(x, up, g, n, HMA_ACT_GELU_TANH); break;
    case HMA_ACT_RELU: activate_back_as(x, up, g, n, HMA_ACT_RELU); break;
    }
}

/* ---- attention ---- */

/* Queries that go through a step together. */
enum { BACK_QUERIES = 8 };

/*
 * Scratch memory of one call. Heads are filled up with zeros to `wide` floats, positions to a multiple of 16.
 * Transposed: [tile of 16 positions][wide][16].
 */
typedef struct attention_scratch {
    size_t wide, positions;
    float *keys, *keys_across, *values_across; /* [positions, wide], transposed, transposed */
    float *key_sums, *value_sums;              /* [positions, wide]: what becomes the derivatives */
    float *q, *g;                              /* [BACK_QUERIES, wide] */
    float *weights, *slopes;                   /* [BACK_QUERIES, positions]: softmax, derivative by scores */
} attention_scratch;

INLINE attention_scratch cut_scratch(const hma_attention_back *a) {
    attention_scratch s = {.wide = (a->head_dim + 15) / 16 * 16, .positions = (a->rows + 15) / 16 * 16};
    const size_t plane = s.wide * s.positions;
    s.keys = a->scratch;
    s.keys_across = s.keys + plane;
    s.values_across = s.keys_across + plane;
    s.key_sums = s.values_across + plane;
    s.value_sums = s.key_sums + plane;
    s.q = s.value_sums + plane;
    s.g = s.q + BACK_QUERIES * s.wide;
    s.weights = s.g + BACK_QUERIES * s.wide;
    s.slopes = s.weights + BACK_QUERIES * s.positions;
    return s;
}

static void fill_scratch(const hma_attention_back *a, const attention_scratch *s) {
    memset(s->keys, 0, 5 * s->wide * s->positions * sizeof *s->keys);
    for (size_t p = 0; p < a->rows; p++) {
        const float *k = a->keys + p * a->key_stride, *v = a->values + p * a->key_stride;
        const size_t tile = p / 16 * 16 * s->wide + p % 16;
        for (size_t d = 0; d < a->head_dim; d++) {
            s->keys[p * s->wide + d] = k[d];
            s->keys_across[tile + d * 16] = k[d];
            s->values_across[tile + d * 16] = v[d];
        }
    }
}

/* out[i, p] = x[i] . y[p] for the queries and for positions low <= p < high, both multiples of 16; y is transposed. */
static void meet(const attention_scratch *s, const float *x, const float *across, size_t low, size_t high, float *out) {
    for (size_t p = low; p < high; p += LANES) {
        const float *tile = across + p / 16 * 16 * s->wide + p % 16;
        vf acc[BACK_QUERIES];
        for (size_t i = 0; i < BACK_QUERIES; i++) {
            acc[i] = all(0);
        }
        for (size_t d = 0; d < s->wide; d++) {
            const vf t = load(tile + d * 16);
#pragma GCC unroll 8
            for (size_t i = 0; i < BACK_QUERIES; i++) {
                acc[i] = x[i * s->wide + d] * t + acc[i];
            }
        }
        for (size_t i = 0; i < BACK_QUERIES; i++) {
            store(out + i * s->positions + p, acc[i]);
        }
    }
}

/* tanh for soft caps, as in vector_body.h */
INLINE vf back_tanh(vf x) {
    const vf q = x * x;
    const vf series = x * (1.0f + q * (-1.0f / 3 + q * (2.0f / 15 - q * (17.0f / 315))));
    const vf usual = 1.0f - 2.0f / (vexp(2.0f * x) + 1.0f);
    return choose(q < all(0.01f), series, usual);
}

/*
 * weights[low .. high): scores become their softmax over positions first <= p < last, zero elsewhere. slopes: derivatives by
 * the softmax become derivatives by the raw scores: w (slope - sum w slope), through the cap and the scale.
 */
INLINE void softmax_row(const hma_attention_back *a, float *weights, float *slopes, size_t low, size_t high, size_t first,
                        size_t last) {
    vi lanes;
    for (int32_t i = 0; i < LANES; i++) {
        lanes[i] = i;
    }
    vf most = all(-INFINITY);
    for (size_t p = low; p < high; p += LANES) {
        const vi at = lanes + (int32_t)p, seen = (at >= (int32_t)first) & (at < (int32_t)last);
        vf score = load(weights + p) * a->scale;
        if (a->softcap > 0) {
            score = a->softcap * back_tanh(score / a->softcap);
        }
        score = choose(seen, score, all(-INFINITY));
        store(weights + p, score);
        most = larger(score, most);
    }
    const float max = register_max(most);
    v16 sum = all16(0), mean = all16(0);
    for (size_t p = low; p < high; p += 16) {
        EACH_PART(r) {
            const vf e = vexp(load(weights + p + r * LANES) - max);
            sum.part[r] = sum.part[r] + e;
            mean.part[r] = e * load(slopes + p + r * LANES) + mean.part[r];
        }
    }
    const float share = 1.0f / lane_sum(sum), centre = lane_sum(mean) * share;
    for (size_t p = low; p < high; p += LANES) {
        const vf score = load(weights + p), w = vexp(score - max) * share;
        vf slope = w * (load(slopes + p) - centre) * a->scale;
        if (a->softcap > 0) {
            const vf t = choose(score < all(-3e38f), all(0), score / a->softcap);
            slope = slope * (1.0f - t * t);
        }
        store(weights + p, w);
        store(slopes + p, slope);
    }
}

/* out[p] += sum over the queries of factor[i, p] * x[i], for low <= p < high. */
static void spread(const attention_scratch *s, float *out, const float *factor, const float *x, size_t low, size_t high) {
    for (size_t p = low; p < high; p++) {
        for (size_t d = 0; d < s->wide; d += LANES) {
            vf acc = load(out + p * s->wide + d);
#pragma GCC unroll 8
            for (size_t i = 0; i < BACK_QUERIES; i++) {
                acc = factor[i * s->positions + p] * load(x + i * s->wide + d) + acc;
            }
            store(out + p * s->wide + d, acc);
        }
    }
}

/* out[i] = sum over low <= p < high of factor[i, p] * y[p], into the queries' scratch rows. */
static void gather(const attention_scratch *s, float *out, const float *factor, const float *y, size_t low, size_t high) {
    for (size_t d = 0; d < s->wide; d += LANES) {
        vf acc[BACK_QUERIES];
        for (size_t i = 0; i < BACK_QUERIES; i++) {
            acc[i] = all(0);
        }
        for (size_t p = low; p < high; p++) {
            const vf v = load(y + p * s->wide + d);
#pragma GCC unroll 8
            for (size_t i = 0; i < BACK_QUERIES; i++) {
                acc[i] = factor[i * s->positions + p] * v + acc[i];
            }
        }
        for (size_t i = 0; i < BACK_QUERIES; i++) {
            store(out + i * s->wide + d, acc[i]);
        }
    }
}

/* Queries row .. row+count-1 of one head. Those beyond `count` are zero and see the first position: they add nothing. */
static void attend_queries(const hma_attention_back *a, const attention_scratch *s, size_t head, size_t row, size_t count) {
    memset(s->q, 0, 2 * BACK_QUERIES * s->wide * sizeof *s->q);
    for (size_t i = 0; i < count; i++) {
        memcpy(s->q + i * s->wide, a->q + (row + i) * a->q_stride + head * a->head_dim, a->head_dim * sizeof *s->q);
        memcpy(s->g + i * s->wide, a->g + (row + i) * a->g_stride + head * a->head_dim, a->head_dim * sizeof *s->g);
    }
    const size_t first = a->window && row + 1 > a->window ? row + 1 - a->window : 0;
    const size_t low = first / 16 * 16, high = (row + count + 15) / 16 * 16;
    meet(s, s->q, s->keys_across, low, high, s->weights);
    meet(s, s->g, s->values_across, low, high, s->slopes);
    for (size_t i = 0; i < BACK_QUERIES; i++) {
        const size_t p = row + (i < count ? i : 0);
        softmax_row(a, s->weights + i * s->positions, s->slopes + i * s->positions, low, high,
                    a->window && p + 1 > a->window ? p + 1 - a->window : 0, p + 1);
    }
    spread(s, s->key_sums, s->slopes, s->q, low, high);
    spread(s, s->value_sums, s->weights, s->g, low, high);
    gather(s, s->q, s->slopes, s->keys, low, high);
    for (size_t i = 0; i < count; i++) {
        memcpy(a->q_out + (row + i) * a->out_stride + head * a->head_dim, s->q + i * s->wide, a->head_dim * sizeof *s->q);
    }
}

static void attend_back(const hma_attention_back *a) {
    const attention_scratch s = cut_scratch(a);
    fill_scratch(a, &s);
    for (size_t head = 0; head < a->group; head++) {
        for (size_t row = 0; row < a->rows; row += BACK_QUERIES) {
            attend_queries(a, &s, head, row, a->rows - row < BACK_QUERIES ? a->rows - row : BACK_QUERIES);
        }
    }
    for (size_t p = 0; p < a->rows; p++) {
        memcpy(a->keys_out + p * a->out_stride, s.key_sums + p * s.wide, a->head_dim * sizeof *s.keys);
        memcpy(a->values_out + p * a->out_stride, s.value_sums + p * s.wide, a->head_dim * sizeof *s.keys);
    }
}

/* ---- logits ---- */

static void softmax_back(float *logits, size_t n, float normalizer, float weight, float cap) {
    for (size_t i = 0; i < n; i += LANES) {
        const vf l = load_some(logits + i, n - i, 0);
        vf g = -weight * vexp(l - normalizer);
        if (cap > 0) {
            const vf t = l / cap;
            g = g * (1.0f - t * t);
        }
        store_some(logits + i, g, n - i);
    }
}

const hma_backward HMA_BACKWARD_TABLE = {dot, norm_back, activate_back, attend_back, softmax_back};
