#include "eval/transformer/head.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/layer.h"

enum { ROWS_AT_ONCE = 96 };

static hma_status not_finite(const hma_engine *e) {
    return hma_error(HMA_NON_FINITE,
                     "%s: a logit is NaN or infinite (expected finite scores): the weights overflow in fp32; check them "
                     "with hma verify",
                     e->name);
}

/* ---- rows that are asked for more than once ---- */

/*
 * Choices of one question are all predicted, first, from the question's last position: the same bits of hidden state come as
 * often as there are choices, and need one row of logits.
 */
typedef struct distinct {
    size_t count;   /* rows that differ */
    float *hidden;  /* [count, width] */
    size_t *of_row; /* [rows]: which of them it is */
    size_t *begin;  /* [count + 1]: where its rows begin in `rows` */
    size_t *rows;   /* rows of each, one after the other */
} distinct;

typedef struct digest {
    uint64_t bits;
    size_t row;
} digest;

static int compare_digests(const void *a, const void *b) {
    const digest *x = a, *y = b;
    return x->bits != y->bits ? (x->bits < y->bits ? -1 : 1) : x->row < y->row ? -1 : x->row > y->row;
}

static uint64_t digest_of(const float *row, size_t width) {
    uint64_t bits = 0xcbf29ce484222325u;
    for (size_t i = 0; i < width; i++) {
        uint32_t word;
        memcpy(&word, row + i, sizeof word);
        bits = (bits ^ word) * 0x100000001b3u;
    }
    return bits;
}

static void free_distinct(distinct *d) {
    free(d->hidden);
    free(d->of_row);
    free(d->begin);
    free(d->rows);
}

/* Rows with equal digests lie together in `order`; of different ones among them each is taken to be distinct. */
static void gather_distinct(distinct *d, const digest *order, const float *hidden, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) {
        const float *row = hidden + order[i].row * width;
        const float *last = d->count ? d->hidden + (d->count - 1) * width : NULL;
        if (!last || memcmp(last, row, width * sizeof *row) != 0) {
            d->begin[d->count] = i;
            memcpy(d->hidden + d->count++ * width, row, width * sizeof *row);
        }
        d->rows[i] = order[i].row;
        d->of_row[order[i].row] = d->count - 1;
    }
    d->begin[d->count] = count;
}

static hma_status find_distinct(distinct *d, const float *hidden, size_t count, size_t width) {
    digest *order = HMA_NEW(digest, count);
    d->hidden = hma_new_aligned(count * width, sizeof *d->hidden);
    d->of_row = HMA_NEW(size_t, count);
    d->begin = HMA_NEW(size_t, count + 1);
    d->rows = HMA_NEW(size_t, count);
    const hma_status status = order && d->hidden && d->of_row && d->begin && d->rows ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK) {
        for (size_t i = 0; i < count; i++) {
            order[i] = (digest){digest_of(hidden + i * width, width), i};
        }
        qsort(order, count, sizeof *order, compare_digests);
        gather_distinct(d, order, hidden, count, width);
    }
    free(order);
    return status;
}

/* ---- log-probabilities ---- */

typedef struct scoring {
    const hma_engine *e;
    distinct rows_of_hidden;
    const int32_t *targets;
    size_t tile_first, tile_count; /* tiles of this round */
    hma_matrix matrix;             /* holds the head's rows of these tiles */
    size_t offset;                 /* its first row is that row of the head */
    size_t rows;                   /* of the whole head */
    float **logits;                /* [threads]: [ROWS_AT_ONCE, HMA_HEAD_TILE] */
    hma_partial *parts;            /* [all tiles, distinct rows] */
    float *target_logit;           /* [targets] */
} scoring;

