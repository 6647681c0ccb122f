/* The functions of hma_vector, included by one file for each instruction set, which defines HMA_VECTOR_TABLE and
 * HMA_VECTOR_NAME. */
#include "eval/transformer/kernels/vector.h"
#include "eval/transformer/kernels/vector_math.h"

/* ---- norms ---- */

/* Sum of (x - mean)^2. */
INLINE float sum_of_squares(const float *x, size_t n, float mean) {
    v16 squares = all16(0);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        EACH_PART(p) {
            const vf d = load(x + i + p * LANES) - mean;
            squares.part[p] = d * d + squares.part[p];
        }
    }
    if (i < n) {
        EACH_PART(p) {
            const vf d = load_some(x + i + p * LANES, left_of(n - i, p), mean) - mean;
            squares.part[p] = d * d + squares.part[p];
        }
    }
    return lane_sum(squares);
}

static void rms_norm(float *y, const float *x, const float *w, size_t n, float epsilon, float plus_one) {
    const float scale = 1.0f / sqrtf(sum_of_squares(x, n, 0) / (float)n + epsilon);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        store(y + i, load(x + i) * scale * (load(w + i) + plus_one));
    }
    for (; i < n; i++) {
        y[i] = x[i] * scale * (w[i] + plus_one);
    }
}

static void layer_norm(float *y, const float *x, const float *w, const float *b, size_t n, float epsilon) {
    v16 sum = all16(0);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        EACH_PART(p) { sum.part[p] = sum.part[p] + load(x + i + p * LANES); }
    }
    if (i < n) {
        EACH_PART(p) { sum.part[p] = sum.part[p] + load_some(x + i + p * LANES, left_of(n - i, p), 0); }
    }
    const float mean = lane_sum(sum) / (float)n;
    const float scale = 1.0f / sqrtf(sum_of_squares(x, n, mean) / (float)n + epsilon);
    for (i = 0; i + LANES <= n; i += LANES) {
        vf v = (load(x + i) - mean) * scale * load(w + i);
        if (b) {
            v += load(b + i);
        }
        store(y + i, v);
    }
    for (; i < n; i++) {
        y[i] = (x[i] - mean) * scale * w[i] + (b ? b[i] : 0);
    }
}

/* ---- activations ---- */

INLINE vf act(vf x, hma_activation activation) {
    switch (activation) {
    case HMA_ACT_SILU: return x / (1.0f + vexp(-x));
    case HMA_ACT_GELU: return 0.5f * x * (1.0f + verf(x * 0.707106781f));
    case HMA_ACT_GELU_TANH: {
        /* 0.5 x (1 + tanh(u)) = x / (1 + exp(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3) */
        const vf u = 0.797884561f * (x + 0.044715f * x * x * x);
        return x / (1.0f + vexp(-2.0f * u));
    }
    case HMA_ACT_RELU: return larger(x, all(0));
    }
    return x;
}

INLINE void activate_as(float *x, const float *up, size_t n, hma_activation activation) {
    for (size_t i = 0; i < n; i += LANES) {
        vf v = act(load_some(x + i, n - i, 0), activation);
        if (up) {
            v *= load_some(up + i, n - i, 0);
        }
        store_some(x + i, v, n - i);
    }
}

static void activate(float *x, const float *up, size_t n, hma_activation activation) {
    switch (activation) {
    case HMA_ACT_SILU: activate_as(x, up, n, HMA_ACT_SILU); break;
    case HMA_ACT_GELU: activate_as(x, up, n, HMA_ACT_GELU); break;
    case HMA_ACT_GELU_TANH: activate_as(x, up, n, HMA_ACT_GELU_TANH); break;
    case HMA_ACT_RELU: activate_as(x, up, n, HMA_ACT_RELU); break;
    }
}

static void add(float *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        y[i] += x[i];
    }
}

