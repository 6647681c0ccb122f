#include "eval/transformer/head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/layer.h"

enum { ROWS_AT_ONCE = 96 };

static hma_status not_finite(const hma_engine *e) {
    return hma_error(HMA_NON_FINITE, "%s: a logit is NaN or infinite (expected finite scores): the weights overflow in fp32; check them "
                     "with hma verify", e->name);
}

typedef struct scoring {
    const hma_engine *e;
    const float *hidden;
    size_t count;
    const int32_t *targets;
    size_t tile_first, tile_count; /* tiles of this round */
    hma_matrix matrix;             /* holds the head's rows of these tiles */
    size_t offset;                 /* its first row is that row of the head */
    size_t rows;                   /* of the whole head */
    float **logits;                /* [threads]: [ROWS_AT_ONCE, HMA_HEAD_TILE] */
    hma_partial *parts;            /* [all tiles, count] */
    float *target_logit;           /* [count] */
} scoring;

static hma_status score_block(void *argument, size_t index, size_t worker) {
    const scoring *s = argument;
    const size_t tile = s->tile_first + index % s->tile_count, first = index / s->tile_count * ROWS_AT_ONCE;
    const size_t rows = hma_min_size(ROWS_AT_ONCE, s->count - first), hidden = s->matrix.columns;
    const size_t base = tile * HMA_HEAD_TILE, wide = hma_min_size(HMA_HEAD_TILE, s->rows - base);
    float *logits = s->logits[worker];
    const hma_status status = hma_layer_multiply(s->e, NULL, s->hidden + first * hidden, hidden, rows, &s->matrix, base - s->offset, wide,
                                                 logits, wide);
    for (size_t i = 0; status == HMA_OK && i < rows; i++) {
        float *row = logits + i * wide;
        s->parts[tile * s->count + first + i] = s->e->kernels->vector->softmax_part(row, wide, s->e->a->final_softcap);
        const size_t target = (size_t)s->targets[first + i];
        if (target >= base && target < base + wide) {
            s->target_logit[first + i] = row[target - base];
        }
    }
    return status;
}

/* Puts the tiles of one row together, in order. */
static bool finish_row(const scoring *s, size_t tiles, size_t row, double *logprob, bool *greedy, double *normalizer) {
    float max = -INFINITY;
    size_t argmax = 0;
    for (size_t t = 0; t < tiles; t++) {
        const hma_partial *p = &s->parts[t * s->count + row];
        if (p->max > max) {
            max = p->max;
            argmax = t * HMA_HEAD_TILE + p->argmax;
        }
    }
    double sum = 0;
    for (size_t t = 0; t < tiles; t++) {
        const hma_partial *p = &s->parts[t * s->count + row];
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
    const size_t threads = hma_context_threads(e->context), blocks = (count + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
    scoring s = {.e = e, .hidden = hidden, .count = count, .targets = targets, .rows = rows};
    hma_status status = HMA_OK;
    s.parts = HMA_NEW(hma_partial, tiles * count);
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
    e->flops += 2 * (double)count * (double)rows * (double)e->a->hidden;
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

hma_status hma_head_logits(hma_engine *e, const float *hidden, size_t count, float *logits) {
    const size_t rows = hma_weights_head_rows(e->weights), tile = hma_weights_resident(e->weights) ? rows : HMA_HEAD_TILE;
    hma_status status = HMA_OK;
    for (size_t first = 0; status == HMA_OK && first < rows; first += tile) {
        hma_matrix matrix;
        size_t offset;
        const size_t wide = hma_min_size(tile, rows - first);
        status = hma_weights_head(e->weights, first, wide, &matrix, &offset);
        if (status == HMA_OK) {
            const double start = hma_seconds();
            status = hma_layer_multiply(e, hma_context_pool(e->context), hidden, matrix.columns, count, &matrix, first - offset, wide,
                                        logits + first, rows);
            e->seconds += hma_seconds() - start;
        }
    }
    e->flops += 2 * (double)count * (double)rows * (double)e->a->hidden;
    bool *finite = HMA_NEW(bool, count);
    if (status == HMA_OK && finite) {
        capping c = {e, logits, rows, finite};
        status = hma_pool_run(hma_context_pool(e->context), count, cap_row, &c);
    } else if (status == HMA_OK) {
        status = HMA_FAILURE;
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        status = finite[i] ? HMA_OK : not_finite(e);
    }
    free(finite);
    return status;
}
