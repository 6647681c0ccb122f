#include "merge/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "merge/source.h"
#include "merge/values.h"

typedef struct blocks {
    const hma_tensor_pair *pair;
    void *from, *to; /* as stored */
    float *from_wide, *to_wide;
} blocks;

static void end(blocks *b) {
    free(b->from);
    free(b->to);
    free(b->from_wide);
    free(b->to_wide);
}

static hma_status begin(blocks *out, const hma_tensor_pair *pair, bool wide) {
    const size_t count = (size_t)hma_min_u64(pair->count, HMA_BLOCK), size = hma_dtype_size(pair->to_tensor->dtype);
    blocks b = {pair, hma_new_aligned(count, size), hma_new_aligned(count, size),
                hma_new_aligned(wide ? count : 0, sizeof(float)), hma_new_aligned(wide ? count : 0, sizeof(float))};
    if (!b.from || !b.to || !b.from_wide || !b.to_wide) {
        end(&b);
        return HMA_FAILURE;
    }
    *out = b;
    return HMA_OK;
}

static hma_status read(const blocks *b, uint64_t first, size_t count) {
    const hma_status status = hma_checkpoint_read(b->pair->from, b->pair->from_tensor, first, count, b->from);
    return status == HMA_OK ? hma_checkpoint_read(b->pair->to, b->pair->to_tensor, first, count, b->to) : status;
}

static hma_status not_finite(const blocks *b, uint64_t first, size_t count) {
    const hma_status status = hma_check_finite(b->pair->from, b->pair->from_tensor, first, count, b->from);
    return status == HMA_OK ? hma_check_finite(b->pair->to, b->pair->to_tensor, first, count, b->to) : status;
}

hma_status hma_pair_cosine(const hma_tensor_pair *pair, const hma_kernels *kernels, double *cosine) {
    double from_squared = 0, to_squared = 0, product = 0;
    blocks b;
    hma_status status = begin(&b, pair, false);
    if (status != HMA_OK) {
        return status;
    }
    for (uint64_t first = 0; status == HMA_OK && first < pair->count; first += HMA_BLOCK) {
        const size_t n = (size_t)hma_min_u64(HMA_BLOCK, pair->count - first);
        hma_delta_sums sums;
        status = read(&b, first, n);
        if (status == HMA_OK && !kernels->measure_delta(pair->to_tensor->dtype, n, b.from, b.to, &sums)) {
            status = not_finite(&b, first, n);
        }
        if (status == HMA_OK) {
            from_squared += sums.pre_squared;
            to_squared += sums.post_squared;
            product += sums.product;
        }
    }
    end(&b);
    if (status == HMA_OK) {
        const double norms = sqrt(from_squared) * sqrt(to_squared);
        *cosine = norms > 0 ? fmin(fmax(product / norms, -1), 1) : NAN;
    }
    return status;
}

/* ---- the border ---- */

enum { UPPER_BINS = 1 << 15, LOWER_BINS = 1 << 16 };

/* Counts magnitudes: by their upper bits, or by their lower ones where the upper ones are `upper`. */
typedef struct counting {
    uint64_t *bins;
    bool lower;
    uint32_t upper;
} counting;

static void count_block(const counting *c, const float *from, const float *to, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint32_t size = hma_delta_magnitude(from[i], to[i]);
        if (!c->lower) {
            c->bins[size >> 16]++;
        } else if (size >> 16 == c->upper) {
            c->bins[size & 0xffffu]++;
        }
    }
}

static hma_status count_all(const counting *c, blocks *b, const hma_kernels *kernels) {
    const hma_dtype type = b->pair->to_tensor->dtype;
    hma_status status = HMA_OK;
    for (uint64_t first = 0; status == HMA_OK && first < b->pair->count; first += HMA_BLOCK) {
        const size_t n = (size_t)hma_min_u64(HMA_BLOCK, b->pair->count - first);
        status = read(b, first, n);
        if (status == HMA_OK && (!kernels->all_finite(type, n, b->from) || !kernels->all_finite(type, n, b->to))) {
            status = not_finite(b, first, n);
        }
        if (status == HMA_OK) {
            kernels->widen(type, n, b->from, b->from_wide);
            kernels->widen(type, n, b->to, b->to_wide);
            count_block(c, b->from_wide, b->to_wide, n);
        }
    }
    return status;
}

/* The bin with the `wanted`th largest value; *wanted becomes its place within the bin. */
static uint32_t find_bin(const uint64_t *bins, uint32_t count, uint64_t *wanted) {
    uint32_t bin = count - 1;
    while (bin > 0 && bins[bin] < *wanted) {
        *wanted -= bins[bin--];
    }
    return bin;
}

hma_status hma_pair_border(const hma_tensor_pair *pair, const hma_kernels *kernels, double density, hma_keep *keep) {
    uint64_t wanted = hma_max_u64((uint64_t)(density * (double)pair->count), 1);
    uint64_t *bins = HMA_NEW(uint64_t, LOWER_BINS);
    counting c = {.bins = bins};
    blocks b = {0};
    hma_status status = bins ? begin(&b, pair, true) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = count_all(&c, &b, kernels);
    }
    if (status == HMA_OK) {
        c = (counting){bins, true, find_bin(bins, UPPER_BINS, &wanted)};
        memset(bins, 0, LOWER_BINS * sizeof *bins);
        status = count_all(&c, &b, kernels);
    }
    if (status == HMA_OK) {
        const uint32_t bin = find_bin(bins, LOWER_BINS, &wanted);
        keep->threshold = c.upper << 16 | bin;
        keep->share = bins[bin] > 0 ? (double)wanted / (double)bins[bin] : 1;
    }
    end(&b);
    free(bins);
    return status;
}