static hma_status score_block(void *argument, size_t index, size_t worker) {
    const scoring *s = argument;
    const distinct *d = &s->rows_of_hidden;
    const size_t tile = s->tile_first + index % s->tile_count, first = index / s->tile_count * ROWS_AT_ONCE;
    const size_t rows = hma_min_size(ROWS_AT_ONCE, d->count - first), hidden = s->matrix.columns;
    const size_t base = tile * HMA_HEAD_TILE, wide = hma_min_size(HMA_HEAD_TILE, s->rows - base);
    float *logits = s->logits[worker];
    const hma_status status = hma_layer_multiply(s->e, NULL, d->hidden + first * hidden, hidden, rows, &s->matrix,
                                                 base - s->offset, wide, logits, wide);
    for (size_t i = 0; status == HMA_OK && i < rows; i++) {
        float *row = logits + i * wide;
        s->parts[tile * d->count + first + i] = s->e->kernels->vector->softmax_part(row, wide, s->e->a->final_softcap);
        for (size_t r = d->begin[first + i]; r < d->begin[first + i + 1]; r++) {
            const size_t target = (size_t)s->targets[d->rows[r]];
            if (target >= base && target < base + wide) {
                s->target_logit[d->rows[r]] = row[target - base];
            }
        }
    }
    return status;
}

/* Puts the tiles of one row together, in order. */
static bool finish_row(const scoring *s, size_t tiles, size_t row, double *logprob, bool *greedy, double *normalizer) {
    const size_t count = s->rows_of_hidden.count, of_row = s->rows_of_hidden.of_row[row];
    float max = -INFINITY;
    size_t argmax = 0;
    for (size_t t = 0; t < tiles; t++) {
        const hma_partial *p = &s->parts[t * count + of_row];
        if (p->max > max) {
            max = p->max;
            argmax = t * HMA_HEAD_TILE + p->argmax;
        }
    }
    double sum = 0;
    for (size_t t = 0; t < tiles; t++) {
        const hma_partial *p = &s->parts[t * count + of_row];
        sum += (double)p->sum * exp((double)p->max - (double)max);
    }
    *logprob = (double)s->target_logit[row] - (double)max - log(sum);
    *greedy = argmax == (size_t)s->targets[row];
    if (normalizer) {
        *normalizer = (double)max + log(sum);
    }
    return isfinite(*logprob);
}