static void rotate(float *x, size_t heads, size_t head_dim, const float *cosine, const float *sine, size_t half) {
    for (size_t h = 0; h < heads; h++) {
        float *first = x + h * head_dim, *second = first + half;
        for (size_t i = 0; i < half; i++) {
            const float a = first[i], b = second[i];
            first[i] = a * cosine[i] - b * sine[i];
            second[i] = b * cosine[i] + a * sine[i];
        }
    }
}

/* ---- attention ---- */

/* What is kept in registers at once: queries by tiles of keys, and queries by runs of 16 dimensions of values. */
enum { ROWS_AHEAD = 32 };
#if defined __AVX512F__
enum { QUERIES = 8, TILES = 2, VALUE_ROWS = 4, VALUE_RUNS = 4 };
#elif defined __AVX2__
enum { QUERIES = 4, TILES = 1, VALUE_ROWS = 2, VALUE_RUNS = 2 };
#else
enum { QUERIES = 2, TILES = 1, VALUE_ROWS = 2, VALUE_RUNS = 1 };
#endif

INLINE const float *query(const hma_attention *a, size_t i) {
    return a->q + i / a->group * a->q_stride + i % a->group * a->head_dim;
}

/* Queries that meet the keys together, one after the other if heads are not too long: then one register reaches all of them. */
enum { PACKED_DIMS = 256 };
typedef struct query_group {
    size_t base, count;
    bool packed;
    const float *q[QUERIES];
    float rows[QUERIES][PACKED_DIMS];
} query_group;

INLINE void pack_queries(query_group *g, const hma_attention *a, size_t base, size_t count) {
    g->base = base;
    g->count = count;
    g->packed = a->head_dim <= PACKED_DIMS;
    for (size_t i = 0; i < count; i++) {
        g->q[i] = query(a, base + i);
        for (size_t d = 0; g->packed && d < a->head_dim; d += LANES) {
            if (a->head_dim - d >= LANES) {
                store(g->rows[i] + d, load(g->q[i] + d));
            } else {
                memcpy(g->rows[i] + d, g->q[i] + d, (a->head_dim - d) * sizeof(float));
            }
        }
    }
}

/*
 * Scores of a group of `count` queries against `tiles` tiles of 16 keys; counts and `packed` are constants after inlining. Each
 * score is one dot product in order of d. `ahead` is fetched meanwhile, as much as is read here.
 */
INLINE void score_some(const hma_attention *a, const query_group *g, size_t count, bool packed, size_t tiles, const float *keys,
                       const float *ahead, v16 out[TILES][QUERIES]) {
    v16 acc[TILES][QUERIES];
    for (size_t i = 0; i < count; i++) {
        for (size_t t = 0; t < tiles; t++) {
            acc[t][i] = all16(0);
        }
    }
    for (size_t d = 0; d < a->head_dim; d++) {
        v16 k[TILES];
        for (size_t t = 0; t < tiles; t++) {
            EACH_PART(p) { k[t].part[p] = load(keys + (t * a->head_dim + d) * 16 + p * LANES); }
            __builtin_prefetch(ahead + (t * a->head_dim + d) * 16);
        }
#pragma GCC unroll 8
        for (size_t i = 0; i < count; i++) {
            const vf x = all(packed ? g->rows[i][d] : g->q[i][d]);
            for (size_t t = 0; t < tiles; t++) {
                EACH_PART(p) { acc[t][i].part[p] = x * k[t].part[p] + acc[t][i].part[p]; }
            }
        }
    }
    for (size_t t = 0; t < tiles; t++) {
        for (size_t i = 0; i < count; i++) {
            out[t][i] = acc[t][i];
        }
    }
}

INLINE void score_tiles(const hma_attention *a, const query_group *g, bool packed, size_t tiles, const float *keys,
                        const float *ahead, v16 out[TILES][QUERIES]) {
    switch (g->count) {
    case 1: score_some(a, g, 1, packed, tiles, keys, ahead, out); break;
#if defined __AVX2__
    case 2: score_some(a, g, 2, packed, tiles, keys, ahead, out); break;
    case 3: score_some(a, g, 3, packed, tiles, keys, ahead, out); break;
#endif
#if defined __AVX512F__
    case 4: score_some(a, g, 4, packed, tiles, keys, ahead, out); break;
    case 5: score_some(a, g, 5, packed, tiles, keys, ahead, out); break;
    case 6: score_some(a, g, 6, packed, tiles, keys, ahead, out); break;
    case 7: score_some(a, g, 7, packed, tiles, keys, ahead, out); break;
#endif
    default: score_some(a, g, QUERIES, packed, tiles, keys, ahead, out); break;
    }
}

