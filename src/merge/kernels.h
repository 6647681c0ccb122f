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

/* What an element becomes before it is rounded: x of pre, y of post, b of the base. Methods and their formulas: hma/recipe.h.
 */
typedef enum hma_form {
    HMA_FORM_LINEAR = 0, /* (1-ratio) x + ratio y */
    HMA_FORM_SPHERICAL,  /* weight[0] x + weight[1] y, also where x = y */
    HMA_FORM_SHIFTED,    /* (1-lambda) b + lambda ((1-ratio) x + ratio y) */
    HMA_FORM_KEPT,       /* where y is kept (1-ratio) x + ratio y, else x */
    HMA_FORM_SUMMED,     /* b + weight[0] (x - b) where x is kept + weight[1] (y - b) where y is kept */
    HMA_FORM_ELECTED     /* ties with a base: of x - b and y - b, those that are kept and have the elected sign */
} hma_form;

/* Which elements of a delta are kept. Draws are uniform numbers, by the element's flat index. */
typedef struct hma_keep {
    bool by_size;       /* else by drawing alone: below `share` */
    uint32_t threshold; /* fp32 bits of a magnitude: larger ones are kept, */
    double share;       /* and of equal ones those whose draw is below this */
    hma_rng_key key;
} hma_keep;

/* How the elements of one tensor are made. */
typedef struct hma_blend {
    hma_dtype from, to; /* weight types; `from` is that of pre, post and base */
    hma_form form;
    double ratio;
    double lambda, weight[2];
    hma_keep keep[2]; /* of x and y */
    bool stochastic;
    hma_rng_key key; /* of stochastic rounding: the tensor's own; elements draw by their flat index */
} hma_blend;

/* The same run of elements of each model; `base` is read by forms with b only. */
typedef struct hma_operands {
    const void *pre, *post, *base;
} hma_operands;

/* Sums over a run of elements. */
typedef struct hma_loss_sums {
    uint64_t differing;   /* pre and post have other bits, and the exact value is meant to be neither's */
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
    bool (*blend)(const hma_blend *blend, uint64_t first, size_t count, const hma_operands *in, void *out);

    /* What rounding did to a finished run. All values must be finite. */
    void (*measure_loss)(const hma_blend *blend, uint64_t first, size_t count, const hma_operands *in, const void *out,
                         hma_loss_sums *sums);

    /* False when an input is not finite; sums are then not to be used. */
    bool (*measure_delta)(hma_dtype dtype, size_t count, const void *pre, const void *post, hma_delta_sums *sums);

    bool (*all_finite)(hma_dtype dtype, size_t count, const void *values);
    void (*widen)(hma_dtype dtype, size_t count, const void *values, float *out);
} hma_kernels;

/* Whether the form reads a base. */
static inline bool hma_form_has_base(hma_form form) {
    return form == HMA_FORM_SHIFTED || form == HMA_FORM_SUMMED || form == HMA_FORM_ELECTED;
}

/* The size by which deltas are trimmed: that of the difference, rounded to fp32. */
static inline uint32_t hma_delta_magnitude(float from, float to) {
    const float size = (float)__builtin_fabs((double)to - (double)from);
    uint32_t bits;
    __builtin_memcpy(&bits, &size, sizeof bits);
    return bits;
}

/* The best ones for this processor. */
const hma_kernels *hma_kernels_best(void);

/* All that this processor can run, the portable ones first; NULL after the last. */
const hma_kernels *hma_kernels_at(size_t index);

#endif