hma_status hma_head_score(hma_engine *e, const float *hidden, size_t count, const int32_t *targets, double *logprob,
                          bool *greedy, double *normalizer) {
    const size_t rows = hma_weights_head_rows(e->weights), tiles = (rows + HMA_HEAD_TILE - 1) / HMA_HEAD_TILE;
    const size_t threads = hma_context_threads(e->context);
    scoring s = {.e = e, .targets = targets, .rows = rows};
    hma_status status = find_distinct(&s.rows_of_hidden, hidden, count, e->a->hidden);
    if (status != HMA_OK) {
        goto out;
    }
    const size_t apart = s.rows_of_hidden.count, blocks = (apart + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
    s.parts = HMA_NEW(hma_partial, tiles * apart);
    s.target_logit = HMA_NEW(float, count);
    s.logits = HMA_NEW(float *, threads);
    if (!s.parts || !s.target_logit || !s.logits) {
        status = HMA_FAILURE;
        goto out;
    }
    for (size_t t = 0; t < threads; t++) {
        s.logits[t] = hma_new_aligned((size_t)ROWS_AT_ONCE * HMA_HEAD_TILE, sizeof(float));
        if (!s.logits[t]) {
            status = HMA_FAILURE;
            goto out;
        }
    }
    /* resident heads give all tiles in one round; otherwise a tile is gone when the next one comes */
    const size_t round = hma_weights_resident(e->weights) ? tiles : 1;
    for (s.tile_first = 0; s.tile_first < tiles; s.tile_first += round) {
        const size_t first = s.tile_first * HMA_HEAD_TILE;
        s.tile_count = round;
        status = hma_weights_head(e->weights, first, hma_min_size(round * HMA_HEAD_TILE, rows - first), &s.matrix, &s.offset);
        if (status != HMA_OK) {
            goto out;
        }
        const double start = hma_seconds();
        status = hma_pool_run(hma_context_pool(e->context), blocks * round, score_block, &s);
        e->seconds += hma_seconds() - start;
        if (status != HMA_OK || (status = hma_context_check(e->context)) != HMA_OK) {
            goto out;
        }
    }
    e->flops += 2 * (double)apart * (double)rows * (double)e->a->hidden;
    for (size_t i = 0; i < count; i++) {
        if (!finish_row(&s, tiles, i, &logprob[i], &greedy[i], normalizer ? &normalizer[i] : NULL)) {
            status = not_finite(e);
            break;
        }
    }
out:
    for (size_t t = 0; s.logits && t < threads; t++) {
        free(s.logits[t]);
    }
    free_distinct(&s.rows_of_hidden);
    free(s.logits);
    free(s.parts);
    free(s.target_logit);
    return status;
}

typedef struct capping {
    const hma_engine *e;
    float *logits;
    size_t rows;
    bool *finite;
} capping;

static hma_status cap_row(void *argument, size_t index, size_t worker) {
    const capping *c = argument;
    (void)worker;
    const hma_partial part = c->e->kernels->vector->softmax_part(c->logits + index * c->rows, c->rows, c->e->a->final_softcap);
    c->finite[index] = isfinite(part.max) && isfinite(part.sum);
    return HMA_OK;
}

/* The logits of rows first .. first+wide-1 of the head. */
static hma_status logits_of_tile(const hma_head_job *job, size_t first, size_t wide) {
    hma_engine *e = job->engine;
    hma_matrix matrix;
    size_t offset;
    hma_status status = hma_weights_head(e->weights, first, wide, &matrix, &offset);
    if (status == HMA_OK) {
        const double start = hma_seconds();
        status = hma_layer_multiply(e, hma_context_pool(e->context), job->hidden, matrix.columns, job->count, &matrix,
                                    first - offset, wide, job->logits + first, hma_weights_head_rows(e->weights));
        e->seconds += hma_seconds() - start;
    }
    return status;
}

static hma_status finish_logits(const hma_head_job *job) {
    hma_engine *e = job->engine;
    const size_t rows = hma_weights_head_rows(e->weights);
    bool *finite = HMA_NEW(bool, job->count);
    hma_status status = HMA_FAILURE;
    e->flops += 2 * (double)job->count * (double)rows * (double)e->a->hidden;
    if (finite) {
        capping c = {e, job->logits, rows, finite};
        status = hma_pool_run(hma_context_pool(e->context), job->count, cap_row, &c);
    }
    for (size_t i = 0; status == HMA_OK && i < job->count; i++) {
        status = finite[i] ? HMA_OK : not_finite(e);
    }
    free(finite);
    return status;
}

hma_status hma_heads_logits(const hma_head_job *jobs, size_t count) {
    hma_status status = HMA_OK;
    const hma_weights *weights = count ? jobs[0].engine->weights : NULL;
    const size_t rows = count ? hma_weights_head_rows(weights) : 0,
                 tile = count && hma_weights_resident(weights) ? rows : HMA_HEAD_TILE;
    for (size_t first = 0; status == HMA_OK && first < rows; first += tile) {
        for (size_t i = 0; status == HMA_OK && i < count; i++) {
            status = logits_of_tile(&jobs[i], first, hma_min_size(tile, rows - first));
        }
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        status = finish_logits(&jobs[i]);
    }
    return status;
}

hma_status hma_head_logits(hma_engine *e, const float *hidden, size_t count, float *logits) {
    return hma_heads_logits(&(hma_head_job){e, hidden, count, logits}, 1);
}

static hma_status bound_rows(hma_engine *e, hma_screening *screening, const float *hidden, size_t count, float *most,
                             bool *possible) {
    const double start = hma_seconds();
    const hma_status status = hma_screening_bound(screening, hma_context_pool(e->context), hidden, count, most, possible);
    e->seconds += hma_seconds() - start;
    if (status == HMA_OK && *possible) {
        /* four operations in 8 bits count as one: they take as long */
        e->flops += 2 * (double)count * (double)hma_weights_head_rows(e->weights) * (double)e->a->hidden / 4;
    }
    return status;
}

hma_status hma_head_next(hma_engine *e, hma_screening *screening, const float *hidden, size_t count, const bool *whole,
                         float *out, bool *bounded) {
    hma_status status = HMA_OK;
    *bounded = false;
    for (size_t i = 0; screening->screen && i < count && !*bounded; i++) {
        *bounded = !whole[i];
    }
    if (*bounded) {
        status = bound_rows(e, screening, hidden, count, out, bounded);
    }
    /* logits, run by run of rows that need them */
    for (size_t i = 0, end; status == HMA_OK && i < count; i = end) {
        for (end = i + 1; end < count && (!*bounded || whole[end] == whole[i]); end++) {
        }
        if (!*bounded || whole[i]) {
            status = hma_head_logits(e, hidden + i * e->a->hidden, end - i, out + i * hma_weights_head_rows(e->weights));
        }
    }
    return status;
}