/* Keys of rows first <= row < last of the store, a whole tile or a part of it, to positions from `at` on. */
INLINE void place_scores(float *to_row, const v16 *out, size_t tile, size_t first, size_t last) {
    const size_t l0 = tile * 16 < first ? first - tile * 16 : 0, l1 = tile * 16 + 16 > last ? last - tile * 16 : 16;
    if (l0 == 0 && l1 == 16) {
        EACH_PART(p) { store(to_row + p * LANES, out->part[p]); }
    } else {
        float lane[16];
        EACH_PART(p) { store(lane + p * LANES, out->part[p]); }
        memcpy(to_row, lane + l0, (l1 - l0) * sizeof *lane);
    }
}

/* Scores of a group against `tiles` tiles from `tile` on; row `first` of the store belongs to scratch position `at`. */
INLINE void score_span(const hma_attention *a, const query_group *g, size_t tile, size_t tiles, const float *ahead,
                       size_t first, size_t last, size_t at, size_t stride) {
    v16 out[TILES][QUERIES];
    if (g->packed) {
        score_tiles(a, g, true, tiles, a->keys + tile * a->head_dim * 16, ahead, out);
    } else {
        score_tiles(a, g, false, tiles, a->keys + tile * a->head_dim * 16, ahead, out);
    }
    for (size_t t = 0; t < tiles; t++) {
        const size_t row = (tile + t) * 16 < first ? first : (tile + t) * 16;
        for (size_t i = 0; i < g->count; i++) {
            place_scores(a->scratch + (g->base + i) * stride + at + (row - first), &out[t][i], tile + t, first, last);
        }
    }
}

/* The part of a span that has positions low <= p < high: rows of the store. */
typedef struct span_part {
    size_t first, count, position;
} span_part;

INLINE span_part part_of(const hma_span *span, size_t low, size_t high) {
    const size_t from = span->position > low ? span->position : low;
    const size_t end = span->position + span->count, to = end < high ? end : high;
    return (span_part){span->first + (from - span->position), from < to ? to - from : 0, from};
}

/* What is read after span s: the next one's first row of `rows`, else `then`. */
INLINE const float *after_span(const hma_attention *a, size_t s, const float *rows, const float *then) {
    return s + 1 < a->span_count ? rows + a->spans[s + 1].first / 16 * 16 * a->head_dim : then;
}

/*
 * Fills scratch[query][position - low] for all positions low <= p < high. A token that is decoded meets each key once, from
 * memory, in pieces too short for the processor to foresee what comes: so the first group fetches the tiles that follow, those
 * of the next span, and the first values.
 */
static void scores(const hma_attention *a, const query_group *g, size_t low, size_t high, size_t stride) {
    for (size_t s = 0; s < a->span_count; s++) {
        const span_part p = part_of(&a->spans[s], low, high);
        if (p.count == 0) {
            continue;
        }
        const size_t first = p.first, last = first + p.count, end_tile = (last + 15) / 16, size = a->head_dim * 16;
        const float *after = after_span(a, s, a->keys, a->values + a->spans[0].first * a->head_dim);
        for (size_t tile = first / 16, tiles; tile < end_tile; tile += tiles) {
            tiles = tile + TILES <= end_tile ? TILES : 1;
            const float *ahead = g->base                   ? a->keys + tile * size
                                 : tile + tiles < end_tile ? a->keys + (tile + tiles) * size
                                                           : after;
            if (tiles == TILES) {
                score_span(a, g, tile, TILES, ahead, first, last, p.position - low, stride);
            } else {
                score_span(a, g, tile, 1, ahead, first, last, p.position - low, stride);
            }
        }
    }
}

