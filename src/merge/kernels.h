/*
 * The inner loops over elements. Every instruction set has its own copy of the same C (kernels_body.h), compiled with its own
 * flags; all of them give the same bits, so which one runs is a matter of speed only.
 *
 * A call covers a run of elements that fits the caches; callers cut tensors at fixed places (blocks of HMA_BLOCK elements),
 * which is what makes sums independent of threads.
 */
#ifndef HMA_MERGE_KERNELS_H
#define HMA_MERGE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "hma/checkpoint.h"

/* How the elements of one tensor are made. */
typedef struct hma_blend {
    hma_dtype from, to; /* weight types; `from` is that of pre and post */
    double ratio;
    bool stochastic;
    hma_rng_key key; /* of stochastic rounding: the tensor's own; elements draw by their flat index */
} hma_blend;

/* Sums over a run of elements. */
typedef struct hma_loss_sums {
    uint64_t differing;   /* pre and post have other bits, and the ratio lies between 0 and 1 */
    uint64_t lost;        /* of those: nearest rounding gave what pre or post alone would have given */
    double error_squared; /* (result - exact)^2 */
    double delta_squared; /* (post - pre)^2 */
} hma_loss_sums;

typedef struct hma_delta_sums {
    double pre_squared, post_squared, product, delta_squared;
    double max_abs; /* of post - pre */
    uint64_t changed; /* values that differ: 0 and -0 do not */
} hma_delta_sums;

typedef struct hma_kernels {
    const char *name;

    /* Elements first .. first+count-1 into out[count]. False when an input or a result is not finite; out is then not to be
     * used. */
    bool (*blend)(const hma_blend *blend, uint64_t first, size_t count, const void *pre, const void *post, void *out);

    /* What rounding did to a finished run. All values must be finite. */
    void (*measure_loss)(const hma_blend *blend, size_t count, const void *pre, const void *post, const void *out,
                         hma_loss_sums *sums);

    /* False when an input is not finite; sums are then not to be used. */
    bool (*measure_delta)(hma_dtype dtype, size_t count, const void *pre, const void *post, hma_delta_sums *sums);

    bool (*all_finite)(hma_dtype dtype, size_t count, const void *values);
    void (*widen)(hma_dtype dtype, size_t count, const void *values, float *out);
} hma_kernels;

/* The best ones for this processor. */
const hma_kernels *hma_kernels_best(void);

/* All that this processor can run, the portable ones first; NULL after the last. */
const hma_kernels *hma_kernels_at(size_t index);

#endif