/* tanh for soft caps: 1 - 2 / (e^2x + 1); its small absolute error near 0 is multiplied by the cap. */
INLINE vf vtanh(vf x) {
    const vf s = x * x;
    const vf series = x * (1.0f + s * (-1.0f / 3 + s * (2.0f / 15 - s * (17.0f / 315))));
    const vf usual = 1.0f - 2.0f / (vexp(2.0f * x) + 1.0f);
    return choose(s < all(0.01f), series, usual);
}

/*
 * Softmax of one row over positions first <= p < last (given relative to a multiple of 16): leaves exp(score - max), zero
 * outside, up to `padded`. Returns the sum, taken in 16 lanes by position.
 */
INLINE float softmax(float *row, size_t first, size_t last, size_t padded, float scale, float softcap) {
    for (size_t i = 0; i < first; i++) {
        row[i] = -INFINITY;
    }
    for (size_t i = last; i < padded; i++) {
        row[i] = -INFINITY;
    }
    vf most = all(-INFINITY);
    for (size_t i = 0; i < padded; i += LANES) {
        vf s = load(row + i) * scale;
        if (softcap > 0) {
            const vi outside = s < all(-3e38f);
            s = choose(outside, s, softcap * vtanh(s / softcap));
        }
        store(row + i, s);
        most = larger(s, most);
    }
    const float max = register_max(most);
    v16 sum = all16(0);
    for (size_t i = 0; i < padded; i += 16) {
        EACH_PART(p) {
            const vf e = vexp(load(row + i + p * LANES) - max);
            store(row + i + p * LANES, e);
            sum.part[p] = sum.part[p] + e;
        }
    }
    return lane_sum(sum);
}

/*
 * Sum over positions of weight * value, in order of position, for up to VALUE_ROWS queries and `runs` runs of 16 dimensions
 * from `lane` on. The last run may reach past the head: its surplus is computed from whatever stands there, and not stored.
 */
INLINE void mix_values(const hma_attention *a, size_t base, size_t count, size_t lane, size_t runs, size_t low, size_t high,
                       size_t stride, const float *factor) {
    const float *weight[VALUE_ROWS];
    v16 acc[VALUE_ROWS][VALUE_RUNS];
    for (size_t i = 0; i < VALUE_ROWS; i++) {
        weight[i] = a->scratch + (base + (i < count ? i : 0)) * stride;
        for (size_t l = 0; l < VALUE_RUNS; l++) {
            acc[i][l] = all16(0);
        }
    }
    for (size_t s = 0; s < a->span_count; s++) {
        const span_part some = part_of(&a->spans[s], low, high);
        const float *after = after_span(a, s, a->values, a->values);
        for (size_t p = 0; p < some.count; p++) {
            const float *v = a->values + (some.first + p) * a->head_dim + lane;
            if (base == 0) {
                const float *ahead = p + ROWS_AHEAD < some.count ? v + ROWS_AHEAD * a->head_dim
                                                                 : after + (p + ROWS_AHEAD - some.count) * a->head_dim;
                for (size_t l = 0; l < runs; l++) {
                    __builtin_prefetch(ahead + 16 * l);
                }
            }
#pragma GCC unroll 4
            for (size_t i = 0; i < VALUE_ROWS; i++) {
                const vf w = all(weight[i][some.position - low + p]);
#pragma GCC unroll 4
                for (size_t l = 0; l < VALUE_RUNS; l++) {
                    if (l < runs) {
                        EACH_PART(r) { acc[i][l].part[r] = w * load(v + 16 * l + r * LANES) + acc[i][l].part[r]; }
                    }
                }
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        float *q = a->q + (base + i) / a->group * a->q_stride + (base + i) % a->group * a->head_dim + lane;
        for (size_t l = 0; l < runs; l++) {
            EACH_PART(p) {
                store_some(q + 16 * l + p * LANES, acc[i][l].part[p] * factor[base + i],
                           left_of(a->head_dim - lane - 16 * l, p));
            }
        }
    }
}

static void attend(const hma_attention *a) {
    const size_t queries = a->rows * a->group, high = a->position + a->rows;
    /* from a multiple of 16 on, so that a score's lane depends on its position only */
    const size_t seen = a->window && a->position + 1 > a->window ? a->position + 1 - a->window : 0;
    const size_t low = seen / 16 * 16;
    const size_t padded = (high - low + 15) / 16 * 16, stride = padded + 16;
    query_group group;
    for (size_t base = 0; base < queries; base += QUERIES) {
        pack_queries(&group, a, base, queries - base < QUERIES ? queries - base : QUERIES);
        scores(a, &group, low, high, stride);
    }
    float factor[HMA_ATTENTION_QUERIES];
    for (size_t i = 0; i < queries; i++) {
        const size_t p = a->position + i / a->group;
        const size_t first = a->window && p + 1 > a->window ? p + 1 - a->window : 0;
        factor[i] =
            1.0f / softmax(a->scratch + i * stride, first > low ? first - low : 0, p + 1 - low, padded, a->scale, a->softcap);
    }
    for (size_t base = 0; base < queries; base += VALUE_ROWS) {
        const size_t count = queries - base < VALUE_ROWS ? queries - base : VALUE_ROWS;
        for (size_t lane = 0; lane < a->head_dim; lane += 16 * VALUE_RUNS) {
            const size_t runs = (a->head_dim - lane + 15) / 16;
            if (runs >= VALUE_RUNS) {
                mix_values(a, base, count, lane, VALUE_RUNS, low, high, stride, factor);
            } else {
                mix_values(a, base, count, lane, runs, low, high, stride, factor);
            }
        }
    }
}

/* ---- logits ---- */

static hma_partial softmax_part(float *logits, size_t n, float cap) {
    vf most = all(-INFINITY);
    for (size_t i = 0; i < n; i += LANES) {
        vf l = load_some(logits + i, n - i, -INFINITY);
        if (cap > 0) {
            const vf capped = cap * vtanh(l / cap);
            l = n - i >= LANES ? capped : choose(l < all(-3e38f), l, capped);
            store_some(logits + i, l, n - i);
        }
        most = larger(l, most);
    }
    hma_partial part = {.max = register_max(most)};
    v16 sum = all16(0);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        EACH_PART(p) { sum.part[p] = sum.part[p] + vexp(load(logits + i + p * LANES) - part.max); }
    }
    if (i < n) {
        EACH_PART(p) {
            const vf l = load_some(logits + i + p * LANES, left_of(n - i, p), -INFINITY);
            sum.part[p] = sum.part[p] + vexp(l - part.max);
        }
    }
    part.sum = lane_sum(sum);
    while (part.argmax < n && logits[part.argmax] != part.max) {
        part.argmax++;
    }
    return part;
}

/* ---- sampling ---- */

/* Both halves of c * factor, from products of every second lane: gcc 12 would multiply whole lanes of 64 bits, slowly. */
INLINE void multiply_words(vu c, uint32_t factor, vu *high, vu *low) {
    const int_register m = (int_register)(factor - (vu){0});
    const vq even = (vq)REGISTER(mul_epu32)((int_register)c, m), odd = (vq)REGISTER(mul_epu32)((int_register)((vq)c >> 32), m);
    *high = (vu)((even >> 32) | (odd & 0xffffffff00000000u));
    *low = (vu)((even & 0xffffffffu) | (odd << 32));
}

/* Four words for each of LANES consecutive counters. */
INLINE void philox(vu out[4], vu counter, uint32_t position, uint32_t sample, const uint32_t key[2]) {
    vu c0 = counter, c1 = position - (vu){0}, c2 = sample - (vu){0}, c3 = {0};
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        vu high0, low0, high1, low1;
        multiply_words(c0, 0xD2511F53u, &high0, &low0);
        multiply_words(c2, 0xCD9E8D57u, &high1, &low1);
        c0 = high1 ^ c1 ^ k0;
        c2 = high0 ^ c3 ^ k1;
        c1 = low1;
        c3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* The words for the noise of a block of 64 logits: four for each of 16 counters. */
enum { BLOCK = 64 };
typedef struct block_words {
    vu part[PARTS][4];
} block_words;

INLINE void draw_words(block_words *w, size_t base, uint32_t position, uint32_t sample, const uint32_t key[2]) {
    vu lane;
    for (uint32_t i = 0; i < LANES; i++) {
        lane[i] = i;
    }
    EACH_PART(p) { philox(w->part[p], lane + ((uint32_t)(base / 4) + (uint32_t)p * LANES), position, sample, key); }
}

/* -log(E), E = -log(1 - v) exponential, v = (word + 1/2) / 2^32. Small E, which win, come from small v and are exact there. */
INLINE vf gumbel(vu word) {
    const vf v = __builtin_convertvector((vi)(word >> 1), vf) * 0x1p-31f + 0x1p-33f;
    /* -log(1-v): a series below 2^-6, where 1 - v loses bits */
    const vf series = v * (1.0f + v * (0.5f + v * (1.0f / 3 + v * (0.25f + v * 0.2f))));
    const vf usual = -vlog(choose(v < all(0.99999994f), 1.0f - v, all(5.9604645e-8f)));
    return -vlog(choose(v < all(0.015625f), series, usual));
}

INLINE vu fewer(vu a, vu b) {
    const vi less = a < b;
    return (vu)((less & (vi)a) | (~less & (vi)b));
}

INLINE uint32_t smallest(const block_words *w) {
    vu least = w->part[0][0];
    EACH_PART(p) { least = fewer(least, fewer(fewer(w->part[p][0], w->part[p][1]), fewer(w->part[p][2], w->part[p][3]))); }
    FOLD(least, fewer);
    return least[0];
}

/* In the order of the block's logits. */
INLINE void noise_of_block(float noise[BLOCK], const block_words *w) {
    float lanes[4][16];
    for (size_t word = 0; word < 4; word++) {
        EACH_PART(p) { store(lanes[word] + p * LANES, gumbel(w->part[p][word])); }
    }
    for (size_t i = 0; i < BLOCK; i++) {
        noise[i] = lanes[i % 4][i / 4];
    }
}

/* Where a draw stands. Of equal values the smaller index wins. */
typedef struct draw {
    float best;
    size_t winner;
} draw;

/* A block of up to 64 logits from `base` on, with the words for its noise. */
static void draw_block(draw *d, const float *logits, size_t base, size_t count, float inverse_temperature,
                       const block_words *words) {
    float noise[BLOCK];
    noise_of_block(noise, words);
    for (size_t i = 0; i < count; i++) {
        const float value = logits[base + i] * inverse_temperature + noise[i];
        if (value > d->best || (value == d->best && base + i < d->winner)) {
            *d = (draw){value, base + i};
        }
    }
}

/* Words from here on give noise below `least`: -log(-log(1 - v)) < -log(v). With room for rounding. */
static uint32_t word_for(float least) {
    const float v = expf(-least) * 1.001f;
    return v < 0.99f ? (uint32_t)(v * 0x1p32f) + 64 : UINT32_MAX;
}

static float block_maximum(const float *logits, size_t count) {
    vf most = all(-INFINITY);
    for (size_t i = 0; i < count; i += LANES) {
        most = larger(load_some(logits + i, count - i, -INFINITY), most);
    }
    return register_max(most);
}

/*
 * The block of the largest logit comes first: what it gives is hard to beat. Another block needs its noise only when its
 * largest logit could win with the most there is (23.6), and logarithms only when one of its words is small enough.
 */
static size_t gumbel_argmax(const float *logits, size_t n, float inverse_temperature, const uint32_t key[2], uint32_t position,
                            uint32_t sample) {
    draw d = {-INFINITY, 0};
    size_t first = 0;
    float most = -INFINITY;
    for (size_t base = 0; base < n; base += BLOCK) {
        const float one = block_maximum(logits + base, n - base < BLOCK ? n - base : BLOCK);
        if (one > most) {
            most = one;
            first = base;
        }
    }
    block_words words;
    draw_words(&words, first, position, sample, key);
    draw_block(&d, logits, first, n - first < BLOCK ? n - first : BLOCK, inverse_temperature, &words);
    for (size_t base = 0; base < n; base += BLOCK) {
        const size_t count = n - base < BLOCK ? n - base : BLOCK;
        const float top = block_maximum(logits + base, count) * inverse_temperature;
        const float least = d.best - top - (1e-3f + 1e-5f * fabsf(d.best));
        if (base == first || !(least <= 24.0f)) {
            continue;
        }
        draw_words(&words, base, position, sample, key);
        if (smallest(&words) <= word_for(least)) {
            draw_block(&d, logits, base, count, inverse_temperature, &words);
        }
    }
    return d.winner;
}

/* ---- sampling within bounds ---- */

/* With room for the rounding of bounds, temperature and noise. */
static bool may_win(const draw *d, float most) { return !(most < d->best - (1e-3f + 1e-5f * fabsf(d->best))); }

static void draw_exactly(draw *d, const hma_screened *s, size_t index, float inverse_temperature, float noise) {
    const float value = s->exact(s->user, index) * inverse_temperature + noise;
    if (value > d->best || (value == d->best && index < d->winner)) {
        *d = (draw){value, index};
    }
}

/* A block whose logits lie below their bounds; `noise` is of its logits, or NULL. The likeliest winner first. */
static void draw_bounded_block(draw *d, const hma_screened *s, size_t base, size_t count, float inverse_temperature,
                               const float *noise) {
    float most[BLOCK], top = -INFINITY;
    size_t best = 0;
    for (size_t i = 0; i < count; i++) {
        most[i] = s->most[base + i] * inverse_temperature + (noise ? noise[i] : 0);
        best = most[i] > top ? i : best;
        top = most[i] > top ? most[i] : top;
    }
    if (!may_win(d, top)) {
        return;
    }
    draw_exactly(d, s, base + best, inverse_temperature, noise ? noise[best] : 0);
    for (size_t i = 0; i < count; i++) {
        if (i != best && may_win(d, most[i])) {
            draw_exactly(d, s, base + i, inverse_temperature, noise ? noise[i] : 0);
        }
    }
}

static size_t screened_argmax(const hma_screened *s, size_t n, float inverse_temperature, const uint32_t *key,
                              uint32_t position, uint32_t sample) {
    draw d = {-INFINITY, 0};
    const size_t blocks = (n + BLOCK - 1) / BLOCK;
    size_t first = 0;
    float noise[BLOCK];
    for (size_t b = 1; b < blocks; b++) {
        first = s->tops[b] > s->tops[first] ? b : first;
    }
    /* the block of the highest bound, and then all in order */
    for (size_t turn = 0, b = first; turn == 0 || b < blocks; b = turn ? b + 1 : 0, turn = 1) {
        const size_t base = b * BLOCK, count = n - base < BLOCK ? n - base : BLOCK;
        const float most = s->tops[b] * inverse_temperature;
        if (turn && (b == first || !may_win(&d, most + (key ? 24.0f : 0)))) {
            continue;
        }
        if (key) {
            block_words words;
            draw_words(&words, base, position, sample, key);
            const float least = d.best - most - (1e-3f + 1e-5f * fabsf(d.best));
            if (turn && smallest(&words) > word_for(least)) {
                continue;
            }
            noise_of_block(noise, &words);
        }
        draw_bounded_block(&d, s, base, count, inverse_temperature, key ? noise : NULL);
    }
    return d.winner;
}

const hma_vector HMA_VECTOR_TABLE = {HMA_VECTOR_NAME, rms_norm, layer_norm,   activate,      add,
                                     rotate,          attend,   softmax_part, gumbel_argmax, screened_argmax};
